//! What is logged of a run.

use std::sync::Arc;

use gimmal_batch::testing::ScriptedStrategy;
use gimmal_batch::{Category, Failure, Hooks, Outcome, RetryConfig, Usage, WorkItem};
use tracing::Level;

use crate::support::{Log, at_once, items, run, run_with, seconds};

fn refused(message: &str) -> Failure {
    Failure::new(Category::ClientError, message).with_status(400)
}

/// Covers: AC-LG-1
#[tokio::test(start_paused = true)]
async fn what_fails_alike_is_an_error_once_and_counted_at_the_end() {
    let (log, _listening) = Log::listen(Level::INFO);
    let strategy = ScriptedStrategy::new(|_, _, _| Err(refused("the ring does not open")));
    run(at_once(4), Arc::new(strategy), items(40)).await;
    assert_eq!(log.count("ERROR"), 2, "{}", log.text());
    assert_eq!(log.count("an item failed"), 1, "{}", log.text());
    let sum = "40 × client_error: the ring does not open";
    assert_eq!(log.count(sum), 1, "{}", log.text());

    // Without an error at the end when nothing failed twice; and one look closer tells all.
    let (log, _listening) = Log::listen(Level::DEBUG);
    let strategy = ScriptedStrategy::echo().with_schedule([Some(refused("no"))]);
    run(at_once(1), Arc::new(strategy), items(2)).await;
    assert_eq!(log.count("ERROR"), 1, "{}", log.text());
    let (log, _listening) = Log::listen(Level::DEBUG);
    let strategy = ScriptedStrategy::new(|_, _, _| Err(refused("no")));
    run(at_once(1), Arc::new(strategy), items(5)).await;
    assert_eq!(log.count("an item failed"), 5, "{}", log.text());
}

/// Covers: AC-LG-2
#[tokio::test(start_paused = true)]
async fn sorts_of_failures_beyond_a_thousand_are_always_told() {
    let (log, _listening) = Log::listen(Level::INFO);
    // A thousand and one sorts, all of them three times.
    let strategy = ScriptedStrategy::new(|_, _, call| {
        let sort = call % 1_001;
        Err(refused(&format!("ring {sort} does not open")))
    });
    run(at_once(1), Arc::new(strategy), items(3 * 1_001)).await;
    assert_eq!(log.count("an item failed"), 1_000 + 3);
    assert_eq!(log.count("ring 1000 does not open"), 3);
    assert_eq!(
        log.count("ring 999 does not open"),
        2,
        "once, and in the sum"
    );
    assert_eq!(log.count("items failed alike"), 1);

    // Two messages that differ far from their beginning are one sort.
    let (log, _listening) = Log::listen(Level::INFO);
    let long = "o".repeat(200);
    let strategy =
        ScriptedStrategy::new(move |input, _, _| Err(refused(&format!("{long}{input}"))));
    run(at_once(1), Arc::new(strategy), items(2)).await;
    assert_eq!(log.count("an item failed"), 1);
}

/// Covers: AC-LG-3
#[tokio::test(start_paused = true)]
async fn neither_prompts_nor_outputs_are_logged() {
    let (log, _listening) = Log::listen(Level::INFO);
    let folder = tempfile::tempdir().unwrap();
    let journal = gimmal_batch::journal::Journal::builder("run", "inputs");
    let journal = journal.open(folder.path().join("journal")).unwrap();
    let strategy = ScriptedStrategy::new(|_, attempt, call| match call % 5 {
        0 => Err(Failure::new(
            Category::ValidationError,
            "the answer is not JSON: invalid type: string \"a confidential output\"",
        )),
        1 => Err(gimmal_batch::testing::too_many_requests()),
        2 => panic!("over attempt {}", attempt.number),
        3 => Err(Failure::new(Category::ServerError, "busy")),
        _ => Ok(Outcome::new(
            "a confidential output".to_owned(),
            Usage::of(3, 1),
            1,
        )),
    });
    let work = (0..100)
        .map(|i| WorkItem::new(i.to_string(), format!("a confidential prompt {i}")))
        .collect();
    let hooks = Hooks::new()
        .with_store(Arc::new(journal))
        .with_dedup(|prompt: &String| Some(prompt.clone()));
    let processor = at_once(3).with_retry(RetryConfig::new());
    run_with(processor, Arc::new(strategy), work, hooks).await;
    // A deadline tells of the failure before it.
    let strategy = ScriptedStrategy::new(|_, _, _| {
        Err(Failure::new(Category::ValidationError, "confidential"))
    });
    let processor = at_once(1).with_item_timeout(seconds(1));
    let (results, _) = run(processor, Arc::new(strategy), items(1)).await;
    let failure = results[0].outcome.as_ref().unwrap_err();
    assert!(failure.message.contains("confidential"), "{failure}");
    let text = log.text();
    assert!(text.contains("ERROR") && text.contains("WARN"), "{text}");
    assert!(!text.contains("confidential"), "{text}");
}
