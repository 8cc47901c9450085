//! Spans that say from where the tokens of a datum came.

use super::InvalidInput;

record! {
    /// Tokens of the prompt of a sampled sequence.
    #[derive(Debug)]
    pub struct PromptProvenanceSpan {
        /// The sequence whose request had the prompt.
        pub sequence_id: String,
        /// Where in the prompt they begin.
        #[default(0_u32)]
        pub offset: u64,
        /// How many they are.
        pub length: u64,
    }

    /// Tokens that were sampled.
    #[derive(Debug)]
    pub struct SampledProvenanceSpan {
        /// The sequence.
        pub sequence_id: String,
        /// Where in it they begin.
        #[default(0_u32)]
        pub offset: u64,
        /// How many they are.
        pub length: u64,
    }
}

/// Where some consecutive tokens came from.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ProvenanceSpan {
    /// From the prompt of a sequence.
    PromptTokens(PromptProvenanceSpan),
    /// From a sequence.
    SampledTokens(SampledProvenanceSpan),
}

/// The spans of all tokens, in order.
pub type ProvenanceSpans = Vec<ProvenanceSpan>;

impl PromptProvenanceSpan {
    /// `length` tokens of the prompt of a sequence, from its beginning.
    pub fn of(sequence_id: impl Into<String>, length: u64) -> Self {
        Self::new().set_sequence_id(sequence_id).set_length(length)
    }
}

impl SampledProvenanceSpan {
    /// `length` tokens of a sequence, from its beginning.
    pub fn of(sequence_id: impl Into<String>, length: u64) -> Self {
        Self::new().set_sequence_id(sequence_id).set_length(length)
    }
}

impl ProvenanceSpan {
    /// The sequence.
    pub fn sequence_id(&self) -> &str {
        match self {
            Self::PromptTokens(span) => &span.sequence_id,
            Self::SampledTokens(span) => &span.sequence_id,
        }
    }

    /// Where in it the tokens begin.
    pub fn offset(&self) -> u64 {
        match self {
            Self::PromptTokens(span) => span.offset,
            Self::SampledTokens(span) => span.offset,
        }
    }

    /// How many they are.
    pub fn length(&self) -> u64 {
        match self {
            Self::PromptTokens(span) => span.length,
            Self::SampledTokens(span) => span.length,
        }
    }

    /// Refuses a span that names no sequence or cannot be written.
    pub(super) fn check(&self) -> Result<(), InvalidInput> {
        if self.sequence_id().is_empty() {
            return Err(InvalidInput::new("sequence_id", "must name a sequence"));
        }
        for (field, value) in [("offset", self.offset()), ("length", self.length())] {
            if i64::try_from(value).is_err() {
                return Err(InvalidInput::new(field, "is too large"));
            }
        }
        Ok(())
    }
}

impl From<PromptProvenanceSpan> for ProvenanceSpan {
    fn from(span: PromptProvenanceSpan) -> Self {
        Self::PromptTokens(span)
    }
}

impl From<SampledProvenanceSpan> for ProvenanceSpan {
    fn from(span: SampledProvenanceSpan) -> Self {
        Self::SampledTokens(span)
    }
}
