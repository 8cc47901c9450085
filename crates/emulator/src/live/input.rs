//! What the client says after the setup: one message, checked the way the service checks it.

use serde_json::{Map, Value, json};

use crate::{
    gemini::{
        content,
        errors::ApiError,
        fields::{self, list, object, string},
        tools,
    },
    live::close::Close,
    route::Backend,
};

/// A message of the client's.
#[derive(Debug, PartialEq)]
pub(super) enum Input {
    /// Turns of the conversation, and whether the model is to answer.
    Content {
        turns: Vec<Value>,
        complete: bool,
    },
    /// Sound, as media type and bytes in base64.
    Sound(Value),
    /// A picture.
    Picture(Value),
    Text(String),
    /// The microphone is off.
    SoundEnds,
    Begins,
    Ends,
    /// Answers to function calls.
    Answers(Vec<Value>),
    /// New instructions, and new tools.
    Update {
        system: Option<Value>,
        tools: Option<Value>,
    },
    Nothing,
}

/// Decodes a message, which may say several things one after the other.
pub(super) fn decode(message: &Map<String, Value>, backend: Backend) -> Result<Vec<Input>, Close> {
    const KINDS: [&str; 4] = [
        "clientContent",
        "contextUpdate",
        "realtimeInput",
        "toolResponse",
    ];
    if message.contains_key("setup") {
        return Err(Close::invalid(
            "setup must be the first message and only the first",
        ));
    }
    if let Some(unknown) = message.keys().find(|key| !KINDS.contains(&key.as_str())) {
        return Err(ApiError::unknown_field(unknown, "").into());
    }
    if let Some(fields) = object(message, "clientContent", "")? {
        return Ok(vec![client_content(fields, backend)?]);
    }
    if let Some(fields) = object(message, "realtimeInput", "")? {
        return realtime(fields, backend);
    }
    if let Some(fields) = object(message, "toolResponse", "")? {
        return Ok(vec![Input::Answers(answers(fields, backend)?)]);
    }
    if let Some(fields) = object(message, "contextUpdate", "")? {
        let tools = object(fields, "tools", "context_update")?;
        let tools = tools.map(|tools| Value::from(list(tools, "tools")));
        tools::functions(tools.as_ref(), "BidiGenerateContentContextUpdate")?;
        return Ok(vec![Input::Update {
            system: fields.get("systemInstruction").cloned(),
            tools,
        }]);
    }
    Ok(vec![Input::Nothing])
}

fn client_content(fields: &Map<String, Value>, backend: Backend) -> Result<Input, Close> {
    const KNOWN: [&str; 2] = ["turnComplete", "turns"];
    if let Some(unknown) = fields.keys().find(|key| !KNOWN.contains(&key.as_str())) {
        return Err(ApiError::unknown_field(unknown, "client_content").into());
    }
    let turns = list(fields, "turns").to_vec();
    let body = Map::from_iter([("contents".to_owned(), Value::from(turns.clone()))]);
    content::decode(&body, "BidiGenerateContentClientContent", backend)?;
    Ok(Input::Content {
        turns,
        complete: flag(fields, "turnComplete"),
    })
}

fn realtime(fields: &Map<String, Value>, backend: Backend) -> Result<Vec<Input>, Close> {
    const AT: &str = "realtime_input";
    fields::LIVE_REALTIME_INPUT.check(fields, AT, backend)?;
    let mut inputs = Vec::new();
    if fields.contains_key("activityStart") {
        inputs.push(Input::Begins);
    }
    for chunk in list(fields, "mediaChunks") {
        inputs.push(blob(chunk, &format!("{AT}.media_chunks"), backend)?);
    }
    for name in ["audio", "video"] {
        if let Some(chunk) = fields.get(name) {
            inputs.push(blob(chunk, &format!("{AT}.{name}"), backend)?);
        }
    }
    if let Some(text) = string(fields, "text", AT)? {
        inputs.push(Input::Text(text.to_owned()));
    }
    if flag(fields, "audioStreamEnd") {
        inputs.push(Input::SoundEnds);
    }
    if fields.contains_key("activityEnd") {
        inputs.push(Input::Ends);
    }
    Ok(inputs)
}

/// A blob, whose bytes must be in base64.
fn blob(value: &Value, at: &str, backend: Backend) -> Result<Input, Close> {
    let Some(fields) = value.as_object() else {
        return Err(ApiError::invalid_value(at, "an object", value).into());
    };
    let part = json!({ "parts": [{ "inlineData": value }] });
    let body = Map::from_iter([("contents".to_owned(), Value::from(vec![part]))]);
    content::decode(&body, "BidiGenerateContentRealtimeInput", backend)?;
    let mime = string(fields, "mimeType", at)?.unwrap_or_default();
    Ok(if mime.starts_with("audio/") {
        Input::Sound(value.clone())
    } else {
        Input::Picture(value.clone())
    })
}

fn answers(fields: &Map<String, Value>, backend: Backend) -> Result<Vec<Value>, Close> {
    let answers = list(fields, "functionResponses");
    for answer in answers {
        let Some(fields) = answer.as_object() else {
            let at = "tool_response.function_responses";
            return Err(ApiError::invalid_value(at, "an object", answer).into());
        };
        let id = string(fields, "id", "function_responses")?.unwrap_or_default();
        if id.is_empty() && backend == Backend::Developer {
            return Err(Close::invalid(
                "* BidiGenerateContentToolResponse.function_responses.id: required field is not \
                 specified\n",
            ));
        }
    }
    Ok(answers.to_vec())
}

fn flag(fields: &Map<String, Value>, name: &str) -> bool {
    fields.get(name).and_then(Value::as_bool) == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(message: Value) -> Result<Vec<Input>, Close> {
        decode(message.as_object().expect("an object"), Backend::Developer)
    }

    #[test]
    fn every_kind_of_message() {
        let sound = json!({"mimeType": "audio/pcm", "data": "AAAA"});
        let picture = json!({"mimeType": "image/png", "data": "AAAA"});
        let cases = [
            (
                json!({"clientContent": {"turns": [{"parts": [{"text": "a"}]}], "turnComplete": true}}),
                vec![Input::Content {
                    turns: vec![json!({"parts": [{"text": "a"}]})],
                    complete: true,
                }],
            ),
            (
                json!({"realtimeInput": {"mediaChunks": [sound, picture]}}),
                vec![Input::Sound(sound.clone()), Input::Picture(picture)],
            ),
            (
                json!({"realtimeInput": {"audio": sound, "audioStreamEnd": true}}),
                vec![Input::Sound(sound.clone()), Input::SoundEnds],
            ),
            (
                json!({"realtimeInput": {"activityStart": {}, "text": "t", "activityEnd": {}}}),
                vec![Input::Begins, Input::Text("t".into()), Input::Ends],
            ),
            (
                json!({"contextUpdate": {"tools": {}}}),
                vec![Input::Update {
                    system: None,
                    tools: Some(json!([])),
                }],
            ),
            (json!({}), vec![Input::Nothing]),
        ];
        for (message, expected) in cases {
            assert_eq!(read(message), Ok(expected));
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let cases = [
            (
                json!({"setup": {}}),
                "setup must be the first message and only the first",
            ),
            (json!({"speak": {}}), "Unknown name \"speak\""),
            (
                json!({"clientContent": {"turn": []}}),
                "Unknown name \"turn\" at 'client_content'",
            ),
            (
                json!({"clientContent": {"turns": [{"role": "robot"}]}}),
                "Please use a valid role",
            ),
            (
                json!({"realtimeInput": {"turnComplete": true}}),
                "Unknown name \"turnComplete\" at 'realtime_input'",
            ),
            (
                json!({"realtimeInput": {"audio": {"mimeType": "audio/pcm", "data": "?"}}}),
                "Base64",
            ),
            (
                json!({"toolResponse": {"functionResponses": [{"name": "f"}]}}),
                "function_responses.id: required field",
            ),
        ];
        for (message, expected) in cases {
            let close = read(message).expect_err("refused");
            assert!(close.reason.contains(expected), "{}", close.reason);
            assert_eq!(close.code, 1007);
        }
    }
}
