//! What models are asked to do, carried out when its turn comes: passes, steps, saving and loading.
//! Reads no requests; `training.rs` does.

use std::sync::{Arc, PoisonError};

use gimmal_types::tinker::proto::messages::ForwardBackwardRequest;
use prost::Message as _;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    convert,
    engine::{AdamParams, BaseModel, DimuonParams, Loss, OptimParams, Problem, Trainee},
    futures::Outcome,
    ledger::{Account, AppliedRequest, Usage},
    paths::{CheckpointKind, CheckpointPath},
    requests::{self, SamplerKind},
    samplers::{Sampler, Source},
    service::{Model, Tinker, lock},
    store::Saving,
};

/// What a model is asked to do.
#[derive(Debug)]
pub(crate) enum Work {
    Create(Option<Load>),
    Load(Load),
    Pass(Box<ForwardBackwardRequest>),
    Step(Map<String, Value>),
    Save(CheckpointKind, Option<String>, Saving),
    /// Makes a sampler of this name.
    Sampler(String, SamplerKind),
}

/// Weights to be put in the place of others.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    pub(crate) path: CheckpointPath,
    pub(crate) optimizer: bool,
}

impl Work {
    fn call(&self) -> &'static str {
        match self {
            Self::Create(None) => "create_model",
            Self::Create(Some(_)) | Self::Load(_) => "load_weights",
            Self::Pass(request) if request.forward_only => "forward",
            Self::Pass(_) => "forward_backward",
            Self::Step(_) => "optim_step",
            Self::Save(CheckpointKind::Training, ..) => "save_weights",
            Self::Save(CheckpointKind::External, ..) => "save_weights_external",
            Self::Save(CheckpointKind::Sampler, ..) | Self::Sampler(..) => {
                "save_weights_for_sampler"
            }
        }
    }
}

/// Does the work of a model, one piece after the other, until there is none whose turn it is.
pub(crate) async fn run(tinker: Arc<Tinker>, model: Arc<Model>) {
    loop {
        let Some((number, id, work)) = lock(&model.lane).take() else {
            return;
        };
        let waiting = tinker.pacing.wait();
        tokio::select! {
            () = tinker.pacing.turn(tinker.clock.as_ref()) => {}
            () = tinker.stopping.cancelled() => return,
        }
        drop(waiting);
        let call = work.call();
        let worker = (Arc::clone(&tinker), Arc::clone(&model));
        let done = tokio::task::spawn_blocking(move || perform(&worker.0, &worker.1, work)).await;
        let outcome = match done {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(problem)) => Outcome::Failed(problem),
            Err(_) => Outcome::Failed(Problem::server("the work came to an unexpected end")),
        };
        let applied = AppliedRequest {
            model_id: model.id.clone(),
            seq_id: number,
            call,
            failed: matches!(outcome, Outcome::Failed(_)),
        };
        tinker.ledger.applied(applied, tinker.clock.now());
        tinker.futures.finish(&id, outcome);
    }
}

fn perform(tinker: &Tinker, model: &Model, work: Work) -> Result<Outcome, Problem> {
    let mut place = model.trainee.lock().unwrap_or_else(PoisonError::into_inner);
    if let Work::Create(load) = work {
        let snapshot = load
            .as_ref()
            .map(|load| tinker.store.load(&load.path))
            .transpose()?;
        let from = snapshot.as_ref().zip(load.as_ref());
        let from = from.map(|(snapshot, load)| (snapshot, load.optimizer));
        *place = Some(tinker.engine.trainee(&model.base, &model.adapter, from)?);
        return Ok(Outcome::Json(match load {
            Some(load) => loaded(&model.id, &load.path),
            None => json!({"model_id": model.id, "type": "create_model"}),
        }));
    }
    if tinker.store.run(&model.id).is_some_and(|run| run.corrupted) {
        let message = format!("{} was lost: go on from a checkpoint", model.id);
        return Err(Problem::server(message));
    }
    let trainee = place
        .as_mut()
        .ok_or_else(|| Problem::user(format!("{} could not be made", model.id)))?;
    match work {
        Work::Create(_) => Err(Problem::server("a model is made once")),
        Work::Load(load) => {
            let snapshot = tinker.store.load(&load.path)?;
            trainee.load(&snapshot, load.optimizer)?;
            Ok(Outcome::Json(loaded(&model.id, &load.path)))
        }
        Work::Pass(request) => pass_over(tinker, model, trainee.as_mut(), &request),
        Work::Step(params) => {
            let metrics = trainee.step(&optim_params(params)?)?;
            Ok(Outcome::Json(json!({ "metrics": metrics })))
        }
        Work::Save(kind, name, saving) => {
            save(tinker, model, trainee.as_ref(), kind, name, &saving)
        }
        Work::Sampler(id, kind) => {
            let weights = trainee.weights();
            let source = match kind {
                SamplerKind::Snapshot => Source::Fixed(weights),
                SamplerKind::Inflight => {
                    let mut shared = model
                        .inflight
                        .write()
                        .unwrap_or_else(PoisonError::into_inner);
                    *shared = Some(weights);
                    Source::Following(Arc::clone(&model.inflight))
                }
            };
            let sampler = Sampler::new(&id, &model.session, &model.base, None, source);
            tinker.samplers.add(sampler);
            let listed = tinker
                .sessions
                .change(&model.session, |s| s.samplers.push(id.clone()));
            listed.map_err(|_| Problem::server("the session is gone"))?;
            Ok(Outcome::Json(json!({
                "path": null, "sampling_session_id": id, "type": "save_weights_for_sampler",
            })))
        }
    }
}

fn pass_over(
    tinker: &Tinker,
    model: &Model,
    trainee: &mut dyn Trainee,
    request: &ForwardBackwardRequest,
) -> Result<Outcome, Problem> {
    let loss = Loss::parse(&request.loss_fn, &convert::settings(request))?;
    let data = convert::data(&request.data, model.base.vocabulary)?;
    let passed = trainee.pass(&data, &loss, !request.forward_only)?;
    let tokens = data.iter().map(|datum| datum.tokens.len() as u64).sum();
    if let Some(account) = account(tinker, &model.session, &model.base) {
        tinker
            .ledger
            .bill(account, Usage::Training, tokens, tinker.clock.now());
    }
    let output = convert::output(&passed).encode_to_vec();
    Ok(Outcome::Proto(output.into()))
}

fn save(
    tinker: &Tinker,
    model: &Model,
    trainee: &dyn Trainee,
    kind: CheckpointKind,
    name: Option<String>,
    saving: &Saving,
) -> Result<Outcome, Problem> {
    let run = tinker
        .store
        .run(&model.id)
        .ok_or_else(|| Problem::server("the training run is gone"))?;
    let path = CheckpointPath {
        run: model.id.clone(),
        kind,
        name: name.unwrap_or_else(|| {
            let mine = |path: &CheckpointPath| path.run == model.id && path.kind == kind;
            format!("{:04}", tinker.store.checkpoints(mine).len() + 1)
        }),
    };
    let now = tinker.clock.now();
    let note = tinker
        .store
        .save(&path, &run, &trainee.save()?, saving, now)?;
    if let Some(account) = account(tinker, &model.session, &model.base) {
        tinker.ledger.bill(account, Usage::Checkpoint, 1, now);
    }
    let details = json!({"tinker_path": path.to_string(), "model_id": model.id});
    tinker
        .ledger
        .audit(&run.owner, "checkpoint.create", details, now);
    Ok(Outcome::Json(match kind {
        CheckpointKind::Training => json!({"path": path.to_string(), "type": "save_weights"}),
        CheckpointKind::Sampler => {
            json!({"path": path.to_string(), "type": "save_weights_for_sampler"})
        }
        CheckpointKind::External => json!({
            "path": path.to_string(), "size_bytes": note.size_bytes,
            "type": "save_weights_external",
        }),
    }))
}

/// Whom work in a session is billed to.
pub(crate) fn account(tinker: &Tinker, session: &str, base: &BaseModel) -> Option<Account> {
    let session = tinker.sessions.get(session).ok()?;
    Some(Account {
        owner: session.owner,
        session: session.id,
        project: session.project,
        base_model: base.name.clone(),
    })
}

fn optim_params(params: Map<String, Value>) -> Result<OptimParams, Problem> {
    let unfit = |error: serde_json::Error| Problem::user(format!("optimizer parameters: {error}"));
    let family = params
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or("adamw")
        .to_owned();
    let rates = match family.as_str() {
        "adamw" => {
            let mut params = params;
            params.remove("type");
            let adam = AdamParams::deserialize(Value::Object(params)).map_err(unfit)?;
            OptimParams::Adam(adam)
        }
        "dimuon" => {
            let dimuon = requests::Dimuon::deserialize(Value::Object(params)).map_err(unfit)?;
            OptimParams::Dimuon(DimuonParams {
                learning_rate: dimuon.learning_rate,
                grad_clip_norm: dimuon.grad_clip_norm,
                beta1: dimuon.beta1,
            })
        }
        other => {
            let why = format!("there is no optimizer `{other}` here: adamw and dimuon are served");
            return Err(Problem::user(why));
        }
    };
    let (rate, betas) = match &rates {
        OptimParams::Adam(adam) => (adam.learning_rate, [adam.beta1, adam.beta2]),
        OptimParams::Dimuon(dimuon) => (dimuon.learning_rate, [dimuon.beta1; 2]),
    };
    if rate < 0.0 || betas.iter().any(|beta| !(0.0..1.0).contains(beta)) {
        return Err(Problem::user("learning_rate or a beta is out of range"));
    }
    Ok(rates)
}

fn loaded(model: &str, path: &CheckpointPath) -> Value {
    json!({"path": path.to_string(), "model_id": model, "type": "load_weights"})
}
