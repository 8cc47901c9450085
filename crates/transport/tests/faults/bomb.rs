//! Replies that are small on the wire and large when unpacked.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::TryStreamExt;
use gimmal_transport::{ErrorKind, Persistence};
use test_case::test_case;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use url::Url;

use crate::harness::{Bench, MAX_BYTES, Role, Tasks, Way, limited, options, plain, request};
use crate::wire::read_request;

/// Streams may unpack to 16 MiB whatever their ratio; this is more.
const UNPACKED: usize = 24 * 1024 * 1024;

/// A reply of lines, so that no event of it is too large by itself.
fn bomb() -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let line = format!(":{}\n", "x".repeat(8 * 1024 - 2));
    for _ in 0..UNPACKED / line.len() {
        encoder.write_all(line.as_bytes()).unwrap();
    }
    let body = encoder.finish().unwrap();
    assert!(body.len() < MAX_BYTES, "it is harmless on the wire");
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), &body].concat()
}

#[test_case(Way::Buffered, Role::Idempotent)]
#[test_case(Way::Buffered, Role::Probe)]
#[test_case(Way::Streamed, Role::Idempotent)]
#[test_case(Way::Streamed, Role::Probe)]
#[tokio::test]
async fn a_bomb_does_not_go_off(way: Way, role: Role) {
    limited(async {
        let tasks = Tasks::now();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let url = Url::parse(&url).unwrap();
        let serving = tokio::spawn(async move {
            let (mut connection, _) = listener.accept().await.unwrap();
            read_request(&mut connection).await.unwrap();
            // The client may have had enough before the end.
            connection.write_all(&bomb()).await.ok();
        });
        let bench = Bench::new(&url, role, plain());
        let (request, options) = (request(url, role), options(role));
        let error = match way {
            Way::Buffered => bench.transport.send(request, &options).await.unwrap_err(),
            Way::Streamed => {
                let reply = bench
                    .transport
                    .open_events(request, &options)
                    .await
                    .unwrap();
                let mut events = reply.into_body();
                events.try_next().await.unwrap_err()
            }
        };
        assert_eq!(error.kind(), ErrorKind::ResponseTooLarge, "{error:?}");
        assert_eq!(error.persistence(), Persistence::Permanent);
        bench.close_at_once();
        serving.await.unwrap();
        tasks.are_gone().await;
    })
    .await;
}
