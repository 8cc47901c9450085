//! Which transformers are served: the part of the settings that says so.

use std::{num::NonZeroUsize, sync::Arc};

use crate::EmulatorBuilder;

use super::engine::{BaseModel, Vocabulary};

/// Why a `tokenizer.json` cannot be served.
#[derive(Debug, thiserror::Error)]
#[error("the tokenizer cannot be served: {0}")]
pub struct TokenizerError(String);

impl EmulatorBuilder {
    /// Serves a transformer of the Tinker API, in place of a model with the same name. Its tokens are
    /// bytes, token 256 ends a text, and a text has at most `context` tokens. Its weights follow from
    /// its name, and are made when it is first asked for.
    ///
    /// ```
    /// use std::num::NonZeroUsize;
    ///
    /// let context = NonZeroUsize::new(512).ok_or("zero")?;
    /// let builder = gimmal_emulator::Emulator::builder().with_tinker_transformer("my/model", context);
    /// # drop(builder);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_tinker_transformer(self, name: impl Into<String>, context: NonZeroUsize) -> Self {
        self.with_vocabulary(name.into(), Vocabulary::bytes(), context)
    }

    /// Serves a transformer whose tokens are those of a `tokenizer.json`, in place of a model with the
    /// same name. The file is a file of the hub as well ([`EmulatorBuilder::with_hub_file`]), so that
    /// clients find the tokenizer by the name of the model.
    ///
    /// # Errors
    ///
    /// When the file is not a `tokenizer.json`, or has more than 65,536 tokens.
    pub fn with_tinker_tokenizer(
        self,
        name: impl Into<String>,
        tokenizer: impl Into<Vec<u8>>,
        context: NonZeroUsize,
    ) -> Result<Self, TokenizerError> {
        let (name, tokenizer) = (name.into(), tokenizer.into());
        let vocabulary = Vocabulary::read(&tokenizer).map_err(TokenizerError)?;
        let served = self.with_hub_file(&name, "tokenizer.json", tokenizer);
        Ok(served.with_vocabulary(name, vocabulary, context))
    }

    fn with_vocabulary(
        mut self,
        name: String,
        vocabulary: Vocabulary,
        context: NonZeroUsize,
    ) -> Self {
        self.tinker.models.retain(|model| model.name != name);
        let model = BaseModel::transformer(name, Arc::new(vocabulary), context.get());
        self.tinker.models.push(model);
        self
    }
}
