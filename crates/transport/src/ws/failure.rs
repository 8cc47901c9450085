//! Failures of the protocol, as errors of ours; the types of the library end here.

use bytes::Bytes;
use tokio_tungstenite::tungstenite;

use crate::error::{CloseCode, Delivery, Error};

/// A failure of an open connection, and what the other side is told of it, if it still listens.
pub(super) fn of_connection(
    failure: tungstenite::Error,
    max_message_bytes: usize,
) -> (Error, Option<CloseCode>) {
    use tungstenite::Error as Failure;

    match failure {
        Failure::Capacity(_) => (
            Error::too_large(max_message_bytes),
            Some(CloseCode::TOO_LARGE),
        ),
        Failure::Utf8(_) => (
            Error::decode("a message of text is not UTF-8", Bytes::new()),
            Some(CloseCode::INVALID),
        ),
        Failure::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake)
        | Failure::ConnectionClosed
        | Failure::AlreadyClosed => (Error::closed(CloseCode::ABNORMAL, ""), None),
        Failure::Protocol(violation) => (
            Error::decode(violation, Bytes::new()),
            Some(CloseCode::PROTOCOL),
        ),
        Failure::Io(source) => (
            Error::closed(CloseCode::ABNORMAL, "").with_source(source),
            None,
        ),
        other => (
            Error::io(other).with_delivery(Delivery::Answered),
            Some(CloseCode::PROTOCOL),
        ),
    }
}
