//! Requests: what clients tell about themselves.

use gimmal_transport::{Error, Request};
use gimmal_types::tinker::TelemetrySendRequest;

use super::post;
use crate::tinker::Endpoint;

/// Builds the request of [`send_telemetry`](crate::tinker::Tinker::send_telemetry).
///
/// # Errors
///
/// None that a caller could cause.
pub fn send_telemetry(
    endpoint: &Endpoint,
    request: &TelemetrySendRequest,
) -> Result<Request, Error> {
    post(endpoint, "telemetry", request)
}
