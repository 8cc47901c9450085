//! What came of an interaction, and joining the parts of one that took several requests.

use serde_json::Value;

use super::{
    AudioContent, Content, FunctionCallStep, FunctionResult, FunctionResultStep,
    GroundingToolCount, ImageContent, Interaction, InteractionStatus, ModalityTokens,
    ResponseFormat, ResponseFormats, Step, TextResponseFormat, TextResponseFormatMimeType, Usage,
    VideoContent,
};

impl Interaction {
    /// The words that the model said last, joined; empty when it said none.
    ///
    /// They end at whatever stands before them: other content, a call, or what the person said.
    pub fn output_text(&self) -> String {
        let mut found: Vec<&str> = Vec::new();
        'steps: for step in self.steps.iter().rev() {
            match step {
                Step::UserInput(_) => break,
                Step::Thought(_) => {}
                Step::ModelOutput(output) => {
                    for content in output.content.iter().rev() {
                        match content {
                            Content::Text(text) => {
                                found.push(text.text.as_deref().unwrap_or_default());
                            }
                            _ if found.is_empty() => {}
                            _ => break 'steps,
                        }
                    }
                }
                _ if found.is_empty() => {}
                _ => break,
            }
        }
        found.into_iter().rev().collect()
    }

    /// The picture that the model made last.
    pub fn output_image(&self) -> Option<&ImageContent> {
        self.output().find_map(|content| match content {
            Content::Image(image) => Some(image),
            _ => None,
        })
    }

    /// The sound that the model made last.
    pub fn output_audio(&self) -> Option<&AudioContent> {
        self.output().find_map(|content| match content {
            Content::Audio(audio) => Some(audio),
            _ => None,
        })
    }

    /// The film that the model made last.
    pub fn output_video(&self) -> Option<&VideoContent> {
        self.output().find_map(|content| match content {
            Content::Video(video) => Some(video),
            _ => None,
        })
    }

    /// What the model said since the person spoke last, the newest first.
    fn output(&self) -> impl Iterator<Item = &Content> {
        let steps = self.steps.iter().rev();
        steps
            .take_while(|step| !matches!(step, Step::UserInput(_)))
            .filter_map(|step| match step {
                Step::ModelOutput(output) => Some(output.content.iter().rev()),
                _ => None,
            })
            .flatten()
    }

    /// The functions of yours that the model waits for: calls without a result.
    pub fn pending_calls(&self) -> impl Iterator<Item = &FunctionCallStep> {
        self.steps.iter().filter_map(|step| match step {
            Step::FunctionCall(call) => Some(call).filter(|call| !self.is_answered(call)),
            _ => None,
        })
    }

    fn is_answered(&self, call: &FunctionCallStep) -> bool {
        self.steps.iter().any(|step| match step {
            Step::FunctionResult(result) => result.call_id == call.id,
            _ => false,
        })
    }

    /// Whether the service still works on it.
    pub fn is_running(&self) -> bool {
        matches!(
            self.status,
            Some(InteractionStatus::Queued | InteractionStatus::InProgress)
        )
    }

    /// The token to go on with, when the model had to stop.
    pub fn token_to_continue(&self) -> Option<&str> {
        let stopped = self.status == Some(InteractionStatus::RequiresContinuation);
        let token = self.continuation_token.as_deref().filter(|_| stopped);
        token.filter(|token| !token.is_empty())
    }

    /// Appends what the next request brought, as if it had been one.
    ///
    /// Identifier, status and everything else are those of the newer part; the time of making,
    /// what was said, and the interaction before this one are those of the older part.
    pub fn append(&mut self, mut next: Self) {
        let mut ids = std::mem::take(&mut self.continuation_ids);
        ids.extend(self.id.take());
        ids.append(&mut next.continuation_ids);
        ids.extend(next.id.clone());
        let mut seen = std::collections::BTreeSet::new();
        ids.retain(|id| !id.is_empty() && seen.insert(id.clone()));

        // The person spoke once; the service may tell it with each part.
        let spoken = next.steps.iter();
        let spoken = spoken.take_while(|step| matches!(step, Step::UserInput(_)));
        let rest = next.steps.split_off(spoken.count());
        let mut steps = std::mem::take(&mut self.steps);
        steps.extend(rest);

        let usage = match (self.usage.take(), next.usage.take()) {
            (Some(mut used), Some(more)) => {
                used.add(*more);
                Some(used)
            }
            (used, more) => used.or(more),
        };
        *self = Self {
            continuation_ids: ids,
            steps,
            usage,
            previous_interaction_id: self.previous_interaction_id.take(),
            created: self.created.take(),
            input: self.input.take(),
            ..next
        };
    }
}

impl Usage {
    /// Adds the tokens of a later request; the input of the first one is kept apart.
    pub fn add(&mut self, more: Self) {
        let first = self.initial_input_tokens.or(self.total_input_tokens);
        self.initial_input_tokens = first;
        add(&mut self.total_tokens, more.total_tokens);
        add(&mut self.total_input_tokens, more.total_input_tokens);
        add(&mut self.total_output_tokens, more.total_output_tokens);
        add(&mut self.total_thought_tokens, more.total_thought_tokens);
        add(&mut self.total_cached_tokens, more.total_cached_tokens);
        add(&mut self.total_tool_use_tokens, more.total_tool_use_tokens);
        add_each(
            &mut self.input_tokens_by_modality,
            more.input_tokens_by_modality,
        );
        add_each(
            &mut self.output_tokens_by_modality,
            more.output_tokens_by_modality,
        );
        add_each(
            &mut self.cached_tokens_by_modality,
            more.cached_tokens_by_modality,
        );
        add_each(
            &mut self.tool_use_tokens_by_modality,
            more.tool_use_tokens_by_modality,
        );
        add_each(&mut self.grounding_tool_count, more.grounding_tool_count);
    }
}

fn add(sum: &mut Option<i32>, more: Option<i32>) {
    if let Some(more) = more {
        *sum = Some(sum.unwrap_or_default().saturating_add(more));
    }
}

/// A count of one kind.
trait Counted {
    fn is_like(&self, other: &Self) -> bool;
    fn count(&mut self) -> &mut Option<i32>;
}

impl Counted for ModalityTokens {
    fn is_like(&self, other: &Self) -> bool {
        self.modality == other.modality
    }

    fn count(&mut self) -> &mut Option<i32> {
        &mut self.tokens
    }
}

impl Counted for GroundingToolCount {
    fn is_like(&self, other: &Self) -> bool {
        self.tool_type == other.tool_type
    }

    fn count(&mut self) -> &mut Option<i32> {
        &mut self.count
    }
}

fn add_each<T: Counted>(sums: &mut Vec<T>, more: Vec<T>) {
    for mut item in more {
        match sums.iter_mut().find(|sum| sum.is_like(&item)) {
            Some(sum) => add(sum.count(), *item.count()),
            None => sums.push(item),
        }
    }
}

impl FunctionCallStep {
    /// The result of this call, to be sent with the next interaction.
    pub fn answer(&self, result: impl Into<FunctionResult>) -> FunctionResultStep {
        FunctionResultStep {
            call_id: self.id.clone(),
            name: self.name.clone(),
            result: Some(result.into()),
            ..FunctionResultStep::default()
        }
    }

    /// Tells the model that this call failed, and why.
    pub fn fail(&self, why: impl Into<String>) -> FunctionResultStep {
        self.answer(why.into()).set_is_error(true)
    }
}

impl From<Value> for FunctionResult {
    fn from(value: Value) -> Self {
        match value {
            Value::Object(members) => Self::Object(members),
            Value::String(text) => Self::Text(text),
            // The service wants an object where it is not words.
            other => Self::Object([("result".to_owned(), other)].into_iter().collect()),
        }
    }
}

impl ResponseFormat {
    /// JSON that keeps to a JSON Schema.
    ///
    /// A schema that is no object is ignored, as if any JSON would do.
    pub fn json(schema: Value) -> Self {
        let format =
            TextResponseFormat::new().set_mime_type(TextResponseFormatMimeType::ApplicationJson);
        match schema {
            Value::Object(schema) => format.set_schema(schema).into(),
            _ => format.into(),
        }
    }
}

macro_rules! one_format {
    ($($format:ident),*) => { $(
        impl From<super::$format> for ResponseFormats {
            fn from(format: super::$format) -> Self {
                Self::One(format.into())
            }
        }
    )* };
}

one_format!(
    TextResponseFormat,
    ImageResponseFormat,
    AudioResponseFormat,
    VideoResponseFormat
);

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json, to_value};

    use super::*;

    fn interaction(steps: Value) -> Interaction {
        from_value(json!({"id": "i", "status": "completed", "steps": steps})).unwrap()
    }

    fn said(text: &str) -> Value {
        json!({"type": "model_output", "content": [{"type": "text", "text": text}]})
    }

    #[test]
    fn the_words_said_last_are_joined() {
        let asked = json!({"type": "user_input", "content": [{"type": "text", "text": "Hm?"}]});
        let call = json!({"type": "google_search_call", "id": "c", "arguments": {}});
        let thought = json!({"type": "thought"});
        let whole = interaction(json!([
            asked,
            said("a"),
            call,
            said("b"),
            thought,
            said("c")
        ]));
        assert_eq!(whole.output_text(), "bc");
        assert_eq!(interaction(json!([said("a"), asked])).output_text(), "");
        let mixed = json!({"type": "model_output", "content": [
            {"type": "text", "text": "a"}, {"type": "image", "uri": "one"},
            {"type": "text", "text": "b"}, {"type": "audio", "uri": "sound"},
            {"type": "video", "uri": "film"}, {"type": "image", "uri": "two"}]});
        let mixed = interaction(json!([mixed]));
        assert_eq!(mixed.output_text(), "b");
        assert_eq!(mixed.output_image().unwrap().uri.as_deref(), Some("two"));
        assert_eq!(mixed.output_audio().unwrap().uri.as_deref(), Some("sound"));
        assert_eq!(mixed.output_video().unwrap().uri.as_deref(), Some("film"));
    }

    #[test]
    fn calls_without_a_result_are_pending() {
        let call =
            |id: &str| json!({"type": "function_call", "id": id, "name": "f", "arguments": {}});
        let result = json!({"type": "function_result", "call_id": "a", "result": "done"});
        let interaction = interaction(json!([call("a"), result, call("b")]));
        let pending: Vec<_> = interaction.pending_calls().collect();
        assert_eq!(pending.len(), 1);
        assert_eq!(
            to_value(Step::from(pending[0].answer(json!({"degrees": 20})))).unwrap(),
            json!({"type": "function_result", "call_id": "b", "name": "f", "result": {"degrees": 20}})
        );
        assert_eq!(
            to_value(pending[0].fail("no wind")).unwrap(),
            json!({"call_id": "b", "name": "f", "result": "no wind", "is_error": true})
        );
        assert_eq!(
            FunctionResult::from(json!([1])),
            FunctionResult::from(json!({"result": [1]}))
        );
    }

    #[test]
    fn parts_are_joined_to_one() {
        let mut whole: Interaction = from_value(json!({
            "id": "1", "status": "requires_continuation", "continuation_token": "t",
            "created": "then", "previous_interaction_id": "0", "steps": [said("a")],
            "usage": {"total_tokens": 5, "total_input_tokens": 3,
                      "output_tokens_by_modality": [{"modality": "text", "tokens": 2}]}}))
        .unwrap();
        assert_eq!(whole.token_to_continue(), Some("t"));
        whole.append(
            from_value(json!({
            "id": "2", "status": "completed", "created": "now", "previous_interaction_id": "1",
            "steps": [{"type": "user_input"}, said("b")],
            "usage": {"total_tokens": 6, "total_input_tokens": 4,
                      "output_tokens_by_modality": [{"modality": "text", "tokens": 1},
                                                    {"modality": "audio", "tokens": 7}],
                      "grounding_tool_count": [{"type": "retrieval", "count": 1}]}}))
            .unwrap(),
        );
        assert_eq!(
            to_value(&whole).unwrap(),
            json!({"id": "2", "status": "completed", "created": "then",
                   "previous_interaction_id": "0", "continuation_ids": ["1", "2"],
                   "steps": [said("a"), said("b")],
                   "usage": {"total_tokens": 11, "total_input_tokens": 7, "initial_input_tokens": 3,
                             "output_tokens_by_modality": [{"modality": "text", "tokens": 3},
                                                           {"modality": "audio", "tokens": 7}],
                             "grounding_tool_count": [{"type": "retrieval", "count": 1}]}})
        );
        assert_eq!(whole.output_text(), "ab");
        assert_eq!(whole.token_to_continue(), None);
        assert!(!whole.is_running());
    }

    #[test]
    fn a_schema_makes_a_format() {
        let format = ResponseFormats::from(ResponseFormat::json(json!({"type": "object"})));
        assert_eq!(
            to_value(format).unwrap(),
            json!({"type": "text", "mime_type": "application/json", "schema": {"type": "object"}})
        );
        let bare: ResponseFormats =
            from_value(json!({"type": "object", "properties": {}})).unwrap();
        assert_eq!(
            to_value(bare).unwrap(),
            json!({"type": "object", "properties": {}})
        );
    }
}
