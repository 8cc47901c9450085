//! What is sent to a Gemini model for each setting, what becomes of replies that are no plain text,
//! and who owns the client.

use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use gimmal_batch::strategies::{Answer, GeminiStrategy};
use gimmal_batch::{Category, Ended, Strategies, Usage, WorkItem, WorkItemResult};
use gimmal_client::gemini::GeminiClient;
use gimmal_client::gemini::planner::{PlanHint, Planner, Prefix};
use gimmal_client::types::gemini::{Content, GenerateContentRequest};
use gimmal_emulator::{Emulator, Route, ScriptedReply};
use serde_json::{Value, json};

use crate::support::at_once;

const MODEL: &str = "gemini-2.5-flash";

struct World {
    emulator: Emulator,
    client: GeminiClient,
    planner: Planner,
}

impl World {
    async fn new() -> Self {
        let emulator = Emulator::builder().start().await.unwrap();
        let client = GeminiClient::builder()
            .with_api_key("k")
            .with_base_url(emulator.base_url())
            .build()
            .unwrap();
        let planner = Planner::builder(&client).build();
        Self {
            emulator,
            client,
            planner,
        }
    }

    fn strategy(&self, prefix: Prefix, settings: Value) -> GeminiStrategy {
        let settings: GenerateContentRequest = serde_json::from_value(settings).unwrap();
        GeminiStrategy::builder(&self.client, &self.planner, MODEL)
            .with_shared_context(prefix)
            .with_settings(settings)
            .build()
            .unwrap()
    }

    /// Sends one prompt; the run tries it once.
    async fn ask(&self, strategies: Strategies<String, Answer>) -> (WorkItemResult<Answer>, Ended) {
        let work = stream::iter([WorkItem::new("a", "Why?".to_owned())]);
        let mut run = at_once(1).start(strategies, work).await.unwrap();
        let result = run.next().await.unwrap();
        (result, run.finish().await.unwrap())
    }
}

/// Covers: AC-PM-1
/// Covers: GeminiModel.generate
/// Covers: LLMModel.generate
/// Covers: ModelStrategy.execute
#[tokio::test]
async fn every_setting_has_its_place_in_the_request() {
    let world = World::new().await;
    let instructed = || Prefix {
        system_instruction: Some(Content::text("Be brief.")),
        ..Prefix::default()
    };
    let shared = || Prefix {
        contents: vec![Content::user("A contract.")],
        ..Prefix::default()
    };
    let prompt = r#"{"contents":[{"parts":[{"text":"Why?"}],"role":"user"}]"#;
    for (prefix, settings, expected) in [
        (Prefix::default(), json!({}), format!("{prompt}}}")),
        (
            Prefix::default(),
            json!({"generationConfig": {"temperature": 0.5}}),
            format!(r#"{prompt},"generationConfig":{{"temperature":0.5}}}}"#),
        ),
        (
            instructed(),
            json!({}),
            format!(r#"{prompt},"systemInstruction":{{"parts":[{{"text":"Be brief."}}]}}}}"#),
        ),
        (
            Prefix::default(),
            json!({"safetySettings": [{
                "category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE",
            }]}),
            format!(
                r#"{prompt},"safetySettings":[{{"category":"HARM_CATEGORY_HARASSMENT","threshold":"BLOCK_NONE"}}]}}"#
            ),
        ),
        (
            instructed(),
            json!({"generationConfig": {
                "temperature": 0.0, "maxOutputTokens": 64,
                "thinkingConfig": {"thinkingBudget": 0},
                "responseMimeType": "application/json",
            }}),
            format!(
                r#"{prompt},"systemInstruction":{{"parts":[{{"text":"Be brief."}}]}},"generationConfig":{{"temperature":0.0,"maxOutputTokens":64,"responseMimeType":"application/json","thinkingConfig":{{"thinkingBudget":0}}}}}}"#
            ),
        ),
        (
            shared(),
            json!({}),
            r#"{"contents":[{"parts":[{"text":"A contract."}],"role":"user"},{"parts":[{"text":"Why?"}],"role":"user"}]}"#
                .to_owned(),
        ),
    ] {
        let strategy = world.strategy(prefix, settings.clone());
        let written = serde_json::to_string(&strategy.request_for("Why?")).unwrap();
        assert_eq!(written, expected, "{settings}");
        world.ask(Arc::new(strategy).into()).await.0.outcome.unwrap();
        let sent = world.emulator.journal().last(Route::GenerateContent).unwrap();
        let expected: Value = serde_json::from_str(&expected).unwrap();
        assert_eq!(sent.body(), Some(&expected), "{settings}");
    }
}

/// Covers: AC-PM-4
#[tokio::test]
async fn a_temperature_is_sent_only_when_it_is_set() {
    let world = World::new().await;
    for (settings, expected) in [
        (json!({}), None),
        (json!({"generationConfig": {"maxOutputTokens": 64}}), None),
        (json!({"generationConfig": {"temperature": 0.0}}), Some(0.0)),
    ] {
        let strategy = world.strategy(Prefix::default(), settings);
        world
            .ask(Arc::new(strategy).into())
            .await
            .0
            .outcome
            .unwrap();
        let sent = world
            .emulator
            .journal()
            .last(Route::GenerateContent)
            .unwrap();
        let temperature = &sent.body().unwrap()["generationConfig"]["temperature"];
        assert_eq!(temperature.as_f64(), expected);
    }
}

/// Covers: AC-PM-2
#[tokio::test]
async fn a_reply_without_text_says_why_and_is_paid_for() {
    let world = World::new().await;
    let candidate = |parts: Value, reason: &str| json!({"candidates": [{"content": {"parts": parts, "role": "model"}, "finishReason": reason}]});
    let rated = json!([
        {"category": "HARM_CATEGORY_HARASSMENT", "probability": "HIGH", "blocked": true},
        {"category": "HARM_CATEGORY_HATE_SPEECH", "probability": "NEGLIGIBLE"},
    ]);
    let called = json!([{"functionCall": {"name": "look_up", "args": {"ring": 7}}}]);
    let (empty, blocked) = (Category::EmptyResponse, Category::ContentBlocked);
    for (mut reply, category, said) in [
        (candidate(json!([]), "STOP"), &empty, "STOP"),
        (candidate(json!([]), "MAX_TOKENS"), &empty, "MAX_TOKENS"),
        (candidate(called, "STOP"), &empty, "calls look_up"),
        (json!({"candidates": []}), &empty, "holds no text"),
        (
            json!({"promptFeedback": {"blockReason": "SAFETY", "safetyRatings": rated}}),
            &blocked,
            "the prompt was refused: SAFETY (HARM_CATEGORY_HARASSMENT HIGH)",
        ),
        (
            json!({"candidates": [{"finishReason": "SAFETY", "safetyRatings": rated}]}),
            &blocked,
            "withheld: SAFETY (HARM_CATEGORY_HARASSMENT HIGH)",
        ),
    ] {
        reply["usageMetadata"] =
            json!({"promptTokenCount": 9, "candidatesTokenCount": 2, "totalTokenCount": 11});
        let script = world.emulator.script();
        script.push(Route::GenerateContent, ScriptedReply::json(200, &reply));
        let strategy = world.strategy(Prefix::default(), json!({}));
        let (result, ended) = world.ask(Arc::new(strategy).into()).await;
        assert_eq!(result.category(), Some(category), "{reply}");
        assert_eq!(result.attempts.len(), 1, "it would be the same again");
        assert_eq!(result.usage(), Usage::of(9, 2));
        assert_eq!(ended.stats.usage, Usage::of(9, 2));
        let failure = result.outcome.unwrap_err();
        assert!(failure.message.contains(said), "{failure}");
    }
    // A reply that was cut off has what it has.
    let reply = candidate(json!([{"text": "Becau"}]), "MAX_TOKENS");
    let script = world.emulator.script();
    script.push(Route::GenerateContent, ScriptedReply::json(200, &reply));
    let strategy = world.strategy(Prefix::default(), json!({}));
    let answer = world
        .ask(Arc::new(strategy).into())
        .await
        .0
        .outcome
        .unwrap();
    assert_eq!(answer.output.text, "Becau");
    assert_eq!(answer.output.finish_reason.as_deref(), Some("MAX_TOKENS"));
}

/// Covers: AC-PM-3
/// Covers: GeminiModel.prepare
/// Covers: GeminiModel.cleanup
/// Covers: ManagedLLMModel.prepare
/// Covers: ManagedLLMModel.cleanup
/// Covers: ModelStrategy.prepare
/// Covers: ModelStrategy.cleanup
#[tokio::test]
async fn a_strategy_is_ready_for_another_run_and_leaves_the_callers_client_alone() {
    let world = World::new().await;
    let prefix = || Prefix {
        contents: vec![Content::user(
            "A gimmal is a ring of two hoops. ".repeat(800),
        )],
        ..Prefix::default()
    };
    let hint = PlanHint::new().with_expected_reads(1_000);
    // Two strategies over one planner, and so over one cache.
    let warm = world.strategy(prefix(), json!({})).with_hint(hint.clone());
    let cool = world.strategy(prefix(), json!({"generationConfig": {"temperature": 0.0}}));
    let (warm, cool) = (Arc::new(warm), Arc::new(cool.with_hint(hint)));
    let journal = world.emulator.journal();
    for round in 1..=2 {
        let strategies = Strategies::from(Arc::clone(&warm)).with("cool", Arc::clone(&cool));
        let work = ["a", "b"].map(|id| WorkItem::new(id, "Why?".to_owned()));
        let [first, second] = work;
        let work = stream::iter([first, second.with_strategy("cool")]);
        let mut run = at_once(2).start(strategies, work).await.unwrap();
        while let Some(result) = run.next().await {
            assert!(result.usage().cached_tokens > 0, "{:?}", result.outcome);
        }
        run.finish().await.unwrap();
        assert_eq!(journal.count(Route::CreateCachedContent), round);
        assert_eq!(journal.count(Route::DeleteCachedContent), round);
    }
    let reply = world.client.models().generate_content(MODEL);
    let reply = reply.set_contents(["Why?"]);
    assert!(reply.send().await.unwrap().into_body().text().is_some());
}
