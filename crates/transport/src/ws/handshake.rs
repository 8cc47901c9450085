//! Opening a WebSocket: the request that asks for it, and what the answer must hold. It goes
//! through the pipeline; only what is done with the reply is here.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use url::Url;

use crate::body::ByteStream;
use crate::error::{Error, TimeoutKind};
use crate::http::Connection;
use crate::observe::Observation;
use crate::options::CallOptions;
use crate::receive::{Receive, Terms};
use crate::request::Request;
use crate::time::Jitter;

/// The request that opens a WebSocket, and the key that its answer must show to know.
pub(crate) fn request(request: Request, jitter: &dyn Jitter) -> Result<(Request, String), Error> {
    if request.method() != Method::GET || !request.body().is_empty() {
        return Err(Error::invalid(
            "request",
            "a WebSocket is opened by a GET without a body",
        ));
    }
    let url = over_http(request.url().clone())?;
    let key = key(jitter);
    let key_header = HeaderValue::from_str(&key)
        .unwrap_or_else(|_| unreachable!("the alphabet of base64 is text"));
    let mut opening = Request::new(Method::GET, url);
    for (name, value) in request.headers() {
        opening = opening.with_header(name.clone(), value.clone());
    }
    let opening = opening
        .with_header(CONNECTION, HeaderValue::from_static("Upgrade"))
        .with_header(UPGRADE, HeaderValue::from_static("websocket"))
        .with_header(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"))
        .with_header(SEC_WEBSOCKET_KEY, key_header);
    Ok((opening, key))
}

/// The address by which the same server is reached over HTTP.
fn over_http(url: Url) -> Result<Url, Error> {
    let scheme = match url.scheme() {
        "ws" => "http",
        "wss" => "https",
        _ => return Ok(url),
    };
    // The setter knows no way between these schemes, so the text is put together anew.
    let rest = url.as_str().split_once(':').map_or("", |(_, rest)| rest);
    Url::parse(&format!("{scheme}:{rest}"))
        .map_err(|source| Error::invalid("url", "it cannot be sent over HTTP").with_source(source))
}

/// Sixteen bytes of chance, which no cache has an answer to.
fn key(jitter: &dyn Jitter) -> String {
    let bytes: [u8; 16] = std::array::from_fn(|_| (jitter.fraction() * 256.0) as u8);
    STANDARD.encode(bytes)
}

/// Checks that the server understood the request as what it is.
pub(crate) fn verify(headers: &HeaderMap, key: &str) -> Result<(), Error> {
    let upgrade = headers.get(UPGRADE).and_then(|value| value.to_str().ok());
    if !upgrade.is_some_and(|upgrade| upgrade.eq_ignore_ascii_case("websocket")) {
        return Err(refusal("the server switched to something else"));
    }
    let accept = headers.get(SEC_WEBSOCKET_ACCEPT);
    if accept.is_none_or(|accept| accept.as_bytes() != derive_accept_key(key.as_bytes()).as_bytes())
    {
        return Err(refusal(
            "the answer does not show that the server read the request",
        ));
    }
    Ok(())
}

fn refusal(message: &'static str) -> Error {
    Error::decode(message, Bytes::new())
}

/// Takes the connection out of the reply.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Switch;

/// A connection that has just been opened.
#[derive(Debug)]
pub(crate) struct Switched {
    pub(super) connection: Connection,
    /// When the call is over, and the limit it comes from.
    pub(super) deadline: Option<(Instant, Duration)>,
    pub(super) observation: Option<Observation>,
}

impl Receive for Switch {
    type Output = Switched;

    const STREAMED: bool = true;

    fn accepts(&self, status: StatusCode) -> bool {
        // A success that does not switch is refused below, in words of its own.
        status == StatusCode::SWITCHING_PROTOCOLS || status.is_success()
    }

    fn limit(&self, options: &CallOptions) -> Option<(TimeoutKind, Duration)> {
        Some((TimeoutKind::FirstByte, options.first_byte_timeout()?))
    }

    async fn receive(&self, body: ByteStream, terms: Terms<'_>) -> Result<Switched, Error> {
        let connection = body
            .into_connection()
            .ok_or_else(|| refusal("the server does not switch to WebSocket"))?;
        Ok(Switched {
            connection,
            deadline: terms.due.deadline,
            observation: None,
        })
    }

    fn conclude(mut output: Switched, observation: Observation) -> Switched {
        output.observation = Some(observation);
        output
    }
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;
    use crate::error::ErrorKind;
    use crate::time::FixedJitter;

    fn opening(url: &str) -> (Request, String) {
        let asked = Request::new(Method::GET, url.parse().unwrap())
            .with_header(http::header::ORIGIN, HeaderValue::from_static("here"));
        request(asked, &FixedJitter::new(0.5)).unwrap()
    }

    #[test_case("wss://h:8443/p?q=1", "https://h:8443/p?q=1")]
    #[test_case("ws://127.0.0.1:9/", "http://127.0.0.1:9/")]
    #[test_case("https://h/p", "https://h/p")]
    fn addresses_of_sockets_are_those_of_http(address: &str, expected: &str) {
        assert_eq!(opening(address).0.url().as_str(), expected);
    }

    #[test]
    fn the_request_asks_for_the_switch_with_a_key_of_chance() {
        let (request, key) = opening("ws://h/");
        let headers = request.headers();
        assert_eq!(headers["upgrade"], "websocket");
        assert_eq!(headers["sec-websocket-version"], "13");
        assert_eq!(headers["origin"], "here");
        assert_eq!(key, STANDARD.encode([128_u8; 16]));
        assert_eq!(headers["sec-websocket-key"], key);
        let post = Request::new(Method::POST, "ws://h/".parse().unwrap());
        let error = super::request(post, &FixedJitter::new(0.0)).unwrap_err();
        assert_eq!(error.field(), Some("request"));
    }

    #[test]
    fn an_answer_must_know_the_key() {
        // The example of RFC 6455, section 1.3.
        let key = "dGhlIHNhbXBsZSBub25jZQ==";
        let mut headers = HeaderMap::new();
        assert_eq!(verify(&headers, key).unwrap_err().kind(), ErrorKind::Decode);
        headers.insert(UPGRADE, HeaderValue::from_static("WebSocket"));
        assert!(verify(&headers, key).is_err());
        let accept = HeaderValue::from_static("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
        assert!(verify(&headers, key).is_ok());
        assert!(verify(&headers, "another").is_err());
    }
}
