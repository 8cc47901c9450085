//! When a transfer that was interrupted goes on. Its requests are sent once each, so that all
//! waiting and counting is done here, with the policy, the backoff and the budget of the
//! transport; what is sent next is the protocol's affair.

use std::num::NonZeroU32;
use std::time::Instant;

use http::HeaderMap;

use crate::error::Error;
use crate::options::CallOptions;
use crate::pipeline::Core;
use crate::request::Idempotency;
use crate::retry::rules::Rules;
use crate::retry::{RetryState, StandardRetry, StopReason};

/// Why a transfer stands still.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The policy may let it go on.
    Passing(Error),
    /// Nothing but a new beginning helps.
    Fatal(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Passing(error)
    }
}

/// The patience of one transfer.
///
/// The attempts that the policy sees are the failures since the transfer last made progress, so a
/// long transfer may fail often and a stuck one ends soon. To the policy each request is
/// idempotent: a transfer asks how far it came before it sends anything again.
#[derive(Debug)]
pub(crate) struct Recovery<'a> {
    core: &'a Core,
    options: CallOptions,
    started: Instant,
    failures: u32,
}

impl<'a> Recovery<'a> {
    /// Begins a transfer now; a deadline in the options covers all of it.
    pub(crate) fn new(core: &'a Core, options: &CallOptions) -> Self {
        let started = core.clock.now();
        Self {
            core,
            options: options.or(&core.options).started(started),
            started,
            failures: 0,
        }
    }

    /// Options for one request within what is left of the deadline.
    pub(crate) fn options(&self) -> &CallOptions {
        &self.options
    }

    /// Options for one request that is sent once.
    pub(crate) fn once(&self) -> CallOptions {
        let once = StandardRetry::default().with_max_attempts(NonZeroU32::MIN);
        self.options.clone().with_retry_policy(once)
    }

    /// Options for one request that is sent once to an address that the caller's headers are not
    /// meant for.
    pub(crate) fn once_without_headers(&self) -> CallOptions {
        self.once().for_another_address(HeaderMap::new())
    }

    /// Takes note that more has arrived than ever before.
    pub(crate) fn progressed(&mut self) {
        self.failures = 0;
    }

    /// Waits until the transfer may go on, or says that it may not.
    pub(crate) async fn wait(&mut self, failure: Failure) -> Result<(), Error> {
        let error = match failure {
            Failure::Fatal(error) => return Err(error),
            Failure::Passing(error) => error,
        };
        self.failures = self.failures.saturating_add(1);
        let elapsed = self
            .core
            .clock
            .now()
            .saturating_duration_since(self.started);
        let state = RetryState::new(self.failures, elapsed, Idempotency::Idempotent);
        match self.rules().judge(&state, &error) {
            Ok(delay) => {
                tracing::debug!(
                    failures = self.failures,
                    "error.type" = ?error.kind(),
                    wait_seconds = delay.as_secs_f64(),
                    "transfer interrupted, going on"
                );
                self.core.clock.sleep(delay).await;
                Ok(())
            }
            Err(reason) => Err(self.give_up(error, reason)),
        }
    }

    fn rules(&self) -> Rules<'_> {
        let core = self.core;
        Rules {
            policy: &**self.options.retry_policy().unwrap_or(&core.retry_policy),
            backoff: &**self.options.backoff().unwrap_or(&core.backoff),
            budget: Some(&core.budget),
            max_server_delay: core.max_server_delay,
            jitter: &*core.jitter,
            deadline: self.options.time_for(self.started),
        }
    }

    fn give_up(&self, error: Error, reason: StopReason) -> Error {
        tracing::debug!(
            failures = self.failures,
            "error.type" = ?error.kind(),
            %reason,
            "transfer interrupted, giving up"
        );
        let error = self.rules().give_up(error, self.failures, reason);
        error
            .with_context("transfer_stopped_because", reason.to_string())
            .with_context("failures_without_progress", self.failures.to_string())
    }
}
