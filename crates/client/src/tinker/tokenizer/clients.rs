//! Tokenizers of the clients: that of the model which they train or sample from.

use std::sync::{Mutex, PoisonError};

use gimmal_transport::Error;

use super::{Hub, Tokenizer, TokenizerRef, Tokenizers, tokenizer_of};
use crate::tinker::{SamplingClient, TrainingClient};

/// What models are called that nobody knows the name of.
const UNKNOWN: &str = "unknown";

/// The tokenizers of this process, from the hub that the environment names.
fn of_process() -> Result<Tokenizers, Error> {
    static TOKENIZERS: Mutex<Option<Tokenizers>> = Mutex::new(None);
    let mut tokenizers = TOKENIZERS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(tokenizers) = &*tokenizers {
        return Ok(tokenizers.clone());
    }
    let made = Tokenizers::of_hub(Hub::builder().from_env().build()?);
    Ok(tokenizers.insert(made).clone())
}

impl TrainingClient {
    /// Which tokenizer the model has.
    pub fn tokenizer_ref(&self) -> TokenizerRef {
        let data = &self.get_info().model_data;
        let name = data.model_name.as_deref().unwrap_or(UNKNOWN);
        tokenizer_of(data.tokenizer_id.as_deref(), name)
    }

    /// The tokenizer of the model, from the hub that the environment names; it is loaded once.
    ///
    /// ```no_run
    /// # async fn run(client: gimmal_client::tinker::TrainingClient) -> Result<(), gimmal_client::Error> {
    /// let tokenizer = client.get_tokenizer().await?;
    /// let tokens = tokenizer.encode("Hello").await?;
    /// # let _ = tokens;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails when it cannot be fetched or read.
    pub async fn get_tokenizer(&self) -> Result<Tokenizer, Error> {
        self.get_tokenizer_from(&of_process()?).await
    }

    /// The same from tokenizers of the caller's.
    ///
    /// # Errors
    ///
    /// Fails when it cannot be fetched or read.
    pub async fn get_tokenizer_from(&self, tokenizers: &Tokenizers) -> Result<Tokenizer, Error> {
        tokenizers.get(&self.tokenizer_ref()).await
    }

    /// The tokens of a text for this model.
    ///
    /// # Errors
    ///
    /// As [`TrainingClient::get_tokenizer`], and on a text that cannot be encoded.
    pub async fn encode(&self, text: impl Into<String>) -> Result<Vec<u32>, Error> {
        self.get_tokenizer().await?.encode(text).await
    }

    /// The text of tokens of this model.
    ///
    /// # Errors
    ///
    /// As [`TrainingClient::get_tokenizer`], and on numbers that are no tokens.
    pub async fn decode(&self, tokens: impl Into<Vec<u32>>) -> Result<String, Error> {
        self.get_tokenizer().await?.decode(tokens).await
    }
}

impl SamplingClient {
    /// Which tokenizer the model has.
    pub fn tokenizer_ref(&self) -> TokenizerRef {
        tokenizer_of(None, self.get_base_model().unwrap_or(UNKNOWN))
    }

    /// The tokenizer of the model, from the hub that the environment names; it is loaded once.
    ///
    /// # Errors
    ///
    /// Fails when it cannot be fetched or read.
    pub async fn get_tokenizer(&self) -> Result<Tokenizer, Error> {
        self.get_tokenizer_from(&of_process()?).await
    }

    /// The same from tokenizers of the caller's.
    ///
    /// # Errors
    ///
    /// Fails when it cannot be fetched or read.
    pub async fn get_tokenizer_from(&self, tokenizers: &Tokenizers) -> Result<Tokenizer, Error> {
        tokenizers.get(&self.tokenizer_ref()).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;
    use test_case::test_case;

    use super::super::KimiTokenizer;
    use super::*;
    use crate::tinker::testing::Server;

    const LLAMA_3: &str = "thinkingmachineslabinc/meta-llama-3-instruct-tokenizer";

    /// Covers: CHK-TT-1, TrainingClient.get_tokenizer
    #[test_case(Some("org/tok:rev1"), "meta-llama/Llama-3.1-8B", "org/tok")]
    #[test_case(None, "meta-llama/Llama-3.1-8B", LLAMA_3)]
    #[tokio::test(start_paused = true)]
    async fn chk_tt_1_the_tokenizer_is_that_of_the_model(
        id: Option<&str>,
        name: &str,
        repository: &str,
    ) {
        let server = Server::default();
        server.describe(json!({"model_name": name, "tokenizer_id": id}));
        let service = server.client();
        let training = service.create_lora_training_client("base").await.unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let note = Arc::clone(&asked);
        let tokenizers = Tokenizers::new(move |which| {
            note.lock().unwrap().push(which.repository);
            Box::pin(async { Ok(KimiTokenizer::new("YQ== 0\n", "{}")?.into()) })
        });
        let tokenizer = training.get_tokenizer_from(&tokenizers).await.unwrap();
        assert_eq!(tokenizer.encode("aa").await.unwrap(), [0, 0]);
        assert_eq!(*asked.lock().unwrap(), [repository]);
    }
}
