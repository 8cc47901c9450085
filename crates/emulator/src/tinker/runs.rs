//! The calls on sessions and training runs. Making and training models is elsewhere.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::reply::Reply;

use super::{
    checkpoints, downloads,
    ledger::AppliedRequest,
    paths::CheckpointKind,
    refusal::Refusal,
    requests::{self, read},
    service::{Asked, Tinker, ok},
    sessions::Session,
    store::Run,
    training::broken,
};

pub(crate) fn create_session(tinker: &Arc<Tinker>, asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let request: requests::CreateSession = read(asked.json())?;
    let n = tinker.store.next_session().map_err(broken)?;
    let id = tinker
        .sessions
        .create(n, &asked.identity.owner, request, asked.now);
    ok(&json!({"type": "create_session", "session_id": id}))
}

pub(crate) fn heartbeat(tinker: &Arc<Tinker>, asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let request: requests::OfSession = read(asked.json())?;
    tinker.sessions.beat(&request.session_id, asked.now)?;
    ok(&json!({"type": "session_heartbeat"}))
}

pub(crate) fn finish_session(tinker: &Arc<Tinker>, asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let request: requests::FinishSession = read(asked.json())?;
    if tinker
        .sessions
        .finish(asked.about, request.reason.kind, request.detail)?
    {
        tinker.close(asked.about);
    }
    ok(&json!({}))
}

pub(crate) fn list_sessions(tinker: &Arc<Tinker>, asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let (offset, limit) = asked.page(20)?;
    let sessions = tinker.sessions.list(asked.scope()?);
    let page = sessions.iter().skip(offset).take(limit);
    ok(&json!({"sessions": page.map(|session| &session.id).collect::<Vec<_>>()}))
}

pub(crate) fn get_session(tinker: &Arc<Tinker>, asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let session = tinker.sessions.get(asked.about)?;
    if asked.scope()?.is_some_and(|owner| owner != session.owner) {
        return Err(Refusal::not_found(format!(
            "there is no session {}",
            asked.about
        )));
    }
    ok(&json!({
        "training_run_ids": session.models, "sampler_ids": session.samplers,
        "user_metadata": session.texts(), "display_name": session.display_name,
        "tags": session.tags,
    }))
}

pub(crate) fn assign_project(tinker: &Arc<Tinker>, asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let request: requests::AssignProject = read(asked.json())?;
    let project = request.project_id.clone();
    tinker
        .sessions
        .change(asked.about, |session| session.project = project)?;
    for mut run in tinker.store.runs() {
        if session_of(&run.id) == asked.about {
            run.project.clone_from(&request.project_id);
            tinker.store.add_run(&run).map_err(broken)?;
        }
    }
    let details = json!({"session_id": asked.about, "project_id": request.project_id});
    let owner = &asked.identity.owner;
    tinker
        .ledger
        .audit(owner, "project.assign", details, asked.now);
    ok(&json!({}))
}

pub(crate) fn export_trace(tinker: &Arc<Tinker>, asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let session = tinker.sessions.get(asked.about)?;
    let url = downloads::url(tinker, asked, &format!("trace/{}", session.id));
    ok(&json!({"status": "ready", "url": url}))
}

pub(crate) fn search_sessions(tinker: &Arc<Tinker>, asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let request: requests::SearchSessions = read(asked.json())?;
    let usage = |session: &Session| {
        let found = tinker
            .store
            .checkpoints(|path| session_of(&path.run) == session.id);
        let bytes = found.iter().map(|(_, note)| note.size_bytes).sum();
        (found.len(), bytes)
    };
    let owner = &asked.identity.owner;
    ok(&tinker.sessions.search(owner, &request, usage)?)
}

pub(crate) fn list_runs(tinker: &Arc<Tinker>, asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let (offset, limit) = asked.page(20)?;
    let (scope, project) = (asked.scope()?, asked.query("project_id"));
    let mut runs = tinker.store.runs();
    runs.retain(|run| {
        scope.is_none_or(|owner| run.owner == owner)
            && project.is_none_or(|project| run.project == project)
    });
    runs.sort_by(|a, b| {
        b.last_request
            .cmp(&a.last_request)
            .then_with(|| b.id.cmp(&a.id))
    });
    let page = runs.iter().skip(offset).take(limit);
    ok(&json!({
        "training_runs": page.map(|run| shown(tinker, run)).collect::<Vec<_>>(),
        "cursor": { "offset": offset, "limit": limit, "total_count": runs.len() },
    }))
}

pub(crate) fn get_run(tinker: &Arc<Tinker>, asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let run = find(tinker, asked)?;
    ok(&shown(tinker, &run))
}

/// The run of the path, if the caller may see it.
pub(crate) fn find(tinker: &Tinker, asked: &Asked<'_>) -> Result<Run, Refusal> {
    let id = asked.about.split('/').next().unwrap_or_default();
    let scope = asked.scope()?;
    let run = tinker.store.run(id);
    run.filter(|run| scope.is_none_or(|owner| run.owner == owner))
        .ok_or_else(|| Refusal::not_found(format!("there is no training run {id}")))
}

fn shown(tinker: &Tinker, run: &Run) -> Value {
    let last = |kind: CheckpointKind| {
        let of_kind = tinker
            .store
            .checkpoints(|path| path.run == run.id && path.kind == kind);
        let last = of_kind.into_iter().max_by_key(|(_, note)| note.time);
        last.map(|(path, note)| checkpoints::shown(&path, &note))
    };
    json!({
        "training_run_id": run.id, "base_model": run.base_model,
        "model_owner": super::auth::user_urn(&run.owner), "is_lora": true,
        "corrupted": run.corrupted, "lora_rank": run.rank,
        "last_request_time": run.last_request,
        "last_checkpoint": last(CheckpointKind::Training),
        "last_sampler_checkpoint": last(CheckpointKind::Sampler),
        "user_metadata": run.metadata,
    })
}

/// The session that a run was made in.
pub(crate) fn session_of(run: &str) -> &str {
    run.split(':').next().unwrap_or_default()
}

/// What was done in a session, for its trace.
pub(crate) fn done_in(
    tinker: &Tinker,
    session: &str,
) -> Vec<(std::time::SystemTime, AppliedRequest)> {
    tinker
        .ledger
        .applied_to(|model| session_of(model) == session)
}
