//! Whether to try the store at all: after some failures in a row it is left alone for a while, then
//! one probe decides. It is told the time and does nothing by itself.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::lock;

/// The longest time without a probe.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What an operation may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admit {
    /// Go on.
    Try,
    /// Do not try, but somebody has to probe: the caller does.
    Probe,
    /// Do not try.
    Reject,
}

#[derive(Debug)]
pub(super) struct Breaker {
    threshold: u32,
    first_pause: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    Closed { failures: u32 },
    Open { until: Instant, pause: Duration },
    Probing { pause: Duration },
}

impl Breaker {
    pub(super) fn new(threshold: u32, first_pause: Duration) -> Self {
        Self {
            threshold,
            first_pause,
            state: Mutex::new(State::Closed { failures: 0 }),
        }
    }

    pub(super) fn admit(&self, now: Instant) -> Admit {
        let mut state = lock(&self.state);
        match *state {
            State::Closed { .. } => Admit::Try,
            State::Open { until, pause } if now >= until => {
                *state = State::Probing { pause };
                Admit::Probe
            }
            _ => Admit::Reject,
        }
    }

    /// An operation or the probe worked.
    pub(super) fn succeed(&self) {
        *lock(&self.state) = State::Closed { failures: 0 };
    }

    /// An operation or the probe failed; true if that opens the breaker.
    pub(super) fn fail(&self, now: Instant) -> bool {
        let mut state = lock(&self.state);
        let pause = match &mut *state {
            State::Closed { failures } => {
                *failures += 1;
                if *failures < self.threshold {
                    return false;
                }
                self.first_pause
            }
            State::Probing { pause } => (*pause * 2).min(LONGEST_PAUSE),
            // One that began before it opened.
            State::Open { .. } => return false,
        };
        let until = now + pause;
        *state = State::Open { until, pause };
        true
    }

    pub(super) fn is_closed(&self) -> bool {
        matches!(*lock(&self.state), State::Closed { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_after_failures_in_a_row_and_probes_once_a_pause() {
        let second = Duration::from_secs(1);
        let breaker = Breaker::new(3, second);
        let start = Instant::now();
        breaker.fail(start);
        breaker.fail(start);
        breaker.succeed();
        assert!(!breaker.fail(start) && !breaker.fail(start));
        assert_eq!(breaker.admit(start), Admit::Try);
        assert!(breaker.fail(start));
        assert!(!breaker.is_closed());
        assert_eq!(breaker.admit(start), Admit::Reject);

        let mut now = start + second;
        for pause in [2, 4, 8, 16, 30, 30] {
            assert_eq!(breaker.admit(now), Admit::Probe);
            assert_eq!(breaker.admit(now), Admit::Reject, "one probe at a time");
            breaker.fail(now);
            now += second * (pause - 1);
            assert_eq!(breaker.admit(now), Admit::Reject);
            now += second;
        }
        assert_eq!(breaker.admit(now), Admit::Probe);
        breaker.succeed();
        assert_eq!(breaker.admit(now), Admit::Try);
    }
}
