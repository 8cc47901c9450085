//! What a caller may set for one call. The same struct holds the defaults of a client; a value
//! set for the call wins over the client's.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value};

use crate::compression::{DEFAULT_MAX_RATIO, RequestCompression};
use crate::http::PoolPurpose;
use crate::observe::CallAttributes;
use crate::redact::HeaderNames;
use crate::retry::{Backoff, BackoffArg, RetryPolicy, RetryPolicyArg};
use crate::sse::DEFAULT_MAX_EVENT_BYTES;

/// One attempt of a buffered call may take this long unless set otherwise.
pub(crate) const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(600);
/// The first byte of a stream must arrive within this time unless set otherwise.
pub(crate) const FIRST_BYTE_TIMEOUT: Duration = Duration::from_secs(120);
/// A stream may be silent for this long unless set otherwise.
pub(crate) const IDLE_TIMEOUT: Duration = Duration::from_secs(120);
/// A buffered reply may be this large unless set otherwise: 256 MiB.
pub(crate) const MAX_RESPONSE_BYTES: usize = 256 * 1024 * 1024;

static DEFAULT_POOL: PoolPurpose = PoolPurpose::DEFAULT;

/// A time limit: inherited, set, or none at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Timeout {
    /// Whatever the next outer layer says: the client for a call, the crate for a client.
    #[default]
    Default,
    /// This long.
    After(Duration),
    /// No limit.
    Never,
}

impl Timeout {
    fn or(self, outer: Self) -> Self {
        match self {
            Self::Default => outer,
            set => set,
        }
    }

    /// The limit in force, given what the crate says when nobody set one.
    pub(crate) fn resolve(self, unset: Option<Duration>) -> Option<Duration> {
        match self {
            Self::Default => unset,
            Self::After(limit) => Some(limit),
            Self::Never => None,
        }
    }
}

/// In which header a key goes out that marks the attempts of one call as the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum KeyHeader {
    #[default]
    Inherited,
    Off,
    In(HeaderName),
}

/// Settings of one call, or the defaults of a client.
///
/// ```
/// use std::time::Duration;
/// use gimmal_transport::{CallOptions, NeverRetry, Timeout};
///
/// let options = CallOptions::default()
///     .with_deadline(Timeout::After(Duration::from_secs(30)))
///     .with_retry_policy(NeverRetry);
/// # let _ = options;
/// ```
#[derive(Clone, Default)]
#[non_exhaustive]
#[must_use]
pub struct CallOptions {
    attempt_timeout: Timeout,
    first_byte_timeout: Timeout,
    idle_timeout: Timeout,
    deadline: Timeout,
    deadline_since: Option<Instant>,
    retry_policy: Option<Arc<dyn RetryPolicy>>,
    backoff: Option<Arc<dyn Backoff>>,
    idempotency_key: KeyHeader,
    timeout_header: Option<HeaderName>,
    headers: HeaderMap,
    extra_body: Option<Arc<Map<String, Value>>>,
    max_response_bytes: Option<usize>,
    max_event_bytes: Option<usize>,
    max_decompression_ratio: Option<NonZeroU32>,
    request_compression: Option<RequestCompression>,
    redirects: Option<bool>,
    pool: Option<PoolPurpose>,
    estimated_tokens: Option<u64>,
    attributes: Option<Arc<CallAttributes>>,
}

impl CallOptions {
    /// Nothing set: everything is inherited.
    pub fn new() -> Self {
        Self::default()
    }

    /// Limits one attempt of a buffered call, from credentials to the last byte; 600 s by default.
    ///
    /// Streams have no such limit; see [`with_first_byte_timeout`](Self::with_first_byte_timeout).
    pub fn with_attempt_timeout(mut self, timeout: Timeout) -> Self {
        self.attempt_timeout = timeout;
        self
    }

    /// Limits the time from the start of a stream's attempt to the first byte of its body; 120 s
    /// by default.
    pub fn with_first_byte_timeout(mut self, timeout: Timeout) -> Self {
        self.first_byte_timeout = timeout;
        self
    }

    /// Limits the silence within a stream; every byte counts, keep-alives included; 120 s by
    /// default.
    pub fn with_idle_timeout(mut self, timeout: Timeout) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// Limits the whole call: all attempts, the waits between them and the reading of a stream;
    /// none by default.
    pub fn with_deadline(mut self, timeout: Timeout) -> Self {
        self.deadline = timeout;
        self
    }

    /// Counts the deadline from `start`, a time of the transport's clock, for several requests that
    /// share one; by default each counts from its own beginning.
    ///
    /// What the SDK makes several requests for shares one deadline already.
    pub fn with_deadline_since(mut self, start: Instant) -> Self {
        self.deadline_since = Some(start);
        self
    }

    /// Decides which failures are tried again.
    pub fn with_retry_policy(mut self, policy: impl Into<RetryPolicyArg>) -> Self {
        self.retry_policy = Some(policy.into().into_inner());
        self
    }

    /// Decides how long to wait between attempts.
    pub fn with_backoff(mut self, backoff: impl Into<BackoffArg>) -> Self {
        self.backoff = Some(backoff.into().into_inner());
        self
    }

    /// Tells the server in this header how long an attempt may take, in whole seconds, rounded up;
    /// off by default.
    ///
    /// It is sent when [`with_attempt_timeout`](Self::with_attempt_timeout) sets a limit, here or
    /// for the client; the limit that holds by default is not told. Where the caller has set the
    /// header, that value is sent.
    ///
    /// ```
    /// use std::time::Duration;
    /// use gimmal_transport::{CallOptions, Timeout};
    /// use http::HeaderName;
    ///
    /// let options = CallOptions::new()
    ///     .with_timeout_header(HeaderName::from_static("x-server-timeout"))
    ///     .with_attempt_timeout(Timeout::After(Duration::from_millis(1_500)));
    /// # let _ = options; // Sends `x-server-timeout: 2`.
    /// ```
    pub fn with_timeout_header(mut self, header: HeaderName) -> Self {
        self.timeout_header = Some(header);
        self
    }

    /// Sends an idempotency key in this header, for servers that promise to carry out requests with
    /// the same key once; off by default.
    ///
    /// The key is a random UUID, drawn once per call and the same in all its attempts. A call that
    /// carries one counts as idempotent, so it is retried like one. Where the caller has set the
    /// header, that key is sent; requests that change nothing by their method (such as GET) get
    /// none.
    ///
    /// ```
    /// use gimmal_transport::CallOptions;
    /// use http::HeaderName;
    ///
    /// let name = HeaderName::from_static("x-idempotency-key");
    /// let options = CallOptions::default().with_idempotency_key_in(name.clone());
    /// assert_eq!(options.idempotency_key_header(), Some(&name));
    /// ```
    pub fn with_idempotency_key_in(mut self, header: HeaderName) -> Self {
        self.idempotency_key = KeyHeader::In(header);
        self
    }

    /// Sends no idempotency key, whatever the client does by default.
    pub fn without_idempotency_key(mut self) -> Self {
        self.idempotency_key = KeyHeader::Off;
        self
    }

    /// Adds a header to every attempt; it wins over the request's and over the credentials'.
    ///
    /// Mark a secret value with [`HeaderValue::set_sensitive`].
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Adds members to the JSON body of the request, for fields that a typed request lacks.
    ///
    /// A name stands for the member that the body has under it, whatever the case and the
    /// underscores: `topK`, `top_k` and `TOPK` are one. Objects are merged, member by member;
    /// anything else takes the place of what is there. A request without a body gets this one, and
    /// a body that is no JSON is left alone.
    ///
    /// The whole object of a call wins over that of its client; the two are not merged.
    ///
    /// ```
    /// use gimmal_transport::CallOptions;
    /// use serde_json::{Map, json};
    ///
    /// let extra = Map::from_iter([("generationConfig".to_owned(), json!({"newKnob": 1}))]);
    /// let options = CallOptions::new().with_extra_body(extra);
    /// assert!(options.extra_body().is_some());
    /// ```
    pub fn with_extra_body(mut self, members: Map<String, Value>) -> Self {
        self.extra_body = Some(Arc::new(members));
        self
    }

    /// Limits a buffered reply, as it is after unpacking; 256 MiB by default. Streams are not
    /// limited by it.
    pub fn with_max_response_bytes(mut self, limit: usize) -> Self {
        self.max_response_bytes = Some(limit);
        self
    }

    /// Limits one event of a stream of events; 64 MiB by default. A larger one is an error of the
    /// kind [`ResponseTooLarge`](crate::ErrorKind::ResponseTooLarge), after which the stream goes
    /// on.
    pub fn with_max_event_bytes(mut self, limit: usize) -> Self {
        self.max_event_bytes = Some(limit);
        self
    }

    /// Limits how many times its own size a packed reply may grow to when it is read as a stream;
    /// 200 by default, and any ratio goes up to 16 MiB. What goes beyond ends with an error of the
    /// kind [`ResponseTooLarge`](crate::ErrorKind::ResponseTooLarge).
    pub fn with_max_decompression_ratio(mut self, limit: NonZeroU32) -> Self {
        self.max_decompression_ratio = Some(limit);
        self
    }

    /// Packs the body of the request, once for all attempts; off by default.
    pub fn with_request_compression(mut self, compression: RequestCompression) -> Self {
        self.request_compression = Some(compression);
        self
    }

    /// Hands a redirect to the caller, as an error with its status and headers; by default it is
    /// followed. A transport of the caller's may follow it all the same.
    pub fn without_redirects(mut self) -> Self {
        self.redirects = Some(false);
        self
    }

    /// Uses the connections that are kept for this purpose.
    ///
    /// The built-in client makes connections for a purpose when it is first named; see
    /// [`HttpConfig::with_pool`](crate::HttpConfig::with_pool). Circuit breakers are apart for
    /// each purpose too.
    pub fn with_pool(mut self, purpose: PoolPurpose) -> Self {
        self.pool = Some(purpose);
        self
    }

    /// Says about how many tokens the call will use, for limits on tokens per minute; unset, only
    /// the request counts.
    pub fn with_estimated_tokens(mut self, tokens: u64) -> Self {
        self.estimated_tokens = Some(tokens);
        self
    }

    /// Says what the call asks of a model, for logs, events and traces.
    pub fn with_attributes(mut self, attributes: impl Into<Arc<CallAttributes>>) -> Self {
        self.attributes = Some(attributes.into());
        self
    }

    /// These options, with everything that is not set taken from `outer`.
    ///
    /// Headers are merged name by name.
    pub fn or(&self, outer: &Self) -> Self {
        let mut merged = self.settings_or(outer);
        merged.headers = outer.headers.clone();
        for (name, value) in &self.headers {
            merged.headers.insert(name.clone(), value.clone());
        }
        merged
    }

    /// The same without any headers, for a call, which merges those of all its sources at once.
    pub(crate) fn settings_or(&self, outer: &Self) -> Self {
        Self {
            attempt_timeout: self.attempt_timeout.or(outer.attempt_timeout),
            first_byte_timeout: self.first_byte_timeout.or(outer.first_byte_timeout),
            idle_timeout: self.idle_timeout.or(outer.idle_timeout),
            deadline: self.deadline.or(outer.deadline),
            deadline_since: self.deadline_since.or(outer.deadline_since),
            retry_policy: self
                .retry_policy
                .clone()
                .or_else(|| outer.retry_policy.clone()),
            backoff: self.backoff.clone().or_else(|| outer.backoff.clone()),
            idempotency_key: match &self.idempotency_key {
                KeyHeader::Inherited => outer.idempotency_key.clone(),
                set => set.clone(),
            },
            timeout_header: self
                .timeout_header
                .clone()
                .or_else(|| outer.timeout_header.clone()),
            headers: HeaderMap::new(),
            extra_body: self.extra_body.clone().or_else(|| outer.extra_body.clone()),
            max_response_bytes: self.max_response_bytes.or(outer.max_response_bytes),
            max_event_bytes: self.max_event_bytes.or(outer.max_event_bytes),
            max_decompression_ratio: self
                .max_decompression_ratio
                .or(outer.max_decompression_ratio),
            request_compression: self.request_compression.or(outer.request_compression),
            redirects: self.redirects.or(outer.redirects),
            pool: self.pool.clone().or_else(|| outer.pool.clone()),
            estimated_tokens: self.estimated_tokens.or(outer.estimated_tokens),
            attributes: self.attributes.clone().or_else(|| outer.attributes.clone()),
        }
    }

    /// The limit on one attempt of a buffered call.
    pub fn attempt_timeout(&self) -> Option<Duration> {
        self.attempt_timeout.resolve(Some(ATTEMPT_TIMEOUT))
    }

    /// The limit on the wait for a stream's first byte.
    pub fn first_byte_timeout(&self) -> Option<Duration> {
        self.first_byte_timeout.resolve(Some(FIRST_BYTE_TIMEOUT))
    }

    /// The limit on silence within a stream.
    pub fn idle_timeout(&self) -> Option<Duration> {
        self.idle_timeout.resolve(Some(IDLE_TIMEOUT))
    }

    /// The limit on the whole call.
    pub fn deadline(&self) -> Option<Duration> {
        self.deadline.resolve(None)
    }

    /// What the deadline counts from, if not from the beginning of each call.
    pub fn deadline_since(&self) -> Option<Instant> {
        self.deadline_since
    }

    /// When a call that begins `now` must have ended, and the limit that says so.
    pub(crate) fn due(&self, now: Instant) -> Option<(Instant, Duration)> {
        self.due_or(self, || now)
    }

    /// The same, with what is not set taken from `outer`.
    pub(crate) fn due_or(
        &self,
        outer: &Self,
        now: impl FnOnce() -> Instant,
    ) -> Option<(Instant, Duration)> {
        let limit = self.deadline.or(outer.deadline).resolve(None)?;
        let since = self.deadline_since.or(outer.deadline_since);
        let due = since.unwrap_or_else(now).checked_add(limit)?;
        Some((due, limit))
    }

    /// How long a call that began at `start` may take.
    pub(crate) fn time_for(&self, start: Instant) -> Option<Duration> {
        let (due, _) = self.due(start)?;
        Some(due.saturating_duration_since(start))
    }

    /// These options for requests that share a deadline: it counts from `now`, unless they say
    /// from when.
    pub(crate) fn started(mut self, now: Instant) -> Self {
        self.deadline_since.get_or_insert(now);
        self
    }

    /// The limit on a buffered reply, in bytes.
    pub fn max_response_bytes(&self) -> usize {
        self.max_response_bytes.unwrap_or(MAX_RESPONSE_BYTES)
    }

    /// The limit on one event, in bytes.
    pub fn max_event_bytes(&self) -> usize {
        self.max_event_bytes.unwrap_or(DEFAULT_MAX_EVENT_BYTES)
    }

    /// The same, with what is not set taken from `outer`.
    pub(crate) fn max_event_bytes_or(&self, outer: &Self) -> usize {
        self.max_event_bytes
            .unwrap_or_else(|| outer.max_event_bytes())
    }

    /// The limit on how many times its own size a packed stream may grow to.
    pub fn max_decompression_ratio(&self) -> NonZeroU32 {
        self.max_decompression_ratio.unwrap_or(DEFAULT_MAX_RATIO)
    }

    /// How the body of the request is packed, if somebody said so.
    pub fn request_compression(&self) -> Option<RequestCompression> {
        self.request_compression
    }

    /// Whether redirects are followed.
    pub fn redirects(&self) -> bool {
        self.redirects.unwrap_or(true)
    }

    /// Whose connections are used.
    pub fn pool(&self) -> &PoolPurpose {
        self.pool.as_ref().unwrap_or(&DEFAULT_POOL)
    }

    /// About how many tokens the call will use, if somebody said so.
    pub fn estimated_tokens(&self) -> Option<u64> {
        self.estimated_tokens
    }

    /// The header that an idempotency key goes out in.
    pub fn idempotency_key_header(&self) -> Option<&HeaderName> {
        match &self.idempotency_key {
            KeyHeader::In(header) => Some(header),
            KeyHeader::Inherited | KeyHeader::Off => None,
        }
    }

    /// What the call asks of a model, if somebody said so.
    pub fn attributes(&self) -> Option<&Arc<CallAttributes>> {
        self.attributes.as_ref()
    }

    /// The header and the value that tell the server how long an attempt may take.
    pub(crate) fn told_timeout(&self) -> Option<(&HeaderName, HeaderValue)> {
        let Timeout::After(limit) = self.attempt_timeout else {
            return None;
        };
        let part = u64::from(limit.subsec_nanos() > 0);
        let seconds = limit.as_secs().saturating_add(part);
        Some((self.timeout_header.as_ref()?, HeaderValue::from(seconds)))
    }

    /// What is added to the JSON body of the request, if anything.
    pub fn extra_body(&self) -> Option<&Map<String, Value>> {
        self.extra_body.as_deref()
    }

    /// The headers added to every attempt.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// These options for an address that the caller's own headers and members are not meant for.
    pub(crate) fn for_another_address(mut self, headers: HeaderMap) -> Self {
        self.headers = headers;
        self.extra_body = None;
        self
    }

    pub(crate) fn backoff(&self) -> Option<&Arc<dyn Backoff>> {
        self.backoff.as_ref()
    }

    pub(crate) fn retry_policy(&self) -> Option<&Arc<dyn RetryPolicy>> {
        self.retry_policy.as_ref()
    }
}

/// Shows names of headers only, and of the extra body no more than how many members it has.
impl fmt::Debug for CallOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallOptions")
            .field("attempt_timeout", &self.attempt_timeout)
            .field("first_byte_timeout", &self.first_byte_timeout)
            .field("idle_timeout", &self.idle_timeout)
            .field("deadline", &self.deadline)
            .field("deadline_since", &self.deadline_since)
            .field("retry_policy", &self.retry_policy)
            .field("backoff", &self.backoff)
            .field("idempotency_key", &self.idempotency_key)
            .field("timeout_header", &self.timeout_header)
            .field("headers", &HeaderNames(&self.headers))
            .field(
                "extra_members",
                &self.extra_body.as_ref().map(|it| it.len()),
            )
            .field("max_response_bytes", &self.max_response_bytes)
            .field("max_event_bytes", &self.max_event_bytes)
            .field("max_decompression_ratio", &self.max_decompression_ratio)
            .field("request_compression", &self.request_compression)
            .field("pool", &self.pool)
            .field("estimated_tokens", &self.estimated_tokens)
            .field("attributes", &self.attributes)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_deadline_counts_from_the_first_of_several_requests() {
        let client = CallOptions::new().with_deadline(Timeout::After(5 * SECOND));
        let begun = Instant::now();
        let call = CallOptions::new().or(&client).started(begun);
        assert_eq!(call.time_for(begun + 2 * SECOND), Some(3 * SECOND));
        assert_eq!(call.time_for(begun + 9 * SECOND), Some(Duration::ZERO));
        // Whoever said from when is not overruled.
        let later = call.clone().started(begun + SECOND);
        assert_eq!(later.deadline_since(), Some(begun));
        let alone = client.due(begun + SECOND);
        assert_eq!(alone, Some((begun + 6 * SECOND, 5 * SECOND)));
        assert_eq!(CallOptions::new().started(begun).due(begun), None);
    }

    #[test]
    fn unset_means_the_documented_defaults() {
        let options = CallOptions::new();
        assert_eq!(options.attempt_timeout(), Some(600 * SECOND));
        assert_eq!(options.first_byte_timeout(), Some(120 * SECOND));
        assert_eq!(options.idle_timeout(), Some(120 * SECOND));
        assert_eq!(options.deadline(), None);
        assert_eq!(options.max_response_bytes(), 268_435_456);
        assert_eq!(options.max_event_bytes(), 67_108_864);
        assert_eq!(options.max_decompression_ratio().get(), 200);
        assert_eq!(options.request_compression(), None);
        assert_eq!(options.pool(), &PoolPurpose::DEFAULT);
    }

    #[test]
    fn the_call_wins_over_the_client_and_default_inherits() {
        let client = CallOptions::new()
            .with_attempt_timeout(Timeout::After(SECOND))
            .with_idle_timeout(Timeout::After(SECOND))
            .with_deadline(Timeout::After(SECOND))
            .with_max_response_bytes(7)
            .with_max_event_bytes(8)
            .with_request_compression(RequestCompression::off().with_min_bytes(9))
            .with_pool(PoolPurpose::SESSION);
        let call = CallOptions::new()
            .with_attempt_timeout(Timeout::Never)
            .with_idle_timeout(Timeout::After(2 * SECOND))
            .with_request_compression(RequestCompression::off())
            .with_pool(PoolPurpose::FUTURES);
        let merged = call.or(&client);
        assert_eq!(merged.attempt_timeout(), None);
        assert_eq!(merged.idle_timeout(), Some(2 * SECOND));
        assert_eq!(merged.deadline(), Some(SECOND));
        assert_eq!(merged.max_response_bytes(), 7);
        assert_eq!(merged.max_event_bytes(), 8);
        assert_eq!(
            merged.request_compression(),
            Some(RequestCompression::off())
        );
        assert_eq!(merged.pool(), &PoolPurpose::FUTURES);
    }

    #[test]
    fn an_idempotency_key_is_inherited_unless_switched_off() {
        let name = HeaderName::from_static("idempotency-key");
        let client = CallOptions::new().with_idempotency_key_in(name.clone());
        let merged = CallOptions::new().or(&client);
        assert_eq!(merged.idempotency_key_header(), Some(&name));
        let merged = CallOptions::new().without_idempotency_key().or(&client);
        assert_eq!(merged.idempotency_key_header(), None);
    }

    #[test]
    fn headers_merge_by_name_and_hide_in_debug() {
        let (a, b) = (HeaderName::from_static("a"), HeaderName::from_static("b"));
        let client = CallOptions::new()
            .with_header(a.clone(), HeaderValue::from_static("outer"))
            .with_header(b, HeaderValue::from_static("kept"));
        let merged = CallOptions::new()
            .with_header(a, HeaderValue::from_static("inner"))
            .or(&client);
        assert_eq!(merged.headers()["a"], "inner");
        assert_eq!(merged.headers()["b"], "kept");
        let debug = format!("{merged:?}");
        assert!(
            !debug.contains("inner") && debug.contains("\"b\""),
            "{debug}"
        );
    }
}
