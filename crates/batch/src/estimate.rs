//! How many tokens an item will take, told before it is sent.

use std::num::NonZeroU32;

/// Tokens that an item is expected to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenEstimate {
    /// Of the prompt.
    pub input_tokens: u64,
    /// Of the reply.
    pub output_tokens: u64,
}

impl TokenEstimate {
    /// Both together.
    pub fn total_tokens(&self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }
}

/// Estimates tokens by the length of a text: so many characters make a token.
///
/// ```
/// use gimmal_batch::CharacterTokenEstimator;
///
/// let estimate = CharacterTokenEstimator::default().estimate("Was ist ein Gimmal?");
/// assert_eq!((estimate.input_tokens, estimate.output_tokens), (5, 256));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CharacterTokenEstimator {
    /// Characters of a token; Unicode code points, not bytes.
    pub characters_per_token: NonZeroU32,
    /// Tokens of a reply.
    pub expected_output_tokens: u64,
    /// The least a prompt takes.
    pub minimum_input_tokens: u64,
}

impl Default for CharacterTokenEstimator {
    /// Four characters a token, replies of 256 tokens.
    fn default() -> Self {
        Self {
            characters_per_token: NonZeroU32::new(4).unwrap_or(NonZeroU32::MIN),
            expected_output_tokens: 256,
            minimum_input_tokens: 1,
        }
    }
}

impl CharacterTokenEstimator {
    /// The estimate for a prompt.
    pub fn estimate(&self, prompt: &str) -> TokenEstimate {
        let characters = prompt.chars().count() as u64;
        let tokens = characters.div_ceil(u64::from(self.characters_per_token.get()));
        TokenEstimate {
            input_tokens: tokens.max(self.minimum_input_tokens),
            output_tokens: self.expected_output_tokens,
        }
    }
}
