//! Failures of the HTTP client, told apart by how far the request came. The client's own types
//! end here.

use std::error::Error as StdError;
use std::io;

use crate::error::{Delivery, Error, Persistence, TimeoutKind};

/// A failure before the head of a reply.
pub(super) fn of_exchange(error: reqwest::Error) -> Error {
    // The address is taken out, because its query may hold a secret.
    let (connect, timeout) = (error.is_connect(), error.is_timeout());
    let error = error.without_url();
    if connect && timeout {
        Error::connect(error).with_timeout_kind(TimeoutKind::Connect)
    } else if connect && is_impostor(&error) {
        Error::connect(error).with_persistence(Persistence::Permanent)
    } else if connect {
        Error::connect(error)
    } else if left_undone(&error) {
        Error::io(error).with_delivery(Delivery::NotSent)
    } else {
        Error::io(error)
    }
}

/// A failure within the body of a reply.
pub(super) fn of_body(error: reqwest::Error) -> Error {
    Error::io(error.without_url())
}

/// True when the server's certificate was refused: it is for another name, out of date or from
/// somebody nobody trusts. A few seconds do not change that.
fn is_impostor(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        // An I/O error shows what it wraps here, and only what is behind that as its source.
        let wrapped = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        let wrapped = wrapped.map(|error| error as &(dyn StdError + 'static));
        if let Some(rustls::Error::InvalidCertificate(_)) =
            wrapped.unwrap_or(error).downcast_ref::<rustls::Error>()
        {
            return true;
        }
        cause = wrapped.or_else(|| error.source());
    }
    false
}

/// True when an HTTP/2 server says that it did not touch the request.
///
/// That is what REFUSED_STREAM means, and what GOAWAY means for the streams above the last one it
/// names (RFC 9113, 8.7). The HTTP/2 library gives such an error to those streams alone: the
/// others go on, and fail with a lost connection if they fail.
fn left_undone(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<h2::Error>() {
            return error.is_remote()
                && (error.is_go_away() || error.reason() == Some(h2::Reason::REFUSED_STREAM));
        }
        cause = error.source();
    }
    false
}
