//! The Tinker service for commands: who answers, and how text becomes tokens.

use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use gimmal_client::tinker::ServiceClient;
use gimmal_client::tinker::tokenizer::{Hub, Tokenizer, Tokenizers, tokenizer_of};
use gimmal_emulator::Emulator;
use gimmal_training::{byte_text, byte_tokens};

use crate::args::Connection;
use crate::connect::is_loopback;
use crate::exit::Failure;

/// What stands in for a key where nobody checks one; clients refuse others.
const LOCAL_KEY: &str = "tml-local";
/// The model of the emulator whose tokens are bytes.
const BYTES: &str = "gimmal/bytes";

/// A client, and the emulator behind it if there is one.
pub(crate) struct Connected {
    pub(crate) service: ServiceClient,
    emulator: Option<Emulator>,
}

impl Connected {
    /// Ends the session, and the emulator if there is one.
    pub(crate) async fn close(self) {
        if let Err(error) = self.service.close("success", None).await {
            tracing::warn!(%error, "the session was not closed");
        }
        if let Some(emulator) = self.emulator {
            emulator.shutdown().await;
        }
    }
}

/// Chooses the service: the live one where the environment has a credential, an address that the
/// user names, or else an emulator, which keeps its checkpoints in the folder of the run.
pub(crate) async fn connect(
    connection: &Connection,
    run: Option<&Path>,
) -> anyhow::Result<Connected> {
    let given = ["TINKER_API_KEY", "TINKER_CREDENTIAL_CMD"];
    let has_credential = given.iter().any(|name| std::env::var_os(name).is_some());
    let mut builder = ServiceClient::builder().from_env();
    let address = connection
        .base_url
        .clone()
        .or_else(|| std::env::var("TINKER_BASE_URL").ok());
    let mut emulator = None;
    if let Some(address) = &connection.base_url {
        builder = builder.with_base_url(address);
    }
    if !has_credential {
        match address {
            Some(address) if !is_loopback(&address) => {
                let message = format!("no API key for {address}: set TINKER_API_KEY");
                return Err(Failure::usage(message));
            }
            Some(_) => {}
            None => {
                let started = start_emulator(run).await?;
                builder = builder.with_base_url(started.base_url());
                emulator = Some(started);
            }
        }
        builder = builder.with_api_key(LOCAL_KEY);
    }
    Ok(Connected {
        service: builder.build()?,
        emulator,
    })
}

async fn start_emulator(run: Option<&Path>) -> anyhow::Result<Emulator> {
    let mut builder = Emulator::builder().with_journal_capacity(0);
    if let Some(run) = run {
        builder = builder.with_tinker_folder(run.join("emulator"));
    }
    let emulator = builder.start().await.context("cannot start the emulator")?;
    writeln!(
        std::io::stderr(),
        "no TINKER_API_KEY in the environment: the embedded emulator answers on {}",
        emulator.base_url()
    )?;
    Ok(emulator)
}

/// How text becomes tokens, and tokens text.
pub(crate) enum Tokens {
    Bytes,
    Of(Tokenizer),
}

impl Tokens {
    /// Those of a file, or of a model.
    pub(crate) async fn of(model: &str, file: Option<&Path>) -> anyhow::Result<Self> {
        if let Some(file) = file {
            let tokenizer = Tokenizer::from_file(file);
            return Ok(Self::Of(tokenizer.map_err(|error| {
                Failure::usage(format!(
                    "cannot use the tokenizer {}: {error}",
                    file.display()
                ))
            })?));
        }
        if model == BYTES {
            return Ok(Self::Bytes);
        }
        let tokenizers = Tokenizers::of_hub(Hub::builder().from_env().build()?);
        let tokenizer = tokenizers.get(&tokenizer_of(None, model)).await;
        let tokenizer = tokenizer.with_context(|| {
            format!("cannot fetch the tokenizer of {model}; name a file with --tokenizer")
        })?;
        Ok(Self::Of(tokenizer))
    }

    /// The tokens of a text that something follows.
    pub(crate) async fn prompt(&self, text: &str) -> anyhow::Result<Vec<u32>> {
        Ok(match self {
            Self::Bytes => byte_tokens(text, false),
            Self::Of(tokenizer) => tokenizer.encode(text).await?,
        })
    }

    /// The tokens of a text that follows a prompt, with the end where it is known.
    pub(crate) async fn completion(&self, text: &str) -> anyhow::Result<Vec<u32>> {
        Ok(match self {
            Self::Bytes => byte_tokens(text, true),
            Self::Of(tokenizer) => tokenizer.encode_bare(text).await?,
        })
    }

    /// The text of tokens.
    pub(crate) async fn text(&self, tokens: &[u32]) -> anyhow::Result<String> {
        Ok(match self {
            Self::Bytes => byte_text(tokens),
            Self::Of(tokenizer) => tokenizer.decode(tokens).await?,
        })
    }
}
