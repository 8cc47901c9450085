//! Replies that are complete and still not what was asked for: pages of proxies, bytes that are no
//! text, answers before the answer.

use bytes::Bytes;
use futures_util::TryStreamExt;
use gimmal_transport::{ErrorKind, json};
use serde_json::Value;
use test_case::test_case;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use url::Url;

use crate::harness::{Bench, Role, Tasks, Way, fail, limited, options, plain, request};
use crate::server::{Fault, PAGE_BYTES};
use crate::wire::read_request;

/// Sends one request to a server that answers it with these bytes, and hands both to `check`.
async fn answered<F: Future>(
    reply: impl Into<Bytes>,
    check: impl FnOnce(Bench, Url) -> F,
) -> F::Output {
    let reply = reply.into();
    limited(async {
        let tasks = Tasks::now();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let url = Url::parse(&url).unwrap();
        tokio::spawn(async move {
            let (mut connection, _) = listener.accept().await.unwrap();
            read_request(&mut connection).await.unwrap();
            connection.write_all(&reply).await.unwrap();
        });
        let bench = Bench::new(&url, Role::Probe, plain());
        let output = check(bench, url).await;
        tasks.are_gone().await;
        output
    })
    .await
}

#[test_case(Fault::HtmlPage, Way::Buffered, 200)]
#[test_case(Fault::HtmlPage, Way::Streamed, 200)]
#[test_case(Fault::BadGatewayPage, Way::Buffered, 502)]
#[test_case(Fault::BadGatewayPage, Way::Streamed, 502)]
#[test_case(Fault::ForbiddenPage, Way::Buffered, 403)]
#[tokio::test]
async fn a_page_is_kept_in_part_and_told_in_a_line(fault: Fault, way: Way, status: u16) {
    let error = fail(fault, way, Role::Probe).await.error;
    assert_eq!(error.status().unwrap().as_u16(), status);
    assert_eq!(
        error.headers().unwrap()["content-type"],
        "text/html; charset=utf-8"
    );
    let page = error.payload().unwrap();
    assert!(page.starts_with(b"<!doctype html>"));
    assert!(page.len() == 64 * 1024 && page.len() < PAGE_BYTES);
    let shown = error.to_string();
    assert!(shown.len() < 120 && !shown.contains("html>"), "{shown}");
}

#[test_case(""; "no content type")]
#[test_case("content-type: text/event-stream; charset=utf-8\r\n"; "the right one")]
#[test_case("content-type: application/json\r\n"; "another one")]
#[test_case("content-type: text/plain\r\n"; "text")]
#[tokio::test]
async fn events_are_read_whatever_they_are_called(content_type: &str) {
    let reply =
        format!("HTTP/1.1 200 OK\r\n{content_type}connection: close\r\n\r\ndata: 1\n\ndata: 2\n\n");
    answered(reply, async |bench, url| {
        let request = request(url, Role::Probe);
        let reply = bench
            .transport
            .open_events(request, &options(Role::Probe))
            .await;
        let events: Vec<_> = reply.unwrap().into_body().try_collect().await.unwrap();
        assert_eq!(events.len(), 2);
        bench.close_at_once();
    })
    .await;
}

#[tokio::test]
async fn bytes_that_are_no_text_cost_one_event_and_not_the_stream() {
    let reply = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n\
                  event: \xFF\ndata: {\"a\": \"\xC3\x28\"}\n\ndata: {\"a\": 1}\n\n";
    answered(&reply[..], async |bench, url| {
        let request = request(url, Role::Probe);
        let reply = bench
            .transport
            .open_events(request, &options(Role::Probe))
            .await;
        let events: Vec<_> = reply.unwrap().into_body().try_collect().await.unwrap();
        assert_eq!(events[0].data.as_ref(), b"{\"a\": \"\xC3\x28\"}");
        assert_eq!(events[0].event.as_deref(), Some("\u{FFFD}"));
        let error = json::from_slice::<Value>(&events[0].data).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode);
        assert_eq!(error.payload(), Some(&events[0].data));
        assert_eq!(json::from_slice::<Value>(&events[1].data).unwrap()["a"], 1);
        bench.close_at_once();
    })
    .await;
}

#[tokio::test]
async fn answers_before_the_answer_are_passed_over() {
    let interim = "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n".repeat(20);
    let reply = format!(
        "HTTP/1.1 100 Continue\r\n\r\n{interim}HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{{}}"
    );
    answered(reply, async |bench, url| {
        let request = request(url, Role::Probe);
        let options = options(Role::Probe);
        let reply = bench.transport.send_json::<Value>(request, &options).await;
        assert_eq!(reply.unwrap().status(), 200);
        bench.close_at_once();
    })
    .await;
}
