//! What users ask of a reply: its text, its calls, and one reply out of streamed chunks.

use super::{
    Candidate, CodeExecutionResult, Content, ExecutableCode, FinishReason, FunctionCall,
    GenerateContentResponse, Part,
};
use crate::wire::UnknownFields;

impl GenerateContentResponse {
    /// The parts of the first candidate; empty when there is none.
    pub fn parts(&self) -> &[Part] {
        self.candidates
            .first()
            .and_then(|candidate| candidate.content.as_ref())
            .map_or(&[], |content| content.parts.as_slice())
    }

    /// The text of the first candidate without its reasoning.
    ///
    /// `None` when it holds no text part at all, as with a refused prompt or a bare function call;
    /// an empty text is `Some`.
    ///
    /// ```
    /// use gimmal_types::gemini::GenerateContentResponse;
    ///
    /// let reply: GenerateContentResponse = serde_json::from_str(
    ///     r#"{"candidates": [{"content": {"parts": [
    ///         {"text": "hm", "thought": true}, {"text": "4"}, {"text": "2"}]}}]}"#,
    /// )?;
    /// assert_eq!(reply.text().as_deref(), Some("42"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn text(&self) -> Option<String> {
        let texts: Vec<&str> = self
            .parts()
            .iter()
            .filter(|part| !part.is_thought())
            .filter_map(|part| part.text.as_deref())
            .collect();
        (!texts.is_empty()).then(|| texts.concat())
    }

    /// The function calls of the first candidate, in order.
    pub fn function_calls(&self) -> impl Iterator<Item = &FunctionCall> {
        self.parts()
            .iter()
            .filter_map(|part| part.function_call.as_deref())
    }

    /// The first piece of code of the first candidate.
    pub fn executable_code(&self) -> Option<&ExecutableCode> {
        self.parts()
            .iter()
            .find_map(|part| part.executable_code.as_deref())
    }

    /// The first result of code of the first candidate.
    pub fn code_execution_result(&self) -> Option<&CodeExecutionResult> {
        self.parts()
            .iter()
            .find_map(|part| part.code_execution_result.as_deref())
    }

    /// Why the first candidate stopped.
    pub fn finish_reason(&self) -> Option<&FinishReason> {
        self.candidates.first()?.finish_reason.as_ref()
    }

    /// Adds the next chunk of a stream to what came before.
    ///
    /// Candidates are joined by their index. Adjacent pieces of plain text of the same sort
    /// (answer or reasoning) become one part. Counters and everything else that a later chunk
    /// states again are taken from it, because the service sends running totals.
    pub fn absorb(&mut self, chunk: Self) {
        for candidate in chunk.candidates {
            let index = candidate.index.unwrap_or(0);
            match self
                .candidates
                .iter_mut()
                .find(|have| have.index.unwrap_or(0) == index)
            {
                Some(have) => have.absorb(candidate),
                None => self.candidates.push(candidate),
            }
        }
        replace(&mut self.prompt_feedback, chunk.prompt_feedback);
        replace(&mut self.usage_metadata, chunk.usage_metadata);
        replace(&mut self.model_version, chunk.model_version);
        replace(&mut self.response_id, chunk.response_id);
        replace(&mut self.create_time, chunk.create_time);
        replace(&mut self.model_status, chunk.model_status);
        merge_unknown(&mut self.unknown_fields, &chunk.unknown_fields);
    }
}

impl Candidate {
    fn absorb(&mut self, chunk: Self) {
        if let Some(content) = chunk.content {
            let have = self.content.get_or_insert_default();
            replace(&mut have.role, content.role);
            merge_unknown(&mut have.unknown_fields, &content.unknown_fields);
            for part in content.parts {
                push_part(have, part);
            }
        }
        replace(&mut self.finish_reason, chunk.finish_reason);
        replace(&mut self.finish_message, chunk.finish_message);
        replace(&mut self.token_count, chunk.token_count);
        replace(&mut self.avg_logprobs, chunk.avg_logprobs);
        replace(&mut self.logprobs_result, chunk.logprobs_result);
        replace(&mut self.citation_metadata, chunk.citation_metadata);
        replace(&mut self.grounding_metadata, chunk.grounding_metadata);
        replace(&mut self.url_context_metadata, chunk.url_context_metadata);
        replace(&mut self.continuation_token, chunk.continuation_token);
        if !chunk.safety_ratings.is_empty() {
            self.safety_ratings = chunk.safety_ratings;
        }
        merge_unknown(&mut self.unknown_fields, &chunk.unknown_fields);
    }
}

fn replace<T>(have: &mut Option<T>, newer: Option<T>) {
    if newer.is_some() {
        *have = newer;
    }
}

/// Two pieces of text join when nothing but the text tells them apart. A signature belongs to its
/// own part and must be sent back in place, so it keeps parts separate.
fn push_part(content: &mut Content, mut part: Part) {
    let more = part.text.take();
    if let Some(more) = &more
        && let Some(last) = content.parts.last_mut()
        && last.thought_signature.is_none()
        && let Some(mut text) = last.text.take()
    {
        // Compared without the text so far, a copy of which for each chunk would add up.
        let joins = *last == part;
        if joins {
            text.push_str(more);
        }
        last.text = Some(text);
        if joins {
            return;
        }
    }
    part.text = more;
    content.parts.push(part);
}

/// Members that later chunks state again are taken from them.
fn merge_unknown(have: &mut UnknownFields, newer: &UnknownFields) {
    for (key, value) in newer.iter() {
        have.insert(key.clone(), value.clone());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn absorbed(chunks: Value) -> Value {
        let mut reply = GenerateContentResponse::default();
        for chunk in chunks.as_array().unwrap() {
            reply.absorb(serde_json::from_value(chunk.clone()).unwrap());
        }
        serde_json::to_value(reply).unwrap()
    }

    #[test]
    fn text_joins_and_totals_run() {
        let reply = absorbed(json!([
            {"candidates": [{"content": {"parts": [{"text": "Hel"}], "role": "model"}}],
             "usageMetadata": {"totalTokenCount": 3}},
            {"candidates": [{"content": {"parts": [{"text": "lo"}]}, "finishReason": "STOP"}],
             "usageMetadata": {"totalTokenCount": 5}}
        ]));
        assert_eq!(
            reply,
            json!({"candidates": [{"content": {"parts": [{"text": "Hello"}], "role": "model"},
                   "finishReason": "STOP"}], "usageMetadata": {"totalTokenCount": 5}})
        );
    }

    #[test]
    fn thoughts_calls_and_candidates_stay_apart() {
        let reply = absorbed(json!([
            {"candidates": [{"content": {"parts": [{"text": "a", "thought": true}]}}]},
            {"candidates": [{"index": 1, "content": {"parts": [{"text": "z"}]}}]},
            {"candidates": [{"content": {"parts": [{"text": "b"}, {"functionCall": {"name": "f"}}]}}]},
            {"candidates": [{"content": {"parts": [{"text": "c"}]}}]}
        ]));
        let parts = &reply["candidates"][0]["content"]["parts"];
        assert_eq!(
            *parts,
            json!([{"text": "a", "thought": true}, {"text": "b"}, {"functionCall": {"name": "f"}},
                   {"text": "c"}])
        );
        assert_eq!(
            reply["candidates"][1]["content"]["parts"],
            json!([{"text": "z"}])
        );
    }

    #[test]
    fn a_signature_keeps_parts_separate() {
        let signed = json!({"text": "b", "thoughtSignature": "c2ln"});
        let reply = absorbed(json!([
            {"candidates": [{"content": {"parts": [{"text": "a"}]}}]},
            {"candidates": [{"content": {"parts": [signed]}}]},
            {"candidates": [{"content": {"parts": [{"text": "c"}, {"text": "d"}]}}]}
        ]));
        assert_eq!(
            reply["candidates"][0]["content"]["parts"],
            json!([{"text": "a"}, signed, {"text": "cd"}])
        );
    }

    #[test]
    fn unknown_members_survive_at_every_level() {
        let reply = absorbed(json!([
            {"candidates": [{"content": {"parts": [{"text": "a"}]}}]},
            {"new": 1, "candidates": [{"new": 2, "content": {"new": 3, "parts": []}}]}
        ]));
        assert_eq!(
            reply,
            json!({"new": 1, "candidates": [{"new": 2,
                   "content": {"new": 3, "parts": [{"text": "a"}]}}]})
        );
    }

    #[test]
    fn a_reply_without_content_has_no_text() {
        let reply: GenerateContentResponse =
            serde_json::from_value(json!({"candidates": [{"finishReason": "NEW_REASON"}]}))
                .unwrap();
        assert_eq!(reply.text(), None);
        assert_eq!(reply.finish_reason().unwrap().name(), "NEW_REASON");
        assert_eq!(reply.function_calls().count(), 0);
    }
}
