//! Mistakes that planners of this kind were seen to make, one test each. What other tests show
//! already is named here and not repeated:
//!
//! | # | Mistake | Shown by |
//! |---|---|---|
//! | 1 | the question is cached and sent again | `b8_prefix_and_tail_are_the_request` |
//! | 2 | lists of texts cannot be laid out | the types: a list holds contents |
//! | 3 | an image passes for text | `d3_…` |
//! | 4 | the question is a part of the identity | `d4_…` |
//! | 5 | instructions are lost beside a cache | `d5_…` |
//! | 6 | the question goes into the cache | `d6_…` |
//! | 7 | models, tools and the ends of parts are no part of the identity | `b9_…` |
//! | 8 | the whole prompt is held against the minimum | `a13_…` |
//! | 9 | two plans at once make two caches | `b1_…` |
//! | 10 | a cache is used up to its last second | `b10_…` |
//! | 11 | the service's own caching always wins | `d11_…` |
//! | 12 | a payload is read as what it is not | the types: an action holds its payload |
//! | 13 | what is in the cache is sent beside it | `d13_…` |
//! | 14 | leases never expire | `b10_…` |
//! | 15 | any error drops the cache | `d15_…` |
//! | 16 | an uncertain estimate makes a cache of ten tokens | `d16_…` |
//! | 17 | caches are made without a minimum, without a price and without a way back | `a3_…`, `a12_…`, `b5_…` |
//! | 18 | fields run into each other in the identity | `b9_…` |
//! | 19 | caches are neither renewed nor deleted | `b10_…`, `b16_…` |

use gimmal_client::gemini::planner::{Mode, PlanHint, Reason, TokenEstimate};
use gimmal_client::types::gemini::{Content, GenerateContentRequest, Part};
use gimmal_emulator::{Route, ScriptedReply};
use serde_json::{Value, json};

use super::support::{
    MODEL, World, bodies, cache_name, count, document, execute, execute_with, in_time, many, plan,
    prefix, prepared,
};

/// A document and a question in one turn, as most people send them.
fn request(question: &str) -> GenerateContentRequest {
    let parts = [Part::text(document("defects")), Part::text(question)];
    GenerateContentRequest::new()
        .set_system_instruction(Content::text("Be terse."))
        .set_contents([Content::new().set_role("user").set_parts(parts)])
}

#[test]
fn d3_an_image_is_an_image_however_it_comes() {
    let image = TokenEstimate::of_part(&Part::inline_data(vec![0; 750_000], "image/png"));
    assert_eq!((image.expected, image.confidence), (5000, 0.5));
}

#[tokio::test]
async fn d4_d6_another_question_reads_the_same_cache() {
    let world = World::new().await;
    let planner = world.planner();
    let first = in_time(planner.plan_generation(MODEL, &request("Which hoops?"), &many())).await;
    let second = in_time(planner.plan_generation(MODEL, &request("Why two?"), &many())).await;
    assert_eq!(second.decision.reason, Reason::LeaseHit);
    assert_eq!(cache_name(&first), cache_name(&second));
    let created = bodies(&world, Route::CreateCachedContent);
    assert_eq!(created.len(), 1);
    assert!(!created[0].to_string().contains("Which hoops?"));
}

#[tokio::test]
async fn d5_d13_instructions_are_in_the_cache_and_the_question_alone_is_sent() {
    let world = World::new().await;
    let planner = world.planner();
    let request = request("Q1");
    let plan = in_time(planner.plan_generation(MODEL, &request, &many())).await;
    execute_with(&world, &plan, &request).await.unwrap();
    let created = &bodies(&world, Route::CreateCachedContent)[0];
    assert_eq!(
        created["systemInstruction"]["parts"][0]["text"],
        "Be terse."
    );
    let sent = &bodies(&world, Route::GenerateContent)[0];
    assert_eq!(
        sent["contents"],
        json!([{"role": "user", "parts": [{"text": "Q1"}]}])
    );

    // Without a cache they go with the request.
    let off = world.planner_with(|options| options.mode = Mode::Off);
    let plan = in_time(off.plan_generation(MODEL, &request, &many())).await;
    execute_with(&world, &plan, &request).await.unwrap();
    let sent: &Value = &bodies(&world, Route::GenerateContent)[1];
    assert_eq!(sent["systemInstruction"]["parts"][0]["text"], "Be terse.");
    assert_eq!(sent["contents"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn d11_a_cache_that_pays_is_made_where_the_service_may_cache_too() {
    let world = World::new().await;
    let planner = world.planner();
    let facts = planner.model_facts(MODEL).unwrap();
    assert!(facts.implicit_min.is_some());
    let plan = plan(&planner, &prepared(&planner, "d11")).await;
    assert_eq!(plan.decision.reason, Reason::Ok);
}

#[tokio::test]
async fn d15_an_error_that_is_not_the_caches_keeps_the_cache() {
    let world = World::new().await;
    let planner = world.planner();
    let handbook = prepared(&planner, "d15");
    let first = plan(&planner, &handbook).await;
    let refusal = ScriptedReply::error(400, "INVALID_ARGUMENT", "temperature is out of range");
    world
        .emulator
        .script()
        .push(Route::GenerateContent, refusal);
    let error = execute(&world, &first).await.unwrap_err();
    assert_eq!(error.status().unwrap().as_u16(), 400);
    assert_eq!(count(&world, Route::GenerateContent), 1);
    let second = plan(&planner, &handbook).await;
    assert_eq!(cache_name(&second), cache_name(&first));
}

#[tokio::test]
async fn d16_a_guess_is_counted_before_anything_is_made() {
    let world = World::new().await;
    let planner = world.planner();
    let mut small = prefix("d16");
    small.contents =
        vec![Content::user("").set_parts([Part::inline_data(vec![7; 40], "image/png")])];
    let small = planner.prepare(MODEL, small).unwrap();
    let hint = PlanHint::new().with_expected_reads(1_000_000);
    let tail = [Content::user("What is it?")];
    let plan = in_time(planner.plan(&small, tail, &hint)).await;
    assert_eq!(plan.decision.reason, Reason::BelowFloorHighConf);
    assert_eq!(count(&world, Route::CountTokens), 1);
    assert_eq!(count(&world, Route::CreateCachedContent), 0);
}
