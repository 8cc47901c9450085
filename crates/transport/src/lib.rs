#![doc = include_str!("../README.md")]

pub mod auth;
mod body;
mod builder;
mod error;
mod http;
mod interceptor;
pub mod json;
mod options;
mod pipeline;
mod receive;
mod redact;
mod request;
mod response;
pub mod retry;
pub mod sse;
pub mod testing;
pub mod time;
mod transport;

pub use crate::auth::{ApiKey, BearerToken, Credentials, CredentialsArg, NoCredentials};
pub use crate::body::ByteStream;
pub use crate::builder::TransportBuilder;
pub use crate::error::{AttemptRecord, Delivery, Error, ErrorKind, Persistence, TimeoutKind};
pub use crate::http::HttpTransport;
pub use crate::interceptor::{Attempt, Interceptor, ReplyHead};
pub use crate::options::{CallOptions, Timeout};
pub use crate::request::{Idempotency, Request};
pub use crate::response::{Response, ResponseParts};
pub use crate::retry::{
    Backoff, BackoffArg, ExponentialBackoff, NeverRetry, RetryBudget, RetryDecision, RetryPolicy,
    RetryPolicyArg, RetryState, StandardRetry, StopReason,
};
pub use crate::sse::EventStream;
pub use crate::time::{Clock, FixedJitter, Jitter, ThreadRngJitter, TokioClock};
pub use crate::transport::Transport;
