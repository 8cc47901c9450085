//! The calls on checkpoints: lists, what is known of them, who may see them, how long they stay, and
//! where their files are.

use std::sync::Arc;

use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use crate::reply::Reply;

use super::{
    downloads,
    paths::{CheckpointKind, CheckpointPath},
    refusal::Refusal,
    requests::{self, read},
    runs,
    service::{Asked, Tinker, ok},
    store::{Note, Run, Saving, Store, expiry},
    time::timestamp,
    training::{broken, checked_ttl},
};

pub(crate) use super::downloads::download;

pub(crate) fn of_run(tinker: &Arc<Tinker>, asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let run = runs::find(tinker, asked)?;
    let found = sorted(tinker, |path| path.run == run.id);
    ok(&json!({"checkpoints": found.iter().map(|(p, n)| shown(p, n)).collect::<Vec<_>>()}))
}

pub(crate) fn list(tinker: &Arc<Tinker>, asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let (offset, limit) = asked.page(100)?;
    let runs = tinker.store.runs();
    let mine = |run: &&Run| run.owner == asked.identity.owner;
    let mine: Vec<&str> = runs
        .iter()
        .filter(mine)
        .map(|run| run.id.as_str())
        .collect();
    let found = sorted(tinker, |path| mine.contains(&path.run.as_str()));
    let page = found.iter().skip(offset).take(limit);
    ok(&json!({
        "checkpoints": page.map(|(path, note)| shown(path, note)).collect::<Vec<_>>(),
        "cursor": { "offset": offset, "limit": limit, "total_count": found.len() },
    }))
}

pub(crate) fn info(tinker: &Arc<Tinker>, asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let request: requests::OfPath = read(asked.json())?;
    let (_, run, _) = readable(tinker, asked, &request.tinker_path, None)?;
    ok(&json!({
        "base_model": run.base_model, "optimizer_config": run.optimizer, "is_lora": true,
        "lora_rank": run.rank, "train_unembed": run.unembed, "train_mlp": run.mlp,
        "train_attn": run.attn,
    }))
}

pub(crate) fn copy(tinker: &Arc<Tinker>, asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let request: requests::CopyWeights = read(asked.json())?;
    let token = asked
        .header("x-tinker-weights-access-token")
        .or(request.weights_access_token.as_deref());
    let (path, run, _) = readable(tinker, asked, &request.source_path, token)?;
    let ttl_seconds = checked_ttl(request.ttl_seconds)?;
    let (id, project) = match (request.session_id, request.model_seq_id) {
        (Some(session), Some(number)) => {
            let session = tinker.sessions.open(&session)?;
            (format!("{}:train:{number}", session.id), session.project)
        }
        _ => {
            let project = request.destination_project_id.ok_or_else(|| {
                Refusal::invalid("destination_project_id", "is missing, and so is session_id")
            })?;
            let n = tinker.store.next_session().map_err(broken)?;
            (format!("copy-{n}:train:0"), project)
        }
    };
    let snapshot = tinker
        .store
        .load(&path)
        .map_err(|problem| Refusal::bad_request(problem.message))?;
    let copied = Run {
        id: id.clone(),
        owner: asked.identity.owner.clone(),
        project,
        last_request: timestamp(asked.now),
        ..run
    };
    let target = CheckpointPath {
        run: id,
        ..path.clone()
    };
    if tinker.store.checkpoint(&target).is_none() {
        tinker.store.add_run(&copied).map_err(broken)?;
        let saving = Saving {
            ttl_seconds,
            ..Saving::default()
        };
        tinker
            .store
            .save(&target, &copied, &snapshot, &saving, asked.now)
            .map_err(broken)?;
        note_down(tinker, asked, "checkpoint.copy", &target);
    }
    ok(&json!({"tinker_path": target.to_string()}))
}

pub(crate) fn delete(tinker: &Arc<Tinker>, asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let path = own(tinker, asked)?;
    if !tinker.store.delete(&path).map_err(broken)? {
        return Err(missing(&path));
    }
    note_down(tinker, asked, "checkpoint.delete", &path);
    ok(&json!({}))
}

pub(crate) fn publish(
    tinker: &Arc<Tinker>,
    asked: &Asked<'_>,
    public: bool,
) -> Result<Reply, Refusal> {
    let path = own(tinker, asked)?;
    let before = tinker
        .store
        .change(&path, |note| std::mem::replace(&mut note.public, public))
        .ok_or_else(|| missing(&path))?
        .map_err(broken)?;
    if before == public {
        let word = if public { "public" } else { "private" };
        return Err(Refusal::conflict(format!("{path} is {word} already")));
    }
    let event = if public {
        "checkpoint.publish"
    } else {
        "checkpoint.unpublish"
    };
    note_down(tinker, asked, event, &path);
    ok(&json!({}))
}

pub(crate) fn set_ttl(tinker: &Arc<Tinker>, asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let request: requests::SetTtl = read(asked.json())?;
    let expires = checked_ttl(request.ttl_seconds)?.map(|seconds| expiry(asked.now, seconds));
    let path = own(tinker, asked)?;
    tinker
        .store
        .change(&path, |note| note.expires = expires)
        .ok_or_else(|| missing(&path))?
        .map_err(broken)?;
    note_down(tinker, asked, "checkpoint.set_ttl", &path);
    ok(&json!({}))
}

pub(crate) fn urls(tinker: &Arc<Tinker>, asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let path = own(tinker, asked)?;
    if path.kind != CheckpointKind::External {
        return Err(Refusal::bad_request(format!(
            "{path} has no files to hand out: save_weights_external makes those that have"
        )));
    }
    if tinker.store.checkpoint(&path).is_none() {
        return Err(missing(&path));
    }
    let files = Store::files().into_iter().map(|file| {
        let url = downloads::url(tinker, asked, &format!("{}/{}/{file}", path.run, path.id()));
        (file.to_owned(), Value::String(url))
    });
    ok(&json!({
        "urls": files.collect::<serde_json::Map<_, _>>(),
        "expires": timestamp(asked.now + downloads::LIFETIME),
    }))
}

/// Leads to an archive of the checkpoint's files.
pub(crate) fn archive(tinker: &Arc<Tinker>, asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let path = own(tinker, asked)?;
    if tinker.store.checkpoint(&path).is_none() {
        return Err(missing(&path));
    }
    let url = downloads::url(
        tinker,
        asked,
        &format!("{}/{}/archive.tar", path.run, path.id()),
    );
    let mut reply = Reply::text(StatusCode::FOUND, "");
    let place = HeaderValue::try_from(url)
        .map_err(|_| Refusal::bad_request("the path cannot be an address"))?;
    reply.headers.insert(header::LOCATION, place);
    Ok(reply)
}

/// A checkpoint as lists show it.
pub(crate) fn shown(path: &CheckpointPath, note: &Note) -> Value {
    json!({
        "checkpoint_id": path.id(), "checkpoint_type": path.kind.name(), "time": note.time,
        "tinker_path": path.to_string(), "size_bytes": note.size_bytes, "public": note.public,
        "user_metadata": note.metadata, "expires_at": note.expires,
    })
}

/// Checkpoints, the newest first.
fn sorted(
    tinker: &Tinker,
    wanted: impl Fn(&CheckpointPath) -> bool,
) -> Vec<(CheckpointPath, Note)> {
    let mut found = tinker.store.checkpoints(wanted);
    found.sort_by(|a, b| b.1.time.cmp(&a.1.time).then_with(|| a.0.cmp(&b.0)));
    found
}

/// A checkpoint that the caller owns, or that is public, or that the caller has a token for.
fn readable(
    tinker: &Tinker,
    asked: &Asked<'_>,
    address: &str,
    token: Option<&str>,
) -> Result<(CheckpointPath, Run, Note), Refusal> {
    let path = CheckpointPath::parse(address)
        .ok_or_else(|| Refusal::bad_request(format!("{address} is no tinker path")))?;
    let run = tinker.store.run(&path.run).ok_or_else(|| missing(&path))?;
    let note = tinker
        .store
        .checkpoint(&path)
        .ok_or_else(|| missing(&path))?;
    if run.owner != asked.identity.owner && !note.public && token.is_none() {
        return Err(missing(&path));
    }
    Ok((path, run, note))
}

/// The checkpoint of the path, of a run that the caller owns.
fn own(tinker: &Tinker, asked: &Asked<'_>) -> Result<CheckpointPath, Refusal> {
    let path = CheckpointPath::parse_bare(asked.about)
        .ok_or_else(|| Refusal::bad_request(format!("{} is no checkpoint", asked.about)))?;
    let run = tinker.store.run(&path.run).ok_or_else(|| missing(&path))?;
    if run.owner != asked.identity.owner {
        return Err(Refusal::new(
            StatusCode::FORBIDDEN,
            format!("{path} belongs to somebody else"),
        ));
    }
    Ok(path)
}

fn missing(path: &CheckpointPath) -> Refusal {
    Refusal::not_found(format!("there is no checkpoint {path}"))
}

fn note_down(tinker: &Tinker, asked: &Asked<'_>, event: &'static str, path: &CheckpointPath) {
    let details = json!({"tinker_path": path.to_string()});
    let owner = &asked.identity.owner;
    tinker.ledger.audit(owner, event, details, asked.now);
}
