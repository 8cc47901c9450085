//! `operations.*`.

use gimmal_client::gemini::GeminiClient;
use gimmal_types::gemini::{
    GenerateVideosOperation, ImportFileOperation, ProjectOperation,
    UploadToFileSearchStoreOperation,
};
use serde_json::Value;

use crate::wire::arguments;
use crate::wire::failure::Failure;
use crate::wire::gemini::{Call, dump, videos};

/// The reference asks about the class that it is given an object of. A record holds no class, but
/// every kind of operation has names of its own.
enum Kind {
    Videos,
    ImportFile,
    UploadToStore,
}

fn kind(name: &str) -> Kind {
    if !name.contains("fileSearchStores/") {
        Kind::Videos
    } else if name.contains("/upload/operations/") {
        Kind::UploadToStore
    } else {
        Kind::ImportFile
    }
}

pub(super) async fn get(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    let Call {
        mut arguments,
        config,
        ..
    } = call;
    // The resolved form of the call holds the name alone, and on Vertex what stands before it.
    let name = match arguments.take("operation_name") {
        Some(name) => {
            arguments.take("resource_name");
            arguments::decode::<String>("operationName", name)?
        }
        None => {
            let mut operation = arguments.object("operation")?;
            let name = operation.take("name");
            let _: GenerateVideosOperation = operation.rest("operation")?;
            let name = name.map(|name| arguments::decode("operation.name", name));
            name.transpose()?.unwrap_or_default()
        }
    };
    arguments.finish("")?;
    config.finish("config")?;
    let operations = client.operations();
    match kind(&name) {
        Kind::Videos => {
            let call = operations.get::<GenerateVideosOperation>(name);
            videos::described(call.send().await?.body())
        }
        Kind::ImportFile => {
            let call = operations.get::<ImportFileOperation>(name);
            dump(call.send().await?.body())
        }
        Kind::UploadToStore => {
            let call = operations.get::<UploadToFileSearchStoreOperation>(name);
            dump(call.send().await?.body())
        }
    }
}

pub(super) async fn get_videos(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    let Call {
        mut arguments,
        config,
        ..
    } = call;
    let name = arguments.text("operation_name")?;
    arguments.take("resource_name");
    arguments.finish("")?;
    config.finish("config")?;
    let call = client.operations().get::<GenerateVideosOperation>(name);
    videos::described(call.send().await?.body())
}

pub(super) async fn get_project(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    let Call {
        mut arguments,
        config,
        ..
    } = call;
    let name = arguments.text("operation_id")?;
    arguments.finish("")?;
    config.finish("config")?;
    let call = client.operations().get::<ProjectOperation>(name);
    dump(call.send().await?.body())
}
