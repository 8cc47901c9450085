//! A server that takes passes and promises, and keeps nothing: this program again, in a process of its
//! own.

use std::io::{self, BufRead, BufReader, Read, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use gimmal_client::types::tinker::proto::messages::ForwardBackwardOutput;
use prost::Message as _;

const SERVE: &str = "--serve";
/// Bodies that are read and not only passed over are no longer than this.
const SHORT: u64 = 4_096;

/// The other process; it ends with this handle.
#[derive(Debug)]
pub(crate) struct Stub {
    process: Child,
    url: String,
}

impl Stub {
    /// Starts the server.
    pub(crate) fn start() -> Self {
        let program = std::env::current_exe().expect("this program");
        let mut process = Command::new(program)
            .arg(SERVE)
            // The server ends when this pipe closes, however this process ends.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a server process");
        let mut url = String::new();
        let mut output = BufReader::new(process.stdout.take().expect("its output"));
        output.read_line(&mut url).expect("an address");
        let url = url.trim().to_owned();
        Self { process, url }
    }

    /// Where it is.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        // It may have ended already, which is what is wanted.
        let _: io::Result<()> = self.process.kill();
        let _: io::Result<_> = self.process.wait();
    }
}

/// Serves if this process was started for that; call it first.
#[expect(clippy::print_stdout, reason = "the parent reads the address there")]
pub(crate) fn serve_if_asked() -> bool {
    if !std::env::args().any(|arg| arg == SERVE) {
        return false;
    }
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    println!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            std::thread::spawn(move || converse(socket));
        }
    });
    // Whatever ends the wait, the parent no longer needs this process.
    let _: io::Result<usize> = io::stdin().read_to_end(&mut Vec::new());
    true
}

/// Answers one request after the other until the client hangs up.
fn converse(socket: TcpStream) -> io::Result<()> {
    let mut reader = BufReader::with_capacity(1 << 16, socket.try_clone()?);
    let mut writer = socket;
    loop {
        let Some((path, length)) = head(&mut reader)? else {
            return Ok(());
        };
        let mut body = String::new();
        match length {
            Some(length) if length <= SHORT => {
                reader.by_ref().take(length).read_to_string(&mut body)?;
            }
            Some(length) => {
                io::copy(&mut reader.by_ref().take(length), &mut io::sink())?;
            }
            None => chunks(&mut reader, &mut body)?,
        }
        let (kind, reply) = answer(&path, &body);
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n",
            reply.len()
        );
        writer.write_all(&[head.as_bytes(), &reply].concat())?;
    }
}

/// The path of a request and the length of its body, unless that comes in chunks; `None` at the end.
fn head(reader: &mut impl BufRead) -> io::Result<Option<(String, Option<u64>)>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut length = Some(0);
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            return Ok(Some((path, length)));
        }
        match line.split_once(": ") {
            Some(("content-length", value)) => length = value.parse().ok(),
            Some(("transfer-encoding", _)) => length = None,
            _ => {}
        }
    }
}

/// A body in chunks, of which the short ones are read.
fn chunks(reader: &mut impl BufRead, body: &mut String) -> io::Result<()> {
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let length = u64::from_str_radix(line.trim(), 16).unwrap_or(0);
        if length <= SHORT {
            reader.by_ref().take(length).read_to_string(body)?;
        } else {
            io::copy(&mut reader.by_ref().take(length), &mut io::sink())?;
        }
        reader.read_line(&mut line)?;
        if length == 0 {
            return Ok(());
        }
    }
}

/// The media type and the body of the answer.
fn answer(path: &str, body: &str) -> (&'static str, Vec<u8>) {
    let json = match path.trim_start_matches("/api/v1/") {
        "create_session" => r#"{"session_id": "s", "type": "create_session"}"#,
        "create_model" => r#"{"request_id": "model", "model_id": "m"}"#,
        "forward_backward" => r#"{"request_id": "pass", "model_id": "m"}"#,
        "retrieve_future" if body.contains("\"model\"") => {
            r#"{"model_id": "m", "type": "create_model"}"#
        }
        "retrieve_future" => {
            let output = ForwardBackwardOutput {
                loss_fn_output_type: "ArrayRecord".to_owned(),
                ..Default::default()
            };
            return ("application/x-protobuf", output.encode_to_vec());
        }
        "get_info" => {
            r#"{"model_id": "m", "model_data": {"model_name": "base"}, "type": "get_info"}"#
        }
        "get_server_capabilities" => r#"{"supported_models": []}"#,
        "telemetry" => r#"{"status": "accepted"}"#,
        _ => "{}",
    };
    ("application/json", json.into())
}
