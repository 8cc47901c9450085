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

#[cfg(test)]
mod tests {
    use super::*;

    /// Covers: TokenEstimate.total_tokens
    #[test]
    fn an_estimate_counts_characters_and_rounds_up() {
        let estimator = CharacterTokenEstimator {
            characters_per_token: NonZeroU32::new(3).unwrap(),
            expected_output_tokens: 10,
            minimum_input_tokens: 2,
        };
        for (text, input_tokens) in [("", 2), ("abcdef", 2), ("abcdefg", 3), ("ßßßßßßß", 3)]
        {
            let estimate: TokenEstimate = estimator.estimate(text);
            let expected = TokenEstimate {
                input_tokens,
                output_tokens: 10,
            };
            assert_eq!(estimate, expected, "{text}");
            assert_eq!(estimate.total_tokens(), input_tokens + 10);
        }
        let most = TokenEstimate {
            input_tokens: u64::MAX,
            output_tokens: 1,
        };
        assert_eq!(most.total_tokens(), u64::MAX, "it does not overflow");
    }
}
