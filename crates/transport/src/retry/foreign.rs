//! Schedules of the `backoff` crate in the place of our own, and ours in the place of its, for
//! programs that have some already. Only the trait is used; its loops and clocks are not.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ::backoff::backoff::Backoff as Theirs;

use crate::retry::{Backoff, BackoffArg};
use crate::time::Jitter;

/// A schedule of the `backoff` crate as a [`Backoff`].
///
/// ```
/// use std::time::Duration;
/// use ::backoff::ExponentialBackoffBuilder;
/// use gimmal_transport::Transport;
/// use gimmal_transport::retry::ForeignBackoff;
///
/// # fn main() -> Result<(), gimmal_transport::Error> {
/// let mut builder = ExponentialBackoffBuilder::new();
/// builder.with_initial_interval(Duration::from_millis(100));
/// let backoff = ForeignBackoff::new(move || builder.build());
/// let transport = Transport::builder().with_backoff(backoff).build()?;
/// # let _ = transport;
/// # Ok(())
/// # }
/// ```
///
/// Such a schedule changes with each step, so every wait is computed with a new one that is led to
/// the step in question. Two things follow: an end of the schedule ends the call, unless it is one
/// by the clock (`max_elapsed_time`), which begins anew each time; and chance is the schedule's own
/// and not the transport's. For limits on time there are
/// [`RetryPolicyExt::with_time_limit`](crate::retry::RetryPolicyExt::with_time_limit) and
/// [`CallOptions::with_deadline`](crate::CallOptions::with_deadline).
pub struct ForeignBackoff<F> {
    make: F,
}

impl<F, B> ForeignBackoff<F>
where
    F: Fn() -> B + Send + Sync + 'static,
    B: Theirs,
{
    /// Takes the schedules that `make` makes, which is to be cheap.
    pub fn new(make: F) -> Self {
        Self { make }
    }
}

impl<F, B> Backoff for ForeignBackoff<F>
where
    F: Fn() -> B + Send + Sync + 'static,
    B: Theirs,
{
    fn next_delay(&self, attempts: u32, _jitter: &dyn Jitter) -> Option<Duration> {
        let mut schedule = (self.make)();
        for _ in 1..attempts {
            schedule.next_backoff()?;
        }
        schedule.next_backoff()
    }
}

impl<F> fmt::Debug for ForeignBackoff<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForeignBackoff").finish_non_exhaustive()
    }
}

/// A [`Backoff`] of ours as one of the `backoff` crate.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
/// use ::backoff::backoff::Backoff;
/// use gimmal_transport::retry::{ExponentialBackoff, ExportedBackoff};
/// use gimmal_transport::FixedJitter;
///
/// let jitter = Arc::new(FixedJitter::new(0.0));
/// let mut backoff = ExportedBackoff::new(ExponentialBackoff::tinker(), jitter);
/// assert_eq!(backoff.next_backoff(), Some(Duration::from_millis(500)));
/// assert_eq!(backoff.next_backoff(), Some(Duration::from_secs(1)));
/// ```
#[derive(Clone, Debug)]
pub struct ExportedBackoff {
    backoff: Arc<dyn Backoff>,
    jitter: Arc<dyn Jitter>,
    attempts: u32,
}

impl ExportedBackoff {
    /// Starts the schedule at its beginning.
    pub fn new(backoff: impl Into<BackoffArg>, jitter: Arc<dyn Jitter>) -> Self {
        Self {
            backoff: backoff.into().into_inner(),
            jitter,
            attempts: 0,
        }
    }
}

impl Theirs for ExportedBackoff {
    fn reset(&mut self) {
        self.attempts = 0;
    }

    fn next_backoff(&mut self) -> Option<Duration> {
        self.attempts = self.attempts.saturating_add(1);
        self.backoff.next_delay(self.attempts, &*self.jitter)
    }
}

#[cfg(test)]
mod tests {
    use ::backoff::ExponentialBackoffBuilder;

    use super::*;
    use crate::retry::ExponentialBackoff;
    use crate::time::FixedJitter;

    const SECOND: Duration = Duration::from_secs(1);

    /// Two delays, then the end.
    #[derive(Debug, Default)]
    struct Short(u32);

    impl Theirs for Short {
        fn next_backoff(&mut self) -> Option<Duration> {
            self.0 += 1;
            (self.0 <= 2).then(|| self.0 * SECOND)
        }
    }

    #[test]
    fn a_schedule_is_followed_to_its_end_by_every_call() {
        let backoff = ForeignBackoff::new(Short::default);
        let delays = [1, 2, 3, 4, 1].map(|n| backoff.next_delay(n, &FixedJitter::new(0.5)));
        let expected = [Some(SECOND), Some(2 * SECOND), None, None, Some(SECOND)];
        assert_eq!(delays, expected);
    }

    #[test]
    fn the_exponential_one_is_the_same_as_ours() {
        let mut builder = ExponentialBackoffBuilder::new();
        builder
            .with_initial_interval(SECOND)
            .with_multiplier(2.0)
            .with_randomization_factor(0.0)
            .with_max_interval(30 * SECOND);
        let theirs = ForeignBackoff::new(move || builder.build());
        let ours = ExponentialBackoff::tinker_calls();
        let jitter = FixedJitter::new(0.5);
        for attempts in 1..10 {
            let expected = ours.next_delay(attempts, &jitter);
            assert_eq!(theirs.next_delay(attempts, &jitter), expected);
        }
    }

    #[test]
    fn ours_counts_until_it_is_reset() {
        let jitter = Arc::new(FixedJitter::new(0.5));
        let mut backoff = ExportedBackoff::new(ExponentialBackoff::default(), jitter);
        let mut next = || backoff.next_backoff().map(|delay| delay.as_millis());
        assert_eq!([next(), next()], [Some(500), Some(1_000)]);
        backoff.reset();
        assert_eq!(backoff.next_backoff(), Some(SECOND / 2));
    }
}
