//! `tunings.*`: arguments in, what the client understood out.

use gimmal_client::gemini::GeminiClient;
use gimmal_types::gemini::{
    CompositeReinforcementTuningRewardConfig, Content, CreateTuningJobConfig, EvaluationMetric,
    JobState, PreTunedModel, ReinforcementTuningExample, SingleReinforcementTuningRewardConfig,
    TuningDataset,
};
use serde_json::{Value, json};

use super::transforms::{required, shown};
use crate::wire::arguments::{self, Arguments};
use crate::wire::failure::Failure;
use crate::wire::gemini::{Call, Pages, dump};

pub(super) async fn tune(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    let (base_model, dataset, config) = job(call)?;
    let call = client.tunings().tune(base_model, dataset);
    dump(&call.set_config(config).send().await?.into_body())
}

/// As [`tune`] on the developer API, with the operation as the service sends it.
pub(super) async fn tune_operation(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    let (base_model, dataset, config) = job(call)?;
    let options = gimmal_client::CallOptions::default();
    let api = client.api();
    let operation = api.create_tuned_model(&base_model, &dataset, &config, &options);
    dump(&operation.await?.into_body())
}

fn job(call: Call<'_>) -> Result<(String, TuningDataset, CreateTuningJobConfig), Failure> {
    let Call {
        mut arguments,
        config,
        ..
    } = call;
    let base = arguments.take("base_model");
    let dataset = arguments.take("training_dataset").unwrap_or(json!({}));
    let dataset = arguments::decode_strictly("trainingDataset", dataset)?;
    let mut config: CreateTuningJobConfig = config.rest("config")?;
    // The resolved form of a model that is tuned further.
    let pre_tuned = arguments.take("pre_tuned_model");
    arguments.finish("")?;
    let base_model = match (base, pre_tuned) {
        (Some(base), None) => arguments::decode("baseModel", base)?,
        (None, Some(model)) => {
            let model: PreTunedModel = arguments::decode_strictly("preTunedModel", model)?;
            config.pre_tuned_model_checkpoint_id = model.checkpoint_id;
            model.tuned_model_name.unwrap_or_default()
        }
        _ => return Err(Failure::refused("baseModel", "is missing")),
    };
    Ok((base_model, dataset, config))
}

pub(super) async fn get(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    let name = call.only_name()?;
    dump(&client.tunings().get(name).send().await?.into_body())
}

pub(super) async fn cancel(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    let name = call.only_name()?;
    client.tunings().cancel(name).send().await?;
    Ok(json!({}))
}

pub(super) async fn list(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    let Call {
        arguments,
        mut config,
        http,
        ..
    } = call;
    arguments.finish("")?;
    let mut list = client.tunings().list();
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
    let pages = Pages::of("tuning_jobs", http);
    pages.read(list.items(), dump).await
}

pub(super) async fn validate_reward(
    client: GeminiClient,
    call: Call<'_>,
) -> Result<Value, Failure> {
    let Call {
        mut arguments,
        config,
        ..
    } = call;
    config.finish("config")?;
    let parent = arguments.text("parent")?;
    let reply: Content = arguments.required("sample_response")?;
    let example: ReinforcementTuningExample = arguments.required("example")?;
    let mut call = client.tunings().validate_reward(reply, example);
    call = call.set_parent(parent);
    if let Some(single) = arguments.take("single_reward_config") {
        let single: SingleReinforcementTuningRewardConfig =
            arguments::decode_strictly("singleRewardConfig", single)?;
        call = call.set_reward_config(single);
    }
    if let Some(several) = arguments.take("composite_reward_config") {
        let several: CompositeReinforcementTuningRewardConfig =
            arguments::decode_strictly("compositeRewardConfig", several)?;
        call = call.set_composite_reward_config(several);
    }
    arguments.finish("")?;
    dump(&call.send().await?.into_body())
}

/// `t_metrics`: metrics in the form the service takes.
pub(super) fn metrics_shown(arguments: &mut Arguments) -> Result<Value, Failure> {
    let metrics: Vec<EvaluationMetric> =
        arguments::decode_strictly("metrics", required(arguments, "metrics")?)?;
    let metrics = metrics.iter().map(|metric| {
        let metric = metric.to_unified();
        metric.map_err(|error| Failure::refused("metrics", error.to_string()))
    });
    shown(metrics.collect::<Result<Vec<_>, _>>()?)
}

pub(super) fn state_shown(state: &str) -> Value {
    json!(JobState::from_tuned_model_state(state))
}
