//! Tokens of an item.

use gimmal_client::types::gemini::UsageMetadata;
use serde::{Deserialize, Serialize};

/// Tokens that an item used, as the service reported them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Usage {
    /// The prompt, cached tokens and tool results included.
    pub prompt_tokens: u64,
    /// Those of the prompt that were read from a cache.
    pub cached_tokens: u64,
    /// The reply, reasoning included.
    pub output_tokens: u64,
    /// The reasoning alone.
    pub thoughts_tokens: u64,
    /// Everything.
    pub total_tokens: u64,
}

impl Usage {
    /// So many tokens in and out, and nothing else.
    ///
    /// ```
    /// use gimmal_batch::Usage;
    ///
    /// assert_eq!(Usage::of(100, 50).total_tokens, 150);
    /// ```
    pub fn of(prompt_tokens: u64, output_tokens: u64) -> Self {
        Self {
            prompt_tokens,
            output_tokens,
            total_tokens: prompt_tokens + output_tokens,
            ..Self::default()
        }
    }

    /// Sums, component by component.
    pub fn add(&mut self, other: &Self) {
        self.prompt_tokens += other.prompt_tokens;
        self.cached_tokens += other.cached_tokens;
        self.output_tokens += other.output_tokens;
        self.thoughts_tokens += other.thoughts_tokens;
        self.total_tokens += other.total_tokens;
    }

    /// Share of the prompt that came from a cache, in percent; 0 without a prompt.
    pub fn cache_hit_rate(&self) -> f64 {
        if self.prompt_tokens == 0 {
            return 0.0;
        }
        100.0 * self.cached_tokens as f64 / self.prompt_tokens as f64
    }

    /// Prompt tokens weighted by price, when a cached token costs `cached_ratio` of a plain one.
    ///
    /// The saving is rounded down, so the result is never too low. A ratio outside 0 to 1 is
    /// taken as the nearer of the two.
    ///
    /// ```
    /// use gimmal_batch::Usage;
    ///
    /// let mut usage = Usage::default();
    /// usage.prompt_tokens = 5_000;
    /// usage.cached_tokens = 4_500;
    /// assert_eq!(usage.effective_input_tokens(0.10), 950);
    /// ```
    pub fn effective_input_tokens(&self, cached_ratio: f64) -> u64 {
        // Parts per million keep the sum exact where a float product would fall short of it.
        let ratio = (cached_ratio.clamp(0.0, 1.0) * 1e6).round() as u64;
        let saved = u128::from(self.cached_tokens) * u128::from(1_000_000 - ratio) / 1_000_000;
        self.prompt_tokens
            .saturating_sub(u64::try_from(saved).unwrap_or(u64::MAX))
    }
}

impl Usage {
    /// What the tokens cost, at prices per million tokens; `cached_ratio` is what a cached token
    /// costs of a plain one. Making a cache and keeping it cost extra.
    ///
    /// ```
    /// use gimmal_batch::Usage;
    ///
    /// let mut usage = Usage::of(5_000, 1_000);
    /// usage.cached_tokens = 4_500;
    /// let cost = usage.estimated_cost(0.30, 2.50, 0.10);
    /// assert!((cost - 0.002_785).abs() < 1e-12);
    /// ```
    pub fn estimated_cost(
        &self,
        input_per_million: f64,
        output_per_million: f64,
        cached_ratio: f64,
    ) -> f64 {
        let input = self.effective_input_tokens(cached_ratio) as f64;
        (input * input_per_million + self.output_tokens as f64 * output_per_million) / 1e6
    }
}

impl From<&UsageMetadata> for Usage {
    fn from(usage: &UsageMetadata) -> Self {
        let tokens = |count: Option<i32>| u64::try_from(count.unwrap_or(0)).unwrap_or(0);
        let prompt_tokens =
            tokens(usage.prompt_token_count) + tokens(usage.tool_use_prompt_token_count);
        let thoughts_tokens = tokens(usage.thoughts_token_count);
        let output_tokens = tokens(usage.candidates_token_count) + thoughts_tokens;
        Self {
            prompt_tokens,
            cached_tokens: tokens(usage.cached_content_token_count),
            output_tokens,
            thoughts_tokens,
            total_tokens: usage
                .total_token_count
                .map_or(prompt_tokens + output_tokens, |total| tokens(Some(total))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(prompt_tokens: u64, cached_tokens: u64) -> Usage {
        Usage {
            prompt_tokens,
            cached_tokens,
            ..Usage::default()
        }
    }

    #[test]
    fn effective_tokens_follow_the_published_vectors() {
        assert_eq!(usage(5_000, 4_500).effective_input_tokens(0.10), 950);
        assert_eq!(usage(50_000, 45_000).effective_input_tokens(0.10), 9_500);
        assert_eq!(usage(10, 1).effective_input_tokens(0.10), 10);
        assert_eq!(usage(10, 4).effective_input_tokens(1.0), 10);
        assert_eq!(usage(10, 4).effective_input_tokens(0.0), 6);
        assert_eq!(usage(0, 0).effective_input_tokens(0.1), 0);
        assert_eq!(usage(0, 0).cache_hit_rate(), 0.0);
        assert_eq!(usage(5_000, 4_500).cache_hit_rate(), 90.0);
    }

    /// Covers: AC-TK-4
    #[test]
    fn ac_tk_4_gemini_counts_are_mapped() {
        let metadata = UsageMetadata::new()
            .set_prompt_token_count(100)
            .set_tool_use_prompt_token_count(5)
            .set_candidates_token_count(20)
            .set_thoughts_token_count(30)
            .set_cached_content_token_count(80);
        let usage = Usage::from(&metadata);
        assert_eq!((usage.prompt_tokens, usage.output_tokens), (105, 50));
        assert_eq!((usage.cached_tokens, usage.thoughts_tokens), (80, 30));
        assert_eq!(usage.total_tokens, 155);
    }
}
