//! Requests of batch jobs.

use std::borrow::Cow;
use std::time::SystemTime;

use gimmal_transport::{Error, Idempotency, Request};
use gimmal_types::Timestamp;
use gimmal_types::gemini::{
    BatchJobDestination, BatchJobSource, CreateBatchJobConfig, CreateEmbeddingsBatchJobConfig,
    EmbedContentBatch, EmbedContentConfig, EmbeddingsBatchJobSource, InlinedRequest, Schema, Tool,
};
use http::Method;
use serde::Serialize;
use serde_json::Value;
use url::Url;

use super::batch_tables as tables;
use super::job_names::batch_job_id;
use super::urls::{call_url, get, page_query};
use crate::gemini::mapping::Body;
use crate::gemini::names::{cached_content_name, model_path};
use crate::gemini::{Backend, Endpoint, ListBatches, fields};

/// Builds a request that creates a batch job.
///
/// Creating is not repeated after an ambiguous failure, because a second job would be billed. On
/// Vertex `now` makes up what the caller left out: the name for people, and the place of the
/// answers beside that of the requests.
///
/// # Errors
///
/// Fails on a bad model or cache name, on fields the backend does not have, and unless exactly one
/// source is set.
pub fn create_batch(
    endpoint: &Endpoint,
    model: &str,
    src: &BatchJobSource,
    config: &CreateBatchJobConfig,
    now: SystemTime,
) -> Result<Request, Error> {
    let backend = endpoint.backend();
    check_batch_source(backend, src)?;
    fields::check(backend, src)?;
    fields::check(backend, config)?;
    let (url, body) = match backend {
        Backend::GeminiApi => {
            let mut body = Body::of(&tables::CONFIG, config);
            body.add_by("batch.inputConfig", &tables::SOURCE, src);
            if !src.inlined_requests.is_empty() {
                let requests = src.inlined_requests.iter().enumerate();
                let requests = requests.map(|(index, request)| inlined(endpoint, index, request));
                let requests = requests.collect::<Result<Vec<_>, _>>()?;
                body.add_list("batch.inputConfig.requests.requests", requests);
            }
            let url = call_url(endpoint, model, "batchGenerateContent")?;
            (url, body.into_bytes()?)
        }
        Backend::Vertex => {
            let config = with_defaults(config, src, now)?;
            let mut body = Body::of(&tables::CONFIG_VERTEX, config.as_ref());
            body.set("model", model_path(backend, model)?);
            body.add_by("inputConfig", &tables::SOURCE_VERTEX, src);
            (endpoint.url("batchPredictionJobs"), body.into_bytes()?)
        }
    };
    Ok(Request::new(Method::POST, url)
        .with_json_body(body)
        .with_idempotency(Idempotency::NotIdempotent))
}

/// Refuses a source that names no place, or more than one, of those the backend has.
///
/// # Errors
///
/// Fails unless exactly one of the backend's own places is set, and holds something.
pub fn check_batch_source(backend: Backend, src: &BatchJobSource) -> Result<(), Error> {
    let (places, names): (&[bool], _) = match backend {
        Backend::GeminiApi => (
            &[!src.inlined_requests.is_empty(), is_set(&src.file_name)],
            "inlinedRequests or fileName",
        ),
        Backend::Vertex => (
            &[
                src.gcs_uri.iter().any(|uri| !uri.is_empty()),
                is_set(&src.bigquery_uri),
                is_set(&src.vertex_dataset_name),
            ],
            "gcsUri, bigqueryUri or vertexDatasetName",
        ),
    };
    exactly_one(places, names, backend)
}

fn exactly_one(places: &[bool], names: &str, backend: Backend) -> Result<(), Error> {
    let told = match places.iter().filter(|set| **set).count() {
        1 => return Ok(()),
        0 => "none of them holds anything".to_owned(),
        count => format!("{count} are set"),
    };
    Err(Error::invalid(
        "src",
        format!("must set exactly one of {names} on {backend}, and {told}"),
    ))
}

fn is_set(place: &Option<String>) -> bool {
    place.as_ref().is_some_and(|place| !place.is_empty())
}

/// Refuses a source of content to embed that names no place, or both.
///
/// # Errors
///
/// Fails unless exactly one of the two is set, and holds something.
pub fn check_embeddings_source(src: &EmbeddingsBatchJobSource) -> Result<(), Error> {
    let inlined = src.inlined_requests.as_ref();
    let holding = inlined.is_some_and(|batch| !batch.contents.is_empty());
    // Two places are one too many even when one of them is empty.
    for places in [
        [src.file_name.is_some(), inlined.is_some()],
        [is_set(&src.file_name), holding],
    ] {
        exactly_one(&places, "inlinedRequests or fileName", Backend::GeminiApi)?;
    }
    Ok(())
}

/// One request of a batch, on the developer API, in the form that is sent: names in full, the
/// order of a schema's members written down, functions in one tool.
fn inlined<'a>(
    endpoint: &Endpoint,
    index: usize,
    request: &'a InlinedRequest,
) -> Result<Body<'a>, Error> {
    let mut body = Body::of(&tables::REQUEST, request);
    if let Some(model) = &request.model {
        body.set("request.model", model_path(endpoint.backend(), model)?);
    }
    let Some(config) = &request.config else {
        return Ok(body);
    };
    if let Some(cache) = &config.cached_content {
        body.set(
            "request.cachedContent",
            cached_content_name(endpoint, cache)?,
        );
    }
    if let Some(schema) = &config.response_schema {
        if **schema == Schema::default() {
            return Err(Error::invalid(
                format!("src.inlinedRequests[{index}].config.responseSchema"),
                "says nothing; give it a type, or leave it out",
            ));
        }
        if !schema.is_ordered() {
            let mut ordered = schema.clone();
            ordered.order_properties();
            let place = "request.generationConfig.responseSchema";
            body.set(place, tree(&ordered)?);
        }
    }
    if !Tool::are_merged(&config.tools) {
        let merged = Tool::merge_function_declarations(config.tools.clone());
        body.set("request.tools", tree(&merged)?);
    }
    Ok(body)
}

/// What had to be changed is small and is written by way of a tree.
fn tree<T: Serialize>(value: &T) -> Result<Value, Error> {
    serde_json::to_value(value).map_err(|error| Error::invalid("src", error.to_string()))
}

/// Makes up a name for people, and a place for the answers beside that of the requests.
///
/// Both shapes are those of the official SDKs, so that jobs of one project look alike. Five
/// hexadecimal digits hold any number of microseconds within a second, which keeps names apart.
fn with_defaults<'a>(
    config: &'a CreateBatchJobConfig,
    src: &BatchJobSource,
    now: SystemTime,
) -> Result<Cow<'a, CreateBatchJobConfig>, Error> {
    if config.display_name.is_some() && config.dest.is_some() {
        return Ok(Cow::Borrowed(config));
    }
    let unique = unique(now)?;
    let mut config = config.clone();
    let name = || format!("genai_batch_job_{unique}");
    config.display_name = config.display_name.or_else(|| Some(name()));
    if config.dest.is_none() {
        let first = src.gcs_uri.first();
        let folder = first.and_then(|uri| uri.strip_suffix(".jsonl"));
        let folder = folder.map(|stem| format!("{stem}/dest"));
        let table = src.bigquery_uri.as_ref();
        let place = folder.or_else(|| table.map(|table| format!("{table}_dest_{unique}")));
        let dest = place.map(|place| place.parse::<BatchJobDestination>());
        let dest = dest
            .transpose()
            .map_err(|error| Error::invalid("dest", error.to_string()))?;
        config.dest = dest.map(Box::new);
    }
    Ok(Cow::Owned(config))
}

/// `20250131235959_0f00d`: the second, and the microseconds within it.
fn unique(now: SystemTime) -> Result<String, Error> {
    let time =
        Timestamp::try_from(now).map_err(|error| Error::invalid("now", error.to_string()))?;
    let since = now.duration_since(SystemTime::UNIX_EPOCH);
    let micros = since.map_or(0, |since| since.subsec_micros());
    let shown = time.to_string();
    let second = shown.chars().filter(char::is_ascii_digit).take(14);
    Ok(format!("{}_{micros:05x}", second.collect::<String>()))
}

/// Builds a request that creates a batch job for embeddings.
///
/// Creating is not repeated after an ambiguous failure, because a second job would be billed.
///
/// # Errors
///
/// Fails on Vertex, which has no such jobs, on a bad model name, on fields the backend does not
/// have, and unless exactly one source is set.
pub fn create_embeddings_batch(
    endpoint: &Endpoint,
    model: &str,
    src: &EmbeddingsBatchJobSource,
    config: &CreateEmbeddingsBatchJobConfig,
) -> Result<Request, Error> {
    endpoint.require(Backend::GeminiApi, "batches.create_embeddings")?;
    check_embeddings_source(src)?;
    fields::check(endpoint.backend(), src)?;
    let mut body = Body::of(&tables::EMBEDDINGS_CONFIG, config);
    body.add_by("batch.inputConfig", &tables::EMBEDDINGS_SOURCE, src);
    if let Some(batch) = &src.inlined_requests {
        body.add_list("batch.inputConfig.requests.requests", embedded(batch));
    }
    let url = call_url(endpoint, model, "asyncBatchEmbedContent")?;
    Ok(Request::new(Method::POST, url)
        .with_json_body(body.into_bytes()?)
        .with_idempotency(Idempotency::NotIdempotent))
}

/// One request for each content, all embedded in the same way.
fn embedded(batch: &EmbedContentBatch) -> impl Iterator<Item = Body<'_>> {
    let config: Option<&EmbedContentConfig> = batch.config.as_deref();
    batch.contents.iter().map(move |content| {
        let mut body = match config {
            Some(config) => Body::of(&tables::EMBEDDING, config),
            None => Body::default(),
        };
        body.add("request.content", content);
        body
    })
}

/// Builds a request that describes a batch job.
///
/// # Errors
///
/// Fails on a name that is no batch job of the backend.
pub fn get_batch(endpoint: &Endpoint, name: &str) -> Result<Request, Error> {
    Ok(get(job_url(endpoint, name, "")?))
}

/// Builds a request that stops a batch job.
///
/// # Errors
///
/// Fails on a name that is no batch job of the backend.
pub fn cancel_batch(endpoint: &Endpoint, name: &str) -> Result<Request, Error> {
    let url = job_url(endpoint, name, ":cancel")?;
    Ok(Request::new(Method::POST, url).with_idempotency(Idempotency::Idempotent))
}

/// Builds a request that deletes a batch job.
///
/// # Errors
///
/// Fails on a name that is no batch job of the backend.
pub fn delete_batch(endpoint: &Endpoint, name: &str) -> Result<Request, Error> {
    Ok(Request::new(Method::DELETE, job_url(endpoint, name, "")?))
}

/// Builds a request for a page of batch jobs.
///
/// # Errors
///
/// Fails when the page size is not positive, and on a filter on the developer API.
pub fn list_batches(endpoint: &Endpoint, list: &ListBatches) -> Result<Request, Error> {
    let backend = endpoint.backend();
    if backend == Backend::GeminiApi && list.filter.is_some() {
        return Err(Error::invalid(
            "filter",
            format!("is not available on {backend}"),
        ));
    }
    let mut url = endpoint.url(collection(backend));
    page_query(&mut url, list.page_size, list.page_token.as_deref())?;
    if let Some(filter) = &list.filter {
        url.query_pairs_mut().append_pair("filter", filter);
    }
    Ok(get(url))
}

fn collection(backend: Backend) -> &'static str {
    match backend {
        Backend::GeminiApi => "batches",
        Backend::Vertex => "batchPredictionJobs",
    }
}

fn job_url(endpoint: &Endpoint, name: &str, verb: &str) -> Result<Url, Error> {
    let backend = endpoint.backend();
    let id = batch_job_id(backend, name)?;
    Ok(endpoint.url(&format!("{}/{id}{verb}", collection(backend))))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use gimmal_types::gemini::{Content, GenerateContentConfig};
    use serde_json::json;

    use super::*;

    fn body(request: Request) -> Value {
        serde_json::from_slice(request.body()).unwrap()
    }

    fn vertex() -> Endpoint {
        let vertex = Endpoint::vertex().with_project("p").with_location("l");
        vertex.build().unwrap()
    }

    fn create(endpoint: &Endpoint, src: &BatchJobSource) -> Result<Request, Error> {
        let now = SystemTime::UNIX_EPOCH + Duration::from_micros(1_704_067_200_000_255);
        create_batch(endpoint, "m", src, &CreateBatchJobConfig::new(), now)
    }

    #[test]
    fn requests_are_sent_in_place() {
        let endpoint = Endpoint::gemini_api().build().unwrap();
        let config = GenerateContentConfig::new().set_temperature(0.5);
        let config = config.set_cached_content("c").set_store(true);
        let first = InlinedRequest::new().set_contents(["q"]).set_config(config);
        let second = InlinedRequest::new()
            .set_model("other")
            .set_metadata([("key", "2")]);
        let src = BatchJobSource::inlined([first, second]);
        let request = create(&endpoint, &src).unwrap();
        assert_eq!(request.url().path(), "/v1/models/m:batchGenerateContent");
        assert_eq!(
            body(request),
            json!({"batch": {"inputConfig": {"requests": {"requests": [
                {"request": {
                    "contents": [{"parts": [{"text": "q"}], "role": "user"}],
                    "generationConfig": {"temperature": 0.5},
                    "cachedContent": "cachedContents/c", "store": true
                }},
                {"request": {"model": "models/other"}, "metadata": {"key": "2"}}
            ]}}}})
        );
    }

    #[test]
    fn schemas_and_functions_get_the_form_that_is_sent() {
        let endpoint = Endpoint::gemini_api().build().unwrap();
        let config: GenerateContentConfig = serde_json::from_value(json!({
            "responseSchema": {"type": "OBJECT", "properties": {"b": {"type": "STRING"}, "a": {}}},
            "tools": [{"functionDeclarations": [{"name": "f"}], "codeExecution": {}}]
        }))
        .unwrap();
        let src = |config| BatchJobSource::inlined([InlinedRequest::new().set_config(config)]);
        let body = body(create(&endpoint, &src(config)).unwrap());
        let request = &body["batch"]["inputConfig"]["requests"]["requests"][0]["request"];
        let schema = &request["generationConfig"]["responseSchema"];
        assert_eq!(schema["propertyOrdering"], json!(["b", "a"]));
        assert_eq!(
            request["tools"],
            json!([{"codeExecution": {}}, {"functionDeclarations": [{"name": "f"}]}])
        );
        let empty = GenerateContentConfig::new().set_response_schema(Schema::new());
        let error = create(&endpoint, &src(empty)).unwrap_err();
        assert_eq!(
            error.field(),
            Some("src.inlinedRequests[0].config.responseSchema")
        );
    }

    #[test]
    fn vertex_gets_a_name_and_a_place_for_the_answers() {
        for (src, dest) in [
            (
                "gs://b/in.jsonl",
                json!({"predictionsFormat": "jsonl", "gcsDestination": {"outputUriPrefix": "gs://b/in/dest"}}),
            ),
            (
                "bq://p.d.t",
                json!({"predictionsFormat": "bigquery",
                       "bigqueryDestination": {"outputUri": "bq://p.d.t_dest_20240101000000_000ff"}}),
            ),
            ("gs://b/in.csv", Value::Null),
        ] {
            let request = create(&vertex(), &src.parse().unwrap()).unwrap();
            let body = body(request);
            assert_eq!(body["displayName"], "genai_batch_job_20240101000000_000ff");
            assert_eq!(body["model"], "publishers/google/models/m");
            assert_eq!(body["outputConfig"], dest);
        }
    }

    #[test]
    fn a_source_of_the_other_service_is_refused() {
        let gemini = Endpoint::gemini_api().build().unwrap();
        let error = create(&gemini, &"gs://b/in.jsonl".parse().unwrap()).unwrap_err();
        assert_eq!(error.field(), Some("src"));
        let text = error.to_string();
        assert!(text.contains("inlinedRequests or fileName"), "{text}");
        let error = create(&vertex(), &BatchJobSource::file("files/f")).unwrap_err();
        assert!(error.to_string().contains("gcsUri"), "{error}");
        let two = BatchJobSource::file("files/f").set_gcs_uri(["gs://b/in.jsonl"]);
        assert!(
            create(&vertex(), &two)
                .unwrap_err()
                .to_string()
                .contains("fileName")
        );
    }

    #[test]
    fn contents_are_embedded_one_by_one() {
        let endpoint = Endpoint::gemini_api().build().unwrap();
        let batch = EmbedContentBatch::new()
            .set_contents([Content::text("1"), Content::text("2")])
            .set_config(EmbedContentConfig::new().set_output_dimensionality(64));
        let src = EmbeddingsBatchJobSource::new().set_inlined_requests(batch);
        let config = CreateEmbeddingsBatchJobConfig::new().set_display_name("d");
        let request = create_embeddings_batch(&endpoint, "e", &src, &config).unwrap();
        assert_eq!(
            body(request),
            json!({"batch": {"displayName": "d", "inputConfig": {"requests": {"requests": [
                {"request": {"content": {"parts": [{"text": "1"}]}, "outputDimensionality": 64}},
                {"request": {"content": {"parts": [{"text": "2"}]}, "outputDimensionality": 64}}
            ]}}}})
        );
        let error = create_embeddings_batch(&vertex(), "e", &src, &config).unwrap_err();
        assert_eq!(error.field(), Some("backend"));
        let error = create_embeddings_batch(&endpoint, "e", &Default::default(), &config);
        assert_eq!(error.unwrap_err().field(), Some("src"));
    }
}
