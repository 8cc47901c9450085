//! The time limit of an attempt. What is waited for under it is the pipeline's affair.

use std::future::Future;
use std::time::{Duration, Instant};

use crate::error::{Error, TimeoutKind};
use crate::receive::Due;
use crate::time::{Clock, Elapsed, until};

/// The time limit of an attempt: its own or the call's deadline, whichever comes first.
pub(crate) struct Limit(Option<(Instant, TimeoutKind, Duration)>);

impl Limit {
    /// Given the attempt's own limit and its name.
    pub(crate) fn of(due: &Due, own: Option<(TimeoutKind, Duration)>) -> Self {
        let own = own.and_then(|(kind, limit)| {
            let at = due.attempt_started.checked_add(limit)?;
            Some((at, kind, limit))
        });
        let Self(deadline) = Self::of_call(due.deadline);
        Self(own.into_iter().chain(deadline).min_by_key(|(at, ..)| *at))
    }

    /// The call's deadline alone.
    pub(crate) fn of_call(deadline: Option<(Instant, Duration)>) -> Self {
        Self(deadline.map(|(at, limit)| (at, TimeoutKind::Deadline, limit)))
    }

    /// When it passes.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.0.map(|(at, ..)| at)
    }

    /// Fails when it has passed.
    pub(crate) fn check(&self, clock: &dyn Clock) -> Result<(), Error> {
        match self.0 {
            Some((at, kind, limit)) if at <= clock.now() => Err(Error::timeout(kind, limit)),
            _ => Ok(()),
        }
    }

    /// Waits for `future`, which is pinned already, as long as the limit allows.
    pub(crate) async fn hold<F: Future + Unpin>(
        &self,
        clock: &dyn Clock,
        future: F,
    ) -> Result<F::Output, Error> {
        let held = until(clock, self.due(), future).await;
        held.map_err(|Elapsed| {
            let (_, kind, limit) = self.0.unwrap_or_else(|| unreachable!("no limit, no lapse"));
            Error::timeout(kind, limit)
        })
    }
}
