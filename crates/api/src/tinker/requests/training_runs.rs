//! Requests: runs: models that are or were trained.

use gimmal_transport::{Error, Request};
use gimmal_types::tinker::AccessScope;

use super::get;
use crate::tinker::Endpoint;
use crate::tinker::ListTrainingRuns;
use crate::tinker::endpoint::segment;

/// Builds the request of [`list_training_runs`](crate::tinker::Tinker::list_training_runs).
///
/// # Errors
///
/// None that a caller could cause.
pub fn list_training_runs(endpoint: &Endpoint, query: &ListTrainingRuns) -> Result<Request, Error> {
    let query = query.pairs();
    let query: Vec<(&str, &str)> = query
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    Ok(get(endpoint.url_with("training_runs", &query)))
}

/// Builds the request of [`get_training_run`](crate::tinker::Tinker::get_training_run).
///
/// # Errors
///
/// Fails on an identifier that does not fit into a path.
pub fn get_training_run(
    endpoint: &Endpoint,
    run: &str,
    access_scope: &AccessScope,
) -> Result<Request, Error> {
    let run = segment("training_run_id", run)?;
    Ok(get(endpoint.url_with(
        &format!("training_runs/{run}"),
        &[("access_scope", &access_scope.name())],
    )))
}
