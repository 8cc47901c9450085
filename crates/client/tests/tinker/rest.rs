//! What is kept on the server, looked at and changed.

use std::time::{Duration, SystemTime};

use gimmal_client::api::tinker::{AuditQuery, ListQuery, ListTrainingRuns};
use gimmal_client::tinker::{RestClient, TrainingClient};
use gimmal_client::types::Timestamp;
use gimmal_client::types::tinker::{
    AccessScope, BillingEventInfo, Checkpoint, Datum, GetBillingUsageRequest,
    GetCurrentCheckpointStorageUsageRequest, LossFnType, ModelInput,
};

use super::support::{Bench, MODEL};

const HOUR: u64 = 3_600;

fn data() -> Vec<Datum> {
    vec![Datum::new(ModelInput::from_ints([1, 2])).with_input("target_tokens", vec![2_i64, 3])]
}

async fn checkpoints(rest: &RestClient, training: &TrainingClient) -> Vec<Checkpoint> {
    let listed = rest.list_checkpoints(training.model_id()).await.unwrap();
    listed.checkpoints
}

/// Covers: RestClient.list_checkpoints, RestClient.list_user_checkpoints,
/// RestClient.delete_checkpoint, RestClient.delete_checkpoint_from_tinker_path,
/// RestClient.get_weights_info_by_tinker_path
#[tokio::test]
async fn checkpoints_are_listed_described_and_deleted() {
    let bench = Bench::start().await;
    let (training, rest) = (bench.training().await, bench.service.create_rest_client());
    let mut paths = Vec::new();
    for name in ["a", "b", "c"] {
        paths.push(training.save_state(name).await.unwrap().path);
    }
    let mut ids: Vec<String> = checkpoints(&rest, &training)
        .await
        .into_iter()
        .map(|checkpoint| checkpoint.checkpoint_id)
        .collect();
    ids.sort();
    assert_eq!(ids, ["weights/a", "weights/b", "weights/c"]);
    let page = rest.list_user_checkpoints(2, 1).await.unwrap();
    assert_eq!(
        (page.checkpoints.len(), page.cursor.unwrap().total_count),
        (2, 3)
    );
    let info = rest
        .get_weights_info_by_tinker_path(&paths[0])
        .await
        .unwrap();
    assert_eq!((info.base_model.as_str(), info.lora_rank), (MODEL, Some(4)));

    rest.delete_checkpoint(training.model_id(), "weights/a")
        .await
        .unwrap();
    rest.delete_checkpoint_from_tinker_path(&paths[1])
        .await
        .unwrap();
    let left = checkpoints(&rest, &training).await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].tinker_path, paths[2]);
    let gone = rest
        .delete_checkpoint(training.model_id(), "weights/a")
        .await;
    assert_eq!(gone.unwrap_err().status().unwrap(), 404);
}

/// Covers: RestClient.publish_checkpoint_from_tinker_path,
/// RestClient.unpublish_checkpoint_from_tinker_path,
/// RestClient.set_checkpoint_ttl_from_tinker_path
#[tokio::test]
async fn a_checkpoint_is_published_and_kept_for_a_while() {
    let bench = Bench::start().await;
    let (training, rest) = (bench.training().await, bench.service.create_rest_client());
    let path = training.save_state("a").await.unwrap().path;
    rest.publish_checkpoint_from_tinker_path(&path)
        .await
        .unwrap();
    assert!(checkpoints(&rest, &training).await[0].public);
    rest.unpublish_checkpoint_from_tinker_path(&path)
        .await
        .unwrap();
    assert!(!checkpoints(&rest, &training).await[0].public);

    let keep = |seconds| rest.set_checkpoint_ttl_from_tinker_path(&path, seconds);
    keep(Some(2 * HOUR)).await.unwrap();
    assert!(checkpoints(&rest, &training).await[0].expires_at.is_some());
    keep(None).await.unwrap();
    assert!(checkpoints(&rest, &training).await[0].expires_at.is_none());
}

/// Covers: TrainingClient.load_state, TrainingClient.load_state_with_optimizer
#[tokio::test]
async fn a_state_is_loaded_with_and_without_the_optimizer() {
    let bench = Bench::start().await;
    let training = bench.training().await;
    let path = training.save_state("a").await.unwrap().path;
    let loaded = training.load_state(path.as_str()).await.unwrap();
    assert_eq!(loaded.path.as_deref(), Some(path.as_str()));
    training
        .load_state_with_optimizer(path.as_str())
        .await
        .unwrap();
    let loads = bench.emulator.tinker().applied();
    let loads: Vec<&str> = loads.iter().rev().take(2).map(|it| it.call).collect();
    assert_eq!(loads, ["load_weights", "load_weights"]);
}

/// Covers: APIFuture.result, APIFuture.future, APIFuture.coroutine
#[tokio::test]
async fn what_was_handed_in_is_waited_for_elsewhere() {
    let bench = Bench::start().await;
    let training = bench.training().await;
    let pass = training.forward_backward(data(), LossFnType::CrossEntropy);
    let elsewhere = tokio::spawn(pass.submit().await.unwrap().boxed());
    let output = elsewhere.await.unwrap().unwrap();
    assert_eq!(output.loss_fn_outputs.len(), 1);
}

/// Covers: RestClient.list_training_runs, RestClient.get_training_run,
/// RestClient.get_training_run_by_tinker_path, RestClient.list_sessions, RestClient.get_session
#[tokio::test]
async fn runs_and_sessions_are_those_in_reach() {
    let bench = Bench::start().await;
    let training = bench.training().await;
    let path = training.save_state("a").await.unwrap().path;
    let rest = bench.service.create_rest_client();
    let query = ListTrainingRuns::default()
        .with_limit(5)
        .with_offset(0)
        .with_access_scope(AccessScope::Accessible);
    let runs = rest.list_training_runs(&query).await.unwrap().training_runs;
    assert_eq!(runs.len(), 1);
    let past = rest
        .list_training_runs(&query.with_offset(1))
        .await
        .unwrap();
    assert!(past.training_runs.is_empty());
    let run = rest.get_training_run(training.model_id(), AccessScope::Owned);
    assert_eq!(run.await.unwrap(), runs[0]);
    let run = rest.get_training_run_by_tinker_path(&path, AccessScope::Owned);
    assert_eq!(run.await.unwrap().training_run_id, training.model_id());
    let query = ListQuery::default().with_limit(1).with_offset(0);
    let sessions = rest.list_sessions(&query).await.unwrap().sessions;
    assert_eq!(sessions, [bench.service.session_id().await.unwrap()]);
    let session = rest
        .get_session(&sessions[0], AccessScope::Owned)
        .await
        .unwrap();
    assert_eq!(session.training_run_ids, [training.model_id()]);
}

/// Covers: AdminClient.get_audit_log, AdminClient.get_billing_usage,
/// AdminClient.get_current_checkpoint_storage_usage
#[tokio::test]
async fn an_administrator_sees_what_was_done_and_what_it_costs() {
    let bench = Bench::start().await;
    let training = bench.training().await;
    training
        .forward_backward(data(), LossFnType::CrossEntropy)
        .await
        .unwrap();
    let path = training.save_state("a").await.unwrap().path;
    let rest = bench.service.create_rest_client();
    rest.publish_checkpoint_from_tinker_path(&path)
        .await
        .unwrap();
    let admin = bench.service.create_admin_client();
    let log = admin
        .get_audit_log(&AuditQuery::new("checkpoints"))
        .await
        .unwrap();
    let events: Vec<String> = log.entries.into_iter().map(|entry| entry.event).collect();
    assert_eq!(events, ["checkpoint.create", "checkpoint.publish"]);

    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap();
    let hour = now.as_secs() / HOUR;
    let at = |hour: u64| {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(HOUR * hour);
        Timestamp::try_from(time).unwrap()
    };
    let span = GetBillingUsageRequest::new()
        .set_starting_on(at(hour))
        .set_ending_before(at(hour + 2));
    let usage = admin.get_billing_usage(&span).await.unwrap().data;
    let trained = usage.iter().find_map(|event| match &event.event_info {
        BillingEventInfo::Training(training) => Some(training.token_count),
        _ => None,
    });
    assert_eq!(trained, Some(2));
    let all = GetCurrentCheckpointStorageUsageRequest::new();
    let storage = admin
        .get_current_checkpoint_storage_usage(&all)
        .await
        .unwrap();
    assert_eq!(storage.data[0].checkpoint_count, 1);
}
