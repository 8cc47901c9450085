//! Tuned models of the developer service: made from examples in the request, by an operation that
//! tells how far it is.

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::{
    gemini::{
        caches::format_time,
        errors::ApiError,
        fields::{Message, integer, list, number, object, string},
        jobs::Pace,
        service::Call,
        tunings::{
            Tunings,
            dataset::Dataset,
            plan::Plan,
            resource_of,
            store::{Job, NewJob, State},
        },
    },
    reply::Reply,
    rng::identifier,
};

const TUNED_MODEL: Message = Message::same(&[
    "baseModel",
    "description",
    "displayName",
    "name",
    "readerProjectNumbers",
    "temperature",
    "topK",
    "topP",
    "tunedModelSource",
    "tuningTask",
]);
const TASK: Message = Message::same(&["hyperparameters", "trainingData"]);
const HYPERPARAMETERS: Message = Message::same(&[
    "batchSize",
    "epochCount",
    "learningRate",
    "learningRateMultiplier",
]);
const AT: &str = "tuned_model";
const TASK_AT: &str = "tuned_model.tuning_task";
const EXAMPLES_AT: &str = "tuned_model.tuning_task.training_data.examples.examples";
const LONGEST_ID: usize = 40;
/// The family of identifiers that the ends of names are drawn from.
const FAMILY: u64 = 25;

impl Tunings {
    /// `POST tunedModels`.
    pub(crate) fn create_model(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let fields = call.body()?;
        TUNED_MODEL.check(fields, AT, call.target.backend)?;
        let task = object(fields, "tuningTask", AT)?.ok_or_else(|| missing("tuning_task"))?;
        TASK.check(task, TASK_AT, call.target.backend)?;
        let display_name = string(fields, "displayName", AT)?.unwrap_or_default();
        if display_name.chars().count() > LONGEST_ID {
            return Err(ApiError::invalid_argument(format!(
                "* CreateTunedModelRequest.{AT}.display_name: must be at most {LONGEST_ID} \
                 characters.\n"
            )));
        }
        let dataset = dataset(task)?;
        let (base, base_name, dataset) = self.base(fields, dataset, call)?;
        let hyperparameters = object(task, "hyperparameters", TASK_AT)?;
        let (plan, shown) = plan(hyperparameters, &dataset, call.pace(), call)?;

        let mut model = Map::new();
        for field in ["temperature", "topP", "topK"] {
            if let Some(value) = number(fields, field, AT)? {
                model.insert(field.to_owned(), value.into());
            }
        }
        for field in ["tunedModelSource", "readerProjectNumbers"] {
            if let Some(value) = fields.get(field) {
                model.insert(field.to_owned(), value.clone());
            }
        }
        model.insert("hyperparameters".to_owned(), shown);
        let job = self.insert(NewJob {
            id: Some(id(display_name, call)?),
            owner: call.owner(),
            base,
            base_name,
            shown: model,
            display_name: display_name.to_owned(),
            description: string(fields, "description", AT)?
                .unwrap_or_default()
                .to_owned(),
            labels: Map::new(),
            last_checkpoint_only: true,
            dataset: Ok(dataset),
            plan,
        })?;
        Ok(Reply::json(StatusCode::OK, &operation(&job, call)))
    }

    /// `GET tunedModels/{id}/operations/{id}`.
    pub(crate) fn get_operation(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let job = self.of_operation(call)?;
        Ok(Reply::json(StatusCode::OK, &operation(&job, call)))
    }

    /// `POST tunedModels/{id}/operations/{id}:cancel`, and the same on the model.
    pub(crate) fn cancel_model(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let job = self.of_operation(call)?;
        self.cancel(&job, call)?;
        Ok(Reply::json(StatusCode::OK, &json!({})))
    }

    /// Stops a job that has not ended.
    pub(super) fn cancel(&self, job: &Job, call: &Call<'_>) -> Result<(), ApiError> {
        match job.state(call.now) {
            State::Queued | State::Running => {
                self.change(job, |job| job.cancelled = Some(call.now));
                Ok(())
            }
            // Stopping twice is as good as once.
            State::Cancelled => Ok(()),
            State::Succeeded | State::Failed => Err(ApiError::failed_precondition(
                "The tuning has ended and cannot be cancelled.",
            )),
        }
    }

    fn of_operation(&self, call: &Call<'_>) -> Result<std::sync::Arc<Job>, ApiError> {
        let resource = &call.target.resource;
        let (model, operation) = match resource.split_once("/operations/") {
            Some((model, operation)) => (model, Some(operation)),
            None => (resource.as_str(), None),
        };
        let job = call.tuned(model)?;
        match operation {
            Some(operation) if operation != operation_id(&job) => Err(ApiError::not_found(
                format!("Operation {resource} is not found."),
            )),
            _ => Ok(job),
        }
    }

    /// What is tuned: a model of the catalogue, or one tuned before with what it had learned.
    fn base(
        &self,
        fields: &Map<String, Value>,
        dataset: Dataset,
        call: &Call<'_>,
    ) -> Result<(String, String, Dataset), ApiError> {
        if let Some(source) = object(fields, "tunedModelSource", AT)? {
            let at = "tuned_model.tuned_model_source";
            let name = string(source, "tunedModel", at)?.unwrap_or_default();
            let earlier = call.tuned(name)?;
            let dataset = match &earlier.dataset {
                Ok(learned) => dataset.after(learned),
                Err(_) => dataset,
            };
            return Ok((earlier.base.clone(), earlier.base_name.clone(), dataset));
        }
        let name = string(fields, "baseModel", AT)?.unwrap_or_default();
        let Some(short) = name.strip_prefix("models/").filter(|it| !it.is_empty()) else {
            return Err(ApiError::invalid_argument(format!(
                "* CreateTunedModelRequest.{AT}.base_model: unexpected model name format\n"
            )));
        };
        let method = "createTunedModel";
        let card = call.catalogue.tunable(short, call.target, method)?;
        Ok((card.name().to_owned(), name.to_owned(), dataset))
    }
}

fn dataset(task: &Map<String, Value>) -> Result<Dataset, ApiError> {
    let data = object(task, "trainingData", TASK_AT)?;
    let data = data.ok_or_else(|| missing("tuning_task.training_data"))?;
    let examples = object(data, "examples", "tuned_model.tuning_task.training_data")?;
    let examples = examples.ok_or_else(|| missing("tuning_task.training_data.examples"))?;
    Dataset::of_pairs(list(examples, "examples"), EXAMPLES_AT)
}

/// How the tuning goes, and the settings as the model shows them.
fn plan(
    fields: Option<&Map<String, Value>>,
    dataset: &Dataset,
    pace: Pace,
    call: &Call<'_>,
) -> Result<(Plan, Value), ApiError> {
    const AT: &str = "tuned_model.tuning_task.hyperparameters";
    let none = Map::new();
    let fields = fields.unwrap_or(&none);
    HYPERPARAMETERS.check(fields, AT, call.target.backend)?;
    let count = |field: &str, default: i64, most: i64| {
        let given = integer(fields, field, AT)?.unwrap_or(default);
        if (1..=most).contains(&given) {
            return Ok(given as u64);
        }
        Err(ApiError::bad_request(
            &crate::gemini::fields::join(AT, field),
            format!("The value must be between 1 and {most}, not {given}."),
        ))
    };
    let examples = dataset.examples.len() as u64;
    let epochs = count("epochCount", 5, 100)?;
    let batch = count("batchSize", 4.min(examples as i64), 1024)?;
    let mut shown = json!({ "epochCount": epochs, "batchSize": batch });
    let rate = number(fields, "learningRate", AT)?;
    let multiplier = number(fields, "learningRateMultiplier", AT)?;
    match (rate, multiplier) {
        (Some(_), Some(_)) => {
            return Err(ApiError::bad_request(
                AT,
                format!(
                    "Invalid value at '{AT}' (oneof), oneof field 'learning_rate_option' is \
                     already set. Cannot set 'learningRateMultiplier'"
                ),
            ));
        }
        (Some(rate), None) => shown["learningRate"] = rate.into(),
        (None, multiplier) => shown["learningRateMultiplier"] = multiplier.unwrap_or(1.0).into(),
    }
    Ok((Plan::new(epochs, examples, batch, pace, call.now), shown))
}

/// The identifier that was asked for, or one made of the display name.
fn id(display_name: &str, call: &Call<'_>) -> Result<String, ApiError> {
    let asked = call
        .query
        .iter()
        .find(|(name, _)| name == "tunedModelId" || name == "tuned_model_id");
    if let Some((_, id)) = asked {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let starts = id.starts_with(|c: char| c.is_ascii_lowercase());
        if !starts || !id.chars().all(fits) || id.len() > LONGEST_ID {
            return Err(ApiError::invalid_argument(format!(
                "* CreateTunedModelRequest.tuned_model_id: {id} must be of lower-case letters, \
                 digits and dashes, start with a letter and have at most {LONGEST_ID} characters.\n"
            )));
        }
        return Ok(id.clone());
    }
    let end = identifier(
        call.seed(),
        FAMILY,
        call.number(),
        b"abcdefghijklmnopqrstuvwxyz0123456789",
        12,
    );
    let words: Vec<String> = display_name
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    let start = if words.is_empty() {
        "tuned-model".to_owned()
    } else {
        words.join("-")
    };
    Ok(format!("{start}-{end}"))
}

fn operation_id(job: &Job) -> String {
    let id = identifier(
        job.plan.seed,
        FAMILY,
        job.number,
        b"abcdefghijklmnopqrstuvwxyz0123456789",
        12,
    );
    format!("op-{id}")
}

fn operation(job: &Job, call: &Call<'_>) -> Value {
    const TYPES: &str = "type.googleapis.com/google.ai.generativelanguage.v1beta";
    let steps = job.steps(call.now);
    let mut metadata = json!({
        "@type": format!("{TYPES}.CreateTunedModelMetadata"),
        "tunedModel": format!("tunedModels/{}", job.id),
        "totalSteps": job.plan.steps,
        "completedSteps": steps,
        "completedPercent": steps as f64 * 100.0 / job.plan.steps as f64,
    });
    let snapshots = snapshots(job, steps);
    if !snapshots.is_empty() {
        metadata["snapshots"] = snapshots.into();
    }
    let mut out = json!({
        "name": format!("tunedModels/{}/operations/{}", job.id, operation_id(job)),
        "metadata": metadata,
    });
    match job.state(call.now) {
        State::Queued | State::Running => {}
        State::Succeeded => {
            let mut response = tuned_model(job, call);
            response["@type"] = format!("{TYPES}.TunedModel").into();
            out["done"] = true.into();
            out["response"] = response;
        }
        State::Cancelled => {
            out["done"] = true.into();
            out["error"] = json!({ "code": 1, "message": "The operation was cancelled." });
        }
        State::Failed => {
            out["done"] = true.into();
            out["error"] = job
                .dataset
                .as_ref()
                .map_or_else(ApiError::to_status, |_| Value::Null);
        }
    }
    out
}

/// The losses so far, step by step.
fn snapshots(job: &Job, steps: u64) -> Vec<Value> {
    let done = 1..=steps;
    done.map(|step| {
        json!({
            "step": step,
            "epoch": job.plan.epoch_of(step),
            "meanLoss": job.plan.loss(step),
            "computeTime": format_time(job.plan.time_of(step)),
        })
    })
    .collect()
}

/// The model as the developer service shows it.
pub(super) fn tuned_model(job: &Job, call: &Call<'_>) -> Value {
    let now = call.now;
    let state = job.state(now);
    let mut task = json!({ "hyperparameters": job.shown["hyperparameters"] });
    if state != State::Queued {
        task["startTime"] = format_time(job.plan.started()).into();
    }
    if let Some(ended) = job.ended(now) {
        task["completeTime"] = format_time(ended).into();
    }
    let snapshots = snapshots(job, job.steps(now));
    if !snapshots.is_empty() {
        task["snapshots"] = snapshots.into();
    }
    let mut out = json!({
        "name": format!("tunedModels/{}", job.id),
        "displayName": job.display_name,
        "baseModel": job.base_name,
        "state": match state {
            State::Queued | State::Running => "CREATING",
            State::Succeeded => "ACTIVE",
            State::Failed | State::Cancelled => "FAILED",
        },
        "createTime": format_time(job.plan.created),
        "updateTime": format_time(job.updated(now)),
        "tuningTask": task,
        "temperature": 1,
        "topP": 0.95,
        "topK": 64,
    });
    if !job.description.is_empty() {
        out["description"] = job.description.clone().into();
    }
    for (field, value) in &job.shown {
        if field != "hyperparameters" {
            out[field] = value.clone();
        }
    }
    out
}

fn missing(field: &str) -> ApiError {
    ApiError::invalid_argument(format!(
        "* CreateTunedModelRequest.{AT}.{field}: {field} is not specified\n"
    ))
}

/// Whether a name can be that of a tuned model's base.
pub(super) fn is_tuned(name: &str) -> bool {
    resource_of(name).is_some_and(|resource| resource.contains('/'))
}
