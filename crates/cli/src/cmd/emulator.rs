//! `gimmal emulator`: the API on this machine, for other programs.

use std::process::ExitCode;

use anyhow::Context as _;
use gimmal_emulator::Emulator;

use crate::args::{Connection, EmulatorArgs};
use crate::output;

/// Serves until Ctrl-C.
pub(crate) async fn run(connection: &Connection, args: &EmulatorArgs) -> anyhow::Result<ExitCode> {
    let address = format!("127.0.0.1:{}", args.port);
    let emulator = Emulator::builder()
        .bind(&address)
        .with_journal_capacity(0)
        .with_latency(args.latency.unwrap_or_default())
        .start()
        .await
        .with_context(|| format!("cannot serve on {address}"))?;
    if connection.json {
        output::json_line(&serde_json::json!({"base_url": emulator.base_url()}))?;
    } else {
        output::line(&format!("listening on {}", emulator.base_url()))?;
        output::line("any key is accepted; Ctrl-C ends it")?;
    }
    tokio::signal::ctrl_c().await?;
    emulator.shutdown().await;
    Ok(ExitCode::SUCCESS)
}
