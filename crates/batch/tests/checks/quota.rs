//! Requests and tokens per minute: what is set aside, and what becomes of it.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use gimmal_batch::testing::{ScriptedStrategy, too_many_requests};
use gimmal_batch::{
    Category, Event, Failure, Hooks, Outcome, RetryConfig, StartupRamp, Strategies, TokenEstimate,
    Usage,
};
use gimmal_client::transport::RateLimits;
use gimmal_client::transport::rate_limit::{AdaptiveConfig, Disposition, PauseConfig};
use tokio::time::Instant;

use crate::support::{
    Ear, at_once, busy, categories, items, millis, number, run, run_with, seconds,
};

fn tokens(per_minute: u64) -> RateLimits {
    RateLimits::default().with_tokens_per_minute(NonZeroU64::new(per_minute).unwrap())
}

fn requests(per_minute: u64) -> RateLimits {
    RateLimits::default().with_requests_per_minute(NonZeroU64::new(per_minute).unwrap())
}

fn estimate(total: u64) -> Hooks<String, String> {
    Hooks::new().with_token_estimator(move |_| {
        Ok(TokenEstimate {
            input_tokens: total,
            output_tokens: 0,
        })
    })
}

/// Covers: AC-QG-1
#[tokio::test(start_paused = true)]
async fn what_was_saved_up_goes_at_once_and_the_rest_at_the_rate() {
    for (limits, first, pace) in [
        (requests(60), 60, seconds(1)),
        (requests(60).with_burst(seconds(5)).unwrap(), 5, seconds(1)),
    ] {
        let begun = Instant::now();
        let strategy = ScriptedStrategy::echo();
        let processor = at_once(100).with_rate_limits(limits);
        let (results, _) = run(processor, Arc::new(strategy), items(first + 3)).await;
        let waits: Vec<Duration> = results.iter().map(|result| result.latency).collect();
        assert!(waits[..first].iter().all(Duration::is_zero));
        assert_eq!(waits[first..], [pace, 2 * pace, 3 * pace]);
        assert_eq!(begun.elapsed(), 3 * pace);
    }
}

/// Covers: AC-QG-4
/// Covers: AC-TK-3
#[tokio::test(start_paused = true)]
async fn every_reservation_is_settled_by_what_was_used() {
    let ear = Ear::new();
    let strategy = ScriptedStrategy::new(|input, _, _| match input {
        "0" => Ok(Outcome::new(String::new(), Usage::of(100, 0), 1)),
        "1" => Ok(Outcome::new(String::new(), Usage::of(40, 0), 1)),
        "2" => Ok(Outcome::new(String::new(), Usage::of(150, 0), 1)),
        "3" => Err(Failure::new(Category::ClientError, "no usage")),
        _ => Ok(Outcome::new(String::new(), Usage::default(), 1)),
    });
    let processor = at_once(1)
        .with_rate_limits(tokens(10_000))
        .with_observer(Arc::clone(&ear) as _);
    let (_, ended) = run_with(processor, Arc::new(strategy), items(5), estimate(100)).await;
    let settled: Vec<_> = ear
        .all()
        .into_iter()
        .filter_map(|(_, event)| match event {
            Event::QuotaReconciled {
                disposition,
                reported_tokens,
                ..
            } => Some((disposition, reported_tokens)),
            _ => None,
        })
        .collect();
    assert_eq!(
        settled,
        [
            (Disposition::Exact, Some(100)),
            (Disposition::Refunded, Some(40)),
            (Disposition::Debt, Some(150)),
            (Disposition::RetainedUnknown, None),
            (Disposition::Refunded, Some(0)),
        ]
    );
    let quota = ended.stats.quota;
    assert_eq!((quota.admitted, quota.reserved_tokens), (5, 500));
    assert_eq!((quota.reported_tokens, quota.refunded_tokens), (290, 160));
    assert_eq!(quota.underestimated_tokens, 50);
    assert_eq!((quota.unknown_usage, quota.known_zero_usage), (1, 1));
}

/// Covers: AC-QG-5
#[tokio::test(start_paused = true)]
async fn more_than_was_saved_up_is_borrowed_from_those_who_come_later() {
    let limits = tokens(60_000).with_burst(seconds(5)).unwrap();
    let hooks = Hooks::new().with_token_estimator(|input: &String| {
        Ok(TokenEstimate {
            input_tokens: if input == "0" { 20_000 } else { 5_000 },
            output_tokens: 0,
        })
    });
    let strategy = ScriptedStrategy::new(|input, _, _| {
        let used = if input == "0" { 20_000 } else { 5_000 };
        Ok(Outcome::new(String::new(), Usage::of(used, 0), 1))
    });
    let processor = at_once(1).with_rate_limits(limits);
    let (results, _) = run_with(processor, Arc::new(strategy), items(2), hooks).await;
    assert_eq!(results[0].latency, seconds(0));
    assert_eq!(results[1].latency, seconds(20));
}

/// Covers: AC-QG-7
/// Covers: LLMCallStrategy.estimate_tokens
#[tokio::test(start_paused = true)]
async fn a_call_that_times_out_keeps_its_estimate_and_one_that_never_began_gives_it_back() {
    let strategy = ScriptedStrategy::echo().with_latency(seconds(60));
    let processor = at_once(1)
        .with_rate_limits(tokens(1_000))
        .with_retry(RetryConfig::never())
        .with_attempt_timeout(seconds(1));
    let (results, ended) = run_with(processor, Arc::new(strategy), items(1), estimate(100)).await;
    assert_eq!(categories(&results), [Some(Category::FrameworkTimeout)]);
    assert_eq!(ended.stats.quota.unknown_usage, 1);
    assert_eq!(ended.stats.quota.refunded_tokens, 0);

    // The second item waits for a place until its deadline; what it had set aside goes back.
    let strategy = ScriptedStrategy::echo().with_latency(seconds(10));
    let processor = at_once(2)
        .with_rate_limits(tokens(200).with_burst(seconds(60)).unwrap())
        .with_max_in_flight(number(1))
        .with_item_timeout(seconds(5));
    let (_, ended) = run_with(processor, Arc::new(strategy), items(2), estimate(100)).await;
    assert_eq!(ended.stats.quota.admitted, 2);
    assert_eq!(ended.stats.quota.unknown_usage, 1, "the one that was sent");
}

/// Covers: AC-PI-2
#[tokio::test(start_paused = true)]
async fn a_pause_that_begins_before_the_call_goes_first_and_costs_no_attempt() {
    // One call in flight at a time: the second item waits for the place with its tokens set aside
    // when the first is refused.
    let strategy = ScriptedStrategy::echo()
        .with_latency(seconds(1))
        .with_schedule([Some(too_many_requests())]);
    let pause = PauseConfig::default().with_first(seconds(30));
    let processor = at_once(2)
        .with_rate_limits(tokens(1_000))
        .with_max_in_flight(number(1))
        .with_pause(pause);
    let (results, ended) = run_with(
        processor,
        Arc::new(strategy.clone()),
        items(2),
        estimate(100),
    )
    .await;
    assert_eq!(strategy.calls(), 3);
    let second = results.iter().find(|result| result.id == "1").unwrap();
    assert_eq!(second.attempts.len(), 1, "its only try");
    assert_eq!(second.attempts[0].attempt, 1);
    assert!(second.outcome.is_ok());
    assert_eq!(second.waited(|timing| timing.cooldown_wait), seconds(30));
    // Set aside four times, made three calls.
    assert_eq!(ended.stats.quota.admitted, 4);
}

#[tokio::test(start_paused = true)]
async fn an_item_without_a_fair_estimate_fails_before_anything_is_sent() {
    let strategy = ScriptedStrategy::echo();
    let cases: [(u64, Category); 2] = [
        (2_000, Category::TokenEstimateExceedsLimit),
        (0, Category::TokenEstimationError),
    ];
    for (total, category) in cases {
        let processor = at_once(1).with_rate_limits(tokens(1_000));
        let hooks = estimate(total);
        let (results, ended) =
            run_with(processor, Arc::new(strategy.clone()), items(1), hooks).await;
        assert_eq!(categories(&results), [Some(category)]);
        assert_eq!(ended.stats.quota.estimation_failures, 1);
    }
    assert_eq!(strategy.calls(), 0);
}

/// Covers: AC-CP-1
/// Covers: LLMCallStrategy.max_concurrency
/// Covers: LLMCallStrategy.concurrency_scope
#[tokio::test(start_paused = true)]
async fn no_more_calls_are_in_flight_than_the_strategies_of_a_scope_bear() {
    let strategy = ScriptedStrategy::echo()
        .with_latency(seconds(1))
        .with_scope("account")
        .with_max_concurrency(number(3));
    let strategies =
        Strategies::new(Arc::new(strategy.clone())).with("other", Arc::new(strategy.clone()));
    let mut work = items(20);
    for item in work.iter_mut().step_by(2) {
        *item = item.clone().with_strategy("other");
    }
    let begun = Instant::now();
    run(at_once(10), strategies, work).await;
    assert_eq!(strategy.most_in_flight(), 3);
    assert_eq!(begun.elapsed(), seconds(7), "twenty calls, three at a time");
}

/// Covers: AC-CP-2
#[tokio::test(start_paused = true)]
async fn a_ramp_holds_calls_back_at_the_beginning() {
    let begun = Instant::now();
    let strategy = ScriptedStrategy::echo().with_latency(seconds(100));
    let ramp = StartupRamp::new(number(2), number(3), seconds(1));
    let processor = at_once(10).with_startup_ramp(ramp);
    let ear = Ear::new();
    let processor = processor.with_observer(Arc::clone(&ear) as _);
    run(processor, Arc::new(strategy), items(10)).await;
    let admitted: Vec<u64> = ear
        .all()
        .iter()
        .filter(|(_, event)| event.name() == "item_admitted")
        .map(|(at, _)| (*at - begun).as_secs())
        .collect();
    assert_eq!(admitted, [0, 0, 1, 1, 1, 2, 2, 2, 3, 3]);
}

/// Covers: AC-CP-3
#[tokio::test(start_paused = true)]
async fn waiting_for_a_place_takes_nothing_from_the_time_of_the_call() {
    let strategy = || {
        let strategy = ScriptedStrategy::echo().with_latency(seconds(50));
        Arc::new(strategy.with_max_concurrency(number(1)))
    };
    let processor = || at_once(2).with_attempt_timeout(seconds(60));
    let (results, _) = run(processor(), strategy(), items(2)).await;
    assert!(results.iter().all(|result| result.outcome.is_ok()));
    assert_eq!(
        results[1].waited(|timing| timing.admission_wait),
        seconds(50)
    );

    let processor = processor().with_item_timeout(seconds(55));
    let (results, _) = run(processor, strategy(), items(2)).await;
    let late = &results[1];
    assert_eq!(
        late.category(),
        Some(&Category::FrameworkTotalItemTimeout),
        "it had a place for 5 s only"
    );
}

/// Covers: AC-CP-4
#[tokio::test(start_paused = true)]
async fn places_are_given_in_the_order_in_which_they_were_asked_for() {
    let strategy = ScriptedStrategy::echo()
        .with_latency(millis(10))
        .with_max_concurrency(number(1));
    let (results, _) = run(at_once(100), Arc::new(strategy), items(100)).await;
    assert!(
        results
            .iter()
            .map(|result| result.submission_index)
            .eq(0..100)
    );
}

/// Covers: AC-CP-5
#[tokio::test(start_paused = true)]
async fn the_number_of_calls_in_flight_finds_its_own_value() {
    use std::sync::atomic::{AtomicU64, Ordering};

    /// Refuses what is more than twelve at once.
    #[derive(Debug, Default)]
    struct Twelve {
        in_flight: AtomicU64,
        refused: AtomicU64,
        calls: AtomicU64,
        /// When it had settled.
        settled: std::sync::Mutex<Option<Instant>>,
    }
    impl gimmal_batch::CallStrategy for Twelve {
        type Input = String;
        type Output = String;
        fn execute<'a>(
            &'a self,
            input: &'a String,
            _attempt: &'a mut gimmal_batch::Attempt,
        ) -> futures_util::future::BoxFuture<'a, Result<Outcome<String>, Failure>> {
            Box::pin(async move {
                let now = self.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
                let settled = self.calls.fetch_add(1, Ordering::SeqCst) >= 500;
                if settled {
                    let mut since = self.settled.lock().unwrap();
                    since.get_or_insert_with(Instant::now);
                }
                // A refusal comes back sooner than an answer.
                tokio::time::sleep(if now > 12 { millis(50) } else { millis(500) }).await;
                self.in_flight.fetch_sub(1, Ordering::SeqCst);
                if now > 12 {
                    self.refused.fetch_add(u64::from(settled), Ordering::SeqCst);
                    return Err(busy_for_now());
                }
                Ok(Outcome::new(input.clone(), Usage::default(), 1))
            })
        }
    }
    fn busy_for_now() -> Failure {
        Failure::new(Category::ServerOverload, "too many at once")
    }

    let strategy = Arc::new(Twelve::default());
    let retry = RetryConfig::new().with_max_attempts(number(100));
    let adaptive = AdaptiveConfig::up_to(number(100));
    let processor = at_once(100)
        .with_retry(retry)
        .with_adaptive_concurrency(adaptive);
    let (results, _) = run(processor, Arc::clone(&strategy), items(3_000)).await;
    assert!(results.iter().all(|result| result.outcome.is_ok()));
    let calls = strategy.calls.load(Ordering::SeqCst) - 500;
    let refused = strategy.refused.load(Ordering::SeqCst);
    assert!(refused * 20 < calls, "{refused} of {calls} were refused");
    // Every answer took half a second.
    let since = strategy.settled.lock().unwrap().unwrap();
    let mean = (calls - refused) as f64 * 0.5 / since.elapsed().as_secs_f64();
    assert!((8.0..=12.0).contains(&mean), "{mean} in flight");
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_is_no_congestion_leaves_the_adaptive_limit_alone() {
    let strategy = ScriptedStrategy::echo().with_schedule([Some(busy())]);
    let processor = at_once(1).with_adaptive_concurrency(AdaptiveConfig::default());
    let (results, _) = run(processor, Arc::new(strategy), items(1)).await;
    assert!(results[0].outcome.is_ok());
}
