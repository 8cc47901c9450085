//! The schedules and policies of other SDKs by name, for programs that have to behave as those do.
//! Figures only: nothing here knows an endpoint.
//!
//! In all of them `n` counts failures from 0, and `U` is drawn evenly from [0, 1). What they have
//! in common with any other schedule here, and not with those SDKs: the server's hint still counts
//! when it is longer, and a request that is not idempotent is still not repeated.

use std::num::NonZeroU32;
use std::time::Duration;

use http::StatusCode;

use crate::retry::{ExponentialBackoff, StandardRetry};

const SECOND: Duration = Duration::from_secs(1);

/// 10 retries after the first attempt.
const TINKER_ATTEMPTS: NonZeroU32 = NonZeroU32::new(11).unwrap();

/// Statuses from 500 to 599.
fn server_errors() -> impl Iterator<Item = StatusCode> {
    (500..600).filter_map(|status| StatusCode::from_u16(status).ok())
}

fn conflicts_and_server_errors() -> impl Iterator<Item = StatusCode> {
    let others = [
        StatusCode::REQUEST_TIMEOUT,
        StatusCode::CONFLICT,
        StatusCode::TOO_MANY_REQUESTS,
    ];
    others.into_iter().chain(server_errors())
}

impl ExponentialBackoff {
    /// `min(2^n + U, 60)` seconds: `HttpRetryOptions` of google-genai 3.4 with its defaults, which
    /// it hands to tenacity's `wait_exponential_jitter`.
    ///
    /// Its `initial_delay`, `max_delay`, `exp_base` and `jitter` are
    /// [`with_initial`](Self::with_initial), [`with_max`](Self::with_max),
    /// [`with_factor`](Self::with_factor) and [`with_added_jitter`](Self::with_added_jitter).
    pub fn google_genai() -> Self {
        Self::default().with_added_jitter(SECOND)
    }

    /// `min(0.5 * 2^n * (1 - 0.25 U), 8)` seconds: the generated resources of google-genai 3.4
    /// (interactions, agents), which retry without being asked to.
    pub fn google_genai_interactions() -> Self {
        Self::default()
            .with_initial(SECOND / 2)
            .with_max(8 * SECOND)
            .shortened_uncut_by(0.25)
    }

    /// `min(0.5 * 2^n, 10) * (1 - 0.25 U)` seconds: each request of tinker 0.38.
    pub fn tinker() -> Self {
        Self::default()
            .with_initial(SECOND / 2)
            .with_max(10 * SECOND)
            .shortened_by(0.25)
    }

    /// `min(2^n, 30)` seconds: the loop that tinker 0.38 puts around most of its calls, for 300 s
    /// in all; that limit is
    /// [`RetryPolicyExt::with_time_limit`](crate::retry::RetryPolicyExt::with_time_limit).
    pub fn tinker_calls() -> Self {
        Self::default().with_max(30 * SECOND).without_jitter()
    }

    /// `min(d + 0.25 d (2 U - 1), 10)` seconds with `d = min(0.5 * 2^n, 10)`: whole samples in
    /// tinker 0.38, and the retry handler of Tinkex.
    pub fn tinker_sampling() -> Self {
        Self::default()
            .with_initial(SECOND / 2)
            .with_max(10 * SECOND)
            .varied_by(0.25)
    }

    /// `min(2^n, 30)` seconds: how Tinkex polls for a result that is not there yet.
    pub fn tinker_polling() -> Self {
        Self::default().with_max(30 * SECOND).without_jitter()
    }

    /// `min(5 * 2^n, 60)` seconds: how Tinkex restores a training run that was lost.
    pub fn tinker_recovery() -> Self {
        Self::default().with_initial(5 * SECOND).without_jitter()
    }
}

impl StandardRetry {
    /// 5 attempts; 408, 429, 500, 502, 503 and 504: `HttpRetryOptions` of google-genai 3.4 with
    /// its defaults.
    pub fn google_genai() -> Self {
        Self::default()
    }

    /// 5 attempts; 408, 409, 429 and all of 5xx: the generated resources of google-genai 3.4.
    pub fn google_genai_interactions() -> Self {
        Self::default().with_statuses(conflicts_and_server_errors())
    }

    /// 11 attempts; 408, 409, 429 and all of 5xx: each request of tinker 0.38.
    pub fn tinker() -> Self {
        Self::default()
            .with_max_attempts(TINKER_ATTEMPTS)
            .with_statuses(conflicts_and_server_errors())
    }
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;
    use crate::time::{FixedJitter, ThreadRngJitter};

    /// The first delays with the lowest, the middle and nearly the highest draw, in milliseconds.
    fn delays(backoff: ExponentialBackoff) -> [Vec<u128>; 3] {
        [0.0, 0.5, 1.0].map(|chance| {
            let delay = |n| backoff.delay(n, &FixedJitter::new(chance)).as_secs_f64();
            (1..=7)
                .map(|n| (delay(n) * 1_000.0).round() as u128)
                .collect()
        })
    }

    #[test_case(
        ExponentialBackoff::google_genai(),
        [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000],
        [1_500, 2_500, 4_500, 8_500, 16_500, 32_500, 60_000],
        [2_000, 3_000, 5_000, 9_000, 17_000, 33_000, 60_000]; "google genai")]
    #[test_case(
        ExponentialBackoff::google_genai_interactions(),
        [500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000],
        [438, 875, 1_750, 3_500, 7_000, 8_000, 8_000],
        [375, 750, 1_500, 3_000, 6_000, 8_000, 8_000]; "google genai interactions")]
    #[test_case(
        ExponentialBackoff::tinker(),
        [500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000],
        [438, 875, 1_750, 3_500, 7_000, 8_750, 8_750],
        [375, 750, 1_500, 3_000, 6_000, 7_500, 7_500]; "tinker")]
    #[test_case(
        ExponentialBackoff::tinker_calls(),
        [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000],
        [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000],
        [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]; "tinker calls")]
    #[test_case(
        ExponentialBackoff::tinker_sampling(),
        [375, 750, 1_500, 3_000, 6_000, 7_500, 7_500],
        [500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000],
        [625, 1_250, 2_500, 5_000, 10_000, 10_000, 10_000]; "tinker sampling")]
    #[test_case(
        ExponentialBackoff::tinker_polling(),
        [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000],
        [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000],
        [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]; "tinker polling")]
    #[test_case(
        ExponentialBackoff::tinker_recovery(),
        [5_000, 10_000, 20_000, 40_000, 60_000, 60_000, 60_000],
        [5_000, 10_000, 20_000, 40_000, 60_000, 60_000, 60_000],
        [5_000, 10_000, 20_000, 40_000, 60_000, 60_000, 60_000]; "tinker recovery")]
    fn the_schedule_of(
        backoff: ExponentialBackoff,
        lowest: [u128; 7],
        middle: [u128; 7],
        highest: [u128; 7],
    ) {
        assert_eq!(delays(backoff), [lowest, middle, highest].map(Vec::from));
    }

    /// The values that google-genai lets its users change.
    #[test]
    fn the_four_numbers_of_google_genai() {
        let backoff = ExponentialBackoff::google_genai()
            .with_initial(SECOND / 4)
            .with_max(3 * SECOND)
            .with_added_jitter(2 * SECOND)
            .with_factor(3.0)
            .unwrap();
        let delays = [1, 2, 3, 4].map(|n| backoff.delay(n, &FixedJitter::new(0.25)).as_millis());
        assert_eq!(delays, [750, 1_250, 2_750, 3_000]);
    }

    #[test]
    fn chk_hr_1_a_thousand_draws_stay_in_their_range() {
        let backoff = ExponentialBackoff::tinker();
        for (attempts, low, high) in [(1, 375, 500), (11, 7_500, 10_000)] {
            for _ in 0..1_000 {
                let delay = backoff.delay(attempts, &ThreadRngJitter);
                assert!(delay >= Duration::from_millis(low), "{delay:?}");
                assert!(delay <= Duration::from_millis(high), "{delay:?}");
            }
        }
    }

    /// The ranges of a retry handler: base and maximum as given, jitter 0.25 or none.
    #[test]
    fn chk_rh2_1_delays_of_the_handler() {
        let handler = ExponentialBackoff::tinker_sampling();
        let steady = handler.with_max(8 * SECOND).without_jitter();
        let draw = &ThreadRngJitter;
        assert_eq!(
            [1, 2, 3].map(|n| steady.delay(n, draw).as_millis()),
            [500, 1_000, 2_000]
        );
        assert_eq!(steady.with_max(SECOND).delay(11, draw), SECOND);

        let varied = handler.with_initial(SECOND);
        let draws: Vec<_> = (0..100).map(|_| varied.delay(1, draw)).collect();
        let (low, high) = (Duration::from_millis(750), Duration::from_millis(1_250));
        assert!(
            draws.iter().all(|it| (low..=high).contains(it)),
            "{draws:?}"
        );
        assert!(draws.iter().any(|it| it != &draws[0]), "chance has no part");
    }
}
