//! `gimmal tinker version`: whose protocol is spoken here.

use std::process::ExitCode;

use gimmal_api::tinker::PROTOCOL_VERSION;
use serde_json::json;

use super::Context;
use crate::output;

/// Tells the versions.
pub(super) fn run(context: Context<'_>) -> anyhow::Result<ExitCode> {
    let ours = env!("CARGO_PKG_VERSION");
    if context.json {
        output::json(&json!({"version": ours, "tinker_sdk": PROTOCOL_VERSION}))?;
    } else {
        output::line(&format!("gimmal {ours}, as tinker {PROTOCOL_VERSION}"))?;
    }
    Ok(ExitCode::SUCCESS)
}
