//! The scorers a reward can have. Those that compare texts are carried out; those that would run
//! somebody's code or call somebody's server say that the emulator does not.

use http::StatusCode;
use regex::Regex;
use serde_json::{Map, Value, json};

use crate::gemini::{
    errors::ApiError,
    fields::{Message, number, object, string},
    generate,
    service::Call,
};

const CONFIG: Message = Message::same(&[
    "autoraterScorer",
    "cloudRunRewardScorer",
    "codeExecutionRewardScorer",
    "parseResponseConfig",
    "rewardName",
    "stringMatchRewardScorer",
]);
/// The model that rates when none is named.
const RATER: &str = "gemini-2.5-flash";

/// A reply to be rewarded, with what it replies to.
#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) prompt: String,
    pub(crate) response: String,
    pub(crate) references: Map<String, Value>,
}

/// What a scorer says.
#[derive(Debug)]
pub(crate) enum Score {
    Of { reward: f64, note: Option<String> },
    Failed(ApiError),
}

/// Scores the sample by the only scorer of `config`.
pub(crate) fn score(
    config: &Map<String, Value>,
    sample: &Sample,
    call: &Call<'_>,
) -> Result<Score, ApiError> {
    const AT: &str = "reward_config";
    CONFIG.check(config, AT, call.target.backend)?;
    let parse = object(config, "parseResponseConfig", AT)?;
    let response = parsed(&sample.response, parse)?;
    if let Some(scorer) = object(config, "stringMatchRewardScorer", AT)? {
        return string_match(scorer, &response, sample);
    }
    if let Some(scorer) = object(config, "autoraterScorer", AT)? {
        return autorater(scorer, &response, sample, call);
    }
    for (field, what) in [
        ("codeExecutionRewardScorer", "run code"),
        ("cloudRunRewardScorer", "call other servers"),
    ] {
        if object(config, field, AT)?.is_some() {
            return Ok(Score::Failed(ApiError::new(
                StatusCode::NOT_IMPLEMENTED,
                "UNIMPLEMENTED",
                format!("The emulator does not {what} to score a reward."),
            )));
        }
    }
    Err(ApiError::invalid_argument(
        "reward_config must have a scorer.",
    ))
}

/// The part of a text that is scored: all of it, or what an expression finds in it.
fn parsed(text: &str, config: Option<&Map<String, Value>>) -> Result<String, ApiError> {
    const AT: &str = "parse_response_config";
    let Some(config) = config else {
        return Ok(text.to_owned());
    };
    match string(config, "parseType", AT)?.unwrap_or_default() {
        "REGEX_EXTRACT" => {
            let expression = string(config, "regexExtractExpression", AT)?.unwrap_or_default();
            let found = regex(expression)?.captures(text).and_then(|found| {
                let group = found.get(1).or_else(|| found.get(0))?;
                Some(group.as_str().to_owned())
            });
            Ok(found.unwrap_or_default())
        }
        "" | "IDENTITY" | "RESPONSE_PARSE_TYPE_UNSPECIFIED" => Ok(text.to_owned()),
        other => Err(ApiError::invalid_argument(format!(
            "{AT}.parse_type: invalid value {other}."
        ))),
    }
}

fn string_match(
    scorer: &Map<String, Value>,
    response: &str,
    sample: &Sample,
) -> Result<Score, ApiError> {
    const AT: &str = "string_match_reward_scorer";
    let matches = if let Some(expression) = object(scorer, "stringMatchExpression", AT)? {
        fits(expression, response, sample)?
    } else if let Some(json) = object(scorer, "jsonMatchExpression", AT)? {
        let key = string(json, "keyName", AT)?.unwrap_or_default();
        let expression = object(json, "valueStringMatchExpression", AT)?
            .ok_or_else(|| ApiError::invalid_argument(format!("{AT} has no expression.")))?;
        let value: Option<Value> = serde_json::from_str(response).ok();
        match value.as_ref().and_then(|value| value.get(key)) {
            Some(Value::String(text)) => fits(expression, text, sample)?,
            Some(other) => fits(expression, &other.to_string(), sample)?,
            None => false,
        }
    } else {
        return Err(ApiError::invalid_argument(format!(
            "{AT} must have string_match_expression or json_match_expression."
        )));
    };
    reward(scorer, AT, matches, response)
}

fn fits(expression: &Map<String, Value>, text: &str, sample: &Sample) -> Result<bool, ApiError> {
    const AT: &str = "string_match_expression";
    let pattern = string(expression, "expression", AT)?.unwrap_or_default();
    let pattern = filled(pattern, "", sample);
    match string(expression, "matchOperation", AT)?.unwrap_or_default() {
        "REGEX_CONTAINS" => Ok(regex(&pattern)?.is_match(text)),
        "PARTIAL_MATCH" => Ok(text.contains(&pattern)),
        "EXACT_MATCH" => Ok(text == pattern),
        other => Err(ApiError::invalid_argument(format!(
            "{AT}.match_operation: invalid value '{other}'."
        ))),
    }
}

/// Asks a model for its opinion, and takes it for a number or compares it.
fn autorater(
    scorer: &Map<String, Value>,
    response: &str,
    sample: &Sample,
    call: &Call<'_>,
) -> Result<Score, ApiError> {
    const AT: &str = "autorater_scorer";
    let prompt = string(scorer, "autoraterPrompt", AT)?.unwrap_or_default();
    let prompt = filled(prompt, response, sample);
    let config = object(scorer, "autoraterConfig", AT)?;
    let model = config.and_then(|config| config.get("autoraterModel")?.as_str());
    let model = model
        .and_then(|name| Some(name.rsplit('/').next()?.to_owned()))
        .unwrap_or_else(|| RATER.to_owned());
    let body = json!({ "contents": [{ "role": "user", "parts": [{ "text": prompt }] }] });
    let target = call.target.generating(&model);
    let opinion = match generate::generate(&call.inner(&target, &body, call.now)) {
        Ok(generation) => generation.text(),
        Err(error) => return Ok(Score::Failed(error)),
    };
    let parse = object(scorer, "autoraterResponseParseConfig", AT)?;
    let opinion = parsed(&opinion, parse)?;
    if let Some(exact) = object(scorer, "exactMatchScorer", AT)? {
        let expected = string(exact, "expression", AT)?.unwrap_or_default();
        let matches = opinion == filled(expected, response, sample);
        return reward(exact, "exact_match_scorer", matches, &opinion);
    }
    match opinion.trim().parse::<f64>() {
        Ok(reward) if reward.is_finite() => Ok(Score::Of {
            reward,
            note: Some(opinion),
        }),
        _ => Ok(Score::Failed(ApiError::invalid_argument(
            "The answer of the autorater is not a number.",
        ))),
    }
}

/// The reward for a right or a wrong answer; 1 and 0 unless the scorer says otherwise.
fn reward(
    scorer: &Map<String, Value>,
    at: &str,
    right: bool,
    note: &str,
) -> Result<Score, ApiError> {
    let (field, default) = if right {
        ("correctAnswerReward", 1.0)
    } else {
        ("wrongAnswerReward", 0.0)
    };
    Ok(Score::Of {
        reward: number(scorer, field, at)?.unwrap_or(default),
        note: Some(note.to_owned()),
    })
}

/// `text` with `{{prompt}}`, `{{response}}` and `{{references.name}}` filled in.
fn filled(text: &str, response: &str, sample: &Sample) -> String {
    let mut out = text
        .replace("{{prompt}}", &sample.prompt)
        .replace("{{response}}", response);
    for (name, value) in &sample.references {
        let value = value.as_str().unwrap_or_default();
        out = out.replace(&format!("{{{{references.{name}}}}}"), value);
    }
    out
}

fn regex(expression: &str) -> Result<Regex, ApiError> {
    Regex::new(expression).map_err(|error| {
        ApiError::invalid_argument(format!("Invalid regular expression {expression}: {error}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matched(scorer: Value, response: &str) -> f64 {
        let sample = Sample {
            prompt: "2 + 2?".into(),
            response: response.into(),
            references: [("answer".to_owned(), "4".into())].into_iter().collect(),
        };
        let scorer = scorer.as_object().cloned().expect("an object");
        match string_match(&scorer, response, &sample).expect("a score") {
            Score::Of { reward, .. } => reward,
            Score::Failed(error) => panic!("{error:?}"),
        }
    }

    #[test]
    fn texts_are_compared_in_three_ways() {
        let scorer = |operation: &str, expression: &str| {
            json!({
                "correctAnswerReward": 2,
                "wrongAnswerReward": -1,
                "stringMatchExpression": {
                    "matchOperation": operation, "expression": expression
                },
            })
        };
        assert_eq!(
            matched(scorer("EXACT_MATCH", "{{references.answer}}"), "4"),
            2.0
        );
        assert_eq!(matched(scorer("EXACT_MATCH", "4"), "It is 4."), -1.0);
        assert_eq!(matched(scorer("PARTIAL_MATCH", "4"), "It is 4."), 2.0);
        assert_eq!(
            matched(scorer("REGEX_CONTAINS", r"\b\d\."), "It is 4."),
            2.0
        );
        let member = json!({"jsonMatchExpression": {
            "keyName": "sum",
            "valueStringMatchExpression": {"matchOperation": "EXACT_MATCH", "expression": "4"},
        }});
        assert_eq!(matched(member.clone(), r#"{"sum": 4}"#), 1.0);
        assert_eq!(matched(member, "no JSON"), 0.0);
    }

    #[test]
    fn an_answer_is_extracted_before_it_is_scored() {
        let config = json!({"parseType": "REGEX_EXTRACT", "regexExtractExpression": "<a>(.*)</a>"});
        let config = config.as_object();
        assert_eq!(parsed("x <a>4</a> y", config), Ok("4".to_owned()));
        assert_eq!(parsed("nothing", config), Ok(String::new()));
        let bad = json!({"parseType": "REGEX_EXTRACT", "regexExtractExpression": "("});
        assert!(parsed("x", bad.as_object()).is_err());
    }
}
