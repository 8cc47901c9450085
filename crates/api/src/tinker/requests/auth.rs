//! Requests: the key that a client sends.

use gimmal_transport::{Error, Request};
use http::Method;

use super::{bare, get};
use crate::tinker::Endpoint;

/// Builds the request of [`get_own_key`](crate::tinker::Tinker::get_own_key).
///
/// # Errors
///
/// None that a caller could cause.
pub fn get_own_key(endpoint: &Endpoint) -> Result<Request, Error> {
    Ok(get(endpoint.url("auth/apikey/me")))
}

/// Builds the request of [`delete_own_key`](crate::tinker::Tinker::delete_own_key).
///
/// # Errors
///
/// None that a caller could cause.
pub fn delete_own_key(endpoint: &Endpoint) -> Result<Request, Error> {
    Ok(bare(Method::DELETE, endpoint.url("auth/apikey/me")))
}
