//! The limits of a run, from the arguments to the processor.

use std::num::NonZeroU32;
use std::time::Duration;

use gimmal_batch::journal::{Fsync, Journal};
use gimmal_batch::{Budget, Category, Processor, RetryConfig};
use gimmal_client::gemini::planner::{Bill, ModelFacts};
use gimmal_client::transport::RateLimits;
use gimmal_client::transport::rate_limit::AdaptiveConfig;

use crate::args::Batch;
use crate::batch_args::{Engine, FsyncArg};
use crate::exit::Failure;

/// The limits that the arguments set.
pub(super) fn limited(
    mut processor: Processor,
    args: &Batch,
    facts: Option<&ModelFacts>,
) -> anyhow::Result<Processor> {
    let pace = &args.pace;
    processor = processor.with_retry(RetryConfig::new().with_max_attempts(args.max_attempts));
    if let Some(limits) = rate_limits(args) {
        processor = processor.with_rate_limits(limits);
    }
    if pace.adaptive {
        let most = u32::try_from(args.concurrency.get()).ok();
        let most = most.and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MAX);
        processor = processor.with_adaptive_concurrency(AdaptiveConfig::up_to(most));
    }
    if let Some(timeout) = pace.attempt_timeout {
        processor = processor.with_attempt_timeout(timeout);
    }
    if let Some(timeout) = pace.item_timeout {
        processor = processor.with_item_timeout(timeout);
    }
    if let Some(timeout) = pace.batch_timeout {
        processor = processor.with_batch_timeout(timeout);
    }
    for name in &pace.fail_fast {
        if !Category::NAMES.contains(&name.as_str()) {
            let known = Category::NAMES.join(", ");
            return Err(Failure::usage(format!(
                "--fail-fast {name}: there is no such kind of failure; there are {known}"
            )));
        }
        processor = processor.with_abort_on([Category::from(name.as_str())]);
    }
    let mut budget = budget(args, facts)?;
    if pace.budget_strict {
        budget = budget.strict();
    }
    Ok(processor.with_budget(budget))
}

/// Refuses limits that would limit nothing.
pub(super) fn refuse_unsafe(args: &Batch) -> anyhow::Result<()> {
    let pace = &args.pace;
    if pace.budget_strict && (pace.engine == Engine::GeminiBatch || pace.queue.is_some()) {
        return Err(Failure::usage(
            "--budget-strict: jobs and queues are not paid for in advance; see what they will take \
             with --dry-run, or have the prompts answered one by one, without --engine and --queue",
        ));
    }
    Ok(())
}

/// Requests and tokens per minute, if they are limited.
pub(super) fn rate_limits(args: &Batch) -> Option<RateLimits> {
    let (rpm, tpm) = (args.pace.rpm, args.pace.tpm);
    if rpm.is_none() && tpm.is_none() {
        return None;
    }
    // Nothing is saved up: services count any minute, also the one after a burst.
    let mut limits = RateLimits::default()
        .with_burst(Duration::ZERO)
        .unwrap_or_default();
    if let Some(rpm) = rpm {
        limits = limits.with_requests_per_minute(rpm);
    }
    if let Some(tpm) = tpm {
        limits = limits.with_tokens_per_minute(tpm);
    }
    Some(limits)
}

fn budget(args: &Batch, facts: Option<&ModelFacts>) -> anyhow::Result<Budget> {
    let mut budget = Budget::new();
    if let Some(tokens) = args.pace.budget_tokens {
        budget = budget.with_max_tokens(tokens.get());
    }
    if let Some(usd) = args.pace.budget_usd {
        let facts = facts.cloned().ok_or_else(|| {
            Failure::usage(format!(
                "--budget-usd needs the prices of {}, which are not known: pass --prices FILE",
                args.model
            ))
        })?;
        budget = budget.with_max_cost(usd, move |call| {
            let usage = &call.usage;
            let mut bill = Bill::default();
            bill.add_reply(
                &facts.price(usage.prompt_tokens),
                usage.prompt_tokens,
                usage.cached_tokens,
                usage.output_tokens,
            );
            bill.total_usd()
        });
    }
    Ok(budget)
}

/// Opens the journal, if there is to be one.
pub(super) fn journal(args: &Batch, run: &str, inputs: &str) -> anyhow::Result<Option<Journal>> {
    let Some(path) = &args.reports.journal else {
        return Ok(None);
    };
    let fsync = match args.reports.fsync {
        FsyncArg::Always => Fsync::Always,
        FsyncArg::Second => Fsync::Every(Duration::from_secs(1)),
        FsyncArg::Never => Fsync::Never,
    };
    let journal = Journal::builder(run, inputs).with_fsync(fsync).open(path);
    let shown = path.display();
    journal
        .map(Some)
        .map_err(|error| Failure::usage(format!("--journal {shown}: {error}")))
}
