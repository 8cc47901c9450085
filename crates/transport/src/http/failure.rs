//! Failures of the HTTP client, told apart by how far the request came. The client's own types
//! end here.

use std::error::Error as StdError;
use std::{io, iter};

use hyper_util::client::legacy;

use crate::error::{Delivery, Error, Persistence, TimeoutKind};

/// A failure before the head of a reply.
pub(super) fn of_exchange(error: legacy::Error) -> Error {
    if error.is_connect() {
        let (late, impostor) = (is_late(&error), is_impostor(&error));
        let error = Error::connect(error);
        if late {
            error.with_timeout_kind(TimeoutKind::Connect)
        } else if impostor {
            error.with_persistence(Persistence::Permanent)
        } else {
            error
        }
    } else if left_undone(&error) {
        Error::io(error).with_delivery(Delivery::NotSent)
    } else {
        Error::io(error)
    }
}

/// A failure within the body of a reply.
pub(super) fn of_body(error: hyper::Error) -> Error {
    Error::io(error)
}

/// What an error was caused by, the nearest first.
fn causes(error: &legacy::Error) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    iter::successors(error.source(), |&error| {
        // An I/O error shows what it wraps here, and only what is behind that as its source.
        let wrapped = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        wrapped
            .map(|error| error as &(dyn StdError + 'static))
            .or_else(|| error.source())
    })
}

/// True when a connection was not made in time.
fn is_late(error: &legacy::Error) -> bool {
    causes(error)
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::TimedOut)
}

/// True when the server's certificate was refused: it is for another name, out of date or from
/// somebody nobody trusts. A few seconds do not change that.
fn is_impostor(error: &legacy::Error) -> bool {
    causes(error)
        .filter_map(|cause| cause.downcast_ref::<rustls::Error>())
        .any(|cause| matches!(cause, rustls::Error::InvalidCertificate(_)))
}

/// True when an HTTP/2 server says that it did not touch the request.
///
/// That is what REFUSED_STREAM means, and what GOAWAY means for the streams above the last one it
/// names (RFC 9113, 8.7). The HTTP/2 library gives such an error to those streams alone: the
/// others go on, and fail with a lost connection if they fail.
fn left_undone(error: &legacy::Error) -> bool {
    let mut causes = causes(error);
    let cause = causes.find_map(|cause| cause.downcast_ref::<h2::Error>());
    cause.is_some_and(|cause| {
        let refused = cause.reason() == Some(h2::Reason::REFUSED_STREAM);
        cause.is_remote() && (cause.is_go_away() || refused)
    })
}
