//! The Gemini strategy against the emulator: one cache, one error for a wrong key, a true bill.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use gimmal_batch::strategies::{Answer, GeminiStrategy};
use gimmal_batch::{Category, Processor, Run, RunError, WorkItem};
use gimmal_client::gemini::GeminiClient;
use gimmal_client::gemini::planner::{PlanHint, Planner, Prefix};
use gimmal_client::types::gemini::Content;
use gimmal_emulator::{Emulator, Route};
use tokio::time::timeout;

const MODEL: &str = "gemini-2.5-flash";
const ITEMS: usize = 40;

fn handbook() -> String {
    (0..600)
        .map(|i| {
            format!(
                "Machine number {i} is kept in hall {} and painted in colour {}. ",
                i % 7,
                i % 11
            )
        })
        .collect()
}

async fn start(emulator: &Emulator, key: &str) -> Result<(Run<Answer>, Planner), RunError> {
    let client = GeminiClient::builder()
        .with_api_key(key)
        .with_base_url(emulator.base_url())
        .build()
        .unwrap();
    let planner = Planner::builder(&client).build();
    let prefix = Prefix {
        contents: vec![Content::user(handbook())],
        ..Prefix::default()
    };
    let hint = PlanHint::new()
        .with_expected_reads(ITEMS as u64)
        .with_expected_duration(Duration::from_secs(60));
    let strategy = GeminiStrategy::builder(&client, &planner, MODEL)
        .with_shared_context(prefix)
        .with_hint(hint)
        .build()
        .unwrap();
    let items = (0..ITEMS).map(|i| {
        WorkItem::new(
            format!("q{i}"),
            format!("In which hall is machine number {i} kept?"),
        )
    });
    let run = Processor::new().start(Arc::new(strategy), stream::iter(items.collect::<Vec<_>>()));
    let run = timeout(Duration::from_secs(60), run)
        .await
        .expect("preparing hangs")?;
    Ok((run, planner))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_context_is_cached_once_and_the_cache_is_deleted() {
    let emulator = Emulator::builder().start().await.unwrap();
    let (mut run, planner) = start(&emulator, "k").await.unwrap();
    let (mut prompt, mut cached) = (0, 0);
    while let Some(result) = timeout(Duration::from_secs(60), run.next()).await.unwrap() {
        let outcome = result.outcome.unwrap();
        let hall = format!("machine number {} is kept in hall", &result.id[1..]);
        assert!(
            outcome.output.text.to_lowercase().contains(&hall),
            "{}",
            outcome.output.text
        );
        prompt += outcome.usage.prompt_tokens;
        cached += outcome.usage.cached_tokens;
    }
    run.finish().await.unwrap();
    let stats = planner.stats();
    assert_eq!(
        (stats.created, stats.retired, stats.lease_hits),
        (1, 1, ITEMS as u64)
    );
    assert_eq!(
        (stats.prompt_tokens, stats.cached_tokens_read),
        (prompt, cached)
    );
    assert!(
        cached * 10 > prompt * 8,
        "{cached} of {prompt} tokens were cached"
    );
    assert_eq!(emulator.journal().count(Route::CreateCachedContent), 1);
    assert_eq!(emulator.journal().count(Route::DeleteCachedContent), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_key_is_one_error_for_the_run() {
    let emulator = Emulator::builder()
        .with_api_key("right")
        .start()
        .await
        .unwrap();
    let error = start(&emulator, "wrong").await.unwrap_err();
    assert_eq!(error.failure.category, Category::Authentication);
    assert!(error.to_string().contains("API key not valid"), "{error}");
    assert!(!error.to_string().contains("wrong"), "{error}");
    assert_eq!(emulator.journal().count(Route::GenerateContent), 0);
}
