//! The calls around the work: configuration, keys and tokens, what is served, the audit log, bills and
//! telemetry.

use std::sync::Arc;

use jiff::{Timestamp, civil::Date};
use serde_json::{Value, json};

use crate::{reply::Reply, route::TinkerCall};

use super::{
    auth,
    ledger::RATE_PER_GIGABYTE_MONTH,
    refusal::Refusal,
    requests::{self, read},
    service::{Asked, Tinker, lock, ok},
};

pub(crate) fn config(tinker: &Arc<Tinker>, asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let _: requests::ConfigRequest = read(asked.json())?;
    let flags = lock(&tinker.flags);
    let flags = match asked.call {
        TinkerCall::DynamicConfig => &flags.1,
        _ => &flags.0,
    };
    ok(&Value::Object(flags.clone()))
}

pub(crate) fn exchange(tinker: &Arc<Tinker>, asked: &Asked<'_>) -> Result<Reply, Refusal> {
    ok(&json!({"jwt": tinker.keys.issue(asked.identity, asked.now)}))
}

pub(crate) fn own_key(asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let owner = &asked.identity.owner;
    let number = u32::from_str_radix(owner.get(..6).unwrap_or_default(), 16).unwrap_or(1);
    ok(&json!({
        "key_id": number, "name": "emulator", "note": "a key of the emulator",
        "details": {
            "org_details": { "name": "Emulator" }, "user_details": { "email": auth::email(owner) },
        },
    }))
}

pub(crate) fn delete_own_key(tinker: &Arc<Tinker>, asked: &Asked<'_>) -> Result<Reply, Refusal> {
    tinker.keys.revoke(asked.identity);
    ok(&json!({}))
}

pub(crate) fn capabilities(tinker: &Arc<Tinker>) -> Result<Reply, Refusal> {
    let models = tinker.settings.models.iter().map(|model| {
        json!({
            "model_name": model.name, "max_context_length": model.context, "trainable": true,
            "sampleable": true,
        })
    });
    ok(&json!({"supported_models": models.collect::<Vec<_>>()}))
}

pub(crate) fn audit(tinker: &Arc<Tinker>, asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let family = asked.query("event_type").unwrap_or("all");
    if !["all", "checkpoints", "projects", "teams", "organizations"].contains(&family) {
        return Err(Refusal::invalid("event_type", "is no kind of events"));
    }
    let day: Option<Date> = asked
        .query("day")
        .map(str::parse)
        .transpose()
        .map_err(|_| Refusal::invalid("day", "must be a date like 2026-01-31"))?;
    let owner = &asked.identity.owner;
    ok(&json!({"entries": tinker.ledger.audited(owner, family, day)}))
}

pub(crate) fn billing(tinker: &Arc<Tinker>, asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let time = |name: &str| -> Result<Timestamp, Refusal> {
        let text = asked
            .query(name)
            .ok_or_else(|| Refusal::invalid(name, "is missing"))?;
        text.parse()
            .map_err(|_| Refusal::invalid(name, "must be a time of RFC 3339"))
    };
    let (from, before) = (time("starting_on")?, time("ending_before")?);
    if from >= before {
        return Err(Refusal::invalid(
            "ending_before",
            "must come after starting_on",
        ));
    }
    let bills = tinker.ledger.bills(&asked.identity.owner, from, before);
    let sessions = bills.iter().filter_map(|bill| bill["session_id"].as_str());
    let sessions: serde_json::Map<String, Value> = sessions
        .filter_map(|id| tinker.sessions.get(id).ok())
        .map(|session| {
            (
                session.id.clone(),
                json!({"user_metadata": session.texts()}),
            )
        })
        .collect();
    ok(&json!({
        "data": bills, "sessions": sessions, "cost_data_through": super::time::timestamp(asked.now),
    }))
}

pub(crate) fn storage(tinker: &Arc<Tinker>, asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let (owner, wanted) = (&asked.identity.owner, asked.query("project_id"));
    let runs = tinker.store.runs();
    let mine = runs.iter().filter(|run| run.owner == *owner);
    let mut projects: Vec<&str> = mine.clone().map(|run| run.project.as_str()).collect();
    projects.sort_unstable();
    projects.dedup();
    projects.retain(|project| wanted.is_none_or(|wanted| wanted == *project));
    let rows = projects.into_iter().map(|project| {
        let of_project: Vec<&str> = mine
            .clone()
            .filter(|run| run.project == project)
            .map(|run| run.id.as_str())
            .collect();
        let found = tinker
            .store
            .checkpoints(|path| of_project.contains(&path.run.as_str()));
        let bytes: u64 = found.iter().map(|(_, note)| note.size_bytes).sum();
        let gigabytes = bytes as f64 / 1e9;
        json!({
            "project_id": project, "org_user_urn": auth::user_urn(owner),
            "user_email": auth::email(owner), "user_name": auth::email(owner),
            "checkpoint_count": found.len(), "size_bytes": bytes, "size_gigabytes": gigabytes,
            "estimated_monthly_cost_usd": gigabytes * RATE_PER_GIGABYTE_MONTH,
        })
    });
    ok(&json!({
        "effective_rate_usd_per_gigabyte_month": RATE_PER_GIGABYTE_MONTH,
        "data": rows.collect::<Vec<_>>(),
    }))
}

pub(crate) fn telemetry(tinker: &Arc<Tinker>, asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let batch: requests::TelemetryBatch = read(asked.json())?;
    let timed = |event: &Value| event["event"].is_string() && event["event_id"].is_string();
    if !batch.events.iter().all(timed) {
        return Err(Refusal::invalid(
            "events",
            "must have an event and an event_id each",
        ));
    }
    lock(&tinker.telemetry).extend(asked.json().cloned());
    ok(&json!({"status": "accepted"}))
}
