//! A small server on the loopback interface that plays replies and keeps the requests.

#[path = "../common/wire.rs"]
mod wire;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use self::wire::read_request;

/// Answers each connection with the next reply, and the last one from then on.
pub(crate) struct Stub {
    pub(crate) address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Stub {
    pub(crate) async fn start(replies: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = requests.clone();
        tokio::spawn(async move {
            for number in 0.. {
                let (mut connection, _) = listener.accept().await.unwrap();
                let request = read_request(&mut connection).await.unwrap();
                seen.lock().unwrap().push(request);
                let reply = replies.get(number).or(replies.last()).unwrap();
                connection.write_all(reply.as_bytes()).await.unwrap();
                connection.shutdown().await.unwrap();
            }
        });
        Self { address, requests }
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// A reply that ends its connection.
pub(crate) fn reply(status: u16, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} Status\r\ncontent-type: application/json\r\nmetadata-flavor: Google\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}
