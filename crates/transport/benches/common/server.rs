//! A server on loopback in a process of its own, so that its work is not counted as the client's.
//! It is this program again, started with an argument.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const SERVE: &str = "--serve";
const HEAD_END: &[u8] = b"\r\n\r\n";

/// What the server answers with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    /// A body of so many bytes.
    Body(usize),
    /// One event, after which the stream stays open.
    OpenStream,
}

impl Answer {
    fn name(self) -> String {
        match self {
            Self::Body(bytes) => bytes.to_string(),
            Self::OpenStream => "stream".to_owned(),
        }
    }

    fn parse(name: &str) -> Self {
        match name {
            "stream" => Self::OpenStream,
            bytes => Self::Body(bytes.parse().expect("a number of bytes")),
        }
    }

    fn bytes(self) -> Vec<u8> {
        match self {
            Self::Body(bytes) => {
                let text = "x".repeat(bytes.saturating_sub(2));
                format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ndate: today\r\n\
                     x-request-id: 1\r\ncontent-length: {bytes}\r\n\r\n\"{text}\""
                )
            }
            Self::OpenStream => "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
                                 transfer-encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n"
                .to_owned(),
        }
        .into_bytes()
    }
}

/// The other process; it ends with this handle.
#[derive(Debug)]
pub(crate) struct Server {
    process: Child,
    address: SocketAddr,
}

impl Server {
    pub(crate) fn start(answer: Answer) -> Self {
        let program = std::env::current_exe().expect("this program");
        let mut process = Command::new(program)
            .args([SERVE, &answer.name()])
            // The server ends when this pipe closes, however this process ends.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a server process");
        let output = process.stdout.take().expect("its output");
        let mut line = String::new();
        let read = BufReader::new(output).read_line(&mut line);
        read.expect("its address");
        Self {
            process,
            address: line.trim().parse().expect("an address"),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/v1/models/m:generate?alt=json", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already, which is what is wanted.
        let _: std::io::Result<()> = self.process.kill();
        let _: std::io::Result<_> = self.process.wait();
    }
}

/// Serves if this process was started for that; call it first.
pub(crate) fn serve_if_asked() -> bool {
    let mut args = std::env::args().skip_while(|arg| arg != SERVE).skip(1);
    let Some(answer) = args.next() else {
        return false;
    };
    std::thread::spawn(|| {
        let mut rest = Vec::new();
        // Ready when the parent is gone.
        let _: std::io::Result<usize> = std::io::stdin().read_to_end(&mut rest);
        std::process::exit(0);
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(serve(Answer::parse(&answer)));
    true
}

async fn serve(answer: Answer) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    tell(listener.local_addr().expect("an address"));
    let bytes: &'static [u8] = answer.bytes().leak();
    loop {
        let (connection, _) = listener.accept().await.expect("a connection");
        tokio::spawn(converse(connection, bytes));
    }
}

/// Tells the parent where to connect.
#[expect(clippy::print_stdout, reason = "the parent reads the address there")]
fn tell(address: SocketAddr) {
    println!("{address}");
}

/// Answers requests until the client closes the connection.
async fn converse(mut connection: TcpStream, answer: &'static [u8]) {
    let mut buffer = Vec::new();
    loop {
        match connection.read_buf(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        while let Some(length) = request_length(&buffer) {
            if buffer.len() < length {
                break;
            }
            buffer.drain(..length);
            if connection.write_all(answer).await.is_err() {
                return;
            }
        }
        if buffer.is_empty() {
            // Thousands of open streams share this process.
            buffer.shrink_to(0);
        }
    }
}

/// Bytes of the first request, once its head is there.
fn request_length(buffer: &[u8]) -> Option<usize> {
    let head = memchr::memmem::find(buffer, HEAD_END)?;
    let text = std::str::from_utf8(&buffer[..head]).expect("a head of text");
    let length = text
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, value)| value.trim().parse().expect("a length"));
    Some(head + HEAD_END.len() + length)
}
