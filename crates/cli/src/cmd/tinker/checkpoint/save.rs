//! Saving the weights of a model to sample from, without training it.

use std::path::Path;
use std::time::SystemTime;

use gimmal_client::Error;
use gimmal_client::tinker::{ServiceClient, TrainingClient};
use serde_json::json;

use super::checked;
use crate::args::TinkerSave;
use crate::cmd::tinker::Context;
use crate::exit::Failure;
use crate::output;

/// Makes a model, saves it and writes down where.
pub(super) async fn run(context: Context<'_>, args: TinkerSave) -> anyhow::Result<()> {
    if let Some(path) = &args.model_path {
        checked(path)?;
    }
    let connected = context.connect().await?;
    let service = &connected.service;
    let saved = save(service, &args).await;
    let status = if saved.is_ok() { "success" } else { "errored" };
    // What was saved is saved, whatever the session thinks of it.
    if let Err(error) = service.close(status, None).await {
        tracing::warn!(%error, "the session was not closed");
    }
    let saved = serde_json::to_string_pretty(&saved?)?;
    if args.output == Path::new("-") {
        output::line(&saved)?;
    } else {
        let shown = args.output.display();
        std::fs::write(&args.output, saved + "\n")
            .map_err(|error| Failure::output(format!("cannot write {shown}: {error}")))?;
        if !context.json {
            output::line(&format!("wrote where the weights are to {shown}"))?;
        }
    }
    connected.warn_of_the_end("checkpoint")?;
    connected.close().await;
    Ok(())
}

async fn save(service: &ServiceClient, args: &TinkerSave) -> Result<serde_json::Value, Error> {
    let training = model(service, args).await?;
    let base_model = training.get_info().model_data.model_name.clone();
    let base_model = base_model.unwrap_or_default();
    let name = args.name.clone();
    let name = name.unwrap_or_else(|| format!("checkpoint-{}", slug(&base_model)));
    let response = training.save_weights_for_sampler(name).await?;
    Ok(json!({
        "base_model": base_model, "model_id": training.model_id(),
        "weights_path": response.path,
        "saved_at": output::whole_seconds(&SystemTime::now()), "response": response,
    }))
}

async fn model(service: &ServiceClient, args: &TinkerSave) -> Result<TrainingClient, Error> {
    match (&args.base_model, &args.model_path) {
        (_, Some(path)) => service.create_training_client_from_state(path).await,
        (base_model, None) => {
            let base_model = base_model.clone().unwrap_or_default();
            let mut made = service
                .create_lora_training_client(base_model)
                .set_train_mlp(!args.no_train_mlp)
                .set_train_attn(!args.no_train_attn)
                .set_train_unembed(!args.no_train_unembed);
            if let Some(rank) = args.rank {
                made = made.set_rank(rank);
            }
            if let Some(seed) = args.seed {
                made = made.set_seed(seed);
            }
            made.await
        }
    }
}

/// The last part of a name in letters that a path may have.
fn slug(name: &str) -> String {
    let last = name.rsplit('/').next().unwrap_or_default();
    let fine = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    last.chars()
        .map(|letter| if fine(letter) { letter } else { '-' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_is_called_by_the_end_of_the_models_name() {
        assert_eq!(slug("meta-llama/Llama-3.2-1B"), "Llama-3.2-1B");
        assert_eq!(slug("a b:c"), "a-b-c");
    }
}
