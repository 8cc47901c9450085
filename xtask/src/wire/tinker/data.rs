//! Training data and losses from the JSON form that records have of them.

use std::collections::BTreeMap;

use gimmal_types::tinker::{
    AdamParams, Datum, DimuonParams, InvalidInput, LossConfigValue, ModelInput, OptimParams,
    OptimParamsBase, PromptProvenanceSpan, ProvenanceSpan, SampledProvenanceSpan, TensorData,
};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::wire::arguments::{Arguments, decode, decode_strictly};
use crate::wire::failure::Failure;

/// Maps whose keys are names of the caller's, with all that is below.
const FREE: [&str; 7] = [
    "default_headers_overrides",
    "event_data",
    "graph",
    "input_ranks",
    "loss_fn_config",
    "loss_fn_config_v2",
    "user_metadata",
];
/// Maps whose keys are names of the caller's, while what is below has fields again.
const NAMED: &str = "loss_fn_inputs";

/// The same with the names of all fields in snake_case, which is how the service spells them.
pub(super) fn in_snake_case(members: Map<String, Value>) -> Map<String, Value> {
    fn below(value: Value) -> Value {
        match value {
            Value::Object(members) => Value::Object(in_snake_case(members)),
            Value::Array(items) => items.into_iter().map(below).collect(),
            other => other,
        }
    }
    let members = members.into_iter().map(|(name, value)| {
        let name = snake(&name);
        let value = match (name.as_str(), value) {
            (free, value) if FREE.contains(&free) => value,
            (NAMED, Value::Object(inputs)) => {
                let inputs = inputs.into_iter().map(|(name, value)| (name, below(value)));
                Value::Object(inputs.collect())
            }
            (_, value) => below(value),
        };
        (name, value)
    });
    members.collect()
}

/// `camelCase` as `snake_case`.
fn snake(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

/// What a type refuses, as a refusal of the record.
pub(super) fn refused(error: &InvalidInput) -> Failure {
    Failure::refused(error.field(), error.reason())
}

/// An optional argument.
pub(super) fn optional<T: serde::de::DeserializeOwned>(
    given: &mut Arguments,
    name: &str,
) -> Result<Option<T>, Failure> {
    given
        .take(name)
        .map(|value| decode(name, value))
        .transpose()
}

/// A prompt: a model input, or its tokens.
pub(super) fn prompt(place: &str, value: Value) -> Result<ModelInput, Failure> {
    match value {
        Value::Array(_) => Ok(ModelInput::from_ints(decode::<Vec<u32>>(place, value)?)),
        value => decode_strictly(place, value),
    }
}

/// The data of a pass.
pub(super) fn data(given: &mut Arguments) -> Result<Vec<Datum>, Failure> {
    let data = given.take("data");
    let data = data.ok_or_else(|| Failure::refused("data", "is missing"))?;
    let data: Vec<Value> = decode("data", data)?;
    let data = data.into_iter().enumerate();
    data.map(|(index, datum)| {
        let place = format!("data[{index}]");
        decode::<Example>(&place, datum)?.read(&place)
    })
    .collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Example {
    model_input: Value,
    #[serde(default)]
    loss_fn_inputs: BTreeMap<String, Value>,
    #[serde(default)]
    model_input_spans: Option<Vec<Span>>,
    #[serde(default)]
    loss_fn_input_spans: Option<Vec<Span>>,
}

/// A span, under the name of its kind.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Span {
    #[serde(alias = "prompt_tokens")]
    Prompt(PromptProvenanceSpan),
    #[serde(alias = "sampled_tokens")]
    Sampled(SampledProvenanceSpan),
}

impl Example {
    fn read(self, place: &str) -> Result<Datum, Failure> {
        let mut datum = Datum::new(prompt(&format!("{place}.model_input"), self.model_input)?);
        for (name, value) in self.loss_fn_inputs {
            let place = format!("{place}.loss_fn_inputs.{name}");
            let tensor = match value {
                list @ Value::Array(_) => {
                    TensorData::of_loss_input(&name, &list).map_err(|error| refused(&error))?
                }
                value => decode(&place, value)?,
            };
            datum = datum.with_input(name, tensor);
        }
        let spans = |spans: Option<Vec<Span>>| {
            let spans = spans?.into_iter().map(|span| match span {
                Span::Prompt(span) => ProvenanceSpan::PromptTokens(span),
                Span::Sampled(span) => ProvenanceSpan::SampledTokens(span),
            });
            Some(spans.collect())
        };
        datum.model_input_spans = spans(self.model_input_spans);
        datum.loss_fn_input_spans = spans(self.loss_fn_input_spans);
        Ok(datum)
    }
}

/// The settings of a loss.
pub(super) fn loss_config(
    given: &mut Arguments,
) -> Result<Vec<(String, LossConfigValue)>, Failure> {
    let config: Option<BTreeMap<String, Value>> = optional(given, "loss_fn_config")?;
    let config = config.unwrap_or_default().into_iter();
    config
        .map(|(name, value)| {
            let value = match value {
                Value::String(text) => LossConfigValue::Text(text),
                value => LossConfigValue::Number(decode("loss_fn_config", value)?),
            };
            Ok((name, value))
        })
        .collect()
}

/// The settings of a step, under any of the names that the reference takes them by.
pub(super) fn optim_params(given: &mut Arguments) -> Result<OptimParams, Failure> {
    let names = ["optim_params", "adam_params", "optimizer_params"];
    let found: Vec<_> = names
        .iter()
        .filter_map(|name| Some((*name, given.take(name)?)))
        .collect();
    let [(name, value)] = <[_; 1]>::try_from(found)
        .map_err(|_| Failure::refused("optim_params", "must be given, and once"))?;
    Ok(match value["type"].as_str() {
        None => OptimParams::from(decode_strictly::<AdamParams>(name, value)?),
        Some("dimuon") => OptimParams::from(decode_strictly::<DimuonParams>(name, value)?),
        Some(_) => OptimParams::from(decode::<OptimParamsBase>(name, value)?),
    })
}
