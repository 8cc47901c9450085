//! How text becomes tokens, and tokens text, for commands on models.

use std::path::Path;

use anyhow::Context as _;
use gimmal_client::tinker::hub::Hub;
use gimmal_client::tinker::tokenizer::{Tokenizer, Tokenizers, tokenizer_of};
use gimmal_training::{byte_text, byte_tokens};

use crate::exit::Failure;

/// The models of the emulator whose tokens are bytes.
const BYTES: [&str; 2] = ["gimmal/bytes", "gimmal/tiny"];

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
        if BYTES.contains(&model) {
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
