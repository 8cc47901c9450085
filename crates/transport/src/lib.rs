#![doc = include_str!("../README.md")]

pub mod auth;
mod body;
mod builder;
mod call;
pub mod circuit;
pub mod compression;
pub mod download;
mod error;
mod extra_body;
mod gates;
mod headers;
mod http;
mod idempotency;
mod interceptor;
pub mod json;
mod limit;
#[cfg(test)]
mod manual_clock;
pub mod multipart;
pub mod observe;
mod options;
#[cfg(feature = "otel")]
pub mod otel;
mod pipeline;
pub mod rate_limit;
mod receive;
pub mod redact;
mod request;
mod response;
pub mod retry;
mod scope;
pub mod semaphore;
pub mod sse;
pub mod testing;
pub mod time;
pub mod transfer;
mod transport;
pub mod upload;
mod weak_map;
#[cfg(feature = "websocket")]
pub mod ws;

pub use crate::auth::{
    ApiKey, AuthHeaders, BearerToken, Credentials, CredentialsArg, NoCredentials, TokenConfig,
    TokenCredentials, TokenSource,
};
pub use crate::body::ByteStream;
pub use crate::builder::TransportBuilder;
pub use crate::circuit::{CircuitBreaker, CircuitConfig, CircuitOpen, CircuitRegistry};
pub use crate::download::Download;
pub use crate::error::{
    AttemptRecord, CloseCode, Delivery, Error, ErrorKind, Persistence, TimeoutKind,
};
pub use crate::http::{
    HttpConfig, HttpTransport, HttpVersions, PoolConfig, PoolKey, PoolPurpose, Proxy,
};
pub use crate::interceptor::{Attempt, Interceptor, ReplyHead, RetryCountHeader};
pub use crate::observe::{CallAttributes, CallRecorder, EventBus, Observer, ReplyAttributes};
pub use crate::options::{CallOptions, Timeout};
pub use crate::rate_limit::{
    AdaptiveConcurrency, ConcurrencyLimit, PauseWindow, RateLimit, RateLimitInfo, RateLimitWindow,
    RateLimiter, RateLimits,
};
pub use crate::request::{Idempotency, Request};
pub use crate::response::{Response, ResponseParts};
pub use crate::retry::{
    Backoff, BackoffArg, ExponentialBackoff, NeverRetry, RetryBudget, RetryDecision, RetryPolicy,
    RetryPolicyArg, RetryPolicyExt, RetryState, StandardRetry, StopReason,
};
pub use crate::scope::{Origin, Scope};
pub use crate::sse::EventStream;
pub use crate::time::{Clock, FixedJitter, Jitter, ThreadRngJitter, TokioClock};
pub use crate::transfer::{Progress, Source};
pub use crate::transport::Transport;
pub use crate::upload::{ResumableUpload, UploadSession};

/// Compiles the snippets of the book's chapter with the doc tests.
#[cfg(all(doctest, feature = "otel"))]
mod book {
    #[doc = include_str!("../../../docs/src/observability.md")]
    mod observability {}
}
