//! What `gimmal tinker` writes to the disk: checkpoints, where they were saved, and traces.

use gimmal_emulator::{Fault, FaultRule, RouteMatcher, ScriptedReply};
use serde_json::json;

use crate::tinker::Tinker;

const FILES: [&str; 2] = ["adapter_config.json", "adapter_model.safetensors"];

#[tokio::test(flavor = "multi_thread")]
async fn a_training_checkpoint_is_downloaded_and_not_overwritten() {
    let tinker = Tinker::start().await;
    let training = tinker.training().await;
    let path = training.save_state("0001").await.unwrap().path;
    let folder = format!("{}_weights_0001", training.model_id());
    let line = format!("tinker checkpoint download {path} --output models");
    let known = tinker.run(&format!("--json {line}")).await.code(0).json();
    let place = tinker.bench.path("models").join(&folder);
    assert_eq!(known["destination"], format!("models/{folder}"));
    assert_eq!(known["file_count"], 2);
    for file in FILES {
        assert!(place.join(file).exists(), "{file}");
    }
    std::fs::write(place.join("mine"), "precious").unwrap();
    let before = tinker.asked("archive");
    let taken = tinker.run(&line).await.code(2);
    assert!(taken.err.contains("--force"), "{}", taken.err);
    assert_eq!(tinker.asked("archive"), before, "nothing is fetched");
    let replaced = tinker.run(&format!("{line} --force")).await.code(0);
    assert!(replaced.out.contains(&folder), "{}", replaced.out);
    assert!(!place.join("mine").exists());
    let missing = path.replace("0001", "none");
    tinker
        .run(&format!("tinker checkpoint download {missing}"))
        .await
        .code(3);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_archives_a_training_checkpoint_is_exported() {
    let tinker = Tinker::start().await;
    let training = tinker.training().await;
    let path = training.save_state("0001").await.unwrap().path;
    let none = ScriptedReply::error(404, "NOT_FOUND", "no archives here");
    let none = FaultRule::new(Fault::reply(none));
    tinker
        .emulator
        .chaos()
        .add(none.on(RouteMatcher::any().with_path_part("archive")));
    let ran = tinker
        .run(&format!("tinker checkpoint download {path}"))
        .await
        .code(0);
    assert!(ran.err.contains("exports it"), "{}", ran.err);
    let place = tinker
        .bench
        .path(&format!("{}_weights_0001", training.model_id()));
    for file in FILES {
        assert!(place.join(file).exists(), "{file}");
    }
    let left = tinker
        .run("--json tinker checkpoint list")
        .await
        .code(0)
        .json();
    assert_eq!(left["total_count"], 1, "the export is deleted: {left}");

    let external = training.save_weights_external("e").await.unwrap().path;
    let ran = tinker
        .run(&format!("tinker checkpoint download {external}"))
        .await
        .code(0);
    assert!(ran.out.contains("external_weights_e"), "{}", ran.out);
    let sampler = training.save_weights_for_sampler("s").await.unwrap().path;
    tinker
        .run(&format!("tinker checkpoint download {sampler}"))
        .await
        .code(3);
}

#[tokio::test(flavor = "multi_thread")]
async fn weights_are_saved_without_training() {
    let tinker = Tinker::start().await;
    let base = "--base-model gimmal/bytes --rank 2 --seed 7 --no-train-unembed";
    let line = format!("tinker checkpoint save {base} --output saved.json");
    tinker.run(&line).await.code(0);
    let saved = std::fs::read_to_string(tinker.bench.path("saved.json")).unwrap();
    let saved: serde_json::Value = serde_json::from_str(&saved).unwrap();
    let path = saved["weights_path"].as_str().unwrap();
    assert!(
        path.ends_with("/sampler_weights/checkpoint-bytes"),
        "{path}"
    );
    assert_eq!(saved["base_model"], "gimmal/bytes");
    assert_eq!(saved["response"]["path"], path);
    let run = format!(
        "--json tinker run info {}",
        saved["model_id"].as_str().unwrap()
    );
    assert_eq!(tinker.run(&run).await.code(0).json()["lora_rank"], 2);

    let state = tinker.training().await.save_state("a").await.unwrap().path;
    let line = format!("tinker checkpoint save --model-path {state} --name b -o -");
    let saved = tinker.run(&line).await.code(0).json();
    assert!(saved["weights_path"].as_str().unwrap().ends_with("/b"));
    for wrong in [
        "--output x",
        "--base-model m --model-path tinker://r/weights/1 --output x",
        "--model-path weights --output x",
        "--base-model gimmal/bytes",
    ] {
        tinker
            .run(&format!("tinker checkpoint save {wrong}"))
            .await
            .code(2);
    }
    let no_such = "tinker checkpoint save --base-model gimmal/none --output x";
    tinker.run(no_such).await.code(3);
    assert!(!tinker.bench.path("x").exists());
}

/// Covers: tinker.sessions.export_trace
#[tokio::test(flavor = "multi_thread")]
async fn a_trace_is_exported_to_a_file_or_as_an_address() {
    let tinker = Tinker::start().await;
    tinker.training().await.save_state("a").await.unwrap();
    let session = tinker.service.session_id().await.unwrap();
    let line = format!("tinker session export-trace {session}");
    let ran = tinker.run(&line).await.code(0);
    let written = tinker.bench.path(&format!("{session}.pftrace"));
    let bytes = std::fs::metadata(&written).unwrap().len();
    assert!(
        bytes > 0 && ran.out.contains("ui.perfetto.dev"),
        "{}",
        ran.out
    );
    let named = format!("--json {line} --output traces/mine.pftrace");
    let known = tinker.run(&named).await.code(0).json();
    assert_eq!(
        known,
        json!({
            "session_id": session, "destination": "traces/mine.pftrace",
            "file_size_bytes": bytes,
        })
    );
    let url = tinker.run(&format!("{line} --url-only")).await.code(0);
    assert!(
        url.out.starts_with(tinker.emulator.base_url()),
        "{}",
        url.out
    );
    let url = tinker
        .run(&format!("--json {line} --url-only"))
        .await
        .code(0)
        .json();
    assert!(url["url"].as_str().unwrap().contains(&session));
    tinker
        .run("tinker session export-trace nobody")
        .await
        .code(3);
    assert!(!tinker.bench.path("nobody.pftrace").exists());
}
