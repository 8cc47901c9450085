//! Describing, listing, deleting, registering files, and waiting for them.

use std::time::Duration;

use gimmal_client::transport::TimeoutKind;
use gimmal_client::types::gemini::{File, FileState};
use gimmal_client::{ErrorKind, Timeout};
use serde_json::json;

use crate::service::{reply, scripted};

/// Covers: files.get, files.list, files.delete
#[tokio::test]
async fn files_are_described_listed_and_deleted() {
    let (client, http) = scripted([
        reply(json!({"name": "files/a-1", "sizeBytes": "5", "state": "ACTIVE"})),
        reply(json!({"files": [{"name": "files/1"}], "nextPageToken": "t"})),
        reply(json!({"files": [{"name": "files/2"}]})),
        reply(json!({})),
    ]);
    let files = client.files();
    let uri = "https://generativelanguage.googleapis.com/v1beta/files/a-1";
    let file = files.get(uri).send().await.unwrap().into_body();
    assert_eq!(file.state, Some(FileState::Active));
    let listed = files.list().set_page_size(1).items().collect_all().await;
    assert_eq!(listed.unwrap().len(), 2);
    files.delete(&file).send().await.unwrap();

    let sent: Vec<String> = http
        .requests()
        .iter()
        .map(|request| format!("{} {}", request.method(), request.path_and_query()))
        .collect();
    assert_eq!(
        sent,
        [
            "GET /v1/files/a-1",
            "GET /v1/files?pageSize=1",
            "GET /v1/files?pageSize=1&pageToken=t",
            "DELETE /v1/files/a-1",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_file_is_waited_for_until_it_can_be_used() {
    let in_state = |state: &str| reply(json!({"name": "files/1", "state": state}));
    let (client, http) = scripted([
        in_state("PROCESSING"),
        in_state("A_NEW_STATE"),
        in_state("ACTIVE"),
    ]);
    let begun = tokio::time::Instant::now();
    let file = client.files().wait_until_active("1").await.unwrap();
    assert_eq!(file.state, Some(FileState::Active));
    assert_eq!(http.request_count(), 3);
    let waited = begun.elapsed();
    let limits = Duration::from_secs(1)..Duration::from_secs(3);
    assert!(limits.contains(&waited), "{waited:?}");
}

#[tokio::test]
async fn a_file_that_failed_says_why() {
    let (client, _) = scripted([reply(json!({
        "name": "files/1", "state": "FAILED",
        "error": {"code": 3, "message": "the film cannot be read", "details": [{"frame": 7}]},
    }))]);
    let error = client
        .files()
        .wait_until_active("files/1")
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OperationFailed);
    let text = error.to_string();
    assert!(text.contains("INVALID_ARGUMENT"), "{text}");
    assert!(text.contains("the film cannot be read"), "{text}");
    assert_eq!(error.rpc_status().unwrap().details.len(), 1);
    let context: Vec<_> = error.context().collect();
    assert!(context.contains(&("operation", "files/1")), "{context:?}");
}

#[tokio::test(start_paused = true)]
async fn waiting_has_an_end() {
    let replies = (0..100).map(|_| reply(json!({"name": "files/1", "state": "PROCESSING"})));
    let (client, _) = scripted(replies);
    let wait = client
        .files()
        .wait_until_active(&File::new().set_name("files/1"))
        .with_deadline(Timeout::After(Duration::from_secs(30)));
    let error = wait.await.unwrap_err();
    assert_eq!(error.timeout_kind(), Some(TimeoutKind::Deadline));
}

/// Covers: files.register_files
#[tokio::test]
async fn objects_of_cloud_storage_become_files() {
    let (client, http) = scripted([reply(json!({"files": [{"name": "files/1"}]}))]);
    let call = client
        .files()
        .register("SECRET", ["gs://b/o"])
        .with_quota_project("p");
    assert!(!format!("{call:?}").contains("SECRET"));
    let reply = call.send().await.unwrap();
    assert_eq!(reply.body().files.len(), 1);
    let request = &http.requests()[0];
    assert_eq!(request.path_and_query(), "/v1/files:register");
    assert_eq!(request.header("authorization"), Some("Bearer SECRET"));
    assert_eq!(request.header("x-goog-user-project"), Some("p"));
    assert_eq!(request.header("x-goog-api-key"), Some("key"));
    assert_eq!(request.json().unwrap(), json!({"uris": ["gs://b/o"]}));
}
