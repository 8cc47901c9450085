//! Requests without I/O: from typed arguments to method, URL and body.

mod admin;
mod auth;
mod checkpoints;
mod futures;
mod sampling;
mod service;
mod sessions;
mod telemetry;
mod training;
mod training_runs;
mod weights;

use bytes::Bytes;
use gimmal_transport::{Error, Request};
use gimmal_types::tinker::InvalidInput;
use http::Method;
use serde::Serialize;
use url::Url;

use super::Endpoint;

pub use admin::{audit_log, billing_usage, current_checkpoint_storage};
pub use auth::{delete_own_key, get_own_key};
pub use checkpoints::{
    checkpoint_archive_url, delete_checkpoint, external_weights_urls, list_checkpoints,
    list_checkpoints_of_run, publish_checkpoint, set_checkpoint_ttl, unpublish_checkpoint,
};
pub use futures::{cancel_future, retrieve_future, retrieve_futures};
pub use sampling::{
    create_sampling_session, get_sampler, join_sampling_session, sample, stream_sample,
};
pub use service::{
    auth_token, client_config, client_dynamic_config, get_server_capabilities, health,
};
pub use sessions::{
    assign_session_project, create_session, export_session_trace, finish_session, get_session,
    list_sessions, search_sessions, session_heartbeat,
};
pub use telemetry::send_telemetry;
pub use training::{create_custom_loss, create_model, forward_backward, get_info, optim_step};
pub use training_runs::{get_training_run, list_training_runs};
pub use weights::{
    copy_weights, load_weights, save_weights, save_weights_external, save_weights_for_sampler,
    weights_info,
};

fn post(endpoint: &Endpoint, path: &str, body: &impl Serialize) -> Result<Request, Error> {
    Ok(Request::new(Method::POST, endpoint.url(path)).with_json_body(json(body)?))
}

fn put(endpoint: &Endpoint, path: &str, body: &impl Serialize) -> Result<Request, Error> {
    Ok(Request::new(Method::PUT, endpoint.url(path)).with_json_body(json(body)?))
}

fn get(url: Url) -> Request {
    Request::new(Method::GET, url)
}

/// A request whose method says it all. It names a content type even so, as the service expects.
fn bare(method: Method, url: Url) -> Request {
    Request::new(method, url).with_json_body(Bytes::new())
}

fn json(body: &impl Serialize) -> Result<Bytes, Error> {
    serde_json::to_vec(body)
        .map(Bytes::from)
        .map_err(|error| Error::invalid("request", error.to_string()))
}

fn invalid(error: InvalidInput) -> Error {
    Error::invalid(error.field(), error.reason())
}
