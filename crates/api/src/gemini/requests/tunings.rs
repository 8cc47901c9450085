//! Requests of tuning jobs.

use std::borrow::Cow;

use gimmal_transport::{Error, Idempotency, Request};
use gimmal_types::gemini::{
    CreateTuningJobConfig, EvaluationConfig, PreTunedModel, TuningDataset, TuningMethod,
    ValidateRewardParameters,
};
use http::Method;

use super::tuning_tables as tables;
use super::urls::{get, page_query};
use crate::gemini::mapping::{Body, Table};
use crate::gemini::names::check;
use crate::gemini::{Backend, Endpoint, ListTunings, fields};

/// Builds a request that starts a tuning job, on Vertex.
///
/// A base model that starts with `projects/` is a tuned model that is tuned further. A method that
/// this version does not know takes only what all methods share. Creating is not repeated after an
/// ambiguous failure, because a second job would be billed.
///
/// # Errors
///
/// Fails on the developer API, on fields Vertex does not have, on examples in two places, and on a
/// metric that is neither known nor has a prompt.
pub fn create_tuning_job(
    endpoint: &Endpoint,
    base_model: &str,
    dataset: &TuningDataset,
    config: &CreateTuningJobConfig,
) -> Result<Request, Error> {
    endpoint.require(Backend::Vertex, "a tuning job")?;
    check("base_model", base_model)?;
    one_place(
        "trainingDataset",
        dataset.gcs_uri.is_some(),
        dataset.vertex_dataset_resource.is_some(),
    )?;
    if let Some(validation) = &config.validation_dataset {
        one_place(
            "validationDataset",
            validation.gcs_uri.is_some(),
            validation.vertex_dataset_resource.is_some(),
        )?;
    }
    let method = method(config);
    let config = prepared(config, method)?;
    fields::check(Backend::Vertex, dataset)?;
    fields::check(Backend::Vertex, config.as_ref())?;
    let mut pre_tuned = PreTunedModel::new().set_tuned_model_name(base_model);
    pre_tuned
        .checkpoint_id
        .clone_from(&config.pre_tuned_model_checkpoint_id);
    let mut body = Body::default();
    if base_model.starts_with("projects/") {
        body.add("preTunedModel", &pre_tuned);
    } else {
        body.set("baseModel", base_model);
    }
    if let Some(method) = method {
        body.route(method.dataset, dataset);
        body.route(method.config, config.as_ref());
    }
    body.route(&tables::CONFIG_VERTEX, config.as_ref());
    Ok(Request::new(Method::POST, endpoint.url("tuningJobs"))
        .with_json_body(body.into_bytes()?)
        .with_idempotency(Idempotency::NotIdempotent))
}

/// Builds a request that starts to make a tuned model, on the developer API.
///
/// Creating is not repeated after an ambiguous failure, because a second model would be made.
///
/// # Errors
///
/// Fails on Vertex and on fields the developer API does not have.
pub fn create_tuned_model(
    endpoint: &Endpoint,
    base_model: &str,
    dataset: &TuningDataset,
    config: &CreateTuningJobConfig,
) -> Result<Request, Error> {
    let backend = endpoint.backend();
    if backend != Backend::GeminiApi {
        return Err(Error::invalid(
            "backend",
            format!("a tuned model is not available on {backend}; create a tuning job"),
        ));
    }
    check("base_model", base_model)?;
    fields::check(backend, dataset)?;
    fields::check(backend, config)?;
    let mut body = Body::of(&tables::CONFIG, config);
    body.set("baseModel", base_model);
    body.route(&tables::DATASET, dataset);
    Ok(Request::new(Method::POST, endpoint.url("tunedModels"))
        .with_json_body(body.into_bytes()?)
        .with_idempotency(Idempotency::NotIdempotent))
}

/// Where the arguments of one method go.
#[derive(Clone, Copy, Debug)]
struct MethodTables {
    config: &'static Table,
    dataset: &'static Table,
    /// The method's specification has a place for an evaluation.
    evaluates: bool,
}

/// The tables of the method; `None` for one that this version does not know.
fn method(config: &CreateTuningJobConfig) -> Option<MethodTables> {
    let method = config.method.as_ref();
    let (config, dataset, evaluates) = match method.unwrap_or(&TuningMethod::SupervisedFineTuning) {
        TuningMethod::SupervisedFineTuning => {
            (&tables::SUPERVISED, &tables::SUPERVISED_DATASET, true)
        }
        TuningMethod::PreferenceTuning => (&tables::PREFERENCE, &tables::PREFERENCE_DATASET, true),
        TuningMethod::Distillation => (&tables::DISTILLATION, &tables::DISTILLATION_DATASET, true),
        TuningMethod::ReinforcementTuning => (
            &tables::REINFORCEMENT,
            &tables::REINFORCEMENT_DATASET,
            false,
        ),
        _ => return None,
    };
    Some(MethodTables {
        config,
        dataset,
        evaluates,
    })
}

/// The evaluation that a job is given; `None` where its method has no place for one.
pub(crate) fn evaluation(config: &CreateTuningJobConfig) -> Option<&EvaluationConfig> {
    let evaluates = method(config).is_some_and(|method| method.evaluates);
    config.evaluation_config.as_deref().filter(|_| evaluates)
}

/// Two places for one thing are a mistake that would cost the time of a whole job.
fn one_place(field: &str, gcs: bool, dataset: bool) -> Result<(), Error> {
    if gcs && dataset {
        return Err(Error::invalid(
            format!("{field}.vertexDatasetResource"),
            "cannot be set together with gcsUri; keep one",
        ));
    }
    Ok(())
}

/// Metrics in the form the service takes, and no evaluation where the method has no place for it.
fn prepared(
    config: &CreateTuningJobConfig,
    method: Option<MethodTables>,
) -> Result<Cow<'_, CreateTuningJobConfig>, Error> {
    let Some(evaluation) = &config.evaluation_config else {
        return Ok(Cow::Borrowed(config));
    };
    let mut config = config.clone();
    if !method.is_some_and(|method| method.evaluates) {
        config.evaluation_config = None;
        return Ok(Cow::Owned(config));
    }
    let mut evaluation = evaluation.clone();
    for (index, metric) in evaluation.metrics.iter_mut().enumerate() {
        let unified = metric.to_unified().map_err(|error| {
            let field = format!("evaluationConfig.metrics[{index}].name");
            Error::invalid(field, error.to_string())
        })?;
        *metric = unified.into();
    }
    config.evaluation_config = Some(evaluation);
    Ok(Cow::Owned(config))
}

/// Builds a request that describes a tuning job: `projects/…/tuningJobs/…`, or `tunedModels/…` on
/// the developer API.
///
/// # Errors
///
/// Fails on a bad name.
pub fn get_tuning(endpoint: &Endpoint, name: &str) -> Result<Request, Error> {
    check("name", name)?;
    Ok(get(endpoint.url(name)))
}

/// Builds a request that stops a tuning job.
///
/// # Errors
///
/// Fails on a bad name.
pub fn cancel_tuning(endpoint: &Endpoint, name: &str) -> Result<Request, Error> {
    check("name", name)?;
    let url = endpoint.url(&format!("{name}:cancel"));
    Ok(Request::new(Method::POST, url).with_idempotency(Idempotency::Idempotent))
}

/// Builds a request for a page of tuning jobs.
///
/// # Errors
///
/// Fails on the developer API, and when the page size is not positive.
pub fn list_tunings(endpoint: &Endpoint, list: &ListTunings) -> Result<Request, Error> {
    endpoint.require(Backend::Vertex, "tunings.list")?;
    let mut url = endpoint.url("tuningJobs");
    page_query(&mut url, list.page_size, list.page_token.as_deref())?;
    if let Some(filter) = &list.filter {
        url.query_pairs_mut().append_pair("filter", filter);
    }
    Ok(get(url))
}

/// Builds a request that tries out a reward on one reply.
///
/// # Errors
///
/// Fails on the developer API, on a bad parent, and on fields Vertex does not have.
pub fn validate_reward(
    endpoint: &Endpoint,
    parameters: &ValidateRewardParameters,
) -> Result<Request, Error> {
    endpoint.require(Backend::Vertex, "tunings.validate_reward")?;
    fields::check(Backend::Vertex, parameters)?;
    let parent = parameters.parent.clone().or_else(|| endpoint.parent());
    let Some(parent) = parent else {
        let fix = "must be set to `projects/…/locations/…`, since the client has no project";
        return Err(Error::invalid("parent", fix));
    };
    check("parent", &parent)?;
    let url = endpoint.url(&format!(
        "{parent}/tuningJobs:validateReinforcementTuningReward"
    ));
    let body = Body::of(&tables::VALIDATE_REWARD, parameters);
    Ok(Request::new(Method::POST, url)
        .with_json_body(body.into_bytes()?)
        .with_idempotency(Idempotency::Idempotent))
}

#[cfg(test)]
mod tests {
    use gimmal_types::gemini::{
        AdapterSize, EvaluationMetric, Metric, TuningExample, TuningValidationDataset,
    };
    use serde_json::{Value, json};

    use super::*;

    fn body(request: Request) -> Value {
        serde_json::from_slice(request.body()).unwrap()
    }

    fn vertex() -> Endpoint {
        let vertex = Endpoint::vertex().with_project("p").with_location("l");
        vertex.build().unwrap()
    }

    fn dataset() -> TuningDataset {
        TuningDataset::new().set_gcs_uri("gs://b/t.jsonl")
    }

    #[test]
    fn each_method_has_its_own_specification() {
        let config = CreateTuningJobConfig::new()
            .set_epoch_count(2)
            .set_batch_size(4)
            .set_adapter_size(AdapterSize::One)
            .set_validation_dataset(TuningValidationDataset::new().set_gcs_uri("gs://b/v"));
        let common = json!({"epochCount": 2, "adapterSize": "ADAPTER_SIZE_ONE"});
        let all = json!({"epochCount": 2, "adapterSize": "ADAPTER_SIZE_ONE", "batchSize": 4});
        for (method, spec, place, parameters) in [
            (
                "SUPERVISED_FINE_TUNING",
                "supervisedTuningSpec",
                "trainingDatasetUri",
                &all,
            ),
            (
                "PREFERENCE_TUNING",
                "preferenceOptimizationSpec",
                "trainingDatasetUri",
                &common,
            ),
            ("DISTILLATION", "distillationSpec", "promptDatasetUri", &all),
            (
                "REINFORCEMENT_TUNING",
                "reinforcementTuningSpec",
                "trainingDatasetUri",
                &all,
            ),
        ] {
            let config = config.clone().set_method(method);
            let request = create_tuning_job(&vertex(), "m", &dataset(), &config).unwrap();
            assert_eq!(
                body(request),
                json!({"baseModel": "m", spec: {place: "gs://b/t.jsonl",
                    "validationDatasetUri": "gs://b/v", "hyperParameters": parameters}})
            );
        }
        let config = config.set_method("NOVEL").set_description("d");
        let request = create_tuning_job(&vertex(), "m", &dataset(), &config).unwrap();
        assert_eq!(body(request), json!({"baseModel": "m", "description": "d"}));
    }

    #[test]
    fn examples_have_one_place() {
        let both = dataset().set_vertex_dataset_resource("projects/p/locations/l/datasets/1");
        let config = CreateTuningJobConfig::new();
        let error = create_tuning_job(&vertex(), "m", &both, &config).unwrap_err();
        assert_eq!(error.field(), Some("trainingDataset.vertexDatasetResource"));
        assert!(
            error.to_string().contains("together with gcsUri"),
            "{error}"
        );
    }

    #[test]
    fn a_tuned_model_is_tuned_further() {
        let config = CreateTuningJobConfig::new().set_pre_tuned_model_checkpoint_id("3");
        let model = "projects/p/locations/l/models/9";
        let request = create_tuning_job(&vertex(), model, &dataset(), &config).unwrap();
        assert_eq!(
            body(request),
            json!({"preTunedModel": {"tunedModelName": model, "checkpointId": "3"},
                   "supervisedTuningSpec": {"trainingDatasetUri": "gs://b/t.jsonl"}})
        );
    }

    #[test]
    fn metrics_are_written_out_and_checked() {
        let evaluation = |name: &str| {
            let metrics = [EvaluationMetric::from(Metric::new().set_name(name))];
            CreateTuningJobConfig::new()
                .set_evaluation_config(EvaluationConfig::new().set_metrics(metrics))
        };
        let request = create_tuning_job(&vertex(), "m", &dataset(), &evaluation("bleu")).unwrap();
        let metric = &body(request)["supervisedTuningSpec"]["evaluationConfig"]["metrics"][0];
        assert_eq!(metric["bleuSpec"], json!({}));
        assert_eq!(
            metric["aggregationMetrics"],
            json!(["AVERAGE", "STANDARD_DEVIATION"])
        );
        let error = create_tuning_job(&vertex(), "m", &dataset(), &evaluation("odd")).unwrap_err();
        assert_eq!(error.field(), Some("evaluationConfig.metrics[0].name"));
        let config = evaluation("odd").set_method(TuningMethod::ReinforcementTuning);
        assert!(create_tuning_job(&vertex(), "m", &dataset(), &config).is_ok());
    }

    #[test]
    fn the_developer_api_learns_from_examples() {
        let endpoint = Endpoint::gemini_api().build().unwrap();
        let config = CreateTuningJobConfig::new()
            .set_tuned_model_display_name("d")
            .set_learning_rate_multiplier(0.5);
        let examples = TuningDataset::new().set_examples([TuningExample::of("1", "2")]);
        let request = create_tuned_model(&endpoint, "models/m", &examples, &config).unwrap();
        assert_eq!(request.url().path(), "/v1/tunedModels");
        assert_eq!(
            body(request),
            json!({"displayName": "d", "baseModel": "models/m", "tuningTask": {
                "hyperparameters": {"learningRateMultiplier": 0.5},
                "trainingData": {"examples": {"examples": [{"textInput": "1", "output": "2"}]}}}})
        );
        let error = create_tuned_model(&endpoint, "m", &dataset(), &config).unwrap_err();
        assert_eq!(error.field(), Some("gcsUri"));
        let config = CreateTuningJobConfig::new().set_beta(0.1);
        let error = create_tuned_model(&endpoint, "m", &examples, &config).unwrap_err();
        assert_eq!(error.field(), Some("beta"));
        let error = list_tunings(&endpoint, &ListTunings::default()).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("tunings.list is not available on"),
            "{error}"
        );
    }

    #[test]
    fn a_reward_is_tried_out_within_a_parent() {
        let parameters = ValidateRewardParameters::new();
        let request = validate_reward(&vertex(), &parameters).unwrap();
        let path = "/v1beta1/projects/p/locations/l/tuningJobs:validateReinforcementTuningReward";
        assert_eq!(request.url().path(), path);
        let express = Endpoint::vertex().build().unwrap();
        let error = validate_reward(&express, &parameters).unwrap_err();
        assert_eq!(error.field(), Some("parent"));
    }
}
