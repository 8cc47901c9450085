//! What is wrong is said before anything is sent, in words that help.

use std::sync::Arc;

use gimmal_client::Error;
use gimmal_client::gemini::GeminiClient;
use gimmal_client::transport::testing::ScriptedTransport;
use gimmal_client::types::gemini::{
    File, LiveConnectConfig, LiveConnectConstraints, SessionResumptionConfig, Video,
};

use crate::service::scripted;

fn says<T: std::fmt::Debug>(outcome: Result<T, Error>, text: &str) {
    assert_eq!(outcome.unwrap_err().to_string(), text);
}

#[tokio::test]
async fn bad_names_of_files() {
    let (client, http) = scripted([]);
    let files = client.files();
    says(
        files.get("gs://bucket/object").send().await,
        "invalid `name`: must not begin, end or double a slash",
    );
    says(
        files.get("https://example.com/x").send().await,
        "invalid `name`: is the URI of no file; it needs `files/` in its path",
    );
    says(
        files.delete(&Video::new()).send().await,
        "invalid `name`: is missing; give a file with a name, or a video with a URI",
    );
    says(
        files
            .download(&File::new().set_name("files/a"))
            .send()
            .await,
        "invalid `file`: has no download URI: what was uploaded cannot be read back, only what a \
         model made",
    );
    says(
        files.download("a").set_range(7..7).send().await,
        "invalid `range`: is empty; ask for at least one byte",
    );
    says(
        files.list().set_page_size(0).items().collect_all().await,
        "invalid `page_size`: must be at least 1",
    );
    let bad_wait = files.wait_until_active("").await;
    assert_eq!(bad_wait.unwrap_err().field(), Some("name"));
    says(
        files.wait_until_active("a/b").await,
        "invalid `name`: is no file; use its name such as `files/abc-123`",
    );
    assert_eq!(http.request_count(), 0);
}

#[tokio::test]
async fn bad_uploads() {
    let (client, http) = scripted([]);
    let files = client.files();
    let folder = tempfile::tempdir().unwrap();
    let unknown = folder.path().join("data.unknownext");
    std::fs::write(&unknown, "x").unwrap();
    says(
        files.upload(unknown).send().await,
        "invalid `mime_type`: must be set, because the name \"data.unknownext\" does not tell it",
    );
    says(
        files.upload("no-such.txt").set_name("a/b").send().await,
        "invalid `name`: is no file; use its name such as `files/abc-123`",
    );
    let missing = files.upload("no-such.txt").send().await.unwrap_err();
    assert!(missing.to_string().contains("no-such.txt"), "{missing}");
    assert_eq!(http.request_count(), 0);
}

#[tokio::test]
async fn bad_registrations() {
    let (client, http) = scripted([]);
    let files = client.files();
    says(
        files.register("token", ["https://b/o"]).send().await,
        "invalid `uris`: \"https://b/o\" is no object of Cloud Storage such as \
         `gs://bucket/object`",
    );
    says(
        files.register("token", [""; 0]).send().await,
        "invalid `uris`: must not be empty",
    );
    says(
        files
            .register("SECRET\n", ["gs://b/o"])
            .with_quota_project("\n")
            .send()
            .await,
        "invalid `quota_project`: holds what no header can carry",
    );
    let error = files
        .register("SEC\nRET", ["gs://b/o"])
        .send()
        .await
        .unwrap_err();
    assert_eq!(error.field(), Some("access_token"));
    assert!(!format!("{error:?}").contains("RET"));
    assert_eq!(http.request_count(), 0);
}

#[tokio::test]
async fn bad_names_of_stores() {
    let (client, http) = scripted([]);
    let stores = client.file_search_stores();
    says(
        stores.get("").send().await,
        "invalid `name`: must not be empty",
    );
    says(
        stores
            .documents()
            .list("a/../b")
            .items()
            .collect_all()
            .await,
        "invalid `parent`: must not contain \"..\"",
    );
    says(
        stores.download_media("files/a").send().await,
        "invalid `media_id`: is no medium; use a name such as `fileSearchStores/s/media/m`",
    );
    assert_eq!(http.request_count(), 0);
}

#[tokio::test]
async fn what_only_the_other_service_has() {
    let (client, http) = scripted([]);
    let session = SessionResumptionConfig::new().set_transparent(true);
    let live = LiveConnectConfig::new().set_session_resumption(session);
    let constraints = LiveConnectConstraints::new().set_config(live);
    let create = client.auth_tokens().create();
    says(
        create
            .set_live_connect_constraints(constraints)
            .send()
            .await,
        "invalid `liveConnectConstraints.config.sessionResumption.transparent`: is not available \
         on the Gemini developer API",
    );
    assert_eq!(http.request_count(), 0);

    let http = ScriptedTransport::new([]);
    let vertex = GeminiClient::builder()
        .with_vertex("p", "l")
        .with_bearer_token("token")
        .with_http(Arc::new(http.clone()));
    let vertex = vertex.build().unwrap();
    let (files, stores) = (vertex.files(), vertex.file_search_stores());
    let on_vertex = |call: &str| format!("invalid `backend`: {call} is not available on Vertex AI");
    says(
        files.upload("no-such-file").send().await,
        &on_vertex("files.upload"),
    );
    says(files.get("a").send().await, &on_vertex("files.get"));
    says(
        files.list().items().collect_all().await,
        &on_vertex("files.list"),
    );
    says(
        stores
            .upload_to_file_search_store("s", "no-such-file")
            .send()
            .await,
        &on_vertex("file_search_stores.upload_to_file_search_store"),
    );
    says(
        stores.documents().get("d").send().await,
        &on_vertex("file_search_stores.documents.get"),
    );
    says(
        vertex.auth_tokens().create().send().await,
        &on_vertex("auth_tokens.create"),
    );
    assert_eq!(http.request_count(), 0);
}
