//! `gimmal batch`: many prompts over one shared context.

mod dry_run;
mod failures;
mod manifest;
mod native;
mod pace;
mod prompts;
mod queue;
mod results;
mod shared_cache;
mod sink;
mod telemetry;

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};
use gimmal_batch::output::Earlier;
use gimmal_batch::report::{Facts, Timeline};
use gimmal_batch::strategies::{Answer, GeminiStrategy, Ladder};
use gimmal_batch::{
    Category, Ended, Hooks, Order, Processor, Shared, Shutdown, TerminationKind, Totals,
};
use gimmal_client::gemini::planner::{
    Lease, Mode, ModelFacts, ModelTable, PlanHint, Planner, PlannerOptions, PlannerStats, Prefix,
    Reason, TtlPolicy,
};
use gimmal_client::types::gemini::Content;

use self::manifest::Manifest;
use self::prompts::Prompts;
use self::queue::Job;
pub(super) use self::queue::worker;
use self::results::Results;
use self::shared_cache::Upkeep;
use self::sink::Sink;
use self::telemetry::Telemetry;
use super::files;
use super::summary::{Cost, Summary, peak_memory_bytes};
use crate::args::{Batch, CacheMode, Connection, OrderArg};
use crate::batch_args::Engine;
use crate::connect::{Connected, connect};
use crate::exit::{self, Failure};
use crate::interrupt;
use crate::output::{self, Progress, grouped};
use crate::replies::{self, Replies};

/// So long an answer takes, roughly; only the life of the cache depends on it.
const SECONDS_PER_ANSWER: u64 = 10;
/// The progress is shown so often while no prompt is done.
const SHOW_EVERY: Duration = Duration::from_secs(1);
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
    let prompts = Prompts::open(&args.input, &args.form)?;
    let checked = prompts.check(args.skip_invalid)?;
    results::refuse_unsafe(&args)?;
    manifest::refuse_unsafe(&args)?;
    pace::refuse_unsafe(&args)?;
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
    let strategy_of = |model: &str| {
        strategy(
            &connected,
            &planner,
            &args,
            model,
            context.as_ref(),
            replies.as_ref(),
        )
    };
    let model = strategy_of(&args.model)?;
    let stronger = args
        .pace
        .escalate_to
        .as_deref()
        .map(strategy_of)
        .transpose()?;
    // Few prompts will come to it, so that a cache would not pay.
    let stronger = stronger.map(|model| model.with_hint(PlanHint::new().with_expected_reads(0)));
    if args.reports.dry_run {
        let pending = prompts.pending(&Earlier::default())?;
        let facts = facts.as_ref();
        let counted = match args.reports.count_sample {
            Some(most) => {
                let sample = prompts.pending(&Earlier::default())?;
                let sample = dry_run::sample(sample, checked.items, most);
                Some(dry_run::count(&connected, &args, &model, sample, checked.items).await?)
            }
            None => None,
        };
        connected.close().await;
        return dry_run::run(&args, &model, pending, facts, counted, connection.json)
            .map(|()| ExitCode::SUCCESS);
    }
    let telemetry = Telemetry::open(&args).await?;
    let mut totals = Totals::default();
    let (results, earlier) = Results::open(&args, model.fingerprint(), &checked, |record| {
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
    let run_id = model.fingerprint().to_owned();
    let tokens = model.context_tokens();
    let manifest = Manifest::begin(&args, &run_id, &checked)?;
    let timeline = Arc::new(Timeline::new());
    let mut sink = Sink::new(
        results,
        &checked,
        &run_id,
        facts.clone(),
        progress,
        totals,
        &timeline,
    );
    let mut upkeep = Upkeep::default();
    let pending = prompts.pending(&earlier)?;
    let (items, to_send) = match (args.pace.engine, &args.pace.queue) {
        (_, Some(_)) => {
            let job = Job::new(&args, context.as_ref(), tokens, facts.as_ref());
            let pending = pending.collect();
            let client = &connected.client;
            let run = queue::run(client, &args, &run_id, &job, pending, &shutdown, &mut sink);
            upkeep = run.await?;
            (stream::empty().boxed(), 0)
        }
        (Engine::Online, None) => (stream::iter(pending).boxed(), left),
        (Engine::GeminiBatch, None) => {
            let pending = pending.collect();
            let again = native::run(&connected, &args, &model, pending, &mut sink).await?;
            let to_send = again.len() as u64;
            (stream::iter(again).boxed(), to_send)
        }
    };
    let model = model.with_hint(hint(&args, to_send));
    let mut processor = Processor::new()
        .with_concurrency(args.concurrency)
        .with_order(match args.order {
            OrderArg::Input => Order::Input,
            OrderArg::Completion => Order::Completion,
        })
        .with_shutdown(shutdown.clone());
    processor = pace::limited(processor, &args, facts.as_ref())?;
    processor = processor.with_observer(sink.progress.pauses());
    if args.reports.report.is_some() {
        processor = processor.with_observer(Arc::clone(&timeline) as _);
    }
    processor = telemetry.hear(processor);
    let mut hooks = Hooks::new();
    if args.pace.dedup {
        hooks = hooks.with_dedup(|prompt: &String| Some(prompt.clone()));
    }
    if let Some(journal) = pace::journal(&args, &run_id, &checked.fingerprint())? {
        if journal.recovered().succeeded > 0 {
            // What the journal answers needs no tokens counted and no cache that is billed. Where the
            // service refuses the preparation the run ends all the same, with the first prompt that
            // needs it.
            processor = processor.with_prepare_on_demand();
        }
        hooks = hooks.with_store(Arc::new(journal));
    }
    let run = processor.start_with(with_escalation(model, stronger), items, hooks);
    let mut run = run.await.map_err(|error| stopped(&error.failure))?;

    let mut written = Ok(());
    loop {
        let result = tokio::select! {
            result = run.next() => result,
            () = tokio::time::sleep(SHOW_EVERY) => {
                sink.progress.show();
                continue;
            }
        };
        let Some(result) = result else { break };
        // What only says how the run ended is left for the next one.
        if result.category().is_some_and(Category::is_collateral) {
            continue;
        }
        written = sink.take(result);
        if written.is_err() {
            shutdown.abort();
            break;
        }
        if sink.is_hopeless() {
            shutdown.drain();
        }
    }
    let Sink {
        progress,
        watch,
        totals,
        done,
        elsewhere,
        ..
    } = sink;
    progress.finish();
    watch.tell()?;
    if let Some(replies) = &replies {
        tell_trouble(replies).await?;
    }
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
    let mut finished = finished.map_err(|error| stopped(&error.failure));
    if let Ok(ended) = &mut finished {
        ended.stats.add(&elsewhere);
    }

    let wall = started.elapsed();
    let mut stats = planner.stats();
    upkeep.add_to(&mut stats);
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
        cache_note: (upkeep.note)
            .or_else(|| cache_note(&args, &kept, &stats, facts.as_ref(), tokens)),
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
    let sent = telemetry.close().await;
    let noted = manifest.map(|manifest| manifest.end(&summary.totals, finished.as_ref().ok()));
    // What ended the run matters more than what could not be told of it.
    let ended = finished?;
    printed?;
    sent?;
    for failure in &ended.unclean {
        writeln!(std::io::stderr(), "warning: after the run: {failure}")?;
    }
    write_reports(&args, &timeline, &summary, &ended)?;
    let kind = ended.termination.kind;
    if let Some(reason) = ended_early(&ended, summary.cost) {
        let message = format!("the run was stopped: {reason}; {}", how_to_resume(&args));
        if kind == TerminationKind::ArtifactError {
            return Err(Failure::output(message));
        }
        if summary.left > 0 {
            return Err(Failure::service(message));
        }
        writeln!(
            std::io::stderr(),
            "note: {reason}; all prompts were done by then"
        )?;
    }
    if watch.is_cut_off() {
        return Err(Failure::service(format!(
            "the service could not be reached; {}",
            how_to_resume(&args)
        )));
    }
    noted.transpose()?;
    Ok(ExitCode::from(match () {
        () if summary.left > 0 => exit::INTERRUPTED,
        () if summary.totals.failed() > 0 || summary.skipped > 0 => exit::ITEMS_FAILED,
        () => 0,
    }))
}

/// Says that the replies of this run will not be there for the next one.
async fn tell_trouble(replies: &Replies) -> anyhow::Result<()> {
    if let Some(trouble) = replies.trouble().await {
        let text = "warning: the response cache had its replies in memory only, for this run";
        writeln!(std::io::stderr(), "{text}: {trouble}")?;
    }
    Ok(())
}

/// A stronger model takes over when an attempt fails, if one is named.
fn with_escalation(
    model: GeminiStrategy,
    stronger: Option<GeminiStrategy>,
) -> Shared<String, Answer> {
    match stronger {
        Some(stronger) => Shared::new(Ladder::escalating(model).then(stronger)),
        None => Shared::new(model),
    }
}

/// Why the run ended before its input did, unless the user ended it.
fn ended_early(ended: &Ended, cost: Option<Cost>) -> Option<String> {
    let termination = &ended.termination;
    let reason = termination.reason.clone();
    let has_upkeep = cost.is_some_and(|cost| cost.cache_upkeep_usd > 0.0);
    match termination.kind {
        TerminationKind::Completed | TerminationKind::Stopped => None,
        TerminationKind::BudgetExceeded if has_upkeep => {
            let uncounted = "for requests, without creating and keeping the context cache";
            reason.map(|reason| format!("{reason} ({uncounted})"))
        }
        _ => reason,
    }
}

/// Writes the report and the metrics, if they are asked for.
fn write_reports(
    args: &Batch,
    timeline: &Timeline,
    summary: &Summary,
    ended: &Ended,
) -> anyhow::Result<()> {
    let write = |path: &Path, text: String| {
        let shown = path.display();
        std::fs::write(path, text)
            .map_err(|error| Failure::output(format!("cannot write {shown}: {error}")))
    };
    if let Some(path) = &args.reports.report {
        let mut facts = Facts::new(format!("{} with {}", args.input.display(), args.model));
        facts.cost_usd = summary.cost.map(|cost| cost.with_cache_usd);
        facts.without_cache_usd = summary.cost.map(|cost| cost.without_cache_usd);
        write(path, timeline.to_html(&facts, ended))?;
    }
    if let Some(path) = &args.reports.metrics {
        write(path, ended.stats.to_prometheus())?;
    }
    Ok(())
}

/// A run that a failure common to all items ended.
fn stopped(failure: &gimmal_batch::Failure) -> anyhow::Error {
    match failure.category {
        Category::ArtifactError => Failure::output(format!(
            "the journal could not be closed: {}",
            failure.message
        )),
        _ => Failure::service(format!("the run was stopped: {failure}")),
    }
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
    model: &str,
    context: Option<&String>,
    replies: Option<&Replies>,
) -> anyhow::Result<GeminiStrategy> {
    let prefix = Prefix {
        system_instruction: args.system.as_ref().map(Content::text),
        contents: context.map(Content::user).into_iter().collect(),
        ..Prefix::default()
    };
    let mut strategy = GeminiStrategy::builder(&connected.client, planner, model)
        .with_shared_context(prefix)
        .with_settings(args.sampling.to_settings());
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
    let instead = if args.overwrite {
        " in place of --overwrite"
    } else {
        ""
    };
    format!("to go on later, run the same command with --resume{instead}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_that_cannot_be_closed_is_an_output_that_cannot_be_written() {
        for (category, code) in [
            (Category::ArtifactError, exit::OUTPUT),
            (Category::PermissionDenied, exit::SERVICE),
        ] {
            let failure = gimmal_batch::Failure::new(category, "no");
            assert_eq!(exit::code_of(&stopped(&failure)), code);
        }
    }
}
