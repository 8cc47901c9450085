//! Every call of every group, once, against the emulator.

use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _};
use gimmal_client::gemini::GeminiClient;
use gimmal_client::types::gemini::{
    FinishReason, GenerateContentRequest, GenerationConfig, SafetySetting, Tool,
};
use gimmal_client::{CallOptions, Error};
use gimmal_emulator::{Emulator, Route};
use http::{HeaderName, HeaderValue};
use serde_json::json;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(30);
const MODEL: &str = "gemini-2.5-flash";

async fn start() -> (Emulator, GeminiClient) {
    let emulator = Emulator::builder().with_min_cache_tokens(1);
    let emulator = emulator.with_api_key("key").start().await.unwrap();
    let client = GeminiClient::builder()
        .with_api_key("key")
        .with_base_url(emulator.base_url())
        .build()
        .unwrap();
    (emulator, client)
}

async fn in_time<F: Future>(future: F) -> F::Output {
    timeout(PATIENCE, future)
        .await
        .expect("the emulator answers at once")
}

/// Covers: models.generate_content
#[tokio::test]
async fn generate_content() {
    let (emulator, client) = start().await;
    let tools: Vec<Tool> = serde_json::from_value(json!([{"googleSearch": {}}])).unwrap();
    let safety: SafetySetting = serde_json::from_value(json!({
        "category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}))
    .unwrap();
    let options = CallOptions::new().with_header(
        HeaderName::from_static("x-mark"),
        HeaderValue::from_static("yes"),
    );
    let call = client
        .models()
        .generate_content(MODEL)
        .set_contents(["How many hoops has a gimmal?"])
        .set_system_instruction("Be terse.")
        .set_generation_config(GenerationConfig::new().set_max_output_tokens(100))
        .set_tools(tools)
        .set_safety_settings([safety])
        .with_options(options);
    let reply = in_time(call.send()).await.unwrap();
    assert_eq!((reply.status().as_u16(), reply.attempts()), (200, 1));
    assert!(reply.headers().contains_key("content-type"));
    assert!(!reply.body().text().unwrap().is_empty());
    assert_eq!(reply.body().finish_reason(), Some(&FinishReason::Stop));
    assert!(
        reply
            .body()
            .usage_metadata
            .as_ref()
            .unwrap()
            .prompt_token_count
            > Some(0)
    );

    let sent = emulator.journal().last(Route::GenerateContent).unwrap();
    assert_eq!(sent.headers()["x-mark"], "yes");
    let agent = sent.headers()["user-agent"].to_str().unwrap();
    assert!(
        agent.starts_with("gimmal/") && agent.contains(" gl-rust/"),
        "{agent}"
    );
    let body = sent.body().unwrap();
    assert_eq!(body["systemInstruction"]["parts"][0]["text"], "Be terse.");
    assert_eq!(body["safetySettings"][0]["threshold"], "BLOCK_NONE");
}

/// Covers: models.generate_content_stream
#[tokio::test]
async fn generate_content_stream() {
    let (_emulator, client) = start().await;
    let call = || {
        let request = GenerateContentRequest::new()
            .set_contents(["Say something of some length about rings."]);
        client.models().generate_content(MODEL).set_request(request)
    };
    let mut stream = in_time(call().stream()).await.unwrap();
    assert!(stream.headers().contains_key("content-type"));
    let mut text = String::new();
    while let Some(chunk) = in_time(stream.next()).await {
        text.push_str(&chunk.unwrap().text().unwrap_or_default());
    }
    let whole = in_time(in_time(call().stream()).await.unwrap().collect())
        .await
        .unwrap();
    assert!(!text.is_empty());
    assert_eq!(whole.text().as_deref(), Some(text.as_str()));
    assert_eq!(whole.finish_reason(), Some(&FinishReason::Stop));
}

/// Covers: models.count_tokens
#[tokio::test]
async fn count_tokens() {
    let (_emulator, client) = start().await;
    let count = |text: &str| {
        client
            .models()
            .count_tokens(MODEL)
            .set_contents([text])
            .send()
    };
    let few = in_time(count("one two")).await.unwrap().into_body();
    let many = in_time(count("one two three four five six seven"))
        .await
        .unwrap()
        .into_body();
    assert!(few.total_tokens > Some(0));
    assert!(few.total_tokens < many.total_tokens);

    // What the developer API cannot count is refused here, by name.
    let refused = client
        .models()
        .count_tokens(MODEL)
        .set_system_instruction("s")
        .send();
    let error = in_time(refused).await.unwrap_err();
    assert_eq!(error.field(), Some("systemInstruction"));
}

/// Covers: models.get
#[tokio::test]
async fn get_model() {
    let (_emulator, client) = start().await;
    for name in [MODEL, "models/gemini-2.5-flash"] {
        let model = in_time(client.models().get(name).send())
            .await
            .unwrap()
            .into_body();
        assert_eq!(model.name.as_deref(), Some("models/gemini-2.5-flash"));
        assert!(model.input_token_limit > Some(0));
    }
    let error = in_time(client.models().get("no-such").send())
        .await
        .unwrap_err();
    assert_eq!(error.status().unwrap().as_u16(), 404);
}

/// Covers: models.list
#[tokio::test]
async fn list_models() {
    let (emulator, client) = start().await;
    let items = client.models().list().set_page_size(2).items();
    let models = in_time(items.collect_all()).await.unwrap();
    let names: Vec<_> = models
        .iter()
        .filter_map(|model| model.name.as_deref())
        .collect();
    assert!(names.contains(&"models/gemini-2.5-flash"), "{names:?}");
    let pages = emulator.journal().count(Route::ListModels);
    assert_eq!(pages, names.len().div_ceil(2), "{names:?}");

    let pages = client.models().list().set_page_size(3).items().pages();
    let pages: Vec<_> = in_time(pages.try_collect()).await.unwrap();
    let sizes: usize = pages.iter().map(|page| page.items.len()).sum();
    assert_eq!(sizes, names.len());
    assert!(pages[0].parts.headers.contains_key("content-type"));
}

/// Covers: caches.create, caches.get, caches.update, caches.list, caches.delete
#[tokio::test]
async fn the_life_of_a_cache() {
    let (_emulator, client) = start().await;
    let create = client
        .caches()
        .create(MODEL)
        .set_contents(["A gimmal has two hoops."])
        .set_system_instruction("Be terse.")
        .set_display_name("rings")
        .set_ttl(Duration::from_secs(300));
    let created = in_time(create.send()).await.unwrap().into_body();
    let name = created.name.clone().unwrap();
    assert!(name.starts_with("cachedContents/"));
    assert_eq!(created.model.as_deref(), Some("models/gemini-2.5-flash"));
    assert!(created.usage_metadata.as_ref().unwrap().total_token_count > Some(0));

    let id = name.trim_start_matches("cachedContents/").to_owned();
    let found = in_time(client.caches().get(id).send())
        .await
        .unwrap()
        .into_body();
    assert_eq!(found, created);

    let ask = client
        .models()
        .generate_content(MODEL)
        .set_cached_content(&name);
    let reply = in_time(ask.set_contents(["How many hoops?"]).send())
        .await
        .unwrap();
    let usage = reply.into_body().usage_metadata.unwrap();
    let cached = created.usage_metadata.as_ref().unwrap().total_token_count;
    assert_eq!(usage.cached_content_token_count, cached);

    let update = client
        .caches()
        .update(&name)
        .set_ttl(Duration::from_secs(7200));
    let updated = in_time(update.send()).await.unwrap().into_body();
    assert!(
        updated.expire_time.unwrap().to_system_time()
            > created.expire_time.unwrap().to_system_time()
    );

    let second = client.caches().create(MODEL).set_contents(["Another."]);
    in_time(second.set_expire_time(updated.expire_time.unwrap()).send())
        .await
        .unwrap();
    let list = || {
        client
            .caches()
            .list()
            .set_page_size(1)
            .items()
            .collect_all()
    };
    let names = |caches: Vec<gimmal_client::types::gemini::CachedContent>| -> Vec<String> {
        caches.into_iter().filter_map(|cache| cache.name).collect()
    };
    let both = names(in_time(list()).await.unwrap());
    assert_eq!(both.len(), 2);
    assert!(both.contains(&name));

    let deleted = in_time(client.caches().delete(&name).send()).await.unwrap();
    assert_eq!(deleted.status().as_u16(), 200);
    assert_eq!(names(in_time(list()).await.unwrap()).len(), 1);
    let gone = in_time(client.caches().get(&name).send())
        .await
        .unwrap_err();
    assert_eq!(gone.status().unwrap().as_u16(), 403);
}

#[tokio::test]
async fn bad_arguments_never_leave() {
    let (emulator, client) = start().await;
    let field = |result: Result<(), Error>| result.unwrap_err().field().map(str::to_owned);
    let caches = client.caches();
    let both = caches
        .update("abc")
        .set_ttl(Duration::from_secs(1))
        .set_expire_time("2030-01-01T00:00:00Z");
    let errors = [
        (
            client.models().generate_content("").send().await.map(drop),
            "model",
        ),
        (
            client
                .models()
                .generate_content("../x")
                .send()
                .await
                .map(drop),
            "model",
        ),
        (
            caches
                .create(MODEL)
                .set_kms_key_name("k")
                .send()
                .await
                .map(drop),
            "encryptionSpec",
        ),
        (caches.update("abc").send().await.map(drop), "ttl"),
        (both.send().await.map(drop), "expireTime"),
        (caches.get("a?b").send().await.map(drop), "cached_content"),
        (
            caches
                .list()
                .set_page_size(0)
                .items()
                .collect_all()
                .await
                .map(drop),
            "page_size",
        ),
    ];
    for (result, wanted) in errors {
        assert_eq!(field(result).as_deref(), Some(wanted));
    }
    assert_eq!(
        emulator
            .journal()
            .count(gimmal_emulator::RouteMatcher::any()),
        0
    );
}

#[tokio::test]
async fn a_wrong_key_is_told_apart() {
    let (emulator, _) = start().await;
    let client = GeminiClient::builder()
        .with_api_key("wrong")
        .with_base_url(emulator.base_url());
    let client = client.build().unwrap();
    let call = client.models().generate_content(MODEL).set_contents(["hi"]);
    let error = in_time(call.send()).await.unwrap_err();
    assert!(error.is_authentication(), "{error}");
    assert_eq!(error.attempts().len(), 1);
}
