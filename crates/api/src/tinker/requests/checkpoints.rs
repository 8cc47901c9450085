//! Requests: checkpoints that were saved.

use gimmal_transport::{Error, Request};
use gimmal_types::tinker::CheckpointTtlRequest;
use http::Method;

use super::{bare, get, put};
use crate::tinker::Endpoint;
use crate::tinker::Page;
use crate::tinker::endpoint::{checkpoint as checkpoint_id, segment};

/// Builds the request of
/// [`list_checkpoints_of_run`](crate::tinker::Tinker::list_checkpoints_of_run).
///
/// # Errors
///
/// Fails on an identifier that does not fit into a path.
pub fn list_checkpoints_of_run(endpoint: &Endpoint, run: &str) -> Result<Request, Error> {
    let run = segment("training_run_id", run)?;
    Ok(get(
        endpoint.url(&format!("training_runs/{run}/checkpoints"))
    ))
}

/// The path of what belongs to a checkpoint.
fn path_of(run: &str, checkpoint: &str, rest: &str) -> Result<String, Error> {
    let run = segment("training_run_id", run)?;
    let checkpoint = checkpoint_id("checkpoint_id", checkpoint)?;
    Ok(format!(
        "training_runs/{run}/checkpoints/{checkpoint}{rest}"
    ))
}

/// Builds the request of [`external_weights_urls`](crate::tinker::Tinker::external_weights_urls).
///
/// # Errors
///
/// Fails on an identifier that does not fit into a path.
pub fn external_weights_urls(
    endpoint: &Endpoint,
    run: &str,
    checkpoint: &str,
) -> Result<Request, Error> {
    let path = path_of(run, checkpoint, "/external_weights_urls")?;
    Ok(get(endpoint.url(&path)))
}

/// Builds the request of [`checkpoint_archive_url`](crate::tinker::Tinker::checkpoint_archive_url).
///
/// # Errors
///
/// Fails on an identifier that does not fit into a path.
pub fn checkpoint_archive_url(
    endpoint: &Endpoint,
    run: &str,
    checkpoint: &str,
) -> Result<Request, Error> {
    let path = path_of(run, checkpoint, "/archive")?;
    Ok(get(endpoint.url(&path)))
}

/// Builds the request of [`delete_checkpoint`](crate::tinker::Tinker::delete_checkpoint).
///
/// # Errors
///
/// Fails on an identifier that does not fit into a path.
pub fn delete_checkpoint(
    endpoint: &Endpoint,
    run: &str,
    checkpoint: &str,
) -> Result<Request, Error> {
    let path = path_of(run, checkpoint, "")?;
    Ok(bare(Method::DELETE, endpoint.url(&path)))
}

/// Builds the request of [`publish_checkpoint`](crate::tinker::Tinker::publish_checkpoint).
///
/// # Errors
///
/// Fails on an identifier that does not fit into a path.
pub fn publish_checkpoint(
    endpoint: &Endpoint,
    run: &str,
    checkpoint: &str,
) -> Result<Request, Error> {
    let path = path_of(run, checkpoint, "/publish")?;
    Ok(bare(Method::POST, endpoint.url(&path)))
}

/// Builds the request of [`unpublish_checkpoint`](crate::tinker::Tinker::unpublish_checkpoint).
///
/// # Errors
///
/// Fails on an identifier that does not fit into a path.
pub fn unpublish_checkpoint(
    endpoint: &Endpoint,
    run: &str,
    checkpoint: &str,
) -> Result<Request, Error> {
    let path = path_of(run, checkpoint, "/publish")?;
    Ok(bare(Method::DELETE, endpoint.url(&path)))
}

/// Builds the request of [`set_checkpoint_ttl`](crate::tinker::Tinker::set_checkpoint_ttl).
///
/// # Errors
///
/// Fails on an identifier that does not fit into a path.
pub fn set_checkpoint_ttl(
    endpoint: &Endpoint,
    run: &str,
    checkpoint: &str,
    request: &CheckpointTtlRequest,
) -> Result<Request, Error> {
    let path = path_of(run, checkpoint, "/ttl")?;
    put(endpoint, &path, request)
}

/// Builds the request of [`list_checkpoints`](crate::tinker::Tinker::list_checkpoints).
///
/// # Errors
///
/// None that a caller could cause.
pub fn list_checkpoints(endpoint: &Endpoint, page: Page) -> Result<Request, Error> {
    let query = page.pairs();
    let query: Vec<(&str, &str)> = query
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    Ok(get(endpoint.url_with("checkpoints", &query)))
}
