//! A transport with everything switched on that a call passes through, and the bare HTTP client
//! that does the same. What is added to the pipeline is to be added here, so that the benches go
//! on measuring all of it.

use std::num::{NonZeroU32, NonZeroU64};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use gimmal_transport::circuit::AdaptiveThrottler;
use gimmal_transport::rate_limit::{AdaptiveConcurrency, AdaptiveConfig};
use gimmal_transport::{
    ApiKey, Attempt, CallOptions, CircuitRegistry, Error, Interceptor, Origin, PauseWindow,
    RateLimiter, RateLimits, ReplyHead, Request, Scope, Timeout, Transport, TransportBuilder,
};
use http::header::ACCEPT;
use http::{HeaderName, HeaderValue, Method};
use url::Url;

/// A header of each kind that a call can have, beside the request's own.
pub(crate) const KEY: HeaderName = HeaderName::from_static("x-api-key");
pub(crate) const CLIENT: HeaderName = HeaderName::from_static("x-client");
pub(crate) const CALL: HeaderName = HeaderName::from_static("x-call");
pub(crate) const ATTEMPT: HeaderName = HeaderName::from_static("x-attempt");
pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Sets a header and counts, as interceptors do.
#[derive(Debug, Default)]
struct Count {
    attempts: AtomicU64,
    replies: AtomicU64,
}

impl Interceptor for Count {
    fn before_attempt(
        &self,
        attempt: &Attempt,
        request: &mut http::Request<Bytes>,
    ) -> Result<(), Error> {
        self.attempts.fetch_add(1, Ordering::Relaxed);
        let number = HeaderValue::from(attempt.number());
        request.headers_mut().insert(ATTEMPT, number);
        Ok(())
    }

    fn after_attempt(&self, _: &Attempt, _: Result<&ReplyHead<'_>, &Error>) {
        self.replies.fetch_add(1, Ordering::Relaxed);
    }
}

/// A builder with all of it; the limits are so wide that no call waits.
pub(crate) fn builder(url: &str) -> TransportBuilder {
    let origin = Origin::parse(url).expect("an origin");
    let plenty = NonZeroU64::new(1_000_000_000_000).expect("not zero");
    let limits = RateLimits::default()
        .with_requests_per_minute(plenty)
        .with_tokens_per_minute(plenty);
    // As many streams stay open in one of the benches, so it must begin there.
    let many = NonZeroU32::new(100_000).expect("not zero");
    let adaptive = AdaptiveConfig::up_to(many).with_initial(many);
    let adaptive = adaptive.expect("within bounds");
    let options = CallOptions::default()
        .with_deadline(Timeout::After(Duration::from_secs(600)))
        .with_idle_timeout(Timeout::After(Duration::from_secs(60)));
    Transport::builder()
        .with_credentials(ApiKey::new(KEY, "secret".into()))
        .with_circuit_breakers(CircuitRegistry::new())
        .with_adaptive_throttle(AdaptiveThrottler::default())
        .with_rate_limit(RateLimiter::new(limits))
        .with_pause_window(PauseWindow::shared(&Scope::new(
            origin,
            Some(&"secret".into()),
        )))
        .with_concurrency_limit(AdaptiveConcurrency::new(adaptive))
        .with_interceptor(Arc::new(Count::default()))
        .with_header(CLIENT, HeaderValue::from_static("gimmal"))
        .with_options(options)
}

/// The options of a call that sets some of its own.
pub(crate) fn options() -> CallOptions {
    CallOptions::default()
        .with_attempt_timeout(Timeout::After(Duration::from_secs(60)))
        .with_header(CALL, HeaderValue::from_static("1"))
        .with_estimated_tokens(1_000)
}

/// A request as a caller builds one for each call.
pub(crate) fn request(url: Url, body: Bytes) -> Request {
    Request::new(Method::POST, url)
        .with_json_body(body)
        .with_header(ACCEPT, JSON)
}
