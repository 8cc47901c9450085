//! `file_search_stores.*` and their documents: arguments in, what the client understood out.

use gimmal_client::gemini::GeminiClient;
use gimmal_types::gemini::{
    DeleteDocumentConfig, DeleteFileSearchStoreConfig, ListDocumentsConfig,
    ListFileSearchStoresConfig,
};
use gimmal_types::wire::WireValue;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::wire::failure::Failure;
use crate::wire::gemini::{Call, Pages, dump, files};
use crate::wire::replies;

pub(super) async fn create(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    call.arguments.finish("")?;
    let config = call.config.rest("config")?;
    let call = client.file_search_stores().create().set_config(config);
    dump(&call.send().await?.into_body())
}

pub(super) async fn get(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    let name = only(call, "name")?;
    let call = client.file_search_stores().get(name);
    dump(&call.send().await?.into_body())
}

pub(super) async fn list(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    let pages = Pages::of("file_search_stores", call.http);
    call.arguments.finish("")?;
    let config: ListFileSearchStoresConfig = call.config.rest("config")?;
    let call = client.file_search_stores().list().set_config(config);
    pages.read(call.items(), dump).await
}

pub(super) async fn page(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    let pages = Pages::of("file_search_stores", call.http);
    call.arguments.finish("")?;
    let config: ListFileSearchStoresConfig = call.config.rest("config")?;
    let call = client.file_search_stores().list().set_config(config);
    pages.first(call.items()).await
}

pub(super) async fn delete(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    let (name, config) = configured::<DeleteFileSearchStoreConfig>(call, "name")?;
    let call = client.file_search_stores().delete(name).set_config(config);
    call.send().await?;
    Ok(Value::Null)
}

pub(super) async fn import(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    let Call {
        mut arguments,
        config,
        ..
    } = call;
    let store = arguments.text("file_search_store_name")?;
    let file = arguments.text("file_name")?;
    arguments.finish("")?;
    let call = client.file_search_stores().import_file(store, file);
    let call = call.set_config(config.rest("config")?);
    dump(&call.send().await?.into_body())
}

pub(super) async fn upload(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    let Call {
        mut arguments,
        mut config,
        file,
        sent,
        ..
    } = call;
    let store = arguments.text("file_search_store_name")?;
    arguments.take("file");
    arguments.finish("")?;
    config.take("should_return_http_response");
    let content = files::content(file.unwrap_or_default(), sent)?;
    let stores = client.file_search_stores();
    let call = stores.upload_to_file_search_store(store, content.content.clone());
    let call = call.set_config(config.rest("config")?);
    let call = call.with_options(files::patience());
    dump(&call.send().await?.into_body())
}

pub(super) async fn media(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    let media = only(call, "media_id")?;
    let call = client.file_search_stores().download_media(media);
    let bytes = call.send().await?.into_body();
    Ok(json!({"$bytes": replies::bytes_form(&bytes)}))
}

pub(super) async fn get_document(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    let name = only(call, "name")?;
    let call = client.file_search_stores().documents().get(name);
    dump(&call.send().await?.into_body())
}

pub(super) async fn list_documents(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    let pages = Pages::of("documents", call.http);
    let (parent, config) = configured::<ListDocumentsConfig>(call, "parent")?;
    let documents = client.file_search_stores().documents();
    let call = documents.list(parent).set_config(config);
    pages.read(call.items(), dump).await
}

pub(super) async fn page_of_documents(
    client: GeminiClient,
    call: Call<'_>,
) -> Result<Value, Failure> {
    let pages = Pages::of("documents", call.http);
    let (parent, config) = configured::<ListDocumentsConfig>(call, "parent")?;
    let documents = client.file_search_stores().documents();
    let call = documents.list(parent).set_config(config);
    pages.first(call.items()).await
}

pub(super) async fn delete_document(
    client: GeminiClient,
    call: Call<'_>,
) -> Result<Value, Failure> {
    let (name, config) = configured::<DeleteDocumentConfig>(call, "name")?;
    let documents = client.file_search_stores().documents();
    documents.delete(name).set_config(config).send().await?;
    Ok(Value::Null)
}

fn only(call: Call<'_>, argument: &str) -> Result<String, Failure> {
    let Call {
        mut arguments,
        config,
        ..
    } = call;
    let name = arguments.text(argument)?;
    arguments.finish("")?;
    config.finish("config")?;
    Ok(name)
}

fn configured<T: DeserializeOwned + WireValue>(
    call: Call<'_>,
    argument: &str,
) -> Result<(String, T), Failure> {
    let Call {
        mut arguments,
        config,
        ..
    } = call;
    let name = arguments.text(argument)?;
    arguments.finish("")?;
    Ok((name, config.rest("config")?))
}
