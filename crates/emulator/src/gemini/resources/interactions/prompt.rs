//! What is said in an interaction, as steps and as the contents of a request to the model.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::gemini::{
    errors::ApiError,
    resources::read::{self, kind},
};

/// Pieces of content, which are no steps.
const CONTENTS: &[&str] = &["text", "image", "audio", "video", "document"];

/// Steps that may be sent in.
const STEPS: &[&str] = &[
    "user_input",
    "model_output",
    "thought",
    "function_call",
    "function_result",
    "code_execution_call",
    "code_execution_result",
    "url_context_call",
    "url_context_result",
    "google_search_call",
    "google_search_result",
    "mcp_server_tool_call",
    "mcp_server_tool_result",
    "file_search_call",
    "file_search_result",
    "google_maps_call",
    "google_maps_result",
    "retrieval_call",
    "retrieval_result",
    "tool_search_call",
    "tool_search_result",
    "processing_call",
    "processing_result",
];

/// What is said, as steps: of a text, a piece of content, or a list of content or steps.
pub(crate) fn steps_of(input: &Value) -> Result<Vec<Value>, ApiError> {
    let said = |content: Vec<Value>| json!({"type": "user_input", "content": content});
    match input {
        Value::String(text) => Ok(vec![said(vec![json!({"type": "text", "text": text})])]),
        Value::Object(_) => {
            check_content(input)?;
            Ok(vec![said(vec![input.clone()])])
        }
        Value::Array(items) if !items.is_empty() => {
            if items.iter().all(|item| CONTENTS.contains(&kind(item))) {
                items.iter().try_for_each(check_content)?;
                return Ok(vec![said(items.clone())]);
            }
            items.iter().try_for_each(check_step)?;
            Ok(items.clone())
        }
        other => Err(ApiError::invalid_value(
            "input",
            "a text, content or steps",
            other,
        )),
    }
}

fn check_step(step: &Value) -> Result<(), ApiError> {
    if !STEPS.contains(&kind(step)) {
        let why = format!("'{}' is no type of step", kind(step));
        return Err(read::invalid("input.type", &why));
    }
    if matches!(kind(step), "user_input" | "model_output") {
        let content = step.get("content").and_then(Value::as_array);
        content.into_iter().flatten().try_for_each(check_content)?;
    }
    if kind(step) == "function_result" && step.get("call_id").and_then(Value::as_str).is_none() {
        return Err(read::missing("input.call_id"));
    }
    Ok(())
}

fn check_content(content: &Value) -> Result<(), ApiError> {
    let has = |name: &str| content.get(name).and_then(Value::as_str).is_some();
    match kind(content) {
        "text" if has("text") => Ok(()),
        "text" => Err(read::missing("input.text")),
        "image" | "audio" | "video" | "document" if has("data") != has("uri") => Ok(()),
        "image" | "audio" | "video" | "document" => Err(read::invalid(
            "input",
            "exactly one of data and uri is needed",
        )),
        other => Err(read::invalid(
            "input.type",
            &format!("'{other}' is no type of content"),
        )),
    }
}

/// All words of steps.
pub(crate) fn words(steps: &[Value]) -> String {
    let contents = steps
        .iter()
        .filter_map(|step| step.get("content")?.as_array());
    let texts = contents
        .flatten()
        .filter_map(|content| content.get("text")?.as_str());
    texts.collect::<Vec<_>>().join("\n")
}

/// The contents of a request to the model for a conversation.
pub(super) fn contents(steps: &[Value]) -> Vec<Value> {
    let mut names: BTreeMap<&str, &Value> = BTreeMap::new();
    let mut turns: Vec<(&str, Vec<Value>)> = Vec::new();
    for step in steps {
        let (role, parts) = match kind(step) {
            "user_input" => ("user", parts(step)),
            "model_output" => ("model", parts(step)),
            "function_call" => {
                if let (Some(id), Some(name)) = (step["id"].as_str(), step.get("name")) {
                    names.insert(id, name);
                }
                let call = json!({"name": step["name"], "args": step["arguments"]});
                ("model", vec![json!({ "functionCall": call })])
            }
            "function_result" => {
                let id = step["call_id"].as_str().unwrap_or_default();
                let name = step.get("name").filter(|name| !name.is_null());
                let name = name.or(names.get(id).copied());
                let name = name.cloned().unwrap_or_else(|| id.into());
                let response = match &step["result"] {
                    object @ Value::Object(_) => object.clone(),
                    other => json!({ "result": other }),
                };
                let response = json!({"name": name, "response": response});
                ("user", vec![json!({ "functionResponse": response })])
            }
            // Thoughts and the service's own tools say nothing that the model does not say after.
            _ => continue,
        };
        match turns.last_mut() {
            Some((last, all)) if *last == role => all.extend(parts),
            _ => turns.push((role, parts)),
        }
    }
    let turns = turns.into_iter().filter(|(_, parts)| !parts.is_empty());
    turns
        .map(|(role, parts)| json!({"role": role, "parts": parts}))
        .collect()
}

fn parts(step: &Value) -> Vec<Value> {
    let contents = step["content"].as_array().into_iter().flatten();
    let part = |content: &Value| {
        let mime = content.get("mime_type").cloned();
        Some(match kind(content) {
            "text" => json!({ "text": content["text"] }),
            "image" | "audio" | "video" | "document" => match content.get("data") {
                Some(data) => json!({"inlineData": {
                    "mimeType": mime.unwrap_or_else(|| "application/octet-stream".into()),
                    "data": data}}),
                None => json!({"fileData": {"mimeType": mime, "fileUri": content["uri"]}}),
            },
            _ => return None,
        })
    };
    contents.filter_map(part).collect()
}

/// The request to the model: conversation, settings and tools under the names of that message.
pub(super) fn request(
    fields: &Map<String, Value>,
    conversation: &[Value],
    system: Option<&str>,
    tools: &[Value],
) -> Result<Value, ApiError> {
    let mut body = json!({ "contents": contents(conversation) });
    if let Some(system) = system {
        body["systemInstruction"] = json!({"parts": [{ "text": system }]});
    }
    let functions: Vec<Value> = tools
        .iter()
        .filter(|tool| kind(tool) == "function")
        .map(|tool| {
            let mut function = json!({ "name": tool["name"] });
            if let Some(description) = tool.get("description") {
                function["description"] = description.clone();
            }
            if let Some(parameters) = tool.get("parameters").filter(|it| !it.is_null()) {
                function["parametersJsonSchema"] = parameters.clone();
            }
            function
        })
        .collect();
    if !functions.is_empty() {
        body["tools"] = json!([{ "functionDeclarations": functions }]);
    }
    if let Some(name) = fields.get("cached_content") {
        body["cachedContent"] = name.clone();
    }
    let none = Map::new();
    let config = read::object(fields, "generation_config")?.unwrap_or(&none);
    let mut generation = generation_config(config)?;
    format(fields.get("response_format"), &mut generation)?;
    if !generation.is_empty() {
        body["generationConfig"] = generation.into();
    }
    if let Some(choice) = config.get("tool_choice") {
        body["toolConfig"] = json!({ "functionCallingConfig": calling(choice) });
    }
    Ok(body)
}

fn generation_config(config: &Map<String, Value>) -> Result<Map<String, Value>, ApiError> {
    let mut out = Map::new();
    for (name, to) in [
        ("max_output_tokens", "maxOutputTokens"),
        ("seed", "seed"),
        ("stop_sequences", "stopSequences"),
        ("temperature", "temperature"),
        ("top_p", "topP"),
    ] {
        if let Some(value) = config.get(name) {
            out.insert(to.to_owned(), value.clone());
        }
    }
    let mut thinking = Map::new();
    if let Some(level) = read::text(config, "thinking_level")? {
        // The model knows no level above high.
        let level = if level == "xhigh" { "high" } else { level };
        thinking.insert(
            "thinkingLevel".to_owned(),
            level.to_ascii_uppercase().into(),
        );
    }
    if let Some(summaries) = read::text(config, "thinking_summaries")? {
        thinking.insert("includeThoughts".to_owned(), (summaries == "auto").into());
    }
    if !thinking.is_empty() {
        out.insert("thinkingConfig".to_owned(), thinking.into());
    }
    let speech = config.get("speech_config");
    let voices = speech.map(|speech| speech.get("speakers").unwrap_or(speech));
    let first = voices
        .and_then(|voices| voices.get(0)?.get("voice"))
        .cloned();
    if let Some(voice) = first {
        let voice = json!({"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": voice}}});
        out.insert("speechConfig".to_owned(), voice);
    }
    Ok(out)
}

/// What the answer is to look like; a bare schema asks for JSON.
fn format(format: Option<&Value>, out: &mut Map<String, Value>) -> Result<(), ApiError> {
    let formats = match format {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::Array(formats)) => formats.as_slice(),
        Some(one) => std::slice::from_ref(one),
    };
    let mut modalities = Vec::new();
    for format in formats {
        match kind(format) {
            "image" => modalities.push("IMAGE"),
            "audio" => modalities.push("AUDIO"),
            "video" => return Err(read::invalid("response_format", "the model makes no films")),
            "text" => {
                modalities.push("TEXT");
                let is_json = format["mime_type"] == "application/json";
                let schema = format.get("schema").filter(|schema| !schema.is_null());
                if is_json || schema.is_some() {
                    ask_for_json(schema, out);
                }
            }
            _ if format.is_object() => ask_for_json(Some(format), out),
            _ => {
                return Err(ApiError::invalid_value(
                    "response_format",
                    "an object",
                    format,
                ));
            }
        }
    }
    if modalities.iter().any(|modality| *modality != "TEXT") {
        out.insert("responseModalities".to_owned(), modalities.into());
    }
    Ok(())
}

fn ask_for_json(schema: Option<&Value>, out: &mut Map<String, Value>) {
    out.insert("responseMimeType".to_owned(), "application/json".into());
    if let Some(schema) = schema {
        out.insert("responseJsonSchema".to_owned(), schema.clone());
    }
}

fn calling(choice: &Value) -> Value {
    let upper = |mode: &Value| mode.as_str().unwrap_or_default().to_ascii_uppercase();
    match choice.get("allowed_tools") {
        Some(allowed) => json!({"mode": upper(&allowed["mode"]),
            "allowedFunctionNames": allowed["tools"]}),
        None => json!({ "mode": upper(choice) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_has_several_forms() {
        let text = json!({"type": "text", "text": "a"});
        let step = json!([{"type": "user_input", "content": [text]}]);
        for input in [json!("a"), text.clone(), json!([text]), step.clone()] {
            assert_eq!(
                Value::from(steps_of(&input).expect("steps")),
                step,
                "{input}"
            );
        }
        for (input, said) in [
            (
                json!([]),
                "Invalid value at 'input' (a text, content or steps), []",
            ),
            (
                json!([{"type": "song"}]),
                "Invalid value at 'input.type': 'song' is no type of step",
            ),
            (
                json!({"type": "image"}),
                "Invalid value at 'input': exactly one of data and uri is needed",
            ),
            (
                json!([{"type": "function_result"}]),
                "The field input.call_id is required.",
            ),
        ] {
            assert_eq!(steps_of(&input).expect_err("refused").message(), said);
        }
    }

    #[test]
    fn a_conversation_becomes_turns() {
        let steps = json!([
            {"type": "user_input", "content": [{"type": "text", "text": "a"}]},
            {"type": "thought", "signature": "s"},
            {"type": "function_call", "id": "c", "name": "f", "arguments": {"x": 1}},
            {"type": "function_result", "call_id": "c", "result": "done"},
            {"type": "model_output", "content": [{"type": "image", "uri": "u", "mime_type": "image/png"}]},
        ]);
        assert_eq!(
            Value::from(contents(steps.as_array().expect("a list"))),
            json!([
                {"role": "user", "parts": [{"text": "a"}]},
                {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {"x": 1}}}]},
                {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"result": "done"}}}]},
                {"role": "model", "parts": [{"fileData": {"mimeType": "image/png", "fileUri": "u"}}]},
            ])
        );
    }

    #[test]
    fn settings_have_the_names_of_the_model() {
        let fields = json!({
            "generation_config": {"max_output_tokens": 5, "thinking_level": "xhigh",
                "thinking_summaries": "auto", "speech_config": [{"voice": "Puck"}],
                "tool_choice": {"allowed_tools": {"mode": "any", "tools": ["f"]}}},
            "response_format": {"type": "text", "schema": {"type": "object"}},
        });
        let tools = json!([{"type": "function", "name": "f", "parameters": {"type": "object"}}]);
        let fields = fields.as_object().expect("an object");
        let tools = tools.as_array().expect("a list");
        let body = request(fields, &[], Some("be kind"), tools).expect("a request");
        assert_eq!(body["systemInstruction"]["parts"][0]["text"], "be kind");
        assert_eq!(body["tools"][0]["functionDeclarations"][0]["name"], "f");
        assert_eq!(
            body["toolConfig"]["functionCallingConfig"],
            json!({"mode": "ANY", "allowedFunctionNames": ["f"]})
        );
        assert_eq!(
            body["generationConfig"],
            json!({"maxOutputTokens": 5, "responseMimeType": "application/json",
                "responseJsonSchema": {"type": "object"},
                "thinkingConfig": {"thinkingLevel": "HIGH", "includeThoughts": true},
                "speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Puck"}}}})
        );
    }
}
