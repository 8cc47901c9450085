//! A transformer is taught twenty answers and gives them.
//!
//! `conformance/torch/teach.py` does the same with the official SDK; `GIMMAL_LOSSES=FILE` has the
//! losses of this run written down for it.

use std::fs;

use gimmal_client::types::tinker::{AdamParams, Datum, LossFnType, ModelInput, SamplingParams};

use super::support::Bench;

const MODEL: &str = "gimmal/tiny";
/// Ends a text; the tokens below it are bytes.
const END: u32 = 256;
const STEPS: usize = 60;
const WORDS: &str = "red blue cat dog sun moon tree river stone cloud \
                     fast slow king queen bread water light dark north south";

/// Each word is to be answered with the third word after it.
fn lessons() -> Vec<(String, String)> {
    let words: Vec<&str> = WORDS.split(' ').collect();
    let lesson = |at: usize| {
        (
            format!("{}? ", words[at]),
            words[(at + 3) % words.len()].to_owned(),
        )
    };
    (0..words.len()).map(lesson).collect()
}

fn tokens(text: &str) -> Vec<u32> {
    text.bytes().map(u32::from).collect()
}

fn datum(prompt: &str, completion: &str) -> Datum {
    let all = [tokens(prompt), tokens(completion), vec![END]].concat();
    let weights = (1..all.len()).map(|at| if at < prompt.len() { 0.0 } else { 1.0_f32 });
    let targets: Vec<i64> = all[1..].iter().map(|token| i64::from(*token)).collect();
    Datum::new(ModelInput::from_ints(all[..all.len() - 1].to_vec()))
        .with_input("target_tokens", targets)
        .with_input("weights", weights.collect::<Vec<_>>())
}

#[tokio::test]
async fn a_transformer_gives_the_answers_it_was_taught() {
    let bench = Bench::start().await;
    let made = bench.service.create_lora_training_client(MODEL);
    let training = made.set_rank(8).set_seed(1).await.unwrap();
    let lessons = lessons();
    let data: Vec<Datum> = lessons.iter().map(|(p, c)| datum(p, c)).collect();
    let mut losses = Vec::new();
    for _ in 0..STEPS {
        let pass = training.forward_backward(data.clone(), LossFnType::CrossEntropy);
        let step = training.optim_step(AdamParams::new().set_learning_rate(1e-3));
        let (pass, step) = (pass.submit(), step.submit());
        losses.push(pass.await.unwrap().await.unwrap().metrics["loss:sum"]);
        step.await.unwrap().await.unwrap();
    }
    if let Ok(file) = std::env::var("GIMMAL_LOSSES") {
        fs::write(file, serde_json::to_vec(&losses).unwrap()).unwrap();
    }
    assert!(losses[STEPS - 1] < 0.2 * losses[0], "{losses:?}");

    let sampler = training
        .save_weights_and_get_sampling_client()
        .await
        .unwrap();
    let mut right = 0;
    for (prompt, completion) in &lessons {
        let params = SamplingParams::new()
            .set_temperature(0.0)
            .set_max_tokens(12_u32);
        let prompt = ModelInput::from_ints(tokens(prompt));
        let reply = sampler.sample(prompt, 1, params).await.unwrap();
        let taught = [tokens(completion), vec![END]].concat();
        right += usize::from(reply.sequences[0].tokens == taught);
    }
    assert!(right >= 18, "{right} of {} answers", lessons.len());
}
