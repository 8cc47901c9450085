//! Whether, how often and from where a lost run is recovered.

use std::num::NonZeroU32;
use std::time::Duration;

use serde_json::Value;

const ATTEMPTS: NonZeroU32 = NonZeroU32::new(3).unwrap();
const BACKOFF: Duration = Duration::from_secs(5);
const MAX_BACKOFF: Duration = Duration::from_secs(60);
const POLL_INTERVAL: Duration = Duration::from_secs(30);

/// Which checkpoint a run goes on from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum CheckpointStrategy {
    /// The last one.
    #[default]
    Latest,
    /// The best one. Nothing says which that is, so recovery fails.
    Best,
    /// This one, whatever else there is.
    Specific(String),
}

/// Whether, how often and from where a lost run is recovered.
///
/// ```
/// use std::time::Duration;
/// use gimmal_client::tinker::recovery::RecoveryPolicy;
///
/// let policy = RecoveryPolicy::enabled().with_backoff(Duration::from_secs(10));
/// assert_eq!(policy.wait_after(3), Duration::from_secs(40));
/// assert_eq!(policy.wait_after(9), Duration::from_secs(60));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct RecoveryPolicy {
    is_enabled: bool,
    max_attempts: NonZeroU32,
    backoff: Duration,
    max_backoff: Duration,
    poll_interval: Duration,
    strategy: CheckpointStrategy,
    restore_optimizer: bool,
}

impl Default for RecoveryPolicy {
    /// No recovery.
    fn default() -> Self {
        Self {
            is_enabled: false,
            max_attempts: ATTEMPTS,
            backoff: BACKOFF,
            max_backoff: MAX_BACKOFF,
            poll_interval: POLL_INTERVAL,
            strategy: CheckpointStrategy::default(),
            restore_optimizer: true,
        }
    }
}

impl RecoveryPolicy {
    /// Recovery with three attempts, from the last checkpoint with its optimiser.
    pub fn enabled() -> Self {
        Self {
            is_enabled: true,
            ..Self::default()
        }
    }

    /// The policy in a configuration file: `enabled`, `max_attempts`, `backoff_ms`,
    /// `max_backoff_ms`, `poll_interval_ms`, `checkpoint_strategy` (`latest`, `best` or
    /// `{"specific": path}`) and `restore_optimizer`. What is missing or makes no sense is as by
    /// default.
    pub fn from_json(config: &Value) -> Self {
        let usual = Self::default();
        let number = |name: &str| config.get(name)?.as_u64().filter(|number| *number > 0);
        let millis = |name, usual| number(name).map_or(usual, Duration::from_millis);
        let flag = |name: &str, usual| config.get(name).and_then(Value::as_bool).unwrap_or(usual);
        let attempts = number("max_attempts").and_then(|number| u32::try_from(number).ok());
        let strategy = config.get("checkpoint_strategy");
        let specific = strategy.and_then(|strategy| strategy.get("specific")?.as_str());
        let word = strategy.and_then(Value::as_str).unwrap_or_default();
        Self {
            is_enabled: flag("enabled", usual.is_enabled),
            max_attempts: attempts.and_then(NonZeroU32::new).unwrap_or(ATTEMPTS),
            backoff: millis("backoff_ms", BACKOFF),
            max_backoff: millis("max_backoff_ms", MAX_BACKOFF),
            poll_interval: millis("poll_interval_ms", POLL_INTERVAL),
            strategy: match specific {
                Some(path) => CheckpointStrategy::Specific(path.to_owned()),
                None if word.eq_ignore_ascii_case("best") => CheckpointStrategy::Best,
                None => CheckpointStrategy::Latest,
            },
            restore_optimizer: flag("restore_optimizer", usual.restore_optimizer),
        }
    }

    /// Sets how often recovery is tried; 3 times by default.
    pub fn with_max_attempts(mut self, attempts: NonZeroU32) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// Sets the wait after the first failure, which doubles each time; 5 s by default.
    pub fn with_backoff(mut self, backoff: Duration) -> Self {
        self.backoff = backoff;
        self
    }

    /// Sets the longest wait; 60 s by default.
    pub fn with_max_backoff(mut self, backoff: Duration) -> Self {
        self.max_backoff = backoff;
        self
    }

    /// Sets how often a monitor asks whether its runs still live; every 30 s by default.
    pub fn with_poll_interval(mut self, interval: Duration) -> Self {
        self.poll_interval = interval;
        self
    }

    /// Sets which checkpoint a run goes on from; the last one by default.
    pub fn with_strategy(mut self, strategy: CheckpointStrategy) -> Self {
        self.strategy = strategy;
        self
    }

    /// Sets whether the optimiser goes on too; it does by default.
    pub fn with_restore_optimizer(mut self, restore: bool) -> Self {
        self.restore_optimizer = restore;
        self
    }

    /// Whether anything is recovered.
    pub fn is_enabled(&self) -> bool {
        self.is_enabled
    }

    /// How often recovery is tried.
    pub fn max_attempts(&self) -> NonZeroU32 {
        self.max_attempts
    }

    /// How often a monitor asks.
    pub fn poll_interval(&self) -> Duration {
        self.poll_interval
    }

    /// Which checkpoint a run goes on from.
    pub fn strategy(&self) -> &CheckpointStrategy {
        &self.strategy
    }

    /// Whether the optimiser goes on too.
    pub fn restores_optimizer(&self) -> bool {
        self.restore_optimizer
    }

    /// How long to wait after a failed attempt, the first of which is 1: the backoff, doubled with
    /// each attempt before, up to the longest wait.
    pub fn wait_after(&self, attempt: u32) -> Duration {
        let doublings = attempt.saturating_sub(1);
        let factor = 2_u32.checked_pow(doublings).unwrap_or(u32::MAX);
        self.backoff.saturating_mul(factor).min(self.max_backoff)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Covers: CHK-REC-3
    #[test]
    fn chk_rec_3_the_waits_double_up_to_a_minute() {
        let policy = RecoveryPolicy::enabled();
        let waits = (1..=5).map(|attempt| policy.wait_after(attempt).as_secs());
        assert_eq!(waits.collect::<Vec<_>>(), [5, 10, 20, 40, 60]);
        assert_eq!(policy.wait_after(u32::MAX), MAX_BACKOFF);
    }

    #[test]
    fn what_makes_no_sense_is_as_by_default() {
        let read = RecoveryPolicy::from_json(&json!({
            "enabled": "yes", "max_attempts": 0, "backoff_ms": -1, "max_backoff_ms": "x",
            "checkpoint_strategy": 7, "restore_optimizer": null, "unknown": 1,
        }));
        assert_eq!(read, RecoveryPolicy::default());
        assert_eq!(
            RecoveryPolicy::from_json(&json!(null)),
            RecoveryPolicy::default()
        );
        let read = RecoveryPolicy::from_json(&json!({
            "enabled": true, "max_attempts": 5, "backoff_ms": 100, "poll_interval_ms": 200,
            "checkpoint_strategy": {"specific": "tinker://r/weights/c"},
            "restore_optimizer": false,
        }));
        let path = CheckpointStrategy::Specific("tinker://r/weights/c".to_owned());
        let expected = RecoveryPolicy::enabled()
            .with_max_attempts(NonZeroU32::new(5).unwrap())
            .with_backoff(Duration::from_millis(100))
            .with_poll_interval(Duration::from_millis(200))
            .with_strategy(path)
            .with_restore_optimizer(false);
        assert_eq!(read, expected);
        let best = RecoveryPolicy::from_json(&json!({"checkpoint_strategy": "BEST"}));
        assert_eq!(best.strategy(), &CheckpointStrategy::Best);
    }
}
