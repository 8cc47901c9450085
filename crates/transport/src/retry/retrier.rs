//! Repeats an operation that is more than one request, such as a job that is handed in and then
//! asked for. Single requests are the pipeline's; this asks the same rules and never looks into
//! the operation.

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use crate::error::Error;
use crate::request::Idempotency;
use crate::retry::rules::Rules;
use crate::retry::{
    ExponentialBackoff, MAX_SERVER_DELAY, ProgressTracker, RetryBudget, RetryConfig, RetryPolicy,
    RetryPolicyArg, RetryState, StopReason,
};
use crate::semaphore::Semaphore;
use crate::time::{Clock, Jitter};

/// Repeats operations, for a group of them that share a limit and their progress.
///
/// ```
/// use std::sync::Arc;
/// use gimmal_transport::retry::{Retrier, RetryConfig};
/// use gimmal_transport::{Error, FixedJitter, TokioClock};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Error> {
/// let (clock, jitter) = (Arc::new(TokioClock), Arc::new(FixedJitter::new(0.5)));
/// let retrier = Retrier::new(RetryConfig::default(), clock, jitter)?;
/// let result = retrier
///     .run(|attempt| async move {
///         match attempt {
///             1 => Err(Error::connect("nobody is there yet")),
///             _ => Ok(attempt),
///         }
///     })
///     .await?;
/// assert_eq!(result, 2);
/// # Ok(())
/// # }
/// ```
///
/// The caller vouches that the operation may be repeated. Failures that a transport has retried
/// already are not retried once more. Clones belong to the same group.
#[derive(Clone)]
pub struct Retrier {
    config: RetryConfig,
    policy: Arc<dyn RetryPolicy>,
    backoff: ExponentialBackoff,
    budget: Option<RetryBudget>,
    max_server_delay: Duration,
    progress: ProgressTracker,
    permits: Option<Semaphore>,
    clock: Arc<dyn Clock>,
    jitter: Arc<dyn Jitter>,
}

impl Retrier {
    /// A group of its own with these settings.
    pub fn new(
        config: RetryConfig,
        clock: Arc<dyn Clock>,
        jitter: Arc<dyn Jitter>,
    ) -> Result<Self, Error> {
        config.validate()?;
        Ok(Self {
            policy: Arc::new(config.policy()),
            backoff: config.backoff(),
            budget: None,
            max_server_delay: MAX_SERVER_DELAY,
            progress: ProgressTracker::new(config.progress_timeout(), Arc::clone(&clock)),
            permits: config.max_concurrent().map(Semaphore::new),
            config,
            clock,
            jitter,
        })
    }

    /// Decides in place of [`RetryConfig::policy`] which failures are followed by another attempt.
    #[must_use]
    pub fn with_policy(mut self, policy: impl Into<RetryPolicyArg>) -> Self {
        self.policy = policy.into().into_inner();
        self
    }

    /// Limits the retries of all operations together; not limited by default.
    #[must_use]
    pub fn with_budget(mut self, budget: RetryBudget) -> Self {
        self.budget = Some(budget);
        self
    }

    /// Sets the longest wait a server may ask for, 120 s by default; a longer one ends the
    /// operation with [`RetryDelayTooLong`](crate::ErrorKind::RetryDelayTooLong).
    #[must_use]
    pub fn with_max_server_delay(mut self, limit: Duration) -> Self {
        self.max_server_delay = limit;
        self
    }

    /// The settings.
    pub fn config(&self) -> &RetryConfig {
        &self.config
    }

    /// The progress of the group.
    pub fn progress(&self) -> &ProgressTracker {
        &self.progress
    }

    /// Runs `operation` until it succeeds or its failure is final. It is told the number of the
    /// attempt; the first one is 1.
    pub async fn run<T, F, O>(&self, mut operation: F) -> Result<T, Error>
    where
        F: FnMut(u32) -> O,
        O: Future<Output = Result<T, Error>>,
    {
        if !self.config.retries() {
            return operation(1).await;
        }
        let _permit = match &self.permits {
            Some(permits) => Some(permits.acquire().await),
            None => None,
        };
        // Pinned here, since a future that is handed on is given room for in each that it passes.
        let attempts = pin!(self.attempt_loop(&mut operation));
        if self.config.stuck_detection() {
            return self.progress.watch(attempts).await;
        }
        let _guard = self.progress.enter();
        let result = attempts.await;
        if result.is_ok() {
            self.progress.record();
        }
        result
    }

    async fn attempt_loop<T, F, O>(&self, operation: &mut F) -> Result<T, Error>
    where
        F: FnMut(u32) -> O,
        O: Future<Output = Result<T, Error>>,
    {
        let rules = Rules {
            policy: &*self.policy,
            backoff: &self.backoff,
            budget: self.budget.as_ref(),
            max_server_delay: self.max_server_delay,
            jitter: &*self.jitter,
            deadline: None,
        };
        let started = self.clock.now();
        let mut attempts = 0_u32;
        loop {
            if self.progress.is_stuck(attempts) {
                return Err(rules.give_up(self.progress.error(), attempts, StopReason::NoProgress));
            }
            attempts = attempts.saturating_add(1);
            tracing::debug!(attempt = attempts, "operation started");
            let error = match operation(attempts).await {
                Ok(value) => {
                    rules.gain();
                    tracing::debug!(attempt = attempts, "operation succeeded");
                    return Ok(value);
                }
                Err(error) => error,
            };
            let elapsed = self.clock.now().saturating_duration_since(started);
            let state = RetryState::new(attempts, elapsed, Idempotency::Idempotent);
            match rules.judge(&state, &error) {
                Ok(wait) => {
                    tracing::debug!(
                        attempt = attempts,
                        "error.type" = ?error.kind(),
                        wait_seconds = wait.as_secs_f64(),
                        "operation failed, trying again"
                    );
                    self.clock.sleep(wait).await;
                }
                Err(reason) => {
                    tracing::debug!(
                        attempt = attempts,
                        "error.type" = ?error.kind(),
                        %reason,
                        "operation failed, giving up"
                    );
                    return Err(rules.give_up(error, attempts, reason));
                }
            }
        }
    }
}

impl fmt::Debug for Retrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retrier")
            .field("config", &self.config)
            .field("policy", &self.policy)
            .field("budget", &self.budget)
            .field("progress", &self.progress)
            .finish_non_exhaustive()
    }
}
