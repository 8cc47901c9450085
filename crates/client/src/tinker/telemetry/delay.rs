//! How long to wait before a batch is sent again.

use std::time::Duration;

use gimmal_transport::Jitter;

/// The wait after failure number `attempt`, counted from 0: `base` doubled as often, and up to a
/// tenth of that on top, in whole milliseconds, of which there is at least one.
///
/// ```
/// use std::time::Duration;
/// use gimmal_client::tinker::telemetry::resend_delay;
/// use gimmal_client::transport::FixedJitter;
///
/// let least = resend_delay(2, Duration::from_secs(1), &FixedJitter::new(0.0));
/// assert_eq!(least, Duration::from_millis(4_001));
/// ```
pub fn resend_delay(attempt: u32, base: Duration, jitter: &dyn Jitter) -> Duration {
    let doubled = base.saturating_mul(1 << attempt.min(20));
    let most = (doubled.as_secs_f64() * 100.0).round().max(1.0);
    let extra = 1.0 + (jitter.fraction() * most).floor().min(most - 1.0);
    doubled.saturating_add(Duration::from_secs_f64(extra / 1_000.0))
}

#[cfg(test)]
mod tests {
    use gimmal_transport::FixedJitter;
    use test_case::test_case;

    use super::*;

    /// Covers: CHK-BO-1
    #[test_case(0, 1_000, 1_001, 1_100)]
    #[test_case(1, 1_000, 2_001, 2_200)]
    #[test_case(2, 1_000, 4_001, 4_400)]
    #[test_case(0, 2, 3, 3; "a tiny base")]
    fn chk_bo_1(attempt: u32, base: u64, least: u128, most: u128) {
        let delay = |chance| {
            let jitter = FixedJitter::new(chance);
            resend_delay(attempt, Duration::from_millis(base), &jitter).as_millis()
        };
        assert_eq!((delay(0.0), delay(1.0)), (least, most));
    }
}
