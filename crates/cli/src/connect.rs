//! Which service answers: the live API, an address the user named, or the embedded emulator.

mod tinker;

use std::io::Write as _;

use anyhow::Context as _;
use gimmal_client::gemini::GeminiClient;
use gimmal_emulator::Emulator;

pub(crate) use self::tinker::{TinkerConnected, connect_tinker, tinker_settings};
use crate::args::Connection;
use crate::config::without_credentials;
use crate::exit::Failure;

/// A client, and the emulator behind it if there is one.
pub(crate) struct Connected {
    pub(crate) client: GeminiClient,
    /// Kept alive for as long as the client is used.
    emulator: Option<Emulator>,
}

impl Connected {
    /// True when the embedded emulator answers.
    pub(crate) fn is_emulated(&self) -> bool {
        self.emulator.is_some()
    }

    /// Stops the emulator, if there is one.
    pub(crate) async fn close(self) {
        if let Some(emulator) = self.emulator {
            emulator.shutdown().await;
        }
    }
}

/// What stands in for a key where nobody checks one.
const LOCAL_KEY: &str = "local";

/// Chooses the service and says so when it is not the live one.
pub(crate) async fn connect(connection: &Connection) -> anyhow::Result<Connected> {
    let connected = connect_with(connection, |name| std::env::var(name).ok()).await?;
    if let Some(emulator) = &connected.emulator {
        writeln!(
            std::io::stderr(),
            "no API key in the environment: the embedded emulator answers on {}",
            emulator.base_url()
        )?;
    }
    Ok(connected)
}

async fn connect_with(
    connection: &Connection,
    lookup: impl Fn(&str) -> Option<String>,
) -> anyhow::Result<Connected> {
    let mut builder = GeminiClient::builder().from_lookup(lookup);
    if let Some(version) = &connection.api_version {
        builder = builder.with_api_version(version);
    }
    if let Some(base_url) = &connection.base_url {
        builder = builder.with_base_url(base_url);
    }
    let mut emulator = None;
    if !builder.has_api_key() && !builder.is_vertex() {
        match builder.base_url() {
            Some(address) if !is_loopback(&address) => {
                let address = without_credentials(&address);
                return Err(Failure::usage(format!(
                    "no API key for {address}: set GEMINI_API_KEY or GOOGLE_API_KEY"
                )));
            }
            Some(_) => {}
            None => {
                let started = start_emulator().await?;
                builder = builder.with_base_url(started.base_url());
                emulator = Some(started);
            }
        }
        builder = builder.with_api_key(LOCAL_KEY);
    }
    Ok(Connected {
        client: builder.build()?,
        emulator,
    })
}

async fn start_emulator() -> anyhow::Result<Emulator> {
    let emulator = Emulator::builder().with_journal_capacity(0).start().await;
    emulator.context("cannot start the emulator")
}

/// True for an address on this machine.
pub(crate) fn is_loopback(address: &str) -> bool {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_switch_that_is_off_leaves_the_emulator_on() {
        let connection = Connection {
            base_url: None,
            api_version: None,
            json: false,
        };
        let off = |name: &str| (name == "GOOGLE_GENAI_USE_VERTEXAI").then(|| "false".to_owned());
        let connected = connect_with(&connection, off).await.unwrap();
        assert!(connected.is_emulated());
        connected.close().await;
    }

    #[test]
    fn addresses_of_this_machine_are_known() {
        for address in [
            "http://127.0.0.1:80/",
            "http://localhost",
            "http://[::1]:9/x",
        ] {
            assert!(is_loopback(address), "{address}");
        }
        for address in [
            "https://example.com/127.0.0.1",
            "http://127.0.0.1.example.com",
            "x",
        ] {
            assert!(!is_loopback(address), "{address}");
        }
    }
}
