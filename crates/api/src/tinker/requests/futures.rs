//! Requests: results that come later.

use gimmal_transport::{Error, Request};
use gimmal_types::tinker::{CancelFutureRequest, FuturesRetrieveRequest};
use http::header::ACCEPT;
use http::{HeaderName, HeaderValue};

use super::post;
use crate::tinker::Endpoint;
use crate::tinker::RetrieveFuture;
use crate::tinker::future_reply::PROTOBUF;

/// Builds the request of [`cancel_future`](crate::tinker::Tinker::cancel_future).
///
/// # Errors
///
/// None that a caller could cause.
pub fn cancel_future(endpoint: &Endpoint, request: &CancelFutureRequest) -> Result<Request, Error> {
    post(endpoint, "cancel_future", request)
}

/// Builds the request of [`retrieve_future`](crate::tinker::Tinker::retrieve_future).
///
/// # Errors
///
/// None that a caller could cause.
pub fn retrieve_future(endpoint: &Endpoint, poll: &RetrieveFuture<'_>) -> Result<Request, Error> {
    let mut request = post(endpoint, "retrieve_future", poll.request)?
        .with_header(
            REQUEST_TYPE,
            HeaderValue::from_static(poll.request_type.name()),
        )
        .with_header(ITERATION, HeaderValue::from(poll.iteration))
        .with_header(RAW_RESPONSE, HeaderValue::from_static("raw"));
    if poll.request_type.is_protobuf() {
        request = request.with_header(ACCEPT, HeaderValue::from_static(PROTOBUF));
    }
    if let (0, Some(roundtrip)) = (poll.iteration, poll.roundtrip) {
        let seconds = format!("{:?}", roundtrip.as_secs_f64());
        if let Ok(seconds) = HeaderValue::try_from(seconds) {
            request = request.with_header(ROUNDTRIP, seconds);
        }
    }
    Ok(request)
}

/// Builds the request of [`retrieve_futures`](crate::tinker::Tinker::retrieve_futures).
///
/// # Errors
///
/// None that a caller could cause.
pub fn retrieve_futures(
    endpoint: &Endpoint,
    request: &FuturesRetrieveRequest,
) -> Result<Request, Error> {
    post(endpoint, "retrieve_futures", request)
}

const REQUEST_TYPE: HeaderName = HeaderName::from_static("x-tinker-request-type");
const ITERATION: HeaderName = HeaderName::from_static("x-tinker-request-iteration");
const RAW_RESPONSE: HeaderName = HeaderName::from_static("x-stainless-raw-response");
const ROUNDTRIP: HeaderName = HeaderName::from_static("x-tinker-create-promise-roundtrip-time");
