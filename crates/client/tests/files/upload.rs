//! Uploads: from the disk, from memory, from a reader, and after the process was ended.

use std::io::Cursor;
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gimmal_client::ErrorKind;
use gimmal_client::transport::{Source, UploadSession};
use serde_json::json;

use crate::service::{GRANULARITY, Service};

fn chunk() -> NonZeroU64 {
    NonZeroU64::new(GRANULARITY as u64).unwrap()
}

fn content() -> Vec<u8> {
    (0..100).collect()
}

/// Covers: files.create
#[tokio::test]
async fn a_file_on_the_disk_goes_in_chunks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    std::fs::write(&path, content()).unwrap();
    let service = Service::default();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let progress = seen.clone();

    let files = service.client().files();
    let upload = files
        .upload(path.as_path())
        .set_name("my-notes")
        .set_display_name("Notes")
        .with_chunk_bytes(chunk())
        .with_progress(move |it| progress.lock().unwrap().push((it.bytes, it.total)));
    let file = upload.send().await.unwrap().into_body();

    assert_eq!(file.name.as_deref(), Some("files/1"));
    assert_eq!(file.size_bytes, Some(100));
    let state = service.state();
    assert_eq!(state.content, content());
    let (headers, body) = &state.starts[0];
    assert_eq!(headers["x-goog-upload-file-name"], "notes.txt");
    assert_eq!(headers["x-goog-upload-header-content-type"], "text/plain");
    assert_eq!(
        *body,
        json!({"file": {"name": "files/my-notes", "displayName": "Notes",
            "mimeType": "text/plain", "sizeBytes": 100}})
    );
    let seen = seen.lock().unwrap();
    assert_eq!(seen.first(), Some(&(16, Some(100))));
    assert_eq!(seen.last(), Some(&(100, Some(100))));
}

#[tokio::test]
async fn bytes_and_readers_need_a_media_type() {
    for source in [
        Source::from(content()),
        Source::from_reader(Cursor::new(content())),
    ] {
        let service = Service::default();
        let files = service.client().files();
        let upload = files.upload(source.clone());
        let error = upload.clone().send().await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "invalid `mime_type`: must be set, because the content has no file name to tell it by"
        );
        upload.set_mime_type("audio/x-own").send().await.unwrap();
        assert_eq!(service.state().content, content());
    }
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_was_killed_goes_on_in_another_process() {
    let service = Service::default();
    // The third chunk arrives in part, and then the process ends.
    service.state().stalls_after = Some(40);
    let saved = {
        let files = service.client().files();
        let upload = files.upload(content()).set_mime_type("text/plain");
        let upload = upload.with_chunk_bytes(chunk());
        let session = upload.start().await.unwrap();
        let saved = serde_json::to_string(&session).unwrap();
        let killed = tokio::time::timeout(Duration::from_secs(1), upload.resume(&session));
        killed.await.unwrap_err();
        saved
    };
    assert_eq!(service.state().content.len(), 40);
    service.state().stalls_after = None;

    let session: UploadSession = serde_json::from_str(&saved).unwrap();
    let files = service.client().files();
    let upload = files.upload(content()).set_mime_type("text/plain");
    let upload = upload.with_chunk_bytes(chunk());
    let file = upload.resume(&session).await.unwrap().into_body();

    assert_eq!(file.size_bytes, Some(100));
    let state = service.state();
    assert_eq!(state.content, content(), "no byte is lost or twice");
    assert_eq!(state.starts.len(), 1);
    assert_eq!(
        state.log,
        [
            "query +0",
            "upload 0+16",
            "upload 16+16",
            "upload 32+16",
            "query +0",
            "upload 40+16",
            "upload 56+16",
            "upload 72+16",
            "upload, finalize 88+12",
        ],
        "nothing but the chunk that was on its way goes twice"
    );
}

#[tokio::test]
async fn an_upload_goes_on_with_its_own_content_only() {
    let service = Service::default();
    let files = service.client().files();
    let upload = files.upload(content()).set_mime_type("text/plain");
    let session = upload.start().await.unwrap();
    let other = files.upload(b"other".to_vec());
    let error = other.resume(&session).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("open a new upload"), "{error}");
    assert!(service.state().log.is_empty());
    let shown = format!("{session:?}");
    assert!(!shown.contains("TICKET"), "{shown}");
}

#[tokio::test]
async fn a_last_answer_without_the_file_is_an_error() {
    let service = Service::default();
    service.state().forgets_the_file = true;
    let files = service.client().files();
    let upload = files.upload(content()).set_mime_type("text/plain");
    let error = upload.send().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert!(error.to_string().contains("names no file"), "{error}");
}
