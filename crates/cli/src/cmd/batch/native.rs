//! `gimmal batch --engine gemini-batch`: the prompts as jobs of the service.

use std::io::Write as _;

use gimmal_batch::Retry;
use gimmal_batch::engines::{GeminiBatch, JobEvent};
use gimmal_batch::strategies::GeminiStrategy;

use super::prompts::PlacedItem;
use super::sink::Sink;
use crate::args::Batch;
use crate::connect::Connected;
use crate::exit::Failure;

/// Has the items answered by jobs; gives those that are to be sent one by one after all.
pub(super) async fn run(
    connected: &Connected,
    args: &Batch,
    model: &GeminiStrategy,
    items: Vec<PlacedItem>,
    sink: &mut Sink<'_>,
) -> anyhow::Result<Vec<PlacedItem>> {
    if super::is_stdio(&args.output) {
        return Err(Failure::usage(
            "--engine gemini-batch needs an output file: the names of its jobs are kept beside it",
        ));
    }
    let mut kept = args.output.clone().into_os_string();
    kept.push(".jobs");
    let engine = GeminiBatch::new(&connected.client, &args.model, kept);
    let results = engine.run(model, items.clone(), tell).await;
    let results = results
        .map_err(|failure| Failure::service(format!("the jobs were not done: {failure}")))?;
    let mut left = Vec::new();
    for (item, result) in items.into_iter().zip(results) {
        let again = result
            .category()
            .is_some_and(|category| category.retry() != Retry::Never);
        if again && args.pace.retry_online {
            left.push(item);
        } else {
            sink.take_from_job(result)?;
        }
    }
    Ok(left)
}

fn tell(event: JobEvent) {
    let line = match event {
        JobEvent::Submitted { name, items } => format!("{name}: handed in with {items} prompts"),
        JobEvent::Found { name } => format!("{name}: found again; nothing was sent"),
        JobEvent::Polled { name, state } => format!("{name}: {state}"),
        _ => return,
    };
    let _ = writeln!(std::io::stderr(), "{line}");
}
