//! File search stores: made, filled, listed, deleted, and answers grounded in them.

use std::collections::BTreeSet;

use anyhow::ensure;
use gimmal_client::gemini::{GenerateContent, UploadToFileSearchStore};
use gimmal_client::types::gemini::{
    CustomMetadata, FileSearchStore, GroundingMetadata, ImportFileOperation,
    UploadToFileSearchStoreOperation,
};
use serde_json::{Value, json};

use super::bench::{
    FACT, MODEL, QUESTION, among, begins, declined, given, of, paged, refused, same, sorted,
    status_of,
};
use super::work::until;
use crate::conformance::sdk::emulators::Settings;
use crate::conformance::sdk::ours::{Backend, Bench, Cases};

const ABSENT: &str = "fileSearchStores/none";

pub(super) fn add(cases: &mut Cases) {
    let standing = Settings::standing();
    let mut create = cases.group(Backend::DEVELOPER, "file_search_stores.create");
    create.add("reply", reply);
    create.add("without a name", without_a_name);
    create.add_with(&standing, "used by a generation", grounds);
    for (row, filter, holds) in [
        ("that holds", r#"year > 1980 AND tags = "keys""#, true),
        ("that does not hold", "year < 1980", false),
        ("of a word", r#"tags = "hotel""#, true),
        ("of another word", r#"tags = "ferry""#, false),
    ] {
        create.add_with(&standing, format!("filter:{row}"), move |bench| {
            filters(bench, filter, holds)
        });
    }
    create.add_with(&standing, "bad filter", bad_filter);
    create.add_with(&standing, "fewest chunks", fewest_chunks);
    let mut create = cases.group(Backend::PROJECT, "file_search_stores.create");
    create.add("refused", refuses);

    let mut get = cases.group(Backend::DEVELOPER, "file_search_stores.get");
    get.add("name", gets);
    get.add("unknown", gets_unknown);
    get.add_with(&standing, "counts", counts);
    let mut list = cases.group(Backend::DEVELOPER, "file_search_stores.list");
    for size in [1, 2, 9] {
        list.add(format!("page size:{size}"), move |bench| lists(bench, size));
    }
    let mut delete = cases.group(Backend::DEVELOPER, "file_search_stores.delete");
    delete.add("empty", deletes);
    delete.add_with(&standing, "with documents", deletes_filled);

    let upload = "file_search_stores.upload_to_file_search_store";
    let mut upload = cases.group(Backend::DEVELOPER, upload);
    upload.add_with(&standing, "operation", uploads);
    upload.add("unknown store", uploads_to_unknown);
    let mut import = cases.group(Backend::DEVELOPER, "file_search_stores.import_file");
    import.add_with(&standing, "operation", imports);
    import.add("unknown file", imports_unknown);
    let mut download = cases.group(Backend::DEVELOPER, "file_search_stores.download_media");
    download.add_with(&standing, "picture", picture);
}

/// What the documents say.
pub(super) fn text() -> String {
    format!("Grüße! The Halden hotel has two doors. {FACT} Breakfast is at eight.")
}

/// What is known of the documents.
pub(super) fn metadata() -> [CustomMetadata; 2] {
    [
        CustomMetadata::number("year", 1990.0),
        CustomMetadata::texts("tags", ["hotel", "keys"]),
    ]
}

/// The name of a new store.
pub(super) async fn store(bench: &Bench, title: &str) -> anyhow::Result<String> {
    given(made(bench, title).await?.name)
}

/// The upload of a text into a store.
pub(super) fn upload(
    bench: &Bench,
    store: &str,
    text: impl Into<Vec<u8>>,
) -> anyhow::Result<UploadToFileSearchStore> {
    let stores = bench.client()?.file_search_stores();
    let call = stores.upload_to_file_search_store(store, text.into());
    Ok(call.set_mime_type("text/plain"))
}

/// The name of the document that an upload makes.
pub(super) async fn added(bench: &Bench, call: UploadToFileSearchStore) -> anyhow::Result<String> {
    let begun = given(call.send().await?.into_body().name)?;
    let done = uploaded(bench, &begun).await?;
    given(given(done.response)?.document_name)
}

async fn uploaded(bench: &Bench, name: &str) -> anyhow::Result<UploadToFileSearchStoreOperation> {
    let operations = bench.client()?.operations();
    let look = || {
        operations
            .get::<UploadToFileSearchStoreOperation>(name)
            .send()
    };
    until(bench, 0.1, look, UploadToFileSearchStoreOperation::is_done).await
}

async fn made(bench: &Bench, title: &str) -> anyhow::Result<FileSearchStore> {
    let call = bench.client()?.file_search_stores().create();
    Ok(call.set_display_name(title).send().await?.into_body())
}

async fn got(bench: &Bench, name: &str) -> anyhow::Result<FileSearchStore> {
    let call = bench.client()?.file_search_stores().get(name);
    Ok(call.send().await?.into_body())
}

/// A store with one document.
async fn filled(bench: &Bench, chunking: Value) -> anyhow::Result<String> {
    let store = store(bench, "Halden hotel").await?;
    let call = upload(bench, &store, text())?.set_display_name("hotel.txt");
    let call = call.set_custom_metadata(metadata());
    added(bench, call.set_chunking_config(of(chunking)?)).await?;
    Ok(store)
}

/// The question to a model that searches the store.
fn ask(bench: &Bench, store: &str, mut search: Value) -> anyhow::Result<GenerateContent> {
    search["fileSearchStoreNames"] = json!([store]);
    let tool = of(json!({"fileSearch": search}))?;
    let call = bench.client()?.models().generate_content(MODEL);
    Ok(call.set_contents([QUESTION]).set_tools([tool]))
}

/// The answer, and what it rests on.
async fn asked(
    bench: &Bench,
    store: &str,
    search: Value,
) -> anyhow::Result<(String, Option<Box<GroundingMetadata>>)> {
    let mut reply = ask(bench, store, search)?.send().await?.into_body();
    let answer = reply.text().unwrap_or_default().to_string();
    let candidate = given(reply.candidates.pop())?;
    Ok((answer, candidate.grounding_metadata))
}

async fn left(bench: &Bench) -> anyhow::Result<usize> {
    let list = bench.client()?.file_search_stores().list();
    Ok(list.items().collect_all().await?.len())
}

async fn reply(bench: Bench) -> anyhow::Result<()> {
    let store = made(&bench, "Halden hotel").await?;
    begins("fileSearchStores/halden-hotel-", given(store.name)?)?;
    same(store.display_name.as_deref(), Some("Halden hotel"))?;
    ensure!(
        store.create_time.is_some() && store.update_time.is_some(),
        "no times"
    );
    Ok(())
}

async fn without_a_name(bench: Bench) -> anyhow::Result<()> {
    let store = bench.client()?.file_search_stores().create().send().await?;
    begins("fileSearchStores/", given(store.into_body().name)?)
}

async fn refuses(bench: Bench) -> anyhow::Result<()> {
    let call = bench.client()?.file_search_stores().create();
    bench.unsent(call.set_display_name("Halden hotel").send().await)
}

async fn grounds(bench: Bench) -> anyhow::Result<()> {
    let store = filled(&bench, json!({})).await?;
    let (answer, grounding) = asked(&bench, &store, json!({})).await?;
    among(FACT, &answer)?;
    let grounding = given(grounding)?;
    let sources = grounding.grounding_chunks.into_iter();
    let sources: Vec<_> = sources
        .filter_map(|chunk| chunk.retrieved_context)
        .collect();
    let titles: BTreeSet<_> = sources
        .iter()
        .map(|source| source.title.as_deref())
        .collect();
    same(titles, BTreeSet::from([Some("hotel.txt")]))?;
    ensure!(
        !grounding.grounding_supports.is_empty(),
        "nothing is supported"
    );
    for support in grounding.grounding_supports {
        let segment = given(support.segment)?;
        let start = usize::try_from(segment.start_index.unwrap_or_default())?;
        let end = usize::try_from(given(segment.end_index)?)?;
        let part = given(segment.text)?;
        same(answer.get(start..end), Some(&*part))?;
        for index in support.grounding_chunk_indices {
            let source = given(sources.get(usize::try_from(index)?))?;
            among(&part, given(source.text.as_deref())?)?;
            same(source.file_search_store.as_deref(), Some(&*store))?;
        }
    }
    Ok(())
}

async fn filters(bench: Bench, filter: &str, holds: bool) -> anyhow::Result<()> {
    let store = filled(&bench, json!({})).await?;
    let (_, grounding) = asked(&bench, &store, json!({"metadataFilter": filter})).await?;
    let chunks = grounding.map(|grounding| grounding.grounding_chunks);
    same(!chunks.unwrap_or_default().is_empty(), holds)
}

async fn bad_filter(bench: Bench) -> anyhow::Result<()> {
    let store = filled(&bench, json!({})).await?;
    let call = ask(&bench, &store, json!({"metadataFilter": "year >"}))?;
    let error = refused(call.send().await, 400, "")?;
    same(status_of(&error), "INVALID_ARGUMENT")
}

async fn fewest_chunks(bench: Bench) -> anyhow::Result<()> {
    let chunking = json!({"whiteSpaceConfig": {"maxTokensPerChunk": 20, "maxOverlapTokens": 5}});
    let store = filled(&bench, chunking).await?;
    let (_, grounding) = asked(&bench, &store, json!({"topK": 1})).await?;
    same(given(grounding)?.grounding_chunks.len(), 1)
}

async fn gets(bench: Bench) -> anyhow::Result<()> {
    let name = store(&bench, "Halden hotel").await?;
    same(got(&bench, &name).await?.name, Some(name))
}

async fn gets_unknown(bench: Bench) -> anyhow::Result<()> {
    let call = bench.client()?.file_search_stores().get(ABSENT);
    declined(call.send().await, 403)
}

async fn counts(bench: Bench) -> anyhow::Result<()> {
    let counted = async |store| {
        let store = got(&bench, store).await?;
        anyhow::Ok((store.pending_documents_count, store.active_documents_count))
    };
    let store = store(&bench, "Halden hotel").await?;
    let begun = upload(&bench, &store, text())?.send().await?.into_body();
    same(counted(&store).await?, (Some(1), None))?;
    uploaded(&bench, &given(begun.name)?).await?;
    same(counted(&store).await?, (None, Some(1)))
}

async fn lists(bench: Bench, size: u8) -> anyhow::Result<()> {
    let mut names = Vec::new();
    for n in 0..3 {
        names.push(made(&bench, &format!("number {n}")).await?.name);
    }
    let list = bench.client()?.file_search_stores().list();
    let list = list.set_page_size(size.into()).items();
    let stores = paged(list, size.into()).await?;
    same(
        sorted(stores.into_iter().map(|store| store.name)),
        sorted(names),
    )
}

async fn deletes(bench: Bench) -> anyhow::Result<()> {
    let name = store(&bench, "Halden hotel").await?;
    bench
        .client()?
        .file_search_stores()
        .delete(name)
        .send()
        .await?;
    same(left(&bench).await?, 0)
}

async fn deletes_filled(bench: Bench) -> anyhow::Result<()> {
    let store = filled(&bench, json!({})).await?;
    let stores = bench.client()?.file_search_stores();
    let error = refused(stores.delete(&*store).send().await, 400, "")?;
    same(status_of(&error), "FAILED_PRECONDITION")?;
    stores.delete(&*store).set_force(true).send().await?;
    same(left(&bench).await?, 0)
}

async fn uploads(bench: Bench) -> anyhow::Result<()> {
    let store = store(&bench, "Halden hotel").await?;
    let begun = upload(&bench, &store, text())?.send().await?.into_body();
    ensure!(!begun.is_done(), "it is done already");
    let name = given(begun.name)?;
    begins(&format!("{store}/upload/operations/"), &name)?;
    let response = given(uploaded(&bench, &name).await?.response)?;
    begins(
        &format!("{store}/documents/"),
        given(response.document_name)?,
    )?;
    same(response.parent, Some(store))
}

async fn uploads_to_unknown(bench: Bench) -> anyhow::Result<()> {
    declined(upload(&bench, ABSENT, text())?.send().await, 403)
}

async fn imports(bench: Bench) -> anyhow::Result<()> {
    let store = store(&bench, "Halden hotel").await?;
    let client = bench.client()?;
    let file = client.files().upload(text().into_bytes());
    let file = file.set_mime_type("text/plain").set_display_name("old.txt");
    let file = given(file.send().await?.into_body().name)?;
    let import = client.file_search_stores().import_file(&*store, &*file);
    let import = import.set_custom_metadata([CustomMetadata::number("year", 1950.0)]);
    let name = given(import.send().await?.into_body().name)?;
    let look = || {
        client
            .operations()
            .get::<ImportFileOperation>(&*name)
            .send()
    };
    let done = until(&bench, 0.1, look, ImportFileOperation::is_done).await?;
    let document = given(given(done.response)?.document_name)?;
    let documents = client.file_search_stores().documents();
    let document = documents.get(document).send().await?.into_body();
    same(document.display_name.as_deref(), Some("old.txt"))?;
    let years = document
        .custom_metadata
        .iter()
        .map(|fact| fact.numeric_value);
    same(years.collect::<Vec<_>>(), [Some(1950.0)])
}

async fn imports_unknown(bench: Bench) -> anyhow::Result<()> {
    let store = store(&bench, "Halden hotel").await?;
    let stores = bench.client()?.file_search_stores();
    let outcome = stores.import_file(store, "files/none").send().await;
    ensure!(
        outcome.is_err_and(|error| error.status().is_some()),
        "nothing was refused"
    );
    Ok(())
}

async fn picture(bench: Bench) -> anyhow::Result<()> {
    let store = store(&bench, "Halden hotel").await?;
    let call = upload(&bench, &store, *b"\x89PNG")?.set_mime_type("image/png");
    let media = added(&bench, call).await?.replace("/documents/", "/media/");
    let found = bench.client()?.file_search_stores().download_media(media);
    same(found.send().await?.into_body(), b"\x89PNG".as_slice())
}
