//! Environments: places to work in, and the files there.

use std::io::Write as _;

use anyhow::ensure;
use flate2::Compression;
use flate2::write::GzEncoder;
use gimmal_client::Error;
use gimmal_client::gemini::{CreateEnvironment, EnvironmentFiles};
use gimmal_client::types::gemini::environments::EnvironmentFileType;
use gimmal_client::types::gemini::interactions::{Network, NetworkEnum};
use serde_json::json;

use super::bench::{FACT, declined, given, of, paged, same, sorted};
use super::interactions::AGENT;
use crate::conformance::sdk::ours::{Backend, Bench, Cases};

const NOTE: &str = "notes/ferry.txt";

pub(super) fn add(cases: &mut Cases) {
    let mut create = cases.group(Backend::DEVELOPER, "environments.create");
    create.add("files from the start", files_from_the_start);
    create.add("from another", from_another);
    let mut create = cases.group(Backend::BOTH, "environments.create");
    create.add("used by an interaction", used);
    let mut upload = cases.group(Backend::DEVELOPER, "environments.files.upload");
    upload.add("file", uploads);
    upload.add("archive", uploads_an_archive);
    let mut download = cases.group(Backend::DEVELOPER, "environments.files.download");
    download.add("unknown", downloads_unknown);
    let mut get = cases.group(Backend::BOTH, "environments.get");
    get.add("name", gets);
    let mut list = cases.group(Backend::BOTH, "environments.list");
    for size in [1, 2, 9] {
        list.add(format!("page size:{size}"), move |bench| lists(bench, size));
    }
    let mut delete = cases.group(Backend::BOTH, "environments.delete");
    delete.add("gone afterwards", deletes);
}

/// A place with a note in it.
fn create(bench: &Bench) -> anyhow::Result<CreateEnvironment> {
    let source = json!({"type": "inline", "content": FACT, "target": "/notes/ferry.txt"});
    let call = bench.client()?.environments().create();
    Ok(call.set_sources([of(source)?]))
}

async fn made(bench: &Bench) -> anyhow::Result<String> {
    given(create(bench)?.send().await?.into_body().id)
}

fn files(bench: &Bench, place: &str) -> anyhow::Result<EnvironmentFiles> {
    Ok(bench.client()?.environments().files(place))
}

async fn read(files: &EnvironmentFiles, path: &str) -> Result<Vec<u8>, Error> {
    Ok(files.download(path).send().await?.into_body().to_vec())
}

async fn files_from_the_start(bench: Bench) -> anyhow::Result<()> {
    let call = create(&bench)?.set_network(Network::Mode(NetworkEnum::Disabled));
    let place = given(call.send().await?.into_body().id)?;
    let files = files(&bench, &place)?;
    let mut listed = files.list("notes").items().collect_all().await?;
    let entry = given(listed.pop())?;
    same(
        (listed.len(), entry.name.as_deref()),
        (0, Some("ferry.txt")),
    )?;
    same(entry.file_type, Some(EnvironmentFileType::File))?;
    same(read(&files, NOTE).await?, FACT.as_bytes())
}

async fn from_another(bench: Bench) -> anyhow::Result<()> {
    let place = made(&bench).await?;
    let call = bench.client()?.environments().create();
    let copy = call.set_from_environment(&*place).send().await?;
    let copy = given(copy.into_body().id)?;
    ensure!(copy != place, "it is the same place");
    same(read(&files(&bench, &copy)?, NOTE).await?, FACT.as_bytes())
}

async fn uploads(bench: Bench) -> anyhow::Result<()> {
    let files = files(&bench, &made(&bench).await?)?;
    files
        .upload("notes/a b.txt", b"quays".to_vec())
        .send()
        .await?;
    same(read(&files, "notes/a b.txt").await?, b"quays")?;
    let listed = files.list("notes").items().collect_all().await?;
    let names = sorted(listed.into_iter().map(|entry| entry.name));
    same(names, ["a b.txt", "ferry.txt"])
}

/// A packed archive of one file.
fn packed(path: &str, content: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len().try_into()?);
    header.set_mode(0o644);
    header.set_cksum();
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    archive.append_data(&mut header, path, content)?;
    let mut packed = archive.into_inner()?;
    packed.flush()?;
    Ok(packed.finish()?)
}

async fn uploads_an_archive(bench: Bench) -> anyhow::Result<()> {
    let files = files(&bench, &made(&bench).await?)?;
    let upload = files.upload("data", packed("inner/list.csv", b"a,b\n")?);
    upload.set_extract(true).send().await?;
    same(read(&files, "data/inner/list.csv").await?, b"a,b\n")
}

async fn downloads_unknown(bench: Bench) -> anyhow::Result<()> {
    let files = files(&bench, &made(&bench).await?)?;
    declined(read(&files, "notes/none.txt").await, 404)
}

async fn used(bench: Bench) -> anyhow::Result<()> {
    let place = made(&bench).await?;
    let call = bench.client()?.interactions().create_with_agent(AGENT);
    let call = call.set_input("Hello").set_environment(&*place);
    same(call.send().await?.into_body().environment_id, Some(place))
}

async fn gets(bench: Bench) -> anyhow::Result<()> {
    let place = made(&bench).await?;
    let found = bench.client()?.environments().get(&*place).send().await?;
    same(found.into_body().id, Some(place))
}

async fn lists(bench: Bench, size: u8) -> anyhow::Result<()> {
    let mut places = Vec::new();
    for _ in 0..3 {
        places.push(Some(made(&bench).await?));
    }
    let list = bench.client()?.environments().list();
    let list = list.set_page_size(size.into()).items();
    let found = paged(list, size.into()).await?.into_iter();
    same(sorted(found.map(|place| place.id)), sorted(places))
}

async fn deletes(bench: Bench) -> anyhow::Result<()> {
    let place = made(&bench).await?;
    let environments = bench.client()?.environments();
    environments.delete(&*place).send().await?;
    declined(environments.get(place).send().await, 404)
}
