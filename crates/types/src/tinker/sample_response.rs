//! Sampled sequences, and what is known of their tokens and of the prompt.

use std::fmt;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::ser::SerializeSeq as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{InvalidInput, StopReason, TensorData};

/// The log-probability that stands for no entry.
const NO_ENTRY: f32 = -99_999.0;

/// What sampling gave.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SampleResponse {
    /// The sequences.
    pub sequences: Vec<SampledSequence>,
    /// How likely each token of the prompt was; `None` where that was not computed.
    #[serde(default)]
    pub prompt_logprobs: Option<Vec<Option<f32>>>,
    /// The likeliest tokens at each place of the prompt.
    #[serde(default)]
    pub topk_prompt_logprobs: Option<TopkLogprobs>,
    /// How likely the tokens were that the request asked for.
    #[serde(default)]
    pub target_prompt_logprobs: Option<TensorData>,
    /// How many tokens of the prompt the server had in its cache.
    #[serde(default)]
    pub prompt_cache_hit_tokens: u64,
    /// Tokens that were drawn at each place of the prompt.
    #[serde(default)]
    pub prompt_alt_tokens: Option<PromptAltTokens>,
}

/// A sampled sequence.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SampledSequence {
    /// Why it ended.
    pub stop_reason: StopReason,
    /// Its identifier; empty from servers that give none.
    #[serde(default)]
    pub sequence_id: String,
    /// Its tokens.
    #[serde(default)]
    pub tokens: Vec<u32>,
    /// How likely each token was.
    #[serde(default)]
    pub logprobs: Option<Vec<f32>>,
    /// The likeliest tokens at each place.
    #[serde(default)]
    pub topk_logprobs: Option<TopkLogprobs>,
}

/// Tokens that were drawn at each place of a prompt, and how likely they were.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PromptAltTokens {
    /// The tokens, a row per place.
    pub tokens: TensorData,
    /// Their log-probabilities.
    pub logprobs: TensorData,
}

/// The likeliest tokens at each place, likeliest first.
#[derive(Clone, PartialEq)]
pub struct TopkLogprobs {
    token_ids: Vec<u32>,
    logprobs: Vec<f32>,
    k: usize,
}

impl SampleResponse {
    /// Sequences of which nothing else is known.
    pub fn new(sequences: impl Into<Vec<SampledSequence>>) -> Self {
        Self {
            sequences: sequences.into(),
            ..Self::default()
        }
    }

    /// Names the sequences, in order.
    ///
    /// # Errors
    ///
    /// Fails when there are more or fewer names than sequences.
    pub fn with_sequence_ids(mut self, ids: &[String]) -> Result<Self, InvalidInput> {
        if ids.len() != self.sequences.len() {
            let reason = format!("name {} of {} sequences", ids.len(), self.sequences.len());
            return Err(InvalidInput::new("sample_sequence_ids", reason));
        }
        for (sequence, id) in self.sequences.iter_mut().zip(ids) {
            sequence.sequence_id.clone_from(id);
        }
        Ok(self)
    }
}

impl SampledSequence {
    /// A sequence that ended for a reason.
    pub fn new(tokens: impl Into<Vec<u32>>, stop_reason: impl Into<StopReason>) -> Self {
        Self {
            stop_reason: stop_reason.into(),
            tokens: tokens.into(),
            ..Self::default()
        }
    }
}

impl PromptAltTokens {
    /// Tokens and their log-probabilities.
    pub fn new(tokens: impl Into<TensorData>, logprobs: impl Into<TensorData>) -> Self {
        Self {
            tokens: tokens.into(),
            logprobs: logprobs.into(),
        }
    }
}

impl TopkLogprobs {
    /// `k` tokens and their log-probabilities per place, place after place.
    ///
    /// # Errors
    ///
    /// Fails when the lists are of different lengths or no multiple of `k`.
    pub fn new(token_ids: Vec<u32>, logprobs: Vec<f32>, k: usize) -> Result<Self, InvalidInput> {
        if token_ids.len() != logprobs.len() || !token_ids.len().is_multiple_of(k.max(1)) {
            let reason = "must be as long as `token_ids`, and a multiple of `k`";
            return Err(InvalidInput::new("logprobs", reason));
        }
        Ok(Self {
            token_ids,
            logprobs,
            k: k.max(1),
        })
    }

    /// The tokens, `k` per place; places with fewer are filled up.
    pub fn token_ids(&self) -> &[u32] {
        &self.token_ids
    }

    /// The log-probabilities, `k` per place.
    pub fn logprobs(&self) -> &[f32] {
        &self.logprobs
    }

    /// How many tokens there are at most per place.
    pub fn k(&self) -> usize {
        self.k
    }

    /// How many places there are.
    pub fn len(&self) -> usize {
        self.token_ids.len() / self.k
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.token_ids.is_empty()
    }

    /// The entries of each place; `None` for one where nothing was computed.
    pub fn places(&self) -> impl Iterator<Item = Option<Vec<(u32, f32)>>> {
        let tokens = self.token_ids.chunks_exact(self.k);
        let logprobs = self.logprobs.chunks_exact(self.k);
        tokens.zip(logprobs).map(|(tokens, logprobs)| {
            let mut entries: Vec<(u32, f32)> = tokens
                .iter()
                .copied()
                .zip(logprobs.iter().copied())
                .collect();
            if entries.first().is_some_and(is_filler) {
                return None;
            }
            while entries.last().is_some_and(is_filler) {
                entries.pop();
            }
            Some(entries)
        })
    }

    /// From the entries of each place, the other way round.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn from_places(places: &[Option<Vec<(u32, f32)>>]) -> Result<Self, InvalidInput> {
        let k = places
            .iter()
            .flatten()
            .map(Vec::len)
            .max()
            .unwrap_or(0)
            .max(1);
        let mut token_ids = Vec::with_capacity(places.len() * k);
        let mut logprobs = Vec::with_capacity(places.len() * k);
        for place in places {
            let entries = place.iter().flatten().copied();
            let filled = entries.chain(std::iter::repeat((0, NO_ENTRY))).take(k);
            for (token, logprob) in filled {
                token_ids.push(token);
                logprobs.push(logprob);
            }
        }
        Self::new(token_ids, logprobs, k)
    }
}

fn is_filler(&(token, logprob): &(u32, f32)) -> bool {
    token == 0 && logprob == NO_ENTRY
}

impl fmt::Debug for TopkLogprobs {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "TopkLogprobs({} places of {})",
            self.len(),
            self.k
        )
    }
}

/// In JSON: per place a list of `[token, logprob]`, or `null`.
impl Serialize for TopkLogprobs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut places = serializer.serialize_seq(Some(self.len()))?;
        for place in self.places() {
            places.serialize_element(&place)?;
        }
        places.end()
    }
}

impl<'de> Deserialize<'de> for TopkLogprobs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Places;
        impl<'de> Visitor<'de> for Places {
            type Value = TopkLogprobs;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list of lists of [token, logprob]")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<TopkLogprobs, A::Error> {
                let mut places = Vec::new();
                while let Some(place) = seq.next_element::<Option<Vec<(u32, f32)>>>()? {
                    places.push(place);
                }
                TopkLogprobs::from_places(&places).map_err(A::Error::custom)
            }
        }
        deserializer.deserialize_seq(Places)
    }
}
