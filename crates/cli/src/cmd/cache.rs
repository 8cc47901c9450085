//! `gimmal cache`: context caches by hand.

use std::io::Write as _;
use std::process::ExitCode;

use futures_util::{StreamExt as _, TryStreamExt as _};
use gimmal_client::types::gemini::{CachedContent, Content};

use super::plan::Question;
use super::{files, plan};
use crate::args::{Cache, Connection};
use crate::connect::connect;
use crate::output::{self, Table};

/// Runs one of the cache commands.
pub(crate) async fn run(connection: &Connection, args: Cache) -> anyhow::Result<ExitCode> {
    let args = match args {
        Cache::Plan {
            files,
            model,
            system,
            reads,
            ttl,
            prices,
        } => {
            let table = files::model_table(prices.as_deref())?;
            let question = Question {
                files,
                model,
                system,
                reads,
                ttl,
            };
            plan::run(&question, &table, connection.json)?;
            return Ok(ExitCode::SUCCESS);
        }
        args => args,
    };
    let connected = connect(connection).await?;
    let caches = connected.client.caches();
    match args {
        // It asks nobody, and is done.
        Cache::Plan { .. } => {}
        Cache::Create {
            context,
            model,
            system,
            ttl,
            display_name,
        } => {
            let text = files::read_text(&context, "context")?;
            let mut call = caches.create(model).set_contents([text]).set_ttl(ttl);
            if let Some(system) = system {
                call = call.set_system_instruction(Content::text(system));
            }
            if let Some(name) = display_name {
                call = call.set_display_name(name);
            }
            show(connection, &[call.send().await?.into_body()])?;
            if connected.is_emulated() {
                writeln!(
                    std::io::stderr(),
                    "this cache ends with the command: start `gimmal emulator` and pass its \
                     address as --base-url to keep it"
                )?;
            }
        }
        Cache::List { limit } => {
            let items = caches.list().items().take(limit.unwrap_or(usize::MAX));
            let items: Vec<CachedContent> = items.try_collect().await?;
            if connection.json {
                output::json(&items)?;
            } else {
                show(connection, &items)?;
            }
        }
        Cache::Get { name } => show(connection, &[caches.get(name).send().await?.into_body()])?,
        Cache::Update { name, ttl } => {
            show(
                connection,
                &[caches.update(name).set_ttl(ttl).send().await?.into_body()],
            )?;
        }
        Cache::Delete { name } => {
            caches.delete(&name).send().await?;
            if connection.json {
                output::json(&serde_json::json!({"deleted": name}))?;
            } else {
                output::line(&format!("deleted {name}"))?;
            }
        }
    }
    connected.close().await;
    Ok(ExitCode::SUCCESS)
}

/// A table, or one JSON object when there is one cache.
fn show(connection: &Connection, caches: &[CachedContent]) -> anyhow::Result<()> {
    if let (true, [cache]) = (connection.json, caches) {
        return output::json(cache);
    }
    if caches.is_empty() {
        return output::line("no caches");
    }
    let mut table = Table::new(["name", "display name", "model", "tokens", "expires"]);
    for cache in caches {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let tokens = cache
            .usage_metadata
            .as_ref()
            .and_then(|usage| usage.total_token_count);
        table.row([
            text(&cache.name),
            text(&cache.display_name),
            text(&cache.model),
            tokens.map(output::grouped).unwrap_or_default(),
            cache
                .expire_time
                .map(|time| output::whole_seconds(&time.to_system_time()))
                .unwrap_or_default(),
        ]);
    }
    table.print()
}
