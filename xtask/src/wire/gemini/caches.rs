//! `caches.*`: arguments in, what the client understood out.

use gimmal_client::gemini::GeminiClient;
use gimmal_types::gemini::{
    CreateCachedContentRequest, EncryptionSpec, UpdateCachedContentRequest,
};
use serde_json::{Value, json};

use crate::wire::arguments;
use crate::wire::failure::Failure;
use crate::wire::gemini::{Call, Pages, dump};

pub(super) async fn create(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    let Call {
        mut arguments,
        mut config,
        ..
    } = call;
    let model = arguments.text("model")?;
    arguments.finish("")?;
    let contents = config.take("contents");
    let contents = contents.map(|contents| arguments::contents("config.contents", contents));
    config.replace("system_instruction", arguments::content_json)?;
    let key = config.take("kms_key_name");
    let key = key.map(|key| arguments::decode::<String>("config.kmsKeyName", key));
    let mut request: CreateCachedContentRequest = config.rest("config")?;
    if let Some(contents) = contents.transpose()? {
        request = request.set_contents(contents);
    }
    if let Some(key) = key.transpose()? {
        request = request.set_encryption_spec(EncryptionSpec::new().set_kms_key_name(key));
    }
    let call = client.caches().create(model).set_request(request);
    dump(&call.send().await?.into_body())
}

pub(super) async fn get(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    let name = only_name(call)?;
    dump(&client.caches().get(name).send().await?.into_body())
}

pub(super) async fn delete(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    let name = only_name(call)?;
    client.caches().delete(name).send().await?;
    Ok(json!({}))
}

pub(super) async fn update(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    let Call {
        mut arguments,
        config,
        ..
    } = call;
    let name = arguments.text("name")?;
    arguments.finish("")?;
    let request: UpdateCachedContentRequest = config.rest("config")?;
    let call = client.caches().update(name).set_request(request);
    dump(&call.send().await?.into_body())
}

pub(super) async fn list(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    let Call {
        arguments,
        mut config,
        http,
        ..
    } = call;
    arguments.finish("")?;
    let mut list = client.caches().list();
    if let Some(size) = config.integer("page_size")? {
        list = list.set_page_size(size);
    }
    if let Some(token) = config.take("page_token") {
        list = list.set_page_token(arguments::decode::<String>("config.pageToken", token)?);
    }
    config.finish("config")?;
    let pages = Pages::of("cached_contents", http);
    pages.read(list.items(), dump).await
}

fn only_name(call: Call<'_>) -> Result<String, Failure> {
    let Call {
        mut arguments,
        config,
        ..
    } = call;
    let name = arguments.text("name")?;
    arguments.finish("")?;
    config.finish("config")?;
    Ok(name)
}
