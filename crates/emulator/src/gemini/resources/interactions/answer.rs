//! The answer of the model as steps, with its status and its tokens.

use serde_json::{Map, Value, json};

use crate::{engine::tokenizer, gemini::resources::read::kind, rng::identifier};

const ALPHABET: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
/// The families of identifiers that calls and signatures are drawn from.
const CALLS: u64 = 42;
const SIGNATURES: u64 = 43;

/// What came of an interaction.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Outcome {
    pub(super) status: &'static str,
    pub(super) steps: Vec<Value>,
    pub(super) usage: Value,
    pub(super) errors: Vec<Value>,
    /// Words that are left for a later request.
    pub(super) rest: Option<String>,
}

/// What the identifiers of steps are drawn from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draw {
    pub(super) seed: u64,
    pub(super) number: u64,
}

impl Draw {
    fn id(self, family: u64, at: usize, length: usize) -> String {
        // So many steps an interaction never has.
        let number = self.number * 1000 + at as u64;
        identifier(self.seed, family, number, ALPHABET, length)
    }
}

/// Makes steps of a reply of `generateContent`. Words beyond `limit` tokens are left.
pub(super) fn outcome(
    reply: &Value,
    tools: &[Value],
    question: &str,
    limit: Option<usize>,
    draw: Draw,
) -> Outcome {
    let usage = usage(&reply["usageMetadata"]);
    let Some(candidate) = reply["candidates"].get(0) else {
        let error = json!({"code": "safety", "message": "The input was blocked."});
        return Outcome {
            status: "failed",
            usage,
            errors: vec![error],
            ..Outcome::default()
        };
    };
    let mut outcome = Outcome {
        status: match candidate["finishReason"].as_str() {
            Some("MAX_TOKENS") => "incomplete",
            _ => "completed",
        },
        usage,
        ..Outcome::default()
    };
    let mut spoken = Vec::new();
    let parts = candidate["content"]["parts"].as_array();
    for (at, part) in parts.into_iter().flatten().enumerate() {
        if part["thought"] == true {
            outcome.steps.push(json!({
                "type": "thought",
                "summary": [{"type": "text", "text": part["text"]}],
                "signature": draw.id(SIGNATURES, at, 24),
            }));
        } else if let Some(call) = part.get("functionCall") {
            outcome.status = "requires_action";
            outcome.steps.push(json!({
                "type": "function_call",
                "id": draw.id(CALLS, at, 12),
                "name": call["name"],
                "arguments": call["args"],
            }));
        } else if let Some(file) = part.get("inlineData") {
            spoken.push(media(file));
        } else if let Some(text) = part["text"].as_str().filter(|text| !text.is_empty()) {
            spoken.push(json!({"type": "text", "text": text}));
        }
    }
    if outcome.status != "requires_action" {
        outcome.steps.extend(searches(tools, question, draw));
    }
    if let Some(limit) = limit {
        cut(&mut spoken, limit, &mut outcome);
    }
    if !spoken.is_empty() {
        outcome
            .steps
            .push(json!({"type": "model_output", "content": spoken}));
    }
    outcome
}

/// What follows in a later request.
pub(super) fn continued(rest: &str, limit: usize, prompt_tokens: u64) -> Outcome {
    let mut spoken = vec![json!({"type": "text", "text": rest})];
    let mut outcome = Outcome {
        status: "completed",
        ..Outcome::default()
    };
    cut(&mut spoken, limit, &mut outcome);
    let text = spoken[0]["text"].as_str().unwrap_or_default();
    let written = tokenizer::count(text) as u64;
    outcome.usage = json!({
        "total_input_tokens": prompt_tokens,
        "total_output_tokens": written,
        "total_tokens": prompt_tokens + written,
    });
    outcome
        .steps
        .push(json!({"type": "model_output", "content": spoken}));
    outcome
}

/// Cuts the last words after `limit` tokens, and leaves what is behind them.
fn cut(spoken: &mut [Value], limit: usize, outcome: &mut Outcome) {
    let Some(last) = spoken.last_mut().filter(|last| kind(last) == "text") else {
        return;
    };
    let text = last["text"].as_str().unwrap_or_default().to_owned();
    let (kept, more) = tokenizer::truncate(&text, limit);
    if more {
        outcome.rest = Some(text[kept.len()..].to_owned());
        outcome.status = "requires_continuation";
        let written = tokenizer::count(kept) as u64;
        outcome.usage["total_output_tokens"] = written.into();
        let read = outcome.usage["total_input_tokens"].as_u64().unwrap_or(0);
        outcome.usage["total_tokens"] = (read + written).into();
        last["text"] = kept.into();
    }
}

fn media(file: &Value) -> Value {
    let mime = file["mimeType"].as_str().unwrap_or_default();
    let data = &file["data"];
    match mime.split('/').next().unwrap_or_default() {
        "image" => json!({"type": "image", "mime_type": mime, "data": data}),
        "audio" => json!({"type": "audio", "mime_type": "audio/l16", "sample_rate": 24_000,
            "channels": 1, "data": data}),
        _ => json!({"type": "document", "mime_type": mime, "data": data}),
    }
}

/// The service's own tools that are used before it answers.
fn searches(tools: &[Value], question: &str, draw: Draw) -> Vec<Value> {
    let mut steps = Vec::new();
    let mut used = |call: &str, arguments: Value, result: Value| {
        let id = draw.id(CALLS, 100 + steps.len(), 12);
        steps.push(json!({"type": format!("{call}_call"), "id": id, "arguments": arguments}));
        steps.push(json!({"type": format!("{call}_result"), "call_id": id, "result": result}));
    };
    for tool in tools {
        match kind(tool) {
            "google_search" => used(
                "google_search",
                json!({ "queries": [question] }),
                json!([{"search_suggestions": format!("<div>{}</div>", question.replace('<', "&lt;"))}]),
            ),
            "url_context" => {
                let words = question.split_ascii_whitespace();
                let urls: Vec<&str> = words
                    .filter(|word| word.starts_with("https://") || word.starts_with("http://"))
                    .collect();
                if !urls.is_empty() {
                    let found = urls
                        .iter()
                        .map(|url| json!({"url": url, "status": "success"}));
                    let found: Value = found.collect();
                    used("url_context", json!({ "urls": urls }), found);
                }
            }
            _ => {}
        }
    }
    steps
}

/// The tokens of a reply under the names of interactions.
fn usage(usage: &Value) -> Value {
    let count = |name: &str| usage[name].as_u64().unwrap_or(0);
    let mut out = json!({
        "total_input_tokens": count("promptTokenCount"),
        "total_output_tokens": count("candidatesTokenCount"),
        "total_thought_tokens": count("thoughtsTokenCount"),
        "total_cached_tokens": count("cachedContentTokenCount"),
        "total_tokens": count("totalTokenCount"),
        "total_tool_use_tokens": 0,
    });
    for (name, to) in [
        ("promptTokensDetails", "input_tokens_by_modality"),
        ("cacheTokensDetails", "cached_tokens_by_modality"),
        ("candidatesTokensDetails", "output_tokens_by_modality"),
    ] {
        if let Some(details) = usage[name].as_array() {
            out[to] = details.iter().map(by_modality).collect();
        }
    }
    out
}

fn by_modality(detail: &Value) -> Value {
    let modality = detail["modality"].as_str().unwrap_or_default();
    let fields: Map<String, Value> = [
        ("modality".to_owned(), modality.to_ascii_lowercase().into()),
        ("tokens".to_owned(), detail["tokenCount"].clone()),
    ]
    .into_iter()
    .collect();
    fields.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAW: Draw = Draw { seed: 1, number: 2 };

    fn reply(parts: Value, finish: &str) -> Value {
        json!({"candidates": [{"content": {"parts": parts}, "finishReason": finish}],
               "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5,
                   "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 3}]}})
    }

    #[test]
    fn parts_become_steps() {
        let parts = json!([{"text": "hm", "thought": true}, {"text": "a"},
            {"inlineData": {"mimeType": "image/png", "data": "aGk="}}]);
        let tools = [json!({"type": "google_search"})];
        let outcome = outcome(&reply(parts, "STOP"), &tools, "q", None, DRAW);
        let kinds: Vec<&str> = outcome.steps.iter().map(kind).collect();
        assert_eq!(
            kinds,
            [
                "thought",
                "google_search_call",
                "google_search_result",
                "model_output"
            ]
        );
        assert_eq!(outcome.steps[3]["content"][1]["type"], "image");
        assert_eq!(outcome.status, "completed");
        assert_eq!(
            outcome.usage["input_tokens_by_modality"],
            json!([{"modality": "text", "tokens": 3}])
        );
    }

    #[test]
    fn calls_wait_and_blocked_input_fails() {
        let parts = json!([{"functionCall": {"name": "f", "args": {"x": 1}}}]);
        let called = outcome(&reply(parts, "STOP"), &[], "q", None, DRAW);
        assert_eq!(called.status, "requires_action");
        assert_eq!(called.steps[0]["arguments"], json!({"x": 1}));
        let blocked = outcome(&json!({}), &[], "q", None, DRAW);
        assert_eq!((blocked.status, blocked.errors.len()), ("failed", 1));
        let long = outcome(
            &reply(json!([{"text": "a"}]), "MAX_TOKENS"),
            &[],
            "q",
            None,
            DRAW,
        );
        assert_eq!(long.status, "incomplete");
    }

    #[test]
    fn words_beyond_the_limit_are_left_for_later() {
        let text = "one two three four five six seven eight";
        let first = outcome(
            &reply(json!([{ "text": text }]), "STOP"),
            &[],
            "q",
            Some(3),
            DRAW,
        );
        assert_eq!(first.status, "requires_continuation");
        let mut whole = first.steps[0]["content"][0]["text"]
            .as_str()
            .expect("text")
            .to_owned();
        let mut rest = first.rest;
        let mut parts = 1;
        while let Some(left) = rest {
            let next = continued(&left, 3, 7);
            whole += next.steps[0]["content"][0]["text"].as_str().expect("text");
            rest = next.rest;
            parts += 1;
        }
        assert_eq!(whole, text);
        assert!(parts > 2);
    }
}
