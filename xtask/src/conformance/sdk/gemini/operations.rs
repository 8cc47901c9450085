//! Operations: what began and is not done, and names of another process.

use anyhow::ensure;
use gimmal_client::types::gemini::{GenerateVideosOperation, ProjectOperation, Video};
use serde_json::json;

use super::bench::{PARENT, begins, given, refused, same};
use super::work::{VEO, until};
use crate::conformance::sdk::emulators::Settings;
use crate::conformance::sdk::ours::{Backend, Bench, Cases};

pub(super) fn add(cases: &mut Cases) {
    let standing = Settings::standing();
    let mut get = cases.group(Backend::BOTH, "operations.get");
    get.add_with(&standing, "film", film);
    get.add_with(&standing, "name of another process", another_process);
    get.add("unknown", unknown);
    let mut get = cases.group(Backend::PROJECT, "operations.get");
    get.add_with(&standing, "several films", several);
    get.add_with(&standing, "film in a bucket", in_a_bucket);
    let mut get = cases.group(Backend::PROJECT, "operations._get");
    get.add_with(&standing, "project", of_the_project);
}

/// The films of an operation that is done.
fn films(operation: GenerateVideosOperation) -> anyhow::Result<Vec<Video>> {
    let response = given(operation.response)?;
    Ok(response.videos().cloned().collect())
}

fn is_mp4(film: &Video) -> bool {
    let bytes = film.video_bytes.as_ref().map(|bytes| bytes.as_bytes());
    bytes.and_then(|bytes| bytes.get(4..8)) == Some(b"ftyp")
}

async fn film(bench: Bench) -> anyhow::Result<()> {
    let name = bench.film(json!({})).await?;
    let films = films(bench.filmed(&name).await?)?;
    same(films.len(), 1)?;
    if bench.is_vertex() {
        same(films[0].mime_type.as_deref(), Some("video/mp4"))?;
        ensure!(is_mp4(&films[0]), "no film");
    } else {
        ensure!(films[0].uri.is_some(), "no address");
    }
    Ok(())
}

async fn another_process(bench: Bench) -> anyhow::Result<()> {
    let name = bench.film(json!({})).await?;
    bench.filmed(&name).await?;
    let operations = bench.client()?.operations();
    let found = operations.poller::<GenerateVideosOperation>(name).await?;
    same(found.videos().count(), 1)
}

async fn unknown(bench: Bench) -> anyhow::Result<()> {
    let publisher = format!("{PARENT}/publishers/google/");
    let prefix = if bench.is_vertex() { &*publisher } else { "" };
    let operations = bench.client()?.operations();
    let call =
        operations.get::<GenerateVideosOperation>(format!("{prefix}models/{VEO}/operations/none"));
    refused(call.send().await, 404, "").map(|_| ())
}

async fn several(bench: Bench) -> anyhow::Result<()> {
    let config = json!({"numberOfVideos": 2, "durationSeconds": 4, "aspectRatio": "9:16"});
    let name = bench.film(config).await?;
    let films = films(bench.filmed(&name).await?)?;
    same(films.iter().map(is_mp4).collect::<Vec<_>>(), [true, true])
}

async fn in_a_bucket(bench: Bench) -> anyhow::Result<()> {
    let config = json!({"outputGcsUri": "gs://bucket/films"});
    let name = bench.film(config).await?;
    let films = films(bench.filmed(&name).await?)?;
    let uri = given(films[0].uri.as_deref())?;
    begins("gs://bucket/films/", uri)?;
    same(films.len(), 1)
}

async fn of_the_project(bench: Bench) -> anyhow::Result<()> {
    let name = bench.film(json!({})).await?;
    bench.filmed(&name).await?;
    let (_, id) = given(name.rsplit_once('/'))?;
    let operations = bench.client()?.operations();
    let look = || operations.get::<ProjectOperation>(id).send();
    let found = until(&bench, 1.0, look, ProjectOperation::is_done).await?;
    same(found.name, Some(name))
}
