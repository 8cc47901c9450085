//! Redirects that lead elsewhere: no credentials and no body follow. Loops and other schemes are in
//! the matrix.

use gimmal_transport::{Delivery, ErrorKind, Persistence, Request};
use http::{Method, StatusCode};
use test_case::test_case;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::AbortHandle;
use url::Url;

use crate::harness::{Bench, Role, Tasks, Way, limited, options, plain, request};
use crate::wire::read_request;

const ARRIVED: &str =
    "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 15\r\n\r\ndata: arrived\n\n";

/// A server that sends whoever asks for `/go?ADDRESS` there, and answers everything else.
struct Server {
    url: Url,
    requests: UnboundedReceiver<String>,
    running: AbortHandle,
}

impl Server {
    async fn start(status: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let (sender, requests) = unbounded_channel();
        let running = tokio::spawn(async move {
            loop {
                let (mut connection, _) = listener.accept().await.unwrap();
                let request = read_request(&mut connection).await.unwrap();
                let line = request.lines().next().unwrap().to_owned();
                sender.send(request).ok();
                let reply = match line.split_once("/go?") {
                    Some((_, rest)) => redirect(status, rest.split(' ').next().unwrap()),
                    None => ARRIVED.to_owned(),
                };
                connection.write_all(reply.as_bytes()).await.unwrap();
            }
        });
        Self {
            url: Url::parse(&url).unwrap(),
            requests,
            running: running.abort_handle(),
        }
    }

    /// The address that leads to `target` in the end.
    fn to(&self, target: &Url) -> Url {
        self.url.join(&format!("go?{target}")).unwrap()
    }

    fn landing(&self) -> Url {
        self.url.join("landing").unwrap()
    }

    fn next(&mut self) -> Option<String> {
        self.requests.try_recv().ok()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.running.abort();
    }
}

fn redirect(status: u16, to: &str) -> String {
    format!(
        "HTTP/1.1 {status} Moved\r\nset-cookie: id=COOKIE\r\nlocation: {to}\r\n\
         connection: close\r\ncontent-length: 0\r\n\r\n"
    )
}

#[test_case(Method::GET, 301, Way::Buffered)]
#[test_case(Method::GET, 302, Way::Streamed)]
#[test_case(Method::GET, 307, Way::Buffered)]
#[test_case(Method::GET, 308, Way::Streamed)]
#[test_case(Method::POST, 301, Way::Streamed)]
#[test_case(Method::POST, 302, Way::Buffered)]
#[test_case(Method::POST, 303, Way::Streamed)]
#[tokio::test]
async fn credentials_do_not_follow_to_another_host(method: Method, status: u16, way: Way) {
    limited(async {
        let tasks = Tasks::now();
        let (mut origin, mut target) = (Server::start(status).await, Server::start(status).await);
        let url = origin.to(&target.landing());
        let bench = Bench::new(&origin.url, Role::Probe, plain());
        let request = if method == Method::GET {
            Request::new(method, url)
        } else {
            request(url, Role::Probe)
        };
        let options = options(Role::Probe);
        match way {
            Way::Buffered => {
                let reply = bench.transport.send(request, &options).await.unwrap();
                assert_eq!(reply.body(), "data: arrived\n\n");
            }
            Way::Streamed => {
                let reply = bench.transport.open_bytes(request, &options).await.unwrap();
                let body = reply.into_body().collect(100).await.unwrap();
                assert_eq!(body, "data: arrived\n\n");
            }
        }
        assert!(
            origin
                .next()
                .unwrap()
                .contains("\r\nx-goog-api-key: SECRET\r\n")
        );
        let landed = target.next().unwrap();
        assert!(landed.starts_with("GET /landing HTTP/1.1\r\n"), "{landed}");
        for hidden in ["SECRET", "PROMPT", "COOKIE", "content-type", "referer"] {
            assert!(!landed.contains(hidden), "{landed}");
        }
        bench.close_at_once();
        drop((origin, target));
        tasks.are_gone().await;
    })
    .await;
}

#[test_case(307, Way::Buffered, Role::Idempotent)]
#[test_case(308, Way::Buffered, Role::Probe)]
#[test_case(307, Way::Streamed, Role::Probe)]
#[test_case(308, Way::Streamed, Role::Idempotent)]
#[tokio::test]
async fn a_body_does_not_follow_either(status: u16, way: Way, role: Role) {
    limited(async {
        let tasks = Tasks::now();
        let (mut origin, mut target) = (Server::start(status).await, Server::start(status).await);
        let url = origin.to(&target.landing());
        let bench = Bench::new(&origin.url, role, plain());
        let (request, options) = (request(url, role), options(role));
        let error = match way {
            Way::Buffered => bench.transport.send(request, &options).await.unwrap_err(),
            Way::Streamed => bench
                .transport
                .open_bytes(request, &options)
                .await
                .unwrap_err(),
        };
        assert_eq!(error.kind(), ErrorKind::Status);
        assert_eq!(error.persistence(), Persistence::Permanent);
        assert_eq!(error.delivery(), Delivery::Answered);
        assert_eq!(error.status(), StatusCode::from_u16(status).ok());
        let location = &error.headers().unwrap()["location"];
        assert_eq!(*location, target.landing().as_str());
        assert!(
            origin.next().is_some() && origin.next().is_none(),
            "asked once"
        );
        assert!(target.next().is_none(), "the other server hears nothing");
        bench.close_at_once();
        drop((origin, target));
        tasks.are_gone().await;
    })
    .await;
}

#[tokio::test]
async fn the_way_back_brings_no_credentials_back() {
    limited(async {
        let tasks = Tasks::now();
        let (mut origin, mut detour) = (Server::start(302).await, Server::start(302).await);
        let url = origin.to(&detour.to(&origin.landing()));
        let bench = Bench::new(&origin.url, Role::Probe, plain());
        let request = Request::new(Method::GET, url);
        let reply = bench.transport.send(request, &options(Role::Probe)).await;
        assert_eq!(reply.unwrap().body(), "data: arrived\n\n");
        assert!(origin.next().unwrap().contains("SECRET"));
        assert!(!detour.next().unwrap().contains("SECRET"));
        assert!(!origin.next().unwrap().contains("SECRET"));
        bench.close_at_once();
        drop((origin, detour));
        tasks.are_gone().await;
    })
    .await;
}
