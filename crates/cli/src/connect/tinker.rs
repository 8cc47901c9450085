//! Which Tinker service answers: the live one, an address the user named, or the embedded
//! emulator.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use gimmal_client::tinker::{ServiceClient, ServiceClientBuilder, Source};
use gimmal_emulator::Emulator;

use super::is_loopback;
use crate::args::Connection;
use crate::exit::Failure;

/// What stands in for a key where nobody checks one.
const LOCAL_KEY: &str = "tml-local";

/// A client, and the emulator behind it if there is one.
pub(crate) struct TinkerConnected {
    pub(crate) service: ServiceClient,
    /// Kept alive for as long as the client is used.
    emulator: Option<Emulator>,
}

impl TinkerConnected {
    /// True when the embedded emulator answers.
    pub(crate) fn is_emulated(&self) -> bool {
        self.emulator.is_some()
    }

    /// Says that what was made ends with the command, if it does.
    pub(crate) fn warn_of_the_end(&self, what: &str) -> anyhow::Result<()> {
        if self.emulator.is_some() {
            writeln!(
                std::io::stderr(),
                "this {what} ends with the command: start `gimmal emulator` and pass its address \
                 as --base-url to keep it"
            )?;
        }
        Ok(())
    }

    /// Ends the session, if one was opened, and the emulator, if there is one.
    pub(crate) async fn close(self) {
        if let Err(error) = self.service.close("success", None).await {
            tracing::warn!(%error, "the session was not closed");
        }
        if let Some(emulator) = self.emulator {
            emulator.shutdown().await;
        }
    }
}

/// The settings of the environment under those of the command line.
pub(crate) fn tinker_settings(
    connection: &Connection,
    timeout: Option<Duration>,
) -> ServiceClientBuilder {
    settings_with(connection, timeout, |name| std::env::var(name).ok())
}

fn settings_with(
    connection: &Connection,
    timeout: Option<Duration>,
    lookup: impl Fn(&str) -> Option<String>,
) -> ServiceClientBuilder {
    let mut builder = ServiceClient::builder().from_lookup(lookup);
    if let Some(base_url) = &connection.base_url {
        builder = builder.with_base_url(base_url);
    }
    if let Some(timeout) = timeout {
        builder = builder.with_timeout(timeout);
    }
    builder
}

/// Chooses the service and says so when it is not the live one. An emulator keeps its checkpoints
/// in `folder`, if there is one.
pub(crate) async fn connect_tinker(
    connection: &Connection,
    timeout: Option<Duration>,
    folder: Option<&Path>,
) -> anyhow::Result<TinkerConnected> {
    let connected = connect_with(tinker_settings(connection, timeout), folder).await?;
    if let Some(emulator) = &connected.emulator {
        writeln!(
            std::io::stderr(),
            "no Tinker API key in the environment or stored: the embedded emulator answers on {}",
            emulator.base_url()
        )?;
    }
    Ok(connected)
}

async fn connect_with(
    mut builder: ServiceClientBuilder,
    folder: Option<&Path>,
) -> anyhow::Result<TinkerConnected> {
    let config = builder.config()?;
    let mut emulator = None;
    if config.api_key.is_none() && config.credential_cmd.is_none() {
        let address = config.base_url;
        if address.source == Source::Default {
            let started = start_emulator(folder).await?;
            builder = builder.with_base_url(started.base_url());
            emulator = Some(started);
        } else if !is_loopback(&address.value) {
            return Err(Failure::usage(format!(
                "no Tinker API key for {}: set TINKER_API_KEY or run `gimmal tinker auth login`",
                address.value
            )));
        }
        builder = builder.with_api_key(LOCAL_KEY);
    }
    Ok(TinkerConnected {
        service: builder.build()?,
        emulator,
    })
}

async fn start_emulator(folder: Option<&Path>) -> anyhow::Result<Emulator> {
    let flags = [("pjwt_auth_enabled".to_owned(), true.into())];
    let mut emulator = Emulator::builder()
        .with_journal_capacity(0)
        .with_tinker_config(flags.into_iter().collect());
    if let Some(folder) = folder {
        emulator = emulator.with_tinker_folder(folder.join("emulator"));
    }
    emulator.start().await.context("cannot start the emulator")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(base_url: Option<&str>, key: Option<&'static str>) -> ServiceClientBuilder {
        let connection = Connection {
            base_url: base_url.map(str::to_owned),
            api_version: None,
            json: false,
        };
        settings_with(&connection, None, move |name| {
            key.filter(|_| name == "TINKER_API_KEY").map(str::to_owned)
        })
    }

    #[tokio::test]
    async fn without_a_key_only_this_machine_answers() {
        let connected = connect_with(settings(None, None), None).await.unwrap();
        assert!(connected.emulator.is_some());
        connected.close().await;
        let local = settings(Some("http://127.0.0.1:1"), None);
        assert!(connect_with(local, None).await.unwrap().emulator.is_none());
        let remote = settings(Some("https://example.invalid"), None);
        let refused = connect_with(remote, None).await.err().unwrap().to_string();
        assert!(refused.contains("TINKER_API_KEY"), "{refused}");
    }

    #[tokio::test]
    async fn with_a_key_nothing_is_started() {
        let connected = connect_with(settings(None, Some("tml-key")), None)
            .await
            .unwrap();
        assert!(connected.emulator.is_none());
    }
}
