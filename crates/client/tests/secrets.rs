//! Keys, tokens and prompts must not show where logs are made from.

use std::sync::Arc;
use std::time::Duration;

use gimmal_client::gemini::GeminiClient;
use gimmal_client::gemini::planner::{Mode, PlanHint, Planner, PlannerOptions, Prefix};
use gimmal_client::transport::testing::{Reply, ScriptedTransport};
use gimmal_client::types::gemini::{Content, GenerateContentRequest};
use tokio::time::timeout;

const SECRET: &str = "sk-3f9a1c";
const PROMPT: &str = "the patient is called Ms Doe";

/// Fails when a text shows a secret or a prompt.
fn assert_clean(what: &str, shown: &str) {
    for hidden in [SECRET, PROMPT] {
        assert!(!shown.contains(hidden), "{what} shows {hidden:?}");
    }
}

fn client(replies: impl IntoIterator<Item = Reply>) -> GeminiClient {
    GeminiClient::builder()
        .with_api_key(SECRET)
        .with_http(Arc::new(ScriptedTransport::new(replies)))
        .build()
        .unwrap()
}

#[test]
fn settings_show_no_secret() {
    let environment = |name: &str| (name == "GEMINI_API_KEY").then(|| SECRET.to_owned());
    let builders = [
        GeminiClient::builder().with_api_key(SECRET),
        GeminiClient::builder().from_lookup(environment),
        GeminiClient::builder()
            .with_vertex("p", "l")
            .with_bearer_token(SECRET),
    ];
    for builder in builders {
        assert_clean("a builder", &format!("{builder:#?}"));
        let client = builder.build().unwrap();
        assert_clean("a client", &format!("{client:#?}"));
        assert_clean(
            "a group",
            &format!("{:#?} {:#?}", client.models(), client.caches()),
        );
        assert_clean("an executor", &format!("{:#?}", client.executor()));
    }
    let with_password = GeminiClient::builder()
        .with_api_key("key")
        .with_base_url(format!("https://user:{SECRET}@host/?key={SECRET}"));
    assert_clean("a builder", &format!("{with_password:?}"));
    let bad = with_password.build().unwrap_err();
    assert_clean("an error", &format!("{bad} {bad:?}"));
    let bad = GeminiClient::builder().with_api_key(format!("{SECRET}\n{SECRET}"));
    let bad = bad.build().unwrap_err();
    assert_clean("an error", &format!("{bad} {bad:?}"));
}

#[tokio::test(start_paused = true)]
async fn calls_and_errors_show_neither_secret_nor_prompt() {
    let client = client([
        Reply::json(400, r#"{"error": {"code": 400, "message": "bad"}}"#),
        Reply::json(200, "not json"),
        Reply::io_error(),
        Reply::connect_error(),
    ]);
    for _ in 0..3 {
        let call = client.models().generate_content("m").set_contents([PROMPT]);
        assert_clean("a call", &format!("{call:#?}"));
        let options = gimmal_client::CallOptions::new()
            .with_retry_policy(gimmal_client::transport::NeverRetry);
        let error = timeout(Duration::from_secs(60), call.with_options(options).send());
        let error = error.await.unwrap().unwrap_err();
        assert_clean("an error", &format!("{error} {error:#?}"));
        let mut cause: &dyn std::error::Error = &error;
        while let Some(source) = cause.source() {
            assert_clean("a cause", &format!("{source} {source:?}"));
            cause = source;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn plans_show_neither_secret_nor_prompt() {
    let cache = r#"{"name": "cachedContents/a", "expireTime": "2100-01-01T00:00:00Z"}"#;
    let client = client([Reply::json(200, cache), Reply::json(200, "{}")]);
    let mut options = PlannerOptions::default();
    options.mode = Mode::Always;
    options.min_tokens_floor = Some(1);
    let planner = Planner::builder(&client).with_options(options);
    assert_clean("a planner in the making", &format!("{planner:#?}"));
    let planner = planner.build();
    let prefix = Prefix {
        system_instruction: Some(Content::text(PROMPT)),
        contents: vec![Content::user(PROMPT)],
        ..Prefix::default()
    };
    let prefix = planner.prepare("gemini-2.5-flash", prefix).unwrap();
    assert_clean("a prepared prefix", &format!("{prefix:#?}"));

    let hint = PlanHint::new();
    let plan = planner.plan(&prefix, [Content::user(PROMPT)], &hint);
    let plan = timeout(Duration::from_secs(60), plan).await.unwrap();
    assert_eq!(plan.action.cache_name(), Some("cachedContents/a"));
    assert_clean("a plan", &format!("{plan:#?}"));
    assert_clean("a planner", &format!("{planner:#?} {:#?}", planner.stats()));

    let settings = GenerateContentRequest::new();
    let options = gimmal_client::CallOptions::default();
    let executor = client.executor();
    let executed = executor.execute(&plan, &settings, &options);
    let executed = timeout(Duration::from_secs(60), executed)
        .await
        .unwrap()
        .unwrap();
    assert_clean("a reply", &format!("{executed:#?}"));
}
