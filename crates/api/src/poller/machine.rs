//! When to ask and when to give up, as a state machine without I/O: it is told the time and what
//! happened, and says what to do next.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gimmal_transport::{Error, Jitter, TimeoutKind};

use super::errors::{PollErrorPolicy, PollErrors, TolerateOutages};
use super::pacing::{ExponentialPacing, Pacing};

/// The last question before the deadline begins this long before it, so that its answer counts.
const LAST_QUESTION: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) pacing: Arc<dyn Pacing>,
    pub(crate) errors: Arc<dyn PollErrorPolicy>,
    /// How long to wait in all.
    pub(crate) patience: Option<Duration>,
    started: Option<Instant>,
    asked: u32,
    failed_in_a_row: u32,
}

/// What to do next.
#[derive(Debug)]
pub(crate) enum Next {
    /// Ask again after this wait.
    Wait(Duration),
    /// It takes too long.
    Late(Error),
}

impl Machine {
    pub(crate) fn new(patience: Option<Duration>, pacing: ExponentialPacing) -> Self {
        Self {
            pacing: Arc::new(pacing),
            errors: Arc::new(TolerateOutages::default()),
            patience,
            started: None,
            asked: 0,
            failed_in_a_row: 0,
        }
    }

    /// A question goes out now; how long it may take.
    pub(crate) fn ask(&mut self, now: Instant) -> Option<Duration> {
        self.asked = self.asked.saturating_add(1);
        self.left(now)
    }

    /// The work goes on.
    pub(crate) fn running(&mut self, now: Instant, jitter: &dyn Jitter) -> Next {
        self.failed_in_a_row = 0;
        self.next(now, jitter, Duration::ZERO)
    }

    /// The question failed; the error when the waiting ends with it.
    pub(crate) fn failed(
        &mut self,
        error: &Error,
        now: Instant,
        jitter: &dyn Jitter,
    ) -> Option<Next> {
        self.failed_in_a_row = self.failed_in_a_row.saturating_add(1);
        let in_a_row = NonZeroU32::new(self.failed_in_a_row).unwrap_or(NonZeroU32::MIN);
        let errors = PollErrors::new(in_a_row, self.elapsed(now));
        self.errors
            .tolerates(&errors, error)
            .then(|| self.next(now, jitter, error.retry_after().unwrap_or_default()))
    }

    fn next(&mut self, now: Instant, jitter: &dyn Jitter, hint: Duration) -> Next {
        let wait = self.pacing.wait(self.asked.max(1), jitter).max(hint);
        let Some((left, patience)) = self.left(now).zip(self.patience) else {
            return Next::Wait(wait);
        };
        match left.checked_sub(LAST_QUESTION) {
            // A question before the server's time would be refused.
            Some(room) if !room.is_zero() && hint <= room => Next::Wait(wait.min(room)),
            _ => Next::Late(Error::timeout(TimeoutKind::Deadline, patience)),
        }
    }

    /// The time left; the clock starts with the first look at it.
    fn left(&mut self, now: Instant) -> Option<Duration> {
        let elapsed = self.elapsed(now);
        Some(self.patience?.saturating_sub(elapsed))
    }

    fn elapsed(&mut self, now: Instant) -> Duration {
        now.saturating_duration_since(*self.started.get_or_insert(now))
    }
}

#[cfg(test)]
mod tests {
    use gimmal_transport::Persistence;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const LOW: Lowest = Lowest;

    #[derive(Debug)]
    struct Lowest;

    impl Jitter for Lowest {
        fn fraction(&self) -> f64 {
            0.0
        }
    }

    fn patient(patience: Option<Duration>) -> Machine {
        Machine::new(patience, ExponentialPacing::default())
    }

    fn wait(next: Next) -> Duration {
        match next {
            Next::Wait(wait) => wait,
            Next::Late(error) => panic!("{error}"),
        }
    }

    #[test]
    fn the_last_question_comes_before_the_deadline() {
        let mut machine = patient(Some(10 * SECOND));
        machine.pacing = Arc::new(ExponentialPacing::every(8 * SECOND));
        let start = Instant::now();
        assert_eq!(machine.ask(start), Some(10 * SECOND));
        assert_eq!(wait(machine.running(start, &LOW)), 4 * SECOND);
        let now = start + 6 * SECOND;
        assert_eq!(machine.ask(now), Some(4 * SECOND));
        assert_eq!(wait(machine.running(now, &LOW)), 3 * SECOND, "cut to 9 s");
        let now = start + 9 * SECOND;
        assert_eq!(machine.ask(now), Some(SECOND));
        let Next::Late(error) = machine.running(now, &LOW) else {
            panic!("there is no time for another question");
        };
        assert_eq!(error.timeout_kind(), Some(TimeoutKind::Deadline));
    }

    #[test]
    fn failures_are_counted_in_a_row() {
        let mut machine = patient(None);
        machine.errors = Arc::new(TolerateOutages::up_to(NonZeroU32::MIN));
        let now = Instant::now();
        let outage = || Error::connect("refused");
        assert!(machine.failed(&outage(), now, &LOW).is_some());
        assert!(machine.failed(&outage(), now, &LOW).is_none());
        let _ = machine.running(now, &LOW);
        assert!(machine.failed(&outage(), now, &LOW).is_some());
        let lasting = outage().with_persistence(Persistence::Permanent);
        assert!(machine.failed(&lasting, now, &LOW).is_none());
    }

    #[test]
    fn the_servers_wish_is_kept() {
        let mut machine = patient(Some(60 * SECOND));
        let now = Instant::now();
        machine.ask(now);
        let busy = Error::connect("busy").with_retry_after(30 * SECOND);
        assert_eq!(wait(machine.failed(&busy, now, &LOW).unwrap()), 30 * SECOND);
        let busy = Error::connect("busy").with_retry_after(90 * SECOND);
        let next = machine.failed(&busy, now, &LOW).unwrap();
        assert!(matches!(next, Next::Late(_)), "{next:?}");
    }

    #[test]
    fn without_a_deadline_it_never_ends() {
        let mut machine = patient(None);
        let start = Instant::now();
        assert_eq!(machine.ask(start), None);
        let next = machine.running(start + 1_000_000 * SECOND, &LOW);
        assert!(matches!(next, Next::Wait(_)));
    }
}
