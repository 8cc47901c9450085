//! What a client with an ephemeral token may do: open Live sessions. Every other call fails before
//! anything is sent.

use bytes::Bytes;
use gimmal_transport::{Attempt, Error, Interceptor};
use http::Request;
use http::header::SEC_WEBSOCKET_KEY;
use secrecy::{ExposeSecret as _, SecretString};

/// What the names of all ephemeral tokens begin with.
const PREFIX: &str = "auth_tokens/";

/// True when this is an ephemeral token, and no API key.
pub(super) fn is_token(key: &SecretString) -> bool {
    key.expose_secret().trim().starts_with(PREFIX)
}

/// Lets nothing pass but requests that open a WebSocket.
#[derive(Debug)]
pub(super) struct LiveOnly;

impl Interceptor for LiveOnly {
    fn before_attempt(&self, _: &Attempt, request: &mut Request<Bytes>) -> Result<(), Error> {
        if request.headers().contains_key(SEC_WEBSOCKET_KEY) {
            return Ok(());
        }
        Err(Error::invalid(
            "api_key",
            "is an ephemeral token, which only Live accepts",
        ))
    }
}
