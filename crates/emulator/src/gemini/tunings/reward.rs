//! Trying out a reward: what one reply to one example would be rewarded with.

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::{
    gemini::{
        errors::ApiError,
        fields::{Message, as_object, list, number, object, string},
        service::Call,
        tunings::scorers::{self, Sample, Score},
    },
    reply::Reply,
};

const REQUEST: Message = Message::same(&[
    "compositeRewardConfig",
    "example",
    "parent",
    "sampleResponse",
    "singleRewardConfig",
]);

/// A reward and its weight.
type Weighted<'a> = (&'a Map<String, Value>, f64);

/// `POST tuningJobs:validateReinforcementTuningReward`.
pub(crate) fn validate(call: &Call<'_>) -> Result<Reply, ApiError> {
    let fields = call.body()?;
    REQUEST.check(fields, "", call.target.backend)?;
    let response = required(fields, "sampleResponse")?;
    let example = required(fields, "example")?;
    let sample = Sample {
        prompt: list(example, "contents")
            .iter()
            .map(text_of)
            .collect::<Vec<_>>()
            .join("\n"),
        response: text_of(&fields["sampleResponse"]),
        references: object(example, "references", "example")?
            .cloned()
            .unwrap_or_default(),
    };
    if list(response, "parts").is_empty() {
        return Err(ApiError::invalid_argument(
            "sample_response must have at least one part.",
        ));
    }
    let weighted = configs(fields)?;
    let mut details = Map::new();
    let mut overall = Some(0.0);
    let mut problems = Vec::new();
    for (n, (config, weight)) in weighted.into_iter().enumerate() {
        let name = string(config, "rewardName", "reward_config")?.unwrap_or_default();
        let name = if name.is_empty() {
            format!("reward_{n}")
        } else {
            name.to_owned()
        };
        let detail = match scorers::score(config, &sample, call)? {
            Score::Of { reward, note } => {
                overall = overall.map(|sum| sum + reward * weight);
                let mut detail = json!({ "reward": reward });
                if let Some(note) = note {
                    detail["userRequestedAuxInfo"] = note.into();
                }
                detail
            }
            Score::Failed(error) => {
                overall = None;
                problems.push(format!("{name}: {}", error.message()));
                json!({ "errorStatus": error.to_status() })
            }
        };
        details.insert(name, detail);
    }
    let mut body = json!({ "rewardInfoDetails": details });
    if let Some(overall) = overall {
        body["overallReward"] = overall.into();
    } else {
        body["error"] = problems.join("; ").into();
    }
    Ok(Reply::json(StatusCode::OK, &body))
}

/// The rewards with their weights.
fn configs(fields: &Map<String, Value>) -> Result<Vec<Weighted<'_>>, ApiError> {
    let single = object(fields, "singleRewardConfig", "")?;
    let composite = object(fields, "compositeRewardConfig", "")?;
    match (single, composite) {
        (Some(single), None) => Ok(vec![(single, 1.0)]),
        (None, Some(composite)) => {
            let items = list(composite, "weightedRewardConfigs").iter().enumerate();
            let weighted = items.map(|(n, item)| {
                let at = format!("composite_reward_config.weighted_reward_configs[{n}]");
                let item = as_object(item, &at)?;
                let config = object(item, "rewardConfig", &at)?.ok_or_else(|| {
                    ApiError::invalid_argument(format!("{at}.reward_config is required."))
                })?;
                Ok((config, number(item, "weight", &at)?.unwrap_or(1.0)))
            });
            let weighted = weighted.collect::<Result<Vec<_>, ApiError>>()?;
            if weighted.is_empty() {
                return Err(ApiError::invalid_argument(
                    "composite_reward_config.weighted_reward_configs must not be empty.",
                ));
            }
            Ok(weighted)
        }
        _ => Err(ApiError::invalid_argument(
            "Exactly one of single_reward_config and composite_reward_config is required.",
        )),
    }
}

fn required<'a>(
    fields: &'a Map<String, Value>,
    field: &str,
) -> Result<&'a Map<String, Value>, ApiError> {
    object(fields, field, "")?.ok_or_else(|| {
        let field = crate::gemini::fields::join("", field);
        ApiError::invalid_argument(format!("{field} is required."))
    })
}

/// The texts of a content.
fn text_of(content: &Value) -> String {
    let parts = content["parts"].as_array().into_iter().flatten();
    let texts = parts.filter_map(|part| part["text"].as_str());
    texts.collect::<Vec<_>>().join("\n")
}
