//! Supervised fine-tuning: a model learns answers and gives one back. Without an account.

mod support;

use std::io::{Write as _, stdout};

use gimmal_client::types::tinker::{ModelInput, SamplingParams};
use gimmal_training::{
    Decay, LrSchedule, Sft, SftOptions, byte_text, byte_tokens, parse_examples, supervised,
};

#[tokio::main]
async fn main() -> support::Result<()> {
    let (service, _emulator) = support::connect().await?;
    let examples = parse_examples(
        "{\"prompt\": \"Through Ulm:\", \"completion\": \"Danube\"}\n\
         {\"prompt\": \"Through Bonn:\", \"completion\": \"Rhine\"}\n\
         {\"prompt\": \"Through Dresden:\", \"completion\": \"Elbe\"}\n\
         {\"prompt\": \"Through Cork:\", \"completion\": \"Lee\"}",
        "the examples",
    )?;
    let data = examples.iter().map(|one| {
        supervised(
            &byte_tokens(&one.prompt, false),
            &byte_tokens(&one.completion, true),
        )
    });
    let data: Vec<_> = data.collect::<Result<_, _>>()?;
    let schedule = LrSchedule::new(0.001, 60)?
        .with_decay(Decay::Linear)
        .with_floor_ratio(0.1)?;
    let folder = support::folder("sft")?;
    let options = SftOptions::new(support::MODEL, schedule)
        .with_batch_size(4)
        .with_folder(&folder);
    let outcome = Sft::new(service.clone(), data, options).run().await?;
    let (first, last) = support::draw(&folder, "loss:mean")?;
    if last > 0.2 * first {
        return Err(format!("the loss fell from {first} to {last} only").into());
    }

    let sampler = outcome.sampler.ok_or("the run is not done")?;
    let sampling = service
        .create_sampling_client()
        .set_model_path(sampler)
        .await?;
    let prompt = byte_tokens("Through Dresden:", false);
    let params = SamplingParams::new()
        .set_max_tokens(16_u32)
        .set_temperature(0.0);
    let reply = sampling
        .sample(ModelInput::from_ints(prompt), 1, params)
        .await?;
    let answer = reply.sequences.first().map(|one| byte_text(&one.tokens));
    writeln!(stdout(), "Through Dresden: {}", answer.unwrap_or_default())?;
    Ok(())
}
