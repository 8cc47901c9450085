//! How often an item is tried, and with what waits.

use std::sync::{Arc, Mutex};

use gimmal_batch::testing::{ScriptedStrategy, too_many_requests};
use gimmal_batch::{
    Category, Classifier, Failure, GeminiErrorClassifier, Outcome, RetryConfig, Usage,
};
use gimmal_client::transport::rate_limit::PauseConfig;
use tokio::time::Instant;

use crate::support::{at_once, busy, categories, items, number, run, seconds};

/// Covers: AC-ST-6
/// Covers: AC-RT-3
#[tokio::test(start_paused = true)]
async fn a_refusal_for_the_rate_repeats_the_attempt() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let script = Arc::clone(&seen);
    let strategy = ScriptedStrategy::new(move |input, attempt, call| {
        let tries = &mut *script.lock().unwrap();
        tries.push((attempt.number, attempt.try_number));
        match call {
            0 | 2 => Err(too_many_requests()),
            1 => Err(busy()),
            _ => Ok(Outcome::new(input.to_owned(), Usage::default(), 1)),
        }
    });
    let (results, _) = run(at_once(1), Arc::new(strategy), items(1)).await;
    assert!(results[0].outcome.is_ok());
    assert_eq!(*seen.lock().unwrap(), [(1, 1), (1, 2), (2, 3), (2, 4)]);

    let refusals = [
        Some(too_many_requests()),
        Some(too_many_requests()),
        Some(too_many_requests()),
    ];
    let strategy =
        ScriptedStrategy::echo().with_schedule(refusals.into_iter().chain([Some(busy())]));
    let processor = at_once(1).with_retry(RetryConfig::new().with_max_attempts(number(2)));
    let (results, _) = run(processor, Arc::new(strategy), items(1)).await;
    let attempts: Vec<_> = results[0]
        .attempts
        .iter()
        .map(|timing| timing.attempt)
        .collect();
    assert_eq!(attempts, [1, 1, 1, 1, 2]);
    assert!(results[0].outcome.is_ok());
}

/// Covers: AC-RT-4
#[tokio::test(start_paused = true)]
async fn without_patience_the_first_refusal_is_final_and_the_others_pause_all_the_same() {
    let strategy = ScriptedStrategy::echo().with_schedule([Some(too_many_requests())]);
    let retry = RetryConfig::new().with_max_rate_limit_retries(0);
    let pause = PauseConfig::default().with_first(seconds(300));
    let processor = at_once(1).with_retry(retry).with_pause(pause);
    let (results, _) = run(processor, Arc::new(strategy.clone()), items(2)).await;
    assert_eq!(
        categories(&results),
        [Some(Category::RateLimitRetriesExceeded), None]
    );
    assert_eq!(results[0].latency, seconds(0));
    assert_eq!(results[0].attempts.len(), 1);
    assert_eq!(results[1].latency, seconds(300));
    assert_eq!(strategy.calls(), 2);
}

/// Covers: AC-RT-5
#[tokio::test(start_paused = true)]
async fn a_bad_output_is_asked_for_again_at_once_and_the_classifier_decides() {
    let begun = Instant::now();
    let bad = Failure::new(Category::ValidationError, "not a number");
    let strategy = ScriptedStrategy::echo().with_schedule([Some(bad.clone()), Some(bad)]);
    let (results, _) = run(at_once(1), Arc::new(strategy), items(1)).await;
    assert_eq!(results[0].attempts.len(), 3);
    assert_eq!(begun.elapsed(), seconds(0));

    #[derive(Debug)]
    struct Final;
    impl Classifier for Final {
        fn classify(&self, _failure: &Failure) -> Category {
            Category::ClientError
        }
    }
    let strategy = ScriptedStrategy::echo()
        .with_schedule([Some(busy())])
        .with_classifier(Final);
    let (results, _) = run(at_once(1), Arc::new(strategy), items(1)).await;
    assert_eq!(categories(&results), [Some(Category::ClientError)]);
    assert_eq!(results[0].attempts.len(), 1);
}

/// Covers: AC-RT-6
#[tokio::test(start_paused = true)]
async fn a_wait_that_would_outlast_the_deadline_is_not_begun() {
    let retry = RetryConfig::new()
        .with_waits(seconds(8), seconds(60))
        .unwrap();
    let strategy = ScriptedStrategy::echo()
        .with_latency(seconds(1))
        .with_schedule([Some(busy())]);
    let processor = at_once(1)
        .with_retry(retry.without_jitter())
        .with_item_timeout(seconds(5));
    let (results, _) = run(processor, Arc::new(strategy), items(1)).await;
    assert_eq!(
        categories(&results),
        [Some(Category::FrameworkTotalItemTimeout)]
    );
    assert_eq!(results[0].latency, seconds(1));
    let failure = results[0].outcome.as_ref().unwrap_err();
    assert!(failure.message.contains("busy"), "{failure}");
}

/// Covers: AC-ER-6
#[tokio::test(start_paused = true)]
async fn a_classifier_that_panics_fails_its_items_and_nothing_else() {
    #[derive(Debug)]
    struct Broken;
    impl Classifier for Broken {
        fn classify(&self, _failure: &Failure) -> Category {
            panic!("out of order")
        }
    }
    let strategy = ScriptedStrategy::echo()
        .with_schedule([Some(busy()), Some(busy())])
        .with_classifier(Broken);
    let (results, _) = run(at_once(1), Arc::new(strategy), items(3)).await;
    let broken = Some(Category::ClassifierError);
    assert_eq!(categories(&results), [broken.clone(), broken, None]);
}

/// Covers: AC-ER-3
#[test]
fn a_mistake_of_the_program_stays_one_whatever_its_text_says() {
    let failure = Failure::new(Category::LogicError, "429 too many");
    for classifier in [
        &GeminiErrorClassifier as &dyn Classifier,
        &gimmal_batch::DefaultClassifier,
        &gimmal_batch::TinkerErrorClassifier,
    ] {
        assert_eq!(classifier.classify(&failure), Category::LogicError);
    }
}
