//! How calls are made unless a caller says otherwise: connections, time limits, retries, headers.

use std::num::NonZeroU32;
use std::time::Duration;

use gimmal_transport::{
    CallOptions, ExponentialBackoff, NeverRetry, PoolPurpose, StandardRetry, Timeout,
};
use http::header::{ACCEPT, USER_AGENT};
use http::{HeaderName, HeaderValue, StatusCode};

/// The version of the protocol that is spoken: that of the official SDK it was read from.
pub const PROTOCOL_VERSION: &str = "0.38.0";

/// In which header a key goes out that marks the attempts of one call as the same.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("x-idempotency-key");
/// In which header the server is told how often a request was retried before.
pub const RETRY_COUNT: HeaderName = HeaderName::from_static("x-stainless-retry-count");
/// In which header the credential goes out, be it a key or a token.
pub const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

const READ_TIMEOUT: HeaderName = HeaderName::from_static("x-stainless-read-timeout");
const SDK_VERSION: HeaderName = HeaderName::from_static("x-sdk-version");
const SDK_METHOD: HeaderName = HeaderName::from_static("x-sdk-method");

/// An attempt takes at most this long unless the call says otherwise.
const ATTEMPT: Duration = Duration::from_secs(60);
/// A poll is held by the server for a while, and given up after this.
const LONG_POLL: Duration = Duration::from_secs(45);
/// A poll that only reports what was fetched is answered at once.
const SHORT_POLL: Duration = Duration::from_secs(5);
/// Small calls that keep a session alive must not pile up.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// Giving a request up is not worth more than this.
const CANCEL: Duration = Duration::from_secs(30);
/// Reports are not worth more than this.
const REPORT: Duration = Duration::from_secs(5);

/// An archive that is being made is asked for again after this long.
const ARCHIVE_WAIT: Duration = Duration::from_secs(30);
/// How often it is asked for in all.
const ARCHIVE_ATTEMPTS: NonZeroU32 = NonZeroU32::new(6).unwrap();

/// The connections of one long poll for all requests of a sampling client.
pub const POLLER_POOL: PoolPurpose = PoolPurpose::from_static("futures-poller");
/// The connections of calls that may be sent elsewhere by a redirect.
pub const REDIRECT_POOL: PoolPurpose = PoolPurpose::from_static("redirect");

/// Settings that hold for every call of a client; set them on the transport.
///
/// Retries are those of the official SDK: 10 after the first attempt, on 408, 429 and 5xx, after
/// `min(0.5 · 2ⁿ, 10)` seconds less up to a quarter. A conflict (409) is final: what is there will
/// not go away by asking again.
pub fn default_options() -> CallOptions {
    let mut options = CallOptions::new()
        .with_attempt_timeout(Timeout::After(ATTEMPT))
        .with_timeout_header(READ_TIMEOUT)
        .with_idempotency_key_in(IDEMPOTENCY_KEY)
        .with_retry_policy(default_retry())
        .with_backoff(ExponentialBackoff::tinker());
    for (name, value) in default_headers() {
        options = options.with_header(name, value);
    }
    options
}

/// When a call is made again, unless it says otherwise.
pub fn default_retry() -> StandardRetry {
    let again = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];
    let errors = (500..600).filter_map(|status| StatusCode::from_u16(status).ok());
    StandardRetry::tinker().with_statuses(again.into_iter().chain(errors))
}

/// The headers by which the service knows a client library and what it runs on.
pub fn default_headers() -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    const AGENT: &str = concat!("gimmal/", env!("CARGO_PKG_VERSION"));
    let os = match std::env::consts::OS {
        "macos" => "MacOS",
        "linux" => "Linux",
        "windows" => "Windows",
        "freebsd" => "FreeBSD",
        "openbsd" => "OpenBSD",
        "ios" => "iOS",
        "android" => "Android",
        _ => "Unknown",
    };
    let arch = match std::env::consts::ARCH {
        "x86" => "x32",
        "x86_64" => "x64",
        "arm" => "arm",
        "aarch64" => "arm64",
        _ => "unknown",
    };
    [
        (ACCEPT, "application/json"),
        (USER_AGENT, AGENT),
        (
            HeaderName::from_static("x-stainless-package-version"),
            PROTOCOL_VERSION,
        ),
        (HeaderName::from_static("x-stainless-os"), os),
        (HeaderName::from_static("x-stainless-arch"), arch),
        (HeaderName::from_static("x-stainless-runtime"), "rust"),
        (
            HeaderName::from_static("x-stainless-runtime-version"),
            env!("CARGO_PKG_RUST_VERSION"),
        ),
        (HeaderName::from_static("x-stainless-async"), "async:tokio"),
    ]
    .into_iter()
    .map(|(name, value)| (name, HeaderValue::from_static(value)))
}

/// These options for a call on behalf of a public method, such as `TrainingClient.forward`.
pub fn with_sdk_method(options: &CallOptions, method: &'static str) -> CallOptions {
    options
        .clone()
        .with_header(SDK_VERSION, HeaderValue::from_static(PROTOCOL_VERSION))
        .with_header(SDK_METHOD, HeaderValue::from_static(method))
}

/// How one kind of call is made. What a caller sets for the call wins.
#[derive(Clone, Copy, Debug)]
pub(super) enum Manner {
    Session,
    /// Keeps a session alive: soon or not at all.
    KeepAlive,
    Training,
    /// Training calls that are repeated by whoever knows their place in the order.
    TrainingOnce,
    Sampling,
    Redirect,
    /// Asks where an archive is, until it is made.
    Archive,
    /// A reply in events.
    Stream,
    Future,
    /// One poll for many requests; the flag says that it is answered at once.
    Poller {
        at_once: bool,
    },
    CancelFuture,
    Telemetry,
    /// Calls about the credential itself.
    Credential,
}

impl Manner {
    pub(super) fn options(self, call: &CallOptions) -> CallOptions {
        let (pool, limit, once) = match self {
            Self::Session => (PoolPurpose::SESSION, None, false),
            Self::KeepAlive => (PoolPurpose::SESSION, Some(KEEP_ALIVE), true),
            Self::Training => (PoolPurpose::TRAINING, None, false),
            Self::TrainingOnce => (PoolPurpose::TRAINING, None, true),
            Self::Sampling => (PoolPurpose::SAMPLING, None, true),
            Self::Redirect => (REDIRECT_POOL, None, false),
            Self::Archive => (PoolPurpose::TRAINING, None, false),
            Self::Stream => (PoolPurpose::SAMPLING, None, true),
            Self::Future => (PoolPurpose::FUTURES, Some(LONG_POLL), true),
            Self::Poller { at_once: false } => (POLLER_POOL, Some(LONG_POLL), true),
            Self::Poller { at_once: true } => (POLLER_POOL, Some(SHORT_POLL), true),
            Self::CancelFuture => (PoolPurpose::FUTURES, Some(CANCEL), true),
            Self::Telemetry => (PoolPurpose::TELEMETRY, Some(REPORT), false),
            Self::Credential => (PoolPurpose::DEFAULT, Some(CANCEL), true),
        };
        let mut manner = CallOptions::new().with_pool(pool);
        if let Some(limit) = limit {
            manner = manner.with_attempt_timeout(Timeout::After(limit));
        }
        if once {
            manner = manner.with_retry_policy(NeverRetry);
        }
        if let Self::Stream = self {
            let events = HeaderValue::from_static("text/event-stream");
            manner = manner.with_header(ACCEPT, events);
        }
        if let Self::Archive = self {
            let unavailable = [StatusCode::SERVICE_UNAVAILABLE];
            let wait = ExponentialBackoff::default()
                .with_initial(ARCHIVE_WAIT)
                .with_max(ARCHIVE_WAIT)
                .without_jitter();
            let retry = StandardRetry::tinker().with_max_attempts(ARCHIVE_ATTEMPTS);
            manner = manner
                .with_retry_policy(retry.with_statuses(unavailable))
                .with_backoff(wait)
                .without_redirects();
        }
        call.or(&manner)
    }
}
