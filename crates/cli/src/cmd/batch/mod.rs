//! `gimmal batch`: many prompts over one shared context.

mod failures;
mod prompts;
mod results;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use gimmal_batch::output::OutputRecord;
use gimmal_batch::strategies::GeminiStrategy;
use gimmal_batch::{Order, Processor, RunError, Shutdown, Totals};
use gimmal_client::CallOptions;
use gimmal_client::gemini::planner::{
    Lease, Mode, ModelFacts, ModelTable, PlanHint, Planner, PlannerOptions, PlannerStats, Prefix,
    Reason, TtlPolicy,
};
use gimmal_client::transport::StandardRetry;
use gimmal_client::types::gemini::Content;

use self::failures::FailureWatch;
use self::prompts::Prompts;
use self::results::Results;
use super::files;
use super::summary::{Cost, Summary, peak_memory_bytes};
use crate::args::{Batch, CacheMode, Connection, OrderArg};
use crate::connect::{Connected, connect};
use crate::exit::{self, Failure};
use crate::interrupt;
use crate::output::{self, Progress, grouped};
use crate::replies::{self, Replies};

/// So long an answer takes, roughly; only the life of the cache depends on it.
const SECONDS_PER_ANSWER: u64 = 10;
/// No cache is made to live longer than about an hour.
const LONGEST_LIFE: Duration = Duration::from_secs(3000);

/// Answers every prompt of the input.
pub(crate) async fn run(connection: &Connection, args: Batch) -> anyhow::Result<ExitCode> {
    let context = args
        .context
        .as_deref()
        .map(|path| files::read_text(path, "context"));
    let context = context.transpose()?;
    let table = files::model_table(args.prices.as_deref())?;
    let prompts = Prompts::open(&args.input)?;
    let checked = prompts.check(args.skip_invalid)?;
    results::refuse_unsafe(&args)?;
    args.response_cache
        .as_deref()
        .map(replies::config)
        .transpose()?;

    let connected = connect(connection).await?;
    let facts = table.find(&args.model).cloned();
    let planner = planner(&connected, &args, table);
    let place = args.response_cache.as_deref();
    let replies = place.map(|place| Replies::open(place, &connected));
    let replies = replies.transpose()?;
    // Settings that cannot be sent are refused before the output is touched.
    let strategy = strategy(&connected, &planner, &args, context, replies.as_ref())?;
    let mut totals = Totals::default();
    let (mut results, earlier) =
        Results::open(&args, strategy.fingerprint(), &checked, |record| {
            totals.add(record, facts.as_ref());
        })?;
    let answered = earlier.answered.len() as u64;
    let left = checked.items - answered;

    let shutdown = Shutdown::new();
    let _watch = interrupt::watch(shutdown.clone(), how_to_resume(&args));
    let mut progress = Progress::start(checked.items, answered, is_stdio(&args.output));
    if let Some(replies) = replies.clone() {
        progress = progress.with_note(move || replies.in_short());
    }
    let started = Instant::now();
    let run_id = strategy.fingerprint().to_owned();
    let tokens = strategy.context_tokens();
    let strategy = strategy.with_hint(hint(&args, left));
    let items = futures_util::stream::iter(prompts.pending(&earlier)?);
    let processor = Processor::new()
        .with_concurrency(args.concurrency)
        .with_order(match args.order {
            OrderArg::Input => Order::Input,
            OrderArg::Completion => Order::Completion,
        })
        .with_shutdown(shutdown.clone());
    let run = processor.start(Arc::new(strategy), items).await;
    let mut run = run.map_err(|error| stopped(&error))?;

    let mut watch = FailureWatch::default();
    let mut done = 0;
    let mut written = Ok(());
    while let Some(result) = run.next().await {
        let place = result.context.0;
        let mut record = OutputRecord::from(result.map_context(|(_, members)| members));
        record.index = place;
        record.digest = checked.digest_of(&record.id, &run_id).unwrap_or_default();
        written = results.write(&record);
        if written.is_err() {
            shutdown.abort();
            break;
        }
        done += 1;
        if watch.sees(&record) {
            shutdown.drain();
        }
        let usage = &record.usage;
        progress.item(
            record.error.is_some(),
            usage.prompt_tokens,
            usage.cached_tokens,
        );
        totals.add(&record, facts.as_ref());
    }
    progress.finish();
    watch.tell()?;
    if shutdown.is_aborted() && written.is_ok() {
        // The second Ctrl-C: every line is on disk, and the cache expires by itself.
        return Ok(ExitCode::from(exit::INTERRUPTED));
    }
    let kept = if args.keep_cache {
        planner.leases()
    } else {
        Vec::new()
    };
    let finished = tokio::select! {
        finished = run.finish() => finished,
        // A second Ctrl-C while the cache is deleted.
        () = shutdown.aborted(), if written.is_ok() => {
            return Ok(ExitCode::from(exit::INTERRUPTED));
        }
    };
    written?;

    let wall = started.elapsed();
    let stats = planner.stats();
    let ratio = facts
        .as_ref()
        .map_or(1.0, |facts| facts.price(0).cached_ratio());
    let summary = Summary {
        model: args.model.clone(),
        emulated: connected.is_emulated(),
        output: args.output.display().to_string(),
        cache_hit_rate: totals.usage.cache_hit_rate(),
        effective_input_tokens: totals.usage.effective_input_tokens(ratio),
        cost: facts.as_ref().map(|facts| Cost::of(&totals, &stats, facts)),
        cache_note: cache_note(&args, &kept, &stats, facts.as_ref(), tokens),
        cache: stats,
        resumed: answered,
        skipped: checked.skipped,
        // The file may have grown since it was counted.
        left: left.saturating_sub(done),
        wall_seconds: wall.as_secs_f64(),
        items_per_second: done as f64 / wall.as_secs_f64().max(f64::MIN_POSITIVE),
        peak_memory_bytes: peak_memory_bytes(),
        totals,
    };
    let printed = summary.print(connection.json, is_stdio(&args.output));
    connected.close().await;
    finished.map_err(|error| stopped(&error))?;
    printed?;
    if watch.is_cut_off() {
        return Err(Failure::service(format!(
            "the service could not be reached; {}",
            how_to_resume(&args)
        )));
    }
    Ok(ExitCode::from(match () {
        () if summary.left > 0 => exit::INTERRUPTED,
        () if summary.totals.failed() > 0 || summary.skipped > 0 => exit::ITEMS_FAILED,
        () => 0,
    }))
}

/// A run that a failure common to all items ended.
fn stopped(error: &RunError) -> anyhow::Error {
    Failure::service(format!("the run was stopped: {error}"))
}

/// `-` stands for standard input and output.
fn is_stdio(path: &Path) -> bool {
    path == Path::new("-")
}

fn planner(connected: &Connected, args: &Batch, table: ModelTable) -> Planner {
    let mut options = PlannerOptions::default();
    options.mode = match args.cache {
        CacheMode::Auto => Mode::Cost,
        CacheMode::Always => Mode::Always,
        CacheMode::Off => Mode::Off,
    };
    if let Some(ttl) = args.ttl {
        options.ttl = TtlPolicy::Fixed(ttl);
    }
    options.keep_on_close = args.keep_cache;
    // A run that goes on, or one that shares its cache with the next, looks for it first.
    options.adopt = args.resume || args.keep_cache;
    Planner::builder(&connected.client)
        .with_model_table(table)
        .with_options(options)
        .build()
}

fn strategy(
    connected: &Connected,
    planner: &Planner,
    args: &Batch,
    context: Option<String>,
    replies: Option<&Replies>,
) -> anyhow::Result<GeminiStrategy> {
    let prefix = Prefix {
        system_instruction: args.system.as_ref().map(Content::text),
        contents: context.map(Content::user).into_iter().collect(),
        ..Prefix::default()
    };
    let retry = StandardRetry::default().with_max_attempts(args.max_attempts);
    let mut strategy = GeminiStrategy::builder(&connected.client, planner, &args.model)
        .with_shared_context(prefix)
        .with_settings(args.sampling.to_settings())
        .with_options(CallOptions::default().with_retry_policy(retry));
    if let Some(replies) = replies {
        strategy = strategy.with_response_store(replies.store());
    }
    Ok(strategy.build()?)
}

/// What the planner is told about the run.
fn hint(args: &Batch, items: u64) -> PlanHint {
    let rounds = items.div_ceil(args.concurrency.get() as u64);
    // A cache that is renewed while it is read need not be made to last: should the command be
    // killed, what is left of its life is money lost.
    let duration = Duration::from_secs(rounds.saturating_mul(SECONDS_PER_ANSWER)).min(LONGEST_LIFE);
    PlanHint::new()
        .with_expected_reads(items)
        .with_expected_duration(duration)
}

/// What became of the cache, when the numbers alone do not tell.
fn cache_note(
    args: &Batch,
    kept: &[Lease],
    stats: &PlannerStats,
    facts: Option<&ModelFacts>,
    tokens: u32,
) -> Option<String> {
    if let [lease, ..] = kept {
        let until = output::whole_seconds(&lease.expires_at);
        return Some(format!("kept: {} until {until}", lease.name));
    }
    if args.context.is_none() || stats.cached_tokens_read > 0 || stats.plans.is_empty() {
        return None;
    }
    let planned = |reason: Reason| stats.plans.contains_key(reason.as_str());
    let least = facts.and_then(|facts| facts.explicit_min);
    Some(match () {
        () if planned(Reason::ExplicitDisabled) => "not used: switched off".to_owned(),
        () if planned(Reason::BelowFloorHighConf) => format!(
            "not used: the context has about {} tokens, {} takes {} or more",
            grouped(tokens),
            args.model,
            least.map_or("more".to_owned(), grouped),
        ),
        () if planned(Reason::NotWorthIt) => {
            "not used: it would cost more than it saves for so few prompts".to_owned()
        }
        () if planned(Reason::UnsupportedModel) => {
            format!(
                "not used: nothing is known of caches for {} (--prices FILE)",
                args.model
            )
        }
        () => "not used: it could not be created (GIMMAL_LOG=warn tells why)".to_owned(),
    })
}

fn how_to_resume(args: &Batch) -> String {
    if is_stdio(&args.output) {
        return "answers went to standard output, so this run cannot be resumed".to_owned();
    }
    "to go on later, run the same command with --resume".to_owned()
}
