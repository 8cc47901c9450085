//! File search stores and their documents.

use gimmal_client::transport::testing::Reply;
use gimmal_client::types::gemini::{
    ChunkingConfig, CustomMetadata, DocumentState, WhiteSpaceConfig,
};
use http::{HeaderName, HeaderValue};
use serde_json::json;

use crate::service::{reply, scripted};

const STORE: &str = "fileSearchStores/s";

/// Covers: file_search_stores.create, file_search_stores.get
/// Covers: file_search_stores.list, file_search_stores.delete
#[tokio::test]
async fn stores_come_and_go() {
    let (client, http) = scripted([
        reply(json!({"name": STORE, "activeDocumentsCount": "3"})),
        reply(json!({"name": STORE, "sizeBytes": "9"})),
        reply(json!({"fileSearchStores": [{"name": STORE}]})),
        reply(json!({})),
    ]);
    let stores = client.file_search_stores();
    let create = stores.create().set_display_name("papers");
    let create = create.set_embedding_model("gemini-embedding-2");
    let store = create.send().await.unwrap().into_body();
    assert_eq!(store.active_documents_count, Some(3));
    let store = stores.get(STORE).send().await.unwrap().into_body();
    assert_eq!(store.size_bytes, Some(9));
    let listed = stores.list().set_page_size(2).items().collect_all().await;
    assert_eq!(listed.unwrap().len(), 1);
    stores.delete(STORE).set_force(true).send().await.unwrap();

    let requests = http.requests();
    assert_eq!(
        requests[0].json().unwrap(),
        json!({"displayName": "papers", "embeddingModel": "models/gemini-embedding-2"})
    );
    assert_eq!(
        requests[2].path_and_query(),
        "/v1/fileSearchStores?pageSize=2"
    );
    assert_eq!(
        requests[3].path_and_query(),
        "/v1/fileSearchStores/s?force=true"
    );
}

/// Covers: file_search_stores.import_file
#[tokio::test(start_paused = true)]
async fn an_imported_file_becomes_a_document() {
    let operation = "fileSearchStores/s/operations/o";
    let (client, http) = scripted([
        reply(json!({"name": operation})),
        reply(json!({"name": operation, "done": true,
            "response": {"parent": STORE, "documentName": "fileSearchStores/s/documents/d"}})),
    ]);
    let pieces = WhiteSpaceConfig::new().set_max_tokens_per_chunk(200);
    let import = client
        .file_search_stores()
        .import_file(STORE, "f")
        .set_custom_metadata([CustomMetadata::text("author", "Ada")])
        .set_chunking_config(ChunkingConfig::new().set_white_space_config(pieces));
    let document = import.poller().await.unwrap().await.unwrap();
    assert_eq!(
        document.document_name.as_deref(),
        Some("fileSearchStores/s/documents/d")
    );
    let requests = http.requests();
    assert_eq!(
        requests[0].path_and_query(),
        "/v1/fileSearchStores/s:importFile"
    );
    assert_eq!(
        requests[0].json().unwrap(),
        json!({"fileName": "files/f",
            "customMetadata": [{"key": "author", "stringValue": "Ada"}],
            "chunkingConfig": {"whiteSpaceConfig": {"maxTokensPerChunk": 200}}})
    );
    assert_eq!(
        requests[1].path_and_query(),
        "/v1/fileSearchStores/s/operations/o"
    );
}

/// Covers: file_search_stores.upload_to_file_search_store
#[tokio::test]
async fn uploaded_content_becomes_a_document() {
    let header = |reply: Reply, name, value| {
        let name = HeaderName::from_static(name);
        reply.with_header(name, HeaderValue::from_static(value))
    };
    let (client, http) = scripted([
        header(reply(json!({})), "x-goog-upload-url", "/session?id=1"),
        header(
            reply(
                json!({"name": "fileSearchStores/s/upload/operations/o", "done": true,
                "response": {"documentName": "fileSearchStores/s/documents/d"}}),
            ),
            "x-goog-upload-status",
            "final",
        ),
    ]);
    let stores = client.file_search_stores();
    let upload = stores
        .upload_to_file_search_store(STORE, b"text".to_vec())
        .set_mime_type("text/plain")
        .set_display_name("a text");
    let document = upload.poller().await.unwrap().await.unwrap();
    assert!(document.document_name.is_some());
    let requests = http.requests();
    assert_eq!(
        requests[0].path_and_query(),
        "/upload/v1/fileSearchStores/s:uploadToFileSearchStore"
    );
    assert_eq!(
        requests[0].json().unwrap(),
        json!({"mimeType": "text/plain", "displayName": "a text"})
    );
    assert_eq!(requests[1].body(), "text");
}

/// Covers: documents.get, documents.list, documents.delete
#[tokio::test]
async fn documents_and_media_are_found() {
    let (client, http) = scripted([
        reply(json!({"name": "fileSearchStores/s/documents/d", "state": "STATE_ACTIVE"})),
        reply(json!({"documents": [{"name": "fileSearchStores/s/documents/d"}]})),
        reply(json!({})),
        Reply::status(200).with_chunk("picture"),
    ]);
    let documents = client.file_search_stores().documents();
    let name = "fileSearchStores/s/documents/d";
    let document = documents.get(name).send().await.unwrap().into_body();
    assert_eq!(document.state, Some(DocumentState::Active));
    let listed = documents.list(STORE).items().collect_all().await.unwrap();
    assert_eq!(listed.len(), 1);
    documents.delete(name).set_force(true).send().await.unwrap();
    let media = client
        .file_search_stores()
        .download_media("/fileSearchStores/s/media/m");
    assert_eq!(media.send().await.unwrap().into_body(), "picture");

    let sent: Vec<String> = http
        .requests()
        .iter()
        .map(|request| request.path_and_query().to_owned())
        .collect();
    assert_eq!(
        sent,
        [
            "/v1/fileSearchStores/s/documents/d",
            "/v1/fileSearchStores/s/documents",
            "/v1/fileSearchStores/s/documents/d?force=true",
            "/v1/fileSearchStores/s/media/m?alt=media",
        ]
    );
}
