//! `gimmal sample`: what a trained model, or a base model, goes on with.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::builder::NonEmptyStringValueParser;
use clap::{ArgGroup, Args};
use gimmal_client::tinker::{SamplingClient, ServiceClient};
use gimmal_client::types::tinker::{ModelInput, SamplingParams};
use gimmal_training::SavedRun;
use serde_json::Value;

use super::files;
use super::train::TokensArg;
use crate::args::Connection;
use crate::connect::connect_tinker;
use crate::exit::Failure;
use crate::output;
use crate::tokens::Tokens;

/// Arguments of `gimmal sample`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("source").args(["run", "path", "model"]).required(true).multiple(true))]
pub(crate) struct Sample {
    /// The text to go on from; `-` is standard input
    pub(crate) prompt: String,
    /// Folder of a run of `gimmal train`, whose model goes on
    #[arg(long, value_name = "FOLDER")]
    pub(crate) run: Option<PathBuf>,
    /// Weights to sample from, tinker://…
    #[arg(long, value_name = "PATH", conflicts_with = "run", requires = "model")]
    pub(crate) path: Option<String>,
    /// Base model: to sample from, or of the weights
    #[arg(long, short, conflicts_with = "run")]
    pub(crate) model: Option<String>,
    /// How many texts to draw
    #[arg(long, short, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) samples: u32,
    /// Most tokens of a text
    #[arg(long, default_value_t = 64, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_tokens: u32,
    /// Randomness; 0 takes the likeliest token
    #[arg(long, default_value_t = 0.0, value_name = "NUMBER")]
    pub(crate) temperature: f64,
    /// Draw among so many of the likeliest tokens
    #[arg(long, value_name = "N")]
    pub(crate) top_k: Option<u32>,
    /// Draw among the likeliest tokens that have so much probability together
    #[arg(long, value_name = "NUMBER")]
    pub(crate) top_p: Option<f64>,
    /// Fixes the random choices
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<i64>,
    /// End a text before this
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) stop: Option<String>,
    #[command(flatten)]
    pub(crate) tokens: TokensArg,
}

/// What is sampled from.
struct Source {
    model: String,
    weights: Weights,
}

/// Which weights of a model.
enum Weights {
    Base,
    /// Weights that are saved to sample from.
    Saved(String),
    /// The checkpoint of a run that is not done.
    Unfinished(String),
}

/// Draws texts and prints them.
pub(crate) async fn run(connection: &Connection, args: Sample) -> anyhow::Result<ExitCode> {
    let source = source(&args)?;
    let prompt = files::text_or_stdin(&args.prompt)?;
    let tokens = Tokens::of(&source.model, args.tokens.tokenizer.as_deref()).await?;
    let input = ModelInput::from_ints(tokens.prompt(&prompt).await?);
    let connected = connect_tinker(connection, None, args.run.as_deref()).await?;
    let sampling = sampling(&connected.service, &source).await?;
    let mut params = SamplingParams::new()
        .set_max_tokens(args.max_tokens)
        .set_temperature(args.temperature);
    params.seed = args.seed;
    params.top_k = args.top_k.map_or(params.top_k, i64::from);
    params.top_p = args.top_p.unwrap_or(params.top_p);
    if let Some(stop) = &args.stop {
        params = params.set_stop(stop.as_str());
    }
    let reply = sampling.sample(input, args.samples, params).await?;
    for sequence in &reply.sequences {
        let text = tokens.text(&sequence.tokens).await?;
        let text = before(&text, args.stop.as_deref());
        if connection.json {
            output::json_line(&serde_json::json!({
                "text": text, "tokens": sequence.tokens, "logprobs": sequence.logprobs,
                "stop_reason": sequence.stop_reason,
            }))?;
        } else {
            output::line(text)?;
        }
    }
    connected.close().await;
    Ok(ExitCode::SUCCESS)
}

/// What comes before the text that ends it; the service draws tokens up to the end of that text.
fn before<'a>(text: &'a str, stop: Option<&str>) -> &'a str {
    let parts = stop.and_then(|stop| text.split_once(stop));
    parts.map_or(text, |(before, _)| before)
}

async fn sampling(
    service: &ServiceClient,
    source: &Source,
) -> Result<SamplingClient, gimmal_client::Error> {
    let client = service.create_sampling_client();
    match &source.weights {
        Weights::Base => client.set_base_model(source.model.as_str()).await,
        Weights::Saved(path) => client.set_model_path(path.as_str()).await,
        Weights::Unfinished(path) => {
            // A checkpoint is for training: its weights are handed on by a model made of it.
            let training = service.create_training_client_from_state(path).await?;
            training.save_weights_and_get_sampling_client().await
        }
    }
}

fn source(args: &Sample) -> anyhow::Result<Source> {
    let Some(folder) = &args.run else {
        return Ok(Source {
            model: args.model.clone().unwrap_or_default(),
            weights: args.path.clone().map_or(Weights::Base, Weights::Saved),
        });
    };
    let shown = folder.display();
    let known = SavedRun::load(folder).map_err(|error| Failure::usage(error.to_string()))?;
    let Some(known) = known else {
        return Err(Failure::usage(format!("{shown} holds no run")));
    };
    let model = known.options.get("base_model").and_then(Value::as_str);
    let model = model.unwrap_or_default().to_owned();
    let weights = match (known.sampler, known.checkpoints.last()) {
        (Some(path), _) => Weights::Saved(path),
        (None, Some(last)) => {
            writeln!(
                std::io::stderr(),
                "the run in {shown} is not done: its checkpoint after step {} answers",
                last.step
            )?;
            Weights::Unfinished(last.path.clone())
        }
        (None, None) => {
            let message = format!(
                "the run in {shown} has no checkpoint yet: go on with gimmal train … --resume"
            );
            return Err(Failure::usage(message));
        }
    };
    Ok(Source { model, weights })
}
