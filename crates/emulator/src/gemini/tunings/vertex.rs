//! Tuning jobs on Vertex: create, get, list and cancel.

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::{
    gemini::{
        caches::format_time,
        errors::ApiError,
        fields::{Message, object, string},
        jobs::{self, Filter},
        service::Call,
        tunings::{
            Tunings,
            dataset::Dataset,
            developer::is_tuned,
            plan::{Phase, Plan},
            resource_of,
            spec::Spec,
            stats,
            store::{Job, NewJob, State},
        },
    },
    reply::Reply,
};

const JOB: Message = Message::same(&[
    "baseModel",
    "customBaseModel",
    "description",
    "distillationSamplingSpec",
    "distillationSpec",
    "encryptionSpec",
    "evaluationConfig",
    "fullFineTuningSpec",
    "labels",
    "name",
    "outputUri",
    "partnerModelTuningSpec",
    "preTunedModel",
    "preferenceOptimizationSpec",
    "reinforcementTuningSpec",
    "serviceAccount",
    "supervisedTuningSpec",
    "tunedModelDisplayName",
    "veoLoraTuningSpec",
    "veoTuningSpec",
]);
const AT: &str = "tuning_job";

impl Tunings {
    /// `POST tuningJobs`.
    pub(crate) fn create_job(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let fields = call.body()?;
        JOB.check(fields, AT, call.target.backend)?;
        let spec = Spec::decode(fields)?;
        let (base, base_name, earlier) = base(fields, call)?;
        let dataset = Dataset::at(spec.dataset, call);
        let examples = dataset.as_ref().map_or(1, |set| set.examples.len() as u64);
        let plan = Plan::new(spec.epochs, examples, spec.batch, call.pace(), call.now);
        let dataset = match earlier {
            Some(earlier) => dataset.map(|set| set.after(&earlier)),
            None => dataset,
        };
        let text = |field| Ok(string(fields, field, AT)?.unwrap_or_default().to_owned());
        let labels = object(fields, "labels", AT)?.cloned().unwrap_or_default();
        let job = self.insert(NewJob {
            id: None,
            owner: call.owner(),
            base,
            base_name,
            shown: fields.clone(),
            display_name: text("tunedModelDisplayName")?,
            description: text("description")?,
            labels,
            last_checkpoint_only: spec.last_checkpoint_only,
            dataset,
            plan,
        })?;
        Ok(Reply::json(StatusCode::OK, &tuning_job(&job, call)))
    }

    /// `GET tuningJobs/{id}`.
    pub(crate) fn get_job(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let job = self.job(call)?;
        Ok(Reply::json(StatusCode::OK, &tuning_job(&job, call)))
    }

    /// `GET tuningJobs`, newest first.
    pub(crate) fn list_jobs(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let filter = Filter::read(call.query)?;
        let own = self.list(&call.owner());
        let shown = own.iter().map(|job| (job.number, tuning_job(job, call)));
        jobs::newest_first(shown, "tuningJobs", &filter, call)
    }

    /// `POST tuningJobs/{id}:cancel`.
    pub(crate) fn cancel_job(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let job = self.job(call)?;
        self.cancel(&job, call)?;
        Ok(Reply::json(StatusCode::OK, &json!({})))
    }

    fn job(&self, call: &Call<'_>) -> Result<std::sync::Arc<Job>, ApiError> {
        let id = &call.target.resource;
        self.get(&call.owner(), id)
            .ok_or_else(|| ApiError::not_found(format!("The TuningJob {id} does not exist.")))
    }
}

/// What is tuned: a model of the catalogue, or one tuned before with what it had learned.
fn base(
    fields: &Map<String, Value>,
    call: &Call<'_>,
) -> Result<(String, String, Option<Dataset>), ApiError> {
    let given = string(fields, "baseModel", AT)?.unwrap_or_default();
    let pre_tuned = match object(fields, "preTunedModel", AT)? {
        Some(source) => {
            string(source, "tunedModelName", "tuning_job.pre_tuned_model")?.unwrap_or_default()
        }
        None if is_tuned(given) => given,
        None => "",
    };
    if !pre_tuned.is_empty() {
        let resource = resource_of(pre_tuned).unwrap_or_default();
        let earlier = call.tuned(&resource)?;
        let learned = earlier.dataset.as_ref().ok().map(|set| (**set).clone());
        return Ok((earlier.base.clone(), earlier.base_name.clone(), learned));
    }
    if given.is_empty() {
        return Err(ApiError::invalid_argument(
            "The tuning job has no base model: base_model is required.",
        ));
    }
    let short = resource_of(given).unwrap_or_else(|| given.to_owned());
    let card = call
        .catalogue
        .tunable(&short, call.target, "tuning")
        .map_err(|_| {
            ApiError::invalid_argument(format!("Base model {given} is not supported for tuning."))
        })?;
    Ok((card.name().to_owned(), given.to_owned(), None))
}

/// The job as Vertex shows it.
fn tuning_job(job: &Job, call: &Call<'_>) -> Value {
    let now = call.now;
    let parent = call.target.parent.as_deref().unwrap_or_default();
    let state = job.state(now);
    let progress = job.plan.progress(now);
    let mut out = Value::Object(job.shown.clone());
    let name = format!("{parent}/tuningJobs/{}", job.id);
    out["name"] = name.into();
    out["baseModel"] = job.base_name.clone().into();
    if out["preTunedModel"].is_object() {
        out["preTunedModel"]["baseModel"] = job.base_name.clone().into();
    }
    out["state"] = match state {
        State::Queued => "JOB_STATE_PENDING",
        State::Running => "JOB_STATE_RUNNING",
        State::Succeeded => "JOB_STATE_SUCCEEDED",
        State::Failed => "JOB_STATE_FAILED",
        State::Cancelled => "JOB_STATE_CANCELLED",
    }
    .into();
    out["createTime"] = format_time(job.plan.created).into();
    out["updateTime"] = format_time(job.updated(now)).into();
    if state == State::Queued {
        out["tuningJobState"] = "TUNING_JOB_STATE_WAITING_FOR_QUOTA".into();
        return out;
    }
    out["startTime"] = format_time(job.plan.started()).into();
    out["experiment"] = format!(
        "{parent}/metadataStores/default/contexts/tuning-experiment-{}",
        job.id
    )
    .into();
    if state == State::Running {
        out["tuningJobState"] = match progress.phase {
            Phase::Processing | Phase::Queued => "TUNING_JOB_STATE_PROCESSING_DATASET",
            Phase::Tuning => "TUNING_JOB_STATE_TUNING",
            Phase::Finishing | Phase::Done => "TUNING_JOB_STATE_POST_PROCESSING",
        }
        .into();
    }
    if let Some(ended) = job.ended(now) {
        out["endTime"] = format_time(ended).into();
    }
    match &job.dataset {
        Err(error) if state == State::Failed => out["error"] = error.to_status(),
        Ok(dataset) if now >= job.plan.processed() => {
            let method = Spec::decode(&job.shown).map(|spec| spec.method);
            if let Ok(method) = method {
                out["tuningDataStats"] = stats::of(dataset, job.plan.steps, method);
            }
            let steps = job.steps(now);
            out["tuningJobMetadata"] = json!({
                "completedEpochCount": (steps * job.plan.epochs / job.plan.steps).to_string(),
                "completedStepCount": steps.to_string(),
            });
        }
        _ => {}
    }
    if state == State::Succeeded {
        out["tunedModel"] = tuned_model(job, parent);
        if let Some(place) = job.shown.get("outputUri").and_then(Value::as_str) {
            let uri = format!("{}/{}/metrics.jsonl", place.trim_end_matches('/'), job.id);
            out["gcsMetricsUri"] = uri.into();
        }
    }
    out
}

/// Where the model is and what answers for it.
fn tuned_model(job: &Job, parent: &str) -> Value {
    let endpoint = |id: &str| format!("{parent}/endpoints/{id}");
    let checkpoints = job.checkpoints();
    let shown: Vec<Value> = checkpoints
        .iter()
        .map(|checkpoint| {
            json!({
                "checkpointId": checkpoint.id,
                "epoch": checkpoint.epoch.to_string(),
                "step": checkpoint.step.to_string(),
                "endpoint": endpoint(&checkpoint.endpoint),
            })
        })
        .collect();
    let mut out = json!({
        "model": format!("{parent}/models/{}@1", job.model_id()),
        "checkpoints": shown,
    });
    if let Some(serving) = job.serving() {
        out["endpoint"] = endpoint(&serving.endpoint).into();
    }
    out
}

/// The losses of a job that has ended, as lines of JSON, and where they go; nothing when the job
/// has no place for what it writes.
pub(super) fn metrics(job: &Job) -> Option<(String, String)> {
    let place = job.shown.get("outputUri").and_then(Value::as_str)?;
    let uri = format!("{}/{}/metrics.jsonl", place.trim_end_matches('/'), job.id);
    let lines = (1..=job.plan.steps).map(|step| {
        let metrics = json!({
            "step": step,
            "epoch": job.plan.epoch_of(step),
            "/train_total_loss": job.plan.loss(step),
        });
        format!("{metrics}\n")
    });
    Some((uri, lines.collect()))
}
