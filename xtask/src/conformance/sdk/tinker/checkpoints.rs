//! Saving, loading, listing, publishing and fetching weights.

use anyhow::ensure;
use gimmal_client::tinker::{RestClient, TrainingClient};
use gimmal_client::types::tinker::{Checkpoint, CopyWeightsRequest};

use super::bench::{
    BASE, END, examples, failed_later, given, greedy, loss_of, prompt, refused, same, step,
};
use crate::conformance::sdk::ours::{Backend, Bench, Cases};

pub(super) fn add(cases: &mut Cases) {
    let on = Backend::TRAINING;
    let mut save = cases.group(on, "checkpoints.save_state");
    save.add("resumed_with_the_optimizer", |bench| resumed(bench, true));
    save.add("resumed_without_the_optimizer", |bench| {
        resumed(bench, false)
    });
    save.add("a_name_is_taken_once", a_name_is_taken_once);
    let mut load = cases.group(on, "checkpoints.load_state");
    load.add("into_a_model", into_a_model);
    load.add("the_wrong_kind", the_wrong_kind);
    let mut save = cases.group(on, "checkpoints.save_weights_for_sampler");
    save.add("sampled_by_path", sampled_by_path);
    let mut save = cases.group(on, "checkpoints.save_weights_external");
    save.add("files_are_fetched", files_are_fetched);
    let mut list = cases.group(on, "checkpoints.list");
    list.add("of_a_run_and_of_all", lists);
    let mut publish = cases.group(on, "checkpoints.publish");
    publish.add("and_back", publishes);
    let mut ttl = cases.group(on, "checkpoints.ttl");
    ttl.add("set_and_removed", keeps_for_a_time);
    let mut delete = cases.group(on, "checkpoints.delete");
    delete.add("by_id_and_by_path", deletes);
    let mut copy = cases.group(on, "checkpoints.copy_weights");
    copy.add("into_a_project", copies);
    let mut info = cases.group(on, "checkpoints.weights_info");
    info.add("of_a_path", weights_info);
}

/// A run that goes on from a checkpoint takes the same steps only with the optimizer's state.
async fn resumed(bench: Bench, with_optimizer: bool) -> anyhow::Result<()> {
    let client = bench.taught(10).await?;
    let saved = client.save_state("a").await?;
    let service = bench.service()?;
    let made = match with_optimizer {
        true => service.create_training_client_from_state_with_optimizer(saved.path),
        false => service.create_training_client_from_state(saved.path),
    };
    let other = made.await?;
    same(loss_of(&other).await?, loss_of(&client).await?)?;
    step(&client, examples(6)).await?;
    step(&other, examples(6)).await?;
    let (one, other) = (loss_of(&client).await?, loss_of(&other).await?);
    ensure!((one == other) == with_optimizer, "{one} and {other}");
    Ok(())
}

async fn a_name_is_taken_once(bench: Bench) -> anyhow::Result<()> {
    let client = bench.train().await?;
    client.save_state("a").await?;
    failed_later(client.save_state("a").await, "exists already")?;
    let again = client.save_state("a").set_overwrite(true);
    again.set_ttl_seconds(3600).await?;
    Ok(())
}

async fn into_a_model(bench: Bench) -> anyhow::Result<()> {
    let client = bench.taught(10).await?;
    let before = loss_of(&client).await?;
    let path = client.save_state("a").await?.path;
    step(&client, examples(6)).await?;
    client.load_state_with_optimizer(path.as_str()).await?;
    same(loss_of(&client).await?, before)?;
    client.load_state(path).await?;
    same(loss_of(&client).await?, before)
}

async fn the_wrong_kind(bench: Bench) -> anyhow::Result<()> {
    let client = bench.train().await?;
    let path = client.save_weights_for_sampler("a").await?.path;
    refused(client.load_state(path).await, 400, "no training weights").map(drop)
}

async fn sampled_by_path(bench: Bench) -> anyhow::Result<()> {
    let client = bench.taught(40).await?;
    let path = client.save_weights_for_sampler("a").await?.path;
    let made = bench.service()?.create_sampling_client();
    let sampler = made.set_model_path(path).await?;
    let drawn = sampler.sample(prompt([11, 12]), 1, greedy(8)).await?;
    same(&drawn.sequences[0].tokens, &[13, 1001, END])?;
    same(sampler.get_base_model(), Some(BASE))
}

async fn files_are_fetched(bench: Bench) -> anyhow::Result<()> {
    let client = bench.train().await?;
    let path = client.save_weights_external("a").await?.path;
    let rest = bench.rest()?;
    let urls = rest.get_external_weights_urls(&path).await?.urls;
    let names: Vec<&String> = urls.keys().collect();
    same(names, ["adapter_config.json", "adapter_model.safetensors"])?;
    let folder = tempfile::tempdir()?;
    let fetched = rest.download_checkpoint(path).with_folder(folder.path());
    let weights = fetched.await?.path.join("adapter_model.safetensors");
    let weights = std::fs::read(weights)?;
    let name = b"tokens.rows";
    let mut places = weights.windows(name.len());
    same(places.any(|place| place == name), true)
}

async fn lists(bench: Bench) -> anyhow::Result<()> {
    let client = bench.train().await?;
    for name in ["a", "b", "c"] {
        client.save_state(name).await?;
    }
    let rest = bench.rest()?;
    let found = rest.list_checkpoints(client.model_id()).await?.checkpoints;
    let mut ids: Vec<_> = found.into_iter().map(|it| it.checkpoint_id).collect();
    ids.sort();
    same(ids, ["weights/a", "weights/b", "weights/c"])?;
    let page = rest.list_user_checkpoints(2, 1).await?;
    let total = given(page.cursor)?.total_count;
    same((page.checkpoints.len(), total), (2, 3))
}

/// The first checkpoint of a run.
async fn first(rest: &RestClient, client: &TrainingClient) -> anyhow::Result<Checkpoint> {
    let found = rest.list_checkpoints(client.model_id()).await?;
    given(found.checkpoints.into_iter().next())
}

async fn publishes(bench: Bench) -> anyhow::Result<()> {
    let (client, rest) = (bench.train().await?, bench.rest()?);
    let path = client.save_state("a").await?.path;
    rest.publish_checkpoint_from_tinker_path(&path).await?;
    same(first(&rest, &client).await?.public, true)?;
    rest.unpublish_checkpoint_from_tinker_path(&path).await?;
    same(first(&rest, &client).await?.public, false)
}

async fn keeps_for_a_time(bench: Bench) -> anyhow::Result<()> {
    let (client, rest) = (bench.train().await?, bench.rest()?);
    let path = client.save_state("a").await?.path;
    let keep = |seconds| rest.set_checkpoint_ttl_from_tinker_path(&path, seconds);
    keep(Some(7200)).await?;
    same(first(&rest, &client).await?.expires_at.is_some(), true)?;
    keep(None).await?;
    same(first(&rest, &client).await?.expires_at, None)?;
    refused(keep(Some(1)).await, 422, "ttl_seconds").map(drop)
}

async fn deletes(bench: Bench) -> anyhow::Result<()> {
    let (client, rest) = (bench.train().await?, bench.rest()?);
    let run = client.model_id();
    client.save_state("a").await?;
    let path = client.save_state("b").await?.path;
    rest.delete_checkpoint(run, "weights/a").await?;
    rest.delete_checkpoint_from_tinker_path(&path).await?;
    same(rest.list_checkpoints(run).await?.checkpoints.len(), 0)?;
    refused(rest.delete_checkpoint(run, "weights/a").await, 404, "").map(drop)
}

async fn copies(bench: Bench) -> anyhow::Result<()> {
    let path = bench.taught(5).await?.save_state("a").await?.path;
    let request = CopyWeightsRequest::new()
        .set_source_path(path.as_str())
        .set_destination_project_id("p");
    let copy = bench.rest()?.copy_weights(request).await?;
    ensure!(copy != path, "{copy} is the original");
    let service = bench.service()?;
    service.create_training_client_from_state(copy).await?;
    Ok(())
}

async fn weights_info(bench: Bench) -> anyhow::Result<()> {
    let service = bench.service()?;
    let made = service.create_lora_training_client(BASE).set_rank(8);
    let client = made.set_train_mlp(false).await?;
    let path = client.save_state("a").await?.path;
    let info = bench.rest()?.get_weights_info_by_tinker_path(&path).await?;
    same(info.base_model, BASE)?;
    same((info.lora_rank, info.train_mlp), (Some(8), Some(false)))
}
