//! Requests: sampling sessions, and sampling in them.

use gimmal_transport::{Error, Request};
use gimmal_types::tinker::{
    CreateSamplingSessionRequest, JoinSamplingSessionRequest, SampleRequest,
};
use http::{HeaderName, HeaderValue};

use super::{get, invalid, post};
use crate::tinker::Endpoint;
use crate::tinker::endpoint::encoded;

/// Builds the request of
/// [`create_sampling_session`](crate::tinker::Tinker::create_sampling_session).
///
/// # Errors
///
/// None that a caller could cause.
pub fn create_sampling_session(
    endpoint: &Endpoint,
    request: &CreateSamplingSessionRequest,
) -> Result<Request, Error> {
    post(endpoint, "create_sampling_session", request)
}

/// Builds the request of [`join_sampling_session`](crate::tinker::Tinker::join_sampling_session).
///
/// # Errors
///
/// None that a caller could cause.
pub fn join_sampling_session(
    endpoint: &Endpoint,
    request: &JoinSamplingSessionRequest,
) -> Result<Request, Error> {
    post(endpoint, "join_sampling_session", request)
}

/// Builds the request of [`get_sampler`](crate::tinker::Tinker::get_sampler).
///
/// # Errors
///
/// Fails on an identifier that does not fit into a path.
pub fn get_sampler(endpoint: &Endpoint, sampler_id: &str) -> Result<Request, Error> {
    let sampler_id = encoded("sampler_id", sampler_id)?;
    Ok(get(endpoint.url(&format!("samplers/{sampler_id}"))))
}

/// Builds the request of [`sample`](crate::tinker::Tinker::sample).
///
/// # Errors
///
/// Fails with the field at fault when the service could not take it.
pub fn sample(endpoint: &Endpoint, request: &SampleRequest) -> Result<Request, Error> {
    request.check().map_err(invalid)?;
    Ok(
        post(endpoint, "asample", request)?
            .with_header(BACKPRESSURE, HeaderValue::from_static("1")),
    )
}

/// Builds the request of [`stream_sample`](crate::tinker::Tinker::stream_sample).
///
/// # Errors
///
/// Fails with the field at fault when the service could not take it.
pub fn stream_sample(endpoint: &Endpoint, request: &SampleRequest) -> Result<Request, Error> {
    request.check().map_err(invalid)?;
    post(endpoint, "stream_sample", request)
}

/// Asks the server to refuse what it has no room for, instead of keeping it waiting.
const BACKPRESSURE: HeaderName = HeaderName::from_static("x-tinker-sampling-backpressure");
