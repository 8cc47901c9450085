//! `generationConfig`, decoded and checked: the settings that change an answer, and the ranges of
//! those that do not.

use serde_json::{Map, Value};

use crate::{
    engine::schema,
    gemini::{
        errors::ApiError,
        fields::{self, integer, join, list, number, object, string},
        schemas::Dialect,
    },
    route::Backend,
};

const MOST_CANDIDATES: i64 = 8;
const MOST_STOP_SEQUENCES: usize = 5;
const AT: &str = "generation_config";

/// The settings of one request.
#[derive(Debug, Default)]
pub(crate) struct GenerationConfig<'a> {
    /// At least 1 when decoded.
    pub(crate) candidate_count: usize,
    pub(crate) max_output_tokens: Option<usize>,
    pub(crate) stop_sequences: Vec<&'a str>,
    pub(crate) form: Form<'a>,
    /// The dialect of the form's schema.
    pub(crate) dialect: Dialect,
    pub(crate) thinking: Option<Thinking>,
}

/// What an answer is written as.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Form<'a> {
    #[default]
    Text,
    /// JSON, conforming to the schema if there is one.
    Json(Option<&'a Value>),
    /// One of the values of the schema's enum, as bare text.
    Choice(&'a Value),
}

/// How a model is to think.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Thinking {
    /// The most tokens of thought, if limited.
    pub(crate) budget: Option<usize>,
    /// Whether the thoughts are shown.
    pub(crate) shown: bool,
}

impl<'a> GenerationConfig<'a> {
    pub(crate) fn decode(
        parent: &'a Map<String, Value>,
        message: &str,
        backend: Backend,
    ) -> Result<Self, ApiError> {
        let mut config = Self {
            candidate_count: 1,
            ..Self::default()
        };
        let Some(fields) = object(parent, "generationConfig", "")? else {
            return Ok(config);
        };
        fields::GENERATION_CONFIG.check(fields, AT, backend)?;
        let refused = |field: &str, problem: &str| {
            ApiError::invalid_argument(format!("* {message}.{AT}.{field}: {problem}\n"))
        };

        if let Some(count) = integer(fields, "candidateCount", AT)? {
            if !(1..=MOST_CANDIDATES).contains(&count) {
                return Err(refused("candidate_count", "must be in the range [1, 8]."));
            }
            config.candidate_count = count as usize;
        }
        if let Some(most) = integer(fields, "maxOutputTokens", AT)? {
            if most < 1 {
                return Err(refused("max_output_tokens", "must be positive."));
            }
            config.max_output_tokens = Some(most as usize);
        }
        for (name, low, high) in [
            ("temperature", 0.0, 2.0),
            ("topP", 0.0, 1.0),
            ("topK", 1.0, f64::MAX),
            ("presencePenalty", -2.0, 2.0),
            ("frequencyPenalty", -2.0, 2.0),
        ] {
            if let Some(value) = number(fields, name, AT)?
                && !(low..=high).contains(&value)
            {
                let problem = if high == f64::MAX {
                    format!("must be at least {low:.0}.")
                } else {
                    format!("must be in the range [{low:.1}, {high:.1}].")
                };
                return Err(refused(&join("", name), &problem));
            }
        }
        for name in ["seed", "logprobs"] {
            integer(fields, name, AT)?;
        }
        for value in list(fields, "stopSequences") {
            let Some(text) = value.as_str() else {
                return Err(ApiError::invalid_value(
                    &join(AT, "stopSequences"),
                    "TYPE_STRING",
                    value,
                ));
            };
            if text.is_empty() {
                return Err(refused("stop_sequences", "must not be empty."));
            }
            config.stop_sequences.push(text);
        }
        if config.stop_sequences.len() > MOST_STOP_SEQUENCES {
            return Err(refused(
                "stop_sequences",
                "at most 5 stop sequences are supported.",
            ));
        }
        (config.form, config.dialect) = form(fields, refused)?;
        config.thinking = thinking(fields, refused)?;
        Ok(config)
    }
}

fn form<'a>(
    fields: &'a Map<String, Value>,
    refused: impl Fn(&str, &str) -> ApiError,
) -> Result<(Form<'a>, Dialect), ApiError> {
    let present = |key: &str| fields.get(key).filter(|value| !value.is_null());
    let own = present("responseSchema");
    let json = present("responseJsonSchema").or_else(|| present("_responseJsonSchema"));
    if own.is_some() && json.is_some() {
        return Err(refused(
            "response_schema",
            "only one of response_schema and response_json_schema can be set.",
        ));
    }
    let dialect = if json.is_some() {
        Dialect::JsonSchema
    } else {
        Dialect::Own
    };
    let schema = own.or(json);
    if let Some(schema) = schema.filter(|schema| !schema.is_object()) {
        return Err(ApiError::invalid_value(
            &join(AT, "responseSchema"),
            "an object",
            schema,
        ));
    }
    match (
        string(fields, "responseMimeType", AT)?.unwrap_or_default(),
        schema,
    ) {
        ("application/json", schema) => Ok((Form::Json(schema), dialect)),
        ("text/x.enum", Some(schema)) if schema::choices(schema).is_some() => {
            Ok((Form::Choice(schema), dialect))
        }
        ("text/x.enum", _) => Err(refused(
            "response_schema",
            "must be a string with an enum when response_mime_type is `text/x.enum`.",
        )),
        ("" | "text/plain", None) => Ok((Form::Text, dialect)),
        ("" | "text/plain", Some(_)) => Err(refused(
            "response_schema",
            "only allowed when response_mime_type is `application/json` or `text/x.enum`.",
        )),
        _ => Err(refused(
            "response_mime_type",
            "allowed mimetypes are `text/plain`, `application/json` and `text/x.enum`.",
        )),
    }
}

fn thinking(
    fields: &Map<String, Value>,
    refused: impl Fn(&str, &str) -> ApiError,
) -> Result<Option<Thinking>, ApiError> {
    const AT_THINKING: &str = "generation_config.thinking_config";
    let Some(config) = object(fields, "thinkingConfig", AT)? else {
        return Ok(None);
    };
    let budget = integer(config, "thinkingBudget", AT_THINKING)?;
    let level = string(config, "thinkingLevel", AT_THINKING)?;
    let level = level.filter(|level| *level != "THINKING_LEVEL_UNSPECIFIED");
    let shown = config
        .get("includeThoughts")
        .and_then(Value::as_bool)
        .unwrap_or(false);
    match budget {
        Some(budget) if budget < -1 => Err(refused(
            "thinking_config.thinking_budget",
            "must be -1 or not negative.",
        )),
        Some(_) if level.is_some() => Err(refused(
            "thinking_config",
            "only one of thinking_budget and thinking_level can be set.",
        )),
        Some(0) => Ok(None),
        // -1 leaves the amount to the model.
        Some(budget) => Ok(Some(Thinking {
            budget: usize::try_from(budget).ok(),
            shown,
        })),
        None if level.is_some() || shown => Ok(Some(Thinking {
            budget: None,
            shown,
        })),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn decode(config: Value) -> Result<String, String> {
        let body = json!({ "generationConfig": config });
        let body = body.as_object().expect("an object");
        GenerationConfig::decode(body, "GenerateContentRequest", Backend::Developer)
            .map(|config| format!("{config:?}"))
            .map_err(|error| error.message().to_owned())
    }

    #[test]
    fn what_is_out_of_range_is_refused_by_name() {
        let cases = [
            (json!({"candidateCount": 9}), "candidate_count"),
            (json!({"maxOutputTokens": 0}), "max_output_tokens"),
            (json!({"temperature": 2.5}), "temperature"),
            (json!({"topP": -1}), "top_p"),
            (json!({"topK": 0}), "top_k: must be at least 1"),
            (
                json!({"stopSequences": ["a", "b", "c", "d", "e", "f"]}),
                "stop_sequences",
            ),
            (
                json!({"responseMimeType": "image/png"}),
                "response_mime_type",
            ),
            (
                json!({"responseSchema": {"type": "STRING"}}),
                "response_schema",
            ),
            (
                json!({"thinkingConfig": {"thinkingBudget": -2}}),
                "thinking_budget",
            ),
            (
                json!({"seed": 1.5}),
                "'generation_config.seed' (TYPE_INT32)",
            ),
            (
                json!({"nope": 1}),
                "Unknown name \"nope\" at 'generation_config'",
            ),
            (json!(7), "Invalid value at 'generation_config'"),
        ];
        for (config, expected) in cases {
            let message = decode(config).expect_err("refused");
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn sensible_settings_are_taken() {
        decode(json!({
            "temperature": 0.7, "topK": 40.0, "seed": -5, "stopSequences": "one",
            "responseMimeType": "application/json", "responseJsonSchema": {"type": "object"},
            "thinkingConfig": {"thinkingLevel": "HIGH", "includeThoughts": true}
        }))
        .expect("taken");
        let off = decode(json!({"thinkingConfig": {"thinkingBudget": 0}})).expect("taken");
        assert!(off.contains("thinking: None"), "{off}");
        let dynamic = decode(json!({"thinkingConfig": {"thinkingBudget": -1}})).expect("taken");
        assert!(dynamic.contains("budget: None"), "{dynamic}");
    }
}
