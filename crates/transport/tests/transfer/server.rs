//! A server whose behaviour is a value, asked in memory or over the loopback interface.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream;
use gimmal_transport::{
    ApiKey, ByteStream, Error, FixedJitter, HttpTransport, Transport, TransportBuilder,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// How many bytes of an answer go out at once.
const PIECE: usize = 16;

/// Decides about requests.
pub(crate) trait Service: Send + 'static {
    /// How many bytes of the body are read before the connection breaks.
    fn body_limit(&mut self, _head: &http::request::Parts) -> Option<usize> {
        None
    }

    /// Answers a request; one whose body was cut short gets no answer, whatever this says.
    fn answer(&mut self, request: &http::Request<Bytes>) -> Answer;
}

/// An answer, and where it breaks off.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) cut: Cut,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cut {
    No,
    /// Nothing is answered.
    BeforeHead,
    /// So many bytes of the body go out.
    AfterBytes(usize),
}

impl Answer {
    pub(crate) fn new(status: u16) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            cut: Cut::No,
        }
    }

    pub(crate) fn with_header(mut self, name: &'static str, value: impl AsRef<str>) -> Self {
        let value = HeaderValue::from_str(value.as_ref()).unwrap();
        self.headers.insert(name, value);
        self
    }

    pub(crate) fn with_body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) fn with_cut(mut self, cut: Cut) -> Self {
        self.cut = cut;
        self
    }
}

/// A service that is asked without a network.
struct InMemory<S>(Arc<Mutex<S>>);

impl<S> std::fmt::Debug for InMemory<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InMemory")
    }
}

impl<S: Service> HttpTransport for InMemory<S> {
    fn execute(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<ByteStream>, Error>> {
        async move { ask(&self.0, request) }.boxed()
    }
}

fn ask<S: Service>(
    service: &Mutex<S>,
    request: http::Request<Bytes>,
) -> Result<http::Response<ByteStream>, Error> {
    let mut service = service.lock().unwrap();
    let (head, mut body) = request.into_parts();
    let limit = service.body_limit(&head);
    body.truncate(limit.unwrap_or(usize::MAX));
    let answer = service.answer(&http::Request::from_parts(head, body));
    if limit.is_some() || answer.cut == Cut::BeforeHead {
        return Err(Error::io("cut"));
    }
    let mut sent = answer.body.clone();
    let mut chunks = Vec::new();
    if let Cut::AfterBytes(cut) = answer.cut {
        sent.truncate(cut);
    }
    while !sent.is_empty() {
        chunks.push(Ok(sent.split_to(PIECE.min(sent.len()))));
    }
    if answer.cut != Cut::No {
        chunks.push(Err(Error::io("cut")));
    }
    let mut reply = http::Response::new(ByteStream::new(stream::iter(chunks)));
    *reply.status_mut() = StatusCode::from_u16(answer.status).unwrap();
    *reply.headers_mut() = answer.headers;
    let length = HeaderValue::from(answer.body.len());
    reply.headers_mut().insert("content-length", length);
    Ok(reply)
}

/// A transport on a service in memory. The waits are 0.5 s, 1 s, 2 s, ….
pub(crate) fn in_memory<S: Service>(service: S) -> (Transport, Arc<Mutex<S>>) {
    let (builder, service) = builder(service);
    (builder.build().unwrap(), service)
}

/// The same, with more to be set.
pub(crate) fn builder<S: Service>(service: S) -> (TransportBuilder, Arc<Mutex<S>>) {
    let service = Arc::new(Mutex::new(service));
    let builder = Transport::builder()
        .with_http(Arc::new(InMemory(Arc::clone(&service))))
        .with_jitter(Arc::new(FixedJitter::new(0.5)))
        .with_credentials(key());
    (builder, service)
}

/// A transport over the network; no wait takes time.
pub(crate) fn network() -> Transport {
    Transport::builder()
        .with_jitter(Arc::new(FixedJitter::new(0.0)))
        .with_credentials(key())
        .build()
        .unwrap()
}

fn key() -> ApiKey {
    let name = HeaderName::from_static("x-goog-api-key");
    ApiKey::new(name, "SECRET".into())
}

/// Serves on the loopback interface, one connection per request.
pub(crate) async fn serve<S: Service>(service: Arc<Mutex<S>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (connection, _) = listener.accept().await.unwrap();
            // What a client does to its connection is no concern of the server.
            let _: std::io::Result<()> = converse(connection, &service).await;
        }
    });
    address
}

async fn converse<S: Service>(
    mut connection: TcpStream,
    service: &Mutex<S>,
) -> std::io::Result<()> {
    let mut received = Vec::new();
    let head_end = loop {
        if let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        if connection.read_buf(&mut received).await? == 0 {
            return Ok(());
        }
    };
    let mut body = received.split_off(head_end);
    let head = read_head(std::str::from_utf8(&received).unwrap());
    let length = head.headers.get("content-length").map_or(0, |length| {
        length.to_str().unwrap().parse::<usize>().unwrap()
    });
    let limit = service.lock().unwrap().body_limit(&head);
    let wanted = limit.unwrap_or(length).min(length);
    while body.len() < wanted {
        if connection.read_buf(&mut body).await? == 0 {
            return Ok(());
        }
    }
    body.truncate(wanted);
    let request = http::Request::from_parts(head, Bytes::from(body));
    let answer = service.lock().unwrap().answer(&request);
    if limit.is_some() || answer.cut == Cut::BeforeHead {
        return Ok(());
    }
    let mut text = format!("HTTP/1.1 {} X\r\nconnection: close\r\n", answer.status);
    for (name, value) in &answer.headers {
        text.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
    }
    text.push_str(&format!("content-length: {}\r\n\r\n", answer.body.len()));
    connection.write_all(text.as_bytes()).await?;
    let end = match answer.cut {
        Cut::AfterBytes(cut) => cut.min(answer.body.len()),
        _ => answer.body.len(),
    };
    connection.write_all(&answer.body[..end]).await?;
    connection.shutdown().await
}

fn read_head(text: &str) -> http::request::Parts {
    let mut lines = text.trim_end().lines();
    let mut words = lines.next().unwrap().split(' ');
    let mut request = http::Request::builder()
        .method(words.next().unwrap())
        .uri(words.next().unwrap());
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        request = request.header(name, value);
    }
    request.body(()).unwrap().into_parts().0
}

/// Fails a test that hangs; under a paused clock this takes no real time.
pub(crate) async fn limited<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(3_600), future)
        .await
        .expect("the test hangs")
}

/// Seconds as a duration.
pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Bytes that repeat so late that misplaced ones are noticed.
pub(crate) fn content(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at * 7 + at / 251) as u8).collect()
}
