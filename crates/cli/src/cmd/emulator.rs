//! `gimmal emulator`: the API on this machine, for other programs.

use std::num::NonZeroUsize;
use std::process::ExitCode;

use anyhow::Context as _;
use gimmal_emulator::Emulator;

use crate::args::{Connection, EmulatorArgs};
use crate::output;

/// A key that Tinker clients take for one; they refuse others before anything is sent.
const TINKER_KEY: &str = "tml-emulator";
/// Most tokens of a text of a model that was added.
const TINKER_CONTEXT: NonZeroUsize = NonZeroUsize::new(32_768).unwrap();

/// Serves until Ctrl-C.
pub(crate) async fn run(connection: &Connection, args: &EmulatorArgs) -> anyhow::Result<ExitCode> {
    let address = format!("127.0.0.1:{}", args.port);
    let mut builder = Emulator::builder()
        .bind(&address)
        .with_journal_capacity(0)
        .with_latency(args.latency.unwrap_or_default());
    if args.tls.is_some() {
        builder = builder.with_tls();
    }
    for name in &args.tinker_model {
        builder = builder.with_tinker_transformer(name, TINKER_CONTEXT);
    }
    let emulator = builder
        .start()
        .await
        .with_context(|| format!("cannot serve on {address}"))?;
    if let (Some(file), Some(authority)) = (&args.tls, emulator.certificate_authority()) {
        tokio::fs::write(file, authority)
            .await
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    if connection.json {
        let tls = args.tls.as_ref().map(|file| file.display().to_string());
        let serving = serde_json::json!({
            "base_url": emulator.base_url(), "ca_file": tls,
            "tinker_base_url": emulator.base_url(), "tinker_api_key": TINKER_KEY,
        });
        output::json_line(&serving)?;
    } else {
        output::line(&format!("listening on {}", emulator.base_url()))?;
        if let Some(file) = &args.tls {
            output::line(&format!("trust the certificate in {}", file.display()))?;
        }
        output::line("any key is accepted; Ctrl-C ends it")?;
        output::line(&format!(
            "for Tinker: TINKER_BASE_URL={} TINKER_API_KEY={TINKER_KEY}",
            emulator.base_url()
        ))?;
    }
    tokio::signal::ctrl_c().await?;
    emulator.shutdown().await;
    Ok(ExitCode::SUCCESS)
}
