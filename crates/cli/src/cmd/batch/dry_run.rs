//! `gimmal batch --dry-run`: what a run would take, by estimate, before anything is sent. With
//! `--count-sample` the service counts the tokens of some of the prompts, which costs nothing, and
//! the estimate of all is corrected by what the sample came to.

use std::num::NonZeroUsize;
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use gimmal_batch::strategies::GeminiStrategy;
use gimmal_batch::{BATCH_JOB_PRICE, CallStrategy as _, WorkItem};
use gimmal_client::gemini::planner::{Bill, ModelFacts};
use gimmal_client::types::gemini::Content;
use serde::Serialize;

use crate::args::Batch;
use crate::connect::Connected;
use crate::output::{self, Table, grouped, usd};

/// Prompts that are counted at the same time.
const COUNTED_AT_ONCE: usize = 8;
/// So many standard errors are the half of an interval that holds in 95 of 100 cases.
const OF_95_PERCENT: f64 = 1.96;

/// What a run would take.
#[derive(Debug, Default, Serialize)]
struct Plan {
    model: String,
    items: u64,
    /// Tokens of the context that all prompts share.
    context_tokens: u64,
    prompt_tokens: u64,
    /// How far the prompt tokens may be off in 95 of 100 cases; `null` where too few were
    /// counted to tell.
    prompt_tokens_margin: Option<u64>,
    /// Prompts whose tokens the service counted.
    counted: u64,
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

/// What the service counted.
pub(super) struct Counted {
    prompts: u64,
    /// Tokens of the shared context.
    context: u64,
    /// Tokens of a prompt for each that was estimated.
    ratio: f64,
    /// How far the ratio may be off in 95 of 100 cases, where that is known.
    margin: Option<f64>,
}

/// So many of all prompts, or all if they are fewer, at even distances.
pub(super) fn sample<C>(
    items: impl Iterator<Item = WorkItem<String, C>>,
    all: u64,
    most: NonZeroUsize,
) -> Vec<String> {
    // How many of the sample stand before a place; where that grows the next one is taken.
    let before = |place: u64| u128::from(place) * most.get() as u128 / u128::from(all.max(1));
    let taken = items
        .zip(0..)
        .filter(|(_, place)| before(*place) != before(place + 1));
    let prompts = taken.map(|(item, _)| item.input);
    // The file may have grown since it was counted.
    prompts.take(most.get()).collect()
}

/// Has the tokens of the context and of a sample counted.
pub(super) async fn count(
    connected: &Connected,
    args: &Batch,
    strategy: &GeminiStrategy,
    sample: Vec<String>,
    all: u64,
) -> anyhow::Result<Counted> {
    let models = connected.client.models();
    let tokens_of = |contents: Vec<Content>| {
        let request = models.count_tokens(&args.model).set_contents(contents);
        async move {
            let reply = request.send().await?;
            anyhow::Ok(u64::from(
                reply.body().total_tokens.unwrap_or(0).unsigned_abs(),
            ))
        }
    };
    // What stands before the first prompt is the request without it.
    let mut context = 0;
    if strategy.context_tokens() > 0 {
        let request = strategy.request_for("");
        let mut contents = request.contents;
        contents.pop();
        contents.extend(request.system_instruction.map(|content| *content));
        context = tokens_of(contents).await?;
    }
    let estimated = |prompt: &String| estimate(strategy, prompt).0 as f64;
    let pairs: Vec<(f64, f64)> = stream::iter(sample)
        .map(|prompt| {
            let estimated = estimated(&prompt);
            let counted = tokens_of(vec![Content::user(prompt)]);
            async move { anyhow::Ok((estimated, counted.await? as f64)) }
        })
        .buffered(COUNTED_AT_ONCE)
        .try_collect()
        .await?;
    let (ratio, margin) = ratio_of(&pairs, all);
    Ok(Counted {
        prompts: pairs.len() as u64,
        context,
        ratio,
        margin,
    })
}

/// How much the second figures are of the first, and how far that may be off for all of them: the
/// ratio estimator of a sample without replacement. One pair says nothing of the others.
fn ratio_of(pairs: &[(f64, f64)], all: u64) -> (f64, Option<f64>) {
    let (estimated, counted) = pairs
        .iter()
        .fold((0.0, 0.0), |sum, pair| (sum.0 + pair.0, sum.1 + pair.1));
    if estimated <= 0.0 {
        return (1.0, None);
    }
    let (ratio, size) = (counted / estimated, pairs.len() as f64);
    if pairs.len() < 2 {
        let is_all = pairs.len() as u64 >= all;
        return (ratio, is_all.then_some(0.0));
    }
    let squares: f64 = pairs
        .iter()
        .map(|pair| (pair.1 - ratio * pair.0).powi(2))
        .sum();
    let left = (1.0 - size / all as f64).max(0.0);
    let error = (left * squares / (size - 1.0) / size).sqrt() / (estimated / size);
    (ratio, Some(OF_95_PERCENT * error))
}

/// Tokens of a prompt without the shared context, and of its reply.
fn estimate(strategy: &GeminiStrategy, prompt: &String) -> (u64, u64) {
    strategy.estimate(prompt).map_or((0, 0), |estimate| {
        let context = u64::from(strategy.context_tokens());
        (
            estimate.input_tokens.saturating_sub(context),
            estimate.output_tokens,
        )
    })
}

/// Estimates and prints; nothing is sent.
pub(super) fn run<C>(
    args: &Batch,
    strategy: &GeminiStrategy,
    items: impl Iterator<Item = WorkItem<String, C>>,
    facts: Option<&ModelFacts>,
    counted: Option<Counted>,
    json: bool,
) -> anyhow::Result<()> {
    let context_tokens = counted
        .as_ref()
        .map_or(u64::from(strategy.context_tokens()), |counted| {
            counted.context
        });
    let ratio = counted.as_ref().map_or(1.0, |counted| counted.ratio);
    let most = args.sampling.max_output_tokens;
    let most = most.and_then(|most| u64::try_from(most).ok());
    let mut plan = Plan {
        model: args.model.clone(),
        context_tokens,
        ..Plan::default()
    };
    let (mut plain, mut cached) = (Bill::default(), Bill::default());
    let mut own_tokens = 0.0;
    for item in items {
        let (own, output) = estimate(strategy, &item.input);
        let prompt = context_tokens + (ratio * own as f64).round() as u64;
        let output = output.min(most.unwrap_or(u64::MAX));
        plan.items += 1;
        plan.prompt_tokens += prompt;
        plan.output_tokens += output;
        own_tokens += own as f64;
        if let Some(facts) = facts {
            let price = facts.price(prompt);
            plain.add_reply(&price, prompt, 0, output);
            cached.add_reply(&price, prompt, context_tokens, output);
        }
    }
    if let Some(counted) = counted {
        plan.counted = counted.prompts;
        let margin = counted.margin;
        plan.prompt_tokens_margin = margin.map(|margin| (margin * own_tokens).round() as u64);
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

/// The time that the limits alone take, from the first request to the last.
fn at_least(args: &Batch, plan: &Plan) -> Duration {
    let minutes = |amount: f64, limit: u64| amount / limit as f64;
    let after_first = plan.items.saturating_sub(1) as f64;
    let requests = args.pace.rpm.map(|rpm| minutes(after_first, rpm.get()));
    let tokens = (plan.prompt_tokens + plan.output_tokens) as f64 / plan.items.max(1) as f64;
    let tokens = args
        .pace
        .tpm
        .map(|tpm| minutes(tokens * after_first, tpm.get()));
    let minutes = requests.unwrap_or(0.0).max(tokens.unwrap_or(0.0));
    Duration::try_from_secs_f64(60.0 * minutes).unwrap_or(Duration::MAX)
}

impl Plan {
    fn table(&self) -> Table {
        let mut table = Table::of_values();
        let mut row = |name: &str, value: String| table.row([name.to_owned(), value]);
        row("model", self.model.clone());
        row("prompts", grouped(self.items));
        if self.counted > 0 {
            row("of them counted by the service", grouped(self.counted));
        }
        row("tokens of the context", grouped(self.context_tokens));
        let margin = self.prompt_tokens_margin.map(grouped);
        let margin = margin.map_or_else(String::new, |margin| format!(" ± {margin}"));
        let prompt_tokens = format!("{}{margin}", grouped(self.prompt_tokens));
        row("prompt tokens, about", prompt_tokens);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_has_as_many_prompts_as_are_asked_for() {
        for (all, most, wanted) in [(101, 100, 100), (100, 100, 100), (5, 100, 5), (7, 3, 3)] {
            let items = (0..all).map(|i| WorkItem::new(i.to_string(), i.to_string()));
            let mut taken = sample(items, all, NonZeroUsize::new(most).unwrap());
            assert_eq!(taken.len(), wanted, "{most} of {all}");
            taken.dedup();
            assert_eq!(taken.len(), wanted, "each once");
        }
        let items = (0..9_u64).map(|i| WorkItem::new(i.to_string(), i.to_string()));
        let taken = sample(items, 9, NonZeroUsize::new(3).unwrap());
        assert_eq!(taken, ["2", "5", "8"]);
    }

    #[test]
    fn a_sample_tells_how_far_it_may_be_off() {
        // Where each is off by the same factor nothing is in doubt.
        let (ratio, margin) = ratio_of(&[(10.0, 12.0), (100.0, 120.0), (50.0, 60.0)], 1_000);
        let margin = margin.unwrap();
        assert!(
            (ratio - 1.2).abs() < 1e-9 && margin < 1e-9,
            "{ratio} {margin}"
        );
        let (ratio, margin) = ratio_of(&[(10.0, 8.0), (10.0, 12.0)], 1_000);
        let margin = margin.unwrap();
        assert!((ratio - 1.0).abs() < 1e-9);
        // Residuals of 2 either way: a variance of 8, halved for two of them, over a mean of 10.
        let expected = 1.96 * (8.0_f64 / 2.0 * 0.998).sqrt() / 10.0;
        assert!((margin - expected).abs() < 1e-9, "{margin}");
        // Who counted all of them is not off at all, and one alone does not tell.
        let of_all = ratio_of(&[(10.0, 8.0), (10.0, 12.0)], 2).1;
        assert!(of_all.unwrap() < 1e-9);
        assert_eq!(ratio_of(&[(10.0, 8.0)], 1), (0.8, Some(0.0)));
        assert_eq!(ratio_of(&[(10.0, 8.0)], 9), (0.8, None));
        assert_eq!(ratio_of(&[], 9), (1.0, None));
    }
}
