//! File search from a folder of texts to an answer that names its sources.

use std::time::Duration;

use futures_util::TryStreamExt as _;
use gimmal_client::ErrorKind;
use gimmal_client::types::gemini::{
    ChunkingConfig, CustomMetadata, FileSearch, Tool, UploadToFileSearchStoreOperation,
    WhiteSpaceConfig,
};
use gimmal_emulator::{Fault, FaultRule, Route};

use crate::support::{UNIT, World};

const FACT: &str = "The night porter keeps the spare keys in a blue tin.";

/// Covers: file_search_stores.create, file_search_stores.upload_to_file_search_store
#[tokio::test]
async fn an_answer_names_its_sources() {
    let world = World::with(|it| it.with_operation_time(Duration::from_secs(120))).await;
    let stores = world.client.file_search_stores();
    let store = stores.create().set_display_name("Hotel").send().await;
    let store = store.unwrap().into_body().name.unwrap();
    let cut = FaultRule::new(Fault::cut_upload(10)).on(Route::UploadContent);
    world.emulator.chaos().add(cut.at_most(1));
    for (title, year, text) in [
        ("keys.txt", 1990.0, format!("Grüße! {FACT} There are nine.")),
        (
            "keys-old.txt",
            1950.0,
            "The spare keys were in a red tin.".to_owned(),
        ),
        ("food.txt", 1990.0, "Breakfast is at eight.".to_owned()),
    ] {
        let white_space = WhiteSpaceConfig::new()
            .set_max_tokens_per_chunk(50)
            .set_max_overlap_tokens(5);
        let upload = stores
            .upload_to_file_search_store(&store, text.into_bytes())
            .set_mime_type("text/plain")
            .set_display_name(title)
            .set_custom_metadata([CustomMetadata::number("year", year)])
            .set_chunking_config(ChunkingConfig::new().set_white_space_config(white_space))
            .with_chunk_bytes(UNIT);
        let done = upload.poller().await.unwrap().await.unwrap();
        assert_eq!(done.parent.as_deref(), Some(store.as_str()));
    }
    assert_eq!(world.emulator.chaos().strikes(), 1);
    let described = stores.get(&store).send().await.unwrap().into_body();
    assert_eq!(described.active_documents_count, Some(3));

    let search = FileSearch::new()
        .set_file_search_store_names([store.as_str()])
        .set_metadata_filter("year >= 1980")
        .set_top_k(4);
    let models = world.client.models();
    let reply = models
        .generate_content("gemini-2.5-flash")
        .set_contents(["Where does the night porter keep the spare keys?"])
        .set_tools([Tool::new().set_file_search(search)])
        .send()
        .await
        .unwrap()
        .into_body();
    let answer = reply.text().unwrap();
    assert!(answer.contains(FACT), "{answer}");
    let grounding = reply.candidates[0].grounding_metadata.as_ref().unwrap();
    let sources: Vec<_> = grounding
        .grounding_chunks
        .iter()
        .map(|chunk| chunk.retrieved_context.as_ref().unwrap())
        .collect();
    assert_eq!(sources.len(), 1, "the others are too old or about food");
    assert_eq!(sources[0].title.as_deref(), Some("keys.txt"));
    assert_eq!(
        sources[0].file_search_store.as_deref(),
        Some(store.as_str())
    );
    assert_eq!(sources[0].custom_metadata[0].numeric_value, Some(1990.0));
    for support in &grounding.grounding_supports {
        let segment = support.segment.as_ref().unwrap();
        let start = segment.start_index.unwrap_or(0) as usize;
        let end = segment.end_index.unwrap() as usize;
        assert_eq!(&answer[start..end], segment.text.as_deref().unwrap());
        assert_eq!(support.grounding_chunk_indices, [0]);
    }
    assert!(!grounding.grounding_supports.is_empty());
}

/// Covers: file_search_stores.import_file, documents.list, documents.delete
#[tokio::test]
async fn files_are_imported_listed_and_deleted() {
    let world = World::new().await;
    let (files, stores) = (world.client.files(), world.client.file_search_stores());
    let store = stores
        .create()
        .send()
        .await
        .unwrap()
        .into_body()
        .name
        .unwrap();
    for n in 0..3 {
        let upload = files.upload(format!("Page {n} of a book.").into_bytes());
        let file = upload.set_mime_type("text/plain").send().await.unwrap();
        let name = file.into_body().name.unwrap();
        let import = stores.import_file(&store, name.as_str());
        import.poller().await.unwrap().await.unwrap();
    }
    let documents = stores.documents();
    let listed: Vec<_> = documents
        .list(&store)
        .set_page_size(2)
        .items()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(listed.len(), 3);
    let name = listed[0].name.clone().unwrap();
    let found = documents.get(&name).send().await.unwrap().into_body();
    assert_eq!(found.mime_type.as_deref(), Some("text/plain"));
    let error = documents.delete(&name).send().await.unwrap_err();
    assert!(error.to_string().contains("non-empty Document"), "{error}");
    documents
        .delete(&name)
        .set_force(true)
        .send()
        .await
        .unwrap();
    let error = stores.delete(&store).send().await.unwrap_err();
    assert!(
        error.to_string().contains("non-empty FileSearchStore"),
        "{error}"
    );
    stores.delete(&store).set_force(true).send().await.unwrap();
    let left: Vec<_> = stores.list().items().try_collect().await.unwrap();
    assert!(left.is_empty());
}

/// Covers: FileSearchStores.download_media
#[tokio::test]
async fn a_picture_is_had_again() {
    let world = World::new().await;
    let stores = world.client.file_search_stores();
    let store = stores
        .create()
        .send()
        .await
        .unwrap()
        .into_body()
        .name
        .unwrap();
    let upload = stores.upload_to_file_search_store(&store, b"\x89PNG".to_vec());
    let upload = upload
        .set_mime_type("image/png")
        .set_display_name("harbour");
    let done = upload.poller().await.unwrap().await.unwrap();
    let media = done
        .document_name
        .unwrap()
        .replace("/documents/", "/media/");
    let picture = stores.download_media(media).send().await.unwrap();
    assert_eq!(picture.into_body(), b"\x89PNG".as_slice());
}

#[tokio::test]
async fn a_document_that_fails_says_why() {
    let world = World::with(|it| it.with_failing_operation("doomed")).await;
    let stores = world.client.file_search_stores();
    let store = stores
        .create()
        .send()
        .await
        .unwrap()
        .into_body()
        .name
        .unwrap();
    let upload = stores.upload_to_file_search_store(&store, b"words".to_vec());
    let upload = upload
        .set_mime_type("text/plain")
        .set_display_name("doomed.txt");
    let begun = upload.send().await.unwrap().into_body().name.unwrap();
    // Another process waits for it.
    let operations = world.client.operations();
    let poller = operations.poller::<UploadToFileSearchStoreOperation>(begun);
    let error = poller.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OperationFailed);
    let described = stores.get(&store).send().await.unwrap().into_body();
    assert_eq!(described.failed_documents_count, Some(1));
}
