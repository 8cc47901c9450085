//! Connections that are kept for another request and die in the meantime. What was surely not sent
//! goes out again on a new connection; what may have been sent is the retry policy's affair.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gimmal_transport::{Delivery, ErrorKind};
use test_case::test_case;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use url::Url;

use crate::harness::{Bench, Role, Tasks, catch_up, limited, options, plain, request};
use crate::wire::read_request;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
const IDLE_FOR_TOO_LONG: &[u8] =
    b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// How the first connection ends, after its first reply; later connections live on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// At once, in good order.
    Closed,
    /// At once, by force.
    Reset,
    /// With an answer that nobody asked for.
    Unasked,
    /// When it has read another request.
    WithRequest,
}

struct Server {
    url: Url,
    requests: Arc<AtomicUsize>,
    running: AbortHandle,
}

impl Server {
    async fn start(end: End) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let requests = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&requests);
        let running = tokio::spawn(async move {
            let (first, _) = listener.accept().await.unwrap();
            // A client that hangs up ends its connection, and that is all.
            let _: io::Result<()> = first_connection(first, end, &seen).await;
            let (mut second, _) = listener.accept().await.unwrap();
            while read_request(&mut second).await.is_ok() {
                seen.fetch_add(1, Ordering::SeqCst);
                second.write_all(OK).await.unwrap();
            }
        });
        Self {
            url: Url::parse(&url).unwrap(),
            requests,
            running: running.abort_handle(),
        }
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

async fn first_connection(
    mut connection: TcpStream,
    end: End,
    seen: &AtomicUsize,
) -> io::Result<()> {
    read_request(&mut connection).await?;
    seen.fetch_add(1, Ordering::SeqCst);
    connection.write_all(OK).await?;
    catch_up().await;
    match end {
        End::Closed => Ok(()),
        End::Reset => connection.set_zero_linger(),
        End::Unasked => connection.write_all(IDLE_FOR_TOO_LONG).await,
        End::WithRequest => {
            read_request(&mut connection).await?;
            seen.fetch_add(1, Ordering::SeqCst);
            Ok(())
        }
    }
}

#[test_case(End::Closed)]
#[test_case(End::Reset)]
#[test_case(End::Unasked)]
#[tokio::test]
async fn a_connection_that_died_while_idle_costs_no_attempt(end: End) {
    limited(async {
        let tasks = Tasks::now();
        let server = Server::start(end).await;
        let bench = Bench::new(&server.url, Role::NotIdempotent, plain());
        for _ in 0..3 {
            let post = request(server.url.clone(), Role::NotIdempotent);
            let options = options(Role::NotIdempotent);
            let reply = bench.transport.send(post, &options).await;
            assert_eq!(reply.unwrap().attempts(), 1);
            // The server takes its time to hang up, and so do we.
            catch_up().await;
            catch_up().await;
        }
        assert_eq!(server.requests(), 3, "each was seen once");
        bench.close_at_once();
        server.running.abort();
        tasks.are_gone().await;
    })
    .await;
}

#[test_case(Role::Idempotent)]
#[test_case(Role::NotIdempotent)]
#[tokio::test]
async fn a_connection_that_dies_with_a_request_may_have_brought_it(role: Role) {
    limited(async {
        let tasks = Tasks::now();
        let server = Server::start(End::WithRequest).await;
        let bench = Bench::new(&server.url, role, plain());
        let send = || {
            let post = request(server.url.clone(), role);
            let transport = bench.transport.clone();
            async move { transport.send(post, &options(role)).await }
        };
        send().await.unwrap();
        match (role, send().await) {
            (Role::Idempotent, Ok(reply)) => {
                assert_eq!(reply.attempts(), 2);
                assert_eq!(server.requests(), 3);
            }
            (Role::NotIdempotent, Err(error)) => {
                assert_eq!(error.kind(), ErrorKind::Io);
                assert_eq!(error.delivery(), Delivery::MaybeSent);
                assert_eq!(server.requests(), 2, "it was not sent again");
            }
            (role, result) => panic!("{role:?} ended in {result:?}"),
        }
        bench.close_at_once();
        server.running.abort();
        tasks.are_gone().await;
    })
    .await;
}
