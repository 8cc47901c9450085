//! Requests: models: making, describing, training.

use gimmal_transport::{Error, Request};
use gimmal_types::tinker::proto::ForwardBackwardBody;
use gimmal_types::tinker::{
    CreateCustomLossRequest, CreateModelRequest, GetInfoRequest, OptimStepRequest,
};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};

use super::{invalid, post};
use crate::tinker::Endpoint;
use crate::tinker::future_reply::PROTOBUF;

/// Builds the request of [`create_model`](crate::tinker::Tinker::create_model).
///
/// # Errors
///
/// None that a caller could cause.
pub fn create_model(endpoint: &Endpoint, request: &CreateModelRequest) -> Result<Request, Error> {
    post(endpoint, "create_model", request)
}

/// Builds the request of [`get_info`](crate::tinker::Tinker::get_info).
///
/// # Errors
///
/// None that a caller could cause.
pub fn get_info(endpoint: &Endpoint, request: &GetInfoRequest) -> Result<Request, Error> {
    post(endpoint, "get_info", request)
}

/// Builds the request of [`optim_step`](crate::tinker::Tinker::optim_step).
///
/// # Errors
///
/// Fails with the field at fault when the service could not take it.
pub fn optim_step(endpoint: &Endpoint, request: &OptimStepRequest) -> Result<Request, Error> {
    request.optim_params.check().map_err(invalid)?;
    post(endpoint, "optim_step", request)
}

/// Builds the request of [`create_custom_loss`](crate::tinker::Tinker::create_custom_loss).
///
/// # Errors
///
/// None that a caller could cause.
pub fn create_custom_loss(
    endpoint: &Endpoint,
    request: &CreateCustomLossRequest,
) -> Result<Request, Error> {
    post(endpoint, "create_custom_loss", request)
}

/// Builds the request of [`forward_backward`](crate::tinker::Tinker::forward_backward), whose
/// body is a protocol buffer. Large ones take milliseconds; build them off the async threads.
///
/// # Errors
///
/// Fails with the field at fault when the service could not take it.
pub fn forward_backward(
    endpoint: &Endpoint,
    body: ForwardBackwardBody<'_>,
) -> Result<Request, Error> {
    let body = body.encode().map_err(invalid)?;
    Ok(Request::new(Method::POST, endpoint.url("forward_backward"))
        .with_body(body.into())
        .with_header(CONTENT_TYPE, HeaderValue::from_static(PROTOBUF)))
}
