//! What a tuning job on Vertex is to do: the specification of its method, decoded and checked.

use serde_json::{Map, Value};

use crate::gemini::{
    errors::ApiError,
    fields::{boolean, integer, object, string},
};

/// The specifications a job can have, each with where its examples are.
const SPECS: [(&str, Method, &str); 7] = [
    (
        "supervisedTuningSpec",
        Method::Supervised,
        "trainingDatasetUri",
    ),
    (
        "preferenceOptimizationSpec",
        Method::Preference,
        "trainingDatasetUri",
    ),
    ("distillationSpec", Method::Distillation, "promptDatasetUri"),
    (
        "reinforcementTuningSpec",
        Method::Reinforcement,
        "trainingDatasetUri",
    ),
    ("fullFineTuningSpec", Method::Other, "trainingDatasetUri"),
    (
        "partnerModelTuningSpec",
        Method::Other,
        "trainingDatasetUri",
    ),
    (
        "distillationSamplingSpec",
        Method::Distillation,
        "promptDatasetUri",
    ),
];
/// Epochs, and examples to a step, when nothing is asked for.
const EPOCHS: i64 = 4;
const BATCH: u64 = 4;
const MOST_EPOCHS: i64 = 100;

/// How a model is tuned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Supervised,
    Preference,
    Distillation,
    Reinforcement,
    Other,
}

/// What is to be done.
#[derive(Debug)]
pub(crate) struct Spec<'a> {
    pub(crate) method: Method,
    /// Where the examples are.
    pub(crate) dataset: &'a str,
    pub(crate) epochs: u64,
    pub(crate) batch: u64,
    pub(crate) last_checkpoint_only: bool,
}

impl<'a> Spec<'a> {
    /// Decodes the only specification of a job.
    pub(crate) fn decode(job: &'a Map<String, Value>) -> Result<Self, ApiError> {
        let mut given = Vec::new();
        for spec in SPECS {
            if let Some(fields) = object(job, spec.0, "tuning_job")? {
                given.push((spec, fields));
            }
        }
        let [((name, method, place), fields)] = given.as_slice() else {
            return Err(ApiError::invalid_argument(if given.is_empty() {
                "The tuning job has no tuning spec: one of supervised_tuning_spec, \
                 preference_optimization_spec, distillation_spec and reinforcement_tuning_spec is \
                 required."
            } else {
                "The tuning job has more than one tuning spec."
            }));
        };
        let at = crate::gemini::fields::join("tuning_job", name);
        let mut dataset = string(fields, place, &at)?.unwrap_or_default();
        if dataset.is_empty() && *method == Method::Distillation {
            dataset = string(fields, "trainingDatasetUri", &at)?.unwrap_or_default();
        }
        check_address(dataset, &crate::gemini::fields::join(&at, place))?;
        if let Some(uri) = string(fields, "validationDatasetUri", &at)? {
            check_address(uri, &format!("{at}.validation_dataset_uri"))?;
        }
        let none = Map::new();
        let hyper_at = format!("{at}.hyper_parameters");
        let hyper = object(fields, "hyperParameters", &at)?;
        let hyper = hyper
            .or(object(fields, "hyperparameters", &at)?)
            .unwrap_or(&none);
        let epochs = integer(hyper, "epochCount", &hyper_at)?.unwrap_or(EPOCHS);
        if !(1..=MOST_EPOCHS).contains(&epochs) {
            return Err(ApiError::invalid_argument(format!(
                "{hyper_at}.epoch_count must be between 1 and {MOST_EPOCHS}, not {epochs}."
            )));
        }
        if let Some(size) = string(hyper, "adapterSize", &hyper_at)?
            && !size.starts_with("ADAPTER_SIZE_")
        {
            return Err(ApiError::invalid_value(
                &format!("{hyper_at}.adapter_size"),
                "TYPE_ENUM",
                &hyper["adapterSize"],
            ));
        }
        if *method == Method::Reinforcement {
            check_reward(fields, &at)?;
        }
        let batch = integer(hyper, "batchSize", &hyper_at)?;
        Ok(Self {
            method: *method,
            dataset,
            epochs: epochs as u64,
            batch: batch
                .and_then(|batch| u64::try_from(batch).ok())
                .unwrap_or(BATCH),
            last_checkpoint_only: boolean(fields, "exportLastCheckpointOnly", &at)? == Some(true),
        })
    }
}

/// Cloud Storage, BigQuery, or a dataset of the project.
fn check_address(uri: &str, at: &str) -> Result<(), ApiError> {
    let object = uri
        .strip_prefix("gs://")
        .and_then(|path| path.split_once('/'))
        .is_some_and(|(bucket, name)| !bucket.is_empty() && !name.is_empty());
    if object
        || uri.starts_with("bq://")
        || (uri.starts_with("projects/") && uri.contains("/datasets/"))
    {
        return Ok(());
    }
    Err(ApiError::invalid_argument(if uri.is_empty() {
        format!("{at} is required.")
    } else {
        format!(
            "{at}: {uri} is not a valid dataset URI. It must be of the form gs://bucket/object."
        )
    }))
}

fn check_reward(fields: &Map<String, Value>, at: &str) -> Result<(), ApiError> {
    let single = object(fields, "singleRewardConfig", at)?;
    let composite = object(fields, "compositeRewardConfig", at)?;
    match (single, composite) {
        (Some(_), None) | (None, Some(_)) => Ok(()),
        _ => Err(ApiError::invalid_argument(format!(
            "{at} must have exactly one of single_reward_config and composite_reward_config."
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn decode(job: Value) -> Result<(Method, u64, u64), String> {
        let job = job.as_object().cloned().expect("an object");
        let spec = Spec::decode(&job).map_err(|error| error.message().to_owned())?;
        Ok((spec.method, spec.epochs, spec.batch))
    }

    #[test]
    fn each_method_has_its_specification() {
        let data = "gs://b/o.jsonl";
        let supervised = json!({"supervisedTuningSpec": {
            "trainingDatasetUri": data,
            "hyperParameters": {"epochCount": "2", "batchSize": 8},
        }});
        assert_eq!(decode(supervised), Ok((Method::Supervised, 2, 8)));
        let distilled = json!({"distillationSpec": {"promptDatasetUri": data}});
        assert_eq!(decode(distilled), Ok((Method::Distillation, 4, 4)));
        let reinforced = json!({"reinforcementTuningSpec": {
            "trainingDatasetUri": data, "singleRewardConfig": {},
        }});
        assert_eq!(decode(reinforced), Ok((Method::Reinforcement, 4, 4)));
    }

    #[test]
    fn what_cannot_be_done_is_refused() {
        let data = "gs://b/o.jsonl";
        for (job, problem) in [
            (json!({}), "no tuning spec"),
            (
                json!({
                    "supervisedTuningSpec": {"trainingDatasetUri": data},
                    "distillationSpec": {"promptDatasetUri": data},
                }),
                "more than one",
            ),
            (
                json!({"supervisedTuningSpec": {}}),
                "training_dataset_uri is required",
            ),
            (
                json!({"supervisedTuningSpec": {"trainingDatasetUri": "gs://b"}}),
                "not a valid dataset URI",
            ),
            (
                json!({"supervisedTuningSpec": {
                    "trainingDatasetUri": data, "hyperParameters": {"epochCount": 0}
                }}),
                "epoch_count",
            ),
            (
                json!({"reinforcementTuningSpec": {"trainingDatasetUri": data}}),
                "exactly one of single_reward_config",
            ),
        ] {
            let message = decode(job).expect_err("refused");
            assert!(message.contains(problem), "{message}");
        }
    }
}
