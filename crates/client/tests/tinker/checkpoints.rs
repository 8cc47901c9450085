//! What a model is not made of: ranks and parts that do not exist, and checkpoints that are damaged or
//! another model's. Whatever is refused changes nothing.

use std::fs;
use std::path::{Path, PathBuf};

use gimmal_client::tinker::TrainingClient;
use gimmal_client::types::tinker::{AdamParams, Datum, LossFnType, ModelInput, SamplingParams};

use super::support::{Bench, MODEL};

const TRANSFORMER: &str = "gimmal/tiny";

fn datum() -> Datum {
    Datum::new(ModelInput::from_ints([1, 2, 3])).with_input("target_tokens", vec![2_i64, 3, 4])
}

async fn transformer(bench: &Bench, rank: u32) -> TrainingClient {
    let made = bench.service.create_lora_training_client(TRANSFORMER);
    made.set_rank(rank).set_seed(1).await.unwrap()
}

async fn step(training: &TrainingClient) {
    let pass = training.forward_backward([datum()], LossFnType::CrossEntropy);
    pass.await.unwrap();
    training.optim_step(AdamParams::new()).await.unwrap();
}

async fn loss(training: &TrainingClient) -> f64 {
    let pass = training.forward([datum()], LossFnType::CrossEntropy);
    pass.await.unwrap().metrics["loss:sum"]
}

/// The file of the weights of a checkpoint with this name.
fn weights_of(folder: &Path, name: &str) -> PathBuf {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let weights = path.join("adapter_model.safetensors");
            if path.ends_with(name) && weights.exists() {
                return weights;
            }
            if path.is_dir() {
                folders.push(path);
            }
        }
    }
    panic!("there is no checkpoint {name}");
}

#[tokio::test]
async fn ranks_and_parts_that_do_not_exist_are_refused() {
    let bench = Bench::start().await;
    let made = || bench.service.create_lora_training_client(TRANSFORMER);
    for rank in [0, 1025] {
        let error = made().set_rank(rank).await.unwrap_err();
        assert!(error.to_string().contains("rank"), "{error}");
    }
    let nothing = made()
        .set_train_attn(false)
        .set_train_mlp(false)
        .set_train_unembed(false);
    let error = nothing.await.unwrap_err();
    assert!(error.to_string().contains("At least one of"), "{error}");
    let unknown = bench.service.create_lora_training_client("gimmal/huge");
    let error = unknown.await.unwrap_err();
    assert!(error.to_string().contains("gimmal/huge"), "{error}");
}

#[tokio::test]
async fn a_text_longer_than_the_context_is_refused_by_sampling_and_training() {
    let bench = Bench::start().await;
    let sampling = bench.service.create_sampling_client();
    let sampling = sampling.set_base_model(TRANSFORMER).await.unwrap();
    let long = ModelInput::from_ints(vec![1; 4096]);
    let reply = sampling.sample(long, 1, SamplingParams::new()).await;
    let error = reply.unwrap_err();
    assert!(error.to_string().contains("context of 4096"), "{error}");
    let training = transformer(&bench, 4).await;
    let long = Datum::new(ModelInput::from_ints(vec![1; 4097]))
        .with_input("target_tokens", vec![1_i64; 4097]);
    let pass = training.forward([long], LossFnType::CrossEntropy).await;
    let error = pass.unwrap_err();
    assert!(
        error.to_string().contains("data[0]") && error.to_string().contains("4096"),
        "{error}"
    );
}

#[tokio::test]
async fn damaged_and_foreign_checkpoints_are_rejected_before_anything_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench::with(|builder| builder.with_tinker_folder(folder.path())).await;
    let training = transformer(&bench, 4).await;
    step(&training).await;
    let damaged = training.save_state("damaged").await.unwrap().path;
    let file = weights_of(folder.path(), "damaged");
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();

    let wide = transformer(&bench, 8).await;
    let wide = wide.save_state("wide").await.unwrap().path;
    let other = bench.service.create_lora_training_client(MODEL);
    let other = other.set_rank(4).await.unwrap();
    let other = other.save_state("other").await.unwrap().path;

    step(&training).await;
    let before = loss(&training).await;
    for (path, says) in [
        (&damaged, "cannot be read"),
        (&wide, "has shape"),
        (&other, "another kind"),
    ] {
        let error = training.load_state_with_optimizer(path.as_str()).await;
        let error = error.unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
        assert_eq!(loss(&training).await.to_bits(), before.to_bits(), "{path}");
    }
    let made = bench
        .service
        .create_training_client_from_state_with_optimizer(damaged.as_str());
    let error = made.await.unwrap_err();
    assert!(error.to_string().contains("cannot be read"), "{error}");
}
