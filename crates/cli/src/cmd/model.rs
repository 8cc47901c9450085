//! `gimmal model`: what models there are.

use std::process::ExitCode;

use futures_util::{StreamExt as _, TryStreamExt as _};
use gimmal_client::types::gemini;

use crate::args::{Connection, Model};
use crate::connect::connect;
use crate::output::{self, Table};

/// Runs one of the model commands.
pub(crate) async fn run(connection: &Connection, args: Model) -> anyhow::Result<ExitCode> {
    let connected = connect(connection).await?;
    let models = connected.client.models();
    match args {
        Model::List { limit } => {
            let items = models.list().items().take(limit.unwrap_or(usize::MAX));
            let items: Vec<gemini::Model> = items.try_collect().await?;
            if connection.json {
                output::json(&items)?
            } else {
                table(&items)?
            }
        }
        Model::Get { name } => {
            let model = models.get(name).send().await?.into_body();
            if connection.json {
                output::json(&model)?
            } else {
                table(&[model])?
            }
        }
    }
    connected.close().await;
    Ok(ExitCode::SUCCESS)
}

fn table(models: &[gemini::Model]) -> anyhow::Result<()> {
    let mut table = Table::new([
        "name",
        "display name",
        "input limit",
        "output limit",
        "methods",
    ]);
    for model in models {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        table.row([
            text(&model.name),
            text(&model.display_name),
            model
                .input_token_limit
                .map(output::grouped)
                .unwrap_or_default(),
            model
                .output_token_limit
                .map(output::grouped)
                .unwrap_or_default(),
            model.supported_generation_methods.join(", "),
        ]);
    }
    table.print()
}
