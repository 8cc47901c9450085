//! Downloads that are interrupted, answered oddly, resumed and checked.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use gimmal_transport::download::Digest;
use gimmal_transport::testing::{Reply, ScriptedTransport};
use gimmal_transport::{
    CallOptions, Clock, Download, Error, ErrorKind, FixedJitter, NeverRetry, Persistence, Request,
    Timeout, TokioClock, Transport,
};
use http::{HeaderName, HeaderValue, Method};
use proptest::prelude::*;
use tempfile::TempDir;
use test_case::test_case;
use url::Url;

use crate::file_server::{Fault, FileServer};
use crate::server::{Answer, Service, content, in_memory, limited, network, seconds, serve};

/// An empty folder, and the path of a file that is to come.
fn target() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("file.bin");
    (folder, target)
}

fn get(url: &str) -> Request {
    Request::new(Method::GET, Url::parse(url).unwrap())
}

fn download(transport: &Transport, target: &Path) -> Download {
    Download::new(transport, get("http://h.example/f?sig=SIGNATURE"), target)
}

fn names(folder: &TempDir) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// A reply about the first version of the file.
fn tagged(status: u16) -> Reply {
    Reply::status(status).with_header(
        HeaderName::from_static("etag"),
        HeaderValue::from_static("\"v1\""),
    )
}

/// Lets a download fail at the first fault.
async fn interrupt(transport: &Transport, target: &Path) -> Error {
    let options = CallOptions::default().with_retry_policy(NeverRetry);
    let download = download(transport, target).with_options(options);
    limited(download.send()).await.unwrap_err()
}

#[tokio::test(start_paused = true)]
async fn chk_dl_1_progress_ends_with_the_whole_and_no_traces_stay() {
    let (transport, server) = in_memory(FileServer::new(50, []));
    let (folder, target) = target();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let download = download(&transport, &target).with_progress({
        let seen = Arc::clone(&seen);
        move |progress| seen.lock().unwrap().push((progress.bytes, progress.total))
    });
    let file = limited(download.send()).await.unwrap();
    assert_eq!((file.bytes, file.resumed_bytes), (50, 0));
    assert_eq!(file.path, target);
    assert_eq!(std::fs::read(&target).unwrap(), content(50));
    assert_eq!(names(&folder), ["file.bin"]);
    let seen = seen.lock().unwrap();
    assert_eq!(seen[0], (0, Some(50)));
    assert_eq!(seen.last(), Some(&(50, Some(50))));
    assert_eq!(server.lock().unwrap().log, ["-"]);
}

#[tokio::test(start_paused = true)]
async fn an_empty_file() {
    let (transport, _) = in_memory(FileServer::new(0, []));
    let (folder, target) = target();
    limited(download(&transport, &target).send()).await.unwrap();
    assert_eq!(std::fs::read(&target).unwrap(), b"");
    assert_eq!(names(&folder), ["file.bin"]);
}

#[tokio::test(start_paused = true)]
async fn chk_dl_1_an_existing_file_is_left_alone_unless_told_to() {
    let (transport, server) = in_memory(FileServer::new(50, []));
    let (folder, target) = target();
    std::fs::write(&target, "old").unwrap();
    let error = limited(download(&transport, &target).send())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::File);
    assert!(error.to_string().contains("file.bin"), "{error}");
    assert!(server.lock().unwrap().log.is_empty(), "nothing is fetched");
    assert_eq!(names(&folder), ["file.bin"]);

    let download = download(&transport, &target).with_overwrite();
    limited(download.send()).await.unwrap();
    assert_eq!(std::fs::read(&target).unwrap(), content(50));
}

#[tokio::test(start_paused = true)]
async fn chk_dl_1_a_refusal_is_an_error_and_leaves_no_file() {
    let (transport, server) = in_memory(FileServer::new(50, [Fault::Refused(404)]));
    let (_folder, target) = target();
    let error = limited(download(&transport, &target).send())
        .await
        .unwrap_err();
    assert_eq!(error.status().unwrap(), 404);
    assert!(!format!("{error} {error:?}").contains("SIGNATURE"));
    assert!(!target.exists());
    assert_eq!(server.lock().unwrap().log.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_body_goes_on_where_it_stopped() {
    let faults = [
        Fault::After(20),
        Fault::NoAnswer,
        Fault::Refused(503),
        Fault::After(5),
    ];
    let (transport, server) = in_memory(FileServer::new(50, faults));
    let (_folder, target) = target();
    let begin = TokioClock.now();
    limited(download(&transport, &target).send()).await.unwrap();
    assert_eq!(std::fs::read(&target).unwrap(), content(50));
    let server = server.lock().unwrap();
    assert_eq!(
        server.log,
        ["-", "bytes=20-", "bytes=20-", "bytes=20-", "bytes=25-"]
    );
    assert_eq!(server.requests[1]["if-range"], "\"v1\"");
    // Half a second, one and two; then, after progress, half a second again.
    assert_eq!(TokioClock.now() - begin, seconds(4));
}

#[tokio::test(start_paused = true)]
async fn a_download_without_progress_ends_and_keeps_what_is_here() {
    let faults = std::iter::once(Fault::After(20)).chain([Fault::Refused(503); 99]);
    let (transport, server) = in_memory(FileServer::new(50, faults));
    let (folder, target) = target();
    let error = limited(download(&transport, &target).send())
        .await
        .unwrap_err();
    assert_eq!(error.persistence(), Persistence::Persistent);
    assert_eq!(server.lock().unwrap().log.len(), 5);
    assert_eq!(names(&folder), ["file.bin.part", "file.bin.part.json"]);
}

#[tokio::test(start_paused = true)]
async fn another_process_goes_on() {
    let (transport, server) = in_memory(FileServer::new(50, [Fault::After(20)]));
    let (folder, target) = target();
    let error = interrupt(&transport, &target).await;
    assert_eq!(error.kind(), ErrorKind::StreamInterrupted);
    let described = std::fs::read_to_string(folder.path().join("file.bin.part.json")).unwrap();
    assert!(!described.contains("SIGNATURE"), "{described}");

    let (transport, server) = in_memory(FileServer {
        log: server.lock().unwrap().log.clone(),
        ..FileServer::new(50, [])
    });
    let file = limited(download(&transport, &target).send()).await.unwrap();
    assert_eq!((file.bytes, file.resumed_bytes), (50, 20));
    assert_eq!(server.lock().unwrap().log, ["-", "bytes=20-"]);
    assert_eq!(std::fs::read(&target).unwrap(), content(50));
    assert_eq!(names(&folder), ["file.bin"]);
}

#[tokio::test(start_paused = true)]
async fn a_download_that_was_dropped_goes_on() {
    let begun = tagged(200).with_chunk("abc").with_silence();
    let rest = tagged(206)
        .with_header(
            HeaderName::from_static("content-range"),
            HeaderValue::from_static("bytes 3-5/6"),
        )
        .with_chunk("def");
    let http = ScriptedTransport::new([begun, rest]);
    let transport = Transport::builder()
        .with_http(Arc::new(http))
        .build()
        .unwrap();
    let (_folder, target) = target();
    let download = download(&transport, &target);
    let dropped = tokio::time::timeout(seconds(1), download.send()).await;
    assert!(dropped.is_err());
    let file = limited(download.send()).await.unwrap();
    assert_eq!((file.bytes, file.resumed_bytes), (6, 3));
    assert_eq!(std::fs::read(&target).unwrap(), b"abcdef");
}

#[tokio::test(start_paused = true)]
async fn a_file_that_another_download_writes_is_left_to_it() {
    let (transport, server) = in_memory(FileServer::new(50, []));
    let (folder, target) = target();
    let other = std::fs::File::create(folder.path().join("file.bin.part")).unwrap();
    other.lock().unwrap();
    let error = limited(download(&transport, &target).send())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::File);
    assert!(server.lock().unwrap().log.is_empty());
    drop(other);
    limited(download(&transport, &target).send()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn another_address_begins_again() {
    let (transport, server) = in_memory(FileServer::new(50, [Fault::After(20)]));
    let (_folder, target) = target();
    interrupt(&transport, &target).await;
    let other = Download::new(&transport, get("http://h.example/g"), &target);
    let file = limited(other.send()).await.unwrap();
    assert_eq!(file.resumed_bytes, 0);
    assert_eq!(server.lock().unwrap().log, ["-", "-"]);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_was_whole_but_not_named_needs_one_question() {
    let (transport, server) = in_memory(FileServer::new(50, []));
    let (_folder, target) = target();
    std::fs::write(&target, "in the way").unwrap();
    let whole = limited(download(&transport, &target).with_overwrite().send()).await;
    whole.unwrap();
    // The state between the last byte and the renaming.
    server.lock().unwrap().faults.push_back(Fault::After(50));
    std::fs::remove_file(&target).unwrap();
    interrupt(&transport, &target).await;
    let file = limited(download(&transport, &target).send()).await.unwrap();
    assert_eq!((file.bytes, file.resumed_bytes), (50, 50));
    assert_eq!(server.lock().unwrap().log, ["-", "-", "bytes=50-"]);
    assert_eq!(std::fs::read(&target).unwrap(), content(50));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_sends_no_parts_sends_everything_again() {
    let faults = [Fault::After(20), Fault::IgnoreRange];
    let (transport, server) = in_memory(FileServer::new(50, faults));
    let (_folder, target) = target();
    let file = limited(download(&transport, &target).send()).await.unwrap();
    assert_eq!((file.bytes, file.resumed_bytes), (50, 0));
    assert_eq!(std::fs::read(&target).unwrap(), content(50));
    assert_eq!(server.lock().unwrap().log, ["-", "bytes=20-"]);
}

#[test_case(Fault::No, &["-", "bytes=20-"]; "told by the condition")]
#[test_case(Fault::IgnoreIfRange, &["-", "bytes=20-", "-"]; "told by the tag of the part")]
#[tokio::test(start_paused = true)]
async fn a_file_that_changed_begins_again(second: Fault, log: &[&str]) {
    let (transport, server) = in_memory(FileServer::new(50, [Fault::After(20)]));
    let (_folder, target) = target();
    interrupt(&transport, &target).await;
    {
        let mut server = server.lock().unwrap();
        server.content.reverse();
        server.etag = Some("\"v2\"".into());
        server.faults.push_back(second);
    }
    limited(download(&transport, &target).send()).await.unwrap();
    let server = server.lock().unwrap();
    assert_eq!(std::fs::read(&target).unwrap(), server.content);
    assert_eq!(server.log, log);
}

#[test_case(10; "shorter than what is here")]
#[test_case(20; "as long as what is here")]
#[tokio::test(start_paused = true)]
async fn a_file_that_shrank_begins_again(len: usize) {
    let (transport, server) = in_memory(FileServer::new(50, [Fault::After(20)]));
    let (_folder, target) = target();
    interrupt(&transport, &target).await;
    {
        let mut server = server.lock().unwrap();
        server.content.reverse();
        server.content.truncate(len);
        server.faults.push_back(Fault::IgnoreIfRange);
    }
    limited(download(&transport, &target).send()).await.unwrap();
    let server = server.lock().unwrap();
    assert_eq!(std::fs::read(&target).unwrap(), server.content);
    assert_eq!(server.log, ["-", "bytes=20-", "-"]);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_part_is_not_put_into_the_file() {
    let faults = [Fault::After(20), Fault::WrongPart];
    let (transport, server) = in_memory(FileServer::new(50, faults));
    let (_folder, target) = target();
    limited(download(&transport, &target).send()).await.unwrap();
    assert_eq!(std::fs::read(&target).unwrap(), content(50));
    assert_eq!(server.lock().unwrap().log, ["-", "bytes=20-", "-"]);
}

#[tokio::test(start_paused = true)]
async fn without_a_version_parts_are_joined_only_under_a_digest() {
    for checked in [false, true] {
        let mut server = FileServer::new(50, [Fault::After(20)]);
        server.etag = None;
        let (transport, server) = in_memory(server);
        let (_folder, target) = target();
        let mut download = download(&transport, &target);
        if checked {
            download = download.with_expected_digest(Digest::of_sha256(&content(50)));
        }
        limited(download.send()).await.unwrap();
        assert_eq!(std::fs::read(&target).unwrap(), content(50));
        let second = if checked { "bytes=20-" } else { "-" };
        assert_eq!(server.lock().unwrap().log, ["-", second]);
    }
}

#[test_case(Digest::of_sha256(b"other"))]
#[test_case(Digest::of_md5(b"other"))]
#[test_case(Digest::of_crc32c(b"other"))]
#[tokio::test(start_paused = true)]
async fn a_wrong_digest_leaves_nothing(digest: Digest) {
    let (transport, _) = in_memory(FileServer::new(50, [Fault::After(20)]));
    let (folder, target) = target();
    let download = download(&transport, &target)
        .with_expected_digest(Digest::of_sha256(&content(50)))
        .with_expected_digest(digest);
    let error = limited(download.send()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Integrity);
    assert!(error.to_string().contains(&digest.to_string()), "{error}");
    assert!(names(&folder).is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_hashes_of_cloud_storage_are_checked() {
    // The MD5 of nothing.
    let header = HeaderValue::from_static("crc32c=AAAAAA==,md5=1B2M2Y8AsgTpgAmY7PhCfg==");
    for (len, right) in [(0, true), (50, false)] {
        let mut server = FileServer::new(len, []);
        server.headers.insert("x-goog-hash", header.clone());
        let (transport, _) = in_memory(server);
        let (_folder, target) = target();
        let result = limited(download(&transport, &target).send()).await;
        assert_eq!(result.is_ok(), right, "{result:?}");
        assert_eq!(target.exists(), right);
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_size_is_noticed_before_anything_is_fetched() {
    let (transport, _) = in_memory(FileServer::new(50, []));
    let (folder, target) = target();
    let seen = Arc::new(Mutex::new(0));
    let download = download(&transport, &target)
        .with_expected_bytes(51)
        .with_progress({
            let seen = Arc::clone(&seen);
            move |_| *seen.lock().unwrap() += 1
        });
    let error = limited(download.send()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Integrity);
    assert_eq!(
        error.to_string(),
        "file has 50 bytes at the server, and should have 51"
    );
    assert_eq!(*seen.lock().unwrap(), 0);
    assert!(names(&folder).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_size_that_nobody_announced_is_checked_at_the_end() {
    let http = ScriptedTransport::repeating(Reply::status(200).with_chunk("abc"));
    let transport = Transport::builder()
        .with_http(Arc::new(http))
        .build()
        .unwrap();
    let (_folder, target) = target();
    let error = limited(download(&transport, &target).with_expected_bytes(4).send())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Integrity);
    limited(download(&transport, &target).with_expected_bytes(3).send())
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_body_longer_than_announced_is_not_taken() {
    let length = HeaderName::from_static("content-length");
    let long = Reply::status(200)
        .with_header(length.clone(), HeaderValue::from_static("2"))
        .with_chunk("abc");
    let short = Reply::status(200)
        .with_header(length, HeaderValue::from_static("3"))
        .with_chunk("ab");
    let http = ScriptedTransport::new([long, short, Reply::status(200).with_chunk("abc")]);
    let transport = Transport::builder()
        .with_http(Arc::new(http))
        .build()
        .unwrap();
    let (_folder, target) = target();
    limited(download(&transport, &target).send()).await.unwrap();
    assert_eq!(std::fs::read(&target).unwrap(), b"abc");
}

#[test_case("content-encoding", "gzip"; "packed on the way")]
#[tokio::test(start_paused = true)]
async fn an_answer_of_no_use_ends_the_download(name: &'static str, value: &'static str) {
    let mut server = FileServer::new(50, []);
    server.headers.insert(name, HeaderValue::from_static(value));
    let (transport, server) = in_memory(server);
    let (_folder, target) = target();
    let error = limited(download(&transport, &target).send())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transfer);
    assert_eq!(server.lock().unwrap().log.len(), 1);
    assert!(!target.exists());
}

#[tokio::test(start_paused = true)]
async fn silence_is_an_interruption_and_a_deadline_covers_everything() {
    let begun = tagged(200).with_chunk("abc").with_silence();
    let http = ScriptedTransport::new([begun, Reply::silence()]);
    let transport = Transport::builder()
        .with_http(Arc::new(http.clone()))
        .with_jitter(Arc::new(FixedJitter::new(0.5)))
        .build()
        .unwrap();
    let options = CallOptions::default()
        .with_idle_timeout(Timeout::After(seconds(10)))
        .with_deadline(Timeout::After(seconds(60)));
    let (folder, target) = target();
    let begin = TokioClock.now();
    let error = limited(download(&transport, &target).with_options(options).send())
        .await
        .unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert_eq!(http.requests()[1].at() - begin, seconds(21) / 2);
    assert_eq!(http.requests()[1].header("range"), Some("bytes=3-"));
    assert_eq!(TokioClock.now() - begin, seconds(60));
    assert_eq!(names(&folder).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_range_of_the_callers_own_is_refused() {
    let (transport, _) = in_memory(FileServer::new(50, []));
    let (_folder, target) = target();
    let request = get("http://h.example/f").with_header(
        HeaderName::from_static("range"),
        HeaderValue::from_static("bytes=0-1"),
    );
    let error = limited(Download::new(&transport, request, &target).send())
        .await
        .unwrap_err();
    assert_eq!(error.field(), Some("request"));
}

#[cfg(target_os = "linux")]
#[tokio::test(start_paused = true)]
async fn a_full_disk_is_named_with_its_file() {
    let (transport, server) = in_memory(FileServer::new(50, []));
    let (folder, target) = target();
    std::os::unix::fs::symlink("/dev/full", folder.path().join("file.bin.part")).unwrap();
    let error = limited(download(&transport, &target).send())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::File);
    let text = error.to_string();
    assert!(
        text.contains("file.bin.part") && text.contains("No space left"),
        "{text}"
    );
    assert_eq!(
        server.lock().unwrap().log.len(),
        1,
        "trying again is no help"
    );
}

#[tokio::test(start_paused = true)]
async fn a_folder_in_the_place_of_the_file() {
    let (transport, _) = in_memory(FileServer::new(50, []));
    let (_folder, target) = target();
    std::fs::create_dir(&target).unwrap();
    let download = download(&transport, &target).with_overwrite();
    let error = limited(download.send()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::File);
    assert!(error.to_string().contains("file.bin`"), "{error}");
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        1 => Just(Fault::No),
        4 => (0_usize..60).prop_map(Fault::After),
        1 => Just(Fault::NoAnswer),
        1 => Just(Fault::Refused(503)),
        1 => Just(Fault::IgnoreRange),
        1 => Just(Fault::WrongPart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_fails_the_file_is_right_when_it_is_there(
        len in 0_usize..120,
        faults in proptest::collection::vec(fault(), 0..10),
        versioned in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        let count = faults.len();
        let mut server = FileServer::new(len, faults);
        if !versioned {
            server.etag = None;
        }
        let (transport, _) = in_memory(server);
        let (folder, target) = target();
        // Each run is a process of its own; the faults are used up some time.
        for _ in 0..=count {
            match runtime.block_on(limited(download(&transport, &target).send())) {
                Ok(file) => {
                    prop_assert_eq!(file.bytes, len as u64);
                    break;
                }
                Err(_) => prop_assert!(!target.exists()),
            }
        }
        prop_assert_eq!(std::fs::read(&target).unwrap(), content(len));
        prop_assert_eq!(names(&folder), ["file.bin"]);
    }
}

#[tokio::test]
async fn over_the_network() {
    let faults = [Fault::After(100_000), Fault::NoAnswer, Fault::Refused(502)];
    let server = Arc::new(Mutex::new(FileServer::new(300_000, faults)));
    let address = serve(Arc::clone(&server)).await;
    let (folder, target) = target();
    let request = get(&format!("http://{address}/f"));
    let transport = network();
    let download = Download::new(&transport, request, &target)
        .with_expected_digest(Digest::of_sha256(&content(300_000)));
    limited(download.send()).await.unwrap();
    assert_eq!(names(&folder), ["file.bin"]);
    let server = server.lock().unwrap();
    assert_eq!(server.log.len(), 4);
    // How much arrives of what was sent before the cut is the network's affair.
    assert!(server.log[1..].iter().all(|range| range != "bytes=0-"));
}

/// Sends everybody elsewhere, like an archive that lives in a bucket.
struct Elsewhere(String);

impl Service for Elsewhere {
    fn answer(&mut self, request: &http::Request<bytes::Bytes>) -> Answer {
        assert!(request.headers().contains_key("x-goog-api-key"));
        Answer::new(302).with_header("location", &self.0)
    }
}

#[tokio::test]
async fn chk_dl_1_a_redirect_carries_the_range_and_no_key() {
    let files = Arc::new(Mutex::new(FileServer::new(
        300_000,
        [Fault::After(100_000)],
    )));
    let there = serve(Arc::clone(&files)).await;
    let here = serve(Arc::new(Mutex::new(Elsewhere(format!("http://{there}/f"))))).await;
    let (_folder, target) = target();
    let transport = network();
    let download = Download::new(&transport, get(&format!("http://{here}/archive")), &target);
    limited(download.send()).await.unwrap();
    assert!(std::fs::read(&target).unwrap() == content(300_000));
    let files = files.lock().unwrap();
    assert_eq!(files.requests.len(), 2);
    assert!(files.requests[1].contains_key("range") && files.requests[1].contains_key("if-range"));
    for headers in &files.requests {
        assert!(!headers.contains_key("x-goog-api-key"));
    }
}
