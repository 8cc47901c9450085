//! When a paused queue is worth a line in the log, and what the line says.

use std::fmt;
use std::time::{Duration, Instant};

use gimmal_types::tinker::QueueState;

/// Two lines about one queue are at least this far apart unless set otherwise.
const INTERVAL: Duration = Duration::from_secs(60);

/// What a queue is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum QueueUser {
    /// The work of a training client.
    Training,
    /// Samples.
    Sampling,
    /// A model that is being made.
    ModelCreation,
}

impl QueueUser {
    /// The reason of a state: the server's words, or else what the state stands for.
    pub fn reason<'a>(self, state: &QueueState, given: Option<&'a str>) -> &'a str {
        if let Some(given) = given.filter(|given| !given.trim().is_empty()) {
            return given;
        }
        match (state, self) {
            (QueueState::PausedRateLimit, Self::Sampling) => "concurrent sampler weights limit hit",
            (QueueState::PausedRateLimit, _) => "concurrent training clients rate limit hit",
            (QueueState::PausedCapacity, _) => {
                "Tinker backend is running short on capacity, please wait"
            }
            _ => "unknown",
        }
    }
}

impl fmt::Display for QueueUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Training => "Training",
            Self::Sampling => "Sampling",
            Self::ModelCreation => "Model creation",
        })
    }
}

/// Decides which states of one queue are logged.
///
/// ```
/// use std::time::Instant;
/// use gimmal_client::tinker::{QueueStateLogger, QueueUser};
/// use gimmal_client::types::tinker::QueueState;
///
/// let mut logger = QueueStateLogger::new(QueueUser::Training, "m1");
/// let line = logger.line(&QueueState::PausedRateLimit, None, Instant::now());
/// assert_eq!(
///     line.unwrap(),
///     "Training is paused for m1. Reason: concurrent training clients rate limit hit"
/// );
/// ```
///
/// A line comes at once and then once a minute while the queue is not active.
#[derive(Clone, Debug)]
pub struct QueueStateLogger {
    user: QueueUser,
    id: String,
    interval: Duration,
    grace: Duration,
    paused: Option<(QueueState, Instant)>,
    logged: Option<Instant>,
}

impl QueueStateLogger {
    /// A logger of one queue, of which nothing was logged.
    pub fn new(user: QueueUser, id: impl Into<String>) -> Self {
        Self {
            user,
            id: id.into(),
            interval: INTERVAL,
            grace: Duration::ZERO,
            paused: None,
            logged: None,
        }
    }

    /// Logs at most this often; once a minute by default.
    #[must_use]
    pub fn with_interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Logs only states that have lasted this long, nothing by default; the official SDK waits
    /// 15 min.
    #[must_use]
    pub fn with_grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// The line to log about a state, if any.
    pub fn line(
        &mut self,
        state: &QueueState,
        reason: Option<&str>,
        now: Instant,
    ) -> Option<String> {
        if *state == QueueState::Active {
            self.paused = None;
            return None;
        }
        let since = match &self.paused {
            Some((same, since)) if same == state => *since,
            _ => now,
        };
        self.paused = Some((state.clone(), since));
        let lasted = now.saturating_duration_since(since);
        let quiet = self.logged.map(|last| now.saturating_duration_since(last));
        if lasted < self.grace || quiet.is_some_and(|quiet| quiet < self.interval) {
            return None;
        }
        self.logged = Some(now);
        let reason = self.user.reason(state, reason);
        Some(format!(
            "{} is paused for {}. Reason: {reason}",
            self.user, self.id
        ))
    }

    /// Forgets when it logged last, so that the next pause is logged at once.
    pub fn clear(&mut self) {
        (self.paused, self.logged) = (None, None);
    }
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    const RATE: QueueState = QueueState::PausedRateLimit;
    const CAPACITY: QueueState = QueueState::PausedCapacity;

    /// Covers: CHK-QL-1
    #[test_case(
        QueueUser::Sampling,
        RATE,
        None,
        "concurrent sampler weights limit hit"
    )]
    #[test_case(
        QueueUser::Training,
        RATE,
        None,
        "concurrent training clients rate limit hit"
    )]
    #[test_case(
        QueueUser::Training,
        CAPACITY,
        None,
        "Tinker backend is running short on capacity, please wait"
    )]
    #[test_case(QueueUser::Sampling, "martian".into(), None, "unknown")]
    #[test_case(QueueUser::Sampling, CAPACITY, Some("maintenance"), "maintenance")]
    #[test_case(QueueUser::Sampling, RATE, Some(" "), "concurrent sampler weights limit hit"; "blank")]
    fn chk_ql_1_reasons(user: QueueUser, state: QueueState, given: Option<&str>, expected: &str) {
        assert_eq!(user.reason(&state, given), expected);
    }

    /// Covers: CHK-QL-1
    #[test]
    fn chk_ql_1_a_minute_between_two_lines() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut logger = QueueStateLogger::new(QueueUser::Sampling, "s1");
        assert!(logger.line(&RATE, None, at(0)).is_some());
        assert!(logger.line(&CAPACITY, None, at(59_999)).is_none());
        assert!(logger.line(&CAPACITY, None, at(60_000)).is_some());
        assert!(logger.line(&RATE, None, at(60_001)).is_none());
        logger.clear();
        assert!(logger.line(&RATE, None, at(60_002)).is_some());
        let mut other = QueueStateLogger::new(QueueUser::Sampling, "s2");
        assert!(other.line(&RATE, None, at(60_003)).is_some());
    }

    /// Covers: CHK-OBS-1
    #[test]
    fn chk_obs_1_the_line_of_a_training_client() {
        let start = Instant::now();
        let mut logger = QueueStateLogger::new(QueueUser::Training, "m1");
        let line = logger.line(&RATE, None, start).unwrap();
        let expected =
            "Training is paused for m1. Reason: concurrent training clients rate limit hit";
        assert_eq!(line, expected);
        assert!(
            logger
                .line(&RATE, None, start + Duration::from_secs(59))
                .is_none()
        );
        assert!(
            logger
                .line(&QueueState::Active, None, start + Duration::from_secs(70))
                .is_none()
        );
        assert!(
            logger
                .line(&RATE, None, start + Duration::from_secs(71))
                .is_some()
        );
    }

    #[test]
    fn a_grace_is_waited_for_without_a_change() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut logger = QueueStateLogger::new(QueueUser::Training, "m1")
            .with_grace(Duration::from_secs(900))
            .with_interval(Duration::from_secs(30));
        assert!(logger.line(&RATE, None, at(0)).is_none());
        assert!(logger.line(&CAPACITY, None, at(800)).is_none());
        assert!(
            logger.line(&CAPACITY, None, at(1_000)).is_none(),
            "another state"
        );
        assert!(logger.line(&CAPACITY, None, at(1_700)).is_some());
        assert!(logger.line(&CAPACITY, None, at(1_720)).is_none());
        assert!(logger.line(&QueueState::Active, None, at(1_721)).is_none());
        assert!(
            logger.line(&CAPACITY, None, at(1_800)).is_none(),
            "it starts over"
        );
    }
}
