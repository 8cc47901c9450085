//! Setting up a transport. Building checks the settings and does no I/O beyond loading the
//! system's certificates.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::auth::{Credentials, CredentialsArg, NoCredentials};
use crate::circuit::{AdaptiveThrottler, CircuitRegistry};
use crate::error::Error;
use crate::gates::Gates;
use crate::http::{HttpConfig, HttpTransport, HyperTransport};
use crate::interceptor::Interceptor;
use crate::observe::{EventBus, Observers};
use crate::options::CallOptions;
use crate::pipeline::Core;
use crate::rate_limit::{ConcurrencyLimit, PauseWindow, RateLimitArg};
use crate::redact::HeaderNames;
use crate::retry::{
    Backoff, BackoffArg, ExponentialBackoff, MAX_SERVER_DELAY, RetryBudget, RetryPolicy,
    RetryPolicyArg, StandardRetry,
};
use crate::scope::Scope;
use crate::time::{Clock, Jitter, ThreadRngJitter, TokioClock};
use crate::transport::Transport;

/// Sets up a [`Transport`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct TransportBuilder {
    http: Option<Arc<dyn HttpTransport>>,
    http_config: Option<HttpConfig>,
    credentials: Arc<dyn Credentials>,
    retry_policy: Arc<dyn RetryPolicy>,
    backoff: Arc<dyn Backoff>,
    budget: RetryBudget,
    max_server_delay: Duration,
    clock: Arc<dyn Clock>,
    jitter: Arc<dyn Jitter>,
    interceptors: Vec<Arc<dyn Interceptor>>,
    options: CallOptions,
    headers: HeaderMap,
    gates: Gates,
    observers: Observers,
}

impl Default for TransportBuilder {
    fn default() -> Self {
        Self {
            http: None,
            http_config: None,
            credentials: Arc::new(NoCredentials),
            retry_policy: Arc::new(StandardRetry::default()),
            backoff: Arc::new(ExponentialBackoff::default()),
            budget: RetryBudget::default(),
            max_server_delay: MAX_SERVER_DELAY,
            clock: Arc::new(TokioClock),
            jitter: Arc::new(ThreadRngJitter),
            interceptors: Vec::new(),
            options: CallOptions::default(),
            headers: HeaderMap::new(),
            gates: Gates::default(),
            observers: Observers::default(),
        }
    }
}

impl TransportBuilder {
    /// Sends requests through `http` instead of the built-in client.
    pub fn with_http(mut self, http: Arc<dyn HttpTransport>) -> Self {
        self.http = Some(http);
        self
    }

    /// Sets the built-in client up: proxy, certificates, versions of HTTP, pools.
    pub fn with_http_config(mut self, config: HttpConfig) -> Self {
        self.http_config = Some(config);
        self
    }

    /// Says who the caller is; nobody by default.
    pub fn with_credentials(mut self, credentials: impl Into<CredentialsArg>) -> Self {
        self.credentials = credentials.into().into_inner();
        self
    }

    /// Decides which failures are tried again; [`StandardRetry`] by default.
    pub fn with_retry_policy(mut self, policy: impl Into<RetryPolicyArg>) -> Self {
        self.retry_policy = policy.into().into_inner();
        self
    }

    /// Decides how long to wait between attempts; [`ExponentialBackoff`] by default.
    pub fn with_backoff(mut self, backoff: impl Into<BackoffArg>) -> Self {
        self.backoff = backoff.into().into_inner();
        self
    }

    /// Limits the retries of all calls together; a budget may be shared between transports.
    pub fn with_retry_budget(mut self, budget: RetryBudget) -> Self {
        self.budget = budget;
        self
    }

    /// Sets the longest wait a server may ask for, 120 s by default. A longer one ends the call
    /// with [`RetryDelayTooLong`](crate::ErrorKind::RetryDelayTooLong).
    pub fn with_max_server_delay(mut self, limit: Duration) -> Self {
        self.max_server_delay = limit;
        self
    }

    /// Stops calls to a server that keeps failing; off by default.
    ///
    /// The registry has one breaker for each scheme, host and port. A call that meets an open one
    /// fails at once with [`CircuitOpen`](crate::ErrorKind::CircuitOpen) and is not retried.
    /// Statuses from 500 on, lost connections and time limits that pass are failures; any other
    /// answer is a success, a 429 included.
    pub fn with_circuit_breakers(mut self, circuits: CircuitRegistry) -> Self {
        self.gates.circuits = Some(circuits);
        self
    }

    /// Holds requests back at random, the more of them the fewer the server accepts; off by
    /// default.
    ///
    /// Where a breaker is all or nothing, this sends about as much as is likely to be accepted. A
    /// call that is held back fails at once with [`Throttled`](crate::ErrorKind::Throttled) and is
    /// not retried. A 429, a status from 500 on, a lost connection and a time limit that passes
    /// count as not accepted. The counts are those of all hosts together.
    pub fn with_adaptive_throttle(mut self, throttler: AdaptiveThrottler) -> Self {
        self.gates.throttle = Some(throttler);
        self
    }

    /// Keeps attempts within requests and tokens per minute; off by default.
    ///
    /// Tokens are counted as
    /// [`CallOptions::with_estimated_tokens`](crate::CallOptions::with_estimated_tokens) says.
    pub fn with_rate_limit(mut self, limit: impl Into<RateLimitArg>) -> Self {
        self.gates.rate_limit = Some(limit.into().into_inner());
        self
    }

    /// Lets all calls pause together when the server answers 429; off by default.
    ///
    /// A pause that is longer than [`with_max_server_delay`](Self::with_max_server_delay) allows
    /// is not waited for: calls fail with
    /// [`RetryDelayTooLong`](crate::ErrorKind::RetryDelayTooLong) without being sent.
    pub fn with_pause_window(mut self, window: PauseWindow) -> Self {
        self.gates.pause = Some(window);
        self
    }

    /// Lets all calls of this process with the same server and the same secret pause together when
    /// one of them is told 429, and set off one after the other afterwards; off by default.
    ///
    /// ```
    /// use gimmal_transport::{Origin, Scope, Transport};
    ///
    /// # fn main() -> Result<(), gimmal_transport::Error> {
    /// let account = Scope::new(Origin::parse("https://api.example.com")?, Some(&"key".into()));
    /// let transport = Transport::builder().with_shared_pause(&account).build()?;
    /// # let _ = transport;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// This is [`with_pause_window`](Self::with_pause_window) with [`PauseWindow::shared`].
    pub fn with_shared_pause(self, scope: &Scope) -> Self {
        self.with_pause_window(PauseWindow::shared(scope))
    }

    /// Limits the calls in flight; off by default.
    ///
    /// A streamed reply is in flight until it is read to its end or dropped. A call that waits
    /// before a retry is not in flight.
    pub fn with_concurrency_limit(mut self, limit: impl Into<ConcurrencyLimit>) -> Self {
        self.gates.concurrency = Some(limit.into());
        self
    }

    /// Takes time from `clock`.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Takes randomness from `jitter`.
    pub fn with_jitter(mut self, jitter: Arc<dyn Jitter>) -> Self {
        self.jitter = jitter;
        self
    }

    /// Sets the options that calls inherit.
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.options = options;
        self
    }

    /// Adds a header to every request; headers of the request and of the call win over it.
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Adds code that runs around each attempt, after that added earlier.
    pub fn with_interceptor(mut self, interceptor: Arc<dyn Interceptor>) -> Self {
        self.interceptors.push(interceptor);
        self
    }

    /// Tells the handlers of `bus` what calls do.
    pub fn with_event_bus(mut self, bus: EventBus) -> Self {
        self.observers.bus = Some(bus);
        self
    }

    /// Makes spans and metrics of calls.
    #[cfg(feature = "otel")]
    pub fn with_otel(mut self, otel: crate::otel::Otel) -> Self {
        self.observers.tracer = Some(Arc::new(otel));
        self
    }

    /// The options that calls inherit, as set so far.
    pub fn options(&self) -> &CallOptions {
        &self.options
    }

    /// Builds the transport. It fails when the built-in HTTP client cannot be set up, for example
    /// because the system has no certificates, and when settings of the built-in client are given
    /// beside another one.
    pub fn build(self) -> Result<Transport, Error> {
        let http = match (self.http, self.http_config) {
            (Some(http), None) => http,
            (None, config) => Arc::new(HyperTransport::new(config.unwrap_or_default())?),
            (Some(_), Some(_)) => {
                return Err(Error::config(
                    "with_http_config sets up the built-in HTTP client, but with_http replaces \
                     it; leave one of them out",
                ));
            }
        };
        Ok(Transport::from_core(Core {
            http,
            credentials: self.credentials,
            retry_policy: self.retry_policy,
            backoff: self.backoff,
            budget: self.budget,
            max_server_delay: self.max_server_delay,
            clock: self.clock,
            jitter: self.jitter,
            interceptors: self.interceptors,
            options: self.options,
            headers: self.headers,
            gates: self.gates,
            observers: self.observers,
        }))
    }
}

/// Shows names of headers only.
impl fmt::Debug for TransportBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransportBuilder")
            .field("http", &self.http)
            .field("http_config", &self.http_config)
            .field("credentials", &self.credentials)
            .field("retry_policy", &self.retry_policy)
            .field("backoff", &self.backoff)
            .field("budget", &self.budget)
            .field("max_server_delay", &self.max_server_delay)
            .field("options", &self.options)
            .field("headers", &HeaderNames(&self.headers))
            .field("gates", &self.gates)
            .field("observers", &self.observers)
            .finish_non_exhaustive()
    }
}
