//! `gimmal train sft`: supervised fine-tuning from a file of examples.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gimmal_client::types::tinker::{Datum, RequestErrorCategory};
use gimmal_training::{
    Decay, LrSchedule, SavedRun, Sft, SftOptions, SftOutcome, read_examples, supervised,
};

use super::args::{DecayArg, Sft as Args};
use crate::args::Connection;
use crate::connect::connect_tinker;
use crate::exit::{Failure, INTERRUPTED};
use crate::output::{self, Steps, Table};
use crate::tokens::Tokens;

/// Trains, from the beginning or from the last checkpoint.
pub(crate) async fn run(connection: &Connection, args: Args) -> anyhow::Result<ExitCode> {
    let options = options(&args)?;
    let done = begin(&args)?;
    let tokens = Tokens::of(&args.model, args.tokens.tokenizer.as_deref()).await?;
    let data = data_of(&args.data, &tokens).await?;
    let evaluation = match &args.evaluation {
        Some(path) => data_of(path, &tokens).await?,
        None => Vec::new(),
    };
    let connected = connect_tinker(connection, None, Some(&args.output)).await?;
    let steps = Arc::new(Steps::start(args.steps, done));
    let (shown, stop) = (Arc::clone(&steps), stop_on_interrupt());
    let run = Sft::new(connected.service.clone(), data, options)
        .with_evaluation(evaluation)
        .on_step(move |step| {
            let metric = |name: &str| step.metrics.get(name).copied();
            shown.step(step.step + 1, metric("loss:mean"), metric("eval/loss:mean"));
        })
        .with_stop(move || stop.load(Ordering::Relaxed));
    let result = run.run().await;
    steps.finish();
    let outcome = result.map_err(|error| failure(&error, connected.is_emulated()))?;
    tell(connection, &args, &outcome)?;
    connected.close().await;
    Ok(match outcome.sampler {
        Some(_) => ExitCode::SUCCESS,
        None => ExitCode::from(INTERRUPTED),
    })
}

fn options(args: &Args) -> anyhow::Result<SftOptions> {
    let decay = match args.decay {
        DecayArg::Constant => Decay::Constant,
        DecayArg::Linear => Decay::Linear,
        DecayArg::Cosine => Decay::Cosine,
    };
    let schedule = LrSchedule::new(args.learning_rate, args.steps)
        .map_err(|error| Failure::usage(format!("--learning-rate: {error}")))?
        .with_decay(decay)
        .with_warmup_steps(args.warmup);
    Ok(SftOptions::new(&args.model, schedule)
        .with_rank(args.rank)
        .with_seed(args.seed)
        .with_batch_size(args.batch_size.get())
        .with_checkpoint_every(args.checkpoint_every)
        .with_evaluate_every(args.evaluate_every)
        .with_folder(&args.output))
}

/// Looks at the folder: the steps that are done, unless it is to be begun anew.
fn begin(args: &Args) -> anyhow::Result<u64> {
    let folder = args.output.display();
    let known = SavedRun::load(&args.output).map_err(|error| Failure::usage(error.to_string()))?;
    let Some(known) = known else { return Ok(0) };
    if args.overwrite {
        for name in ["run.json", "metrics.jsonl"] {
            let path = args.output.join(name);
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    let message = format!("cannot remove {}: {error}", path.display());
                    return Err(Failure::output(message));
                }
                _ => {}
            }
        }
        return Ok(0);
    }
    if !args.resume {
        let message =
            format!("{folder} holds a run: go on with --resume, or begin with --overwrite");
        return Err(Failure::usage(message));
    }
    Ok(known.checkpoints.last().map_or(0, |last| last.step))
}

async fn data_of(path: &Path, tokens: &Tokens) -> anyhow::Result<Vec<Datum>> {
    let examples = read_examples(path).map_err(|error| Failure::usage(error.to_string()))?;
    let mut data = Vec::with_capacity(examples.len());
    for example in examples {
        let prompt = tokens.prompt(&example.prompt).await?;
        let completion = tokens.completion(&example.completion).await?;
        let datum = supervised(&prompt, &completion);
        data.push(datum.map_err(|error| Failure::usage(error.to_string()))?);
    }
    Ok(data)
}

/// True as soon as someone asks to end; the second time ends at once.
fn stop_on_interrupt() -> Arc<AtomicBool> {
    let asked = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&asked);
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            if flag.swap(true, Ordering::Relaxed) {
                std::process::exit(i32::from(INTERRUPTED));
            }
        }
    });
    asked
}

fn tell(connection: &Connection, args: &Args, outcome: &SftOutcome) -> anyhow::Result<()> {
    let metrics = args.output.join("metrics.jsonl").display().to_string();
    if connection.json {
        return output::json_line(&serde_json::json!({
            "steps": outcome.steps, "loss": outcome.last_loss, "checkpoint": outcome.checkpoint,
            "sampler": outcome.sampler, "metrics": metrics,
        }));
    }
    let mut table = Table::of_values();
    table.row([
        "steps".to_owned(),
        format!("{} of {}", outcome.steps, args.steps),
    ]);
    if let Some(loss) = outcome.last_loss {
        table.row(["loss of a token".to_owned(), format!("{loss:.4}")]);
    }
    table.row(["checkpoint".to_owned(), outcome.checkpoint.clone()]);
    let folder = args.output.display();
    match &outcome.sampler {
        Some(sampler) => {
            table.row(["to sample from".to_owned(), sampler.clone()]);
            table.print()?;
            output::line(&format!("curve:  gimmal train plot {metrics}"))?;
            output::line(&format!("sample: gimmal sample --run {folder} \"…\""))
        }
        None => {
            table.print()?;
            output::line("stopped; go on with the same command and --resume")
        }
    }
}

/// What the caller can mend is a usage error; the rest is the service's.
fn failure(error: &gimmal_training::Error, is_emulated: bool) -> anyhow::Error {
    let by_server = |error| gimmal_client::tinker::category(error) == RequestErrorCategory::Server;
    match error.kind() {
        // An emulator of the command's own has trouble with nothing but its files.
        _ if is_emulated && error.as_client_error().is_some_and(by_server) => {
            Failure::output(error.to_string())
        }
        gimmal_training::ErrorKind::Invalid => Failure::usage(error.to_string()),
        gimmal_training::ErrorKind::File => Failure::output(error.to_string()),
        _ => Failure::service(error.to_string()),
    }
}
