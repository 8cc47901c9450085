//! What is known of models: minimum cache sizes and prices, as data with a date.
//!
//! Minimums and prices have changed several times a year, so they live in a JSON file that can be
//! replaced at run time and never in code. The built-in table is `data/gemini-models.json`.

use serde::{Deserialize, Serialize};

/// Facts about models, by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ModelTable {
    /// When the facts were gathered.
    pub version: String,
    /// What the prices are in.
    #[serde(default)]
    pub unit: String,
    /// The models.
    pub models: Vec<ModelFacts>,
}

/// What is known of one model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ModelFacts {
    /// Its name without a collection, such as `gemini-2.5-flash`.
    pub model: String,
    /// Fewest tokens of a context cache; `None` when it takes none.
    pub explicit_min: Option<u32>,
    /// Fewest tokens from which on the service caches by itself; `None` when it does not.
    pub implicit_min: Option<u32>,
    /// A prefix of more tokens than this, read who knows how often, is left to the service's own
    /// caching until that was seen to fail; `None` never waits for that.
    #[serde(default)]
    pub implicit_ceiling: Option<u32>,
    /// Most tokens of a prompt.
    pub context_window: u32,
    /// Prices by prompt size, smallest first.
    pub prices: Vec<Price>,
}

/// Prices in USD per million tokens.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Price {
    /// They hold for prompts of more tokens than this, cached ones included.
    #[serde(default)]
    pub above_tokens: u32,
    /// Prompt tokens that are not cached.
    pub input: f64,
    /// Reply and reasoning tokens, where known.
    pub output: Option<f64>,
    /// Prompt tokens read from a cache, where known.
    pub cached: Option<f64>,
    /// Keeping a million tokens for an hour, where known.
    pub storage: Option<f64>,
}

/// What is known of a model's caching without asking the service.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Capabilities {
    /// Fewest tokens of a context cache; `None` when it takes none.
    pub explicit_min: Option<u32>,
    /// True when the service told that minimum in an error; else it is the table's.
    pub is_min_learnt: bool,
    /// Fewest tokens from which on the service caches by itself; `None` when it does not.
    pub implicit_min: Option<u32>,
    /// Tokens from which on the service's own caching is tried first.
    pub implicit_ceiling: Option<u32>,
    /// Prices by prompt size, smallest first.
    pub prices: Vec<Price>,
    /// When the facts of the table were gathered.
    pub facts_of: String,
}

/// A model table that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("model table: {0}")]
pub struct InvalidModelTable(String);

impl ModelTable {
    /// Reads a table in the form of the built-in one.
    ///
    /// ```
    /// use gimmal_client::gemini::planner::ModelTable;
    ///
    /// let table = ModelTable::from_json(br#"{"version": "2026-11", "models": [
    ///     {"model": "m", "explicit_min": 1024, "implicit_min": null, "context_window": 100000,
    ///      "prices": [{"input": 1.0, "output": 4.0, "cached": 0.1, "storage": 1.0}]}]}"#)?;
    /// assert_eq!(table.find("models/m").and_then(|facts| facts.explicit_min), Some(1024));
    /// # Ok::<(), gimmal_client::gemini::planner::InvalidModelTable>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Fails on JSON of another form, and on a model with a price that is negative or without any.
    pub fn from_json(json: &[u8]) -> Result<Self, InvalidModelTable> {
        let table: Self =
            serde_json::from_slice(json).map_err(|error| InvalidModelTable(error.to_string()))?;
        for facts in &table.models {
            let refuse = |why: &str| Err(InvalidModelTable(format!("{}: {why}", facts.model)));
            if facts.prices.is_empty() {
                return refuse("`prices` must have at least one entry");
            }
            let numbers = facts
                .prices
                .iter()
                .flat_map(|price| [Some(price.input), price.output, price.cached, price.storage]);
            if numbers
                .flatten()
                .any(|number| !number.is_finite() || number < 0.0)
            {
                return refuse("prices must not be negative");
            }
            if !facts
                .prices
                .is_sorted_by(|a, b| a.above_tokens < b.above_tokens)
            {
                return refuse("`prices` must rise in `above_tokens`");
            }
        }
        Ok(table)
    }

    /// The facts of a model by any of its names; `None` when the table does not have it.
    pub fn find(&self, model: &str) -> Option<&ModelFacts> {
        let name = model.rsplit('/').next().unwrap_or(model);
        self.models.iter().find(|facts| facts.model == name)
    }
}

impl Default for ModelTable {
    fn default() -> Self {
        const BUILT_IN: &[u8] = include_bytes!("../../../data/gemini-models.json");
        // A test reads the file, so this cannot fail in a build that passed it; an empty table
        // degrades to sending requests whole.
        Self::from_json(BUILT_IN).unwrap_or(Self {
            version: String::new(),
            unit: String::new(),
            models: Vec::new(),
        })
    }
}

impl ModelFacts {
    /// The prices for a prompt of so many tokens, cached ones included.
    ///
    /// Without any price, all are unknown and no cache ever pays.
    pub fn price(&self, prompt_tokens: u64) -> Price {
        let reached = |tier: &&Price| prompt_tokens > u64::from(tier.above_tokens);
        let tier = self.prices.iter().rfind(reached);
        tier.or(self.prices.first())
            .copied()
            .unwrap_or(Price::UNKNOWN)
    }
}

impl Price {
    const UNKNOWN: Self = Self {
        above_tokens: 0,
        input: 0.0,
        output: None,
        cached: None,
        storage: None,
    };

    /// Price of a cached token as a part of the normal price; 1 when no cached price is known.
    pub fn cached_ratio(&self) -> f64 {
        match self.cached {
            Some(cached) if self.input > 0.0 => cached / self.input,
            _ => 1.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_table_is_sound() {
        let table = ModelTable::default();
        assert!(table.models.len() >= 12);
        assert_eq!(
            table.find("models/gemini-2.5-flash").unwrap().explicit_min,
            Some(2048)
        );
        let pro = table
            .find("publishers/google/models/gemini-2.5-pro")
            .unwrap();
        assert_eq!(pro.price(200_000).input, 1.25);
        assert_eq!(pro.price(200_001).input, 2.5);
        assert!((pro.price(1).cached_ratio() - 0.1).abs() < 1e-12);
        assert!(table.find("gemini-1.0-x").is_none());
        let unpriced = ModelFacts {
            prices: Vec::new(),
            ..pro.clone()
        };
        assert_eq!(unpriced.price(1), Price::UNKNOWN);
    }

    #[test]
    fn bad_tables_name_the_model() {
        let negative = br#"{"version": "x", "models": [{"model": "m", "explicit_min": null,
            "implicit_min": null, "context_window": 1, "prices": [{"input": -1, "output": null,
            "cached": null, "storage": null}]}]}"#;
        let error = ModelTable::from_json(negative).unwrap_err().to_string();
        assert!(error.starts_with("model table: m: prices"), "{error}");
        assert!(ModelTable::from_json(b"{}").is_err());
    }
}
