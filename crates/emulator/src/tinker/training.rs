//! The calls on a model: each is put in its place of the model's order and answered with a future.
//! `work.rs` carries them out.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use prost::Message as _;
use serde_json::{Map, Value, json};

use crate::{reply::Reply, rng};

use super::{
    engine::{Adapter, BaseModel, Problem},
    futures::Outcome,
    lane::{Arrival, Lane},
    paths::{self, CheckpointKind, CheckpointPath},
    refusal::Refusal,
    requests::{self, read},
    service::{Asked, Message, Model, Tinker, lock, ok},
    store::{Run, Saving},
    time::timestamp,
    work::{Load, Work, run},
};

/// Seconds that something may be kept: an hour to ten years.
const TTL_SECONDS: std::ops::RangeInclusive<u64> = 3600..=10 * 366 * 86_400;

pub(crate) fn create_model(tinker: &Arc<Tinker>, asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let request: requests::CreateModel = read(asked.json())?;
    let base = tinker.base_model(&request.base_model)?;
    let lora = request.lora_config;
    let rank = lora.as_ref().map_or(32, |lora| lora.rank);
    if !(1..=1024).contains(&rank) {
        return Err(Refusal::invalid("rank", "must be from 1 to 1024"));
    }
    let seed = lora.as_ref().and_then(|lora| lora.seed);
    let adapter = Adapter {
        rank,
        seed: seed.unwrap_or_else(|| rng::mix(tinker.seed) ^ request.model_seq_id),
        unembed: lora.as_ref().is_none_or(|lora| lora.train_unembed),
        mlp: lora.as_ref().is_none_or(|lora| lora.train_mlp),
        attn: lora.as_ref().is_none_or(|lora| lora.train_attn),
    };
    if !(adapter.unembed || adapter.mlp || adapter.attn) {
        return Err(Refusal::invalid("lora_config", "trains nothing"));
    }
    let plan = Plan {
        session: request.session_id,
        number: request.model_seq_id,
        base,
        adapter,
        optimizer: optimizer(request.optimizer_config)?,
        metadata: texts(request.user_metadata),
    };
    make(tinker, asked, plan, None)
}

pub(crate) fn load_weights(tinker: &Arc<Tinker>, asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let request: requests::LoadWeights = read(asked.json())?;
    let path = CheckpointPath::parse(&request.path)
        .ok_or_else(|| Refusal::bad_request(format!("{} is no tinker path", request.path)))?;
    if path.kind != CheckpointKind::Training {
        return Err(Refusal::bad_request(format!(
            "{path} holds no training weights: load what save_state has saved"
        )));
    }
    let load = Load {
        path,
        optimizer: request.optimizer,
    };
    if let Some(model) = request.model_id {
        let model = tinker.model(&model)?;
        return submit(tinker, asked, &model, request.seq_id, Work::Load(load));
    }
    let (Some(session), Some(number)) = (request.session_id, request.model_seq_id) else {
        return Err(Refusal::invalid(
            "model_id",
            "is missing, and so is session_id or model_seq_id",
        ));
    };
    let run = tinker
        .store
        .run(&load.path.run)
        .filter(|_| tinker.store.checkpoint(&load.path).is_some())
        .ok_or_else(|| Refusal::not_found(format!("there is no checkpoint {}", load.path)))?;
    let may_read = run.owner == asked.identity.owner
        || request.weights_access_token.is_some()
        || tinker
            .store
            .checkpoint(&load.path)
            .is_some_and(|note| note.public);
    if !may_read {
        return Err(Refusal::not_found(format!(
            "there is no checkpoint {}",
            load.path
        )));
    }
    if request
        .base_model
        .as_ref()
        .is_some_and(|base| *base != run.base_model)
    {
        return Err(Refusal::bad_request(format!(
            "{} was trained on {}",
            load.path, run.base_model
        )));
    }
    let optimizer = match request.optimizer_config {
        Some(config) => optimizer(Some(config))?,
        None => run.optimizer.clone(),
    };
    let plan = Plan {
        session,
        number,
        base: tinker.base_model(&run.base_model)?,
        adapter: run.adapter(),
        optimizer,
        metadata: texts(request.user_metadata),
    };
    make(tinker, asked, plan, Some(load))
}

pub(crate) fn get_info(tinker: &Arc<Tinker>, asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let request: requests::OfModel = read(asked.json())?;
    let model = tinker.model(&request.model_id)?;
    let optimizer = tinker.store.run(&model.id).map(|run| run.optimizer);
    ok(&json!({
        "type": "get_info", "model_id": model.id, "is_lora": true,
        "lora_rank": model.adapter.rank, "model_name": model.base.name,
        "optimizer_config": optimizer.unwrap_or_else(|| json!({"type": "adamw"})),
        "model_data": {
            "arch": "ngram", "model_name": model.base.name, "tokenizer_id": model.base.name,
        },
    }))
}

pub(crate) fn unload_model(tinker: &Arc<Tinker>, asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let request: requests::OfModel = read(asked.json())?;
    let model = tinker.model(&request.model_id)?;
    tinker.models().remove(&model.id);
    let id = tinker.new_request();
    tinker.futures.open(&id, &model.session);
    let done = json!({"model_id": model.id, "type": "unload_model"});
    tinker.futures.finish(&id, Outcome::Json(done));
    future(&id, &model.id)
}

pub(crate) fn pass(tinker: &Arc<Tinker>, asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let Message::Pass(request) = asked.message else {
        return Err(Refusal::invalid(
            "",
            "must be protobuf, with content type application/x-protobuf",
        ));
    };
    let model = tinker.model(&request.model_id)?;
    if request.data.is_empty() {
        return Err(Refusal::invalid("data", "must not be empty"));
    }
    let number = u64::try_from(request.seq_id)
        .ok()
        .filter(|number| *number > 0);
    submit(tinker, asked, &model, number, Work::Pass(request.clone()))
}

pub(crate) fn optim_step(tinker: &Arc<Tinker>, asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let request: requests::OptimStep = read(asked.json())?;
    let model = tinker.model(&request.model_id)?;
    submit(
        tinker,
        asked,
        &model,
        request.seq_id,
        Work::Step(request.optim_params),
    )
}

pub(crate) fn save_weights(tinker: &Arc<Tinker>, asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let request: requests::SaveWeights = read(asked.json())?;
    let model = tinker.model(&request.model_id)?;
    check_name(request.path.as_deref())?;
    let saving = Saving {
        ttl_seconds: checked_ttl(request.ttl_seconds)?,
        overwrite: request.overwrite,
        metadata: request.user_metadata,
    };
    let work = Work::Save(CheckpointKind::Training, request.path, saving);
    submit(tinker, asked, &model, request.seq_id, work)
}

pub(crate) fn save_for_sampler(tinker: &Arc<Tinker>, asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let request: requests::SaveForSampler = read(asked.json())?;
    let model = tinker.model(&request.model_id)?;
    let work = match (request.path, request.sampling_session_seq_id) {
        (Some(name), _) => {
            check_name(Some(&name))?;
            let saving = Saving {
                ttl_seconds: checked_ttl(request.ttl_seconds)?,
                overwrite: false,
                metadata: request.user_metadata,
            };
            Work::Save(CheckpointKind::Sampler, Some(name), saving)
        }
        (None, Some(number)) => {
            let sampler = format!("{}:sample:{number}", model.session);
            Work::Sampler(sampler, request.kind)
        }
        (None, None) => {
            let why = "is missing, and so is sampling_session_seq_id";
            return Err(Refusal::invalid("path", why));
        }
    };
    submit(tinker, asked, &model, request.seq_id, work)
}

pub(crate) fn save_external(tinker: &Arc<Tinker>, asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let request: requests::SaveExternal = read(asked.json())?;
    let model = tinker.model(&request.model_id)?;
    check_name(Some(&request.path))?;
    if request
        .age_encryption_recipients
        .is_some_and(|keys| !keys.is_empty())
    {
        return Err(Refusal::bad_request(
            "age_encryption_recipients: this server does not encrypt; leave them out",
        ));
    }
    let saving = Saving {
        ttl_seconds: checked_ttl(request.ttl_seconds)?,
        overwrite: false,
        metadata: None,
    };
    let work = Work::Save(CheckpointKind::External, Some(request.path), saving);
    submit(tinker, asked, &model, request.seq_id, work)
}

/// Takes a loss in by its graph, and gives it a name. Nothing of it is run here.
pub(crate) fn create_custom_loss(
    tinker: &Arc<Tinker>,
    asked: &Asked<'_>,
) -> Result<Reply, Refusal> {
    let request: requests::CreateCustomLoss = read(asked.json())?;
    let session = tinker.sessions.open(&request.session_id)?;
    let inputs = request.inputs.iter();
    let nodes = &request.graph.nodes;
    let takes = inputs
        .clone()
        .all(|input| input.rank <= 2 && !input.name.is_empty());
    let ends = nodes.last().is_some_and(|node| node.op == "output");
    let mut names = std::collections::BTreeSet::new();
    let distinct = nodes.iter().all(|node| names.insert(&node.name));
    if request.graph.format != 1 || !takes || !ends || !distinct || request.name.is_empty() {
        return Err(Refusal::invalid(
            "graph",
            "is no graph of format 1 that ends in an output",
        ));
    }
    let id = tinker.new_request();
    tinker.futures.open(&id, &session.id);
    let loss = format!("{}:loss:{}", session.id, request.custom_loss_seq_id);
    let done = json!({"loss_id": loss, "type": "create_custom_loss"});
    tinker.futures.finish(&id, Outcome::Json(done));
    ok(&json!({ "request_id": id }))
}

/// A model to be made.
struct Plan {
    session: String,
    number: u64,
    base: BaseModel,
    adapter: Adapter,
    optimizer: Value,
    metadata: Option<BTreeMap<String, String>>,
}

fn make(
    tinker: &Arc<Tinker>,
    asked: &Asked<'_>,
    plan: Plan,
    load: Option<Load>,
) -> Result<Reply, Refusal> {
    let session = tinker.sessions.open(&plan.session)?;
    let id = format!("{}:train:{}", session.id, plan.number);
    let known = tinker.models().get(&id).cloned();
    let model = match known {
        Some(model) => model,
        None if session.models.contains(&id) => {
            return Err(Refusal::conflict(format!("{id} has been in use before")));
        }
        None => {
            let run = Run {
                id: id.clone(),
                base_model: plan.base.name.clone(),
                owner: session.owner.clone(),
                project: session.project.clone(),
                rank: plan.adapter.rank,
                seed: plan.adapter.seed,
                unembed: plan.adapter.unembed,
                mlp: plan.adapter.mlp,
                attn: plan.adapter.attn,
                optimizer: plan.optimizer,
                last_request: timestamp(asked.now),
                metadata: plan.metadata,
                corrupted: false,
            };
            tinker.store.add_run(&run).map_err(broken)?;
            let model = Arc::new(Model {
                id: id.clone(),
                session: session.id.clone(),
                base: plan.base,
                adapter: plan.adapter,
                lane: Mutex::new(Lane::starting_at(0)),
                trainee: Mutex::new(None),
                inflight: Arc::default(),
            });
            tinker.models().insert(id.clone(), Arc::clone(&model));
            tinker.sessions.change(&session.id, |s| s.models.push(id))?;
            model
        }
    };
    submit(tinker, asked, &model, Some(0), Work::Create(load))
}

/// Puts work in its place and answers with its future.
fn submit(
    tinker: &Arc<Tinker>,
    asked: &Asked<'_>,
    model: &Arc<Model>,
    number: Option<u64>,
    work: Work,
) -> Result<Reply, Refusal> {
    tinker.sessions.open(&model.session)?;
    let digest = digest(&work, asked);
    let id = tinker.new_request();
    tinker.futures.open(&id, &model.session);
    let arrival = {
        let mut lane = lock(&model.lane);
        let number = number.unwrap_or_else(|| lane.free_number());
        lane.arrive(number, digest, &id, work)
    };
    tinker.store.touch(&model.id, asked.now);
    match arrival {
        Arrival::New { start } => {
            if start {
                tokio::spawn(run(Arc::clone(tinker), Arc::clone(model)));
            }
            future(&id, &model.id)
        }
        Arrival::Again(first) => {
            tinker.futures.forget(&id);
            future(&first, &model.id)
        }
        Arrival::Other => {
            tinker.futures.forget(&id);
            Err(Refusal::bad_request(format!(
                "seq_id of {} has been used for another request",
                model.id
            )))
        }
    }
}

fn optimizer(config: Option<Value>) -> Result<Value, Refusal> {
    let config = config.unwrap_or_else(|| json!({"type": "adamw"}));
    match config["type"].as_str() {
        Some("adamw" | "dimuon") => Ok(config),
        _ => Err(Refusal::bad_request(
            "optimizer_config: adamw and dimuon are served",
        )),
    }
}

/// A digest by which a repeated request is known. The name of the sampler is left out, since clients
/// take a new one for each attempt.
fn digest(work: &Work, asked: &Asked<'_>) -> u64 {
    match work {
        Work::Pass(request) => {
            let bytes = request.encode_to_vec();
            let words = bytes.chunks(8).map(|word| {
                word.iter()
                    .fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte))
            });
            words.fold(rng::mix(bytes.len() as u64), |sum, word| {
                rng::mix(sum ^ word)
            })
        }
        _ => {
            let mut body = asked.json().cloned().unwrap_or_default();
            if let Some(fields) = body.as_object_mut() {
                fields.remove("sampling_session_seq_id");
            }
            rng::digest(&body.to_string())
        }
    }
}

fn future(id: &str, model: &str) -> Result<Reply, Refusal> {
    ok(&json!({"request_id": id, "model_id": model}))
}

fn check_name(name: Option<&str>) -> Result<(), Refusal> {
    match name {
        Some(name) if !paths::is_name(name) => Err(Refusal::invalid(
            "path",
            "must be a name of up to 200 letters, digits, dots, hyphens and underscores",
        )),
        _ => Ok(()),
    }
}

pub(crate) fn checked_ttl(seconds: Option<u64>) -> Result<Option<u64>, Refusal> {
    match seconds {
        Some(seconds) if !TTL_SECONDS.contains(&seconds) => Err(Refusal::invalid(
            "ttl_seconds",
            "must be from 3600 to ten years",
        )),
        seconds => Ok(seconds),
    }
}

pub(crate) fn texts(metadata: Option<Map<String, Value>>) -> Option<BTreeMap<String, String>> {
    let texts = metadata?.into_iter().map(|(key, value)| {
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        (key, text)
    });
    Some(texts.collect())
}

/// A trouble of the server's own, as a refusal.
pub(crate) fn broken(problem: Problem) -> Refusal {
    let status = match problem.of_files {
        true => http::StatusCode::INSUFFICIENT_STORAGE,
        false => http::StatusCode::INTERNAL_SERVER_ERROR,
    };
    Refusal::new(status, problem.message)
}
