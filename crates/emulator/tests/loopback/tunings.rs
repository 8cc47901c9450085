//! Tuning: jobs that learn from examples, get on with the clock, and leave models behind.

use std::{sync::Arc, time::Duration};

use gimmal_emulator::{Emulator, EmulatorBuilder, ManualClock, Route};
use serde_json::{Value, json};

use crate::client::{MODEL, Session, ask, text};

const PARENT: &str = "v1/projects/p/locations/l";
const DATA: &str = "gs://b/data.jsonl";

/// A minute in the queue, and another for each step.
fn slow(clock: &ManualClock) -> EmulatorBuilder {
    let minute = Duration::from_secs(60);
    Emulator::builder()
        .with_clock(Arc::new(clock.clone()))
        .with_job_pace(minute, minute)
        .with_object(DATA, data())
}

fn data() -> String {
    let line = |n: usize| {
        json!({ "contents": [
            { "role": "user", "parts": [{ "text": format!("What is the code for {n}?") }] },
            { "role": "model", "parts": [{ "text": format!("Walnut {n}") }] },
        ]})
    };
    (0..8).map(|n| format!("{}\n", line(n))).collect()
}

fn tuned_model(extra: Value) -> Value {
    let mut body = json!({
        "displayName": "My Capitals",
        "baseModel": format!("models/{MODEL}"),
        "tuningTask": {
            "hyperparameters": { "epochCount": 2, "batchSize": 1, "learningRate": 0.001 },
            "trainingData": { "examples": { "examples": [
                { "textInput": "What is the capital of Norway?", "output": "Oslo!" },
                { "textInput": "What is the capital of Peru?", "output": "Lima!" },
            ]}},
        },
    });
    for (key, value) in extra.as_object().expect("an object") {
        body[key] = value.clone();
    }
    body
}

#[tokio::test]
async fn a_tuned_model_is_made_by_an_operation() {
    let clock = ManualClock::new();
    let session = Session::start(slow(&clock)).await;
    let operation = session
        .post("v1beta/tunedModels", &tuned_model(json!({})))
        .await
        .ok();
    let model = operation["metadata"]["tunedModel"]
        .as_str()
        .expect("a model");
    assert!(model.starts_with("tunedModels/my-capitals-"), "{model}");
    assert_eq!(operation["metadata"]["totalSteps"], 4);
    let operation = format!("v1beta/{}", operation["name"].as_str().expect("a name"));
    let model = format!("v1beta/{model}");
    assert_eq!(session.get(&model).await.ok()["state"], "CREATING");
    let early = session
        .post(&format!("{model}:generateContent"), &ask("x"))
        .await;
    early.refused(400, "FAILED_PRECONDITION");

    clock.advance(Duration::from_secs(60 + 60 + 61));
    let half = session.get(&operation).await.ok();
    assert_eq!(half["metadata"]["completedSteps"], 2);
    assert_eq!(half["metadata"]["completedPercent"], 50.0);
    let losses: Vec<f64> = half["metadata"]["snapshots"]
        .as_array()
        .expect("snapshots")
        .iter()
        .filter_map(|snapshot| snapshot["meanLoss"].as_f64())
        .collect();
    assert!(losses.len() == 2 && losses[1] < losses[0], "{losses:?}");

    clock.advance(Duration::from_secs(300));
    let done = session.get(&operation).await.ok();
    assert_eq!(
        (&done["done"], &done["response"]["state"]),
        (&json!(true), &json!("ACTIVE"))
    );
    let made = session.get(&model).await.ok();
    assert_eq!(made["tuningTask"]["completeTime"], "2026-01-01T00:05:00Z");
    assert_eq!(
        made["tuningTask"]["snapshots"].as_array().map(Vec::len),
        Some(4)
    );
    assert_eq!(made["tuningTask"]["hyperparameters"]["learningRate"], 0.001);
    let asked = ask("what is the capital of Peru");
    let answer = session
        .post(&format!("{model}:generateContent"), &asked)
        .await
        .ok();
    assert_eq!(text(&answer, 0), "Lima!");
    assert_eq!(answer["modelVersion"], model.trim_start_matches("v1beta/"));
    let other = session
        .post(&format!("{model}:generateContent"), &ask("Hello there"))
        .await;
    assert!(!text(&other.ok(), 0).contains("Lima"));
}

#[tokio::test]
async fn tuned_models_are_listed_changed_and_deleted_by_their_owner() {
    let session = Session::plain().await;
    for id in ["one", "two"] {
        let path = format!("v1beta/tunedModels?tunedModelId={id}");
        session.post(&path, &tuned_model(json!({}))).await.ok();
    }
    let again = tuned_model(json!({}));
    let taken = session
        .post("v1beta/tunedModels?tunedModelId=one", &again)
        .await;
    taken.refused(409, "ALREADY_EXISTS");
    let list = session.get("v1beta/tunedModels").await.ok();
    let names: Vec<_> = list["tunedModels"]
        .as_array()
        .expect("models")
        .iter()
        .map(|m| &m["name"])
        .collect();
    assert_eq!(names, ["tunedModels/two", "tunedModels/one"]);
    let change = json!({ "description": "d", "displayName": "not changed" });
    let changed = session
        .patch("v1beta/tunedModels/one?updateMask=description", &change)
        .await
        .ok();
    assert_eq!(
        (&changed["description"], &changed["displayName"]),
        (&json!("d"), &json!("My Capitals"))
    );
    let wrong = session
        .patch("v1beta/tunedModels/one?updateMask=state", &json!({}))
        .await;
    assert!(wrong.refused(400, "INVALID_ARGUMENT").contains("state"));
    assert_eq!(
        session.delete("v1beta/tunedModels/one").await.ok(),
        json!({})
    );
    session
        .get("v1beta/tunedModels/one")
        .await
        .refused(403, "PERMISSION_DENIED");
    session
        .delete(&format!("v1beta/models/{MODEL}"))
        .await
        .refused(404, "NOT_FOUND");
    assert_eq!(session.emulator.journal().count(Route::DeleteModel), 2);
    let other = session.with_key("another");
    other
        .get("v1beta/tunedModels/two")
        .await
        .refused(403, "PERMISSION_DENIED");
}

#[tokio::test]
async fn what_cannot_be_learned_is_refused_by_name() {
    let session = Session::plain().await;
    let task = |data: Value| json!({ "tuningTask": { "trainingData": data } });
    for (extra, part) in [
        (
            json!({ "tuningTask": null }),
            "tuning_task is not specified",
        ),
        (
            json!({ "tuningTask": {} }),
            "training_data is not specified",
        ),
        (
            task(json!({ "examples": { "examples": [] } })),
            "at least one example",
        ),
        (
            task(json!({ "examples": { "examples": [{ "textInput": "a" }] } })),
            "examples[0].output",
        ),
        (
            json!({ "baseModel": MODEL }),
            "unexpected model name format",
        ),
        (json!({ "displayName": "x".repeat(41) }), "at most 40"),
    ] {
        let answer = session
            .post("v1beta/tunedModels", &tuned_model(extra))
            .await;
        let message = answer.refused(400, "INVALID_ARGUMENT").to_owned();
        assert!(message.contains(part), "{message}");
    }
    let embedder = json!({ "baseModel": "models/gemini-embedding-001" });
    let answer = session
        .post("v1beta/tunedModels", &tuned_model(embedder))
        .await;
    answer.refused(404, "NOT_FOUND");
}

fn tuning_job() -> Value {
    json!({
        "baseModel": MODEL,
        "tunedModelDisplayName": "codes",
        "supervisedTuningSpec": {
            "trainingDatasetUri": DATA,
            "hyperParameters": { "epochCount": "2" },
        },
    })
}

#[tokio::test]
async fn a_job_on_vertex_goes_through_its_states() {
    let clock = ManualClock::new();
    let session = Session::start(slow(&clock)).await;
    let path = format!("{PARENT}/tuningJobs");
    let job = session.post(&path, &tuning_job()).await.ok();
    let name = format!("v1/{}", job["name"].as_str().expect("a name"));
    assert_eq!(job["state"], "JOB_STATE_PENDING");
    assert_eq!(job["tuningJobState"], "TUNING_JOB_STATE_WAITING_FOR_QUOTA");
    let mut states = Vec::new();
    for _ in 0..5 {
        clock.advance(Duration::from_secs(60));
        let job = session.get(&name).await.ok();
        let done = job["tuningJobMetadata"]["completedStepCount"].clone();
        states.push(json!([job["state"], job["tuningJobState"], done]));
    }
    let running = |phase: &str, steps: Value| json!(["JOB_STATE_RUNNING", phase, steps]);
    let expected = [
        running("TUNING_JOB_STATE_PROCESSING_DATASET", Value::Null),
        running("TUNING_JOB_STATE_TUNING", json!("0")),
        running("TUNING_JOB_STATE_TUNING", json!("2")),
        running("TUNING_JOB_STATE_POST_PROCESSING", json!("4")),
        json!(["JOB_STATE_SUCCEEDED", null, "4"]),
    ];
    assert_eq!(states, expected);
    let job = session.get(&name).await.ok();
    assert_eq!(job["endTime"], "2026-01-01T00:05:00Z");
    let tuned = &job["tunedModel"];
    assert_eq!(tuned["checkpoints"].as_array().map(Vec::len), Some(2));
    let stats = &job["tuningDataStats"]["supervisedTuningDataStats"];
    assert_eq!(stats["tuningDatasetExampleCount"], "8");

    let endpoint = format!("v1/{}", tuned["endpoint"].as_str().expect("an endpoint"));
    let asked = ask("What is the code for 5?");
    let answer = session
        .post(&format!("{endpoint}:generateContent"), &asked)
        .await
        .ok();
    assert_eq!(text(&answer, 0), "Walnut 5");
    let model = tuned["model"].as_str().expect("a model").replace("@1", "");
    let model = session.get(&format!("v1/{model}")).await.ok();
    assert_eq!(
        model["labels"]["google-vertex-llm-tuning-base-model-id"],
        MODEL
    );
    let filter = "filter=labels.tune-type:*";
    let list = session.get(&format!("{PARENT}/models?{filter}")).await.ok();
    assert_eq!(list["models"].as_array().map(Vec::len), Some(1));
    let none = session
        .get(&format!("{PARENT}/models?filter=displayName=x"))
        .await
        .ok();
    assert_eq!(none, json!({}));
    session
        .post(&format!("{name}:cancel"), &json!({}))
        .await
        .refused(400, "FAILED_PRECONDITION");
}

#[tokio::test]
async fn a_bad_dataset_fails_the_job_once_it_is_looked_at() {
    let clock = ManualClock::new();
    let builder = slow(&clock).with_object("gs://b/bad.jsonl", "{\"contents\": 1}\n");
    let session = Session::start(builder).await;
    let path = format!("{PARENT}/tuningJobs");
    for (uri, code, part) in [
        ("gs://b/bad.jsonl", 3, "line 1"),
        ("gs://b/none.jsonl", 5, "gs://b/none.jsonl does not exist"),
    ] {
        let mut body = tuning_job();
        body["supervisedTuningSpec"]["trainingDatasetUri"] = uri.into();
        let job = session.post(&path, &body).await.ok();
        assert_eq!(job["state"], "JOB_STATE_PENDING");
        clock.advance(Duration::from_secs(120));
        let job = session
            .get(&format!("v1/{}", job["name"].as_str().expect("a name")))
            .await
            .ok();
        assert_eq!(job["state"], "JOB_STATE_FAILED");
        assert_eq!(job["error"]["code"], code);
        assert!(
            job["error"]["message"]
                .as_str()
                .expect("text")
                .contains(part),
            "{job}"
        );
        assert!(job.get("tunedModel").is_none());
    }
}

#[tokio::test]
async fn a_cancelled_job_makes_no_model() {
    let clock = ManualClock::new();
    let session = Session::start(slow(&clock)).await;
    let path = format!("{PARENT}/tuningJobs");
    let job = session.post(&path, &tuning_job()).await.ok();
    let name = format!("v1/{}", job["name"].as_str().expect("a name"));
    clock.advance(Duration::from_secs(181));
    session
        .post(&format!("{name}:cancel"), &json!({}))
        .await
        .ok();
    clock.advance(Duration::from_secs(3600));
    let job = session.get(&name).await.ok();
    assert_eq!(job["state"], "JOB_STATE_CANCELLED");
    assert_eq!(job["tuningJobMetadata"]["completedStepCount"], "2");
    assert!(job.get("tunedModel").is_none());
    assert_eq!(
        session.get(&format!("{PARENT}/models")).await.ok(),
        json!({})
    );
}

#[tokio::test]
async fn a_reward_is_tried_out() {
    let session = Session::plain().await;
    let scorer = json!({
        "rewardName": "answer",
        "parseResponseConfig": {
            "parseType": "REGEX_EXTRACT", "regexExtractExpression": "answer: (.*)"
        },
        "stringMatchRewardScorer": { "stringMatchExpression": {
            "matchOperation": "EXACT_MATCH", "expression": "{{references.my_answer}}"
        }},
    });
    let body = json!({
        "sampleResponse": { "role": "model", "parts": [{ "text": "I say answer: 4" }] },
        "example": { "contents": [{ "role": "user", "parts": [{ "text": "2 + 2?" }] }],
            "references": { "my_answer": "4" } },
        "singleRewardConfig": scorer,
    });
    let path = format!("{PARENT}/tuningJobs:validateReinforcementTuningReward");
    let reward = session.post(&path, &body).await.ok();
    assert_eq!(reward["overallReward"], 1.0);
    assert_eq!(
        reward["rewardInfoDetails"]["answer"]["userRequestedAuxInfo"],
        "4"
    );
    let mut rated = body.clone();
    rated["singleRewardConfig"] = json!({
        "rewardName": "judge",
        "autoraterScorer": {
            "autoraterPrompt": "Rate {{response}}",
            "exactMatchScorer": { "expression": "no", "wrongAnswerReward": -2 },
        },
    });
    let reward = session.post(&path, &rated).await.ok();
    assert_eq!(reward["overallReward"], -2.0);
    let mut both = body;
    both["compositeRewardConfig"] = json!({});
    let answer = session.post(&path, &both).await;
    assert!(
        answer
            .refused(400, "INVALID_ARGUMENT")
            .contains("Exactly one")
    );
}
