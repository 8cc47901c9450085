//! Packed bodies from the caller's side: what goes out, what comes back, and where it ends.

use std::convert::Infallible;
use std::io::Write;
use std::num::NonZeroU32;
use std::sync::Mutex;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};
use gimmal_transport::compression::{ContentCoding, Decompressor, RequestCompression};
use gimmal_transport::testing::{Reply, ScriptedTransport};
use gimmal_transport::{
    CallOptions, Clock, ErrorKind, HttpConfig, Persistence, Request, Timeout, TimeoutKind,
    TokioClock,
};
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, RANGE};
use http::{HeaderValue, Method, Response};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use test_case::test_case;
use tokio::sync::mpsc;

use crate::common::{builder, limited, post, request, scripted, seconds, send};
use crate::server::{Authority, Loopback, Offer, direct, get, real_limit};

const MEBIBYTE: usize = 1024 * 1024;

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn value(text: &'static str) -> HeaderValue {
    HeaderValue::from_static(text)
}

fn packed_as(coding: &'static str, status: u16, body: impl Into<Bytes>) -> Reply {
    Reply::status(status)
        .with_header(CONTENT_ENCODING, value(coding))
        .with_header(CONTENT_LENGTH, value("7"))
        .with_chunk(body)
}

fn unpacked(coding: ContentCoding, body: &Bytes) -> Vec<u8> {
    let mut decompressor = Decompressor::new(coding).unwrap();
    decompressor.push(body.clone());
    decompressor.finish();
    let mut plain = Vec::new();
    while let Some(piece) = decompressor.next_piece() {
        plain.extend(piece.unwrap());
    }
    plain
}

#[test_case("gzip")]
#[test_case("GZIP"; "in capitals")]
#[test_case(" x-gzip "; "old name")]
#[tokio::test(start_paused = true)]
async fn chk_gz_1_a_packed_reply_reads_like_any_other(coding: &'static str) {
    let (transport, http) = scripted([packed_as(coding, 201, gzip(b"{\"a\": 1}"))]);
    let reply = send(&transport, request()).await.unwrap();
    assert_eq!(reply.body(), "{\"a\": 1}");
    assert_eq!(reply.status(), 201);
    assert!(!reply.headers().contains_key(CONTENT_ENCODING));
    assert!(!reply.headers().contains_key(CONTENT_LENGTH));
    let accepted = http.requests()[0]
        .header("accept-encoding")
        .unwrap()
        .to_owned();
    assert!(accepted.contains("gzip") && accepted.contains("deflate"));
}

#[tokio::test(start_paused = true)]
async fn chk_gz_1_garbage_comes_as_it_was_sent() {
    let (transport, _) = scripted([packed_as("gzip", 200, "not packed")]);
    let reply = send(&transport, request()).await.unwrap();
    assert_eq!(reply.body(), "not packed");
    assert!(!reply.headers().contains_key(CONTENT_ENCODING));
}

#[tokio::test(start_paused = true)]
async fn other_codings_are_left_alone() {
    for coding in ["br", "gzip, br"] {
        let (transport, _) = scripted([packed_as(coding, 200, gzip(b"x"))]);
        let reply = send(&transport, request()).await.unwrap();
        assert_eq!(reply.body(), &gzip(b"x"));
        assert_eq!(reply.headers()[CONTENT_ENCODING], coding);
    }
}

#[tokio::test(start_paused = true)]
async fn who_asks_for_a_coding_or_a_range_reads_it_as_it_comes() {
    let url = request().url().clone();
    let own = [
        request().with_header(ACCEPT_ENCODING, value("gzip")),
        request().with_header(RANGE, value("bytes=5-")),
        Request::new(Method::HEAD, url),
    ];
    for request in own {
        let asked = request.headers().get(ACCEPT_ENCODING).cloned();
        let (transport, http) = scripted([packed_as("gzip", 200, gzip(b"x"))]);
        let reply = send(&transport, request).await.unwrap();
        assert_eq!(reply.body(), &gzip(b"x"));
        assert_eq!(reply.headers()[CONTENT_ENCODING], "gzip");
        let sent = http.requests().remove(0);
        assert_eq!(sent.headers().get(ACCEPT_ENCODING), asked.as_ref());
    }
}

#[tokio::test(start_paused = true)]
async fn a_packed_refusal_says_why() {
    let body = br#"{"error": {"status": "INVALID_ARGUMENT", "message": "bad"}}"#;
    let (transport, _) = scripted([packed_as("gzip", 400, gzip(body))]);
    let error = send(&transport, request()).await.unwrap_err();
    assert_eq!(error.to_string(), "http 400 INVALID_ARGUMENT: bad");
}

#[tokio::test(start_paused = true)]
async fn a_cut_reply_is_tried_again_and_a_corrupt_one_is_not() {
    let whole = gzip(b"{\"text\": \"long enough\"}");
    let mut corrupt = whole.clone();
    corrupt[10] = 0xff;
    let (transport, http) = scripted([
        packed_as("gzip", 200, whole[..whole.len() - 4].to_vec()),
        packed_as("gzip", 200, corrupt),
    ]);
    let error = send(&transport, request()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert_eq!(error.persistence(), Persistence::Permanent);
    assert_eq!(error.status().unwrap(), 200);
    assert!(
        error.to_string().contains("gzip data is corrupt"),
        "{error}"
    );
    assert_eq!(http.request_count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_bomb_ends_at_the_limit_on_the_reply() {
    let bomb = gzip(&vec![0; 4 * MEBIBYTE]);
    let (transport, http) = scripted([packed_as("gzip", 200, bomb.clone())]);
    let options = CallOptions::default().with_max_response_bytes(MEBIBYTE);
    let error = limited(transport.send(request(), &options))
        .await
        .unwrap_err();
    assert!(bomb.len() < MEBIBYTE);
    assert_eq!(error.kind(), ErrorKind::ResponseTooLarge);
    assert_eq!(http.request_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_bomb_in_a_stream_ends_at_its_ratio() {
    let bomb = gzip(&vec![b'x'; 20 * MEBIBYTE]);
    let (transport, _) = scripted([
        packed_as("gzip", 200, bomb.clone()),
        packed_as("gzip", 200, bomb),
    ]);
    let read = async |options: CallOptions| {
        let reply = limited(transport.open_bytes(request(), &options))
            .await
            .unwrap();
        reply
            .into_body()
            .map_ok(|bytes| bytes.len())
            .try_fold(0, async |a, b| Ok(a + b))
            .await
    };
    let error = read(CallOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ResponseTooLarge);
    assert_eq!(
        error.to_string(),
        "reply unpacks to more than 200 times its size"
    );

    let patient = CallOptions::default().with_max_decompression_ratio(NonZeroU32::MAX);
    assert_eq!(read(patient).await.unwrap(), 20 * MEBIBYTE);
}

/// Events in gzip, flushed one by one.
fn flushed_events() -> Vec<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let mut chunks = Vec::new();
    for number in 1..=3 {
        write!(encoder, "data: {number}\n\n").unwrap();
        encoder.flush().unwrap();
        chunks.push(std::mem::take(encoder.get_mut()));
    }
    chunks.push(encoder.finish().unwrap());
    chunks
}

#[tokio::test(start_paused = true)]
async fn packed_events_arrive_when_they_are_flushed() {
    let mut chunks = flushed_events().into_iter();
    let head = packed_as("gzip", 200, chunks.next().unwrap());
    let reply = chunks.fold(head, |reply, chunk| {
        reply.with_pause(seconds(60)).with_chunk(chunk)
    });
    let (transport, _) = scripted([reply]);
    let reply = limited(transport.open_events(request(), &CallOptions::default())).await;
    let mut events = reply.unwrap().into_body();
    let start = TokioClock.now();
    for number in 1..=3 {
        let event = limited(events.next()).await.unwrap().unwrap();
        assert_eq!(event.data, number.to_string());
        assert_eq!(TokioClock.now() - start, seconds(60 * (number - 1)));
    }
    assert!(limited(events.next()).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn silence_of_a_packed_stream_is_silence_of_the_wire() {
    let chunk = flushed_events().remove(0);
    let (transport, _) = scripted([packed_as("gzip", 200, chunk).with_silence()]);
    let options = CallOptions::default().with_idle_timeout(Timeout::After(seconds(5)));
    let reply = limited(transport.open_events(request(), &options))
        .await
        .unwrap();
    let mut events = reply.into_body();
    assert_eq!(limited(events.next()).await.unwrap().unwrap().data, "1");
    let error = limited(events.next()).await.unwrap().unwrap_err();
    assert_eq!(error.timeout_kind(), Some(TimeoutKind::Idle));
}

fn long_body() -> Bytes {
    Bytes::from("{\"tokens\": [1, 2, 3]}".repeat(10_000))
}

#[tokio::test(start_paused = true)]
async fn a_long_request_is_packed_once_for_all_attempts() {
    let (transport, http) = scripted([
        Reply::status(503),
        Reply::connect_error(),
        Reply::json(200, "{}"),
    ]);
    let options = CallOptions::new().with_request_compression(RequestCompression::gzip());
    let call = request().with_json_body(long_body());
    limited(transport.send(call, &options)).await.unwrap();
    let sent = http.requests();
    assert_eq!(sent.len(), 3);
    for request in &sent {
        assert_eq!(request.header("content-encoding"), Some("gzip"));
        assert_eq!(request.header("content-type"), Some("application/json"));
        assert_eq!(
            request.body().as_ptr(),
            sent[0].body().as_ptr(),
            "the same bytes"
        );
    }
    assert!(sent[0].body().len() < long_body().len() / 10);
    assert_eq!(unpacked(ContentCoding::Gzip, sent[0].body()), long_body());
}

#[cfg(feature = "zstd")]
#[tokio::test(start_paused = true)]
async fn requests_and_replies_in_zstd() {
    let options = CallOptions::new().with_request_compression(RequestCompression::zstd());
    let http = ScriptedTransport::new([Reply::json(200, "{}")]);
    let transport = builder(&http).with_options(options).build().unwrap();
    send(&transport, request().with_json_body(long_body()))
        .await
        .unwrap();
    let sent = http.requests().remove(0);
    assert_eq!(sent.header("content-encoding"), Some("zstd"));
    assert!(sent.header("accept-encoding").unwrap().starts_with("zstd"));
    assert_eq!(unpacked(ContentCoding::Zstd, sent.body()), long_body());

    http.push(packed_as("zstd", 200, sent.body().clone()));
    let reply = send(&transport, request()).await.unwrap();
    assert_eq!(reply.body(), &long_body());
}

#[tokio::test(start_paused = true)]
async fn what_is_not_packed() {
    let http = ScriptedTransport::repeating(Reply::json(200, "{}"));
    let packing = CallOptions::new().with_request_compression(RequestCompression::gzip());
    let transport = builder(&http).with_options(packing).build().unwrap();
    let own = request()
        .with_body(long_body())
        .with_header(CONTENT_ENCODING, value("br"));
    let off = CallOptions::new().with_request_compression(RequestCompression::off());
    let long = request().with_body(long_body());
    send(&transport, post()).await.unwrap();
    send(&transport, own).await.unwrap();
    limited(transport.send(long.clone(), &off)).await.unwrap();
    send(&transport, long).await.unwrap();
    let sent = http.requests();
    let codings: Vec<_> = sent
        .iter()
        .map(|it| it.header("content-encoding"))
        .collect();
    assert_eq!(codings, [None, Some("br"), None, Some("gzip")]);
    assert_eq!(sent[0].body(), post().body());
    assert_eq!(sent[1].body(), &long_body());
    assert_eq!(sent[2].body(), &long_body());
}

#[test_case(&["h2"])]
#[test_case(&["http/1.1"]; "http1")]
#[tokio::test]
async fn events_arrive_while_the_reply_goes_on(offered: &'static [&'static str]) {
    let (sender, receiver) = mpsc::unbounded_channel::<Bytes>();
    let receiver = Mutex::new(Some(receiver));
    let authority = Authority::new();
    let server = Loopback::answering(Offer::tls(&authority, offered), move |_| {
        let receiver = receiver.lock().unwrap().take().unwrap();
        let chunks = stream::unfold(receiver, async |mut receiver| {
            let chunk = receiver.recv().await?;
            Some((Ok::<_, Infallible>(Frame::data(chunk)), receiver))
        });
        let mut reply = Response::new(StreamBody::new(chunks).boxed_unsync());
        let coding = "gzip".parse().unwrap();
        reply.headers_mut().insert(CONTENT_ENCODING, coding);
        async { reply }.boxed()
    })
    .await;
    let roots = HttpConfig::default().with_only_root_certificates(authority.pem);
    let transport = direct(roots);
    let options = CallOptions::default();
    let reply = real_limit(transport.open_events(get(server.url("/")), &options)).await;
    let mut events = reply.unwrap().into_body();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    for number in 1..=3 {
        write!(encoder, "data: {number}\n\n").unwrap();
        encoder.flush().unwrap();
        let chunk = std::mem::take(encoder.get_mut());
        sender.send(chunk.into()).unwrap();
        // The next event is not even made before this one is here.
        let event = real_limit(events.next()).await.unwrap().unwrap();
        assert_eq!(event.data, number.to_string());
    }
    sender.send(encoder.finish().unwrap().into()).unwrap();
    drop(sender);
    assert!(real_limit(events.next()).await.is_none());
}

#[tokio::test]
async fn a_packed_request_has_the_length_of_what_is_sent() {
    let mut server = Loopback::start(Offer::default()).await;
    let packing = CallOptions::default().with_request_compression(RequestCompression::gzip());
    let request = Request::new(Method::POST, server.url("/"))
        .with_json_body("[1, 2, 3]".repeat(20_000).into());
    let transport = direct(HttpConfig::default());
    real_limit(transport.send(request, &packing)).await.unwrap();
    let seen = server.next().await;
    assert_eq!(seen.headers["content-encoding"], "gzip");
    assert_eq!(seen.headers["content-length"], seen.body.len().to_string());
    assert!(seen.body.len() < 2_000);
}
