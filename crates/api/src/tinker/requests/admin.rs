//! Requests: the organisation: who did what, and what it costs.

use gimmal_transport::{Error, Request};
use gimmal_types::tinker::{GetBillingUsageRequest, GetCurrentCheckpointStorageUsageRequest};

use super::get;
use crate::tinker::AuditQuery;
use crate::tinker::Endpoint;

/// Builds the request of [`audit_log`](crate::tinker::Tinker::audit_log).
///
/// # Errors
///
/// None that a caller could cause.
pub fn audit_log(endpoint: &Endpoint, query: &AuditQuery) -> Result<Request, Error> {
    let query = query.pairs();
    let query: Vec<(&str, &str)> = query
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    Ok(get(endpoint.url_with("audit", &query)))
}

/// Builds the request of [`billing_usage`](crate::tinker::Tinker::billing_usage).
///
/// # Errors
///
/// Fails unless both ends are set, in order.
pub fn billing_usage(
    endpoint: &Endpoint,
    request: &GetBillingUsageRequest,
) -> Result<Request, Error> {
    let window = usage_window(request)?;
    let window: Vec<(&str, &str)> = window
        .iter()
        .map(|(name, at)| (*name, at.as_str()))
        .collect();
    Ok(get(endpoint.url_with("billing/usage/events", &window)))
}

/// Builds the request of
/// [`current_checkpoint_storage`](crate::tinker::Tinker::current_checkpoint_storage).
///
/// # Errors
///
/// None that a caller could cause.
pub fn current_checkpoint_storage(
    endpoint: &Endpoint,
    request: &GetCurrentCheckpointStorageUsageRequest,
) -> Result<Request, Error> {
    Ok(get(endpoint.url_with(
        "billing/usage/checkpoints/current",
        &[(
            "project_id",
            request.project_id.as_deref().unwrap_or_default(),
        )],
    )))
}

/// The ends of a time, both of which the service wants.
fn usage_window(request: &GetBillingUsageRequest) -> Result<Vec<(&'static str, String)>, Error> {
    let (Some(start), Some(end)) = (request.starting_on, request.ending_before) else {
        let missing = if request.starting_on.is_none() {
            "starting_on"
        } else {
            "ending_before"
        };
        return Err(Error::invalid(missing, "must be set: a whole hour in UTC"));
    };
    if end <= start {
        return Err(Error::invalid(
            "ending_before",
            "must be later than `starting_on`",
        ));
    }
    Ok(vec![
        ("starting_on", start.to_string()),
        ("ending_before", end.to_string()),
    ])
}
