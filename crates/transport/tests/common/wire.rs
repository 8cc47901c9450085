//! Requests as they come over a socket, for servers that tests write by hand.

use std::io;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// Reads one request, its body included; a client that hangs up first is an error.
pub(crate) async fn read_request(connection: &mut TcpStream) -> io::Result<String> {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = connection.read(&mut buffer).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        request.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&request);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |length| length.parse().unwrap());
            if body.len() >= length {
                return Ok(text.into_owned());
            }
        }
    }
}
