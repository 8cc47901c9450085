//! Sums over a run.

use std::collections::BTreeMap;

use gimmal_client::gemini::planner::{Bill, ModelFacts};
use serde::Serialize;

use super::output::OutputRecord;
use super::{FailureKind, Usage};

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
    pub failures: BTreeMap<FailureKind, u64>,
    /// Tokens.
    pub usage: Usage,
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
            Some(error) => *self.failures.entry(error.kind).or_default() += 1,
        }
        self.usage.add(&record.usage);
        self.attempts += u64::from(record.attempts);
        if let Some(facts) = facts {
            let usage = &record.usage;
            // Each prompt is priced by its own size.
            let price = facts.price(usage.prompt_tokens);
            self.bill.add_reply(
                &price,
                usage.prompt_tokens,
                usage.cached_tokens,
                usage.output_tokens,
            );
        }
    }

    /// Items without an answer.
    pub fn failed(&self) -> u64 {
        self.failures.values().sum()
    }
}
