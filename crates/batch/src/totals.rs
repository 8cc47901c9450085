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
    /// What was spared because batch jobs of the service gave answers, in USD.
    pub saved_by_jobs_usd: f64,
}

/// What an answer of a batch job costs of one that was asked for by itself, as the service's price
/// list says.
pub const BATCH_JOB_PRICE: f64 = 0.5;

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
            let mut bill = Bill::default();
            add_reply(&mut bill, facts, &record.usage);
            let share = if record.by_batch_job {
                BATCH_JOB_PRICE
            } else {
                1.0
            };
            self.saved_by_jobs_usd += (1.0 - share) * bill.total_usd();
            add_share(&mut self.bill, &bill, share);
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

/// Adds a share of another bill.
fn add_share(bill: &mut Bill, other: &Bill, share: f64) {
    bill.input_usd += share * other.input_usd;
    bill.cached_usd += share * other.cached_usd;
    bill.output_usd += share * other.output_usd;
    bill.without_cache_usd += share * other.without_cache_usd;
}

#[cfg(test)]
mod tests {
    use gimmal_client::gemini::planner::ModelTable;

    use super::*;

    #[test]
    fn what_a_batch_job_answered_costs_half() {
        let table = ModelTable::default();
        let facts = table.find("gemini-2.5-flash").unwrap();
        let mut record = OutputRecord {
            usage: Usage::of(1_000_000, 1_000_000),
            ..OutputRecord::default()
        };
        let mut alone = Totals::default();
        alone.add(&record, Some(facts));
        record.by_batch_job = true;
        let mut job = Totals::default();
        job.add(&record, Some(facts));
        let full = alone.bill.total_usd();
        assert!(full > 1.0, "{full}");
        assert_eq!(
            (job.bill.total_usd(), job.saved_by_jobs_usd),
            (full / 2.0, full / 2.0)
        );
        assert_eq!(job.bill.saved_usd(), 0.0, "no cache had a part in it");
        assert_eq!(alone.saved_by_jobs_usd, 0.0);
    }
}
