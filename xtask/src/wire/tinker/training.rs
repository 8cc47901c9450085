//! Calls of the training client.

use gimmal_types::tinker::{LossFnType, SamplingClientKind};
use serde_json::Value;

use super::data::{data, loss_config, optim_params, optional};
use super::losses::{self, Loss};
use super::rest::dump;
use super::service::{client as stands_for, sampler_options, telemetry, tokenizer};
use super::session::Session;
use crate::wire::arguments::Arguments;
use crate::wire::failure::Failure;

/// Makes the call.
pub(super) async fn make(
    session: &mut Session,
    name: &str,
    given: &mut Arguments,
) -> Result<Value, Failure> {
    let client = session.model()?.clone();
    match name {
        "create_sampling_client" => {
            let build = client.create_sampling_client(given.text("model_path")?);
            let made = build.with_options(sampler_options(given)?).await?;
            session.keep_sampler(made);
            Ok(stands_for("SamplingClient"))
        }
        "forward" | "forward_backward" => {
            let data = data(given)?;
            let loss = LossFnType::from(given.text("loss_fn")?.as_str());
            let mut pass = match name {
                "forward" => client.forward(data, loss),
                _ => client.forward_backward(data, loss),
            };
            for (name, value) in loss_config(given)? {
                pass = pass.set_loss_fn_config(name, value);
            }
            dump(&pass.await?)
        }
        "forward_backward_custom" => custom(session, given).await,
        "get_console_url" => Ok(client.get_console_url().into()),
        "get_info" => dump(client.get_info()),
        "get_telemetry" => Ok(telemetry(client.get_telemetry().is_some())),
        "get_tokenizer" => Ok(tokenizer(&client.tokenizer_ref())),
        "load_state" | "load_state_with_optimizer" => {
            let path = given.text("path")?;
            let mut load = match name {
                "load_state" => client.load_state(path),
                _ => client.load_state_with_optimizer(path),
            };
            if let Some(token) = optional::<String>(given, "weights_access_token")? {
                load = load.set_weights_access_token(token);
            }
            dump(&load.await?)
        }
        "optim_step" => dump(&client.optim_step(optim_params(given)?).await?),
        "save_state" => {
            let mut save = client.save_state(given.text("name")?);
            if let Some(seconds) = optional(given, "ttl_seconds")? {
                save = save.set_ttl_seconds(seconds);
            }
            if let Some(overwrite) = optional(given, "overwrite")? {
                save = save.set_overwrite(overwrite);
            }
            if let Some(metadata) = optional(given, "user_metadata")? {
                save = save.set_user_metadata(metadata);
            }
            dump(&save.await?)
        }
        "save_weights_and_get_sampling_client" => {
            let mut save = client.save_weights_and_get_sampling_client();
            // The reference takes a name and ignores it.
            drop(given.take("name"));
            if let Some(kind) = optional::<SamplingClientKind>(given, "kind")? {
                save = save.set_kind(kind);
            }
            let made = save.with_options(sampler_options(given)?).await?;
            session.keep_sampler(made);
            Ok(stands_for("SamplingClient"))
        }
        "save_weights_external" => {
            let mut save = client.save_weights_external(given.text("name")?);
            if let Some(seconds) = optional(given, "ttl_seconds")? {
                save = save.set_ttl_seconds(seconds);
            }
            if let Some(keys) = optional(given, "age_encryption_recipients")? {
                save = save.set_age_encryption_recipients(keys);
            }
            dump(&save.await?)
        }
        "save_weights_for_sampler" => {
            let mut save = client.save_weights_for_sampler(given.text("name")?);
            if let Some(seconds) = optional(given, "ttl_seconds")? {
                save = save.set_ttl_seconds(seconds);
            }
            if let Some(metadata) = optional(given, "user_metadata")? {
                save = save.set_user_metadata(metadata);
            }
            dump(&save.await?)
        }
        _ => Err(Failure::unimplemented(format!("TrainingClient.{name}"))),
    }
}

async fn custom(session: &Session, given: &mut Arguments) -> Result<Value, Failure> {
    let data = data(given)?;
    let loss = given.take("loss_fn").unwrap_or_default();
    let client = session.model()?;
    let pass = match (losses::mark(&loss, "$fn"), losses::mark(&loss, "$handle")) {
        (Some(name), _) => client.forward_backward_custom(data, Loss::named(name)?),
        (None, Some(name)) => {
            let handle = session.losses.get(name);
            let handle = handle.ok_or_else(|| {
                Failure::refused("loss_fn", "names a loss that the session does not know")
            })?;
            let pass = client.forward_backward_custom(data, Loss::named(name)?);
            pass.with_handle(handle)
        }
        (None, None) => {
            let why = "must be {\"$fn\": name} or {\"$handle\": name}";
            return Err(Failure::refused("loss_fn", why));
        }
    };
    dump(&pass.await?)
}
