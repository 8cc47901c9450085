//! `gimmal batch --dry-run`: what a run would take, by estimate, before anything is sent.

use std::time::Duration;

use gimmal_batch::strategies::GeminiStrategy;
use gimmal_batch::{BATCH_JOB_PRICE, CallStrategy as _, WorkItem};
use gimmal_client::gemini::planner::{Bill, ModelFacts};
use serde::Serialize;

use crate::args::Batch;
use crate::output::{self, Table, grouped, usd};

/// What a run would take.
#[derive(Debug, Default, Serialize)]
struct Plan {
    model: String,
    items: u64,
    /// Tokens of the context that all prompts share.
    context_tokens: u64,
    prompt_tokens: u64,
    /// At 256 tokens a reply, or as many as --max-output-tokens allows if that is less.
    output_tokens: u64,
    /// `null` when the price table does not know the model.
    without_cache_usd: Option<f64>,
    /// With the context read from a cache; making and keeping it are not counted.
    with_cache_usd: Option<f64>,
    /// As batch jobs of the service, which read from no cache.
    as_batch_jobs_usd: Option<f64>,
    /// What --rpm and --tpm make of it, at least.
    seconds_at_least: f64,
}

/// Estimates and prints; nothing is sent.
pub(super) fn run<C>(
    args: &Batch,
    strategy: &GeminiStrategy,
    items: impl Iterator<Item = WorkItem<String, C>>,
    facts: Option<&ModelFacts>,
    json: bool,
) -> anyhow::Result<()> {
    let context_tokens = u64::from(strategy.context_tokens());
    let most = args.sampling.max_output_tokens;
    let most = most.and_then(|most| u64::try_from(most).ok());
    let mut plan = Plan {
        model: args.model.clone(),
        context_tokens,
        ..Plan::default()
    };
    let (mut plain, mut cached) = (Bill::default(), Bill::default());
    for item in items {
        let Some(estimate) = strategy.estimate(&item.input) else {
            continue;
        };
        let output = estimate.output_tokens.min(most.unwrap_or(u64::MAX));
        plan.items += 1;
        plan.prompt_tokens += estimate.input_tokens;
        plan.output_tokens += output;
        if let Some(facts) = facts {
            let price = facts.price(estimate.input_tokens);
            plain.add_reply(&price, estimate.input_tokens, 0, output);
            cached.add_reply(&price, estimate.input_tokens, context_tokens, output);
        }
    }
    if facts.is_some() {
        plan.without_cache_usd = Some(plain.total_usd());
        plan.with_cache_usd = Some(cached.total_usd());
        plan.as_batch_jobs_usd = Some(BATCH_JOB_PRICE * plain.total_usd());
    }
    plan.seconds_at_least = at_least(args, &plan).as_secs_f64();
    if json {
        return output::json(&plan);
    }
    plan.table().print()
}

/// The time that the limits alone take, a minute's worth of which is there at once.
fn at_least(args: &Batch, plan: &Plan) -> Duration {
    let minutes = |amount: u64, limit: u64| amount.saturating_sub(limit) as f64 / limit as f64;
    let requests = args.pace.rpm.map(|rpm| minutes(plan.items, rpm.get()));
    let tokens = plan.prompt_tokens + plan.output_tokens;
    let tokens = args.pace.tpm.map(|tpm| minutes(tokens, tpm.get()));
    let minutes = requests.unwrap_or(0.0).max(tokens.unwrap_or(0.0));
    Duration::try_from_secs_f64(60.0 * minutes).unwrap_or(Duration::MAX)
}

impl Plan {
    fn table(&self) -> Table {
        let mut table = Table::of_values();
        let mut row = |name: &str, value: String| table.row([name.to_owned(), value]);
        row("model", self.model.clone());
        row("prompts", grouped(self.items));
        row("tokens of the context", grouped(self.context_tokens));
        row("prompt tokens, about", grouped(self.prompt_tokens));
        row("output tokens, about", grouped(self.output_tokens));
        match (self.without_cache_usd, self.with_cache_usd) {
            (Some(without), Some(with)) => {
                row("cost without a cache, about", usd(without));
                if self.context_tokens > 0 {
                    row("cost with a cache, about", usd(with));
                }
                if let Some(jobs) = self.as_batch_jobs_usd {
                    row("cost as batch jobs, about", usd(jobs));
                }
            }
            _ => row(
                "cost",
                "unknown: no price is known (--prices FILE)".to_owned(),
            ),
        }
        if self.seconds_at_least > 0.0 {
            let seconds = format!("{:.0} s by the limits", self.seconds_at_least);
            row("time at least", seconds);
        }
        table
    }
}
