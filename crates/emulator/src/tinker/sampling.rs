//! The calls on samplers: making them, drawing from them. What is drawn is a future like any other.

use std::sync::Arc;

use prost::Message as _;
use serde_json::{Value, json};

use crate::{reply::Reply, rng};

use super::{
    convert,
    engine::{self, Ask, Problem, Stop},
    futures::Outcome,
    ledger::Usage,
    paths::{CheckpointKind, CheckpointPath},
    refusal::Refusal,
    requests::{self, read},
    samplers::{CLONE_STRIDE, Sampler, Source},
    service::{Asked, Tinker, ok},
    work::account,
};

/// Most sequences of one request.
const MOST_SAMPLES: usize = 1024;

pub(crate) fn create(tinker: &Arc<Tinker>, asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let request: requests::CreateSamplingSession = read(asked.json())?;
    let session = tinker.sessions.open(&request.session_id)?;
    let id = format!("{}:sample:{}", session.id, request.sampling_session_seq_id);
    if tinker.samplers.get(&id).is_none() {
        let (base, source) = source(
            tinker,
            asked,
            request.base_model,
            request.model_path.as_deref(),
        )?;
        tinker.samplers.add(Sampler::new(
            &id,
            &session.id,
            &base,
            request.model_path,
            source,
        ));
        tinker
            .sessions
            .change(&session.id, |s| s.samplers.push(id.clone()))?;
    }
    ok(&json!({"type": "create_sampling_session", "sampling_session_id": id}))
}

/// The weights that a sampler is asked for.
fn source(
    tinker: &Tinker,
    asked: &Asked<'_>,
    base_model: Option<String>,
    path: Option<&str>,
) -> Result<(engine::BaseModel, Source), Refusal> {
    let Some(address) = path else {
        let name = base_model
            .ok_or_else(|| Refusal::invalid("base_model", "is missing, and so is model_path"))?;
        let base = tinker.base_model(&name)?;
        let weights = tinker.engine.base(&base);
        let weights = weights.map_err(|problem| Refusal::bad_request(problem.message))?;
        return Ok((base, Source::Fixed(weights)));
    };
    let path = CheckpointPath::parse(address)
        .ok_or_else(|| Refusal::bad_request(format!("{address} is no tinker path")))?;
    if path.kind != CheckpointKind::Sampler {
        return Err(Refusal::bad_request(format!(
            "{path} holds no sampler weights: use what save_weights_for_sampler has saved"
        )));
    }
    let unknown = || Refusal::not_found(format!("there is no checkpoint {path}"));
    let run = tinker.store.run(&path.run).ok_or_else(unknown)?;
    let note = tinker.store.checkpoint(&path).ok_or_else(unknown)?;
    if run.owner != asked.identity.owner && !note.public {
        return Err(unknown());
    }
    let base = tinker.base_model(&run.base_model)?;
    let made = tinker.store.load(&path).and_then(|snapshot| {
        let from = Some((&snapshot, false));
        tinker.engine.trainee(&base, &run.adapter(), from)
    });
    let trainee = made.map_err(|problem| Refusal::bad_request(problem.message))?;
    Ok((base, Source::Fixed(trainee.weights())))
}

pub(crate) fn join(tinker: &Arc<Tinker>, asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let request: requests::JoinSamplingSession = read(asked.json())?;
    let sampler = find(tinker, &request.sampling_session_id)?;
    ok(&json!({"type": "join_sampling_session", "client_counter": sampler.next_clone()}))
}

pub(crate) fn get(tinker: &Arc<Tinker>, asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let sampler = find(tinker, asked.about)?;
    ok(&json!({
        "sampler_id": sampler.id, "base_model": sampler.base.name, "model_path": sampler.path,
    }))
}

pub(crate) fn sample(tinker: &Arc<Tinker>, asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let request: requests::Sample = read(asked.json())?;
    let sampler = match &request.sampling_session_id {
        Some(id) => find(tinker, id)?,
        None => {
            let path = request.model_path.as_deref();
            let (base, source) = source(tinker, asked, request.base_model.clone(), path)?;
            Arc::new(Sampler::new(
                "",
                "",
                &base,
                request.model_path.clone(),
                source,
            ))
        }
    };
    let pressed = asked.header("x-tinker-sampling-backpressure") == Some("1");
    let full = |most: usize| tinker.pacing.waiting() >= most;
    if pressed && tinker.settings.most_samples.is_some_and(full) {
        return Err(Refusal::too_many("too many samplings are under way"));
    }
    if !(1..=MOST_SAMPLES).contains(&request.num_samples) {
        return Err(Refusal::invalid("num_samples", "must be from 1 to 1024"));
    }
    let id = tinker.new_request();
    let names = |id: &str| -> Vec<String> {
        (0..request.num_samples)
            .map(|n| format!("{id}-{n}"))
            .collect()
    };
    let answer = |id: &str| ok(&json!({"request_id": id, "sample_sequence_ids": names(id)}));
    let digest = rng::digest(&asked.json().map(Value::to_string).unwrap_or_default());
    if let Some(number) = request.seq_id
        && let Some((before, first)) = sampler.arrive(number, digest, &id)
    {
        return if before == digest {
            answer(&first)
        } else {
            Err(Refusal::bad_request(format!(
                "seq_id {number} of {} has been used for another request",
                sampler.id
            )))
        };
    }
    let ask = ask(&request, &sampler, rng::digest(&id) ^ tinker.seed)?;
    tinker.futures.open(&id, &sampler.session);
    let clone = request.seq_id.unwrap_or(0) / CLONE_STRIDE;
    tokio::spawn(run(Arc::clone(tinker), sampler, ask, id.clone(), clone));
    answer(&id)
}

fn find(tinker: &Tinker, id: &str) -> Result<Arc<Sampler>, Refusal> {
    let found = tinker.samplers.get(id);
    found.ok_or_else(|| Refusal::not_found(format!("there is no sampler {id}")))
}

fn ask(request: &requests::Sample, sampler: &Sampler, seed: u64) -> Result<Ask, Refusal> {
    let params = &request.sampling_params;
    let targets = request
        .target_prompt_logprobs
        .as_ref()
        .map(convert::json_tensor)
        .transpose()
        .map_err(|problem| Refusal::invalid("target_prompt_logprobs", problem.message))?;
    Ok(Ask {
        prompt: convert::prompt(&request.prompt, sampler.base.vocabulary)?,
        samples: request.num_samples,
        max_tokens: params.max_tokens,
        seed: params.seed.map_or(seed, i64::cast_unsigned),
        stop: stop(params.stop.as_ref())?,
        temperature: params.temperature,
        top_k: usize::try_from(params.top_k).unwrap_or(0),
        top_p: params.top_p,
        topk_samples: request.topk_sample_logprobs,
        prompt_logprobs: request.prompt_logprobs.unwrap_or(false),
        prompt_last: request.prompt_logprobs_last_n,
        topk_prompt: request.topk_prompt_logprobs,
        targets,
        alternatives: request.prompt_alt_tokens_k,
    })
}

fn stop(stop: Option<&Value>) -> Result<Stop, Refusal> {
    let unfit = || {
        Refusal::invalid(
            "stop",
            "must be a text, a list of texts or a list of tokens",
        )
    };
    match stop {
        None | Some(Value::Null) => Ok(Stop::End),
        Some(Value::String(text)) => Ok(Stop::Texts(vec![text.clone()])),
        Some(Value::Array(items)) if items.iter().all(Value::is_string) && !items.is_empty() => {
            let texts = items.iter().filter_map(Value::as_str);
            Ok(Stop::Texts(texts.map(str::to_owned).collect()))
        }
        Some(Value::Array(items)) => {
            let token = |item: &Value| item.as_i64().and_then(|token| i32::try_from(token).ok());
            let tokens: Option<Vec<i32>> = items.iter().map(token).collect();
            tokens.map(Stop::Tokens).ok_or_else(unfit)
        }
        Some(_) => Err(unfit()),
    }
}

async fn run(tinker: Arc<Tinker>, sampler: Arc<Sampler>, ask: Ask, id: String, clone: u64) {
    let waiting = tinker.pacing.wait();
    tokio::select! {
        () = tinker.pacing.turn(tinker.clock.as_ref()) => {}
        () = tinker.stopping.cancelled() => return,
    }
    drop(waiting);
    let worker = (Arc::clone(&tinker), Arc::clone(&sampler));
    let done = tokio::task::spawn_blocking(move || perform(&worker.0, &worker.1, &ask)).await;
    let outcome = match done {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(problem)) => Outcome::Failed(problem),
        Err(_) => Outcome::Failed(Problem::server("the work came to an unexpected end")),
    };
    let completion = match &outcome {
        Outcome::Failed(_) => json!({"state": "failed", "request_id": id}),
        outcome => json!({
            "state": "finished", "request_id": id,
            "response_payload_uncompressed_size": outcome.size(),
        }),
    };
    tinker.futures.finish(&id, outcome);
    sampler.stream(clone).push(completion);
}

fn perform(tinker: &Tinker, sampler: &Sampler, ask: &Ask) -> Result<Outcome, Problem> {
    let weights = sampler
        .weights()
        .ok_or_else(|| Problem::server("the weights are gone"))?;
    let sampled = engine::sample(&sampler.base, weights.as_ref(), ask)?;
    let cached = sampler.cached(&ask.prompt);
    let now = tinker.clock.now();
    if let Some(account) = account(tinker, &sampler.session, &sampler.base) {
        let fresh = ask.prompt.len() - cached;
        let drawn: usize = sampled.sequences.iter().map(|s| s.tokens.len()).sum();
        for (usage, count) in [
            (Usage::Prefill { cached: true }, cached),
            (Usage::Prefill { cached: false }, fresh),
            (Usage::Sample, drawn),
        ] {
            tinker
                .ledger
                .bill(account.clone(), usage, count as u64, now);
        }
    }
    let response = convert::sampled(&sampled, cached).encode_to_vec();
    Ok(Outcome::Proto(response.into()))
}
