//! Requests: the service itself: settings of clients, tokens, health, what it can do.

use gimmal_transport::{Error, Request};
use gimmal_types::tinker::ClientConfigRequest;

use super::{get, post};
use crate::tinker::Endpoint;

/// Builds the request of [`client_config`](crate::tinker::Tinker::client_config).
///
/// # Errors
///
/// None that a caller could cause.
pub fn client_config(endpoint: &Endpoint, request: &ClientConfigRequest) -> Result<Request, Error> {
    post(endpoint, "client/config", request)
}

/// Builds the request of [`client_dynamic_config`](crate::tinker::Tinker::client_dynamic_config).
///
/// # Errors
///
/// None that a caller could cause.
pub fn client_dynamic_config(
    endpoint: &Endpoint,
    request: &ClientConfigRequest,
) -> Result<Request, Error> {
    post(endpoint, "client/dynamic_config", request)
}

/// Builds the request of [`auth_token`](crate::tinker::Tinker::auth_token).
///
/// # Errors
///
/// None that a caller could cause.
pub fn auth_token(endpoint: &Endpoint) -> Result<Request, Error> {
    post(endpoint, "auth/token", &serde_json::json!({}))
}

/// Builds the request of [`health`](crate::tinker::Tinker::health).
///
/// # Errors
///
/// None that a caller could cause.
pub fn health(endpoint: &Endpoint) -> Result<Request, Error> {
    Ok(get(endpoint.url("healthz")))
}

/// Builds the request of
/// [`get_server_capabilities`](crate::tinker::Tinker::get_server_capabilities).
///
/// # Errors
///
/// None that a caller could cause.
pub fn get_server_capabilities(endpoint: &Endpoint) -> Result<Request, Error> {
    Ok(get(endpoint.url("get_server_capabilities")))
}
