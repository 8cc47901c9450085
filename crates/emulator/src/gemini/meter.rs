//! What the service would bill for: tokens by model, read, replied, written and kept. It knows no
//! prices, and nothing is decided from it.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use crate::gemini::{generate::Generation, usage::Tally};

/// Tokens that the service would bill for, of one model.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Metered {
    /// Prompt tokens that came from no context cache.
    pub plain_tokens: u64,
    /// Prompt tokens read from context caches.
    pub cached_tokens: u64,
    /// Tokens of replies and of the reasoning behind them.
    pub output_tokens: u64,
    /// Tokens written into context caches.
    pub written_tokens: u64,
    /// Tokens of context caches times the hours that they were kept.
    pub token_hours: f64,
}

/// Counts what answers cost.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    by_model: Mutex<BTreeMap<String, Metered>>,
}

impl Meter {
    /// Counts one answer. A prompt that was blocked costs nothing.
    pub(crate) fn count(&self, model: &str, generation: &Generation) {
        if generation.candidates.is_empty() {
            return;
        }
        let usage = generation.usage;
        let cached = usage.cached.map_or(0, Tally::total);
        let mut by_model = self.by_model.lock().unwrap_or_else(PoisonError::into_inner);
        let metered = by_model.entry(model.to_owned()).or_default();
        metered.plain_tokens += usage.prompt.total().saturating_sub(cached);
        metered.cached_tokens += cached;
        metered.output_tokens += usage.candidates.unwrap_or(0) + usage.thoughts.unwrap_or(0);
    }

    /// What the answers of a model cost so far.
    pub(crate) fn of(&self, model: &str) -> Metered {
        let by_model = self.by_model.lock().unwrap_or_else(PoisonError::into_inner);
        by_model.get(model).copied().unwrap_or_default()
    }
}

/// Tokens times hours.
pub(crate) fn token_hours(tokens: u64, from: SystemTime, until: SystemTime) -> f64 {
    let kept = until.duration_since(from).unwrap_or(Duration::ZERO);
    tokens as f64 * kept.as_secs_f64() / 3600.0
}
