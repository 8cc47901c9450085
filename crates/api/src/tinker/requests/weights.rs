//! Requests: weights: saving, loading, copying.

use gimmal_transport::{Error, Request};
use gimmal_types::tinker::{
    CopyWeightsRequest, LoadWeightsRequest, SaveWeightsExternalRequest,
    SaveWeightsForSamplerRequest, SaveWeightsRequest, WeightsInfoRequest,
};
use http::{HeaderName, HeaderValue};

use super::post;
use crate::tinker::Endpoint;

/// Builds the request of [`load_weights`](crate::tinker::Tinker::load_weights).
///
/// # Errors
///
/// None that a caller could cause.
pub fn load_weights(endpoint: &Endpoint, request: &LoadWeightsRequest) -> Result<Request, Error> {
    post(endpoint, "load_weights", request)
}

/// Builds the request of [`save_weights`](crate::tinker::Tinker::save_weights).
///
/// # Errors
///
/// None that a caller could cause.
pub fn save_weights(endpoint: &Endpoint, request: &SaveWeightsRequest) -> Result<Request, Error> {
    post(endpoint, "save_weights", request)
}

/// Builds the request of
/// [`save_weights_for_sampler`](crate::tinker::Tinker::save_weights_for_sampler).
///
/// # Errors
///
/// None that a caller could cause.
pub fn save_weights_for_sampler(
    endpoint: &Endpoint,
    request: &SaveWeightsForSamplerRequest,
) -> Result<Request, Error> {
    post(endpoint, "save_weights_for_sampler", request)
}

/// Builds the request of [`save_weights_external`](crate::tinker::Tinker::save_weights_external).
///
/// # Errors
///
/// None that a caller could cause.
pub fn save_weights_external(
    endpoint: &Endpoint,
    request: &SaveWeightsExternalRequest,
) -> Result<Request, Error> {
    post(endpoint, "save_weights_external", request)
}

/// Builds the request of [`weights_info`](crate::tinker::Tinker::weights_info).
///
/// # Errors
///
/// None that a caller could cause.
pub fn weights_info(endpoint: &Endpoint, request: &WeightsInfoRequest) -> Result<Request, Error> {
    post(endpoint, "weights_info", request)
}

/// Builds the request of [`copy_weights`](crate::tinker::Tinker::copy_weights).
///
/// The token that opens somebody else's checkpoint goes into a header, never into the body.
///
/// # Errors
///
/// Fails when the token is no text that fits into a header.
pub fn copy_weights(endpoint: &Endpoint, request: &CopyWeightsRequest) -> Result<Request, Error> {
    let mut body = request.clone();
    let token = body.weights_access_token.take();
    let request = post(endpoint, "copy_weights", &body)?;
    let Some(token) = token else {
        return Ok(request);
    };
    let mut value = HeaderValue::try_from(token)
        .map_err(|_| Error::invalid("weights_access_token", "does not fit into a header"))?;
    value.set_sensitive(true);
    Ok(request.with_header(ACCESS_TOKEN, value))
}

const ACCESS_TOKEN: HeaderName = HeaderName::from_static("x-tinker-weights-access-token");
