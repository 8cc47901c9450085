//! The documents of file search stores: read, listed and deleted.

use gimmal_client::types::gemini::DocumentState;

use super::bench::{declined, given, paged, refused, same, sorted, status_of};
use super::file_search_stores::{added, metadata, store, text, upload};
use crate::conformance::sdk::emulators::Settings;
use crate::conformance::sdk::ours::{Backend, Bench, Cases};

pub(super) fn add(cases: &mut Cases) {
    let standing = Settings::standing();
    let mut get = cases.group(Backend::DEVELOPER, "documents.get");
    get.add_with(&standing, "reply", reply);
    get.add("unknown", unknown);
    let mut list = cases.group(Backend::DEVELOPER, "documents.list");
    for size in [1, 2, 9] {
        list.add_with(&standing, format!("page size:{size}"), move |bench| {
            lists(bench, size)
        });
    }
    let mut delete = cases.group(Backend::DEVELOPER, "documents.delete");
    delete.add_with(&standing, "with chunks", deletes);
}

async fn reply(bench: Bench) -> anyhow::Result<()> {
    let store = store(&bench, "hotel").await?;
    let call = upload(&bench, &store, text())?.set_custom_metadata(metadata());
    let name = added(&bench, call).await?;
    let documents = bench.client()?.file_search_stores().documents();
    let document = documents.get(&*name).send().await?.into_body();
    same(document.name, Some(name))?;
    same(document.state, Some(DocumentState::Active))?;
    same(document.size_bytes, Some(i64::try_from(text().len())?))?;
    let tags = document.custom_metadata[1].string_list_value.as_ref();
    same(&*given(tags)?.values, ["hotel", "keys"])?;
    same(document.mime_type.as_deref(), Some("text/plain"))
}

async fn unknown(bench: Bench) -> anyhow::Result<()> {
    let store = store(&bench, "hotel").await?;
    let documents = bench.client()?.file_search_stores().documents();
    let call = documents.get(format!("{store}/documents/none"));
    declined(call.send().await, 403)
}

async fn lists(bench: Bench, size: u8) -> anyhow::Result<()> {
    let store = store(&bench, "hotel").await?;
    let mut names = Vec::new();
    for n in 0..3 {
        let call = upload(&bench, &store, format!("Text {n}."))?;
        names.push(Some(added(&bench, call).await?));
    }
    let documents = bench.client()?.file_search_stores().documents();
    let list = documents.list(store).set_page_size(size.into()).items();
    let listed = paged(list, size.into()).await?.into_iter();
    same(sorted(listed.map(|document| document.name)), sorted(names))
}

async fn deletes(bench: Bench) -> anyhow::Result<()> {
    let store = store(&bench, "hotel").await?;
    let name = added(&bench, upload(&bench, &store, text())?).await?;
    let documents = bench.client()?.file_search_stores().documents();
    let error = refused(documents.delete(&*name).send().await, 400, "")?;
    same(status_of(&error), "FAILED_PRECONDITION")?;
    documents.delete(name).set_force(true).send().await?;
    let left = documents.list(store).items().collect_all().await?;
    same(left.len(), 0)
}
