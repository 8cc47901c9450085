//! `batches.*`: arguments in, what the client understood out.

use gimmal_client::api::gemini::requests::{check_batch_source, check_embeddings_source};
use gimmal_client::api::gemini::{Backend, Endpoint, requests};
use gimmal_client::gemini::GeminiClient;
use gimmal_types::gemini::{
    BatchJobDestination, BatchJobSource, BatchOutput, EmbedContentBatch, EmbeddingsBatchJobSource,
    GenerateContentConfig, InlinedRequest, JobState,
};
use serde_json::{Value, json};

use super::embeddings::separate;
use super::transforms::{required, shown};
use crate::wire::arguments::{self, Arguments};
use crate::wire::failure::Failure;
use crate::wire::gemini::{Call, Pages, dump};

pub(super) async fn create(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    let Call {
        mut arguments,
        mut config,
        ..
    } = call;
    let model = arguments.text("model")?;
    let src = source(required(&mut arguments, "src")?)?;
    arguments.finish("")?;
    let dest = config.take("dest").map(destination).transpose()?;
    let mut call = client.batches().create(model, src);
    call = call.set_config(config.rest("config")?);
    if let Some(dest) = dest {
        call = call.set_dest(dest);
    }
    dump(&call.send().await?.into_body())
}

pub(super) async fn create_embeddings(
    client: GeminiClient,
    call: Call<'_>,
) -> Result<Value, Failure> {
    let Call {
        mut arguments,
        config,
        ..
    } = call;
    let model = arguments.text("model")?;
    let src = embeddings_source(required(&mut arguments, "src")?)?;
    arguments.finish("")?;
    let call = client.batches().create_embeddings(model, src);
    let call = call.set_config(config.rest("config")?);
    dump(&call.send().await?.into_body())
}

pub(super) async fn get(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    let name = call.only_name()?;
    dump(&client.batches().get(name).send().await?.into_body())
}

pub(super) async fn cancel(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    let name = call.only_name()?;
    client.batches().cancel(name).send().await?;
    Ok(Value::Null)
}

pub(super) async fn delete(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    let name = call.only_name()?;
    dump(&client.batches().delete(name).send().await?.into_body())
}

pub(super) async fn list(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    let Call {
        arguments,
        mut config,
        http,
        ..
    } = call;
    arguments.finish("")?;
    let mut list = client.batches().list();
    if let Some(size) = config.integer("page_size")? {
        list = list.set_page_size(size);
    }
    if let Some(token) = config.take("page_token") {
        list = list.set_page_token(arguments::decode::<String>("config.pageToken", token)?);
    }
    if let Some(filter) = config.take("filter") {
        list = list.set_filter(arguments::decode::<String>("config.filter", filter)?);
    }
    config.finish("config")?;
    let pages = Pages::of("batch_jobs", http);
    pages.read(list.items(), dump).await
}

/// A source: an address, a list of requests, or the whole record.
fn source(src: Value) -> Result<BatchJobSource, Failure> {
    match src {
        Value::String(text) => text.parse().map_err(|error| refused("src", &error)),
        Value::Array(requests) => Ok(BatchJobSource::inlined(inlined("src", requests)?)),
        Value::Object(members) => {
            let mut members = Arguments::new(members);
            let requests = match members.take("inlined_requests") {
                None => Vec::new(),
                Some(Value::Array(requests)) => inlined("src.inlinedRequests", requests)?,
                Some(_) => return Err(Failure::refused("src.inlinedRequests", "must be a list")),
            };
            let src: BatchJobSource = members.rest("src")?;
            Ok(src.set_inlined_requests(requests))
        }
        _ => Err(Failure::refused(
            "src",
            "must be a text, a list or an object",
        )),
    }
}

fn refused(place: &str, error: &dyn std::error::Error) -> Failure {
    Failure::refused(place, error.to_string())
}

fn inlined(place: &str, requests: Vec<Value>) -> Result<Vec<InlinedRequest>, Failure> {
    let requests = requests.into_iter().enumerate();
    let requests = requests.map(|(index, request)| {
        let place = format!("{place}[{index}]");
        let Value::Object(members) = request else {
            return Err(Failure::refused(place, "must be an object"));
        };
        let mut members = Arguments::new(members);
        let contents = members.take("contents");
        let contents =
            contents.map(|contents| arguments::contents(&format!("{place}.contents"), contents));
        let config = members.take("config");
        let config = config.map(|config| generation(&format!("{place}.config"), config));
        let mut request: InlinedRequest = members.rest(&place)?;
        request.contents = contents.transpose()?.unwrap_or_default();
        request.config = config.transpose()?.map(Box::new);
        Ok(request)
    });
    requests.collect()
}

/// The settings of a generation as the reference takes them.
fn generation(place: &str, config: Value) -> Result<GenerateContentConfig, Failure> {
    let Value::Object(members) = config else {
        return Err(Failure::refused(place, "must be an object"));
    };
    let mut config = Arguments::new(members);
    // About calls that the client makes on its own, of which a batch has none.
    for local in [
        "automatic_function_calling",
        "automatic_continuation",
        "should_return_http_response",
        "http_options",
    ] {
        config.take(local);
    }
    config.replace("system_instruction", arguments::content_json)?;
    config.replace("speech_config", arguments::speech_json)?;
    config.replace("response_schema", arguments::schema_json)?;
    config.replace("image_config", arguments::image_json)?;
    config.replace("tools", arguments::tools_json)?;
    config.rest(place)
}

fn destination(dest: Value) -> Result<BatchJobDestination, Failure> {
    match dest {
        Value::String(text) => text.parse().map_err(|error| refused("config.dest", &error)),
        dest => arguments::decode_strictly("config.dest", dest),
    }
}

fn embeddings_source(src: Value) -> Result<EmbeddingsBatchJobSource, Failure> {
    let Value::Object(members) = src else {
        return Err(Failure::refused("src", "must be an object"));
    };
    let mut members = Arguments::new(members);
    let batch = match members.take("inlined_requests") {
        None => None,
        Some(Value::Object(batch)) => {
            let mut batch = Arguments::new(batch);
            let contents = batch.take("contents");
            let contents =
                contents.map(|contents| separate("src.inlinedRequests.contents", contents));
            let typed: EmbedContentBatch = batch.rest("src.inlinedRequests")?;
            Some(typed.set_contents(contents.transpose()?.unwrap_or_default()))
        }
        Some(_) => return Err(Failure::refused("src.inlinedRequests", "must be an object")),
    };
    let mut src: EmbeddingsBatchJobSource = members.rest("src")?;
    src.inlined_requests = batch.map(Box::new);
    Ok(src)
}

/// `t_batch_job_source`: a record is checked against the service, an address is not.
pub(super) fn source_shown(endpoint: &Endpoint, src: Value) -> Result<Value, Failure> {
    let is_record = src.is_object();
    let src = source(src)?;
    if is_record {
        check_batch_source(endpoint.backend(), &src)?;
    }
    shown(src)
}

pub(super) fn destination_shown(dest: Value) -> Result<Value, Failure> {
    shown(destination(dest)?)
}

/// `t_recv_batch_job_destination`: vectors under a name of their own.
pub(super) fn output_shown(dest: Value) -> Result<Value, Failure> {
    let output: BatchOutput = arguments::decode("dest", dest)?;
    shown(output.with_vectors_apart())
}

pub(super) fn embeddings_source_shown(src: Value) -> Result<Value, Failure> {
    let src = embeddings_source(src)?;
    check_embeddings_source(&src)?;
    shown(src)
}

pub(super) fn name_shown(backend: Backend, name: &str) -> Result<Value, Failure> {
    Ok(requests::batch_job_id(backend, name)?.into())
}

pub(super) fn state_shown(state: &str) -> Value {
    json!(JobState::from_batch_state(state))
}
