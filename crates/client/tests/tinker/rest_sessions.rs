//! What the REST client says of sessions and samplers, and the admin client of bills and deeds.

use gimmal_api::tinker::{AuditQuery, ListQuery, Page};
use gimmal_client::tinker::ServiceClient;
use gimmal_client::types::Timestamp;
use gimmal_client::types::tinker::{
    AccessScope, BillingEventInfo, GetBillingUsageRequest, GetCurrentCheckpointStorageUsageRequest,
    SessionSearchRequest,
};

use super::support::{Bench, KEY, MODEL};

/// Covers: RestClient.list_sessions, RestClient.get_session, RestClient.search_sessions,
/// RestClient.assign_session_project, tinker.sessions.list, tinker.sessions.get,
/// tinker.sessions.search, tinker.sessions.assign_project
#[tokio::test]
async fn sessions_are_listed_found_and_moved() {
    let bench = Bench::start().await;
    let rest = bench.service.create_rest_client();
    let training = bench.training().await;
    let first = bench.service.session_id().await.unwrap();
    let named = ServiceClient::builder()
        .with_api_key(KEY)
        .with_base_url(bench.emulator.base_url())
        .with_display_name("a night of training")
        .build()
        .unwrap();
    let second = named.session_id().await.unwrap();

    let all = rest
        .list_sessions(&ListQuery::default())
        .await
        .unwrap()
        .sessions;
    assert_eq!(all.len(), 2);
    assert!(all.contains(&first) && all.contains(&second));
    let page = ListQuery::new(Page::new(1, 1), AccessScope::Accessible);
    let page = rest.list_sessions(&page).await.unwrap().sessions;
    assert_eq!(page, all[1..]);

    let known = rest.get_session(&first, AccessScope::Owned).await.unwrap();
    assert_eq!(known.training_run_ids, [training.model_id()]);
    let missing = rest.get_session("nobody", AccessScope::Owned).await;
    assert_eq!(missing.unwrap_err().status().unwrap(), 404);

    let search = SessionSearchRequest::new().set_display_name("NIGHT");
    let found = rest.search_sessions(&search).await.unwrap().sessions;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].session_id, second);
    rest.assign_session_project(&second, "moon").await.unwrap();
    let moved = rest
        .search_sessions(&search.set_project_ids(vec!["moon".to_owned()]))
        .await;
    assert_eq!(moved.unwrap().sessions[0].project_id, "moon");
}

/// Covers: RestClient.get_sampler, RestClient.get_server_capabilities,
/// RestClient.export_session_trace, tinker.sampling.get_sampler,
/// tinker.service.get_server_capabilities, tinker.sessions.export_trace
#[tokio::test]
async fn samplers_models_and_traces_are_told_of() {
    let bench = Bench::start().await;
    let rest = bench.service.create_rest_client();
    let models = rest
        .get_server_capabilities()
        .await
        .unwrap()
        .supported_models;
    assert!(
        models
            .iter()
            .any(|model| model.model_name.as_deref() == Some(MODEL))
    );
    let opening = bench.service.create_sampling_client();
    opening.set_base_model(MODEL).await.unwrap();
    let session = bench.service.session_id().await.unwrap();
    let known = rest
        .get_session(&session, AccessScope::Owned)
        .await
        .unwrap();
    let sampler = rest.get_sampler(&known.sampler_ids[0]).await.unwrap();
    assert_eq!(
        (sampler.base_model.as_str(), sampler.model_path),
        (MODEL, None)
    );
    let missing = rest.get_sampler("nobody").await.unwrap_err();
    assert_eq!(missing.status().unwrap(), 404);
    let url = rest.export_session_trace(&session).await.unwrap();
    assert!(url.starts_with(bench.emulator.base_url()), "{url}");
    let missing = rest.export_session_trace("nobody").await.unwrap_err();
    assert_eq!(missing.status().unwrap(), 404);
}

/// Covers: AdminClient.get_audit_log, AdminClient.get_billing_usage,
/// AdminClient.get_current_checkpoint_storage_usage, tinker.admin.audit_log,
/// tinker.admin.billing_usage, tinker.admin.current_checkpoint_storage
#[tokio::test]
async fn administrators_see_bills_and_deeds() {
    let bench = Bench::start().await;
    let (rest, admin) = (
        bench.service.create_rest_client(),
        bench.service.create_admin_client(),
    );
    let path = bench.training().await.save_state("a").await.unwrap().path;
    rest.publish_checkpoint_from_tinker_path(&path)
        .await
        .unwrap();
    let log = admin
        .get_audit_log(&AuditQuery::new("checkpoints"))
        .await
        .unwrap();
    let event = log
        .entries
        .iter()
        .find(|entry| entry.event == "checkpoint.publish");
    assert_eq!(event.unwrap().tinker_path.as_deref(), Some(path.as_str()));
    let another_day = AuditQuery::default().with_day("2000-01-01");
    assert!(
        admin
            .get_audit_log(&another_day)
            .await
            .unwrap()
            .entries
            .is_empty()
    );

    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let span = |from: &str, before: &str| {
        let request = GetBillingUsageRequest::new().set_starting_on(at(from));
        request.set_ending_before(at(before))
    };
    let usage = span("2000-01-01T00:00:00Z", "2200-01-01T00:00:00Z");
    let usage = admin.get_billing_usage(&usage).await.unwrap();
    let saved = usage.data.iter().find_map(|event| match &event.event_info {
        BillingEventInfo::Checkpoint(saved) => Some((event, saved.count)),
        _ => None,
    });
    let (event, count) = saved.unwrap();
    assert_eq!((event.base_model.as_deref(), count), (Some(MODEL), 1));
    assert!(
        usage
            .sessions
            .contains_key(event.session_id.as_deref().unwrap())
    );
    let backwards = span("2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z");
    let refused = admin.get_billing_usage(&backwards).await.unwrap_err();
    assert_eq!(refused.field(), Some("ending_before"));

    let all = GetCurrentCheckpointStorageUsageRequest::new();
    let taken = admin
        .get_current_checkpoint_storage_usage(&all)
        .await
        .unwrap();
    assert_eq!(taken.data[0].checkpoint_count, 1);
    assert!(taken.data[0].size_bytes > 0 && taken.effective_rate_usd_per_gigabyte_month.is_some());
    let other = all.set_project_id("nobody's");
    let none = admin
        .get_current_checkpoint_storage_usage(&other)
        .await
        .unwrap();
    assert!(none.data.is_empty());
}
