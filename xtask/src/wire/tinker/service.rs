//! Calls of the service client.

use std::collections::BTreeMap;

use gimmal_client::tinker::SamplerOptions;
use gimmal_client::tinker::tokenizer::TokenizerRef;
use gimmal_types::tinker::OptimizerConfig;
use serde_json::{Value, json};

use super::data::optional;
use super::losses::{self, Loss};
use super::rest;
use super::session::Session;
use crate::wire::arguments::Arguments;
use crate::wire::failure::Failure;
use crate::wire::python;

/// Stands for the client that was made.
pub(super) fn client(name: &str) -> Value {
    match name {
        "TrainingClient" => json!({"$client": name}),
        name => json!({"$py": format!("tinker.{name}")}),
    }
}

/// Makes the call.
pub(super) async fn make(
    session: &mut Session,
    name: &str,
    given: &mut Arguments,
) -> Result<Value, Failure> {
    let service = session.service.clone();
    match name {
        "close" => {
            let status: String = optional(given, "status")?.unwrap_or_else(|| "success".to_owned());
            let detail: Option<String> = optional(given, "detail")?;
            service.close(status, detail.as_deref()).await?;
            Ok(Value::Null)
        }
        "copy_weights" => {
            let request = rest::copy_of(given)?;
            Ok(service.copy_weights(request).await?.into())
        }
        "create_custom_loss" => create_custom_loss(session, given).await,
        "create_lora_training_client" => {
            let mut build = service.create_lora_training_client(given.text("base_model")?);
            if let Some(rank) = optional(given, "rank")? {
                build = build.set_rank(rank);
            }
            if let Some(seed) = optional(given, "seed")? {
                build = build.set_seed(seed);
            }
            if let Some(train) = optional(given, "train_mlp")? {
                build = build.set_train_mlp(train);
            }
            if let Some(train) = optional(given, "train_attn")? {
                build = build.set_train_attn(train);
            }
            if let Some(train) = optional(given, "train_unembed")? {
                build = build.set_train_unembed(train);
            }
            if let Some(metadata) = optional(given, "user_metadata")? {
                build = build.set_user_metadata(metadata);
            }
            if let Some(optimizer) = optional::<OptimizerConfig>(given, "optimizer")? {
                build = build.set_optimizer(optimizer);
            }
            session.keep_model(build.await?);
            Ok(client("TrainingClient"))
        }
        "create_rest_client" => Ok(client("RestClient")),
        "create_sampling_client" => {
            let mut build = service.create_sampling_client();
            if let Some(model) = optional::<String>(given, "base_model")? {
                build = build.set_base_model(model);
            }
            if let Some(path) = optional::<String>(given, "model_path")? {
                build = build.set_model_path(path);
            }
            let made = build.with_options(sampler_options(given)?).await?;
            session.keep_sampler(made);
            Ok(client("SamplingClient"))
        }
        "create_training_client_from_state"
        | "create_training_client_from_state_with_optimizer" => {
            let path = given.text("path")?;
            let mut build = match name.ends_with("_with_optimizer") {
                true => service.create_training_client_from_state_with_optimizer(path),
                false => service.create_training_client_from_state(path),
            };
            if let Some(model) = optional::<String>(given, "base_model")? {
                build = build.set_base_model(model);
            }
            if let Some(metadata) = optional(given, "user_metadata")? {
                build = build.set_user_metadata(metadata);
            }
            if let Some(token) = optional::<String>(given, "weights_access_token")? {
                build = build.set_weights_access_token(token);
            }
            if let Some(optimizer) = optional::<OptimizerConfig>(given, "optimizer")? {
                build = build.set_optimizer(optimizer);
            }
            session.keep_model(build.await?);
            Ok(client("TrainingClient"))
        }
        "get_console_url" => Ok(service.get_console_url().into()),
        "get_server_capabilities" => rest::dump(&service.get_server_capabilities().await?),
        "get_telemetry" => Ok(telemetry(service.get_telemetry().is_some())),
        _ => Err(Failure::unimplemented(format!("ServiceClient.{name}"))),
    }
}

/// Stands for the reporter, which is there unless telemetry is off.
pub(super) fn telemetry(is_on: bool) -> Value {
    match is_on {
        true => json!({"$py": "tinker.lib.telemetry.Telemetry"}),
        false => Value::Null,
    }
}

/// Stands for the tokenizer of a model. Its files come from elsewhere, so none is loaded.
pub(super) fn tokenizer(chosen: &TokenizerRef) -> Value {
    json!({"repository": chosen.repository, "revision": chosen.revision})
}

/// How a sampling client is to behave.
pub(super) fn sampler_options(given: &mut Arguments) -> Result<SamplerOptions, Failure> {
    if given.take("retry_config").is_some() {
        return Err(Failure::unimplemented("a retry_config"));
    }
    let record: Option<bool> = optional(given, "record_stability_info")?;
    Ok(SamplerOptions::default().with_stability_info(record.unwrap_or(false)))
}

async fn create_custom_loss(
    session: &mut Session,
    given: &mut Arguments,
) -> Result<Value, Failure> {
    let loss = given.take("loss");
    let loss = loss.or_else(|| given.take("fn")).unwrap_or_default();
    let name = losses::mark(&loss, "$fn");
    let name = name.ok_or_else(|| Failure::refused("loss", "must be {\"$fn\": name}"))?;
    let ranks: Option<BTreeMap<String, u32>> = optional(given, "input_ranks")?;
    let inputs = losses::inputs(ranks.unwrap_or_default());
    let graph = Loss::named(name)?.graph()?;
    let handle = session
        .service
        .create_custom_loss(name, inputs, graph)
        .await?;
    let inputs = python::dump(&handle.inputs());
    let inputs = inputs.map_err(|error| Failure::refused("result", error.to_string()))?;
    let shown = json!({
        "name": handle.name(), "inputs": inputs, "session_id": handle.session_id(),
        "graph": {"$py": "torch.fx.graph_module.GraphModule.__new__.<locals>.GraphModuleImpl"},
        "loss_id": handle.loss_id(),
    });
    session.losses.insert(name.to_owned(), handle);
    Ok(shown)
}
