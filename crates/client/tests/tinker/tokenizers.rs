//! Tokenizers from a hub to the model that is trained.

use std::num::NonZeroUsize;
use std::sync::Arc;

use gimmal_client::tinker::tokenizer::{Hub, TokenizerRef, Tokenizers};
use gimmal_client::types::tinker::{AdamParams, Datum, LossFnType, ModelInput};
use gimmal_emulator::{EmulatorBuilder, RouteMatcher};

use super::support::{Bench, MODEL};

/// A tokenizer whose tokens are two words.
const WORDS: &str = r#"{
    "version": "1.0", "added_tokens": [], "normalizer": null, "post_processor": null,
    "pre_tokenizer": {"type": "WhitespaceSplit"}, "decoder": null,
    "model": {"type": "WordLevel", "vocab": {"hello": 0, "world": 1, "?": 2}, "unk_token": "?"}
}"#;

fn hub(bench: &Bench, folder: &std::path::Path) -> Tokenizers {
    let (url, folder) = (bench.emulator.base_url().to_owned(), folder.to_owned());
    let lookup = move |name: &str| (name == "HF_ENDPOINT").then(|| url.clone());
    let hub = Hub::builder().from_lookup(lookup).with_folder(folder);
    Tokenizers::of_hub(hub.build().unwrap())
}

/// Covers: CHK-HF-3, TrainingClient.get_tokenizer, SamplingClient.get_tokenizer
#[tokio::test(flavor = "multi_thread")]
async fn chk_hf_3_a_tokenizer_comes_from_the_hub_once() {
    let bench = Bench::with(|builder| builder.with_hub_file(MODEL, "tokenizer.json", WORDS)).await;
    let training = bench.training().await;
    let folder = tempfile::tempdir().unwrap();
    let tokenizers = Arc::new(hub(&bench, folder.path()));
    let tokenizer = training.get_tokenizer_from(&tokenizers).await.unwrap();
    let tokens = tokenizer.encode("hello world").await.unwrap();
    assert_eq!(tokens, [0, 1]);
    assert_eq!(
        tokenizer.decode(tokens.clone()).await.unwrap(),
        "hello world"
    );
    // A text that is worked on elsewhere.
    let long = tokenizer.encode("hello ".repeat(5_000)).await.unwrap();
    assert_eq!(long, vec![0; 5_000]);

    let sampler = training
        .save_weights_and_get_sampling_client()
        .await
        .unwrap();
    sampler.get_tokenizer_from(&tokenizers).await.unwrap();
    let prompt = ModelInput::from_ints(tokens);
    let likely = sampler.compute_logprobs(prompt).await.unwrap();
    assert_eq!(likely.len(), 2);

    let again = hub(&bench, folder.path());
    again.get(&TokenizerRef::new(MODEL)).await.unwrap();
    let asked = RouteMatcher::any().with_path_part("resolve");
    assert_eq!(bench.emulator.journal().count(asked), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transformer_has_the_tokens_of_a_file_of_ones_own() {
    const OWN: &str = "words/three";
    let context = NonZeroUsize::new(8).unwrap();
    let builder = |builder: EmulatorBuilder| builder.with_tinker_tokenizer(OWN, WORDS, context);
    let bench = Bench::with(|it| builder(it).unwrap()).await;
    let made = bench.service.create_lora_training_client(OWN);
    let training = made.set_rank(4).set_seed(1).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let tokenizers = Arc::new(hub(&bench, folder.path()));
    let tokenizer = training.get_tokenizer_from(&tokenizers).await.unwrap();
    let tokens = tokenizer.encode("world hello world").await.unwrap();
    assert_eq!(tokens, [1, 0, 1]);
    let datum = |targets: Vec<i64>| {
        Datum::new(ModelInput::from_ints(tokens.clone())).with_input("target_tokens", targets)
    };
    let learn = || training.forward_backward([datum(vec![0, 1, 2])], LossFnType::CrossEntropy);
    let first = learn().await.unwrap().metrics["loss:sum"];
    for _ in 0..8 {
        let rate = AdamParams::new().set_learning_rate(1e-3);
        training.optim_step(rate).await.unwrap();
        learn().await.unwrap();
    }
    let last = learn().await.unwrap().metrics["loss:sum"];
    assert!(last < 0.5 * first, "{first} {last}");
    let foreign = datum(vec![0, 1, 3]);
    let refused = training.forward([foreign], LossFnType::CrossEntropy).await;
    let error = refused.unwrap_err();
    assert!(error.to_string().contains("vocabulary of 3"), "{error}");
}

/// Covers: CHK-TOK-2
#[tokio::test]
async fn chk_tok_2_a_kimi_tokenizer_is_made_of_its_two_files() {
    let repository = "moonshotai/Kimi-K2-Thinking";
    let bench = Bench::with(|builder| {
        builder
            .with_hub_file(repository, "tiktoken.model", "YQ== 0\nYg== 1\nYWI= 2\n")
            .with_hub_file(repository, "tokenizer_config.json", "{}")
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let tokenizers = hub(&bench, folder.path());
    let tokenizer = tokenizers
        .get(&TokenizerRef::new(repository))
        .await
        .unwrap();
    assert_eq!(tokenizer.encode("aba").await.unwrap(), [2, 0]);
    let missing = tokenizers.get(&TokenizerRef::new("org/none")).await;
    assert_eq!(missing.unwrap_err().status().unwrap(), 404);
}
