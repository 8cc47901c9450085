//! Lists and lookups without a session, bills and logs.

use std::time::{Duration, SystemTime};

use gimmal_api::tinker::{AuditQuery, ListQuery, ListTrainingRuns, Page};
use gimmal_client::CallOptions;
use gimmal_client::transport::{Request, Transport};
use gimmal_client::types::Timestamp;
use gimmal_client::types::tinker::{
    AccessScope, ActiveSessionStatusQuery, BillingEventInfo, GetBillingUsageRequest,
    GetCurrentCheckpointStorageUsageRequest, SessionSearchRequest, SessionStatusQuery,
};

use super::bench::{BASE, examples, given, greedy, prompt, refused, same, step, train};
use crate::conformance::sdk::ours::{Backend, Bench, Cases};

const HOUR: Duration = Duration::from_secs(3_600);

pub(super) fn add(cases: &mut Cases) {
    let on = Backend::TRAINING;
    cases
        .group(on, "rest.list_training_runs")
        .add("pages", pages);
    cases
        .group(on, "rest.get_training_run_by_tinker_path")
        .add("last_checkpoint", last_checkpoint);
    cases
        .group(on, "rest.sessions")
        .add("listed_and_looked_up", sessions);
    cases
        .group(on, "rest.search_sessions")
        .add("by_name_and_page", searches);
    cases
        .group(on, "rest.assign_session_project")
        .add("runs_follow", assigns);
    cases
        .group(on, "rest.export_session_trace")
        .add("a_file", exports);
    cases
        .group(on, "rest.get_server_capabilities")
        .add("models", models);
    cases
        .group(on, "rest.admin")
        .add("audit_bills_and_storage", administers);
    cases
        .group(on, "rest.access_scope")
        .add("of_others", of_others);
}

async fn pages(bench: Bench) -> anyhow::Result<()> {
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(bench.train().await?.model_id().to_owned());
    }
    let rest = bench.rest()?;
    let query = ListQuery::new(Page::new(2, 1), AccessScope::Owned);
    let page = rest
        .list_training_runs(&ListTrainingRuns::new(query))
        .await?;
    same((page.training_runs.len(), page.cursor.total_count), (2, 3))?;
    let run = rest.get_training_run(&ids[0], AccessScope::Owned).await?;
    same(run.base_model, BASE)?;
    same((run.is_lora, run.corrupted), (true, false))?;
    let nobody = rest.get_training_run("nobody", AccessScope::Owned).await;
    refused(nobody, 404, "").map(drop)
}

async fn last_checkpoint(bench: Bench) -> anyhow::Result<()> {
    let path = bench.train().await?.save_state("a").await?.path;
    let rest = bench.rest()?;
    let run = rest.get_training_run_by_tinker_path(&path, AccessScope::Owned);
    same(given(run.await?.last_checkpoint)?.tinker_path, path)
}

async fn sessions(bench: Bench) -> anyhow::Result<()> {
    let service = bench.service()?;
    let client = train(&service).await?;
    let sampler = client.save_weights_and_get_sampling_client().await?;
    sampler.sample(prompt([1]), 1, greedy(1)).await?;
    let (session, rest) = (service.session_id().await?, bench.rest()?);
    let listed = rest.list_sessions(&ListQuery::default()).await?.sessions;
    same(listed.contains(&session), true)?;
    let found = rest.get_session(&session, AccessScope::Owned).await?;
    same(found.training_run_ids, [client.model_id()])?;
    let sampler = rest.get_sampler(&found.sampler_ids[0]).await?;
    same(sampler.base_model, BASE)
}

async fn searches(bench: Bench) -> anyhow::Result<()> {
    let notes = [("team".to_owned(), "ice".into())];
    let service = bench
        .setup()
        .with_display_name("Night run")
        .with_user_metadata(notes.into_iter().collect())
        .build()?;
    train(&service).await?;
    let rest = bench.rest()?;
    let notes = [("team".to_owned(), "ice".to_owned())];
    let mut query = SessionSearchRequest::new().set_display_name("night");
    query.user_metadata = notes.into();
    let found = rest.search_sessions(&query).await?.sessions;
    let names: Vec<_> = found
        .iter()
        .filter_map(|it| it.display_name.as_deref())
        .collect();
    same(names, ["Night run"])?;
    service.close("success", None).await?;
    let mut living = SessionSearchRequest::new();
    let active = SessionStatusQuery::Active(ActiveSessionStatusQuery::new());
    living.statuses = Some(vec![active]);
    same(rest.search_sessions(&living).await?.sessions.len(), 0)
}

async fn assigns(bench: Bench) -> anyhow::Result<()> {
    let service = bench.service()?;
    let client = train(&service).await?;
    let (session, rest) = (service.session_id().await?, bench.rest()?);
    rest.assign_session_project(&session, "glacier").await?;
    let query = ListTrainingRuns::new(ListQuery::default()).with_project_id("glacier");
    let runs = rest.list_training_runs(&query).await?.training_runs;
    let ids: Vec<_> = runs.into_iter().map(|run| run.training_run_id).collect();
    same(ids, [client.model_id()])
}

async fn exports(bench: Bench) -> anyhow::Result<()> {
    let service = bench.service()?;
    step(&train(&service).await?, examples(6)).await?;
    let session = service.session_id().await?;
    let url = bench.rest()?.export_session_trace(&session).await?;
    let request = Request::new(http::Method::GET, url.parse()?);
    let transport = Transport::builder().build()?;
    let trace = transport.send(request, &CallOptions::new()).await?;
    let name = b"forward_backward";
    let trace = trace.into_body();
    let mut places = trace.windows(name.len());
    same(places.any(|place| place == name), true)
}

async fn models(bench: Bench) -> anyhow::Result<()> {
    let found = bench.rest()?.get_server_capabilities().await?;
    let models = found.supported_models.into_iter();
    let names: Vec<_> = models.filter_map(|model| model.model_name).collect();
    same(names.iter().any(|name| name == BASE), true)
}

async fn administers(bench: Bench) -> anyhow::Result<()> {
    let client = bench.train().await?;
    step(&client, examples(6)).await?;
    let path = client.save_state("a").await?.path;
    let rest = bench.rest()?;
    rest.publish_checkpoint_from_tinker_path(&path).await?;
    let admin = bench.service()?.create_admin_client();
    let log = admin.get_audit_log(&AuditQuery::new("checkpoints")).await?;
    let events: Vec<_> = log.entries.into_iter().map(|it| it.event).collect();
    same(events, ["checkpoint.create", "checkpoint.publish"])?;

    let hour = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)?
        .as_secs()
        / 3_600;
    let hour = SystemTime::UNIX_EPOCH + Duration::from_secs(3_600 * hour);
    let span = GetBillingUsageRequest::new()
        .set_starting_on(Timestamp::try_from(hour)?)
        .set_ending_before(Timestamp::try_from(hour + 2 * HOUR)?);
    let usage = admin.get_billing_usage(&span).await?.data;
    let trained = usage.iter().find_map(|event| match &event.event_info {
        BillingEventInfo::Training(training) => Some(training.token_count),
        _ => None,
    });
    same(trained, Some(24))?;
    let all = GetCurrentCheckpointStorageUsageRequest::new();
    let storage = admin.get_current_checkpoint_storage_usage(&all).await?;
    same(storage.data[0].checkpoint_count, 1)
}

async fn of_others(bench: Bench) -> anyhow::Result<()> {
    bench.train().await?;
    let other = bench.setup().with_api_key("tml-somebody-else").build()?;
    let rest = other.create_rest_client();
    let count = async |scope| {
        let query = ListTrainingRuns::new(ListQuery::new(Page::default(), scope));
        anyhow::Ok(rest.list_training_runs(&query).await?.training_runs.len())
    };
    same(count(AccessScope::Owned).await?, 0)?;
    same(count(AccessScope::Accessible).await?, 1)
}
