//! One call on its way through the loop of the pipeline: what it sends, how often it has tried and
//! when it gives up. The order of the steps is the pipeline's affair.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Uri};
use tracing::Span;
use url::Url;

use crate::circuit::CircuitBreaker;
use crate::compression;
use crate::error::{AttemptRecord, Delivery, Error, ErrorKind};
use crate::extra_body;
use crate::gates::Pass;
use crate::headers::LayeredHeaders;
use crate::http::{KeepRedirects, PoolKey, PoolPurpose};
use crate::idempotency;
use crate::interceptor::Attempt;
use crate::limit::Limit;
use crate::observe::Observation;
use crate::options::CallOptions;
use crate::pipeline::Core;
use crate::receive::Receive;
use crate::request::{Idempotency, Request};
use crate::response::Response;
use crate::retry::rules::Rules;
use crate::retry::{RetryState, StopReason};
use crate::scope::Origin;

/// One call on its way through the loop.
pub(crate) struct Call<'a> {
    pub(crate) core: &'a Core,
    request: &'a Request,
    pub(crate) options: CallOptions,
    uri: Uri,
    headers: LayeredHeaders<'a>,
    /// What every attempt sends, and how it is packed.
    body: Bytes,
    /// The media type of a body that the options alone make.
    content_type: Option<HeaderValue>,
    content_encoding: Option<HeaderValue>,
    /// What the server is told about how the reply may be packed.
    accept_encoding: Option<HeaderValue>,
    idempotency_key: Option<HeaderValue>,
    circuit: Option<CircuitBreaker>,
    pub(crate) started: Instant,
    pub(crate) deadline: Option<(Instant, Duration)>,
    attempts: u32,
    failures: Vec<AttemptRecord>,
    observation: Observation,
}

impl<'a> Call<'a> {
    pub(crate) fn new(
        core: &'a Core,
        request: &'a Request,
        own_options: &'a CallOptions,
        streamed: bool,
    ) -> Result<Self, Error> {
        let mut options = own_options.settings_or(&core.options);
        if let (None, Some(attributes)) = (options.attributes(), request.attributes()) {
            options = options.with_attributes(Arc::clone(attributes));
        }
        let uri = sendable(request.url())?;
        let circuit = match &core.gates.circuits {
            Some(circuits) => {
                let origin = Origin::name(request.url())?;
                Some(circuits.breaker(&PoolKey::name(&origin, options.pool())))
            }
            None => None,
        };
        let headers = LayeredHeaders::new([
            &core.headers,
            request.headers(),
            core.options.headers(),
            own_options.headers(),
        ]);
        let key_header = options.idempotency_key_header();
        let idempotency_key = key_header
            .and_then(|name| idempotency::key(&headers, name, request.method(), &*core.jitter));
        let (body, content_type) = match options.extra_body() {
            None => (request.body().clone(), None),
            Some(members) => extra_body::add(members, request.body(), headers.get(&CONTENT_TYPE))?,
        };
        let accept_encoding = compression::accept(request.method(), &headers);
        let started = core.clock.now();
        let deadline = options.due(started);
        let observation = Observation::begin(
            &core.observers,
            request,
            &options,
            streamed,
            &core.clock,
            started,
        );
        Ok(Self {
            core,
            request,
            options,
            uri,
            headers,
            body,
            content_type,
            content_encoding: None,
            accept_encoding,
            idempotency_key,
            circuit,
            started,
            deadline,
            attempts: 0,
            failures: Vec::new(),
            observation,
        })
    }

    /// The span that the call runs in.
    pub(crate) fn span(&self) -> Span {
        self.observation.span()
    }

    /// Packs the body, if the options say so.
    pub(crate) async fn pack(&mut self) {
        if let Some(compression) = self.options.request_compression() {
            let packing = compression.apply(&self.headers, &mut self.body);
            self.content_encoding = packing.await;
        }
    }

    /// Whether the server was told that the reply may be packed.
    pub(crate) fn accepts_coding(&self) -> bool {
        self.accept_encoding.is_some()
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.core
            .clock
            .now()
            .saturating_duration_since(self.started)
    }

    /// Waits for leave to make an attempt, within the deadline; a refusal ends the call.
    pub(crate) async fn pass_gates(&mut self) -> Result<Pass, Error> {
        let core = self.core;
        let limit = Limit::of_call(self.deadline);
        if let Err(late) = limit.check(&*core.clock) {
            let late = late.with_delivery(Delivery::NotSent);
            return Err(self.give_up(late, StopReason::DeadlineTooClose));
        }
        let tokens = self.options.estimated_tokens().unwrap_or_default();
        let passing = core.gates.pass(
            self.circuit.as_ref(),
            tokens,
            core.max_server_delay,
            &self.observation,
        );
        let error = match limit.hold(&*core.clock, pin!(passing)).await {
            Ok(Ok(pass)) => return Ok(pass),
            Ok(Err(error)) | Err(error) => error.with_delivery(Delivery::NotSent),
        };
        let reason = match error.kind() {
            ErrorKind::CircuitOpen => StopReason::CircuitOpen,
            ErrorKind::Throttled => StopReason::Throttled,
            ErrorKind::RetryDelayTooLong => StopReason::DelayTooLong,
            ErrorKind::Timeout => StopReason::DeadlineTooClose,
            _ => StopReason::Permanent,
        };
        Err(self.give_up(error, reason))
    }

    pub(crate) fn begin_attempt(&mut self) -> Attempt {
        self.attempts = self.attempts.saturating_add(1);
        self.observation.attempt_started(self.attempts);
        Attempt {
            number: self.attempts,
            started_after: self.elapsed(),
        }
    }

    /// The request of one attempt; a header set by the caller wins over the credentials'.
    pub(crate) fn outgoing(&self, credentials: &HeaderMap) -> http::Request<Bytes> {
        let mut outgoing = http::Request::new(self.body.clone());
        *outgoing.method_mut() = self.request.method().clone();
        *outgoing.uri_mut() = self.uri.clone();
        let headers = outgoing.headers_mut();
        *headers = self.headers.over(credentials);
        let own = [
            (self.options.idempotency_key_header(), &self.idempotency_key),
            (Some(&ACCEPT_ENCODING), &self.accept_encoding),
            (Some(&CONTENT_TYPE), &self.content_type),
            (Some(&CONTENT_ENCODING), &self.content_encoding),
        ];
        for header in own {
            if let (Some(name), Some(value)) = header {
                headers.insert(name.clone(), value.clone());
            }
        }
        if let Some((name, seconds)) = self.options.told_timeout()
            && !self.headers.contains(name)
        {
            headers.insert(name.clone(), seconds);
        }
        self.observation.inject(headers);
        let pool = self.options.pool();
        if *pool != PoolPurpose::DEFAULT {
            outgoing.extensions_mut().insert(pool.clone());
        }
        if !self.options.redirects() {
            outgoing.extensions_mut().insert(KeepRedirects);
        }
        outgoing
    }

    /// What the server says about a refusal, without the secrets that it may repeat.
    pub(crate) fn without_secrets(&self, error: Error, credentials: &HeaderMap) -> Error {
        let layers = self.headers.layers().chain([credentials]);
        layers.fold(error, Error::without_secrets)
    }

    pub(crate) fn succeed<T>(&mut self, response: &Response<T>) {
        self.core.budget.gain();
        self.observation.attempt_succeeded(response.status());
    }

    /// Hands the reply on, and with it the observation until its body is read.
    pub(crate) fn conclude<R: Receive>(self, response: Response<R::Output>) -> Response<R::Output> {
        let observation = self.observation;
        response
            .with_recorder(observation.recorder())
            .map(|output| R::conclude(output, observation))
    }

    fn idempotency(&self) -> Idempotency {
        if self.idempotency_key.is_some() {
            Idempotency::Idempotent
        } else {
            self.request.idempotency()
        }
    }

    fn rules(&self) -> Rules<'_> {
        let core = self.core;
        let policy = self.options.retry_policy();
        Rules {
            policy: &**policy.unwrap_or(&core.retry_policy),
            backoff: &**self.options.backoff().unwrap_or(&core.backoff),
            budget: Some(&core.budget),
            max_server_delay: core.max_server_delay,
            jitter: &*core.jitter,
            deadline: self.options.time_for(self.started),
        }
    }

    /// How long to wait before the next attempt, or the error to end the call with.
    pub(crate) fn classify(&mut self, attempt: &Attempt, error: Error) -> Result<Duration, Error> {
        let elapsed = self.elapsed();
        self.failures.push(AttemptRecord {
            number: attempt.number,
            kind: error.kind(),
            status: error.status(),
            started_after: attempt.started_after,
            took: elapsed.saturating_sub(attempt.started_after),
            waited: None,
        });

        let state = RetryState::new(self.attempts, elapsed, self.idempotency());
        let wait = match self.rules().judge(&state, &error) {
            Ok(wait) => wait,
            Err(reason) => return Err(self.give_up(error, reason)),
        };
        if let Some(record) = self.failures.last_mut() {
            record.waited = Some(wait);
        }
        self.observation.retrying(&error, wait);
        Ok(wait)
    }

    fn give_up(&mut self, error: Error, reason: StopReason) -> Error {
        let error = self.rules().give_up(error, self.attempts, reason);
        self.observation.gave_up(&error, reason);
        error
            .with_request(self.request.method(), self.request.url())
            .with_attempts(std::mem::take(&mut self.failures))
    }
}

/// The address as HTTP clients take it.
fn sendable(url: &Url) -> Result<Uri, Error> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Error::invalid("url", "its scheme must be http or https"));
    }
    Uri::try_from(url.as_str())
        .map_err(|source| Error::invalid("url", "it cannot be sent over HTTP").with_source(source))
}
