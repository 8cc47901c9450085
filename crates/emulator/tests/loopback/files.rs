//! Files: uploads in every form and through every mishap, what is told of a file, how it ends, and
//! its use in a prompt.

use std::{num::NonZeroU64, sync::Arc, time::Duration};

use gimmal_emulator::{Emulator, EmulatorBuilder, Fault, FaultRule, ManualClock, Route};
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::client::{Answer, FACT, Session, answer, text};

/// An address that an upload was opened under.
struct Upload {
    url: String,
    http: reqwest::Client,
}

/// What a command was answered.
struct Told {
    code: u16,
    status: String,
    received: Option<u64>,
    body: Vec<u8>,
}

fn small_chunks() -> EmulatorBuilder {
    let unit = NonZeroU64::new(4).expect("not zero");
    Emulator::builder().with_upload_granularity(unit)
}

async fn open(session: &Session, file: Value, length: Option<u64>) -> Upload {
    let response = start(session, &json!({ "file": file }), length).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["x-goog-upload-status"], "active");
    let url = response.headers()["x-goog-upload-url"]
        .to_str()
        .expect("text");
    assert!(url.starts_with(session.emulator.base_url()), "{url}");
    Upload {
        url: url.to_owned(),
        http: reqwest::Client::builder()
            .no_proxy()
            .build()
            .expect("a client"),
    }
}

async fn start(session: &Session, body: &Value, length: Option<u64>) -> Response {
    let request = session
        .request(Method::POST, "upload/v1beta/files")
        .header("X-Goog-Upload-Protocol", "resumable")
        .header("X-Goog-Upload-Command", "start")
        .body(body.to_string());
    let request = match length {
        Some(length) => request.header("X-Goog-Upload-Header-Content-Length", length),
        None => request,
    };
    request.send().await.expect("a response")
}

impl Upload {
    async fn command(&self, command: &str, offset: Option<u64>, body: &'static [u8]) -> Told {
        self.send(command, offset, body).await.expect("an answer")
    }

    async fn send(
        &self,
        command: &str,
        offset: Option<u64>,
        body: &'static [u8],
    ) -> Result<Told, reqwest::Error> {
        let request = self
            .http
            .post(&self.url)
            .header("X-Goog-Upload-Command", command);
        let request = match offset {
            Some(offset) => request.header("X-Goog-Upload-Offset", offset),
            None => request,
        };
        let response = request.body(body).send().await?;
        let header = |name: &str| {
            let value = response.headers().get(name)?;
            Some(value.to_str().expect("text").to_owned())
        };
        Ok(Told {
            code: response.status().as_u16(),
            status: header("x-goog-upload-status").unwrap_or_default(),
            received: header("x-goog-upload-size-received").map(|n| n.parse().expect("a number")),
            body: response.bytes().await?.to_vec(),
        })
    }
}

impl Told {
    #[track_caller]
    fn active(self) -> Option<u64> {
        assert_eq!((self.code, self.status.as_str()), (200, "active"));
        self.received
    }

    #[track_caller]
    fn file(self) -> Value {
        assert_eq!((self.code, self.status.as_str()), (200, "final"));
        let body: Value = serde_json::from_slice(&self.body).expect("JSON");
        body["file"].clone()
    }

    #[track_caller]
    fn refused(self, code: u16, status: &str) -> String {
        assert_eq!((self.code, self.status.as_str()), (code, status));
        let body: Value = serde_json::from_slice(&self.body).expect("JSON");
        body["error"]["message"]
            .as_str()
            .expect("a message")
            .to_owned()
    }
}

/// Uploads in one request.
async fn upload(session: &Session, mime: &str, content: impl Into<reqwest::Body>) -> Value {
    let request = session
        .request(Method::POST, "upload/v1beta/files")
        .header("X-Goog-Upload-Protocol", "raw")
        .header("Content-Type", mime)
        .body(content);
    answer(request).await.ok()["file"].clone()
}

#[tokio::test]
async fn a_file_in_chunks() {
    let session = Session::start(small_chunks()).await;
    let file = json!({"name": "files/my-notes", "display_name": "Notes", "mimeType": "text/plain"});
    let upload = open(&session, file, Some(10)).await;
    assert_eq!(
        upload.command("upload", Some(0), b"abcd").await.active(),
        None
    );
    assert_eq!(upload.command("query", None, b"").await.active(), Some(4));
    upload.command("upload", Some(4), b"efgh").await.active();
    let file = upload
        .command("upload, finalize", Some(8), b"ij")
        .await
        .file();
    assert_eq!(file["name"], "files/my-notes");
    assert_eq!(file["displayName"], "Notes");
    assert_eq!(file["mimeType"], "text/plain");
    assert_eq!(file["sizeBytes"], "10");
    assert_eq!(file["state"], "ACTIVE");
    assert_eq!(file["source"], "UPLOADED");
    assert_eq!(
        file["uri"],
        "https://generativelanguage.googleapis.com/v1beta/files/my-notes"
    );
    assert_eq!(session.get("v1beta/files/my-notes").await.ok(), file);
    let again = upload.command("query", None, b"").await;
    assert_eq!(again.received, Some(10));
    assert_eq!(again.file(), file, "the answer can be asked for again");
    let journal = session.emulator.journal();
    assert_eq!(journal.count(Route::UploadFile), 1);
    assert_eq!(journal.count(Route::UploadContent), 5);
}

#[tokio::test]
async fn empty_files_and_files_of_unknown_length() {
    let session = Session::start(small_chunks()).await;
    let upload = open(&session, json!({"mimeType": "text/plain"}), Some(0)).await;
    let file = upload
        .command("upload, finalize", Some(0), b"")
        .await
        .file();
    assert_eq!(file["sizeBytes"], "0");
    let upload = open(&session, json!({"mimeType": "text/plain"}), None).await;
    upload.command("upload", Some(0), b"abcd").await.active();
    let file = upload.command("finalize", None, b"").await.file();
    assert_eq!(file["sizeBytes"], "4");
}

#[tokio::test]
async fn wrong_chunks_change_nothing() {
    let session = Session::start(small_chunks()).await;
    let upload = open(&session, json!({}), Some(8)).await;
    upload.command("upload", Some(0), b"abcd").await.active();
    let wrong = upload.command("upload", Some(8), b"efgh").await;
    assert_eq!(wrong.received, Some(4));
    let message = wrong.refused(400, "active");
    assert!(
        message.contains("offset 8") && message.contains("4 bytes"),
        "{message}"
    );
    let message = upload
        .command("upload", Some(4), b"efg")
        .await
        .refused(400, "active");
    assert!(message.contains("no multiple of 4"), "{message}");
    upload
        .command("begin", Some(4), b"efgh")
        .await
        .refused(400, "active");
    upload
        .command("upload", None, b"efgh")
        .await
        .refused(400, "active");
    let file = upload
        .command("upload, finalize", Some(4), b"efgh")
        .await
        .file();
    assert_eq!(file["sizeBytes"], "8");
    upload
        .command("upload, finalize", Some(8), b"")
        .await
        .refused(400, "final");
}

#[tokio::test]
async fn more_and_less_than_announced_end_an_upload() {
    let session = Session::start(small_chunks()).await;
    let upload = open(&session, json!({}), Some(6)).await;
    let message = upload
        .command("upload", Some(0), b"abcdefgh")
        .await
        .refused(400, "final");
    assert!(message.contains("more than the 6 bytes"), "{message}");
    let upload = open(&session, json!({}), Some(6)).await;
    let message = upload.command("upload, finalize", Some(0), b"abcd").await;
    let message = message.refused(400, "final");
    assert!(message.contains("4 bytes where 6"), "{message}");
    assert_eq!(session.get("v1beta/files").await.ok(), json!({}));
}

#[tokio::test]
async fn an_interrupted_chunk_keeps_what_arrived() {
    let cut = FaultRule::new(Fault::cut_upload(3)).on(Route::UploadContent);
    let session = Session::start(small_chunks().with_fault(cut.after(1).at_most(1))).await;
    let upload = open(&session, json!({"mimeType": "text/plain"}), Some(10)).await;
    upload.command("upload", Some(0), b"abcd").await.active();
    assert!(
        upload.send("upload", Some(4), b"efgh").await.is_err(),
        "cut"
    );
    assert_eq!(upload.command("query", None, b"").await.active(), Some(7));
    let file = upload
        .command("upload, finalize", Some(7), b"hij")
        .await
        .file();
    assert_eq!(file["sizeBytes"], "10");
    let prompt = json!({"contents": [{"parts": [
        {"fileData": {"fileUri": file["uri"]}}, {"text": "Is there abcdefghij?"}]}]});
    let reply = session.generate(&prompt).await.ok();
    assert_eq!(text(&reply, 0), "abcdefghij");
}

#[tokio::test]
async fn an_answer_that_was_lost_leaves_the_chunk_where_it_is() {
    let lost = FaultRule::new(Fault::reset())
        .on(Route::UploadContent)
        .at_most(1);
    let session = Session::start(small_chunks().with_fault(lost)).await;
    let upload = open(&session, json!({}), Some(4)).await;
    assert!(
        upload
            .send("upload, finalize", Some(0), b"abcd")
            .await
            .is_err()
    );
    let told = upload.command("query", None, b"").await;
    assert_eq!(told.received, Some(4));
    assert_eq!(told.file()["sizeBytes"], "4");
}

#[tokio::test]
async fn other_faults_strike_uploads_too() {
    let session = Session::start(small_chunks()).await;
    let upload = open(&session, json!({}), Some(4)).await;
    let rule = FaultRule::new(Fault::unavailable()).on(Route::UploadContent);
    session.emulator.chaos().add(rule.at_most(1));
    let told = upload.command("upload, finalize", Some(0), b"abcd").await;
    assert_eq!((told.code, told.status.as_str()), (503, ""));
    assert_eq!(upload.command("query", None, b"").await.active(), Some(0));
}

#[tokio::test]
async fn a_cancelled_upload_is_gone() {
    let session = Session::start(small_chunks()).await;
    let upload = open(&session, json!({}), Some(8)).await;
    upload.command("upload", Some(0), b"abcd").await.active();
    assert_eq!(
        upload.command("cancel", None, b"").await.status,
        "cancelled"
    );
    upload
        .command("upload", Some(4), b"efgh")
        .await
        .refused(400, "cancelled");
    assert_eq!(upload.command("query", None, b"").await.status, "cancelled");
    let unknown = Upload {
        url: format!(
            "{}x",
            upload.url.split("&upload_protocol").next().expect("a part")
        ),
        http: upload.http,
    };
    unknown
        .command("query", None, b"")
        .await
        .refused(404, "final");
}

#[tokio::test]
async fn a_file_in_one_request() {
    let session = Session::plain().await;
    let file = upload(&session, "text/plain; charset=utf-8", "hello").await;
    assert_eq!(
        (&file["mimeType"], &file["sizeBytes"]),
        (&json!("text/plain"), &json!("5"))
    );
    let body = "--b-1\r\nContent-Type: application/json\r\n\r\n\
        {\"file\": {\"display_name\": \"Pair\"}}\r\n--b-1\r\nContent-Type: image/png\r\n\r\n\
        bytes\r\n--b-1--\r\n";
    let request = |body: &'static str| {
        session
            .request(Method::POST, "upload/v1beta/files?uploadType=multipart")
            .header("Content-Type", "multipart/related; boundary=\"b-1\"")
            .body(body)
    };
    let file = answer(request(body)).await.ok()["file"].clone();
    assert_eq!(file["displayName"], "Pair");
    assert_eq!(
        (&file["mimeType"], &file["sizeBytes"]),
        (&json!("image/png"), &json!("5"))
    );
    let cut = answer(request(
        "--b-1\r\nContent-Type: application/json\r\n\r\n{}\r\n--b-1--\r\n",
    ))
    .await;
    assert!(cut.refused(400, "INVALID_ARGUMENT").contains("two parts"));
}

#[tokio::test]
async fn starts_are_checked() {
    let session = Session::plain().await;
    for (body, part) in [
        (json!({"file": {"name": "files/Not-This"}}), "lowercase"),
        (json!({"file": {"name": "my-notes"}}), "files/"),
        (json!({"file": {"mimeType": "text"}}), "no media type"),
        (json!({"file": {"mimeType": 1}}), "file.mime_type"),
        (json!({"file": {"size": 1}}), "\"size\" at 'file'"),
        (json!({"name": "files/a"}), "\"name\""),
        (json!([]), "an object"),
    ] {
        let response = start(&session, &body, None).await;
        assert_eq!(response.status(), 400, "{body}");
        let text = response.text().await.expect("text");
        assert!(text.contains(&part.replace('"', "\\\"")), "{body}: {text}");
    }
    let huge = start(&session, &json!({}), Some((2 << 30) + 1)).await;
    assert_eq!(huge.status(), 400);
    open(&session, json!({}), Some(2 << 30)).await;
    let nothing = session
        .post("upload/v1beta/files", &json!({"file": {}}))
        .await;
    assert!(
        nothing
            .refused(400, "INVALID_ARGUMENT")
            .contains("resumable")
    );
    let foreign = session.bare(Method::POST, "upload/v1beta/files");
    answer(foreign).await.refused(403, "PERMISSION_DENIED");
    session
        .post("v1/projects/p/locations/l/files", &json!({}))
        .await
        .refused(404, "NOT_FOUND");
}

#[tokio::test]
async fn a_name_is_taken_once() {
    let session = Session::start(small_chunks()).await;
    let named = json!({"name": "files/one"});
    let first = open(&session, named.clone(), Some(0)).await;
    let second = open(&session, named.clone(), Some(0)).await;
    first.command("upload, finalize", Some(0), b"").await.file();
    second
        .command("upload, finalize", Some(0), b"")
        .await
        .refused(409, "final");
    let third = start(&session, &json!({ "file": named }), Some(0)).await;
    assert_eq!(third.status(), 409);
}

#[tokio::test]
async fn the_list_comes_in_pages_and_deleted_files_are_gone() {
    let session = Session::plain().await;
    for _ in 0..5 {
        upload(&session, "text/plain", "x").await;
    }
    let mut names = Vec::new();
    let mut token = String::new();
    let mut pages = 0;
    while pages == 0 || !token.is_empty() {
        let page = session
            .get(&format!("v1/files?pageSize=2&pageToken={token}"))
            .await
            .ok();
        for file in page["files"].as_array().expect("files") {
            names.push(file["name"].as_str().expect("a name").to_owned());
        }
        token = page["nextPageToken"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        pages += 1;
    }
    assert_eq!((pages, names.len()), (3, 5));
    names.dedup();
    assert_eq!(names.len(), 5);
    let path = format!("v1/{}", names[0]);
    assert_eq!(session.delete(&path).await.ok(), json!({}));
    session.get(&path).await.refused(403, "PERMISSION_DENIED");
    session
        .delete(&path)
        .await
        .refused(403, "PERMISSION_DENIED");
    let other = session.with_key("other");
    assert_eq!(other.get("v1/files").await.ok(), json!({}));
}

#[tokio::test]
async fn a_film_is_processed_and_every_file_expires() {
    let clock = ManualClock::new();
    let builder = Emulator::builder()
        .with_clock(Arc::new(clock.clone()))
        .with_file_processing(Duration::from_secs(30))
        .with_failing_file("broken");
    let session = Session::start(builder).await;
    let film = upload(&session, "video/mp4", "...").await;
    let broken = open(&session, json!({"displayName": "broken film"}), Some(0)).await;
    let broken = broken
        .command("upload, finalize", Some(0), b"")
        .await
        .file();
    assert_eq!(
        (&film["state"], &broken["state"]),
        (&json!("PROCESSING"), &json!("PROCESSING"))
    );
    let prompt =
        |file: &Value| json!({"contents": [{"parts": [{"fileData": {"fileUri": file["uri"]}}]}]});
    let early = session.generate(&prompt(&film)).await;
    let id = film["name"]
        .as_str()
        .expect("a name")
        .trim_start_matches("files/");
    assert_eq!(
        early.refused(400, "FAILED_PRECONDITION"),
        format!("The File {id} is not in an ACTIVE state and usage is not allowed.")
    );
    clock.advance(Duration::from_secs(30));
    let path = |file: &Value| format!("v1beta/{}", file["name"].as_str().expect("a name"));
    assert_eq!(session.get(&path(&film)).await.ok()["state"], "ACTIVE");
    let failed = session.get(&path(&broken)).await.ok();
    assert_eq!(
        (&failed["state"], &failed["error"]["code"]),
        (&json!("FAILED"), &json!(3))
    );
    session.generate(&prompt(&film)).await.ok();
    session
        .generate(&prompt(&broken))
        .await
        .refused(400, "FAILED_PRECONDITION");
    clock.advance(Duration::from_secs(48 * 3600));
    session
        .get(&path(&film))
        .await
        .refused(403, "PERMISSION_DENIED");
    let message = session.generate(&prompt(&film)).await;
    assert_eq!(
        message.refused(403, "PERMISSION_DENIED"),
        format!("You do not have permission to access the File {id} or it may not exist.")
    );
}

#[tokio::test]
async fn a_prompt_reads_the_texts_it_refers_to() {
    let session = Session::plain().await;
    let document = format!("The hotel has two doors. {FACT} Breakfast is at eight.");
    let file = upload(&session, "text/markdown", document).await;
    let picture = upload(&session, "image/png", "not really").await;
    for uri in [file["uri"].clone(), file["name"].clone()] {
        let body = json!({
            "systemInstruction": {"parts": [{"file_data": {"file_uri": picture["uri"], "mime_type": "image/png"}}]},
            "contents": [{"parts": [{"fileData": {"fileUri": uri}}, {"text": "Where are the spare keys?"}]}],
        });
        let reply = session.generate(&body).await.ok();
        assert_eq!(text(&reply, 0), FACT);
        let details = &reply["usageMetadata"]["promptTokensDetails"];
        assert_eq!(details[1], json!({"modality": "IMAGE", "tokenCount": 258}));
        let counted = session
            .post(
                "v1/models/gemini-2.5-flash:countTokens",
                &json!({"contents": body["contents"]}),
            )
            .await
            .ok();
        assert!(counted["totalTokens"].as_u64().expect("a count") > 20);
    }
    let missing = json!({"contents": [{"parts": [{"fileData": {"fileUri": "files/none"}}]}]});
    for path in [
        "v1/models/gemini-2.5-flash:countTokens",
        "v1/models/gemini-2.5-flash:generateContent",
    ] {
        session
            .post(path, &missing)
            .await
            .refused(403, "PERMISSION_DENIED");
    }
    let elsewhere = json!({"contents": [{"parts": [
        {"fileData": {"fileUri": "https://www.youtube.com/watch?v=1", "mimeType": "video/mp4"}}]}]});
    session.generate(&elsewhere).await.ok();
    let other = session.with_key("other");
    let foreign = json!({"contents": [{"parts": [{"fileData": {"fileUri": file["uri"]}}]}]});
    other
        .generate(&foreign)
        .await
        .refused(403, "PERMISSION_DENIED");
}

#[tokio::test]
async fn downloads_in_ranges_from_memory_and_from_the_disk() {
    for in_memory in [0, 1 << 20] {
        let builder = Emulator::builder()
            .with_downloadable_uploads()
            .with_files_in_memory(in_memory);
        let session = Session::start(builder).await;
        let content: Vec<u8> = (0..600_000_u32).map(|n| (n % 251) as u8).collect();
        let file = upload(&session, "application/pdf", content.clone()).await;
        assert!(
            file["downloadUri"]
                .as_str()
                .expect("a URI")
                .ends_with(":download?alt=media")
        );
        let path = format!(
            "v1/{}:download?alt=media",
            file["name"].as_str().expect("a name")
        );
        let get = async |range: Option<&str>| {
            let request = session.request(Method::GET, &path);
            let request = match range {
                Some(range) => request.header("Range", range),
                None => request,
            };
            let response = request.send().await.expect("a response");
            let of = |name: &str| {
                response
                    .headers()
                    .get(name)
                    .map(|it| it.to_str().expect("text").to_owned())
            };
            let head = (
                response.status().as_u16(),
                of("content-range"),
                of("content-length"),
            );
            (head, response.bytes().await.expect("bytes"))
        };
        let (head, body) = get(None).await;
        assert_eq!(head, (200, None, Some("600000".into())));
        assert_eq!(body, content);
        let (head, body) = get(Some("bytes=299000-")).await;
        assert_eq!(
            head,
            (
                206,
                Some("bytes 299000-599999/600000".into()),
                Some("301000".into())
            )
        );
        assert_eq!(body, &content[299_000..]);
        let (head, _) = get(Some("bytes=600000-")).await;
        assert_eq!((head.0, head.1), (416, Some("bytes */600000".into())));
        let cut = FaultRule::new(Fault::cut_stream(300_000)).on(Route::DownloadFile);
        session.emulator.chaos().add(cut);
        let response = session
            .request(Method::GET, &path)
            .send()
            .await
            .expect("a head");
        assert_eq!(response.headers()["content-length"], "600000");
        assert!(response.bytes().await.is_err(), "cut");
    }
    let session = Session::plain().await;
    let file = upload(&session, "text/plain", "x").await;
    assert!(file.get("downloadUri").is_none());
    let path = format!(
        "v1/{}:download?alt=media",
        file["name"].as_str().expect("a name")
    );
    session.get(&path).await.refused(400, "INVALID_ARGUMENT");
}

#[tokio::test]
async fn objects_of_cloud_storage_become_files() {
    let session = Session::plain().await;
    let storage = session.emulator.storage();
    storage.put_object("gs://b/notes.txt", FACT);
    let register = async |uris: Value| -> Answer {
        let request = session.request(Method::POST, "v1beta/files:register");
        let request = request
            .bearer_auth("token")
            .body(json!({ "uris": uris }).to_string());
        answer(request).await
    };
    let files = register(json!(["gs://b/a/talk.mp4", "gs://b/notes.txt"]))
        .await
        .ok();
    let film = &files["files"][0];
    assert_eq!(
        (&film["source"], &film["mimeType"]),
        (&json!("REGISTERED"), &json!("video/mp4"))
    );
    assert_eq!(film["displayName"], "talk.mp4");
    let prompt = json!({"contents": [{"parts": [{"fileData": {"fileUri": film["uri"]}}]}]});
    session.generate(&prompt).await.ok();
    let notes = &files["files"][1]["uri"];
    let prompt = json!({"contents": [{"parts": [
        {"fileData": {"fileUri": notes}}, {"text": "Where are the spare keys?"}]}]});
    let reply = session.generate(&prompt).await.ok();
    assert_eq!(text(&reply, 0), FACT);
    for bad in [json!([]), json!(["b/x"]), json!(["gs://b"]), json!([1])] {
        register(bad).await.refused(400, "INVALID_ARGUMENT");
    }
    assert_eq!(
        session.get("v1/files").await.ok()["files"]
            .as_array()
            .expect("files")
            .len(),
        2
    );
    let nobody = session
        .post("v1beta/files:register", &json!({"uris": ["gs://b/o"]}))
        .await;
    nobody.refused(401, "UNAUTHENTICATED");
}
