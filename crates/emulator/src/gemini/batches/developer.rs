//! Batch jobs of the developer service, which are operations: create, get, list, cancel and delete.

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::{
    gemini::{
        batches::{
            Batches, input, output,
            store::{Destination, Job, Kind, NewJob, State},
        },
        caches::format_time,
        errors::ApiError,
        fields::{Message, list, object, string},
        jobs::{self, Filter},
        service::Call,
    },
    reply::Reply,
    route::Route,
};

const REQUEST: Message = Message::same(&["batch"]);
const BATCH: Message = Message::same(&[
    "displayName",
    "inputConfig",
    "model",
    "name",
    "priority",
    "webhookConfig",
]);
const INPUT: Message = Message::same(&["fileName", "requests"]);
/// The most bytes of requests that are given in place.
const MOST_INLINE: usize = 20 << 20;
const TYPES: &str = "type.googleapis.com/google.ai.generativelanguage.v1main";

impl Batches {
    /// `POST models/{model}:batchGenerateContent` and `models/{model}:asyncBatchEmbedContent`.
    pub(crate) fn create_developer(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let (kind, method, message) = match call.target.route {
            Route::CreateEmbeddingsBatch => (
                Kind::Embed,
                "asyncBatchEmbedContent",
                "AsyncBatchEmbedContentRequest",
            ),
            _ => (
                Kind::Generate,
                "batchGenerateContent",
                "BatchGenerateContentRequest",
            ),
        };
        let card = call
            .catalogue
            .find(&call.target.resource, call.target, method)?;
        let fields = call.body()?;
        REQUEST.check(fields, "", call.target.backend)?;
        let missing = |field: &str| {
            ApiError::invalid_argument(format!("* {message}.{field}: {field} is not specified\n"))
        };
        let batch = object(fields, "batch", "")?.ok_or_else(|| missing("batch"))?;
        BATCH.check(batch, "batch", call.target.backend)?;
        let config = object(batch, "inputConfig", "batch")?;
        let config = config.ok_or_else(|| missing("batch.input_config"))?;
        let at = "batch.input_config";
        INPUT.check(config, at, call.target.backend)?;
        let (items, destination) = match string(config, "fileName", at)? {
            Some(name) => {
                let file = call.files.usable(&call.owner(), name, call.now)?;
                let text = file.content.read().map_err(|_| {
                    ApiError::internal("The content of the file could not be read.")
                })?;
                let items = input::keyed_lines(&String::from_utf8_lossy(&text));
                // What is in the file is only found out when the job starts.
                let items = Some(items)
                    .filter(|items| !items.is_empty())
                    .ok_or_else(|| {
                        ApiError::invalid_argument(format!("The file {name} has no requests."))
                    });
                (items, Destination::File)
            }
            None => {
                let requests = object(config, "requests", at)?;
                let requests = requests.ok_or_else(|| missing("batch.input_config"))?;
                let items = list(requests, "requests");
                if items.is_empty() {
                    return Err(missing("batch.input_config.requests.requests"));
                }
                if size(items) > MOST_INLINE {
                    return Err(ApiError::invalid_argument(format!(
                        "Request payload size exceeds the limit: {MOST_INLINE} bytes. Use a file \
                         for larger batches."
                    )));
                }
                (Ok(input::inline(items)), Destination::Inline)
            }
        };
        let job = self.insert(NewJob {
            owner: call.owner(),
            caller: call.caller.clone(),
            target: call.target.clone(),
            kind,
            model: call.target.resource.clone(),
            model_name: format!("models/{}", card.name()),
            display_name: string(batch, "displayName", "batch")?
                .unwrap_or_default()
                .to_owned(),
            shown: shown(config),
            items,
            destination,
            pace: call.pace(),
            created: call.now,
        });
        Ok(Reply::json(StatusCode::OK, &operation(&job, call)))
    }

    /// `GET batches/{id}`.
    pub(crate) fn get_developer(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        Ok(Reply::json(
            StatusCode::OK,
            &operation(&self.own(call)?, call),
        ))
    }

    /// `GET batches`, newest first.
    pub(crate) fn list_developer(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let own = self.list(&call.owner());
        let items = own.iter().map(|job| (job.number, operation(job, call)));
        jobs::newest_first(items, "operations", &Filter::default(), call)
    }

    /// `POST batches/{id}:cancel`; a job that has ended stays as it is.
    pub(crate) fn cancel_developer(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let job = self.own(call)?;
        if job.ended(call.now).is_none() {
            self.cancel(&job, call.now);
        }
        Ok(Reply::json(StatusCode::OK, &json!({})))
    }

    /// `DELETE batches/{id}`.
    pub(crate) fn delete_developer(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        self.remove(&self.own(call)?);
        Ok(Reply::json(StatusCode::OK, &json!({})))
    }

    fn own(&self, call: &Call<'_>) -> Result<Job, ApiError> {
        let id = &call.target.resource;
        self.get(&call.owner(), id)
            .ok_or_else(|| ApiError::not_found(format!("Could not find the batch: batches/{id}")))
    }
}

/// What the job shows of its input: where it was, but not the requests again.
fn shown(config: &Map<String, Value>) -> Map<String, Value> {
    let mut out = Map::new();
    if let Some(name) = config.get("fileName") {
        out.insert("inputConfig".to_owned(), json!({ "fileName": name }));
    }
    out
}

fn operation(job: &Job, call: &Call<'_>) -> Value {
    let name = format!("batches/{}", job.id);
    let state = job.state(call.now);
    let (all, succeeded, failed) = job.counts();
    let kind = match job.kind {
        Kind::Generate => "GenerateContentBatch",
        Kind::Embed => "EmbedContentBatch",
    };
    let mut stats = json!({
        "requestCount": all.to_string(),
        "pendingRequestCount": (all - succeeded - failed).to_string(),
    });
    // A count of none is left out, as the service does.
    for (field, count) in [
        ("successfulRequestCount", succeeded),
        ("failedRequestCount", failed),
    ] {
        if count > 0 {
            stats[field] = count.to_string().into();
        }
    }
    let mut metadata = json!({
        "@type": format!("{TYPES}.{kind}"),
        "model": job.model_name,
        "displayName": job.display_name,
        "name": name,
        "createTime": format_time(job.created),
        "updateTime": format_time(job.updated(call.now)),
        "batchStats": stats,
        "state": match state {
            State::Pending => "BATCH_STATE_PENDING",
            State::Running | State::Cancelling => "BATCH_STATE_RUNNING",
            State::Succeeded => "BATCH_STATE_SUCCEEDED",
            State::Failed => "BATCH_STATE_FAILED",
            State::Cancelled => "BATCH_STATE_CANCELLED",
            State::Expired => "BATCH_STATE_EXPIRED",
        },
    });
    for (field, value) in &job.shown {
        metadata[field] = value.clone();
    }
    let mut out = json!({ "name": name });
    if let Some(ended) = job.ended(call.now) {
        metadata["endTime"] = format_time(ended).into();
        out["done"] = true.into();
        if let Some(answers) = answers(job, state) {
            let mut response = answers.clone();
            response["@type"] = format!("{TYPES}.{kind}Output").into();
            metadata["output"] = answers;
            out["response"] = response;
        }
        match (state, &job.items) {
            (State::Failed, Err(error)) => out["error"] = error.to_status(),
            (State::Expired, _) => {
                out["error"] = json!({ "code": 4, "message": "The batch has expired." });
            }
            (State::Cancelled, _) => {
                out["error"] = json!({ "code": 1, "message": "The batch was cancelled." });
            }
            _ => {}
        }
    }
    out["metadata"] = metadata;
    out
}

/// Where the answers are; a job that was given up has none.
fn answers(job: &Job, state: State) -> Option<Value> {
    if !matches!(state, State::Succeeded | State::Cancelled) {
        return None;
    }
    match &job.output {
        Some(file) => Some(json!({ "responsesFile": file })),
        None => Some(json!({
            "inlinedResponses": { "inlinedResponses": output::inline(job) },
        })),
    }
}

/// The bytes the requests take as JSON.
fn size(items: &[Value]) -> usize {
    items.iter().map(|item| item.to_string().len()).sum()
}
