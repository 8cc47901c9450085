//! Sums over a run.

use std::collections::BTreeMap;

use gimmal_client::gemini::planner::{Bill, ModelFacts};
use serde::Serialize;

use super::output::OutputRecord;
use super::{Category, Usage};

/// Sums over the records of an output file: the same whether it was written in one run or in
/// several.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Totals {
    /// All items.
    pub items: u64,
    /// Items with an answer.
    pub succeeded: u64,
    /// Those of them that the token limit cut off.
    pub truncated: u64,
    /// Items without, by sort of failure.
    pub failures: BTreeMap<Category, u64>,
    /// Tokens.
    pub usage: Usage,
    /// Items answered by a kept reply, so that nothing was sent.
    pub kept: u64,
    /// Tokens that those would have taken.
    pub saved: Usage,
    /// What those would have cost, in USD.
    pub saved_usd: f64,
    /// Requests on the wire.
    pub attempts: u64,
    /// What the replies cost; caches are added once at the end of a run.
    pub bill: Bill,
}

impl Totals {
    /// Adds a record. Without facts about the model nothing is billed.
    pub fn add(&mut self, record: &OutputRecord, facts: Option<&ModelFacts>) {
        self.items += 1;
        match &record.error {
            None => {
                self.succeeded += 1;
                let cut = record.finish_reason.as_deref() == Some("MAX_TOKENS");
                self.truncated += u64::from(cut);
            }
            Some(error) => *self.failures.entry(error.category.clone()).or_default() += 1,
        }
        self.usage.add(&record.usage);
        self.attempts += u64::from(record.attempts);
        if let Some(saved) = &record.saved {
            self.kept += 1;
            self.saved.add(saved);
        }
        if let Some(facts) = facts {
            add_reply(&mut self.bill, facts, &record.usage);
            let mut spared = Bill::default();
            add_reply(&mut spared, facts, &record.saved.unwrap_or_default());
            self.saved_usd += spared.total_usd();
        }
    }

    /// Items without an answer.
    pub fn failed(&self) -> u64 {
        self.failures.values().sum()
    }
}

/// Each prompt is priced by its own size.
fn add_reply(bill: &mut Bill, facts: &ModelFacts, usage: &Usage) {
    let price = facts.price(usage.prompt_tokens);
    let (prompt, cached) = (usage.prompt_tokens, usage.cached_tokens);
    bill.add_reply(&price, prompt, cached, usage.output_tokens);
}
