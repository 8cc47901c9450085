//! What a context cache costs and saves.
//!
//! With T prefix tokens, input price P, cached price r·P, storage price S per hour, H hours of
//! life and N reads: sending the prefix every time costs N·T·P, a cache costs T·P to create,
//! N·T·r·P to read and T·S·H to keep. T cancels, so size decides only whether a cache is allowed
//! and how large the saving is.

use std::time::Duration;

use serde::Serialize;

use super::Price;

/// Saving in USD of a cache over sending the prefix each time; negative when it costs more.
///
/// `tokens` is the size of the prefix, `reads` how many requests read it. `None` when the price
/// table has no price for cached tokens or for storage.
pub fn saving_usd(price: &Price, tokens: u32, reads: f64, life: Duration) -> Option<f64> {
    let factor = reads * (1.0 - relative(price)?.0) - 1.0 - relative(price)?.1 * hours(life);
    Some(f64::from(tokens) * price.input / 1e6 * factor)
}

/// The smallest number of reads for which a cache that lives so long pays.
pub fn break_even_reads(price: &Price, life: Duration) -> Option<u64> {
    let (ratio, storage) = relative(price)?;
    if ratio >= 1.0 {
        return None;
    }
    let reads = (1.0 + storage * hours(life)) / (1.0 - ratio);
    Some(reads.floor() as u64 + 1)
}

/// The longest gap between reads for which keeping a cache costs less than sending the prefix.
pub(crate) fn longest_gap(price: &Price) -> Option<Duration> {
    let (ratio, storage) = relative(price)?;
    (storage > 0.0 && ratio < 1.0)
        .then(|| Duration::from_secs_f64((1.0 - ratio) / storage * 3600.0))
}

/// What keeping a token for an hour costs, as a part of the input price; `None` when the model has
/// no price for caches.
pub(crate) fn storage_share(price: &Price) -> Option<f64> {
    relative(price).map(|(_, storage)| storage)
}

/// What keeping so many tokens costs, in USD per hour; nothing where no price is known.
pub(crate) fn storage_usd_per_hour(price: &Price, tokens: u32) -> f64 {
    f64::from(tokens) * price.storage.unwrap_or(0.0) / 1e6
}

/// The prices of cached tokens and of storage, each as a part of the input price.
fn relative(price: &Price) -> Option<(f64, f64)> {
    let (cached, storage) = (price.cached?, price.storage?);
    (price.input > 0.0).then(|| (cached / price.input, storage / price.input))
}

fn hours(life: Duration) -> f64 {
    life.as_secs_f64() / 3600.0
}

/// What a run cost, and what it would have cost without caches, in USD.
///
/// Token counts come from the service's usage reports; creating a cache is billed once at the
/// input price and storage by token-hours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Bill {
    /// Prompt tokens that were not cached.
    pub input_usd: f64,
    /// Prompt tokens read from caches.
    pub cached_usd: f64,
    /// Reply and reasoning tokens; zero when the table has no price for them.
    pub output_usd: f64,
    /// Creating caches.
    pub creation_usd: f64,
    /// Keeping caches.
    pub storage_usd: f64,
    /// The same prompts and replies without any cache.
    pub without_cache_usd: f64,
}

impl Bill {
    /// Adds one reply.
    pub fn add_reply(&mut self, price: &Price, prompt: u64, cached: u64, output: u64) {
        let cached = cached.min(prompt);
        let output_usd = output as f64 * price.output.unwrap_or(0.0) / 1e6;
        self.input_usd += (prompt - cached) as f64 * price.input / 1e6;
        self.cached_usd += cached as f64 * price.cached.unwrap_or(price.input) / 1e6;
        self.output_usd += output_usd;
        self.without_cache_usd += prompt as f64 * price.input / 1e6 + output_usd;
    }

    /// Adds the life of caches: tokens written into them, and token-hours kept.
    pub fn add_caches(&mut self, price: &Price, creation_tokens: u64, token_hours: f64) {
        self.creation_usd += creation_tokens as f64 * price.input / 1e6;
        self.storage_usd += token_hours * price.storage.unwrap_or(0.0) / 1e6;
    }

    /// Everything that was paid.
    pub fn total_usd(&self) -> f64 {
        self.input_usd + self.cached_usd + self.output_usd + self.creation_usd + self.storage_usd
    }

    /// What the caches saved; negative when they cost more.
    pub fn saved_usd(&self) -> f64 {
        self.without_cache_usd - self.total_usd()
    }
}

#[cfg(test)]
mod tests {
    use super::super::ModelTable;
    use super::*;

    const MINUTE: u64 = 60;

    #[test]
    fn break_even_follows_the_published_table() {
        let table = ModelTable::default();
        let lives = [
            5 * MINUTE,
            30 * MINUTE,
            60 * MINUTE,
            240 * MINUTE,
            1440 * MINUTE,
        ];
        for (model, tokens, reads) in [
            ("gemini-2.5-flash-lite", 1, [3, 7, 13, 46, 268]),
            ("gemini-2.5-flash", 1, [2, 3, 5, 16, 91]),
            ("gemini-2.5-pro", 1, [2, 4, 6, 18, 98]),
            ("gemini-2.5-pro", 300_000, [2, 3, 4, 10, 50]),
            ("gemini-3-flash-preview", 1, [2, 3, 4, 11, 55]),
            ("gemini-3.1-flash-lite", 1, [2, 4, 6, 19, 108]),
            ("gemini-3.8-flash", 1, [2, 2, 2, 5, 19]),
        ] {
            let price = table.find(model).unwrap().price(tokens);
            let have =
                lives.map(|life| break_even_reads(&price, Duration::from_secs(life)).unwrap());
            assert_eq!(have, reads, "{model}");
        }
    }

    #[test]
    fn gaps_follow_the_published_table() {
        let table = ModelTable::default();
        for (model, minutes) in [
            ("gemini-2.5-flash-lite", 5.4),
            ("gemini-2.5-flash", 16.2),
            ("gemini-3.8-flash", 81.0),
        ] {
            let price = table.find(model).unwrap().price(1);
            let gap = longest_gap(&price).unwrap().as_secs_f64() / 60.0;
            assert!((gap - minutes).abs() < 1e-6, "{model}: {gap}");
        }
    }

    #[test]
    fn a_bill_adds_up() {
        let price = ModelTable::default()
            .find("gemini-2.5-flash")
            .unwrap()
            .price(1);
        let mut bill = Bill::default();
        bill.add_reply(&price, 5000, 4500, 1000);
        bill.add_caches(&price, 4500, 4500.0 * 0.5);
        assert!((bill.input_usd + bill.cached_usd + bill.output_usd - 0.002_785).abs() < 1e-12);
        assert!((bill.creation_usd - 0.001_35).abs() < 1e-12);
        assert!((bill.storage_usd - 0.002_25).abs() < 1e-12);
        assert!((bill.without_cache_usd - 0.004).abs() < 1e-12);
        assert!((bill.saved_usd() - (0.004 - 0.006_385)).abs() < 1e-12);
    }

    #[test]
    fn unknown_prices_save_nothing() {
        let price = ModelTable::default()
            .find("gemini-2.0-flash")
            .unwrap()
            .price(1);
        assert_eq!(
            saving_usd(&price, 10_000, 100.0, Duration::from_secs(60)),
            None
        );
        assert_eq!(break_even_reads(&price, Duration::from_secs(60)), None);
    }
}
