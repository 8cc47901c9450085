//! What the REST client says of runs and checkpoints, and does to checkpoints.

use gimmal_api::tinker::{ListQuery, ListTrainingRuns, Page};
use gimmal_client::types::tinker::{
    AccessScope, Checkpoint, CheckpointType, CopyWeightsRequest, TrainingRun,
};

use super::support::{Bench, MODEL};

fn ids(runs: &[TrainingRun]) -> Vec<&str> {
    runs.iter()
        .map(|run| run.training_run_id.as_str())
        .collect()
}

fn names(checkpoints: &[Checkpoint]) -> Vec<&str> {
    let names = checkpoints.iter();
    names.map(|one| one.checkpoint_id.as_str()).collect()
}

/// Covers: RestClient.list_training_runs, RestClient.get_training_run,
/// RestClient.get_training_run_by_tinker_path, tinker.training_runs.list, tinker.training_runs.get
#[tokio::test]
async fn runs_are_listed_in_pages_and_found_by_what_they_saved() {
    let bench = Bench::start().await;
    let rest = bench.service.create_rest_client();
    let first = bench.training().await;
    let second = bench.training().await;
    let saved = second.save_state("a").await.unwrap();
    let all = rest
        .list_training_runs(&ListTrainingRuns::default())
        .await
        .unwrap();
    assert_eq!(
        ids(&all.training_runs),
        [second.model_id(), first.model_id()]
    );
    let page = ListQuery::new(Page::new(1, 1), AccessScope::Accessible);
    let page = rest
        .list_training_runs(&ListTrainingRuns::new(page))
        .await
        .unwrap();
    assert_eq!(ids(&page.training_runs), [first.model_id()]);
    assert_eq!((page.cursor.offset, page.cursor.total_count), (1, 2));
    let other = ListTrainingRuns::default().with_project_id("nobody's");
    assert!(
        rest.list_training_runs(&other)
            .await
            .unwrap()
            .training_runs
            .is_empty()
    );

    let run = rest
        .get_training_run(second.model_id(), AccessScope::Owned)
        .await
        .unwrap();
    assert_eq!((run.base_model.as_str(), run.lora_rank), (MODEL, Some(4)));
    assert_eq!(
        run.last_checkpoint.as_ref().unwrap().tinker_path,
        saved.path
    );
    let path = saved.path.as_str();
    let same = rest
        .get_training_run_by_tinker_path(path, AccessScope::Accessible)
        .await;
    assert_eq!(same.unwrap(), run);
    let missing = rest.get_training_run("nobody", AccessScope::Owned).await;
    assert_eq!(missing.unwrap_err().status().unwrap(), 404);
    let bad = rest
        .get_training_run_by_tinker_path("nobody", AccessScope::Owned)
        .await;
    assert_eq!(bad.unwrap_err().field(), Some("tinker_path"));
}

/// Covers: RestClient.list_checkpoints, RestClient.list_user_checkpoints,
/// RestClient.delete_checkpoint, RestClient.delete_checkpoint_from_tinker_path,
/// tinker.checkpoints.list, tinker.checkpoints.list_of_run, tinker.checkpoints.delete
#[tokio::test]
async fn checkpoints_are_listed_and_deleted() {
    let bench = Bench::start().await;
    let rest = bench.service.create_rest_client();
    let training = bench.training().await;
    training.save_state("a").await.unwrap();
    training.save_weights_for_sampler("b").await.unwrap();
    let external = training.save_weights_external("c").await.unwrap();
    bench.training().await.save_state("d").await.unwrap();

    let run = training.model_id();
    let of_run = rest.list_checkpoints(run).await.unwrap().checkpoints;
    let mut listed = names(&of_run);
    listed.sort_unstable();
    assert_eq!(
        listed,
        ["external_weights/c", "sampler_weights/b", "weights/a"]
    );
    let sampler = of_run
        .iter()
        .find(|one| one.checkpoint_id == "sampler_weights/b");
    assert_eq!(sampler.unwrap().checkpoint_type, CheckpointType::Sampler);
    assert!(
        of_run
            .iter()
            .all(|one| one.size_bytes.is_some_and(|size| size > 0))
    );

    let all = rest.list_user_checkpoints(2, 0).await.unwrap();
    assert_eq!(all.checkpoints.len(), 2);
    assert_eq!(all.cursor.unwrap().total_count, 4);
    assert_eq!(
        rest.list_user_checkpoints(10, 3)
            .await
            .unwrap()
            .checkpoints
            .len(),
        1
    );

    rest.delete_checkpoint(run, "weights/a").await.unwrap();
    rest.delete_checkpoint_from_tinker_path(&external.path)
        .await
        .unwrap();
    let left = rest.list_checkpoints(run).await.unwrap().checkpoints;
    assert_eq!(names(&left), ["sampler_weights/b"]);
    let gone = rest.delete_checkpoint(run, "weights/a").await.unwrap_err();
    assert_eq!(gone.status().unwrap(), 404);
    let none = rest.list_checkpoints("").await.unwrap_err();
    assert_eq!(none.field(), Some("training_run_id"));
}

/// Covers: RestClient.publish_checkpoint_from_tinker_path,
/// RestClient.unpublish_checkpoint_from_tinker_path,
/// RestClient.set_checkpoint_ttl_from_tinker_path, tinker.checkpoints.publish,
/// tinker.checkpoints.unpublish, tinker.checkpoints.set_ttl
#[tokio::test]
async fn checkpoints_are_published_and_given_an_end() {
    let bench = Bench::start().await;
    let rest = bench.service.create_rest_client();
    let training = bench.training().await;
    let path = training.save_state("a").await.unwrap().path;
    let known = async || {
        let listed = rest.list_checkpoints(training.model_id()).await.unwrap();
        listed.checkpoints.into_iter().next().unwrap()
    };
    assert!(!known().await.public && known().await.expires_at.is_none());
    rest.publish_checkpoint_from_tinker_path(&path)
        .await
        .unwrap();
    assert!(known().await.public);
    let again = rest.publish_checkpoint_from_tinker_path(&path).await;
    assert_eq!(again.unwrap_err().status().unwrap(), 409);
    rest.unpublish_checkpoint_from_tinker_path(&path)
        .await
        .unwrap();
    assert!(!known().await.public);

    rest.set_checkpoint_ttl_from_tinker_path(&path, Some(7_200))
        .await
        .unwrap();
    let saved = known().await;
    assert!(saved.expires_at.unwrap() > saved.time);
    rest.set_checkpoint_ttl_from_tinker_path(&path, None)
        .await
        .unwrap();
    assert!(known().await.expires_at.is_none());
    let refused = rest
        .set_checkpoint_ttl_from_tinker_path("weights/a", None)
        .await;
    assert_eq!(refused.unwrap_err().field(), Some("tinker_path"));
}

/// Covers: RestClient.get_weights_info_by_tinker_path, RestClient.copy_weights,
/// RestClient.get_external_weights_urls, tinker.weights.info, tinker.weights.copy,
/// tinker.weights.save_external, tinker.checkpoints.external_weights_urls
#[tokio::test]
async fn weights_are_described_copied_and_handed_out() {
    let bench = Bench::start().await;
    let rest = bench.service.create_rest_client();
    let training = bench.training().await;
    let path = training.save_state("a").await.unwrap().path;
    let info = rest.get_weights_info_by_tinker_path(&path).await.unwrap();
    assert_eq!((info.base_model.as_str(), info.lora_rank), (MODEL, Some(4)));
    assert_eq!(info.train_mlp, Some(true));

    let request = CopyWeightsRequest::new().set_source_path(path.as_str());
    let nowhere = rest.copy_weights(request.clone()).await.unwrap_err();
    assert_eq!(nowhere.field(), Some("destination_project_id"));
    let copy = request.set_destination_project_id("project");
    let copy = rest.copy_weights(copy).await.unwrap();
    assert_ne!(copy, path);
    let same = rest.get_weights_info_by_tinker_path(&copy).await.unwrap();
    assert_eq!(same.lora_rank, Some(4));

    let external = training.save_weights_external("e").await.unwrap().path;
    let found = rest.get_external_weights_urls(&external).await.unwrap();
    assert!(found.urls.contains_key("adapter_config.json"));
    let refused = rest.get_external_weights_urls(&path).await.unwrap_err();
    assert_eq!(refused.field(), Some("tinker_path"));
}
