//! `gimmal emulator`: the API on this machine, for other programs.

use std::process::ExitCode;

use anyhow::Context as _;
use gimmal_emulator::Emulator;

use crate::args::EmulatorArgs;
use crate::output;

/// Serves until Ctrl-C.
pub(crate) async fn run(args: &EmulatorArgs) -> anyhow::Result<ExitCode> {
    let address = format!("127.0.0.1:{}", args.port);
    let emulator = Emulator::builder()
        .bind(&address)
        .start()
        .await
        .with_context(|| format!("cannot serve on {address}"))?;
    output::line(&format!("listening on {}", emulator.base_url()))?;
    tokio::signal::ctrl_c().await?;
    emulator.shutdown().await;
    Ok(ExitCode::SUCCESS)
}
