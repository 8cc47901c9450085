//! Endpoints by verb and path, for whoever wants one request and no client around it. Parameters of
//! the path and of the query are arguments; the others are the body, or `request` is.

use std::sync::Arc;

use gimmal_api::tinker::{
    API_KEY, AuditQuery, Endpoint, ListQuery, ListTrainingRuns, Page, RequestType, RetrieveFuture,
    Tinker, default_options,
};
use gimmal_client::CallOptions;
use gimmal_client::transport::{ApiKey, Transport};
use gimmal_types::tinker::proto::ForwardBackwardBody;
use gimmal_types::tinker::{FutureRetrieveRequest, LossFnType};
use gimmal_types::wire::WireValue;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::data::{data, loss_config, optional};
use super::rest::dump;
use super::session::{SERVER, Session};
use crate::wire::arguments::{Arguments, decode};
use crate::wire::failure::Failure;

/// True for a verb and a path.
pub(super) fn is_endpoint(method: &str) -> bool {
    method.contains(" /api/v1/")
}

/// Makes the request.
pub(super) async fn make(
    session: &Session,
    method: &str,
    given: Arguments,
) -> Result<Value, Failure> {
    let transport = Transport::builder()
        .with_http(Arc::new(session.stage.clone()))
        .with_credentials(ApiKey::new(API_KEY, session.key().to_owned().into()))
        .with_options(default_options())
        .build()?;
    let api = Tinker::new(transport, Endpoint::new(SERVER)?);
    let (verb, path) = method.split_once(" /api/v1/").unwrap_or_default();
    let options = CallOptions::new();
    match verb {
        "GET" => read(&api, path, given, &options).await,
        "POST" if path.contains('{') => change(&api, verb, path, given, &options).await,
        "POST" => ask(&api, path, given, &options).await,
        _ => change(&api, verb, path, given, &options).await,
    }
}

/// Requests without a body that change nothing.
async fn read(
    api: &Tinker,
    path: &str,
    mut given: Arguments,
    options: &CallOptions,
) -> Result<Value, Failure> {
    let given = &mut given;
    let result = match path {
        "audit" => {
            let kind: Option<String> = optional(given, "event_type")?;
            let mut query = kind.map_or_else(AuditQuery::default, AuditQuery::new);
            query.day = optional(given, "day")?;
            dump(api.audit_log(&query, options).await?.body())
        }
        "auth/apikey/me" => dump(api.get_own_key(options).await?.body()),
        "billing/usage/checkpoints/current" => {
            let request = std::mem::take(given).rest("arguments")?;
            dump(
                api.current_checkpoint_storage(&request, options)
                    .await?
                    .body(),
            )
        }
        "billing/usage/events" => {
            let request = std::mem::take(given).rest("arguments")?;
            dump(api.billing_usage(&request, options).await?.body())
        }
        "checkpoints" => dump(
            api.list_checkpoints(page(given, 100)?, options)
                .await?
                .body(),
        ),
        "get_server_capabilities" => dump(api.get_server_capabilities(options).await?.body()),
        "healthz" => dump(api.health(options).await?.body()),
        "samplers/{sampler_id}" => dump(
            api.get_sampler(&given.text("sampler_id")?, options)
                .await?
                .body(),
        ),
        "sessions" => dump(api.list_sessions(&list(given)?, options).await?.body()),
        "sessions/{session_id}" => {
            let session = given.text("session_id")?;
            let scope = optional(given, "access_scope")?.unwrap_or_default();
            dump(api.get_session(&session, &scope, options).await?.body())
        }
        "sessions/{session_id}/trace_export" => {
            let session = given.text("session_id")?;
            dump(api.export_session_trace(&session, options).await?.body())
        }
        "training_runs" => {
            let mut query = ListTrainingRuns::new(list(given)?);
            query.project_id = optional(given, "project_id")?;
            dump(api.list_training_runs(&query, options).await?.body())
        }
        "training_runs/{training_run_id}" => {
            let run = given.text("training_run_id")?;
            let scope = optional(given, "access_scope")?.unwrap_or_default();
            dump(api.get_training_run(&run, &scope, options).await?.body())
        }
        "training_runs/{model_id}/checkpoints" => {
            let run = given.text("model_id")?;
            dump(api.list_checkpoints_of_run(&run, options).await?.body())
        }
        "training_runs/{model_id}/checkpoints/{checkpoint_id}/external_weights_urls" => {
            let (run, id) = (given.text("model_id")?, given.text("checkpoint_id")?);
            dump(api.external_weights_urls(&run, &id, options).await?.body())
        }
        _ => Err(Failure::unimplemented(format!("GET /api/v1/{path}"))),
    }?;
    std::mem::take(given).finish("")?;
    Ok(result)
}

/// Requests that say something about what their path names.
async fn change(
    api: &Tinker,
    verb: &str,
    path: &str,
    mut given: Arguments,
    options: &CallOptions,
) -> Result<Value, Failure> {
    let checkpoint = |given: &mut Arguments| {
        Ok::<_, Failure>((given.text("training_run_id")?, given.text("checkpoint_id")?))
    };
    match (verb, path) {
        ("DELETE", "auth/apikey/me") => {
            api.delete_own_key(options).await?;
        }
        ("POST", "sessions/{session_id}/finish") => {
            let session = given.text("session_id")?;
            let request = decode("request", given.into_value())?;
            api.finish_session(&session, &request, options).await?;
            return Ok(Value::Null);
        }
        ("PUT", "sessions/{session_id}/project") => {
            let session = given.text("session_id")?;
            let request = body(given)?;
            api.assign_session_project(&session, &request, options)
                .await?;
            return Ok(Value::Null);
        }
        (_, "training_runs/{training_run_id}/checkpoints/{checkpoint_id}") => {
            let (run, id) = checkpoint(&mut given)?;
            api.delete_checkpoint(&run, &id, options).await?;
        }
        ("POST", "training_runs/{training_run_id}/checkpoints/{checkpoint_id}/publish") => {
            let (run, id) = checkpoint(&mut given)?;
            api.publish_checkpoint(&run, &id, options).await?;
        }
        (_, "training_runs/{training_run_id}/checkpoints/{checkpoint_id}/publish") => {
            let (run, id) = checkpoint(&mut given)?;
            api.unpublish_checkpoint(&run, &id, options).await?;
        }
        (_, "training_runs/{training_run_id}/checkpoints/{checkpoint_id}/ttl") => {
            let (run, id) = checkpoint(&mut given)?;
            let request = body(given)?;
            api.set_checkpoint_ttl(&run, &id, &request, options).await?;
            return Ok(Value::Null);
        }
        _ => return Err(Failure::unimplemented(format!("{verb} /api/v1/{path}"))),
    }
    given.finish("")?;
    Ok(Value::Null)
}

/// Requests with a body and a plain path.
async fn ask(
    api: &Tinker,
    path: &str,
    given: Arguments,
    options: &CallOptions,
) -> Result<Value, Failure> {
    /// Reads the body, sends it, and shows the reply.
    macro_rules! send {
        ($call:ident) => {{
            let request = body(given)?;
            shown(api.$call(&request, options).await?.body())
        }};
    }
    match path {
        "asample" => send!(sample),
        "auth/token" => {
            given.finish("")?;
            shown(api.auth_token(options).await?.body())
        }
        "cancel_future" => {
            api.cancel_future(&body(given)?, options).await?;
            Ok(Value::Null)
        }
        "client/config" => send!(client_config),
        "client/dynamic_config" => send!(client_dynamic_config),
        "copy_weights" => send!(copy_weights),
        "create_custom_loss" => send!(create_custom_loss),
        "create_model" => send!(create_model),
        "create_sampling_session" => send!(create_sampling_session),
        "create_session" => send!(create_session),
        "forward_backward" => forward_backward(api, given, options).await,
        "get_info" => send!(get_info),
        "join_sampling_session" => send!(join_sampling_session),
        "load_weights" => send!(load_weights),
        "optim_step" => {
            let request = given.into_value();
            let request = decode("request", request)?;
            shown(api.optim_step(&request, options).await?.body())
        }
        "retrieve_future" => retrieve_future(api, given, options).await,
        "retrieve_futures" => send!(retrieve_futures),
        "save_weights" => send!(save_weights),
        "save_weights_external" => send!(save_weights_external),
        "save_weights_for_sampler" => send!(save_weights_for_sampler),
        "session_heartbeat" => send!(session_heartbeat),
        "sessions/search" => send!(search_sessions),
        "telemetry" => send!(send_telemetry),
        "weights_info" => send!(weights_info),
        _ => Err(Failure::unimplemented(format!("POST /api/v1/{path}"))),
    }
}

async fn forward_backward(
    api: &Tinker,
    mut given: Arguments,
    options: &CallOptions,
) -> Result<Value, Failure> {
    let (model, seq_id) = (given.text("model_id")?, optional(&mut given, "seq_id")?);
    let loss = LossFnType::from(given.text("loss_fn")?.as_str());
    let data = data(&mut given)?;
    let config = loss_config(&mut given)?.into_iter().collect();
    let forward_only: Option<bool> = optional(&mut given, "forward_only")?;
    given.finish("")?;
    let body = ForwardBackwardBody::new(&model, seq_id.unwrap_or(0), &data, &loss);
    let body = body.with_config(Some(&config));
    let body = match forward_only {
        Some(true) => body.forward_only(),
        _ => body,
    };
    shown(api.forward_backward(body, options).await?.body())
}

async fn retrieve_future(
    api: &Tinker,
    mut given: Arguments,
    options: &CallOptions,
) -> Result<Value, Failure> {
    let kind: Option<String> = optional(&mut given, "request_type")?;
    let iteration: Option<u64> = optional(&mut given, "iteration")?;
    let kinds = [
        RequestType::CreateModel,
        RequestType::LoadWeights,
        RequestType::Forward,
        RequestType::ForwardBackward,
        RequestType::OptimStep,
        RequestType::SaveWeights,
        RequestType::SaveWeightsForSampler,
        RequestType::SaveWeightsExternal,
        RequestType::Sample,
        RequestType::CreateCustomLoss,
    ];
    let kind = match kind {
        None => RequestType::OptimStep,
        Some(name) => kinds
            .into_iter()
            .find(|kind| kind.name() == name)
            .ok_or_else(|| Failure::refused("request_type", "is no kind of request"))?,
    };
    let request: FutureRetrieveRequest = body(given)?;
    let poll = RetrieveFuture::new(&request, kind).with_iteration(iteration.unwrap_or(0));
    let reply = api.retrieve_future(&poll, options).await?;
    Ok(format!("{:?}", reply.body()).into())
}

/// The body of a request: `request`, or everything that is left.
fn body<T: DeserializeOwned + WireValue>(mut given: Arguments) -> Result<T, Failure> {
    match given.take("request") {
        Some(request) => {
            given.put("request", request);
            given.required("request")
        }
        None => given.rest(""),
    }
}

fn shown<T: Serialize>(reply: &T) -> Result<Value, Failure> {
    dump(reply)
}

fn page(given: &mut Arguments, limit: u64) -> Result<Page, Failure> {
    let limit = optional(given, "limit")?.unwrap_or(limit);
    Ok(Page::new(limit, optional(given, "offset")?.unwrap_or(0)))
}

fn list(given: &mut Arguments) -> Result<ListQuery, Failure> {
    let page = page(given, 20)?;
    let scope = optional(given, "access_scope")?.unwrap_or_default();
    Ok(ListQuery::new(page, scope))
}
