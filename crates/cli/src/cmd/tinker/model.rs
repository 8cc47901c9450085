//! `gimmal tinker model`: what models there are to train and to sample.

use std::process::ExitCode;

use gimmal_client::tinker::RestClient;
use gimmal_client::types::tinker::SupportedModel;
use serde_json::json;

use super::{Context, yes};
use crate::args::TinkerModel;
use crate::exit::Failure;
use crate::output::{self, Table, grouped};

/// Lists models.
pub(super) async fn run(context: Context<'_>, args: TinkerModel) -> anyhow::Result<ExitCode> {
    let TinkerModel::List { substring } = args;
    let connected = context.connect().await?;
    let rest = connected.service.create_rest_client();
    let mut models = rest.get_server_capabilities().await?.supported_models;
    if let Some(wanted) = substring {
        models.retain(|model| has(model, &wanted));
        if models.is_empty() {
            return Err(none_has(&rest, &wanted).await);
        }
    }
    if context.json {
        output::json(&json!({"models": models}))?;
    } else {
        table(&models)?;
    }
    connected.close().await;
    Ok(ExitCode::SUCCESS)
}

/// True when the name contains the text, in capitals or not.
fn has(model: &SupportedModel, wanted: &str) -> bool {
    let name = model.model_name.as_deref().unwrap_or_default();
    name.to_lowercase().contains(&wanted.to_lowercase())
}

async fn none_has(rest: &RestClient, wanted: &str) -> anyhow::Error {
    // Who asks helps to see why; where it is not known the message does without.
    let organization = match rest.whoami().await {
        Ok(who) => format!(" of {}", who.org_urn),
        Err(_) => String::new(),
    };
    Failure::service(format!(
        "no model{organization} has {wanted:?} in its name; `gimmal tinker model list` shows all"
    ))
}

fn table(models: &[SupportedModel]) -> anyhow::Result<()> {
    if models.is_empty() {
        return output::line("no models");
    }
    let mut table = Table::new(["model", "max context", "trainable", "sampleable"]);
    let known = |value: Option<String>| value.unwrap_or_else(|| "N/A".to_owned());
    for model in models {
        table.row([
            known(model.model_name.clone()),
            known(model.max_context_length.map(grouped)),
            known(model.trainable.map(yes)),
            known(model.sampleable.map(yes)),
        ]);
    }
    table.align_right(1);
    table.print()
}
