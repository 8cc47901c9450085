//! Uploads that are interrupted, refused, resumed and given up.

use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use gimmal_transport::testing::{Reply, ScriptedTransport};
use gimmal_transport::transfer::{Fingerprint, ReadAt};
use gimmal_transport::{
    CallOptions, Clock, Error, ErrorKind, FixedJitter, NeverRetry, Origin, Persistence, Request,
    Response, ResumableUpload, RetryBudget, Source, Timeout, TimeoutKind, TokioClock, Transport,
    UploadSession,
};
use http::header::{AUTHORIZATION, COOKIE};
use http::{HeaderName, HeaderValue, Method};
use proptest::prelude::*;
use test_case::test_case;
use url::Url;

use crate::server::{builder, content, in_memory, limited, network, seconds, serve};
use crate::upload_server::{Fault, UploadServer};

const TEXT: HeaderValue = HeaderValue::from_static("text/plain");

fn start() -> Request {
    start_at("http://h.example")
}

fn start_at(origin: &str) -> Request {
    let url = Url::parse(&format!("{origin}/upload/v1/files")).unwrap();
    Request::new(Method::POST, url).with_json_body("{}".into())
}

/// Chunks of eight bytes.
fn upload(transport: &Transport) -> ResumableUpload {
    ResumableUpload::new(transport).with_chunk_bytes(NonZeroU64::new(8).unwrap())
}

async fn send(transport: &Transport, len: usize) -> Result<Response<Bytes>, Error> {
    let source = Source::from(content(len));
    limited(upload(transport).send(start(), &source, &TEXT)).await
}

#[tokio::test(start_paused = true)]
async fn chunks_and_progress() {
    let (transport, server) = in_memory(UploadServer::new([]));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let upload = upload(&transport).with_progress({
        let seen = Arc::clone(&seen);
        move |progress| seen.lock().unwrap().push((progress.bytes, progress.total))
    });
    let source = Source::from(content(20));
    let reply = limited(upload.send(start(), &source, &TEXT)).await.unwrap();
    assert_eq!(reply.body(), r#"{"file": {}}"#);
    let server = server.lock().unwrap();
    assert_eq!(server.content, content(20));
    assert_eq!(
        server.log,
        [
            "start +2",
            "upload 0+8",
            "upload 8+8",
            "upload, finalize 16+4"
        ]
    );
    assert_eq!(
        *seen.lock().unwrap(),
        [(8, Some(20)), (16, Some(20)), (20, Some(20))]
    );
    let start = &server.starts[0];
    assert_eq!(start["x-goog-upload-header-content-length"], "20");
    assert_eq!(start["x-goog-upload-header-content-type"], "text/plain");
    assert_eq!(start["content-type"], "application/json");
}

#[test_case(0, &["start +2", "upload, finalize 0+0"]; "empty")]
#[test_case(8, &["start +2", "upload, finalize 0+8"]; "one chunk")]
#[tokio::test(start_paused = true)]
async fn small_contents(len: usize, log: &[&str]) {
    let (transport, server) = in_memory(UploadServer::new([]));
    send(&transport, len).await.unwrap();
    assert_eq!(server.lock().unwrap().log, log);
}

#[tokio::test(start_paused = true)]
async fn after_a_failure_the_server_is_asked() {
    let faults = [
        Fault::Half(5),
        Fault::Refused(503),
        Fault::No,
        Fault::Dumb,
        Fault::No,
        Fault::NoAnswer,
    ];
    let (transport, server) = in_memory(UploadServer::new(faults));
    let begin = TokioClock.now();
    send(&transport, 20).await.unwrap();
    let server = server.lock().unwrap();
    assert_eq!((&server.content, server.finished), (&content(20), 1));
    assert_eq!(
        server.log,
        [
            "start +2",
            "upload 0+5",
            "query +0",
            "query +0",
            "upload 5+8",
            "query +0",
            "upload, finalize 13+7",
            "query +0"
        ]
    );
    // Half a second and a second; then, after progress, twice half a second.
    let waited = TokioClock.now() - begin;
    assert_eq!(waited, seconds(5) / 2);
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_makes_no_progress_ends() {
    let faults = std::iter::repeat_n(Fault::Refused(503), 99);
    let (transport, server) = in_memory(UploadServer::new(faults));
    let error = send(&transport, 20).await.unwrap_err();
    assert_eq!(error.status().unwrap(), 503);
    assert_eq!(error.persistence(), Persistence::Persistent);
    let log = &server.lock().unwrap().log;
    assert_eq!(log[1], "upload 0+8");
    assert_eq!(log[2..], ["query +0"; 4]);
    let context: Vec<_> = error.context().collect();
    assert!(context.contains(&("failures_without_progress", "5")));
}

#[tokio::test(start_paused = true)]
async fn a_long_upload_may_fail_often() {
    // Of each chunk one half arrives, and the next question is answered.
    let faults = (0..140).map(|n| [Fault::Half(4), Fault::No][n % 2]);
    let (builder, server) = builder(UploadServer::new(faults));
    let budget = RetryBudget::with_capacity(100_000);
    let transport = builder.with_retry_budget(budget.clone()).build().unwrap();
    send(&transport, 300).await.unwrap();
    assert_eq!(server.lock().unwrap().content, content(300));
    assert!(budget.available() < 100_000 - 70 * 10, "it is paid for");
}

#[tokio::test(start_paused = true)]
async fn an_empty_budget_ends_an_upload() {
    let (builder, server) = builder(UploadServer::new([Fault::Refused(503); 9]));
    // Enough for one more request.
    let budget = RetryBudget::with_capacity(20);
    let transport = builder.with_retry_budget(budget).build().unwrap();
    let error = send(&transport, 20).await.unwrap_err();
    assert_eq!(error.status().unwrap(), 503);
    assert_eq!(server.lock().unwrap().log.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_too_long_ends_an_upload_and_is_told() {
    let name = HeaderName::from_static;
    let http = ScriptedTransport::new([
        Reply::status(200).with_header(name("x-goog-upload-url"), HeaderValue::from_static("/t")),
        Reply::status(503).with_header(name("retry-after"), HeaderValue::from_static("300")),
    ]);
    let transport = Transport::builder()
        .with_http(Arc::new(http))
        .build()
        .unwrap();
    let begin = TokioClock.now();
    let error = send(&transport, 20).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RetryDelayTooLong);
    assert_eq!(error.retry_after(), Some(seconds(300)));
    assert_eq!(TokioClock.now(), begin);
}

#[tokio::test(start_paused = true)]
async fn retries_that_are_off_stay_off() {
    let (transport, server) = in_memory(UploadServer::new([Fault::Refused(503)]));
    let options = CallOptions::default().with_retry_policy(NeverRetry);
    let upload = upload(&transport).with_options(options);
    let source = Source::from(content(20));
    let error = limited(upload.send(start(), &source, &TEXT))
        .await
        .unwrap_err();
    assert_eq!(error.status().unwrap(), 503);
    assert_eq!(server.lock().unwrap().log.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_covers_the_whole_upload() {
    let faults = [
        Fault::Half(4),
        Fault::No,
        Fault::Half(4),
        Fault::No,
        Fault::Half(4),
    ];
    let (transport, _) = in_memory(UploadServer::new(faults));
    let options = CallOptions::default().with_deadline(Timeout::After(seconds(5) / 4));
    let upload = upload(&transport).with_options(options);
    let begin = TokioClock.now();
    let source = Source::from(content(100));
    let error = limited(upload.send(start(), &source, &TEXT))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    let context: Vec<_> = error.context().collect();
    assert!(context.contains(&("transfer_stopped_because", "the deadline is too close")));
    assert_eq!(TokioClock.now() - begin, seconds(1));
}

#[test_case(Fault::Over(503), ErrorKind::Status; "refused for good")]
#[test_case(Fault::Refused(404), ErrorKind::Status; "forgotten")]
#[test_case(Fault::Refused(400), ErrorKind::Status; "refused")]
#[test_case(Fault::Cancelled, ErrorKind::Transfer; "cancelled")]
#[test_case(Fault::Boastful, ErrorKind::Transfer; "more than was sent")]
#[test_case(Fault::Over(200), ErrorKind::Transfer; "finished early")]
#[tokio::test(start_paused = true)]
async fn what_ends_an_upload_at_once(fault: Fault, kind: ErrorKind) {
    let (transport, server) = in_memory(UploadServer::new([fault]));
    let error = send(&transport, 20).await.unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    assert!(!format!("{error} {error:?}").contains("TICKET"));
    assert_eq!(server.lock().unwrap().log.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_saved_session_goes_on_in_another_process() {
    let (transport, server) = in_memory(UploadServer::new([Fault::No, Fault::Refused(400)]));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.txt");
    std::fs::write(&path, content(20)).unwrap();
    let source = Source::open(&path).await.unwrap();
    let session = limited(upload(&transport).start(start(), &source, &TEXT))
        .await
        .unwrap();
    let saved = serde_json::to_string(&session).unwrap();
    limited(upload(&transport).resume(&session, &source))
        .await
        .unwrap_err();
    drop((session, source));

    let session: UploadSession = serde_json::from_str(&saved).unwrap();
    let source = Source::open(&path).await.unwrap();
    server.lock().unwrap().log.clear();
    limited(upload(&transport).resume(&session, &source))
        .await
        .unwrap();
    let mut server = server.lock().unwrap();
    assert_eq!(server.content, content(20));
    assert_eq!(
        server.log,
        [
            "query +0",
            "upload 0+8",
            "upload 8+8",
            "upload, finalize 16+4"
        ]
    );
    assert_eq!(server.starts[0]["x-goog-upload-file-name"], "a.txt");
    server.log.clear();
}

#[tokio::test(start_paused = true)]
async fn a_session_takes_no_other_content() {
    let (transport, server) = in_memory(UploadServer::new([]));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    std::fs::write(&path, content(20)).unwrap();
    let source = Source::open(&path).await.unwrap();
    let session = limited(upload(&transport).start(start(), &source, &TEXT))
        .await
        .unwrap();
    std::fs::write(&path, content(21)).unwrap();
    let changed = Source::open(&path).await.unwrap();
    for source in [changed, Source::from("other")] {
        let error = limited(upload(&transport).resume(&session, &source))
            .await
            .unwrap_err();
        assert_eq!(error.field(), Some("source"), "{error}");
    }
    assert_eq!(server.lock().unwrap().log.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_finished_upload_is_found_finished() {
    let (transport, server) = in_memory(UploadServer::new([]));
    let source = Source::from(content(20));
    let session = limited(upload(&transport).start(start(), &source, &TEXT))
        .await
        .unwrap();
    for _ in 0..2 {
        limited(upload(&transport).resume(&session, &source))
            .await
            .unwrap();
    }
    assert_eq!(server.lock().unwrap().finished, 1);
}

#[tokio::test(start_paused = true)]
async fn cancelling() {
    let faults = [
        Fault::Refused(503),
        Fault::No,
        Fault::Refused(404),
        Fault::Refused(403),
    ];
    let (transport, server) = in_memory(UploadServer::new(faults));
    let source = Source::from(content(20));
    let session = limited(upload(&transport).start(start(), &source, &TEXT))
        .await
        .unwrap();
    limited(upload(&transport).cancel(&session)).await.unwrap();
    assert!(server.lock().unwrap().cancelled);
    limited(upload(&transport).cancel(&session)).await.unwrap();
    let error = limited(upload(&transport).cancel(&session))
        .await
        .unwrap_err();
    assert_eq!(error.status().unwrap(), 403);
}

#[tokio::test(start_paused = true)]
async fn chunk_sizes_are_checked_before_content_is_sent() {
    let (transport, server) = in_memory(UploadServer::new([]));
    server.lock().unwrap().granularity = 3;
    let error = send(&transport, 20).await.unwrap_err();
    assert_eq!(error.field(), Some("chunk_bytes"));
    assert!(error.to_string().ends_with("use 9"), "{error}");
    assert_eq!(server.lock().unwrap().log, ["start +2"]);
}

#[tokio::test(start_paused = true)]
async fn the_callers_headers_go_to_the_start_alone() {
    let (builder, server) = builder(UploadServer::new([Fault::Half(3)]));
    let value = HeaderValue::from_static("S");
    let transport = builder
        .with_header(AUTHORIZATION, value.clone())
        .with_options(CallOptions::default().with_header(COOKIE, value.clone()))
        .build()
        .unwrap();
    let options =
        CallOptions::default().with_header(HeaderName::from_static("x-secret"), value.clone());
    let upload = upload(&transport).with_options(options);
    let source = Source::from(content(20));
    limited(upload.send(start(), &source, &TEXT)).await.unwrap();
    // The server refuses to see them in any other request.
    let start = &server.lock().unwrap().starts[0];
    for name in ["authorization", "cookie", "x-secret"] {
        assert_eq!(start[name], "S");
    }
}

#[tokio::test(start_paused = true)]
async fn content_goes_to_no_stranger_unless_told_to() {
    let (transport, server) = in_memory(UploadServer::new([]));
    server.lock().unwrap().target = "https://stranger.example/x?upload_id=TICKET".into();
    let error = send(&transport, 20).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transfer);
    assert!(error.to_string().contains("https://stranger.example"));
    assert!(!format!("{error} {error:?}").contains("TICKET"));

    let origin = Origin::parse("http://h.example").unwrap();
    let source = Source::from(content(20));
    let upload = upload(&transport).with_origin(origin);
    limited(upload.send(start(), &source, &TEXT)).await.unwrap();
    assert_eq!(server.lock().unwrap().finished, 1);
}

/// A content whose size nobody knows, or that changes after some looks.
#[derive(Debug)]
struct Odd {
    content: Bytes,
    sized: bool,
    looks_before_change: u64,
    looks: AtomicU64,
}

impl ReadAt for Odd {
    fn fingerprint(&self) -> BoxFuture<'_, Result<Fingerprint, Error>> {
        let looks = self.looks.fetch_add(1, Ordering::Relaxed);
        let size = self.sized.then_some(self.content.len() as u64);
        let mark = if looks < self.looks_before_change {
            "a"
        } else {
            "b"
        };
        ready(Ok(Fingerprint::new(size, mark))).boxed()
    }

    fn read_at(&self, offset: u64, max_bytes: usize) -> BoxFuture<'_, Result<Bytes, Error>> {
        let start = usize::try_from(offset).unwrap().min(self.content.len());
        let end = (start + max_bytes).min(self.content.len());
        ready(Ok(self.content.slice(start..end))).boxed()
    }
}

#[test_case(16, "upload, finalize 16+0"; "a multiple of the chunk size")]
#[test_case(17, "upload, finalize 16+1"; "one more")]
#[tokio::test(start_paused = true)]
async fn a_content_of_unknown_size(len: usize, last: &str) {
    let (transport, server) = in_memory(UploadServer::new([Fault::Half(3)]));
    let source = Source::new(Odd {
        content: content(len).into(),
        sized: false,
        looks_before_change: u64::MAX,
        looks: AtomicU64::new(0),
    });
    // Three bytes are there after the failure, so chunks end at 11 and 19.
    let last = last.replace("16+0", "11+5").replace("16+1", "11+6");
    limited(upload(&transport).send(start(), &source, &TEXT))
        .await
        .unwrap();
    let server = server.lock().unwrap();
    assert_eq!(server.content, content(len));
    assert_eq!(server.log.last(), Some(&last));
    let start = &server.starts[0];
    assert!(!start.contains_key("x-goog-upload-header-content-length"));
}

#[tokio::test(start_paused = true)]
async fn a_content_that_changes_is_never_finished() {
    for looks_before_change in 1..4 {
        let (transport, server) = in_memory(UploadServer::new([]));
        let source = Source::new(Odd {
            content: content(20).into(),
            sized: true,
            looks_before_change,
            looks: AtomicU64::new(0),
        });
        let error = limited(upload(&transport).send(start(), &source, &TEXT))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Transfer);
        assert!(error.to_string().contains("changed"), "{error}");
        assert_eq!(server.lock().unwrap().finished, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_opens_nothing() {
    let replies = [Reply::status(503), Reply::json(200, "{}")];
    let http = ScriptedTransport::new(replies);
    let transport = Transport::builder()
        .with_http(Arc::new(http.clone()))
        .build()
        .unwrap();
    let error = send(&transport, 20).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transfer);
    assert_eq!(http.request_count(), 2, "opening is safe to repeat");
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_is_a_reason_to_ask() {
    let name = HeaderName::from_static;
    let value = HeaderValue::from_static;
    let http = ScriptedTransport::new([
        Reply::status(200).with_header(name("x-goog-upload-url"), value("/t")),
        Reply::silence(),
        Reply::status(200)
            .with_header(name("x-goog-upload-status"), value("active"))
            .with_header(name("x-goog-upload-size-received"), value("0")),
        Reply::status(503).with_header(name("retry-after"), value("30")),
        Reply::silence(),
    ]);
    let transport = Transport::builder()
        .with_http(Arc::new(http.clone()))
        .with_jitter(Arc::new(FixedJitter::new(0.5)))
        .build()
        .unwrap();
    let options = CallOptions::default()
        .with_attempt_timeout(Timeout::After(seconds(60)))
        .with_deadline(Timeout::After(seconds(100)));
    let upload = upload(&transport).with_options(options);
    let begin = TokioClock.now();
    let source = Source::from(content(4));
    let error = limited(upload.send(start(), &source, &TEXT))
        .await
        .unwrap_err();
    assert_eq!(http.request_count(), 5);
    let at: Vec<_> = http.requests().iter().map(|it| it.at() - begin).collect();
    assert_eq!(at[2] - at[1], seconds(60) + seconds(1) / 2);
    assert_eq!(at[4] - at[3], seconds(30), "the server's wish is longer");
    assert_eq!(error.timeout_kind(), Some(TimeoutKind::Deadline));
    assert_eq!(TokioClock.now() - begin, seconds(100));
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        2 => Just(Fault::No),
        2 => (0_usize..9).prop_map(Fault::Half),
        1 => Just(Fault::NoAnswer),
        1 => Just(Fault::Refused(503)),
        1 => Just(Fault::Dumb),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_fails_the_content_arrives_once_or_the_error_says_so(
        len in 0_usize..80,
        faults in proptest::collection::vec(fault(), 0..12),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        let (transport, server) = in_memory(UploadServer::new(faults));
        let result = runtime.block_on(send(&transport, len));
        let server = server.lock().unwrap();
        match result {
            Ok(_) => {
                prop_assert_eq!(server.finished, 1);
                prop_assert_eq!(&server.content, &content(len));
            }
            Err(error) => {
                prop_assert_eq!(error.persistence(), Persistence::Persistent);
                prop_assert!(content(len).starts_with(&server.content));
            }
        }
    }
}

#[tokio::test]
async fn over_the_network() {
    let faults = [
        Fault::Half(70_000),
        Fault::No,
        Fault::NoAnswer,
        Fault::Refused(500),
    ];
    let mut server = UploadServer::new(faults);
    server.granularity = 65_536;
    let server = Arc::new(Mutex::new(server));
    let address = serve(Arc::clone(&server)).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("big.bin");
    std::fs::write(&path, content(500_000)).unwrap();

    let transport = network();
    let upload =
        ResumableUpload::new(&transport).with_chunk_bytes(NonZeroU64::new(131_072).unwrap());
    let source = Source::open(&path).await.unwrap();
    let start = start_at(&format!("http://{address}"));
    let reply = limited(upload.send(start, &source, &TEXT)).await.unwrap();
    assert_eq!(reply.body(), r#"{"file": {}}"#);
    let server = server.lock().unwrap();
    assert_eq!(server.finished, 1);
    assert!(server.content == content(500_000));
    assert_eq!(server.starts[0]["x-goog-upload-file-name"], "big.bin");
}
