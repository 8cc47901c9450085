//! File search: stores, documents that come in and go, and answers that rest on them.

use std::{sync::Arc, time::Duration};

use gimmal_emulator::{Emulator, EmulatorBuilder, Fault, FaultRule, ManualClock, Route};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Answer, FACT, MODEL, Session, answer, text};

const QUESTION: &str = "Where does the night porter keep the spare keys?";

struct Shelf {
    session: Session,
    clock: ManualClock,
    store: String,
}

impl Shelf {
    async fn open(builder: EmulatorBuilder) -> Self {
        let clock = ManualClock::new();
        let builder = builder
            .with_clock(Arc::new(clock.clone()))
            .with_operation_time(Duration::from_secs(10));
        let session = Session::start(builder).await;
        let store = session
            .post(
                "v1beta/fileSearchStores",
                &json!({"displayName": "My Shelf"}),
            )
            .await
            .ok();
        let store = store["name"].as_str().expect("a name").to_owned();
        Self {
            session,
            clock,
            store,
        }
    }

    /// Brings a document in one request, and returns its operation.
    async fn put(&self, mime: &str, about: Value, content: impl AsRef<[u8]>) -> Answer {
        let body = [
            b"--b\r\nContent-Type: application/json\r\n\r\n".as_slice(),
            about.to_string().as_bytes(),
            format!("\r\n--b\r\nContent-Type: {mime}\r\n\r\n").as_bytes(),
            content.as_ref(),
            b"\r\n--b--\r\n",
        ]
        .concat();
        let path = format!("upload/v1beta/{}:uploadToFileSearchStore", self.store);
        let request = self
            .session
            .request(Method::POST, &path)
            .header("X-Goog-Upload-Protocol", "multipart")
            .header("Content-Type", "multipart/related; boundary=b")
            .body(body);
        answer(request).await
    }

    /// Brings a text and waits until it can be found; returns the name of its document.
    async fn add(&self, about: Value, content: &str) -> String {
        let begun = self.put("text/plain", about, content).await.ok();
        self.clock.advance(Duration::from_secs(10));
        let done = self.get(begun["name"].as_str().expect("a name")).await.ok();
        assert_eq!(done["done"], true, "{done}");
        done["response"]["documentName"]
            .as_str()
            .expect("a name")
            .to_owned()
    }

    async fn get(&self, name: &str) -> Answer {
        self.session.get(&format!("v1beta/{name}")).await
    }

    async fn delete(&self, name: &str) -> Answer {
        self.session.delete(&format!("v1beta/{name}")).await
    }

    async fn ask(&self, question: &str, tool: Value) -> Answer {
        let mut tool = tool;
        if tool["fileSearchStoreNames"].is_null() {
            tool["fileSearchStoreNames"] = json!([self.store]);
        }
        let body = json!({
            "contents": [{"parts": [{"text": question}]}],
            "tools": [{"fileSearch": tool}],
        });
        self.session.generate(&body).await
    }
}

fn chunks(reply: &Value) -> &Vec<Value> {
    let metadata = &reply["candidates"][0]["groundingMetadata"];
    metadata["groundingChunks"].as_array().expect("chunks")
}

#[tokio::test]
async fn a_document_is_found_once_it_is_ready() {
    let shelf = Shelf::open(Emulator::builder()).await;
    assert!(shelf.store.starts_with("fileSearchStores/my-shelf-"));
    let text = format!("Grüße! The hotel has two doors. {FACT} Breakfast is at eight.");
    let about = json!({"displayName": "hotel.txt", "customMetadata": [{"key": "floor", "numericValue": 2}]});
    let begun = shelf.put("text/plain", about, &text).await.ok();
    let name = begun["name"].as_str().expect("a name").to_owned();
    assert!(
        name.starts_with(&format!("{}/upload/operations/", shelf.store)),
        "{name}"
    );
    let store = shelf.get(&shelf.store).await.ok();
    assert_eq!(
        (
            &store["pendingDocumentsCount"],
            &store["activeDocumentsCount"]
        ),
        (&json!("1"), &Value::Null)
    );
    let early = shelf.ask(QUESTION, json!({})).await.ok();
    assert!(chunks(&early).is_empty());

    shelf.clock.advance(Duration::from_secs(10));
    let done = shelf.get(&name).await.ok();
    assert_eq!(done["response"]["parent"], shelf.store);
    let document = shelf
        .get(done["response"]["documentName"].as_str().expect("a name"))
        .await
        .ok();
    assert_eq!(document["state"], "STATE_ACTIVE");
    assert_eq!(document["displayName"], "hotel.txt");
    assert_eq!(document["mimeType"], "text/plain");
    assert_eq!(document["sizeBytes"], text.len().to_string());
    assert_eq!(
        document["customMetadata"],
        json!([{"key": "floor", "numericValue": 2.0}])
    );
    let store = shelf.get(&shelf.store).await.ok();
    assert_eq!(
        (&store["activeDocumentsCount"], &store["sizeBytes"]),
        (&json!("1"), &json!(text.len().to_string()))
    );
    assert_eq!(
        (&store["displayName"], &store["embeddingModel"]),
        (&json!("My Shelf"), &json!("models/gemini-embedding-001"))
    );

    let reply = shelf.ask(QUESTION, json!({})).await.ok();
    let answer = crate::client::text(&reply, 0);
    assert!(answer.contains(FACT), "{answer}");
    let context = &chunks(&reply)[0]["retrievedContext"];
    assert_eq!(
        (&context["title"], &context["text"]),
        (&json!("hotel.txt"), &json!(text))
    );
    assert_eq!(context["fileSearchStore"], shelf.store);
    assert_eq!(context["customMetadata"], document["customMetadata"]);
    assert!(reply["usageMetadata"]["toolUsePromptTokenCount"].as_u64() > Some(10));
}

#[tokio::test]
async fn segments_are_counted_in_bytes() {
    let shelf = Shelf::open(Emulator::builder()).await;
    let sentences = [
        "Grüße aus Zürich öffnen Türen.",
        "Schlüssel öffnen Türen für Gäste.",
        "Nichts davon.",
    ];
    shelf.add(json!({}), &sentences.join(" ")).await;
    let reply = shelf.ask("Was öffnen Türen?", json!({})).await.ok();
    let answer = text(&reply, 0);
    let supports = &reply["candidates"][0]["groundingMetadata"]["groundingSupports"];
    let supports = supports.as_array().expect("supports");
    assert_eq!(supports.len(), 2);
    for support in supports {
        let segment = &support["segment"];
        let start = segment["startIndex"].as_u64().unwrap_or(0) as usize;
        let end = segment["endIndex"].as_u64().expect("an end") as usize;
        assert_eq!(
            answer[start..end],
            *segment["text"].as_str().expect("a text")
        );
        assert_eq!(support["groundingChunkIndices"], json!([0]));
    }
    assert!(
        supports[1]["segment"]["startIndex"].as_u64()
            > Some(sentences[0].chars().count() as u64 + 1)
    );
}

#[tokio::test]
async fn a_stream_grounds_its_last_chunk() {
    let shelf = Shelf::open(Emulator::builder()).await;
    shelf.add(json!({}), FACT).await;
    let body = json!({
        "contents": [{"parts": [{"text": QUESTION}]}],
        "tools": {"file_search": {"file_search_store_names": [shelf.store]}},
    });
    let stream = shelf.session.stream("", &body).await;
    let bytes = stream.bytes().await.expect("bytes");
    let pieces: Value = serde_json::from_slice(&bytes).expect("JSON");
    let pieces = pieces.as_array().expect("chunks");
    let grounded = |piece: &Value| piece["candidates"][0].get("groundingMetadata").is_some();
    assert!(grounded(pieces.last().expect("a chunk")));
    assert_eq!(pieces.iter().filter(|piece| grounded(piece)).count(), 1);
}

#[tokio::test]
async fn chunks_have_the_size_that_was_asked_for() {
    let shelf = Shelf::open(Emulator::builder()).await;
    let text = (0..200)
        .map(|n| format!("word{n}"))
        .collect::<Vec<_>>()
        .join(" ");
    let chunking = json!({"whiteSpaceConfig": {"maxTokensPerChunk": 40, "maxOverlapTokens": 8}});
    shelf.add(json!({"chunkingConfig": chunking}), &text).await;
    let reply = shelf.ask("What is word100?", json!({"topK": 3})).await.ok();
    let found = chunks(&reply);
    assert_eq!(found.len(), 1);
    let chunk = found[0]["retrievedContext"]["text"]
        .as_str()
        .expect("a text");
    assert!(chunk.contains("word100") && text.contains(chunk));
    assert!(chunk.split(' ').count() < 40, "{chunk}");
    for (config, part) in [
        (
            json!({"whiteSpaceConfig": {"maxTokensPerChunk": 9999}}),
            "between 1 and 512",
        ),
        (json!({"sentenceConfig": {}}), "sentenceConfig"),
    ] {
        let refused = shelf
            .put("text/plain", json!({"chunkingConfig": config}), "x")
            .await;
        assert!(refused.refused(400, "INVALID_ARGUMENT").contains(part));
    }
}

#[tokio::test]
async fn a_search_is_narrowed_by_facts_and_number() {
    let shelf = Shelf::open(Emulator::builder()).await;
    for (year, lang) in [(1990, "en"), (2000, "de"), (2010, "en")] {
        let metadata = json!([
            {"key": "year", "numericValue": year},
            {"key": "lang", "stringValue": lang},
        ]);
        let about = json!({"displayName": format!("{year}"), "customMetadata": metadata});
        shelf
            .add(
                about,
                &format!("The ferry of {year} left the harbour at noon."),
            )
            .await;
    }
    let titles = async |filter: &str| {
        let reply = shelf
            .ask(
                "When did the ferry leave?",
                json!({"metadataFilter": filter}),
            )
            .await
            .ok();
        let mut titles: Vec<String> = chunks(&reply)
            .iter()
            .map(|chunk| {
                chunk["retrievedContext"]["title"]
                    .as_str()
                    .expect("a title")
                    .to_owned()
            })
            .collect();
        titles.sort();
        titles
    };
    assert_eq!(titles("").await.len(), 3);
    assert_eq!(titles("lang=en").await, ["1990", "2010"]);
    assert_eq!(
        titles("year > 1990 AND (lang = \"de\" OR year = 2010)").await,
        ["2000", "2010"]
    );
    assert!(titles("lang = fr").await.is_empty());
    let reply = shelf
        .ask("When did the ferry leave?", json!({"topK": 2}))
        .await
        .ok();
    assert_eq!(chunks(&reply).len(), 2);
    for (tool, part) in [
        (
            json!({"metadataFilter": "lang = "}),
            "compared with nothing",
        ),
        (json!({"topK": 1000}), "between 1 and 100"),
        (json!({"fileSearchStoreNames": []}), "1 to 5 names"),
        (json!({"fileSearchStoreNames": ["shelf"]}), "not the name"),
        (json!({"top": 1}), "\"top\""),
    ] {
        let refused = shelf.ask("x", tool).await;
        let message = refused.refused(400, "INVALID_ARGUMENT");
        assert!(message.contains(part), "{message}");
    }
    let unknown = json!({"fileSearchStoreNames": ["fileSearchStores/none"]});
    shelf
        .ask("x", unknown)
        .await
        .refused(403, "PERMISSION_DENIED");
    let body = json!({
        "contents": [{"role": "user", "parts": [{"text": "x"}]}],
        "tools": [{"fileSearch": {"fileSearchStoreNames": [shelf.store]}}],
    });
    let path =
        format!("v1/projects/p/locations/l/publishers/google/models/{MODEL}:generateContent");
    let vertex = shelf.session.post(&path, &body).await;
    assert!(
        vertex
            .refused(400, "INVALID_ARGUMENT")
            .contains("fileSearch")
    );
}

#[tokio::test]
async fn files_are_imported() {
    let shelf = Shelf::open(Emulator::builder().with_file_processing(Duration::from_secs(5))).await;
    let request = shelf.session.request(Method::POST, "upload/v1beta/files");
    let request = request
        .header("X-Goog-Upload-Protocol", "raw")
        .header("Content-Type", "text/plain");
    let file = answer(request.body(FACT)).await.ok()["file"].clone();
    let import = async |file: &Value| {
        let body = json!({"fileName": file, "customMetadata": [{"key": "k", "stringValue": "v"}]});
        shelf
            .session
            .post(&format!("v1beta/{}:importFile", shelf.store), &body)
            .await
    };
    import(&file["name"])
        .await
        .refused(400, "FAILED_PRECONDITION");
    shelf.clock.advance(Duration::from_secs(5));
    let begun = import(&file["name"]).await.ok();
    let name = begun["name"].as_str().expect("a name");
    assert!(
        name.starts_with(&format!("{}/operations/", shelf.store)),
        "{name}"
    );
    // The document does not need the file any more.
    shelf
        .delete(file["name"].as_str().expect("a name"))
        .await
        .ok();
    shelf.clock.advance(Duration::from_secs(10));
    assert_eq!(shelf.get(name).await.ok()["done"], true);
    assert!(text(&shelf.ask(QUESTION, json!({})).await.ok(), 0).contains(FACT));
    import(&file["name"])
        .await
        .refused(403, "PERMISSION_DENIED");
    import(&json!("notes.txt"))
        .await
        .refused(400, "INVALID_ARGUMENT");
}

#[tokio::test]
async fn what_cannot_be_read_fails() {
    let shelf = Shelf::open(Emulator::builder().with_failing_operation("doomed")).await;
    let mut operations = Vec::new();
    for (about, content) in [
        (json!({}), b"%PDF-1.4 \xFF\x00".as_slice()),
        (json!({}), b"  \n"),
        (json!({"displayName": "doomed.txt"}), b"words"),
    ] {
        operations.push(shelf.put("application/pdf", about, content).await.ok());
    }
    shelf.clock.advance(Duration::from_secs(10));
    for (operation, code) in operations.iter().zip([3, 3, 13]) {
        let done = shelf
            .get(operation["name"].as_str().expect("a name"))
            .await
            .ok();
        assert_eq!(
            (&done["done"], &done["error"]["code"]),
            (&json!(true), &json!(code)),
            "{done}"
        );
    }
    let store = shelf.get(&shelf.store).await.ok();
    assert_eq!(store["failedDocumentsCount"], "3");
    let documents = shelf.get(&format!("{}/documents", shelf.store)).await.ok();
    assert_eq!(documents["documents"][0]["state"], "STATE_FAILED");
}

#[tokio::test]
async fn stores_and_documents_are_listed_and_deleted() {
    let shelf = Shelf::open(Emulator::builder()).await;
    let mut documents = Vec::new();
    for n in 0..3 {
        documents.push(
            shelf
                .add(json!({}), &format!("Page {n} of the book."))
                .await,
        );
    }
    let page = shelf
        .get(&format!("{}/documents?pageSize=2", shelf.store))
        .await
        .ok();
    assert_eq!(page["documents"][1]["name"], documents[1]);
    let token = page["nextPageToken"].as_str().expect("a token");
    let rest = shelf
        .get(&format!("{}/documents?pageToken={token}", shelf.store))
        .await
        .ok();
    assert_eq!(rest["documents"].as_array().map(Vec::len), Some(1));
    let message = shelf.delete(&documents[0]).await;
    assert_eq!(
        message.refused(400, "FAILED_PRECONDITION"),
        "Cannot delete non-empty Document"
    );
    shelf
        .delete(&format!("{}?force=True", documents[0]))
        .await
        .ok();
    shelf
        .get(&documents[0])
        .await
        .refused(403, "PERMISSION_DENIED");
    let message = shelf.delete(&shelf.store).await;
    assert_eq!(
        message.refused(400, "FAILED_PRECONDITION"),
        "Cannot delete non-empty FileSearchStore"
    );
    shelf
        .delete(&format!("{}?force=maybe", shelf.store))
        .await
        .refused(400, "INVALID_ARGUMENT");
    let stores = shelf.get("fileSearchStores").await.ok();
    assert_eq!(stores["fileSearchStores"][0]["name"], shelf.store);
    shelf
        .delete(&format!("{}?force=true", shelf.store))
        .await
        .ok();
    for name in [
        &shelf.store,
        &documents[1],
        &format!("{}/documents", shelf.store),
    ] {
        shelf.get(name).await.refused(403, "PERMISSION_DENIED");
    }
    assert_eq!(shelf.get("fileSearchStores").await.ok(), json!({}));
}

#[tokio::test]
async fn a_picture_is_found_by_its_name_and_can_be_had_again() {
    let shelf = Shelf::open(Emulator::builder()).await;
    let begun = shelf
        .put(
            "image/png",
            json!({"displayName": "harbour at night"}),
            b"\x89PNG",
        )
        .await
        .ok();
    shelf.clock.advance(Duration::from_secs(10));
    shelf
        .get(begun["name"].as_str().expect("a name"))
        .await
        .ok();
    let reply = shelf
        .ask("Is there a picture of the harbour?", json!({}))
        .await
        .ok();
    let media = chunks(&reply)[0]["retrievedContext"]["mediaId"]
        .as_str()
        .expect("a name")
        .to_owned();
    let path = format!("v1beta/{media}?alt=media");
    let picture = shelf
        .session
        .request(Method::GET, &path)
        .send()
        .await
        .expect("a picture");
    assert_eq!(picture.headers()["content-type"], "image/png");
    assert_eq!(picture.bytes().await.expect("bytes"), b"\x89PNG".as_slice());
    let text = shelf.add(json!({}), "words").await;
    shelf
        .get(&text.replace("/documents/", "/media/"))
        .await
        .refused(404, "NOT_FOUND");
}

#[tokio::test]
async fn requests_are_checked_and_faults_strike() {
    let shelf = Shelf::open(Emulator::builder()).await;
    for (body, part) in [
        (
            json!({"embeddingModel": "models/gemini-2.5-flash"}),
            "no model for embeddings",
        ),
        (json!({"displayName": "x".repeat(513)}), "at most 512"),
        (json!({"title": "x"}), "\"title\""),
    ] {
        let refused = shelf.session.post("v1beta/fileSearchStores", &body).await;
        assert!(refused.refused(400, "INVALID_ARGUMENT").contains(part));
    }
    let metadata = json!({"customMetadata": [{"key": "k"}]});
    shelf
        .put("text/plain", metadata, "x")
        .await
        .refused(400, "INVALID_ARGUMENT");
    let fault = FaultRule::new(Fault::unavailable()).on(Route::UploadToFileSearchStore);
    shelf.session.emulator.chaos().add(fault.at_most(1));
    shelf
        .put("text/plain", json!({}), "x")
        .await
        .refused(503, "UNAVAILABLE");
    shelf.put("text/plain", json!({}), "x").await.ok();
    let stranger = shelf.session.with_key("other");
    stranger
        .get(&format!("v1beta/{}", shelf.store))
        .await
        .refused(403, "PERMISSION_DENIED");
}
