//! What the client says in a Live session, one message each. A message goes out as JSON in a frame
//! of text; the bytes of media are written once.

use std::borrow::Cow;

use bytes::Bytes;
use gimmal_transport::Error;
use gimmal_types::gemini::{
    Blob, LiveClientContent, LiveClientContextUpdate, LiveClientToolResponse,
    LiveSendRealtimeInputParameters, Tool,
};

use super::tables::REALTIME;
use crate::gemini::mapping::Body;
use crate::gemini::{Backend, Endpoint, fields};

/// A message with turns of the conversation.
///
/// # Errors
///
/// Fails on fields that the backend does not have.
pub fn live_client_content(
    endpoint: &Endpoint,
    content: &LiveClientContent,
) -> Result<Bytes, Error> {
    fields::check(endpoint.backend(), content)?;
    let mut message = Body::default();
    message.add("clientContent", content);
    message.into_bytes()
}

/// A message with sound, a picture or text as it comes.
///
/// # Errors
///
/// Fails unless exactly one of the fields is set, and on media that are not what their field is
/// for.
pub fn live_realtime_input(
    endpoint: &Endpoint,
    input: &LiveSendRealtimeInputParameters,
) -> Result<Bytes, Error> {
    fields::check(endpoint.backend(), input)?;
    let set = [
        input.media.is_some(),
        input.audio.is_some(),
        input.audio_stream_end.is_some(),
        input.video.is_some(),
        input.text.is_some(),
        input.activity_start.is_some(),
        input.activity_end.is_some(),
    ];
    let count = set.into_iter().filter(|set| *set).count();
    if count != 1 {
        return Err(Error::invalid(
            "realtimeInput",
            format!(
                "takes exactly one of its fields, and {count} are set; send one after the other"
            ),
        ));
    }
    media_type("audio", input.audio.as_deref(), "audio/")?;
    media_type("video", input.video.as_deref(), "image/")?;
    let mut message = Body::default();
    message.put_object("realtimeInput", Body::of(&REALTIME, input));
    message.into_bytes()
}

fn media_type(field: &str, blob: Option<&Blob>, kind: &str) -> Result<(), Error> {
    let Some(blob) = blob else {
        return Ok(());
    };
    let mime = blob.mime_type.as_deref().unwrap_or_default();
    if mime.starts_with(kind) {
        return Ok(());
    }
    Err(Error::invalid(
        format!("{field}.mimeType"),
        format!("must begin with `{kind}`, and is `{mime}`"),
    ))
}

/// A message with answers to function calls.
///
/// # Errors
///
/// Fails when there is no answer, on fields that the backend does not have, and on the developer
/// API when an answer does not name its call.
pub fn live_tool_response(
    endpoint: &Endpoint,
    response: &LiveClientToolResponse,
) -> Result<Bytes, Error> {
    fields::check(endpoint.backend(), response)?;
    if response.function_responses.is_empty() {
        return Err(Error::invalid("functionResponses", "must not be empty"));
    }
    if endpoint.backend() == Backend::GeminiApi {
        let mut responses = response.function_responses.iter();
        if let Some(place) = responses.position(|response| response.id.is_none()) {
            return Err(Error::invalid(
                format!("functionResponses[{place}].id"),
                "is missing; take it from the call",
            ));
        }
    }
    let mut message = Body::default();
    message.add("toolResponse", response);
    message.into_bytes()
}

/// A message with new instructions or tools.
///
/// # Errors
///
/// Fails when neither is set, and on fields that the backend does not have.
pub fn live_context_update(
    endpoint: &Endpoint,
    update: &LiveClientContextUpdate,
) -> Result<Bytes, Error> {
    fields::check(endpoint.backend(), update)?;
    if update.system_instruction.is_none() && update.tools.is_none() {
        return Err(Error::invalid(
            "contextUpdate",
            "must set systemInstruction or tools",
        ));
    }
    let mut update = Cow::Borrowed(update);
    let tools = update.tools.as_ref();
    if tools.is_some_and(|tools| !Tool::are_merged(&tools.tools))
        && let Some(tools) = &mut update.to_mut().tools
    {
        tools.tools = Tool::merge_function_declarations(std::mem::take(&mut tools.tools));
    }
    let mut message = Body::default();
    message.add("contextUpdate", &*update);
    message.into_bytes()
}

#[cfg(test)]
mod tests {
    use gimmal_types::gemini::{
        ActivityEnd, ActivityStart, Content, FunctionDeclaration, FunctionResponse,
        LiveClientContextUpdateTools, Part,
    };
    use serde_json::{Value, json};

    use super::*;

    fn developer() -> Endpoint {
        Endpoint::gemini_api().build().unwrap()
    }

    fn vertex() -> Endpoint {
        Endpoint::vertex().with_project("p").build().unwrap()
    }

    fn read(message: Result<Bytes, Error>) -> Value {
        serde_json::from_slice(&message.unwrap()).unwrap()
    }

    #[test]
    fn turns() {
        let content = LiveClientContent::new()
            .set_turns([Content::user("hi")])
            .set_turn_complete(true);
        for endpoint in [developer(), vertex()] {
            assert_eq!(
                read(live_client_content(&endpoint, &content)),
                json!({"clientContent": {"turnComplete": true,
                    "turns": [{"parts": [{"text": "hi"}], "role": "user"}]}})
            );
        }
        let part = Part::text("x").set_part_metadata(serde_json::Map::new());
        let content = LiveClientContent::new().set_turns([Content::new().set_parts([part])]);
        assert!(live_client_content(&developer(), &content).is_ok());
        let error = live_client_content(&vertex(), &content).unwrap_err();
        assert_eq!(error.field(), Some("turns.parts.partMetadata"));
    }

    #[test]
    fn what_comes_is_sent_one_by_one() {
        let new = LiveSendRealtimeInputParameters::new;
        let sound = || {
            Blob::new()
                .set_data(vec![1, 2])
                .set_mime_type("audio/pcm;rate=16000")
        };
        let picture = || Blob::new().set_data(vec![3]).set_mime_type("image/png");
        let cases = [
            (
                new().set_media(picture()),
                json!({"mediaChunks": [{"data": "Aw==", "mimeType": "image/png"}]}),
            ),
            (
                new().set_audio(sound()),
                json!({"audio": {"data": "AQI=", "mimeType": "audio/pcm;rate=16000"}}),
            ),
            (
                new().set_audio_stream_end(true),
                json!({"audioStreamEnd": true}),
            ),
            (
                new().set_video(picture()),
                json!({"video": {"data": "Aw==", "mimeType": "image/png"}}),
            ),
            (new().set_text("t"), json!({"text": "t"})),
            (
                new().set_activity_start(ActivityStart::new()),
                json!({"activityStart": {}}),
            ),
            (
                new().set_activity_end(ActivityEnd::new()),
                json!({"activityEnd": {}}),
            ),
        ];
        for (input, expected) in cases {
            for endpoint in [developer(), vertex()] {
                let message = read(live_realtime_input(&endpoint, &input));
                assert_eq!(message, json!({"realtimeInput": expected}));
            }
        }
        let error = |input: LiveSendRealtimeInputParameters| {
            live_realtime_input(&developer(), &input)
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            error(new()),
            "invalid `realtimeInput`: takes exactly one of its fields, and 0 are set; send one \
             after the other"
        );
        assert!(error(new().set_text("t").set_audio(sound())).contains("2 are set"));
        assert_eq!(
            error(new().set_audio(picture())),
            "invalid `audio.mimeType`: must begin with `audio/`, and is `image/png`"
        );
        assert!(error(new().set_video(sound())).starts_with("invalid `video.mimeType`"));
    }

    #[test]
    fn answers_name_their_calls() {
        let answer = || FunctionResponse::new().set_name("f");
        let named = LiveClientToolResponse::new().set_function_responses([answer().set_id("1")]);
        assert_eq!(
            read(live_tool_response(&developer(), &named)),
            json!({"toolResponse": {"functionResponses": [{"id": "1", "name": "f"}]}})
        );
        let unnamed = [answer().set_id("1"), answer()];
        let unnamed = LiveClientToolResponse::new().set_function_responses(unnamed);
        assert!(live_tool_response(&vertex(), &unnamed).is_ok());
        assert_eq!(
            live_tool_response(&developer(), &unnamed)
                .unwrap_err()
                .to_string(),
            "invalid `functionResponses[1].id`: is missing; take it from the call"
        );
        assert!(live_tool_response(&vertex(), &LiveClientToolResponse::new()).is_err());
    }

    #[test]
    fn instructions_and_tools_are_replaced() {
        let function = |name: &str| {
            let declaration = FunctionDeclaration::new().set_name(name);
            Tool::new().set_function_declarations([declaration])
        };
        let tools = |tools: Vec<Tool>| LiveClientContextUpdateTools::new().set_tools(tools);
        let update = LiveClientContextUpdate::new()
            .set_system_instruction(Content::user("s"))
            .set_tools(tools(vec![function("a"), function("b")]));
        assert_eq!(
            read(live_context_update(&vertex(), &update)),
            json!({"contextUpdate": {
                "systemInstruction": {"parts": [{"text": "s"}], "role": "user"},
                "tools": {"tools": [{"functionDeclarations": [{"name": "a"}, {"name": "b"}]}]}}})
        );
        let none = LiveClientContextUpdate::new().set_tools(tools(Vec::new()));
        assert_eq!(
            read(live_context_update(&developer(), &none)),
            json!({"contextUpdate": {"tools": {}}}),
            "no tools any more"
        );
        let nothing = LiveClientContextUpdate::new();
        assert!(live_context_update(&developer(), &nothing).is_err());
    }
}
