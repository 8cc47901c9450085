//! Decisions: the answer that lies nearest to the matter, by the words they share.

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::{
    engine::embedding::{Features, text_features},
    gemini::{
        errors::ApiError,
        resources::{interactions::prompt, read},
        service::Call,
        usage::Tally,
    },
    reply::Reply,
};

/// How much the nearest answer stands out.
const SHARPNESS: f64 = 6.0;
const MOST_OPTIONS: usize = 255;

pub(super) fn create(call: &Call<'_>) -> Result<Reply, ApiError> {
    let fields = call.body()?;
    read::only(fields, &["input", "model", "questions"], "")?;
    let model = read::required(fields, "model")?;
    let model = model.strip_prefix("models/").unwrap_or(model);
    let target = call.target.generating(model);
    call.catalogue.find(model, &target, "generateContent")?;
    let Some(input) = fields.get("input").filter(|input| !input.is_null()) else {
        return Err(read::missing("input"));
    };
    let matter = prompt::words(&prompt::steps_of(input)?);
    let questions = read::object(fields, "questions")?;
    let Some(questions) = questions.filter(|questions| !questions.is_empty()) else {
        return Err(read::missing("questions"));
    };
    let blocked = call
        .blocked_phrases
        .iter()
        .any(|phrase| matter.contains(phrase.as_str()));
    let tokens = Tally::of_text(&matter, call.memory).total()
        + Tally::of_json(fields.get("questions"), call.memory).total();
    let usage =
        json!({"total_input_tokens": tokens, "total_output_tokens": 0, "total_tokens": tokens});
    if blocked {
        let body = json!({"prompt_feedback": {"block_reason": "safety",
            "block_reason_message": "The input was blocked."}, "usage": usage});
        return Ok(Reply::json(StatusCode::OK, &body));
    }
    let about = text_features(&matter);
    let mut answers = Map::new();
    for (name, question) in questions {
        answers.insert(name.clone(), answer(&about, question, name)?);
    }
    let body = json!({"answers": answers, "usage": usage});
    Ok(Reply::json(StatusCode::OK, &body))
}

fn answer(about: &Features, question: &Value, name: &str) -> Result<Value, ApiError> {
    let at = format!("questions[{name}]");
    let Some(fields) = question.as_object() else {
        return Err(ApiError::invalid_value(&at, "an object", question));
    };
    let instructions = match fields.get("instructions") {
        None | Some(Value::Null) => return Err(read::missing(&format!("{at}.instructions"))),
        Some(instructions) => prompt::words(&prompt::steps_of(instructions)?),
    };
    let options = |count: usize| {
        if (2..=MOST_OPTIONS).contains(&count) {
            return Ok(());
        }
        Err(read::invalid(
            &format!("{at}.criteria"),
            "between 2 and 255 are needed",
        ))
    };
    match read::kind(question) {
        "noul" => {
            let none = Map::new();
            let criteria = read::object(fields, "criteria")?.unwrap_or(&none);
            let yes = read::text(criteria, "true_description")?;
            let yes = format!("{instructions} {}", yes.unwrap_or_default());
            let no = read::text(criteria, "false_description")?.unwrap_or("no not none");
            let weights = weigh(about, &[yes.as_str(), no]);
            let noul = weights[0].clamp(0.01, 0.99);
            Ok(json!({"type": "noul", "noul": noul, "confidence": noul.max(1.0 - noul)}))
        }
        "choice" => {
            let none = Map::new();
            let criteria = read::object(fields, "criteria")?.unwrap_or(&none);
            options(criteria.len())?;
            let texts: Vec<String> = criteria
                .iter()
                .map(|(id, what)| format!("{id} {}", what.as_str().unwrap_or_default()))
                .collect();
            let weights = weigh(about, &texts);
            let (best, confidence) = largest(&weights);
            let names: Vec<&String> = criteria.keys().collect();
            let probabilities: Map<String, Value> = names
                .iter()
                .zip(&weights)
                .map(|(name, weight)| ((*name).clone(), (*weight).into()))
                .collect();
            Ok(
                json!({"type": "choice", "choice": names[best], "confidence": confidence,
                "probabilities": probabilities}),
            )
        }
        "score" => {
            let levels = read::list(fields, "criteria")?;
            options(levels.len())?;
            let texts: Vec<&str> = levels
                .iter()
                .map(|it| it.as_str().unwrap_or_default())
                .collect();
            let weights = weigh(about, &texts);
            let (_, confidence) = largest(&weights);
            let score: f64 = (0_u32..)
                .zip(&weights)
                .map(|(at, weight)| f64::from(at) * weight)
                .sum();
            let by_level = |values: Vec<Value>| -> Map<String, Value> {
                let levels = values.into_iter().enumerate();
                levels.map(|(at, value)| (at.to_string(), value)).collect()
            };
            Ok(
                json!({"type": "score", "score": score, "confidence": confidence,
                "probabilities": by_level(weights.iter().map(|weight| (*weight).into()).collect()),
                "legend": by_level(texts.iter().map(|text| (*text).into()).collect())}),
            )
        }
        _ => Err(read::invalid(
            &format!("{at}.type"),
            "it must be noul, choice or score",
        )),
    }
}

/// How likely each text is, by how near it lies; all together are 1.
fn weigh<T: AsRef<str>>(about: &Features, texts: &[T]) -> Vec<f64> {
    let about = about.clone().unit();
    let near = texts.iter().map(|text| {
        let text = text_features(text.as_ref()).unit();
        (SHARPNESS * f64::from(about.dot(&text))).exp()
    });
    let near: Vec<f64> = near.collect();
    let sum: f64 = near.iter().sum();
    near.into_iter().map(|weight| weight / sum).collect()
}

fn largest(weights: &[f64]) -> (usize, f64) {
    let mut best = (0, f64::MIN);
    for (at, weight) in weights.iter().enumerate() {
        if *weight > best.1 {
            best = (at, *weight);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_answer_is_the_likeliest() {
        let about = text_features("My parcel has not arrived, where is the delivery?");
        let question = json!({"type": "choice", "instructions": "What is it about?", "criteria": {
            "delivery": "a parcel or a delivery that is late", "invoice": "money, invoices, payments"}});
        let found = answer(&about, &question, "q").expect("an answer");
        assert_eq!(found["choice"], "delivery");
        let sum: f64 = found["probabilities"]
            .as_object()
            .expect("an object")
            .values()
            .filter_map(Value::as_f64)
            .sum();
        assert!((sum - 1.0).abs() < 1e-9);
        let question = json!({"type": "score", "instructions": "How urgent?",
            "criteria": ["a chat about the weather", "a parcel that has not arrived"]});
        let found = answer(&about, &question, "q").expect("an answer");
        assert!(found["score"].as_f64().expect("a number") > 0.5, "{found}");
        assert_eq!(found["legend"]["1"], "a parcel that has not arrived");
    }

    #[test]
    fn questions_that_cannot_be_answered_are_refused() {
        let about = text_features("x");
        for (question, said) in [
            (
                json!({"type": "noul"}),
                "The field questions[q].instructions is required.",
            ),
            (
                json!({"type": "choice", "instructions": "x", "criteria": {"a": ""}}),
                "Invalid value at 'questions[q].criteria': between 2 and 255 are needed",
            ),
            (
                json!({"type": "maybe", "instructions": "x"}),
                "Invalid value at 'questions[q].type': it must be noul, choice or score",
            ),
        ] {
            assert_eq!(
                answer(&about, &question, "q")
                    .expect_err("refused")
                    .message(),
                said
            );
        }
    }
}
