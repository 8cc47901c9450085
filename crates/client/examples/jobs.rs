//! Work that outlives a call: waited for with its progress, found again by its name, given up on
//! and stopped. It speaks to an emulator inside of the program, for the service takes hours.

use std::error::Error;
use std::io::Write as _;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use gimmal_client::gemini::GeminiClient;
use gimmal_client::types::gemini::{BatchJobSource, InlinedRequest, TuningDataset, TuningExample};
use gimmal_client::{ExponentialPacing, Progress, Timeout};
use gimmal_emulator::Emulator;

const MODEL: &str = "gemini-2.5-flash";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout();
    let pace = Duration::from_millis(300);
    let emulator = Emulator::builder().with_job_pace(pace, pace);
    let emulator = emulator.start().await?;
    let client = GeminiClient::builder()
        .with_api_key("any")
        .with_base_url(emulator.base_url())
        .build()?;
    let batches = client.batches();
    let question = |text: &str| InlinedRequest::new().set_contents([text]);

    // A stream of what the service says on the way.
    let questions = ["What is a fjord?", "What is a pier?", "What is a tide?"];
    let src = BatchJobSource::inlined(questions.map(question));
    let create = batches.create(MODEL, src).set_display_name("Questions");
    let poller = create.poller().await?;
    let name = poller.name().to_owned();
    writeln!(out, "{name}")?;
    // Asked more often than by default, since an emulator is quick.
    let mut poller = poller.with_pacing(ExponentialPacing::every(pace));
    while let Some(progress) = poller.try_next().await? {
        match progress {
            Progress::Running(job) => {
                let state = job.state.map(|state| state.to_string());
                writeln!(out, "  {}", state.unwrap_or_default())?;
            }
            Progress::PollFailed(error) => writeln!(out, "  asking again: {error}")?,
            Progress::Done(job) => {
                let answers = job.dest.unwrap_or_default().inlined_responses;
                writeln!(out, "  {} answers", answers.len())?;
            }
            _ => {}
        }
    }

    // The name is all that another process needs.
    let job = batches.poller(&name).await?;
    writeln!(out, "found again: {}", job.display_name.unwrap_or_default())?;

    // A deadline ends the waiting, and not the work. That ends when it is asked to.
    let src = BatchJobSource::inlined(questions.map(question));
    let poller = batches.create(MODEL, src).poller().await?;
    let name = poller.name().to_owned();
    let hurried = poller.with_deadline(Timeout::After(Duration::from_millis(100)));
    if let Err(error) = hurried.await {
        writeln!(out, "given up: {error}")?;
    }
    batches.cancel(&name).send().await?;
    if let Err(error) = batches.poller(&name).await {
        writeln!(out, "stopped: {error}")?;
    }

    // Tuning is waited for in the same way.
    let examples = TuningDataset::new().set_examples([
        TuningExample::of("What is the capital of Norway?", "Oslo!"),
        TuningExample::of("What is the capital of Peru?", "Lima!"),
    ]);
    let tune = client.tunings().tune(format!("models/{MODEL}"), examples);
    let poller = tune
        .set_tuned_model_display_name("capitals")
        .poller()
        .await?;
    let job = poller.with_pacing(ExponentialPacing::every(pace)).await?;
    let model = job.name.unwrap_or_default();
    let asked = client.models().generate_content(&model);
    let reply = asked
        .set_contents(["The capital of Peru, please."])
        .send()
        .await?;
    writeln!(out, "{model}: {}", reply.body().text().unwrap_or_default())?;
    emulator.shutdown().await;
    Ok(())
}
