//! The Tinker API: where it is, what it takes, and one function per endpoint.

mod admin;
mod auth;
mod checkpoints;
mod endpoint;
mod errors;
mod future_reply;
mod futures;
mod handle;
mod options;
pub mod polling;
mod query;
pub mod requests;
mod retrieve;
mod sample_stream;
mod sampling;
mod service;
pub mod session_futures;
mod sessions;
mod telemetry;
mod training;
mod training_runs;
mod weights;

pub use endpoint::{DEFAULT_BASE_URL, Endpoint};
pub use errors::{
    ErrorClass, advice, category, classify, failed_request_id, is_user_error, request_failed,
    summary,
};
pub use future_reply::{FuturePayload, FutureReply};
pub use handle::Tinker;
pub use options::{
    API_KEY, IDEMPOTENCY_KEY, POLLER_POOL, PROTOCOL_VERSION, REDIRECT_POOL, RETRY_COUNT,
    default_headers, default_options, default_retry, with_sdk_method,
};
pub use query::{AuditQuery, ListQuery, ListTrainingRuns, Page};
pub use retrieve::{RequestType, RetrieveFuture};
pub use sample_stream::{SampleStream, chunk_of_event};
