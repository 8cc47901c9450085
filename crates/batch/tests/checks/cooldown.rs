//! The pause that all items of a scope make together, and how they set off after it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use gimmal_batch::testing::{ScriptedStrategy, too_many_requests};
use gimmal_batch::{Event, Outcome, Processor, Strategies, Usage};
use gimmal_client::transport::rate_limit::{PauseConfig, SlowStart};
use tokio::time::Instant;

use crate::support::{Ear, at_once, items, millis, run, seconds};

/// Pauses of the reference: 300 s, then 450 s, 600 s at most.
fn long_pause() -> PauseConfig {
    PauseConfig::default()
        .with_first(seconds(300))
        .with_longest(seconds(600))
}

fn pauses(ear: &Ear) -> Vec<Duration> {
    let all = ear.all().into_iter();
    all.filter_map(|(_, event)| match event {
        Event::CooldownStarted { duration, .. } => Some(duration),
        _ => None,
    })
    .collect()
}

fn listened(processor: Processor) -> (Processor, Arc<Ear>) {
    let ear = Ear::new();
    (processor.with_observer(Arc::clone(&ear) as _), ear)
}

/// Covers: AC-CD-1
#[tokio::test(start_paused = true)]
async fn fifty_refusals_at_once_are_one_pause() {
    let strategy = ScriptedStrategy::echo()
        .with_latency(seconds(1))
        .with_schedule((0..50).map(|_| Some(too_many_requests())));
    let (processor, ear) = listened(at_once(50).with_pause(long_pause()));
    let (results, ended) = run(processor, Arc::new(strategy.clone()), items(50)).await;
    assert!(results.iter().all(|result| result.outcome.is_ok()));
    assert_eq!(strategy.calls(), 100);
    assert_eq!(ear.count("rate_limit_hit"), 50);
    assert_eq!(pauses(&ear), [seconds(300)]);
    assert_eq!(ear.count("cooldown_ended"), 1);
    assert_eq!(ended.stats.rate_limited, 50);
    for result in &results {
        let waited = result.waited(|timing| timing.cooldown_wait);
        assert_eq!(waited, seconds(300));
    }
}

/// Covers: AC-CD-2
#[tokio::test(start_paused = true)]
async fn a_refusal_from_before_the_pause_begins_no_other() {
    let slow = Slow(ScriptedStrategy::echo());
    let (processor, ear) = listened(
        at_once(2)
            .with_pause(long_pause())
            .with_attempt_timeout(None),
    );
    let (results, _) = run(processor, Arc::new(slow), items(2)).await;
    assert!(results.iter().all(|result| result.outcome.is_ok()));
    assert_eq!(pauses(&ear).len(), 1);
}

/// Refuses the item "0" soon, and the item "1" long after the pause that follows.
#[derive(Debug)]
struct Slow(ScriptedStrategy);

impl gimmal_batch::CallStrategy for Slow {
    type Input = String;
    type Output = String;

    fn execute<'a>(
        &'a self,
        input: &'a String,
        attempt: &'a mut gimmal_batch::Attempt,
    ) -> futures_util::future::BoxFuture<'a, Result<Outcome<String>, gimmal_batch::Failure>> {
        Box::pin(async move {
            if input == "1" && attempt.try_number == 1 {
                tokio::time::sleep(seconds(310)).await;
                return Err(too_many_requests());
            }
            if input == "0" && attempt.try_number == 1 {
                tokio::time::sleep(seconds(1)).await;
                return Err(too_many_requests());
            }
            self.0.execute(input, attempt).await
        })
    }

    fn classifier(&self) -> Arc<dyn gimmal_batch::Classifier> {
        Arc::new(gimmal_batch::DefaultClassifier)
    }
}

/// Covers: AC-CD-3
#[tokio::test(start_paused = true)]
async fn a_second_burst_without_success_pauses_longer() {
    let refused = || Some(too_many_requests());
    let strategy = ScriptedStrategy::echo().with_schedule([refused(), refused(), None, refused()]);
    let (processor, ear) = listened(at_once(1).with_pause(long_pause()));
    run(processor, Arc::new(strategy), items(2)).await;
    assert_eq!(pauses(&ear), [seconds(300), seconds(450), seconds(300)]);
}

/// Covers: AC-CD-4
#[tokio::test(start_paused = true)]
async fn the_services_own_figure_counts_when_it_is_longer_and_within_reason() {
    for (hint, expected) in [(500, 500), (100, 300), (10_000, 600)] {
        let refused = too_many_requests().with_retry_after(seconds(hint));
        let strategy = ScriptedStrategy::echo().with_schedule([Some(refused)]);
        let (processor, ear) = listened(at_once(1).with_pause(long_pause()));
        run(processor, Arc::new(strategy), items(1)).await;
        assert_eq!(pauses(&ear), [seconds(expected)]);
    }
}

/// Covers: AC-CD-5
#[tokio::test(start_paused = true)]
async fn the_pause_outlives_the_item_that_caused_it() {
    let begun = Instant::now();
    let strategy = ScriptedStrategy::echo().with_schedule([Some(too_many_requests())]);
    let processor = at_once(1)
        .with_pause(long_pause())
        .with_item_timeout(seconds(200));
    let (results, _) = run(processor, Arc::new(strategy.clone()), items(2)).await;
    // The first gives up after 200 s, the second waits for the 100 s that are left.
    assert!(results[0].outcome.is_err() && results[1].outcome.is_ok());
    assert_eq!(begun.elapsed(), seconds(300));
    assert_eq!(strategy.calls(), 2);
}

/// Covers: AC-CD-6
/// Covers: LLMCallStrategy.quota_scope
#[tokio::test(start_paused = true)]
async fn another_scope_goes_on() {
    let paused = ScriptedStrategy::echo().with_schedule([Some(too_many_requests())]);
    let other = ScriptedStrategy::echo();
    let strategies = Strategies::new(Arc::new(paused)).with("other", Arc::new(other));
    let mut work = items(4);
    for item in &mut work[2..] {
        *item = item.clone().with_strategy("other");
    }
    let (results, _) = run(at_once(4).with_pause(long_pause()), strategies, work).await;
    for result in &results {
        let expected = if result.submission_index < 2 { 300 } else { 0 };
        assert_eq!(result.latency, seconds(expected), "{}", result.id);
    }

    // Two strategies of one account pause together.
    let refused = ScriptedStrategy::echo().with_scope("account");
    let refused = refused.with_schedule([Some(too_many_requests())]);
    let quick = ScriptedStrategy::echo().with_scope("account");
    let strategies = Strategies::new(Arc::new(refused)).with("other", Arc::new(quick));
    let mut work = items(2);
    work[1] = work[1].clone().with_strategy("other");
    let (results, _) = run(at_once(1).with_pause(long_pause()), strategies, work).await;
    assert_eq!(results[1].latency, seconds(0), "the pause is over by then");
    assert_eq!(results[0].latency, seconds(300));
}

/// Covers: AC-CD-7
/// Covers: AC-CD-8
#[tokio::test(start_paused = true)]
async fn two_hundred_workers_set_off_one_after_the_other() {
    let starts = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&starts);
    let strategy = ScriptedStrategy::new(move |input, _, call| {
        noted.lock().unwrap().push(Instant::now());
        match call {
            0 => Err(too_many_requests()),
            _ => Ok(Outcome::new(input.to_owned(), Usage::default(), 1)),
        }
    })
    .with_latency(millis(1));
    let ramp = SlowStart::new(50, seconds(2), millis(100)).unwrap();
    let pause = long_pause().with_slow_start(ramp);
    let begun = Instant::now() + millis(1);
    run(
        at_once(200).with_pause(pause),
        Arc::new(strategy),
        items(400),
    )
    .await;
    let starts = starts.lock().unwrap();
    // Before the first refusal nothing is paced.
    assert!(starts[..200].iter().all(|start| *start == begun));
    let resumed = begun + seconds(300);
    let mut due = resumed;
    let after: Vec<_> = starts
        .iter()
        .filter(|start| **start > begun + seconds(1))
        .collect();
    for (k, start) in after.iter().take(50).enumerate() {
        due += ramp.gap(u32::try_from(k).unwrap()).unwrap();
        assert!(**start >= due, "start {k}");
    }
    for pair in after[..50].windows(2) {
        assert!(*pair[1] - *pair[0] >= millis(100));
    }
}
