//! What an HTTP/2 server does to single streams, written by hand, frame by frame: libraries do
//! not offer to misbehave.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use gimmal_transport::{
    CallOptions, Delivery, Error, ErrorKind, FixedJitter, HttpConfig, HttpVersions, Request,
    Response, Transport,
};
use http::Method;
use test_case::test_case;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use crate::server::real_limit;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// `:status: 200`, whole by its index in the static table.
const STATUS_200: u8 = 0x88;

/// Types and flags of frames, by RFC 9113, 6.
const HEADERS: u8 = 0x1;
const RST_STREAM: u8 = 0x3;
const SETTINGS: u8 = 0x4;
const GOAWAY: u8 = 0x7;
const ACK: u8 = 0x1;
const END_STREAM_AND_HEADERS: u8 = 0x5;

/// Error codes, by RFC 9113, 7.
const NO_ERROR: u32 = 0x0;
const INTERNAL_ERROR: u32 = 0x2;
const REFUSED_STREAM: u32 = 0x7;
const ENHANCE_YOUR_CALM: u32 = 0xb;

/// What is done to one request.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Answer,
    /// Resets the stream with this code.
    Reset(u32),
    /// Says that no stream above this one was looked at, with this code, and hangs up.
    GoAway(u32, u32),
}

async fn start(deeds: Vec<Deed>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut deeds = deeds.into_iter();
        loop {
            let (connection, _) = listener.accept().await.unwrap();
            serve(connection, &mut deeds).await;
        }
    });
    address
}

/// Serves one connection until it is given up.
async fn serve(mut connection: TcpStream, deeds: &mut impl Iterator<Item = Deed>) {
    let mut preface = vec![0; PREFACE.len()];
    connection.read_exact(&mut preface).await.unwrap();
    assert_eq!(preface, PREFACE);
    connection
        .write_all(&frame(SETTINGS, 0, 0, &[]))
        .await
        .unwrap();
    loop {
        let mut head = [0; 9];
        if connection.read_exact(&mut head).await.is_err() {
            return;
        }
        let [a, b, c, kind, flags, stream @ ..] = head;
        let stream = u32::from_be_bytes(stream);
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        connection.read_exact(&mut payload).await.unwrap();
        let reply = match kind {
            SETTINGS if flags & ACK == 0 => frame(SETTINGS, ACK, 0, &[]),
            HEADERS => match deeds.next().expect("a request too many") {
                Deed::Answer => frame(HEADERS, END_STREAM_AND_HEADERS, stream, &[STATUS_200]),
                Deed::Reset(code) => frame(RST_STREAM, 0, stream, &code.to_be_bytes()),
                Deed::GoAway(last, code) => {
                    let payload = [last.to_be_bytes(), code.to_be_bytes()].concat();
                    connection
                        .write_all(&frame(GOAWAY, 0, 0, &payload))
                        .await
                        .unwrap();
                    connection.shutdown().await.unwrap();
                    return;
                }
            },
            _ => continue,
        };
        connection.write_all(&reply).await.unwrap();
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// Sends a request that must not be repeated once it was looked at.
async fn post(deeds: Vec<Deed>) -> Result<Response<Bytes>, Error> {
    let address = start(deeds).await;
    let config = HttpConfig::default()
        .with_no_proxy()
        .with_versions(HttpVersions::Http2PriorKnowledge);
    let transport = Transport::builder()
        .with_http_config(config)
        // Waits between attempts are a random part of a second: none of it.
        .with_jitter(Arc::new(FixedJitter::new(0.0)))
        .build()
        .unwrap();
    let url = Url::parse(&format!("http://{address}/")).unwrap();
    let request = Request::new(Method::POST, url);
    real_limit(transport.send(request, &CallOptions::default())).await
}

#[test_case(Deed::Reset(REFUSED_STREAM))]
#[test_case(Deed::GoAway(0, NO_ERROR); "going away")]
#[test_case(Deed::GoAway(0, ENHANCE_YOUR_CALM); "going away angry")]
#[tokio::test]
async fn what_the_server_did_not_touch_is_sent_again(deed: Deed) {
    let reply = post(vec![deed, Deed::Answer]).await.unwrap();
    assert_eq!(reply.status(), 200);
    assert_eq!(reply.attempts(), 2);
}

#[test_case(Deed::Reset(INTERNAL_ERROR))]
#[test_case(Deed::Reset(ENHANCE_YOUR_CALM); "calm down")]
#[test_case(Deed::GoAway(1, NO_ERROR); "lost after going away")]
#[tokio::test]
async fn what_the_server_may_have_touched_is_not(deed: Deed) {
    let error = post(vec![deed]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert_eq!(error.delivery(), Delivery::MaybeSent);
    assert_eq!(error.attempts().len(), 1);
}
