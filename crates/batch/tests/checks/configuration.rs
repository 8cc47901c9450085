//! Settings at their limits: one that is refused and one that is just right, for each.

use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream;
use gimmal_batch::testing::ScriptedStrategy;
use gimmal_batch::{Budget, Category, Hooks, Processor, RetryConfig, StartupRamp, TokenEstimate};
use gimmal_client::transport::RateLimits;
use gimmal_client::transport::rate_limit::{AdaptiveConfig, PauseConfig, SlowStart};

use crate::support::{at_once, items, millis, number, run, seconds};

/// What a run says of its settings; `None` when it takes them.
async fn refusal(processor: Processor, hooks: Hooks<String, String>) -> Option<String> {
    let strategy = ScriptedStrategy::echo();
    let work = stream::iter(items(1));
    let started = processor.start_with(Arc::new(strategy.clone()), work, hooks);
    match started.await {
        Ok(run) => {
            assert_eq!(run.finish().await.unwrap().stats.succeeded, 1);
            None
        }
        Err(error) => {
            assert_eq!(error.failure.category, Category::LogicError);
            assert_eq!(strategy.prepared(), 0, "before anything is done");
            Some(error.to_string())
        }
    }
}

/// Covers: AC-CF-1
#[tokio::test(start_paused = true)]
async fn settings_under_which_nothing_is_done_are_refused_by_name() {
    let least = Duration::from_nanos(1);
    let ramp = |initial, interval| StartupRamp::new(number(initial), number(1), interval);
    let set = Processor::new;
    for (bad, good, field) in [
        (
            set().with_attempt_timeout(Duration::ZERO),
            set().with_attempt_timeout(least),
            "attempt_timeout",
        ),
        (
            set().with_item_timeout(Duration::ZERO),
            set().with_item_timeout(millis(1)),
            "item_timeout",
        ),
        (
            set().with_batch_timeout(Duration::ZERO),
            set().with_batch_timeout(millis(1)),
            "batch_timeout",
        ),
        (
            set().with_startup_ramp(ramp(1, Duration::ZERO)),
            set().with_startup_ramp(ramp(1, least)),
            "startup_ramp.interval",
        ),
        (
            set()
                .with_max_in_flight(number(2))
                .with_startup_ramp(ramp(3, seconds(1))),
            set()
                .with_max_in_flight(number(2))
                .with_startup_ramp(ramp(2, seconds(1))),
            "startup_ramp.initial",
        ),
        (
            set().with_abort_on([Category::from(" ")]),
            set().with_abort_on([Category::from("x")]),
            "abort_on",
        ),
        (
            set().with_budget(Budget::new().with_max_tokens(0)),
            set().with_budget(Budget::new().with_max_tokens(1)),
            "budget.max_tokens",
        ),
        (
            set().with_budget(Budget::new().with_max_cost(0.0, |_| 0.0)),
            set().with_budget(Budget::new().with_max_cost(f64::MIN_POSITIVE, |_| 0.0)),
            "budget.max_cost",
        ),
        (
            set().with_budget(Budget::new().with_max_cost(f64::NAN, |_| 0.0)),
            set().with_budget(Budget::new().with_max_cost(f64::MAX, |_| 0.0)),
            "budget.max_cost",
        ),
    ] {
        let said = refusal(bad, Hooks::new()).await.expect(field);
        assert!(said.starts_with(&format!("{field}: ")), "{said}");
        assert_eq!(refusal(good, Hooks::new()).await, None, "{field}");
    }
    let hooks = |timeout| Hooks::new().with_post_processor_timeout(timeout);
    let said = refusal(set(), hooks(Duration::ZERO)).await.unwrap();
    assert!(said.starts_with("post_processor_timeout: "), "{said}");
    assert_eq!(refusal(set(), hooks(least)).await, None);
}

/// Covers: AC-CF-1
#[test]
fn figures_that_make_no_sense_are_refused_where_they_are_set() {
    // What must be at least one cannot be anything else.
    assert!(NonZeroUsize::new(0).is_none() && NonZeroU32::new(0).is_none());
    let limits = RateLimits::default().with_requests_per_minute(NonZeroU64::MIN);
    assert!(limits.with_burst(Duration::from_nanos(1)).is_ok());

    let retry = RetryConfig::new();
    assert!(retry.with_waits(Duration::ZERO, seconds(1)).is_err());
    assert!(retry.with_waits(seconds(2), seconds(1)).is_err());
    assert!(retry.with_waits(seconds(1), seconds(1)).is_ok());
    assert!(retry.with_base(0.999).is_err() && retry.with_base(f64::NAN).is_err());
    assert!(retry.with_base(1.0).is_ok());
    assert_eq!(
        retry
            .with_max_attempts(NonZeroU32::MIN)
            .max_attempts()
            .get(),
        1
    );

    // Slow at first and faster then, or the same; no items is none at all.
    assert!(SlowStart::new(50, millis(99), millis(100)).is_err());
    assert!(SlowStart::new(50, millis(100), millis(100)).is_ok());
    assert!(SlowStart::new(0, millis(100), millis(100)).is_ok());
    let _ = (
        PauseConfig::default(),
        AdaptiveConfig::up_to(NonZeroU32::MIN),
    );
}

/// Covers: AC-CF-1
#[tokio::test(start_paused = true)]
async fn the_least_of_everything_still_works() {
    let strategy = ScriptedStrategy::echo();
    let pause = PauseConfig::default().with_first(Duration::ZERO);
    let retry = RetryConfig::new()
        .with_max_attempts(NonZeroU32::MIN)
        .with_max_rate_limit_retries(0);
    let processor = at_once(1)
        .with_workers(NonZeroUsize::MIN)
        .with_max_in_flight(NonZeroU32::MIN)
        .with_read_ahead(0)
        .with_retry(retry)
        .with_pause(pause)
        .with_adaptive_concurrency(AdaptiveConfig::up_to(NonZeroU32::MIN))
        .with_rate_limits(RateLimits::default().with_requests_per_minute(NonZeroU64::MIN));
    let (results, _) = run(processor, Arc::new(strategy), items(2)).await;
    assert!(results.iter().all(|result| result.outcome.is_ok()));

    // An estimate of one token is one, and of none is a mistake.
    for (tokens, expected) in [(1, None), (0, Some(Category::TokenEstimationError))] {
        let limits = RateLimits::default().with_tokens_per_minute(NonZeroU64::MIN);
        let hooks = Hooks::new().with_token_estimator(move |_| {
            Ok(TokenEstimate {
                input_tokens: tokens,
                output_tokens: 0,
            })
        });
        let processor = at_once(1).with_rate_limits(limits);
        let strategy = Arc::new(ScriptedStrategy::echo());
        let (results, _) = crate::support::run_with(processor, strategy, items(1), hooks).await;
        assert_eq!(results[0].category(), expected.as_ref());
    }
}
