//! An interaction put together from the events of its stream.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{
    Content, FunctionResult, Interaction, InteractionSseEvent, InteractionSseEventInteraction,
    ModelOutputStep, Step, StepDeltaData, TextContent, ThoughtStep, ThoughtSummaryContent,
};
use crate::Bytes64;

/// Puts an interaction together from its events.
///
/// Several streams that continue each other make one interaction: with each `interaction.created`
/// the places of steps count anew, behind those that are here already.
///
/// ```
/// use gimmal_types::gemini::interactions::{InteractionAssembly, InteractionSseEvent};
///
/// let mut assembly = InteractionAssembly::default();
/// for event in [
///     r#"{"event_type": "step.start", "index": 0, "step": {"type": "model_output"}}"#,
///     r#"{"event_type": "step.delta", "index": 0, "delta": {"type": "text", "text": "Two "}}"#,
///     r#"{"event_type": "step.delta", "index": 0, "delta": {"type": "text", "text": "rings."}}"#,
/// ] {
///     let event: InteractionSseEvent = serde_json::from_str(event)?;
///     assembly.absorb(event);
/// }
/// assert_eq!(assembly.finish().output_text(), "Two rings.");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct InteractionAssembly {
    /// Parts that are complete, joined.
    before: Option<Interaction>,
    part: Interaction,
    /// Texts of arguments by step; only all of one is JSON.
    arguments: BTreeMap<usize, String>,
    /// Base64 texts of media by step and place in it; only all of one need be decodable.
    media: BTreeMap<(usize, usize), Vec<String>>,
}

impl InteractionAssembly {
    /// Takes an event in.
    pub fn absorb(&mut self, event: InteractionSseEvent) {
        match event {
            InteractionSseEvent::Created(event) => {
                if self.part != Interaction::default() {
                    let part = self.take_part();
                    self.join(part);
                }
                self.tell(event.interaction);
            }
            InteractionSseEvent::Completed(event) => self.tell(event.interaction),
            InteractionSseEvent::StatusUpdate(event) => {
                let part = &mut self.part;
                part.status = event.status.or(part.status.take());
                part.usage = event.usage.or(part.usage.take());
                part.id = part.id.take().or(event.interaction_id);
                let token = event.continuation_token;
                part.continuation_token = token.or(part.continuation_token.take());
            }
            InteractionSseEvent::StepStart(event) => {
                let Some(step) = event.step else { return };
                let place = self.place(event.index);
                match self.part.steps.get_mut(place) {
                    Some(known) => *known = *step,
                    None => self.part.steps.push(*step),
                }
            }
            InteractionSseEvent::StepDelta(event) => {
                let place = self.place(event.index);
                if let Some(delta) = event.delta {
                    self.add(place, *delta);
                }
            }
            InteractionSseEvent::StepStop(event) => {
                self.part.usage = event.usage.or(self.part.usage.take());
            }
            InteractionSseEvent::Error(event) => {
                self.part.errors.extend(event.error.map(|error| *error));
            }
            InteractionSseEvent::Unknown(_) => {}
        }
    }

    /// The interaction as far as it came.
    pub fn finish(mut self) -> Interaction {
        let part = self.take_part();
        self.join(part);
        self.before.unwrap_or_default()
    }

    fn join(&mut self, part: Interaction) {
        match &mut self.before {
            Some(before) => before.append(part),
            None => self.before = Some(part),
        }
    }

    /// The part with everything in it that had to wait for its end.
    fn take_part(&mut self) -> Interaction {
        let mut part = std::mem::take(&mut self.part);
        for (place, text) in std::mem::take(&mut self.arguments) {
            if let Some(Step::FunctionCall(call)) = part.steps.get_mut(place) {
                match serde_json::from_str::<Map<String, Value>>(&text) {
                    Ok(arguments) => call.arguments = Some(arguments),
                    // What was cut off is kept as it is.
                    Err(_) => call.unknown_fields.insert("arguments_text", text.into()),
                }
            }
        }
        for ((place, index), texts) in std::mem::take(&mut self.media) {
            if let Some(content) = content_of(&mut part.steps, place)
                && let Some(content) = content.get_mut(index)
            {
                set_data(content, &texts);
            }
        }
        part
    }

    /// The place of a step; one that skips places is the next.
    fn place(&self, index: Option<i32>) -> usize {
        let last = self.part.steps.len();
        let index = index.and_then(|index| usize::try_from(index).ok());
        index.map_or(last.saturating_sub(1), |index| index.min(last))
    }

    fn tell(&mut self, told: Option<Box<InteractionSseEventInteraction>>) {
        let Some(told) = told else { return };
        let part = &mut self.part;
        part.id = told.id.or(part.id.take());
        part.status = told.status.or(part.status.take());
        part.model = told.model.map(Into::into).or(part.model.take());
        part.agent = told.agent.map(Into::into).or(part.agent.take());
        part.created = told.created.or(part.created.take());
        part.updated = told.updated.or(part.updated.take());
        part.service_tier = told.service_tier.or(part.service_tier.take());
        part.usage = told.usage.or(part.usage.take());
        part.continuation_token = told.continuation_token;
        if part.steps.is_empty() {
            part.steps = told.steps;
        }
    }

    fn add(&mut self, place: usize, delta: StepDeltaData) {
        if place >= self.part.steps.len() {
            // A delta without a start tells by its kind what began.
            self.part.steps.push(match delta {
                StepDeltaData::ThoughtSummary(_) | StepDeltaData::ThoughtSignature(_) => {
                    ThoughtStep::new().into()
                }
                _ => ModelOutputStep::new().into(),
            });
        }
        let delta = match delta {
            StepDeltaData::Arguments(more) => {
                let text = self.arguments.entry(place).or_default();
                return text.push_str(&more.arguments.unwrap_or_default());
            }
            StepDeltaData::Image(image) => {
                let content = json!({"type": "image", "uri": image.uri,
                    "mime_type": image.mime_type, "resolution": image.resolution});
                let starts = image.mime_type.is_some() || image.uri.is_some();
                return self.add_media(place, "image", content, image.data, starts);
            }
            StepDeltaData::Video(video) => {
                let content = json!({"type": "video", "uri": video.uri,
                    "mime_type": video.mime_type, "resolution": video.resolution});
                let starts = video.mime_type.is_some() || video.uri.is_some();
                return self.add_media(place, "video", content, video.data, starts);
            }
            StepDeltaData::Document(document) => {
                let content = json!({"type": "document", "uri": document.uri,
                    "mime_type": document.mime_type});
                let starts = document.mime_type.is_some() || document.uri.is_some();
                return self.add_media(place, "document", content, document.data, starts);
            }
            StepDeltaData::Audio(audio) => {
                let content = json!({"type": "audio", "uri": audio.uri, "channels": audio.channels,
                    "mime_type": audio.mime_type, "sample_rate": audio.sample_rate});
                // Sound comes in many pieces, each with its format.
                let same = match content_of(&mut self.part.steps, place).and_then(|it| it.last()) {
                    Some(Content::Audio(last)) => last.mime_type == audio.mime_type,
                    _ => false,
                };
                let starts = (audio.mime_type.is_some() && !same) || audio.uri.is_some();
                return self.add_media(place, "audio", content, audio.data, starts);
            }
            other => other,
        };
        if let Some(step) = self.part.steps.get_mut(place) {
            add_to(step, delta);
        }
    }

    fn add_media(
        &mut self,
        place: usize,
        kind: &str,
        content: Value,
        data: Option<String>,
        starts: bool,
    ) {
        let Some(contents) = content_of(&mut self.part.steps, place) else {
            return;
        };
        if starts || contents.last().is_none_or(|last| last.kind() != kind) {
            contents
                .push(serde_json::from_value(content.clone()).unwrap_or(Content::Unknown(content)));
        }
        let key = (place, contents.len() - 1);
        self.media.entry(key).or_default().extend(data);
    }
}

/// The content of a step that has some.
fn content_of(steps: &mut [Step], place: usize) -> Option<&mut Vec<Content>> {
    match steps.get_mut(place)? {
        Step::ModelOutput(step) => Some(&mut step.content),
        Step::UserInput(step) => Some(&mut step.content),
        _ => None,
    }
}

/// Decodes the pieces each by itself when that can be, else all of them as one text; what cannot
/// be decoded is kept as text.
fn set_data(content: &mut Content, texts: &[String]) {
    let each: Result<Vec<Bytes64>, _> = texts.iter().map(|text| text.parse()).collect();
    let whole = texts.iter().all(|text| text.len() % 4 == 0);
    let data = match each {
        Ok(each) if whole => {
            let bytes: Vec<u8> = each.iter().flat_map(|it| it.as_bytes()).copied().collect();
            Some(Bytes64::from(bytes))
        }
        _ => texts.concat().parse().ok(),
    };
    if texts.is_empty() {
        return;
    }
    let (field, unknown) = match content {
        Content::Image(it) => (&mut it.data, &mut it.unknown_fields),
        Content::Audio(it) => (&mut it.data, &mut it.unknown_fields),
        Content::Video(it) => (&mut it.data, &mut it.unknown_fields),
        Content::Document(it) => (&mut it.data, &mut it.unknown_fields),
        Content::Text(_) | Content::Unknown(_) => return,
    };
    match data {
        Some(data) => *field = Some(data),
        None => unknown.insert("data_text", texts.concat().into()),
    }
}

fn add_to(step: &mut Step, delta: StepDeltaData) {
    match (step, delta) {
        (Step::ModelOutput(step), StepDeltaData::Text(more)) => {
            add_text(&mut step.content, more.text)
        }
        (Step::UserInput(step), StepDeltaData::Text(more)) => {
            add_text(&mut step.content, more.text)
        }
        (Step::ModelOutput(step), StepDeltaData::TextAnnotation(more)) => {
            if let Some(Content::Text(text)) = step.content.last_mut() {
                text.annotations.extend(more.annotations);
            }
        }
        (Step::Thought(step), StepDeltaData::ThoughtSummary(more)) => {
            step.summary
                .extend(more.content.map(|content| match *content {
                    Content::Text(text) => ThoughtSummaryContent::Text(text),
                    Content::Image(image) => ThoughtSummaryContent::Image(image),
                    other => ThoughtSummaryContent::Unknown(
                        serde_json::to_value(other).unwrap_or_default(),
                    ),
                }));
        }
        (Step::Thought(step), StepDeltaData::ThoughtSignature(more)) => {
            step.signature = more.signature.or(step.signature.take());
        }
        (Step::CodeExecutionResult(step), StepDeltaData::CodeExecutionResult(more)) => {
            let known = match step.result.take() {
                Some(super::CodeExecutionOutput::Text(text)) => text,
                _ => String::new(),
            };
            let text = known + &more.result.unwrap_or_default();
            step.result = Some(super::CodeExecutionOutput::Text(text));
            step.is_error = more.is_error.or(step.is_error);
            step.signature = more.signature.or(step.signature.take());
        }
        (Step::FunctionResult(step), StepDeltaData::FunctionResult(more)) => {
            step.name = more.name.or(step.name.take());
            step.is_error = more.is_error.or(step.is_error);
            add_result(&mut step.result, more.result);
        }
        (Step::McpServerToolResult(step), StepDeltaData::McpServerToolResult(more)) => {
            step.name = more.name.or(step.name.take());
            step.server_name = more.server_name.or(step.server_name.take());
            add_result(&mut step.result, more.result);
        }
        (Step::McpServerToolCall(step), StepDeltaData::McpServerToolCall(more)) => {
            step.name = more.name.or(step.name.take());
            step.server_name = more.server_name.or(step.server_name.take());
            step.arguments = more.arguments.or(step.arguments.take());
        }
        (step, delta) => replace(step, delta),
    }
}

fn add_text(contents: &mut Vec<Content>, more: Option<String>) {
    let more = more.unwrap_or_default();
    match contents.last_mut() {
        Some(Content::Text(text)) => text.text.get_or_insert_default().push_str(&more),
        _ => contents.push(TextContent::new().set_text(more).into()),
    }
}

/// Words go on; anything else comes whole.
fn add_result(known: &mut Option<FunctionResult>, more: Option<FunctionResult>) {
    match (known.as_mut(), more.as_ref()) {
        (Some(FunctionResult::Text(text)), Some(FunctionResult::Text(more))) => text.push_str(more),
        (_, Some(_)) => *known = more,
        (_, None) => {}
    }
}

/// Deltas of the service's own tools have the members of their steps and come whole.
fn replace(step: &mut Step, delta: StepDeltaData) {
    macro_rules! take_over {
        ($($kind:ident { $($optional:ident),* ; $($list:ident),* }),* $(,)?) => {
            match (step, delta) {
                $((Step::$kind(step), StepDeltaData::$kind(more)) => {
                    $(step.$optional = more.$optional.or(step.$optional.take());)*
                    $(step.$list.extend(more.$list);)*
                })*
                _ => {}
            }
        };
    }
    take_over! {
        CodeExecutionCall { arguments, signature ; },
        UrlContextCall { arguments, signature ; },
        UrlContextResult { is_error, signature ; result },
        GoogleSearchCall { arguments, signature ; },
        GoogleSearchResult { is_error, signature ; result },
        FileSearchCall { signature ; },
        FileSearchResult { signature ; },
        GoogleMapsCall { arguments, signature ; },
        GoogleMapsResult { signature ; result },
        RetrievalCall { arguments, retrieval_type, signature ; },
        RetrievalResult { is_error, signature ; },
        ToolSearchCall { arguments, signature ; },
        ToolSearchResult { signature ; result },
        ProcessingCall { signature ; },
        ProcessingResult { signature ; },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, to_value};

    use super::*;

    fn assembled(events: Value) -> Value {
        let mut assembly = InteractionAssembly::default();
        for event in events.as_array().unwrap() {
            assembly.absorb(from_value::<InteractionSseEvent>(event.clone()).unwrap());
        }
        to_value(assembly.finish()).unwrap()
    }

    fn start(index: i32, step: Value) -> Value {
        json!({"event_type": "step.start", "index": index, "step": step})
    }

    fn delta(index: i32, delta: Value) -> Value {
        json!({"event_type": "step.delta", "index": index, "delta": delta})
    }

    #[test]
    fn words_thoughts_and_arguments_grow() {
        let whole = assembled(json!([
            {"event_type": "interaction.created",
             "interaction": {"id": "i", "status": "in_progress", "model": "m"}},
            start(0, json!({"type": "thought"})),
            delta(0, json!({"type": "thought_summary", "content": {"type": "text", "text": "Hm."}})),
            delta(0, json!({"type": "thought_signature", "signature": "s"})),
            start(1, json!({"type": "model_output"})),
            delta(1, json!({"type": "text", "text": "a"})),
            delta(1, json!({"type": "text", "text": "b"})),
            delta(1, json!({"type": "text_annotation_delta",
                            "annotations": [{"type": "url_citation", "url": "u"}]})),
            start(2, json!({"type": "function_call", "id": "c", "name": "f"})),
            delta(2, json!({"type": "arguments_delta", "arguments": "{\"x\":"})),
            delta(2, json!({"type": "arguments_delta", "arguments": " 1}"})),
            {"event_type": "step.stop", "index": 2},
            {"event_type": "something.new", "a": 1},
            {"event_type": "interaction.completed", "interaction":
                {"id": "i", "status": "requires_action", "usage": {"total_tokens": 9}}},
        ]));
        assert_eq!(
            whole,
            json!({"id": "i", "status": "requires_action", "model": "m",
                "usage": {"total_tokens": 9}, "steps": [
                {"type": "thought", "summary": [{"type": "text", "text": "Hm."}], "signature": "s"},
                {"type": "model_output", "content": [{"type": "text", "text": "ab",
                    "annotations": [{"type": "url_citation", "url": "u"}]}]},
                {"type": "function_call", "id": "c", "name": "f", "arguments": {"x": 1}}]})
        );
    }

    #[test]
    fn media_are_joined_whether_or_not_pieces_are_decodable() {
        let audio = |data: &str| json!({"type": "audio", "mime_type": "audio/l16", "data": data});
        let image = |mime: Option<&str>, data: &str| json!({"type": "image", "mime_type": mime, "data": data});
        let whole = assembled(json!([
            start(0, json!({"type": "model_output"})),
            delta(0, audio("YQ==")),
            delta(0, audio("Yg==")),
            delta(0, image(Some("image/png"), "aG")),
            delta(0, image(None, "k=")),
            delta(0, image(Some("image/png"), "aGk=")),
            delta(0, json!({"type": "video", "uri": "film"})),
            delta(
                0,
                json!({"type": "document", "mime_type": "application/pdf", "data": "%"})
            ),
        ]));
        assert_eq!(
            whole["steps"][0]["content"],
            json!([{"type": "audio", "mime_type": "audio/l16", "data": "YWI="},
                   {"type": "image", "mime_type": "image/png", "data": "aGk="},
                   {"type": "image", "mime_type": "image/png", "data": "aGk="},
                   {"type": "video", "uri": "film"},
                   {"type": "document", "mime_type": "application/pdf", "data_text": "%"}])
        );
    }

    #[test]
    fn tools_of_the_service_come_whole() {
        let whole = assembled(json!([
            start(0, json!({"type": "google_search_call", "id": "c"})),
            delta(
                0,
                json!({"type": "google_search_call", "arguments": {"queries": ["q"]}, "signature": "s"})
            ),
            start(1, json!({"type": "code_execution_result", "call_id": "d"})),
            delta(1, json!({"type": "code_execution_result", "result": "1\n"})),
            delta(
                1,
                json!({"type": "code_execution_result", "result": "2\n", "is_error": false})
            ),
            start(2, json!({"type": "mcp_server_tool_result", "call_id": "e"})),
            delta(
                2,
                json!({"type": "mcp_server_tool_result", "name": "t", "result": "a"})
            ),
            delta(
                2,
                json!({"type": "mcp_server_tool_result", "server_name": "s", "result": "b"})
            ),
        ]));
        assert_eq!(
            whole["steps"],
            json!([{"type": "google_search_call", "id": "c", "arguments": {"queries": ["q"]}, "signature": "s"},
                   {"type": "code_execution_result", "call_id": "d", "result": "1\n2\n", "is_error": false},
                   {"type": "mcp_server_tool_result", "call_id": "e", "server_name": "s", "name": "t", "result": "ab"}])
        );
    }

    #[test]
    fn streams_that_continue_each_other_are_one() {
        let hop = |id: &str, status: &str, text: &str| {
            vec![
                json!({"event_type": "interaction.created", "interaction": {"id": id}}),
                start(0, json!({"type": "model_output"})),
                delta(0, json!({"type": "text", "text": text})),
                json!({"event_type": "interaction.completed",
                       "interaction": {"id": id, "status": status, "usage": {"total_tokens": 2}}}),
            ]
        };
        let mut events = hop("1", "requires_continuation", "a");
        events.extend(hop("2", "completed", "b"));
        let whole = assembled(events.into());
        assert_eq!(whole["continuation_ids"], json!(["1", "2"]));
        assert_eq!(whole["status"], "completed");
        assert_eq!(whole["usage"]["total_tokens"], 4);
        assert_eq!(whole["steps"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn what_comes_without_a_start_is_not_lost() {
        let whole = assembled(json!([
            delta(0, json!({"type": "text", "text": "a"})),
            {"event_type": "error", "error": {"code": "c", "message": "m"}},
        ]));
        assert_eq!(
            whole,
            json!({"steps": [{"type": "model_output", "content": [{"type": "text", "text": "a"}]}],
                   "errors": [{"code": "c", "message": "m"}]})
        );
    }
}
