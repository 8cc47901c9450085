//! Tuning on both backends: jobs that learn, fail and are stopped, and the models they leave.

use futures_util::TryStreamExt as _;
use gimmal_client::types::gemini::{
    Content, CreateTuningJobConfig, JobState, ReinforcementTuningExample,
    SingleReinforcementTuningRewardConfig, TuningDataset, TuningExample,
};
use gimmal_emulator::Route;
use serde_json::json;

use crate::support::{MODEL, World, in_time};

const DATA: &str = "gs://b/data.jsonl";

fn data() -> String {
    let line = |n: usize| {
        json!({ "contents": [
            { "role": "user", "parts": [{ "text": format!("What is the code for {n}?") }] },
            { "role": "model", "parts": [{ "text": format!("Walnut {n}") }] },
        ]})
    };
    (0..8).map(|n| format!("{}\n", line(n))).collect()
}

/// Covers: tunings.tune_mldev, tunings.get, models.generate_content, models.update, models.delete
#[tokio::test]
async fn examples_become_a_model_that_knows_them() {
    let world = World::new().await;
    let tunings = world.developer.tunings();
    let examples = TuningDataset::new().set_examples([
        TuningExample::of("What is the capital of Norway?", "Oslo!"),
        TuningExample::of("What is the capital of Peru?", "Lima!"),
    ]);
    let config = CreateTuningJobConfig::new()
        .set_tuned_model_display_name("capitals")
        .set_epoch_count(2);
    let call = tunings
        .tune(format!("models/{MODEL}"), examples)
        .set_config(config);
    let job = in_time(call.send()).await.unwrap().into_body();
    let name = job.name.unwrap();
    assert!(name.starts_with("tunedModels/capitals-"), "{name}");
    world.clock.advance(100);
    let job = in_time(tunings.get(&name).send())
        .await
        .unwrap()
        .into_body();
    assert_eq!(job.state, Some(JobState::Running));
    world.clock.advance(3600);
    let job = in_time(tunings.get(&name).send())
        .await
        .unwrap()
        .into_body();
    assert!(job.has_succeeded());

    let models = world.developer.models();
    let ask = models
        .generate_content(&name)
        .set_contents(["the capital of Peru, please"]);
    let answer = in_time(ask.send()).await.unwrap().into_body();
    assert_eq!(answer.text().as_deref(), Some("Lima!"));
    let change = models.update(&name).set_description("towns");
    let model = in_time(change.send()).await.unwrap().into_body();
    assert_eq!(model.description.as_deref(), Some("towns"));
    let own: Vec<_> = in_time(models.list().with_tuned().items().try_collect())
        .await
        .unwrap();
    assert_eq!(own[0].name.as_deref(), Some(&*name));
    in_time(models.delete(&name).send()).await.unwrap();
    let error = in_time(models.get(&name).send()).await.unwrap_err();
    assert_eq!(error.status().map(|status| status.as_u16()), Some(403));
}

/// Covers: tunings.cancel
#[tokio::test]
async fn a_stopped_tuning_makes_no_model() {
    let world = World::new().await;
    let tunings = world.developer.tunings();
    let examples = TuningDataset::new().set_examples([TuningExample::of("1", "2")]);
    let call = tunings.tune(format!("models/{MODEL}"), examples);
    let name = in_time(call.send())
        .await
        .unwrap()
        .into_body()
        .name
        .unwrap();
    in_time(tunings.cancel(&name).send()).await.unwrap();
    world.clock.advance(3600);
    let ask = world
        .developer
        .models()
        .generate_content(&name)
        .set_contents(["1"]);
    let error = in_time(ask.send()).await.unwrap_err();
    assert!(error.to_string().contains("has not succeeded"), "{error}");
}

/// Covers: tunings.tune, tunings.get, tunings.list, models.get, models.list
#[tokio::test]
async fn a_job_on_vertex_leaves_checkpoints_behind_endpoints() {
    let world = World::with(|it| it.with_object(DATA, data())).await;
    let tunings = world.vertex.tunings();
    let config = CreateTuningJobConfig::new()
        .set_tuned_model_display_name("codes")
        .set_epoch_count(2)
        .set_output_uri("gs://b/tuned");
    let call = tunings
        .tune(MODEL, TuningDataset::new().set_gcs_uri(DATA))
        .set_config(config);
    let job = world
        .clock
        .run(async move { call.poller().await?.wait().await })
        .await
        .unwrap();
    assert!(job.has_succeeded());
    let stats = job
        .tuning_data_stats
        .unwrap()
        .supervised_tuning_data_stats
        .unwrap();
    assert_eq!(stats.tuning_dataset_example_count, Some(8));
    let tuned = job.tuned_model.unwrap();
    assert_eq!(tuned.checkpoints.len(), 2);
    let models = world.vertex.models();
    for checkpoint in &tuned.checkpoints {
        let endpoint = checkpoint.endpoint.as_deref().unwrap();
        let ask = models
            .generate_content(endpoint)
            .set_contents(["What is the code for 5?"]);
        let answer = in_time(ask.send()).await.unwrap().into_body();
        assert_eq!(answer.text().as_deref(), Some("Walnut 5"));
    }
    let losses = world
        .emulator
        .storage()
        .object(&job.gcs_metrics_uri.unwrap())
        .unwrap();
    assert_eq!(losses.iter().filter(|byte| **byte == b'\n').count(), 4);

    let listed: Vec<_> = in_time(tunings.list().items().try_collect()).await.unwrap();
    assert_eq!(listed.len(), 1);
    let name = tuned.model.unwrap().replace("@1", "");
    let model = in_time(models.get(&name).send()).await.unwrap().into_body();
    assert_eq!(model.default_checkpoint_id.as_deref(), Some("2"));
    let change = models.update(&name).set_default_checkpoint_id("1");
    let model = in_time(change.send()).await.unwrap().into_body();
    assert_eq!(model.default_checkpoint_id.as_deref(), Some("1"));
    let own: Vec<_> = in_time(models.list().with_tuned().items().try_collect())
        .await
        .unwrap();
    assert_eq!(own.len(), 1);
    in_time(models.delete(&name).send()).await.unwrap();
    assert_eq!(world.emulator.journal().count(Route::DeleteModel), 1);
}

/// Covers: tunings.get, tunings.cancel
#[tokio::test]
async fn a_dataset_that_is_not_there_fails_the_job() {
    let world = World::new().await;
    let tunings = world.vertex.tunings();
    let dataset = TuningDataset::new().set_gcs_uri("gs://b/none.jsonl");
    let job = in_time(tunings.tune(MODEL, dataset).send())
        .await
        .unwrap()
        .into_body();
    let name = job.name.unwrap();
    world.clock.advance(3600);
    let job = in_time(tunings.get(&name).send())
        .await
        .unwrap()
        .into_body();
    assert_eq!(job.state, Some(JobState::Failed));
    assert!(
        job.error
            .unwrap()
            .message
            .unwrap()
            .contains("gs://b/none.jsonl")
    );
    let error = in_time(tunings.cancel(&name).send()).await.unwrap_err();
    assert_eq!(error.status().map(|status| status.as_u16()), Some(400));
}

/// Covers: tunings.validate_reward
#[tokio::test]
async fn a_reward_is_really_computed() {
    let world = World::new().await;
    let reward: SingleReinforcementTuningRewardConfig = serde_json::from_value(json!({
        "rewardName": "answer",
        "stringMatchRewardScorer": {
            "correctAnswerReward": 2,
            "stringMatchExpression": {
                "matchOperation": "REGEX_CONTAINS", "expression": "\\b4\\b"
            },
        },
    }))
    .unwrap();
    for (answer, expected) in [("It is 4.", 2.0), ("It is 44.", 0.0)] {
        let example = ReinforcementTuningExample::new().set_contents(["2 + 2?"]);
        let call = world
            .vertex
            .tunings()
            .validate_reward(Content::model(answer), example)
            .set_reward_config(reward.clone());
        let verdict = in_time(call.send()).await.unwrap().into_body();
        assert_eq!(verdict.overall_reward, Some(expected));
        assert_eq!(verdict.reward_info_details["answer"].reward, Some(expected));
    }
}
