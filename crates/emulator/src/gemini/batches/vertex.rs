//! Batch jobs on Vertex: create, get, list, cancel and delete. Requests and answers lie in Cloud
//! Storage or in BigQuery.

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::{
    gemini::{
        abilities::Kind as ModelKind,
        batches::{
            Batches, input,
            store::{Destination, Item, Job, Kind, NewJob, State},
        },
        caches::format_time,
        errors::ApiError,
        fields::{Message, list, object, string},
        jobs::{self, Filter},
        service::Call,
        tunings::resource_of,
    },
    reply::Reply,
};

const JOB: Message = Message::same(&[
    "displayName",
    "encryptionSpec",
    "inputConfig",
    "labels",
    "model",
    "modelParameters",
    "name",
    "outputConfig",
    "serviceAccount",
]);
const AT: &str = "batch_prediction_job";

impl Batches {
    /// `POST batchPredictionJobs`.
    pub(crate) fn create_vertex(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let fields = call.body()?;
        JOB.check(fields, AT, call.target.backend)?;
        let display_name = required(fields, "displayName")?;
        let name = required(fields, "model")?;
        let resource = resource_of(name).ok_or_else(|| {
            ApiError::invalid_argument(format!("The model {name} is not a valid model name."))
        })?;
        let target = call.target.generating(&resource);
        let inner = call.inner(&target, &Value::Null, call.now);
        // A model that cannot be asked one by one cannot be asked in a batch.
        let kind = match call.catalogue.find(&resource, &target, "predict") {
            Ok(card) if matches!(card.kind(), ModelKind::Embedder { .. }) => Kind::Embed,
            _ => {
                inner.model("generateContent")?;
                Kind::Generate
            }
        };
        let source = message(fields, "inputConfig")?;
        let sink = message(fields, "outputConfig")?;
        let items = items(source, kind, call)?;
        let destination = destination(sink)?;
        let mut shown = Map::new();
        for field in ["inputConfig", "labels", "modelParameters", "outputConfig"] {
            if let Some(value) = fields.get(field) {
                shown.insert(field.to_owned(), value.clone());
            }
        }
        let job = self.insert(NewJob {
            owner: call.owner(),
            caller: call.caller.clone(),
            target: call.target.clone(),
            kind,
            model: resource,
            model_name: name.to_owned(),
            display_name: display_name.to_owned(),
            shown,
            items,
            destination,
            pace: call.pace(),
            created: call.now,
        });
        Ok(Reply::json(StatusCode::OK, &prediction_job(&job, call)))
    }

    /// `GET batchPredictionJobs/{id}`.
    pub(crate) fn get_vertex(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let job = self.there(call)?;
        Ok(Reply::json(StatusCode::OK, &prediction_job(&job, call)))
    }

    /// `GET batchPredictionJobs`, newest first.
    pub(crate) fn list_vertex(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let filter = Filter::read(call.query)?;
        let own = self.list(&call.owner());
        let items = own
            .iter()
            .map(|job| (job.number, prediction_job(job, call)));
        jobs::newest_first(items, "batchPredictionJobs", &filter, call)
    }

    /// `POST batchPredictionJobs/{id}:cancel`.
    pub(crate) fn cancel_vertex(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let job = self.there(call)?;
        match job.state(call.now) {
            State::Pending | State::Running => self.cancel(&job, call.now),
            State::Cancelling | State::Cancelled => {}
            State::Succeeded | State::Failed | State::Expired => {
                return Err(ApiError::failed_precondition(format!(
                    "The BatchPredictionJob {} has ended and cannot be cancelled.",
                    name(&job)
                )));
            }
        }
        Ok(Reply::json(StatusCode::OK, &json!({})))
    }

    /// `DELETE batchPredictionJobs/{id}`, which must have ended.
    pub(crate) fn delete_vertex(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let job = self.there(call)?;
        let state = job.state(call.now);
        if matches!(state, State::Pending | State::Running | State::Cancelling) {
            return Err(ApiError::failed_precondition(format!(
                "The BatchPredictionJob {} has not ended and cannot be deleted.",
                name(&job)
            )));
        }
        self.remove(&job);
        let parent = call.target.parent.as_deref().unwrap_or_default();
        let body = json!({
            "name": format!("{parent}/operations/{}", job.id),
            "metadata": {
                "@type": "type.googleapis.com/google.cloud.aiplatform.v1.DeleteOperationMetadata",
                "genericMetadata": {
                    "createTime": format_time(call.now),
                    "updateTime": format_time(call.now),
                },
            },
            "done": true,
            "response": { "@type": "type.googleapis.com/google.protobuf.Empty" },
        });
        Ok(Reply::json(StatusCode::OK, &body))
    }

    fn there(&self, call: &Call<'_>) -> Result<Job, ApiError> {
        let id = &call.target.resource;
        self.get(&call.owner(), id).ok_or_else(|| {
            let parent = call.target.parent.as_deref().unwrap_or_default();
            ApiError::not_found(format!(
                "The BatchPredictionJob \"{parent}/batchPredictionJobs/{id}\" does not exist."
            ))
        })
    }
}

/// The requests: an address that means nothing is refused at once, an address where nothing is
/// makes the job fail.
fn items(
    config: &Map<String, Value>,
    kind: Kind,
    call: &Call<'_>,
) -> Result<Result<Vec<Item>, ApiError>, ApiError> {
    const AT: &str = "batch_prediction_job.input_config";
    let format = string(config, "instancesFormat", AT)?.unwrap_or_default();
    let instances = kind == Kind::Embed;
    let wrong = |expected: &str| {
        Err(ApiError::invalid_argument(format!(
            "{AT}.instances_format must be {expected}, not '{format}'."
        )))
    };
    if let Some(source) = object(config, "gcsSource", AT)? {
        if format != "jsonl" {
            return wrong("jsonl");
        }
        let uris: Vec<&str> = list(source, "uris")
            .iter()
            .filter_map(Value::as_str)
            .collect();
        if uris.is_empty() || uris.iter().any(|uri| !is_object(uri)) {
            return Err(ApiError::invalid_argument(format!(
                "{AT}.gcs_source.uris must be addresses of the form gs://bucket/object."
            )));
        }
        return Ok(objects(&uris, instances, call));
    }
    if let Some(source) = object(config, "bigquerySource", AT)? {
        if format != "bigquery" {
            return wrong("bigquery");
        }
        let uri = string(source, "inputUri", AT)?.unwrap_or_default();
        if !uri.starts_with("bq://") {
            return Err(ApiError::invalid_argument(format!(
                "{AT}.bigquery_source.input_uri must be of the form bq://project.dataset.table."
            )));
        }
        let rows = call.storage().rows(uri);
        let items = rows.map(|rows| input::rows(rows, instances));
        return Ok(some(items.unwrap_or_default(), uri));
    }
    if object(config, "vertexMultimodalDatasetSource", AT)?.is_some() {
        return Ok(Err(ApiError::not_found(
            "The dataset does not exist. (The emulator has no multimodal datasets.)",
        )));
    }
    Err(ApiError::invalid_argument(format!(
        "{AT} must have a source: gcs_source or bigquery_source."
    )))
}

fn objects(uris: &[&str], instances: bool, call: &Call<'_>) -> Result<Vec<Item>, ApiError> {
    let mut items = Vec::new();
    for uri in uris {
        let objects = call.storage().matching(uri);
        for (_, bytes) in &objects {
            items.extend(input::whole_lines(
                &String::from_utf8_lossy(bytes),
                instances,
            ));
        }
        if objects.is_empty() {
            return some(Vec::new(), uri);
        }
    }
    some(items, uris.first().copied().unwrap_or_default())
}

fn some(items: Vec<Item>, uri: &str) -> Result<Vec<Item>, ApiError> {
    if items.is_empty() {
        return Err(ApiError::not_found(format!(
            "No requests were found at {uri}. (The emulator has only what was put into its storage.)"
        )));
    }
    Ok(items)
}

fn destination(config: &Map<String, Value>) -> Result<Destination, ApiError> {
    const AT: &str = "batch_prediction_job.output_config";
    if let Some(sink) = object(config, "gcsDestination", AT)? {
        let prefix = string(sink, "outputUriPrefix", AT)?.unwrap_or_default();
        if let Some(bucket) = prefix.strip_prefix("gs://")
            && !bucket.is_empty()
        {
            return Ok(Destination::Objects(prefix.to_owned()));
        }
        return Err(ApiError::invalid_argument(format!(
            "{AT}.gcs_destination.output_uri_prefix must be of the form gs://bucket/prefix."
        )));
    }
    let sink = match object(config, "vertexMultimodalDatasetDestination", AT)? {
        Some(dataset) => object(dataset, "bigqueryDestination", AT)?,
        None => object(config, "bigqueryDestination", AT)?,
    };
    let uri = match sink {
        Some(sink) => string(sink, "outputUri", AT)?.unwrap_or_default(),
        None => {
            return Err(ApiError::invalid_argument(format!(
                "{AT} must have a destination: gcs_destination or bigquery_destination."
            )));
        }
    };
    if !uri.starts_with("bq://") {
        return Err(ApiError::invalid_argument(format!(
            "{AT}.bigquery_destination.output_uri must be of the form bq://project.dataset.table."
        )));
    }
    Ok(Destination::Table(uri.to_owned()))
}

fn prediction_job(job: &Job, call: &Call<'_>) -> Value {
    let now = call.now;
    let state = job.state(now);
    let mut out = Value::Object(job.shown.clone());
    out["name"] = name(job).into();
    out["displayName"] = job.display_name.clone().into();
    out["model"] = job.model_name.clone().into();
    out["state"] = match state {
        State::Pending => "JOB_STATE_PENDING",
        State::Running => "JOB_STATE_RUNNING",
        State::Succeeded => "JOB_STATE_SUCCEEDED",
        State::Failed => "JOB_STATE_FAILED",
        State::Cancelling => "JOB_STATE_CANCELLING",
        State::Cancelled => "JOB_STATE_CANCELLED",
        State::Expired => "JOB_STATE_EXPIRED",
    }
    .into();
    out["createTime"] = format_time(job.created).into();
    out["updateTime"] = format_time(job.updated(now)).into();
    let started = job.pace.start(job.created);
    if started <= now && job.cancelled.is_none_or(|at| started <= at) {
        out["startTime"] = format_time(started).into();
    }
    if let Some(ended) = job.ended(now).filter(|_| state != State::Cancelling) {
        out["endTime"] = format_time(ended).into();
    }
    let (all, succeeded, failed) = job.counts();
    if !job.answers.is_empty() {
        out["completionStats"] = json!({
            "successfulCount": succeeded.to_string(),
            "failedCount": failed.to_string(),
            "incompleteCount": (all - succeeded - failed).to_string(),
        });
    }
    if let (State::Failed, Err(error)) = (state, &job.items) {
        out["error"] = error.to_status();
    }
    if let Some(place) = job.output.as_ref().filter(|_| state != State::Cancelling) {
        out["outputInfo"] = match job.destination {
            Destination::Table(_) => json!({ "bigqueryOutputTable": place }),
            _ => json!({ "gcsOutputDirectory": place }),
        };
    }
    out
}

fn name(job: &Job) -> String {
    let parent = job.target.parent.as_deref().unwrap_or_default();
    format!("{parent}/batchPredictionJobs/{}", job.id)
}

fn is_object(uri: &str) -> bool {
    uri.strip_prefix("gs://")
        .and_then(|path| path.split_once('/'))
        .is_some_and(|(bucket, object)| !bucket.is_empty() && !object.is_empty())
}

fn required<'a>(fields: &'a Map<String, Value>, field: &str) -> Result<&'a str, ApiError> {
    let value = string(fields, field, AT)?.filter(|value| !value.is_empty());
    value.ok_or_else(|| missing(field))
}

fn message<'a>(
    fields: &'a Map<String, Value>,
    field: &str,
) -> Result<&'a Map<String, Value>, ApiError> {
    object(fields, field, AT)?.ok_or_else(|| missing(field))
}

fn missing(field: &str) -> ApiError {
    let place = crate::gemini::fields::join(AT, field);
    ApiError::invalid_argument(format!("{place} is required."))
}
