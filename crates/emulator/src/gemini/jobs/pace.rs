//! How fast jobs go on the emulator's clock.

use std::time::{Duration, SystemTime};

/// The times a job takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pace {
    /// From its creation until it starts.
    pub(crate) queued: Duration,
    /// For one request of a batch, or one epoch of a tuning.
    pub(crate) step: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            queued: Duration::from_millis(500),
            step: Duration::from_millis(100),
        }
    }
}

impl Pace {
    /// When a job made at `created` starts.
    pub(crate) fn start(&self, created: SystemTime) -> SystemTime {
        after(created, self.queued)
    }

    /// When it has done `steps` steps.
    pub(crate) fn end_of(&self, created: SystemTime, steps: u64) -> SystemTime {
        let count = u32::try_from(steps).unwrap_or(u32::MAX);
        after(self.start(created), self.step.saturating_mul(count))
    }
}

/// `time` and `duration`; what lies beyond the end of time is far enough away to never come.
pub(crate) fn after(time: SystemTime, duration: Duration) -> SystemTime {
    const FAR: Duration = Duration::from_secs(100 * 365 * 86_400);
    time.checked_add(duration).unwrap_or(time + FAR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_follow_the_queue() {
        let pace = Pace {
            queued: Duration::from_secs(10),
            step: Duration::from_secs(2),
        };
        let created = SystemTime::UNIX_EPOCH;
        assert_eq!(pace.start(created), created + Duration::from_secs(10));
        assert_eq!(pace.end_of(created, 3), created + Duration::from_secs(16));
        let never = Pace {
            queued: Duration::MAX,
            ..pace
        };
        assert!(never.end_of(created, 1) > created + Duration::from_secs(1 << 30));
    }
}
