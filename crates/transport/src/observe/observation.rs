//! What the pipeline says about one call. The pipeline names each fact once; here it goes to the
//! log and to whoever listens. Whatever is not said to have ended was dropped.

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use futures_util::poll;
use http::{HeaderMap, StatusCode};
use tracing::Span;
use tracing::field::{Empty, display};

use crate::error::Error;
use crate::observe::tell::{Listeners, Observers};
use crate::observe::{CallInfo, CallOutcome, CallRecorder, Event, Gate, NextStep, error_type};
use crate::options::CallOptions;
use crate::redact::RedactedUrl;
use crate::request::Request;
use crate::retry::StopReason;
use crate::time::Clock;

/// A shorter wait at a gate is how long passing it takes, and no news.
const HELD_AT_LEAST: Duration = Duration::from_millis(1);

/// The eyes on one call, from its beginning to the last byte of its reply.
#[derive(Debug)]
pub(crate) struct Observation {
    span: Span,
    listeners: Option<Arc<Listeners>>,
    clock: Arc<dyn Clock>,
    started: Instant,
    attempts: u32,
    /// When the attempt began that is being made.
    attempt_started: Option<Instant>,
    status: Option<StatusCode>,
    bytes: u64,
    ended: bool,
}

impl Observation {
    pub(crate) fn begin(
        observers: &Observers,
        request: &Request,
        options: &CallOptions,
        streamed: bool,
        clock: &Arc<dyn Clock>,
        started: Instant,
    ) -> Self {
        let url = request.url();
        let attributes = options.attributes();
        let span = tracing::info_span!(
            "http.call",
            "otel.kind" = "client",
            "http.request.method" = %request.method(),
            "server.address" = url.host_str(),
            "server.port" = url.port_or_known_default(),
            "url.full" = %RedactedUrl(url),
            "gen_ai.operation.name" = attributes.map(|call| call.operation()),
            "gen_ai.provider.name" = attributes.map(|call| call.provider()),
            "gen_ai.request.model" = attributes.and_then(|call| call.model()),
            "http.response.status_code" = Empty,
            "http.request.resend_count" = Empty,
            "error.type" = Empty,
            attempts = Empty,
        );
        Self {
            listeners: observers.listeners(request, options, streamed, clock, started),
            span,
            clock: Arc::clone(clock),
            started,
            attempts: 0,
            attempt_started: None,
            status: None,
            bytes: 0,
            ended: false,
        }
    }

    /// Whether anybody sees what is said.
    pub(crate) fn is_seen(&self) -> bool {
        self.listeners.is_some() || !self.span.is_disabled()
    }

    /// The span that the call runs in.
    pub(crate) fn span(&self) -> Span {
        self.span.clone()
    }

    /// Lets the caller add to what is told.
    pub(crate) fn recorder(&self) -> CallRecorder {
        CallRecorder::new(self.listeners.clone())
    }

    /// Adds to a request what tells the server which trace it is part of.
    pub(crate) fn inject(&self, headers: &mut HeaderMap) {
        if let Some(listeners) = &self.listeners {
            listeners.inject(headers);
        }
    }

    /// Waits at a gate and tells how long it took, if it took any time.
    pub(crate) async fn hold<F: Future>(&self, gate: Gate, leave: F) -> F::Output {
        let mut leave = pin!(leave);
        // Whoever is let through at once need not look at the clock.
        if let Poll::Ready(leave) = poll!(leave.as_mut()) {
            return leave;
        }
        let arrived = self.clock.now();
        let leave = leave.await;
        let waited = self.clock.now().saturating_duration_since(arrived);
        if waited >= HELD_AT_LEAST {
            self.held(gate, waited);
        }
        leave
    }

    fn held(&self, gate: Gate, waited: Duration) {
        tracing::debug!(
            gate = gate.as_str(),
            wait_seconds = waited.as_secs_f64(),
            "attempt was held back"
        );
        self.tell(|call| Event::Held { call, gate, waited });
    }

    pub(crate) fn attempt_started(&mut self, attempt: u32) {
        self.attempts = attempt;
        // Nobody asks how long it took when nobody listens.
        self.attempt_started = self.listeners.is_some().then(|| self.clock.now());
        self.tell(|call| Event::AttemptStarted { call, attempt });
    }

    pub(crate) fn attempt_succeeded(&mut self, status: StatusCode) {
        tracing::debug!(
            attempt = self.attempts,
            "http.response.status_code" = status.as_u16(),
            "attempt succeeded"
        );
        self.status = Some(status);
        let attempt = self.attempts;
        if let Some(took) = self.end_attempt() {
            self.tell(|call| Event::AttemptSucceeded {
                call,
                attempt,
                took,
                status,
            });
        }
    }

    /// The attempt failed, and the call goes on.
    pub(crate) fn retrying(&mut self, error: &Error, wait: Duration) {
        tracing::debug!(
            attempt = self.attempts,
            "error.type" = %error_type(error.kind(), error.status()),
            "http.response.status_code" = error.status().map(|status| status.as_u16()),
            wait_seconds = wait.as_secs_f64(),
            "attempt failed, trying again"
        );
        self.attempt_failed(error, NextStep::Retry(wait));
    }

    /// The call ends with this error, whether the attempt failed or none could be made.
    pub(crate) fn gave_up(&mut self, error: &Error, reason: StopReason) {
        tracing::debug!(
            attempt = self.attempts,
            "error.type" = %error_type(error.kind(), error.status()),
            %reason,
            "attempt failed, giving up"
        );
        self.attempt_failed(error, NextStep::GiveUp(reason));
        self.failed(error);
    }

    /// The first bytes of a streamed reply were handed on.
    pub(crate) fn first_byte(&self) {
        self.tell(|call| Event::FirstByte {
            call,
            after: self.elapsed(),
        });
    }

    /// Takes note of how much of the body was handed on.
    pub(crate) fn set_bytes(&mut self, bytes: u64) {
        self.bytes = bytes;
    }

    /// The reply was handed on to its last byte.
    pub(crate) fn succeeded(&mut self, bytes: u64) {
        self.bytes = bytes;
        self.end(CallOutcome::Succeeded);
    }

    /// The call, or the stream it opened, ended with this error.
    pub(crate) fn failed(&mut self, error: &Error) {
        if self.ended {
            return;
        }
        self.status = error.status().or(self.status);
        let error_type = error_type(error.kind(), error.status());
        self.span.record("error.type", display(error_type));
        self.end(CallOutcome::Failed(error.kind()));
    }

    fn attempt_failed(&mut self, error: &Error, next: NextStep) {
        self.status = error.status().or(self.status);
        let attempt = self.attempts;
        if let Some(took) = self.end_attempt() {
            self.tell(|call| Event::AttemptFailed {
                call,
                attempt,
                took,
                kind: error.kind(),
                status: error.status(),
                next,
            });
        }
    }

    /// How long the attempt took, if one is being made.
    fn end_attempt(&mut self) -> Option<Duration> {
        let started = self.attempt_started.take()?;
        Some(self.clock.now().saturating_duration_since(started))
    }

    fn end(&mut self, outcome: CallOutcome) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        self.span.record("attempts", self.attempts);
        if self.attempts > 1 {
            self.span
                .record("http.request.resend_count", self.attempts - 1);
        }
        if let Some(status) = self.status {
            self.span
                .record("http.response.status_code", status.as_u16());
        }
        self.tell(|call| Event::CallFinished {
            call,
            outcome,
            status: self.status,
            attempts: self.attempts,
            took: self.elapsed(),
            bytes: self.bytes,
        });
    }

    fn elapsed(&self) -> Duration {
        self.clock.now().saturating_duration_since(self.started)
    }

    fn tell(&self, event: impl FnOnce(Arc<CallInfo>) -> Event) {
        if let Some(listeners) = &self.listeners {
            listeners.tell(event);
        }
    }
}

impl Drop for Observation {
    fn drop(&mut self) {
        let refused = self.listeners.as_ref().and_then(|all| all.refusal());
        self.end(refused.map_or(CallOutcome::Dropped, CallOutcome::Failed));
    }
}
