//! Sampling: sessions to sample in, and what is asked of them.

use super::{InvalidInput, MessageType, ModelInput, TensorData, TensorDtype};
use crate::invalid_input::finite;

record! {
    /// Opens a sampling session.
    #[derive(Debug)]
    pub struct CreateSamplingSessionRequest {
        /// The caller's session.
        pub session_id: String,
        /// The place of the sampling session in it, from 0.
        pub sampling_session_seq_id: u64,
        /// A base model to sample from.
        pub base_model: Option<String>,
        /// A checkpoint to sample from.
        pub model_path: Option<String>,
        /// Which kind of message it is.
        #[default(MessageType::CreateSamplingSession)]
        pub kind: MessageType = "type",
    }

    /// The sampling session that was opened.
    #[derive(Debug)]
    pub struct CreateSamplingSessionResponse {
        /// Which kind of message it is.
        #[default(MessageType::CreateSamplingSession)]
        pub kind: MessageType = "type",
        /// Its identifier.
        pub sampling_session_id: String,
    }

    /// Lets a further client into a sampling session.
    #[derive(Debug)]
    pub struct JoinSamplingSessionRequest {
        /// The sampling session.
        pub sampling_session_id: String,
        /// Which kind of message it is.
        #[default(MessageType::JoinSamplingSession)]
        pub kind: MessageType = "type",
    }

    /// A further client is in.
    #[derive(Debug)]
    pub struct JoinSamplingSessionResponse {
        /// Which kind of message it is.
        #[default(MessageType::JoinSamplingSession)]
        pub kind: MessageType = "type",
        /// Which number it has.
        pub client_counter: u64,
    }

    /// How tokens are drawn.
    ///
    /// ```
    /// use gimmal_types::tinker::SamplingParams;
    ///
    /// let params = SamplingParams::new().set_max_tokens(64_u32).set_stop("\n");
    /// assert_eq!((params.temperature, params.top_k), (1.0, -1));
    /// ```
    #[derive(Debug)]
    pub struct SamplingParams {
        /// A sequence ends at so many tokens.
        pub max_tokens: Option<u32>,
        /// Fixes the random choices.
        pub seed: Option<i64>,
        /// What ends a sequence; `[]` lets nothing do so before `max_tokens`.
        pub stop: Option<Stop>,
        /// How freely tokens are drawn; 0 takes the likeliest.
        #[default(1.0)]
        pub temperature: f64,
        /// Draws among so many of the likeliest tokens; -1 among all.
        #[default(-1)]
        pub top_k: i64,
        /// Draws among the likeliest tokens that have so much probability together.
        #[default(1.0)]
        pub top_p: f64,
    }

    /// Asks for sequences.
    #[derive(Debug)]
    pub struct SampleRequest {
        /// How many.
        #[default(1_u32)]
        pub num_samples: u32,
        /// What they go on from.
        pub prompt: ModelInput,
        /// How tokens are drawn.
        pub sampling_params: SamplingParams,
        /// A base model to sample from.
        pub base_model: Option<String>,
        /// A checkpoint to sample from.
        pub model_path: Option<String>,
        /// The sampling session.
        pub sampling_session_id: Option<String>,
        /// The place of the request among those of the client.
        pub seq_id: Option<u64>,
        /// Whether to tell how likely the tokens of the prompt are.
        pub prompt_logprobs: Option<bool>,
        /// How many of the likeliest tokens to tell per place of the prompt.
        #[default(0_u32)]
        pub topk_prompt_logprobs: u32,
        /// How many of the likeliest tokens to tell per place of a sequence.
        #[default(0_u32)]
        pub topk_sample_logprobs: u32,
        /// Tokens whose probability to tell: row `i` for the place after token `i`; -1 for none.
        pub target_prompt_logprobs: Option<TensorData>,
        /// How many tokens to draw per place of the prompt.
        #[default(0_u32)]
        pub prompt_alt_tokens_k: u32,
        /// Tells how likely only so many of the last tokens of the prompt are.
        pub prompt_logprobs_last_n: Option<u32>,
        /// Whether the server keeps notes on how stable its numbers are.
        pub record_stability_info: Option<bool>,
        /// Which kind of message it is.
        #[default(MessageType::Sample)]
        pub kind: MessageType = "type",
    }

    /// A sampling session, described.
    #[derive(Debug)]
    pub struct GetSamplerResponse {
        /// Its identifier.
        pub sampler_id: String,
        /// The base model.
        pub base_model: String,
        /// The checkpoint.
        pub model_path: Option<String>,
    }
}

by_shape! {
    /// What ends a sequence.
    pub enum Stop {
        /// A text.
        Text(String) = "text",
        /// Texts, or tokens.
        List(StopList) = "list",
    }
}

names_only_debug!(Stop);

impl From<&str> for Stop {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Vec<String>> for Stop {
    fn from(texts: Vec<String>) -> Self {
        Self::List(StopList::Texts(texts))
    }
}

impl From<Vec<u32>> for Stop {
    fn from(tokens: Vec<u32>) -> Self {
        Self::List(StopList::Tokens(tokens))
    }
}

/// Several things that end a sequence, all of one kind.
#[derive(Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "Vec<serde_json::Value>", into = "Vec<serde_json::Value>")]
#[non_exhaustive]
pub enum StopList {
    /// Texts.
    Texts(Vec<String>),
    /// Tokens.
    Tokens(Vec<u32>),
}

plain_wire_values!(StopList);
names_only_debug!(StopList);

impl From<StopList> for Vec<serde_json::Value> {
    fn from(list: StopList) -> Self {
        match list {
            StopList::Texts(texts) => texts.into_iter().map(Into::into).collect(),
            StopList::Tokens(tokens) => tokens.into_iter().map(Into::into).collect(),
        }
    }
}

impl TryFrom<Vec<serde_json::Value>> for StopList {
    type Error = InvalidInput;

    fn try_from(list: Vec<serde_json::Value>) -> Result<Self, InvalidInput> {
        let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
        let token = |value: &serde_json::Value| u32::try_from(value.as_u64()?).ok();
        let tokens: Option<Vec<u32>> = list.iter().map(token).collect();
        let texts: Option<Vec<String>> = list.iter().map(text).collect();
        match (tokens, texts) {
            (Some(tokens), _) => Ok(Self::Tokens(tokens)),
            (None, Some(texts)) => Ok(Self::Texts(texts)),
            (None, None) => Err(InvalidInput::new(
                "stop",
                "must hold texts only or tokens only",
            )),
        }
    }
}

impl SamplingParams {
    /// Refuses numbers that are not finite.
    ///
    /// # Errors
    ///
    /// Fails with the field.
    pub fn check(&self) -> Result<(), InvalidInput> {
        finite("temperature", self.temperature)?;
        finite("top_p", self.top_p)
    }
}

impl SampleRequest {
    /// Refuses what cannot be asked.
    ///
    /// # Errors
    ///
    /// Fails with the field: numbers that are not finite, a target tensor that is no matrix of
    /// integers, a part of the log-probabilities of the prompt without asking for them.
    pub fn check(&self) -> Result<(), InvalidInput> {
        self.sampling_params
            .check()
            .map_err(|error| error.within("sampling_params"))?;
        if let Some(target) = &self.target_prompt_logprobs {
            let is_matrix = target.shape().is_some_and(|shape| shape.len() == 2);
            if target.dtype() != TensorDtype::Int64 || !is_matrix {
                let reason = "must be a matrix of integers: a row per token after the first";
                return Err(InvalidInput::new("target_prompt_logprobs", reason));
            }
        }
        if let Some(last) = self.prompt_logprobs_last_n {
            if last == 0 {
                return Err(InvalidInput::new(
                    "prompt_logprobs_last_n",
                    "must be 1 or more",
                ));
            }
            if self.prompt_logprobs != Some(true) {
                let reason = "needs `prompt_logprobs`; ask for them as well";
                return Err(InvalidInput::new("prompt_logprobs_last_n", reason));
            }
        }
        Ok(())
    }
}
