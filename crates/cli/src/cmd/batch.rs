//! `gimmal batch`: many prompts over one shared context.

use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read as _, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use gimmal_api::gemini::model_path;
use gimmal_batch::input::PromptReader;
use gimmal_batch::output::{Earlier, OutputRecord, read_earlier};
use gimmal_batch::strategies::GeminiStrategy;
use gimmal_batch::{Order, Processor, RunError, Shutdown, Totals, WorkItem};
use gimmal_client::gemini::planner::{
    Mode, ModelFacts, ModelTable, PlanHint, Planner, PlannerOptions, Prefix, TtlPolicy,
};
use gimmal_client::types::gemini::Content;
use serde_json::{Map, Value};

use super::files;
use super::summary::{Cost, Summary, peak_memory_bytes};
use crate::args::{Batch, CacheMode, Connection, OrderArg};
use crate::connect::{Connected, connect};
use crate::exit::{self, Failure};
use crate::interrupt;
use crate::output::Progress;

/// So long an answer takes, roughly; only the life of the cache depends on it.
const SECONDS_PER_ANSWER: u64 = 10;

/// A prompt; its context is its place in the input and the other members of its line.
type PlacedItem = WorkItem<String, (u64, Map<String, Value>)>;

/// Answers every prompt of the input.
pub(crate) async fn run(connection: &Connection, args: Batch) -> anyhow::Result<ExitCode> {
    let context = args
        .context
        .as_deref()
        .map(|path| files::read_text(path, "context"));
    let context = context.transpose()?;
    let table = model_table(&args)?;
    let source = Source::open(&args.input)?;
    let checked = check_input(&source, &args)?;
    refuse_existing_output(&args)?;

    let connected = connect(connection).await?;
    // A name that cannot be sent is refused before the output is touched.
    model_path(connected.client.endpoint().backend(), &args.model)?;
    let facts = table.find(&args.model).cloned();
    let mut totals = Totals::default();
    let (mut writer, earlier) = open_output(&args, &checked, &mut totals, facts.as_ref())?;
    let left = checked.items - earlier.answered.len() as u64;

    let planner = planner(&connected, &args, table, left);
    let strategy = strategy(&connected, &planner, &args, context, left)?;
    let shutdown = Shutdown::new();
    let _watch = interrupt::watch(shutdown.clone(), how_to_resume(&args));
    let mut progress = Progress::start(checked.items, earlier.answered.len() as u64);
    let started = Instant::now();

    let items = pending_items(&source, &earlier)?;
    let order = match args.order {
        OrderArg::Input => Order::Input,
        OrderArg::Completion => Order::Completion,
    };
    let processor = Processor::new()
        .with_concurrency(args.concurrency)
        .with_order(order)
        .with_shutdown(shutdown.clone());
    let mut run = processor
        .start(Arc::new(strategy), futures_util::stream::iter(items))
        .await
        .map_err(|error| stopped(&error))?;

    let mut done = 0;
    let mut written = Ok(());
    while let Some(result) = run.next().await {
        let place = result.context.0;
        let mut record = OutputRecord::from(result.map_context(|(_, members)| members));
        record.index = place;
        if let Err(error) = record.write_line(&mut writer).and_then(|()| writer.flush()) {
            shutdown.abort();
            written = Err(write_error(&args.output, &error));
            break;
        }
        done += 1;
        progress.item(
            record.error.is_some(),
            record.usage.prompt_tokens,
            record.usage.cached_tokens,
        );
        totals.add(&record, facts.as_ref());
    }
    progress.finish();
    if shutdown.is_aborted() && written.is_ok() {
        // The second Ctrl-C: every line is on disk, and the cache expires by itself.
        return Ok(ExitCode::from(exit::INTERRUPTED));
    }
    let finish = run.finish();
    let finished = if written.is_ok() {
        tokio::select! {
            finished = finish => finished,
            // A second Ctrl-C while the cache is deleted.
            () = shutdown.aborted() => return Ok(ExitCode::from(exit::INTERRUPTED)),
        }
    } else {
        finish.await
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
        cache: stats,
        resumed: earlier.answered.len() as u64,
        skipped: checked.skipped,
        // The file may have grown since it was counted.
        left: left.saturating_sub(done),
        wall_seconds: wall.as_secs_f64(),
        items_per_second: done as f64 / wall.as_secs_f64().max(f64::MIN_POSITIVE),
        peak_memory_bytes: peak_memory_bytes(),
        totals,
    };
    summary.print(connection.json, is_stdio(&args.output))?;
    connected.close().await;
    finished.map_err(|error| stopped(&error))?;
    Ok(ExitCode::from(match () {
        () if shutdown.is_draining() => exit::INTERRUPTED,
        () if summary.totals.failed() > 0 || checked.skipped > 0 => exit::ITEMS_FAILED,
        () => 0,
    }))
}

/// A run that a failure common to all items ended.
fn stopped(error: &RunError) -> anyhow::Error {
    Failure::service(format!("the run was stopped: {error}"))
}

fn is_stdio(path: &Path) -> bool {
    path == Path::new("-")
}

/// Where the prompts come from. They are read twice: once to check, once to send.
enum Source {
    File(PathBuf),
    Memory(Arc<[u8]>),
}

impl Source {
    fn open(path: &Path) -> anyhow::Result<Self> {
        if !is_stdio(path) {
            return Ok(Self::File(path.to_owned()));
        }
        let mut bytes = Vec::new();
        std::io::stdin()
            .read_to_end(&mut bytes)
            .map_err(|error| Failure::usage(format!("cannot read standard input: {error}")))?;
        Ok(Self::Memory(bytes.into()))
    }

    fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Memory(_) => "standard input".to_owned(),
        }
    }

    fn read(&self) -> anyhow::Result<PromptReader<Box<dyn BufRead + Send>>> {
        Ok(PromptReader::new(match self {
            Self::File(path) => {
                let file = File::open(path).map_err(|error| {
                    Failure::usage(format!("cannot read the input {}: {error}", path.display()))
                })?;
                Box::new(BufReader::new(file))
            }
            Self::Memory(bytes) => Box::new(Cursor::new(Arc::clone(bytes))),
        }))
    }
}

/// What checking the input found.
struct Checked {
    items: u64,
    skipped: u64,
    reader: PromptReader<Box<dyn BufRead + Send>>,
}

/// Reads the whole input before anything is sent.
fn check_input(source: &Source, args: &Batch) -> anyhow::Result<Checked> {
    const SHOWN: usize = 20;
    let name = source.name();
    let mut reader = source.read()?;
    let (mut items, mut bad) = (0, Vec::new());
    loop {
        let item = reader
            .read()
            .map_err(|error| Failure::usage(format!("cannot read the input {name}: {error}")))?;
        match item {
            None => break,
            Some(Ok(_)) => items += 1,
            Some(Err(line)) => bad.push(line),
        }
    }
    for line in bad.iter().take(SHOWN) {
        writeln!(std::io::stderr(), "{name}:{}: {}", line.line, line.reason)?;
    }
    if bad.len() > SHOWN {
        writeln!(std::io::stderr(), "and {} more", bad.len() - SHOWN)?;
    }
    if !bad.is_empty() && !args.skip_invalid {
        return Err(Failure::usage(format!(
            "{} of the lines of {name} are not valid, so nothing was sent; mend them or pass \
             --skip-invalid",
            bad.len()
        )));
    }
    if items == 0 {
        return Err(Failure::usage(format!("the input {name} holds no prompts")));
    }
    Ok(Checked {
        items,
        skipped: bad.len() as u64,
        reader,
    })
}

/// Refuses outputs that hold something which would be lost.
fn refuse_existing_output(args: &Batch) -> anyhow::Result<()> {
    let path = &args.output;
    if is_stdio(path) {
        return if args.resume {
            Err(Failure::usage("--resume needs an output file"))
        } else {
            Ok(())
        };
    }
    if path.is_dir() {
        return Err(Failure::usage(format!(
            "the output {} is a folder",
            path.display()
        )));
    }
    let inputs = [
        Some(&args.input),
        args.context.as_ref(),
        args.prices.as_ref(),
    ];
    let mut inputs = inputs.into_iter().flatten();
    if inputs.any(|input| is_same(input, path) || is_same(input, &part_of(path))) {
        return Err(Failure::usage(format!(
            "the output {} is read by the same command",
            path.display()
        )));
    }
    if args.resume && path.exists() && !path.is_file() {
        // Resuming puts a new file in its place, which must not happen to a device or a pipe.
        return Err(Failure::usage(format!(
            "the output {} is not a file, so --resume cannot go on with it",
            path.display()
        )));
    }
    // An empty file holds no answers that could be lost.
    let holds_something = std::fs::metadata(path).is_ok_and(|file| file.len() > 0);
    if holds_something && !args.resume && !args.overwrite {
        return Err(Failure::usage(format!(
            "the output {} exists; pass --resume to go on with it or --overwrite to replace it",
            path.display()
        )));
    }
    Ok(())
}

/// True when both names lead to one existing file.
fn is_same(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

/// Where the answers to keep are gathered before they replace an output.
fn part_of(output: &Path) -> PathBuf {
    let mut part = output.as_os_str().to_owned();
    part.push(".part");
    part.into()
}

fn write_error(path: &Path, error: &std::io::Error) -> anyhow::Error {
    if error.kind() == std::io::ErrorKind::BrokenPipe {
        return std::io::Error::from(std::io::ErrorKind::BrokenPipe).into();
    }
    Failure::output(format!(
        "cannot write the output {}: {error}",
        path.display()
    ))
}

/// Opens the output before anything is sent, keeping the answers of an earlier run.
fn open_output(
    args: &Batch,
    checked: &Checked,
    totals: &mut Totals,
    facts: Option<&ModelFacts>,
) -> anyhow::Result<(Box<dyn Write + Send>, Earlier)> {
    let path = &args.output;
    if is_stdio(path) {
        return Ok((Box::new(std::io::stdout()), Earlier::default()));
    }
    let refuse = |error: std::io::Error| {
        Failure::usage(format!(
            "cannot write the output {}: {error}",
            path.display()
        ))
    };
    if !args.resume || !path.exists() {
        return Ok((
            Box::new(File::create(path).map_err(refuse)?),
            Earlier::default(),
        ));
    }
    // The answers to keep go to a new file that takes the old one's place in one step, so a crash
    // here loses nothing.
    let path = &path.canonicalize().map_err(refuse)?;
    let kept = part_of(path);
    let mut writer = std::io::BufWriter::new(File::create(&kept).map_err(refuse)?);
    let reader = BufReader::new(File::open(path).map_err(refuse)?);
    let earlier = read_earlier(
        reader,
        &mut writer,
        |id| checked.reader.has_read(id),
        |record| totals.add(record, facts),
    );
    let earlier = match earlier {
        Ok(earlier) => earlier,
        Err(error) => {
            std::fs::remove_file(&kept).map_err(refuse)?;
            let shown = args.output.display();
            return Err(Failure::usage(format!("cannot resume {shown}: {error}")));
        }
    };
    let file = writer
        .into_inner()
        .map_err(|error| refuse(error.into_error()))?;
    file.sync_all().map_err(refuse)?;
    std::fs::rename(&kept, path).map_err(refuse)?;
    Ok((Box::new(file), earlier))
}

/// The items that have no answer yet, read as they are needed, with their place in the input.
fn pending_items(
    source: &Source,
    earlier: &Earlier,
) -> anyhow::Result<impl Iterator<Item = PlacedItem> + Send + 'static> {
    let mut reader = source.read()?;
    let answered = earlier.answered.clone();
    // The file was read to its end a moment ago; a line that changed since is passed over.
    let items = std::iter::from_fn(move || reader.read().ok().flatten());
    Ok(items
        .filter_map(Result::ok)
        .enumerate()
        .filter(move |(_, item)| !answered.contains(&item.id))
        .map(|(place, mut item)| {
            let members = std::mem::take(&mut item.context);
            item.with_context((place as u64, members))
        }))
}

fn model_table(args: &Batch) -> anyhow::Result<ModelTable> {
    let Some(path) = &args.prices else {
        return Ok(ModelTable::default());
    };
    let text = files::read_text(path, "price table")?;
    ModelTable::from_json(text.as_bytes())
        .map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
}

fn planner(connected: &Connected, args: &Batch, table: ModelTable, left: u64) -> Planner {
    let mut options = PlannerOptions::default();
    options.mode = match args.cache {
        // A cache that nobody will read is money lost, whatever was asked for.
        _ if left == 0 => Mode::Off,
        CacheMode::Auto => Mode::Cost,
        CacheMode::Always => Mode::Always,
        CacheMode::Off => Mode::Off,
    };
    if let Some(ttl) = args.ttl {
        options.ttl = TtlPolicy::Fixed(ttl);
    }
    options.keep_on_close = args.keep_cache;
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
    items: u64,
) -> anyhow::Result<GeminiStrategy> {
    let prefix = Prefix {
        system_instruction: args.system.as_ref().map(Content::text),
        contents: context.map(Content::user).into_iter().collect(),
        ..Prefix::default()
    };
    let rounds = items.div_ceil(args.concurrency.get() as u64);
    let duration = Duration::from_secs(rounds * SECONDS_PER_ANSWER);
    let hint = PlanHint::new()
        .with_expected_reads(items)
        .with_expected_duration(duration);
    Ok(
        GeminiStrategy::builder(&connected.client, planner, &args.model)
            .with_shared_context(prefix)
            .with_hint(hint)
            .with_settings(args.sampling.to_settings())
            .build()?,
    )
}

fn how_to_resume(args: &Batch) -> String {
    if is_stdio(&args.output) {
        return "answers went to standard output, so this run cannot be resumed".to_owned();
    }
    "to go on later, run the same command with --resume".to_owned()
}
