//! The models that tuning leaves behind: get, list, update and delete on both services.

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::{
    gemini::{
        caches::format_time,
        errors::ApiError,
        fields::{Message, string},
        jobs::{self, Filter},
        keys::to_camel,
        models,
        service::Call,
        tunings::{
            Tunings,
            developer::tuned_model,
            store::{Job, State},
        },
    },
    reply::Reply,
    route::Backend,
};

/// What can be changed, and what a resource that is sent back has besides.
const MODEL: Message = Message::same(&[
    "baseModel",
    "checkpoints",
    "createTime",
    "defaultCheckpointId",
    "deployedModels",
    "description",
    "displayName",
    "labels",
    "name",
    "state",
    "temperature",
    "topK",
    "topP",
    "tuningTask",
    "updateTime",
    "versionId",
]);
const CHANGEABLE: [&str; 3] = ["defaultCheckpointId", "description", "displayName"];

impl Tunings {
    /// `GET tunedModels/{id}`, or `models/{id}` of a Vertex project.
    pub(crate) fn get_model(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let job = call.tuned(&call.target.resource)?;
        Ok(Reply::json(StatusCode::OK, &shown(&job, call)))
    }

    /// `GET tunedModels`, or `models` of a Vertex project.
    pub(crate) fn list_models(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let (key, filter) = match call.target.backend {
            // The developer service looks for words in names; nothing else is emulated of that.
            Backend::Developer => ("tunedModels", Filter::default()),
            Backend::Vertex => ("models", Filter::read(call.query)?),
        };
        let own = self.list(&call.owner());
        let there = own.iter().filter(|job| {
            let made = job.state(call.now) == State::Succeeded;
            !job.deleted && (made || call.target.backend == Backend::Developer)
        });
        let items = there.map(|job| (job.number, shown(job, call)));
        jobs::newest_first(items, key, &filter, call)
    }

    /// `PATCH tunedModels/{id}`, or `models/{id}` of a Vertex project.
    pub(crate) fn update_model(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let job = self.owned(call, "updateModel")?;
        let fields = call.body()?;
        MODEL.check(fields, "model", call.target.backend)?;
        let changes = changes(fields, call)?;
        if let Some(Some(id)) = changes.get("defaultCheckpointId")
            && !job.checkpoints().iter().any(|it| it.id == *id)
        {
            return Err(ApiError::invalid_argument(format!(
                "The model has no checkpoint {id}."
            )));
        }
        let job = self.change(&job, |job| {
            for (field, value) in changes {
                match field.as_str() {
                    "displayName" => job.display_name = value.unwrap_or_default(),
                    "description" => job.description = value.unwrap_or_default(),
                    _ => job.default_checkpoint = value,
                }
            }
            job.changed = Some(call.now);
        });
        Ok(Reply::json(StatusCode::OK, &shown(&job, call)))
    }

    /// `DELETE tunedModels/{id}`, or `models/{id}` of a Vertex project, whose job stays.
    pub(crate) fn delete_model(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let job = self.owned(call, "deleteModel")?;
        if call.target.backend == Backend::Developer {
            self.remove(&job);
            return Ok(Reply::json(StatusCode::OK, &json!({})));
        }
        self.change(&job, |job| job.deleted = true);
        let parent = call.target.parent.as_deref().unwrap_or_default();
        let body = json!({
            "name": format!("{parent}/operations/{}", job.model_id()),
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

    /// The model of the path, which must be one the caller owns.
    fn owned(&self, call: &Call<'_>, method: &str) -> Result<std::sync::Arc<Job>, ApiError> {
        let name = &call.target.resource;
        if name.contains('/') {
            call.tuned(name)
        } else {
            Err(models::unknown(name, call.target, method))
        }
    }
}

/// The fields that are to change, each with what it is to be.
fn changes(
    fields: &Map<String, Value>,
    call: &Call<'_>,
) -> Result<std::collections::BTreeMap<String, Option<String>>, ApiError> {
    let mask = call
        .query
        .iter()
        .find(|(name, _)| name == "updateMask" || name == "update_mask");
    let named: Vec<String> = match mask {
        Some((_, mask)) => mask.split(',').map(|path| to_camel(path.trim())).collect(),
        None => {
            let given = CHANGEABLE
                .iter()
                .filter(|field| fields.contains_key(**field));
            given.map(|field| (*field).to_owned()).collect()
        }
    };
    let mut out = std::collections::BTreeMap::new();
    for field in named.into_iter().filter(|field| !field.is_empty()) {
        if !CHANGEABLE.contains(&field.as_str()) {
            return Err(ApiError::invalid_argument(format!(
                "The field {field} of a model cannot be updated."
            )));
        }
        let value = string(fields, &field, "model")?.map(str::to_owned);
        out.insert(field, value);
    }
    Ok(out)
}

/// The model in the form of its service.
fn shown(job: &Job, call: &Call<'_>) -> Value {
    match call.target.backend {
        Backend::Developer => tuned_model(job, call),
        Backend::Vertex => vertex_model(job, call),
    }
}

fn vertex_model(job: &Job, call: &Call<'_>) -> Value {
    let parent = call.target.parent.as_deref().unwrap_or_default();
    let mut labels = job.labels.clone();
    for (name, value) in [
        ("google-vertex-llm-tuning-base-model-id", job.base.as_str()),
        ("google-vertex-llm-tuning-job-id", job.id.as_str()),
        ("tune-type", "sft"),
    ] {
        labels.insert(name.to_owned(), value.into());
    }
    let checkpoints = job.checkpoints();
    let deployed: Vec<Value> = checkpoints
        .iter()
        .map(|checkpoint| {
            json!({
                "endpoint": format!("{parent}/endpoints/{}", checkpoint.endpoint),
                "deployedModelId": checkpoint.id,
            })
        })
        .collect();
    let kept: Vec<Value> = checkpoints
        .iter()
        .map(|checkpoint| {
            json!({
                "checkpointId": checkpoint.id,
                "epoch": checkpoint.epoch.to_string(),
                "step": checkpoint.step.to_string(),
            })
        })
        .collect();
    let serving = job.serving().map(|checkpoint| checkpoint.id);
    let made = job.plan.ended();
    json!({
        "name": format!("{parent}/models/{}", job.model_id()),
        "displayName": job.display_name,
        "description": job.description,
        "versionId": "1",
        "labels": labels,
        "deployedModels": deployed,
        "checkpoints": kept,
        "defaultCheckpointId": serving,
        "createTime": format_time(made),
        "updateTime": format_time(job.changed.map_or(made, |changed| changed.max(made))),
    })
}
