//! Replies kept by a response cache: a prompt that was answered before costs nothing.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, future, stream};
use gimmal_batch::output::OutputRecord;
use gimmal_batch::strategies::{Answer, GeminiStrategy};
use gimmal_batch::{Processor, ReplyCache, Totals, WorkItem, WorkItemResult};
use gimmal_cache::{AiCache, MemoryCache};
use gimmal_client::gemini::planner::{ModelTable, PlanHint, Planner, Prefix};
use gimmal_client::gemini::{Function, GeminiClient};
use gimmal_client::types::gemini::{Content, FunctionDeclaration};
use gimmal_emulator::{Emulator, Route};
use serde_json::{Map, Value, json};
use tokio::time::timeout;

const MODEL: &str = "gemini-2.5-flash";

fn replies() -> Arc<ReplyCache<MemoryCache>> {
    Arc::new(ReplyCache::new(AiCache::new(MemoryCache::new(1_000))))
}

fn client(emulator: &Emulator) -> GeminiClient {
    GeminiClient::builder()
        .with_api_key("k")
        .with_base_url(emulator.base_url())
        .with_response_store(replies())
        .build()
        .unwrap()
}

fn sent(emulator: &Emulator) -> usize {
    emulator.journal().count(Route::GenerateContent)
}

#[tokio::test]
async fn what_was_answered_is_not_sent_again() {
    let emulator = Emulator::builder().start().await.unwrap();
    let client = client(&emulator);
    let ask = |text: &str| {
        let call = client.models().generate_content(MODEL);
        call.set_contents([text]).send()
    };
    let first = ask("What is a gimmal?").await.unwrap();
    let second = ask("What is a gimmal?").await.unwrap();
    assert_eq!(sent(&emulator), 1);
    assert_eq!((first.attempts(), second.attempts()), (1, 0));
    assert!(second.headers().is_empty() && !first.headers().is_empty());
    assert_eq!(first.body(), second.body(), "with the original counts");
    assert!(second.body().usage_metadata.is_some());

    // Another question, another model and an extra body are something else.
    ask("What is a hoop?").await.unwrap();
    let full = client.models().generate_content(format!("models/{MODEL}"));
    let full = full.set_contents(["What is a gimmal?"]).send().await;
    assert_eq!(
        full.unwrap().attempts(),
        0,
        "the same model by its full name"
    );
    let other = client.models().generate_content("gemini-2.5-pro");
    other
        .set_contents(["What is a gimmal?"])
        .send()
        .await
        .unwrap();
    assert_eq!(sent(&emulator), 3);
    let extra = Map::from_iter([("generationConfig".to_owned(), json!({"seed": 7}))]);
    let options = gimmal_client::CallOptions::new().with_extra_body(extra);
    let call = client
        .models()
        .generate_content(MODEL)
        .with_options(options);
    let reply = call.set_contents(["What is a gimmal?"]).send().await;
    assert_eq!(reply.unwrap().attempts(), 1);
}

#[tokio::test]
async fn a_thousand_equal_calls_at_once_are_one_request() {
    let emulator = Emulator::builder()
        .with_latency(Duration::from_millis(200))
        .start()
        .await
        .unwrap();
    let client = client(&emulator);
    let calls = (0..1_000).map(|_| {
        let call = client.models().generate_content(MODEL);
        call.set_contents(["What is a gimmal?"]).send()
    });
    let replies = future::try_join_all(calls).await.unwrap();
    assert_eq!(sent(&emulator), 1);
    let wire = replies.iter().filter(|reply| reply.attempts() > 0).count();
    assert_eq!(wire, 1, "the others joined");
}

#[tokio::test]
async fn failures_and_cut_replies_are_not_kept() {
    let emulator = Emulator::builder().start().await.unwrap();
    let client = client(&emulator);
    for _ in 0..2 {
        let call = client.models().generate_content("no-such-model");
        assert!(call.set_contents(["Why?"]).send().await.is_err());
    }
    assert_eq!(sent(&emulator), 2);
    for _ in 0..2 {
        let settings = serde_json::from_value(json!({"maxOutputTokens": 1})).unwrap();
        let call = client.models().generate_content(MODEL);
        let call = call.set_contents(["Tell me of hoops."]);
        let reply = call.set_generation_config(settings).send().await.unwrap();
        assert_eq!(reply.attempts(), 1);
    }
}

#[tokio::test]
async fn calls_with_tools_go_past_the_cache() {
    let emulator = Emulator::builder().start().await.unwrap();
    let client = client(&emulator);
    for _ in 0..2 {
        let declaration = FunctionDeclaration::new().set_name("now");
        let now = Function::new(declaration, |_: Map<String, Value>| async {
            Ok::<_, String>("noon")
        });
        let call = client.models().generate_content(MODEL);
        let call = call.set_contents(["Hello"]).with_functions([now]);
        assert!(call.send().await.unwrap().attempts() > 0);
    }
}

#[tokio::test]
async fn w1_a_stream_is_recorded_and_replayed() {
    let emulator = Emulator::builder().start().await.unwrap();
    let client = client(&emulator);
    let mut told = Vec::new();
    for attempts in [1, 0, 0] {
        let call = client.models().generate_content(MODEL);
        let stream = call.set_contents(["Tell me of gimmals."]).stream().await;
        let stream = stream.unwrap();
        assert_eq!(stream.attempts(), attempts);
        told.push(stream.try_collect::<Vec<_>>().await.unwrap());
    }
    assert!(!told[0].is_empty());
    assert_eq!(told[0], told[1]);
    assert_eq!(told[0], told[2]);
    assert_eq!(emulator.journal().count(Route::StreamGenerateContent), 1);

    // A stream that could not be opened is an error at once, and not kept.
    for _ in 0..2 {
        let call = client.models().generate_content("no-such-model");
        assert!(call.set_contents(["Why?"]).stream().await.is_err());
    }
    assert_eq!(emulator.journal().count(Route::StreamGenerateContent), 3);
}

async fn run(client: &GeminiClient, planner: &Planner) -> Vec<WorkItemResult<Answer>> {
    let prefix = Prefix {
        contents: vec![Content::user(
            "All gimmals are rings of two hoops. ".repeat(1_200),
        )],
        ..Prefix::default()
    };
    let strategy = GeminiStrategy::builder(client, planner, MODEL)
        .with_shared_context(prefix)
        .with_hint(PlanHint::new().with_expected_reads(20))
        .build()
        .unwrap();
    let items = (0..20).map(|i| WorkItem::new(format!("q{i}"), format!("What of ring {i}?")));
    let items = stream::iter(items.collect::<Vec<_>>());
    let mut run = Processor::new()
        .start(Arc::new(strategy), items)
        .await
        .unwrap();
    let mut results = Vec::new();
    while let Some(result) = timeout(Duration::from_secs(60), run.next()).await.unwrap() {
        results.push(result);
    }
    run.finish().await.unwrap();
    results
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_was_done_before_costs_nothing() {
    let emulator = Emulator::builder().start().await.unwrap();
    let client = client(&emulator);
    let first = Planner::builder(&client).build();
    let answered = run(&client, &first).await;
    assert_eq!((sent(&emulator), first.stats().created), (20, 1));

    let second = Planner::builder(&client).build();
    let kept = run(&client, &second).await;
    assert_eq!(sent(&emulator), 20, "nothing was sent");
    assert!(second.stats().plans.is_empty(), "and nothing planned");

    let table = ModelTable::default();
    let facts = table.find(MODEL);
    let mut totals = Totals::default();
    for (before, after) in answered.into_iter().zip(kept) {
        let before = before.outcome.unwrap();
        let record = OutputRecord::from(after.map_context(|()| Map::new()));
        assert_eq!(record.text, Some(before.output.text));
        assert_eq!(record.saved, Some(before.usage));
        assert_eq!((record.attempts, record.usage.total_tokens), (0, 0));
        totals.add(&record, facts);
    }
    assert_eq!((totals.items, totals.kept, totals.attempts), (20, 20, 0));
    assert_eq!(totals.bill.total_usd(), 0.0);
    assert!(totals.saved.total_tokens > 0 && totals.saved_usd > 0.0);
}
