//! Sessions and what is said of them.

use gimmal_client::types::tinker::{
    DimuonOptimizerConfig, DimuonParams, LossFnType, OptimizerConfig, SessionSearchRequest,
    SessionStatus,
};
use serde_json::json;

use super::bench::{BASE, adam, among, examples, given, header, refused, same, step, train};
use crate::conformance::sdk::ours::{Backend, Bench, Cases};

pub(super) fn add(cases: &mut Cases) {
    let on = Backend::TRAINING;
    let mut create = cases.group(on, "service.create_lora_training_client");
    create.add("info", |bench| info(bench, 4));
    create.add("unknown_model", unknown_model);
    create.add("optimizer", optimizer);
    let mut create = cases.group(on, "service.create_lora_training_client_async");
    create.add("info", |bench| info(bench, 8));
    let mut capabilities = cases.group(on, "service.get_server_capabilities");
    capabilities.add("models", models);
    let mut close = cases.group(on, "service.close");
    close.add("finish_is_told", finish_is_told);
    close.add("the_session_is_over", the_session_is_over);
    let mut headers = cases.group(on, "service.headers");
    headers.add("what_is_sent", what_is_sent);
    let mut telemetry = cases.group(on, "service.telemetry");
    telemetry.add("session_start", session_start);
    let mut url = cases.group(on, "service.get_console_url");
    url.add("session", console);
}

async fn info(bench: Bench, rank: u32) -> anyhow::Result<()> {
    let service = bench.service()?;
    let client = service.create_lora_training_client(BASE).set_rank(rank);
    let client = client.await?;
    let info = client.get_info();
    same(info.model_name.as_deref(), Some(BASE))?;
    same((info.is_lora, info.lora_rank), (Some(true), Some(rank)))?;
    among(":train:0", &info.model_id)
}

async fn unknown_model(bench: Bench) -> anyhow::Result<()> {
    let made = bench.service()?.create_lora_training_client("no/model");
    refused(made.await, 400, "no/model").map(drop)
}

async fn optimizer(bench: Bench) -> anyhow::Result<()> {
    let service = bench.service()?;
    let made = service.create_lora_training_client(BASE).set_rank(8);
    let client = made.set_optimizer(DimuonOptimizerConfig::new()).await?;
    let kept = &client.get_info().optimizer_config;
    same(matches!(kept, OptimizerConfig::Dimuon(_)), true)?;
    client
        .forward_backward(examples(6), LossFnType::CrossEntropy)
        .await?;
    let params = DimuonParams::new().set_learning_rate(1e-3);
    client.optim_step(params).await?;
    Ok(())
}

async fn models(bench: Bench) -> anyhow::Result<()> {
    let found = bench.service()?.get_server_capabilities().await?;
    let models = found.supported_models.into_iter();
    let names: Vec<_> = models.filter_map(|model| model.model_name).collect();
    same(names.iter().any(|name| name == BASE), true)
}

async fn finish_is_told(bench: Bench) -> anyhow::Result<()> {
    let service = bench.service()?;
    train(&service).await?;
    service.close("errored", Some("it rained")).await?;
    let request = bench.last("/finish")?;
    let told = json!({"reason": {"type": "errored"}, "detail": "it rained"});
    same(given(request.body())?, &told)?;
    same(request.status(), Some(200))
}

async fn the_session_is_over(bench: Bench) -> anyhow::Result<()> {
    let service = bench.service()?;
    train(&service).await?;
    let session = service.session_id().await?;
    bench.running.emulator.tinker().lose_session(&session);
    let query = SessionSearchRequest::new().set_session_id(session);
    let found = bench.rest()?.search_sessions(&query).await?;
    let status = &found.sessions[0].status;
    same(matches!(status, Some(SessionStatus::Cancelled(_))), true)
}

async fn what_is_sent(bench: Bench) -> anyhow::Result<()> {
    step(&bench.train().await?, examples(6)).await?;
    let request = bench.last("/forward_backward")?;
    same(header(&request, "content-type"), "application/x-protobuf")?;
    let method = header(&request, "x-sdk-method");
    same(method, "TrainingClient.forward_backward")?;
    // The journal of the emulator keeps no secrets.
    same(request.headers().contains_key("x-api-key"), false)
}

async fn session_start(bench: Bench) -> anyhow::Result<()> {
    let service = bench.service()?;
    train(&service).await?.optim_step(adam()).await?;
    service.close("success", None).await?;
    let batches = bench.running.emulator.tinker().telemetry();
    let events = batches
        .iter()
        .filter_map(|batch| batch["events"].as_array());
    let mut names = events.flatten().map(|event| &event["event"]);
    same(names.any(|name| name == "SESSION_START"), true)
}

async fn console(bench: Bench) -> anyhow::Result<()> {
    let service = bench.service()?;
    train(&service).await?;
    among("/sessions/", service.get_console_url())
}
