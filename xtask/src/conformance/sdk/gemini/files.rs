//! Files: uploaded, read, listed, downloaded and registered.

use anyhow::{Context as _, ensure};
use futures_util::{StreamExt as _, TryStreamExt as _};
use gimmal_client::gemini::UploadFile;
use gimmal_client::types::gemini::{File, FileSource, FileState};
use serde_json::json;

use super::bench::{FACT, among, header, refused, same, status_of};
use crate::conformance::sdk::emulators::Settings;
use crate::conformance::sdk::ours::{Backend, Bench, Cases};

const CHUNK: usize = 8 << 20;
const DENIED: (u16, &str) = (403, "PERMISSION_DENIED");

pub(super) fn add(cases: &mut Cases) {
    let standing = Settings::standing();
    let mut upload = cases.group(Backend::DEVELOPER, "files.upload");
    upload.add("reply", reply);
    for (row, size) in [
        ("nothing", 0),
        ("one byte", 1),
        ("a chunk", CHUNK),
        ("a chunk and a byte", CHUNK + 1),
        ("20 MiB", 20 << 20),
    ] {
        upload.add(format!("size:{row}"), move |bench| sized(bench, size));
    }
    upload.add("name in use", name_in_use);
    upload.add("bad name", bad_name);
    upload.add_with(&standing, "film", film);
    let mut get = cases.group(Backend::DEVELOPER, "files.get");
    get.add("name:whole", |bench| gets(bench, false));
    get.add("name:short", |bench| gets(bench, true));
    get.add("unknown", gets_unknown);
    get.add_with(&standing, "expired", gets_expired);
    get.add("somebody else's", gets_foreign);
    let mut list = cases.group(Backend::DEVELOPER, "files.list");
    list.add("empty", |bench| lists(bench, 0, 9));
    for size in [1, 2, 9] {
        list.add(format!("page size:{size}"), move |bench| {
            lists(bench, 3, size)
        });
    }
    let mut delete = cases.group(Backend::DEVELOPER, "files.delete");
    delete.add("gone afterwards", deletes);
    delete.add("unknown", deletes_unknown);
    let mut download = cases.group(Backend::DEVELOPER, "files.download");
    download.add("of an upload", downloads_an_upload);
    download.add("unknown", downloads_unknown);
    let mut register = cases.group(Backend::DEVELOPER, "files.register_files");
    register.add("kinds", registers);
}

fn upload(bench: &Bench, content: impl Into<Vec<u8>>) -> anyhow::Result<UploadFile> {
    let call = bench.client()?.files().upload(content.into());
    Ok(call.set_mime_type("text/plain"))
}

async fn made(bench: &Bench) -> anyhow::Result<(File, String)> {
    let file = upload(bench, FACT)?.send().await?.into_body();
    let name = file.name.clone().context("no name")?;
    Ok((file, name))
}

/// A refusal with this code and canonical name.
fn denied<T>(outcome: Result<T, gimmal_client::Error>) -> anyhow::Result<()> {
    let error = refused(outcome, DENIED.0, "")?;
    same(status_of(&error), DENIED.1)
}

async fn reply(bench: Bench) -> anyhow::Result<()> {
    let call = upload(&bench, FACT)?;
    let call = call.set_display_name("Hotel").set_name("hotel-notes");
    let file = call.send().await?.into_body();
    same(file.name.as_deref(), Some("files/hotel-notes"))?;
    same(file.display_name.as_deref(), Some("Hotel"))?;
    same(file.state, Some(FileState::Active))?;
    same(file.source, Some(FileSource::Uploaded))?;
    let created = file.create_time.context("no time")?.to_system_time();
    let expires = file.expiration_time.context("no time")?.to_system_time();
    same(expires.duration_since(created)?.as_secs(), 48 * 3600)
}

async fn sized(bench: Bench, size: usize) -> anyhow::Result<()> {
    let content: Vec<u8> = (0..=u8::MAX).cycle().take(size).collect();
    let call = upload(&bench, content)?.set_mime_type("application/pdf");
    let file = call.send().await?.into_body();
    same(file.mime_type.as_deref(), Some("application/pdf"))?;
    same(file.size_bytes.unwrap_or_default(), i64::try_from(size)?)?;
    let sent = bench.requests("upload");
    let parts = sent
        .iter()
        .filter(|request| !header(request, "x-goog-upload-offset").is_empty());
    same(parts.count(), size.div_ceil(CHUNK).max(1))
}

async fn name_in_use(bench: Bench) -> anyhow::Result<()> {
    upload(&bench, FACT)?.set_name("notes").send().await?;
    let again = upload(&bench, FACT)?.set_name("notes").send().await;
    refused(again, 409, "").map(|_| ())
}

async fn bad_name(bench: Bench) -> anyhow::Result<()> {
    let outcome = upload(&bench, FACT)?.set_name("Not A Name").send().await;
    ensure!(outcome.is_err(), "nothing was refused");
    Ok(())
}

async fn film(bench: Bench) -> anyhow::Result<()> {
    let call = upload(&bench, "...")?.set_mime_type("video/mp4");
    let file = call.send().await?.into_body();
    same(file.state, Some(FileState::Processing))?;
    let name = file.name.context("no name")?;
    for _ in 0..400 {
        let file = bench.client()?.files().get(&*name).send().await?;
        if file.body().state == Some(FileState::Active) {
            return Ok(());
        }
        bench.advance(0.1)?;
    }
    anyhow::bail!("the film is processed still")
}

async fn gets(bench: Bench, short: bool) -> anyhow::Result<()> {
    let (file, name) = made(&bench).await?;
    let asked = name.strip_prefix("files/").filter(|_| short);
    let found = bench.client()?.files().get(asked.unwrap_or(&name));
    same(found.send().await?.into_body(), file)
}

async fn gets_unknown(bench: Bench) -> anyhow::Result<()> {
    denied(bench.client()?.files().get("files/none").send().await)
}

async fn gets_expired(bench: Bench) -> anyhow::Result<()> {
    let (_, name) = made(&bench).await?;
    bench.advance(48.0 * 3600.0 + 1.0)?;
    denied(bench.client()?.files().get(name).send().await)
}

async fn gets_foreign(bench: Bench) -> anyhow::Result<()> {
    let (_, name) = made(&bench).await?;
    let other = bench.builder_with_key("another-key").build()?;
    denied(other.files().get(name).send().await)
}

async fn lists(bench: Bench, count: usize, size: i32) -> anyhow::Result<()> {
    let mut names = Vec::new();
    for _ in 0..count {
        names.push(made(&bench).await?.1);
    }
    names.sort();
    let list = || anyhow::Ok(bench.client()?.files().list().set_page_size(size).items());
    if count > 0 {
        let mut pages = std::pin::pin!(list()?.pages());
        let first = pages.next().await.context("no page")??;
        same(first.items.len(), usize::try_from(size)?.min(count))?;
    }
    let files: Vec<File> = list()?.try_collect().await?;
    let mut listed: Vec<String> = files.into_iter().filter_map(|file| file.name).collect();
    listed.sort();
    same(listed, names)
}

async fn deletes(bench: Bench) -> anyhow::Result<()> {
    let (_, name) = made(&bench).await?;
    bench.client()?.files().delete(&*name).send().await?;
    denied(bench.client()?.files().get(name).send().await)
}

async fn deletes_unknown(bench: Bench) -> anyhow::Result<()> {
    denied(bench.client()?.files().delete("files/none").send().await)
}

async fn downloads_an_upload(bench: Bench) -> anyhow::Result<()> {
    let (_, name) = made(&bench).await?;
    let outcome = bench.client()?.files().download(name).send().await;
    refused(outcome, 400, "").map(|_| ())
}

async fn downloads_unknown(bench: Bench) -> anyhow::Result<()> {
    denied(bench.client()?.files().download("files/none").send().await)
}

async fn registers(bench: Bench) -> anyhow::Result<()> {
    let uris = ["gs://bucket/talk.mp4", "gs://bucket/notes.txt"];
    let call = bench.client()?.files().register("files-token", uris);
    let reply = call.with_quota_project("payer").send().await?.into_body();
    let kinds: Vec<_> = reply.files.iter().map(|file| &file.mime_type).collect();
    same(json!(kinds), json!(["video/mp4", "text/plain"]))?;
    let last = bench.last("register")?;
    among("payer", header(&last, "x-goog-user-project"))
}
