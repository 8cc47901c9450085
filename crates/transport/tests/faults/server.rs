//! The hostile server: bytes on TCP sockets, written by hand, so that it can be wrong in every way.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{AbortHandle, JoinSet};
use url::Url;

use crate::wire::read_request;

/// One thing that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nobody listens.
    Refused,
    /// The connection is reset before the request is read.
    ResetUnread,
    /// The connection is reset when the request has been read.
    ResetBeforeHead,
    /// The connection is closed in good order, but without an answer.
    CloseBeforeHead,
    /// The connection is reset within the head of the reply.
    ResetMidHead,
    /// The connection is reset between head and body.
    ResetAfterHead,
    /// The connection is reset within the body.
    ResetMidBody,
    /// The body ends before the length that was announced.
    Truncated,
    /// The body ends before its last chunk.
    UnfinishedChunks,
    /// A chunk says that its length is `zz`.
    BadChunk,
    /// What comes back is not HTTP.
    NotHttp,
    /// Two lengths that contradict each other.
    TwoLengths,
    /// A head that never ends.
    HeaderFlood,
    /// More headers than any server needs.
    ManyHeaders,
    /// Interim answers without end, and no final one.
    InterimFlood,
    /// The request is read and nothing comes back.
    Silence,
    /// The first bytes of a head, and nothing more.
    SlowLoris,
    /// A head, and nothing more.
    SilentBody,
    /// The beginning of a body, and nothing more.
    StalledBody,
    /// A body without end.
    Endless,
    /// A page for people where JSON or events should be.
    HtmlPage,
    /// JSON that breaks off, in a body that does not.
    HalfJson,
    /// A proxy's page that says that the server is not well.
    BadGatewayPage,
    /// A proxy's page that says no.
    ForbiddenPage,
    /// The status of a failure, whose explanation never comes.
    SilentRefusal,
    /// A redirect to itself.
    RedirectLoop,
    /// A redirect to a scheme that is not HTTP.
    RedirectToFile,
}

impl Fault {
    /// Whether the server goes on when it is told to, instead of waiting for the client to give up.
    pub(crate) fn has_cue(self) -> bool {
        matches!(
            self,
            Self::ResetMidHead | Self::ResetAfterHead | Self::ResetMidBody
        )
    }

    /// Whether the reply is complete, so that the connection may be kept for another request.
    pub(crate) fn is_whole(self) -> bool {
        matches!(
            self,
            Self::HtmlPage
                | Self::HalfJson
                | Self::BadGatewayPage
                | Self::ForbiddenPage
                | Self::RedirectLoop
                | Self::RedirectToFile
        )
    }
}

/// What comes of the body before it stalls, breaks or goes on for ever.
pub(crate) const FIRST_EVENT: &str = "data: {\"n\": 1}\n\n";
/// The page of a proxy is longer than what an error keeps of it.
pub(crate) const PAGE_BYTES: usize = 100 * 1024;
/// How much of an endless body is sent before the server looks whether anybody still listens.
const ENDLESS_CHUNKS: usize = 64;

const CHUNKED: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
                       transfer-encoding: chunked\r\n\r\n";

/// A server that does the same wrong thing on every connection.
pub(crate) struct Server {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
    silent: UnboundedReceiver<()>,
    cue: Arc<Notify>,
    over: UnboundedReceiver<()>,
    closed: usize,
    accepting: Option<AbortHandle>,
}

impl Server {
    pub(crate) async fn start(fault: Fault) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(AtomicUsize::new(0));
        let connections = Arc::new(AtomicUsize::new(0));
        let cue = Arc::new(Notify::new());
        let (tell_silent, silent) = unbounded_channel();
        let (tell_over, over) = unbounded_channel();
        // A port that nobody listens on is one that somebody has just left.
        let accepting = (fault != Fault::Refused).then(|| {
            let (requests, count) = (Arc::clone(&requests), Arc::clone(&connections));
            let cue = Arc::clone(&cue);
            let accepting = async move {
                let mut running = JoinSet::new();
                while let Ok((connection, _)) = listener.accept().await {
                    count.fetch_add(1, Ordering::SeqCst);
                    let mut stage = Stage {
                        connection,
                        address,
                        requests: Arc::clone(&requests),
                        silent: tell_silent.clone(),
                        cue: Arc::clone(&cue),
                    };
                    let tell_over = tell_over.clone();
                    running.spawn(async move {
                        // A client that hangs up in the middle is as good as one that waits.
                        let _: io::Result<()> = stage.play(fault).await;
                        drop(stage);
                        tell_over.send(()).ok();
                    });
                }
            };
            tokio::spawn(accepting).abort_handle()
        });
        Self {
            address,
            requests,
            connections,
            silent,
            cue,
            over,
            closed: 0,
            accepting,
        }
    }

    pub(crate) fn url(&self, path: &str) -> Url {
        Url::parse(&format!("http://{}{path}", self.address)).unwrap()
    }

    /// How many requests have come, those included that were never read.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    /// Ready when a connection has sent all that it will send before something else happens.
    pub(crate) async fn silence(&mut self) {
        if self.silent.recv().await.is_none() {
            std::future::pending().await
        }
    }

    /// Lets a connection that waits for it go on to its end.
    pub(crate) fn cue(&self) {
        self.cue.notify_one();
    }

    /// Waits until every connection is closed.
    pub(crate) async fn all_closed(&mut self) {
        while self.closed < self.connections.load(Ordering::SeqCst) {
            self.over.recv().await.expect("the server is running");
            self.closed += 1;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(accepting) = &self.accepting {
            accepting.abort();
        }
    }
}

/// One connection.
struct Stage {
    connection: TcpStream,
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
    silent: UnboundedSender<()>,
    cue: Arc<Notify>,
}

impl Stage {
    async fn play(&mut self, fault: Fault) -> io::Result<()> {
        match fault {
            Fault::Refused => Ok(()),
            Fault::ResetUnread => {
                self.requests.fetch_add(1, Ordering::SeqCst);
                self.reset()
            }
            _ => loop {
                self.read_request().await?;
                self.answer(fault).await?;
                if !fault.is_whole() {
                    return Ok(());
                }
            },
        }
    }

    async fn answer(&mut self, fault: Fault) -> io::Result<()> {
        let length = |length| format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
        let first_chunk = format!("{CHUNKED}{:x}\r\n{FIRST_EVENT}\r\n", FIRST_EVENT.len());
        match fault {
            Fault::Refused | Fault::ResetUnread => unreachable!("they read no request"),
            Fault::ResetBeforeHead => self.reset(),
            Fault::CloseBeforeHead => Ok(()),
            Fault::ResetMidHead => {
                self.write(b"HTTP/1.1 200 OK\r\ncontent-le").await?;
                self.reset_on_cue().await
            }
            Fault::ResetAfterHead => {
                self.write(length(100).as_bytes()).await?;
                self.reset_on_cue().await
            }
            Fault::ResetMidBody => {
                self.write(first_chunk.as_bytes()).await?;
                self.reset_on_cue().await
            }
            Fault::Truncated => self.write((length(100) + FIRST_EVENT).as_bytes()).await,
            Fault::UnfinishedChunks => self.write(first_chunk.as_bytes()).await,
            Fault::BadChunk => {
                self.write((first_chunk + "zz\r\n").as_bytes()).await?;
                self.until_hung_up().await
            }
            Fault::NotHttp => {
                self.write(b"220 mail.example ESMTP\r\n\r\n").await?;
                self.until_hung_up().await
            }
            Fault::TwoLengths => {
                let head = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}x";
                self.write(head.as_bytes()).await?;
                self.until_hung_up().await
            }
            Fault::HeaderFlood => {
                self.write(b"HTTP/1.1 200 OK\r\nx-flood: ").await?;
                loop {
                    self.write(&[b'x'; 8 * 1024]).await?;
                }
            }
            Fault::ManyHeaders => {
                let many = "x-many: x\r\n".repeat(10_000);
                self.write(format!("HTTP/1.1 200 OK\r\n{many}\r\n").as_bytes())
                    .await?;
                self.until_hung_up().await
            }
            Fault::InterimFlood => {
                for _ in 0..2_000 {
                    self.write(b"HTTP/1.1 103 Early Hints\r\n\r\n").await?;
                }
                self.fall_silent().await
            }
            Fault::Silence => self.fall_silent().await,
            Fault::SlowLoris => {
                self.write(b"HTTP/1.1 200 OK\r\nx-slow: ").await?;
                self.fall_silent().await
            }
            Fault::SilentBody => {
                self.write(CHUNKED.as_bytes()).await?;
                self.fall_silent().await
            }
            Fault::StalledBody => {
                self.write(first_chunk.as_bytes()).await?;
                self.fall_silent().await
            }
            Fault::Endless => {
                self.write(CHUNKED.as_bytes()).await?;
                let chunk = format!("{:x}\r\n{}\r\n", 64 * 1024, "x".repeat(64 * 1024));
                for _ in 0..ENDLESS_CHUNKS {
                    self.write(chunk.as_bytes()).await?;
                }
                self.until_hung_up().await
            }
            Fault::HtmlPage => self.page("200 OK").await,
            Fault::HalfJson => {
                let body = "{\"n\": 1, \"text\": \"half";
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                    body.len()
                );
                self.write((head + body).as_bytes()).await
            }
            Fault::BadGatewayPage => self.page("502 Bad Gateway").await,
            Fault::ForbiddenPage => self.page("403 Forbidden").await,
            Fault::SilentRefusal => {
                self.write(b"HTTP/1.1 503 Busy\r\ncontent-length: 100\r\n\r\n")
                    .await?;
                self.fall_silent().await
            }
            Fault::RedirectLoop => {
                let head = format!(
                    "HTTP/1.1 307 Again\r\nlocation: http://{}/\r\ncontent-length: 0\r\n\r\n",
                    self.address
                );
                self.write(head.as_bytes()).await
            }
            Fault::RedirectToFile => {
                let head = "HTTP/1.1 302 Found\r\nlocation: file:///etc/passwd\r\n\
                            content-length: 0\r\n\r\n";
                self.write(head.as_bytes()).await
            }
        }
    }

    async fn page(&mut self, status: &str) -> io::Result<()> {
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-type: text/html; charset=utf-8\r\n\
             content-length: {PAGE_BYTES}\r\n\r\n"
        );
        let mut page = String::from("<!doctype html>\n<title>Proxy</title>\n");
        page.extend(std::iter::repeat_n('x', PAGE_BYTES - page.len()));
        self.write((head + &page).as_bytes()).await
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.connection.write_all(bytes).await
    }

    /// Reads a head and as much of a body as it announces.
    async fn read_request(&mut self) -> io::Result<()> {
        read_request(&mut self.connection).await?;
        self.requests.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    /// Closes with RST instead of FIN: what the client has not read yet is lost to it.
    fn reset(&mut self) -> io::Result<()> {
        self.connection.set_zero_linger()
    }

    /// Resets when the client has read what was sent, which only the test can know.
    async fn reset_on_cue(&mut self) -> io::Result<()> {
        self.silent.send(()).ok();
        self.cue.notified().await;
        self.reset()
    }

    async fn fall_silent(&mut self) -> io::Result<()> {
        self.silent.send(()).ok();
        self.until_hung_up().await
    }

    /// Waits until the client closes its end.
    async fn until_hung_up(&mut self) -> io::Result<()> {
        let mut ignored = [0; 1024];
        while self.connection.read(&mut ignored).await? > 0 {}
        Ok(())
    }
}
