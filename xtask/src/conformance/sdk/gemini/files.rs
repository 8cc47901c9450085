//! Files: uploaded, read, listed, downloaded and registered.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use gimmal_api::gemini::UploadContent;
use gimmal_client::gemini::{GenerateContent, UploadFile};
use gimmal_client::types::gemini::{
    BatchJob, BatchJobSource, Content, File, FileSource, FileState, Part,
};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::bench::{
    FACT, MODEL, QUESTION, among, declined, given, header, paged, refused, same, sorted, status_of,
};
use super::work::until;
use crate::conformance::sdk::emulators::Settings;
use crate::conformance::sdk::ours::{Backend, Bench, Cases};

const CHUNK: usize = 8 << 20;
const DENIED: (u16, &str) = (403, "PERMISSION_DENIED");

pub(super) fn add(cases: &mut Cases) {
    let standing = Settings::standing();
    let mut upload = cases.group(Backend::PROJECT, "files.upload");
    upload.add("refused", refuses);
    let mut upload = cases.group(Backend::DEVELOPER, "files.upload");
    upload.add("path:text", |bench| from_a_path(bench, |path| path.into()));
    upload.add("path:object", |bench| {
        from_a_path(bench, |path| PathBuf::from(path).into())
    });
    upload.add("no mime type", no_mime_type);
    upload.add("used in a prompt", in_a_prompt);
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
    download.add_with(&standing, "answers of a job", downloads_answers);
    download.add_with(&standing, "film", downloads_a_film);
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

/// What the files say.
fn text() -> String {
    format!("Grüße! The Halden hotel has two doors. {FACT} Breakfast is at eight.")
}

/// Fails unless the service says what was uploaded.
fn is_of(file: &File, content: &[u8]) -> anyhow::Result<()> {
    same(file.size_bytes, Some(i64::try_from(content.len())?))?;
    let digest: String = Sha256::digest(content)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let hash = given(file.sha256_hash.as_deref())?;
    same(BASE64_STANDARD.decode(hash)?, digest.into_bytes())
}

/// A question about a file.
fn about(bench: &Bench, file: &File, question: &str) -> anyhow::Result<GenerateContent> {
    let call = bench.client()?.models().generate_content(MODEL);
    Ok(call.set_contents([turn(file, question)?]))
}

fn turn(file: &File, question: &str) -> anyhow::Result<Content> {
    let (uri, kind) = (given(file.uri.clone())?, given(file.mime_type.clone())?);
    let parts = [Part::file_data(uri, kind), question.into()];
    Ok(Content::new().set_role("user").set_parts(parts))
}

/// A refusal with this code and canonical name.
fn denied<T>(outcome: Result<T, gimmal_client::Error>) -> anyhow::Result<()> {
    let error = refused(outcome, DENIED.0, "")?;
    same(status_of(&error), DENIED.1)
}

async fn from_a_path(bench: Bench, given: fn(&Path) -> UploadContent) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("hotel.txt");
    std::fs::write(&path, text())?;
    let call = bench.client()?.files().upload(given(&path));
    let file = call.send().await?.into_body();
    same(file.mime_type.as_deref(), Some("text/plain"))?;
    is_of(&file, text().as_bytes())
}

async fn no_mime_type(bench: Bench) -> anyhow::Result<()> {
    let call = bench.client()?.files().upload(b"x".to_vec());
    bench.unsent(call.send().await)
}

async fn refuses(bench: Bench) -> anyhow::Result<()> {
    bench.unsent(upload(&bench, FACT)?.send().await)
}

async fn in_a_prompt(bench: Bench) -> anyhow::Result<()> {
    let file = upload(&bench, text())?.send().await?.into_body();
    let reply = about(&bench, &file, QUESTION)?.send().await?.into_body();
    among(FACT, reply.text().unwrap_or_default())?;
    let count = bench.client()?.models().count_tokens(MODEL);
    let count = count.set_contents([turn(&file, QUESTION)?]).send().await?;
    let used = given(reply.usage_metadata)?.prompt_token_count;
    same(count.into_body().total_tokens, used)?;
    let files = bench.client()?.files();
    files.delete(&file).send().await?;
    denied(about(&bench, &file, QUESTION)?.send().await)
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
    same(expires.duration_since(created)?.as_secs(), 48 * 3600)?;
    let uri = given(file.uri)?;
    ensure!(uri.ends_with("files/hotel-notes"), "{uri}");
    Ok(())
}

async fn sized(bench: Bench, size: usize) -> anyhow::Result<()> {
    let content: Vec<u8> = (0..=u8::MAX).cycle().take(size).collect();
    let call = upload(&bench, content.clone())?.set_mime_type("application/pdf");
    let file = call.send().await?.into_body();
    same(file.mime_type.as_deref(), Some("application/pdf"))?;
    if size > 0 {
        is_of(&file, &content)?;
    }
    let sent = bench.requests("upload");
    let parts = sent
        .iter()
        .filter(|request| !header(request, "x-goog-upload-offset").is_empty());
    same(parts.count(), size.div_ceil(CHUNK).max(1))
}

async fn name_in_use(bench: Bench) -> anyhow::Result<()> {
    upload(&bench, FACT)?.set_name("notes").send().await?;
    let again = upload(&bench, FACT)?.set_name("notes").send().await;
    declined(again, 409)
}

/// The service would refuse it as well; ours does not bother it.
async fn bad_name(bench: Bench) -> anyhow::Result<()> {
    bench.unsent(upload(&bench, FACT)?.set_name("Not A Name").send().await)
}

async fn film(bench: Bench) -> anyhow::Result<()> {
    let call = upload(&bench, "...")?.set_mime_type("video/mp4");
    let file = call.send().await?.into_body();
    same(file.state.as_ref(), Some(&FileState::Processing))?;
    let error = refused(about(&bench, &file, "What is it?")?.send().await, 400, "")?;
    same(status_of(&error), "FAILED_PRECONDITION")?;
    let files = bench.client()?.files();
    let is_done = |file: &File| file.state != Some(FileState::Processing);
    let file = until(&bench, 0.1, || files.get(&file).send(), is_done).await?;
    same(file.state.as_ref(), Some(&FileState::Active))?;
    let reply = about(&bench, &file, "What is it?")?.send().await?;
    ensure!(
        reply.body().text().is_some_and(|text| !text.is_empty()),
        "no answer"
    );
    Ok(())
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

async fn lists(bench: Bench, count: usize, size: u8) -> anyhow::Result<()> {
    let mut names = Vec::new();
    for _ in 0..count {
        names.push(made(&bench).await?.0.name);
    }
    let list = bench.client()?.files().list().set_page_size(size.into());
    let files = paged(list.items(), size.into()).await?;
    same(
        sorted(files.into_iter().map(|file| file.name)),
        sorted(names),
    )
}

async fn deletes(bench: Bench) -> anyhow::Result<()> {
    let (_, name) = made(&bench).await?;
    let files = bench.client()?.files();
    files.delete(&*name).send().await?;
    denied(files.get(name).send().await)?;
    same(files.list().items().collect_all().await?.len(), 0)
}

async fn deletes_unknown(bench: Bench) -> anyhow::Result<()> {
    denied(bench.client()?.files().delete("files/none").send().await)
}

async fn downloads_an_upload(bench: Bench) -> anyhow::Result<()> {
    let (_, name) = made(&bench).await?;
    let outcome = bench.client()?.files().download(name).send().await;
    declined(outcome, 400)
}

async fn downloads_unknown(bench: Bench) -> anyhow::Result<()> {
    denied(bench.client()?.files().download("files/none").send().await)
}

async fn downloads_answers(bench: Bench) -> anyhow::Result<()> {
    let client = bench.client()?;
    let request = json!({"contents": [{"parts": [{"text": "x"}]}]});
    let line = format!("{}\n", json!({"key": "a", "request": request}));
    let call = upload(&bench, line)?.set_mime_type("application/jsonl");
    let source = BatchJobSource::file(given(call.send().await?.into_body().name)?);
    let job = client.batches().create(MODEL, source).send().await?;
    let name = given(job.into_body().name)?;
    let look = || client.batches().get(&*name).send();
    let job = until(&bench, 0.1, look, BatchJob::is_done).await?;
    let answers = given(given(job.dest)?.file_name)?;
    let data = client.files().download(&*answers).send().await?.into_body();
    among("\"a\"", String::from_utf8_lossy(&data))?;
    let folder = tempfile::tempdir()?;
    let target = folder.path().join("answers.jsonl");
    client.files().download(answers).save(&target).await?;
    same(std::fs::read(target)?, &data[..])
}

async fn downloads_a_film(bench: Bench) -> anyhow::Result<()> {
    let files = bench.client()?.files();
    let name = bench.film(json!({})).await?;
    let done = given(bench.filmed(&name).await?.response)?;
    let film = given(done.videos().next())?;
    let data = files.download(film).send().await?.into_body();
    same(data.get(4..8), Some(&b"ftyp"[..]))?;
    let mut listed = files.list().items().collect_all().await?;
    let file = given(listed.pop())?;
    same(
        (listed.len(), file.source.as_ref()),
        (0, Some(&FileSource::Generated)),
    )?;
    among(given(file.name.as_deref())?, given(film.uri.as_deref())?)?;
    same(json!(file.video_metadata), json!({"videoDuration": "8s"}))?;
    same(files.download(&file).send().await?.into_body(), &data)?;
    let folder = tempfile::tempdir()?;
    let target = folder.path().join("film.mp4");
    files.download(film).save(&target).await?;
    same(std::fs::read(target)?, &data[..])
}

async fn registers(bench: Bench) -> anyhow::Result<()> {
    let uris = ["gs://bucket/talk.mp4", "gs://bucket/notes.txt"];
    let call = bench.client()?.files().register("files-token", uris);
    let reply = call.with_quota_project("payer").send().await?.into_body();
    let kinds: Vec<_> = reply.files.iter().map(|file| &file.mime_type).collect();
    same(json!(kinds), json!(["video/mp4", "text/plain"]))?;
    let registered = Some(FileSource::Registered);
    ensure!(
        reply.files.iter().all(|file| file.source == registered),
        "{kinds:?}"
    );
    let last = bench.last("register")?;
    among("payer", header(&last, "x-goog-user-project"))
}
