//! The built-in HTTP client against a small server on the loopback interface. What goes wrong on
//! the way is the fault matrix.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::TryStreamExt;
use gimmal_transport::{ApiKey, CallOptions, ErrorKind, NeverRetry, Request, Transport};
use http::{HeaderName, Method};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use url::Url;

use crate::wire::read_request;

/// A server that answers each connection with the next of these texts and then closes it.
struct Server {
    address: SocketAddr,
    requests: UnboundedReceiver<String>,
}

impl Server {
    async fn start(replies: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, requests) = unbounded_channel();
        tokio::spawn(async move {
            for reply in replies {
                let (mut connection, _) = listener.accept().await.unwrap();
                sender
                    .send(read_request(&mut connection).await.unwrap())
                    .unwrap();
                connection.write_all(reply.as_bytes()).await.unwrap();
                connection.shutdown().await.unwrap();
            }
        });
        Self { address, requests }
    }

    fn url(&self, path: &str) -> Url {
        Url::parse(&format!("http://{}{path}", self.address)).unwrap()
    }

    async fn request(&mut self) -> String {
        self.requests.recv().await.unwrap()
    }
}

fn transport() -> Transport {
    let key = HeaderName::from_static("x-goog-api-key");
    Transport::builder()
        .with_credentials(ApiKey::new(key, "SECRET".into()))
        .with_options(CallOptions::default().with_retry_policy(NeverRetry))
        .build()
        .unwrap()
}

async fn limited<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(30), future)
        .await
        .expect("the test hangs")
}

fn ok(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn redirect(status: u16, location: &Url) -> String {
    format!(
        "HTTP/1.1 {status} Moved\r\nlocation: {location}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    )
}

const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn a_request_and_its_reply() {
    let mut server = Server::start(vec![ok("{\"a\": 1}")]).await;
    let request =
        Request::new(Method::POST, server.url("/v1/x?q=a%20b")).with_json_body("{\"b\": 2}".into());
    let reply = limited(transport().send(request, &CallOptions::default()))
        .await
        .unwrap();
    assert_eq!(reply.body(), "{\"a\": 1}");
    let request = server.request().await;
    assert!(
        request.starts_with("POST /v1/x?q=a%20b HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(
        request.contains("\r\nx-goog-api-key: SECRET\r\n"),
        "{request}"
    );
    assert!(
        request.contains("\r\ncontent-type: application/json\r\n"),
        "{request}"
    );
    assert!(request.ends_with("\r\n\r\n{\"b\": 2}"), "{request}");
}

#[tokio::test]
async fn a_chunked_stream_of_events() {
    let body = "9\r\ndata: 1\n\n\r\n5\r\ndata:\r\n4\r\n 2\n\n\r\n0\r\n\r\n";
    let server = Server::start(vec![format!("{CHUNKED}{body}")]).await;
    let request = Request::new(Method::GET, server.url("/"));
    let reply = limited(transport().open_events(request, &CallOptions::default()))
        .await
        .unwrap();
    let events: Vec<_> = limited(reply.into_body().try_collect()).await.unwrap();
    let data: Vec<_> = events.iter().map(|event| event.data.clone()).collect();
    assert_eq!(data, ["1", "2"]);
}

#[tokio::test]
async fn a_redirect_on_the_same_host_keeps_them_and_a_loop_ends() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let reply = redirect(302, &url);
    let (sender, mut requests) = unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            sender
                .send(read_request(&mut connection).await.unwrap())
                .unwrap();
            connection.write_all(reply.as_bytes()).await.unwrap();
        }
    });
    let call = Request::new(Method::GET, url);
    let error = limited(transport().send(call, &CallOptions::default()))
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "more than 10 redirects");
    assert_eq!(error.kind(), ErrorKind::Status);
    assert_eq!(error.status().unwrap(), 302);
    let mut count = 0;
    while let Ok(request) = requests.try_recv() {
        assert!(request.contains("SECRET"), "{request}");
        count += 1;
    }
    assert_eq!(count, 11);
}
