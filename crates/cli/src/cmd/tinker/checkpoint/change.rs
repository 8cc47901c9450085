//! Who may load a checkpoint, and how long it stays.

use serde_json::json;

use super::checked;
use crate::cmd::tinker::Context;
use crate::exit::Failure;
use crate::output;

/// Lets everybody load a checkpoint, or its owner alone.
pub(super) async fn publish(context: Context<'_>, path: &str, public: bool) -> anyhow::Result<()> {
    checked(path)?;
    let connected = context.connect().await?;
    let rest = connected.service.create_rest_client();
    let word = if public {
        rest.publish_checkpoint_from_tinker_path(path).await?;
        "public"
    } else {
        rest.unpublish_checkpoint_from_tinker_path(path).await?;
        "private"
    };
    match context.json {
        true => output::json(&json!({"tinker_path": path, "public": public}))?,
        false => output::line(&format!("{path} is {word} now"))?,
    }
    connected.close().await;
    Ok(())
}

/// Sets after how many seconds a checkpoint is deleted, or that it stays.
pub(super) async fn set_ttl(
    context: Context<'_>,
    path: &str,
    ttl: Option<u64>,
    remove: bool,
) -> anyhow::Result<()> {
    match (ttl, remove) {
        (None, false) => {
            let message = "Must specify either --ttl <seconds> or --remove";
            return Err(Failure::usage(message));
        }
        (Some(_), true) => return Err(Failure::usage("Cannot specify both --ttl and --remove")),
        _ => {}
    }
    checked(path)?;
    let connected = context.connect().await?;
    let rest = connected.service.create_rest_client();
    rest.set_checkpoint_ttl_from_tinker_path(path, ttl).await?;
    match (context.json, ttl) {
        (true, ttl) => output::json(&json!({"tinker_path": path, "ttl_seconds": ttl}))?,
        (false, Some(ttl)) => output::line(&format!("{path} is deleted in {ttl} s"))?,
        (false, None) => output::line(&format!("{path} stays until somebody deletes it"))?,
    }
    connected.close().await;
    Ok(())
}
