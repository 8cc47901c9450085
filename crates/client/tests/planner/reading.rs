//! Requests that read from caches: what they hold, and what happens when the cache is gone.

use futures_util::StreamExt as _;
use gimmal_client::CallOptions;
use gimmal_client::gemini::planner::{CacheStrategy, Reason};
use gimmal_client::types::gemini::{
    Content, GenerateContentRequest, GenerateContentResponse, GenerationConfig, Schema,
};
use gimmal_emulator::{Route, ScriptedReply};
use serde_json::{Value, json};

use super::support::{
    MODEL, World, bodies, cache_name, count, document, execute, execute_with, in_time, many, plan,
    prefix, prepared,
};

/// Covers: caches.delete
#[tokio::test]
async fn b5_a_cache_deleted_behind_our_back_costs_one_more_call() {
    let world = World::new().await;
    let planner = world.planner();
    let handbook = prepared(&planner, "b5");
    let plan = plan(&planner, &handbook).await;
    let delete = world.client.caches().delete(cache_name(&plan)).send();
    in_time(delete).await.unwrap();

    let executed = execute(&world, &plan).await.unwrap();
    assert!(executed.retried_without_cache);
    assert_eq!(executed.strategy, CacheStrategy::GenerateRaw);
    assert_eq!(executed.attempts, 2);
    let sent = bodies(&world, Route::GenerateContent);
    assert_eq!(sent.len(), 2);
    assert!(sent[0].get("cachedContent").is_some() && sent[0].get("tools").is_none());
    assert!(sent[1].get("cachedContent").is_none());
    assert_eq!(
        sent[1]["systemInstruction"]["parts"][0]["text"],
        "Be terse."
    );
    assert_eq!(
        sent[1]["tools"][0]["functionDeclarations"][0]["name"],
        "lookup"
    );
    assert_eq!(sent[1]["contents"].as_array().unwrap().len(), 2);

    planner.observe(&plan, &executed);
    planner.observe(&plan, &executed);
    let stats = planner.stats();
    assert_eq!(
        (stats.lost, stats.retried_without_cache),
        (1, 2),
        "it is lost once only"
    );
    let again = super::support::plan(&planner, &handbook).await;
    assert_ne!(cache_name(&again), cache_name(&plan));
}

#[tokio::test]
async fn b5_a_stream_from_a_cache_that_is_gone_begins_again_whole() {
    let world = World::new().await;
    let planner = world.planner();
    let handbook = prepared(&planner, "b5");
    let (executor, options) = (world.client.executor(), CallOptions::default());
    let settings = GenerateContentRequest::new();
    for is_gone in [false, true] {
        let plan = plan(&planner, &handbook).await;
        if is_gone {
            let delete = world.client.caches().delete(cache_name(&plan)).send();
            in_time(delete).await.unwrap();
        }
        let stream = executor.stream(&plan, &settings, &options);
        let mut stream = in_time(stream).await.unwrap();
        let mut reply = GenerateContentResponse::default();
        while let Some(chunk) = in_time(stream.next()).await {
            reply.absorb(chunk.unwrap());
        }
        assert!(reply.text().is_some());
        assert_eq!(stream.retried_without_cache(), is_gone);
        planner.observe_stream(&plan, &stream);
        let stats = planner.stats();
        assert_eq!(stats.lost, u64::from(is_gone));
        assert!(stats.cached_tokens_read > 2048, "{stats:?}");
    }
    assert_eq!(count(&world, Route::StreamGenerateContent), 3);
}

#[tokio::test]
async fn b6_a_missing_model_is_not_a_missing_cache() {
    let world = World::new().await;
    let planner = world.planner();
    let handbook = prepared(&planner, "b6");
    let first = plan(&planner, &handbook).await;
    let missing = "models/gemini-2.5-flash is not found for API version v1, or is not supported \
        for generateContent.";
    let reply = ScriptedReply::error(404, "NOT_FOUND", missing);
    world.emulator.script().push(Route::GenerateContent, reply);
    let error = execute(&world, &first).await.unwrap_err();
    assert_eq!(error.status().unwrap().as_u16(), 404);
    assert_eq!(count(&world, Route::GenerateContent), 1);
    let second = plan(&planner, &handbook).await;
    assert_eq!(second.decision.reason, Reason::LeaseHit);
    assert_eq!(cache_name(&second), cache_name(&first));
}

#[tokio::test]
async fn b7_a_request_from_a_cache_holds_only_what_is_its_own() {
    let world = World::new().await;
    let planner = world.planner();
    let plan = plan(&planner, &prepared(&planner, "b7")).await;
    let schema: Schema = serde_json::from_value(json!({"type": "OBJECT", "properties":
        {"hoops": {"type": "INTEGER"}}}))
    .unwrap();
    let config = GenerationConfig::new()
        .set_temperature(0.25)
        .set_response_mime_type("application/json")
        .set_response_schema(schema);
    // Settings that a caller filled too far: what the cache holds must not go out again.
    let settings = GenerateContentRequest::new()
        .set_generation_config(config)
        .set_system_instruction(Content::text("Be long."))
        .set_tools(prefix("b7").tools)
        .set_contents([Content::user("not this")]);
    execute_with(&world, &plan, &settings).await.unwrap();

    let sent = &bodies(&world, Route::GenerateContent)[0];
    for held in ["systemInstruction", "tools", "toolConfig"] {
        assert!(sent.get(held).is_none(), "{held} is in the cache");
    }
    assert_eq!(sent["cachedContent"], cache_name(&plan));
    assert_eq!(sent["generationConfig"]["temperature"], 0.25);
    assert_eq!(sent["generationConfig"]["responseSchema"]["type"], "OBJECT");
    assert_eq!(
        sent["contents"],
        json!([{"role": "user", "parts": [{"text": "How many hoops?"}]}])
    );
}

fn conversation() -> GenerateContentRequest {
    let turn = |value: Value| serde_json::from_value::<Content>(value).unwrap();
    GenerateContentRequest::new()
        .set_system_instruction(Content::text("Be terse."))
        .set_tools(prefix("").tools)
        .set_contents([
            Content::user(document("b14")),
            Content::model("Noted."),
            Content::user("Look it up."),
            turn(json!({"role": "model", "parts": [{"functionCall": {"name": "lookup", "args": {}}}]})),
            turn(json!({"role": "user", "parts":
                [{"functionResponse": {"name": "lookup", "response": {"hoops": 2}}}]})),
        ])
}

#[tokio::test]
async fn b14_a_conversation_that_ends_in_a_tool_result_is_cut_after_a_user_turn() {
    let world = World::new().await;
    let planner = world.planner();
    let request = conversation();
    let plan = in_time(planner.plan_generation(MODEL, &request, &many())).await;
    assert_eq!(plan.decision.reason, Reason::Ok);
    let executed = execute_with(&world, &plan, &request).await.unwrap();
    assert!(!executed.retried_without_cache);
    let created = &bodies(&world, Route::CreateCachedContent)[0]["contents"];
    let sent = &bodies(&world, Route::GenerateContent)[0]["contents"];
    let turns = |value: &Value| value.as_array().unwrap().clone();
    assert_eq!(turns(created).last().unwrap()["role"], "user");
    let together = [turns(created), turns(sent)].concat();
    assert_eq!(
        json!(together),
        serde_json::to_value(&request).unwrap()["contents"]
    );
}

#[tokio::test]
async fn b15_a_request_with_its_own_cache_is_left_alone() {
    let world = World::new().await;
    let create = world
        .client
        .caches()
        .create(MODEL)
        .set_contents([document("b15")]);
    let cache = in_time(create.send())
        .await
        .unwrap()
        .into_body()
        .name
        .unwrap();
    let turns = [
        Content::user("One?"),
        Content::model("One."),
        Content::user("Two?"),
    ];
    let request = GenerateContentRequest::new()
        .set_cached_content(cache.clone())
        .set_contents(turns);

    let planner = world.planner();
    let plan = in_time(planner.plan_generation(MODEL, &request, &many())).await;
    assert_eq!(plan.decision.reason, Reason::CallerOverride);
    execute_with(&world, &plan, &request).await.unwrap();
    let sent = bodies(&world, Route::GenerateContent);
    assert_eq!(sent, [serde_json::to_value(&request).unwrap()]);
    assert_eq!(
        count(&world, Route::CreateCachedContent),
        1,
        "the caller's own"
    );

    // Instructions beside a cache are the caller's mistake, and not ours to drop.
    let mixed = request
        .clone()
        .set_system_instruction(Content::text("Be terse."));
    let plan = in_time(planner.plan_generation(MODEL, &mixed, &many())).await;
    let error = execute_with(&world, &plan, &mixed).await.unwrap_err();
    assert_eq!(error.field(), Some("systemInstruction"));

    // Nothing can stand in for a cache whose content is not known.
    in_time(world.client.caches().delete(cache).send())
        .await
        .unwrap();
    let plan = in_time(planner.plan_generation(MODEL, &request, &many())).await;
    let error = execute_with(&world, &plan, &request).await.unwrap_err();
    assert_eq!(error.status().unwrap().as_u16(), 403);
    assert_eq!(count(&world, Route::GenerateContent), 2);
}
