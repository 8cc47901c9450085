//! One reply out of the chunks of a stream.

use super::super::{
    Candidate, CitationMetadata, Content, GenerateContentResponse, LogprobsResult, Part,
};
use crate::wire::UnknownFields;

impl GenerateContentResponse {
    /// Adds the next chunk of a stream to what came before.
    ///
    /// Candidates are joined by their index. Adjacent pieces of plain text of the same sort
    /// (answer or reasoning) become one part. Log probabilities and citations, which each chunk has
    /// for itself, are joined. Counters and everything else that a later chunk states again are
    /// taken from it, because the service sends running totals.
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
        replace(
            &mut self.initial_prompt_token_count,
            chunk.initial_prompt_token_count,
        );
        if !chunk.automatic_function_calling_history.is_empty() {
            self.automatic_function_calling_history = chunk.automatic_function_calling_history;
        }
        merge_unknown(&mut self.unknown_fields, &chunk.unknown_fields);
    }
}

impl Candidate {
    fn absorb(&mut self, chunk: Self) {
        if let Some(content) = chunk.content {
            self.content.get_or_insert_default().absorb(*content);
        }
        replace(&mut self.finish_reason, chunk.finish_reason);
        replace(&mut self.finish_message, chunk.finish_message);
        replace(&mut self.token_count, chunk.token_count);
        replace(&mut self.avg_logprobs, chunk.avg_logprobs);
        if let Some(more) = chunk.logprobs_result {
            self.logprobs_result.get_or_insert_default().append(*more);
        }
        if let Some(more) = chunk.citation_metadata {
            self.citation_metadata.get_or_insert_default().absorb(*more);
        }
        replace(&mut self.grounding_metadata, chunk.grounding_metadata);
        replace(&mut self.url_context_metadata, chunk.url_context_metadata);
        replace(&mut self.continuation_token, chunk.continuation_token);
        if !chunk.safety_ratings.is_empty() {
            self.safety_ratings = chunk.safety_ratings;
        }
        merge_unknown(&mut self.unknown_fields, &chunk.unknown_fields);
    }
}

impl Content {
    /// Adds what the same speaker says next, as chunks of a stream bring it: adjacent pieces of
    /// plain text of the same sort (answer or reasoning) become one part.
    pub fn absorb(&mut self, more: Self) {
        replace(&mut self.role, more.role);
        merge_unknown(&mut self.unknown_fields, &more.unknown_fields);
        for part in more.parts {
            push_part(self, part);
        }
    }
}

impl LogprobsResult {
    /// Adds the tokens that come after these.
    pub(super) fn append(&mut self, mut more: Self) {
        self.chosen_candidates.append(&mut more.chosen_candidates);
        self.top_candidates.append(&mut more.top_candidates);
        self.log_probability_sum = match (self.log_probability_sum, more.log_probability_sum) {
            (Some(have), Some(more)) => Some(have + more),
            (have, more) => have.or(more),
        };
        merge_unknown(&mut self.unknown_fields, &more.unknown_fields);
    }
}

impl CitationMetadata {
    /// Adds the sources of a later chunk, which may repeat earlier ones.
    fn absorb(&mut self, more: Self) {
        for (have, more) in [
            (&mut self.citations, more.citations),
            (&mut self.citation_sources, more.citation_sources),
        ] {
            for source in more {
                if !have.contains(&source) {
                    have.push(source);
                }
            }
        }
        merge_unknown(&mut self.unknown_fields, &more.unknown_fields);
    }
}

pub(super) fn replace<T>(have: &mut Option<T>, newer: Option<T>) {
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
pub(super) fn merge_unknown(have: &mut UnknownFields, newer: &UnknownFields) {
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
    fn log_probabilities_and_citations_are_joined() {
        let token = |text: &str| json!({"token": text});
        let chunk = |text: &str, sum: f64, uris: &[&str]| {
            let sources: Vec<_> = uris.iter().map(|uri| json!({"uri": uri})).collect();
            json!({"candidates": [{
                "logprobsResult": {"chosenCandidates": [token(text)],
                                   "topCandidates": [{"candidates": [token(text)]}],
                                   "logProbabilitySum": sum},
                "citationMetadata": {"citationSources": sources}}]})
        };
        let reply = absorbed(json!([
            chunk("a", -1.0, &["u1"]),
            chunk("b", -2.0, &["u1", "u2"])
        ]));
        assert_eq!(
            reply["candidates"][0],
            json!({
                "logprobsResult": {"chosenCandidates": [token("a"), token("b")],
                                   "topCandidates": [{"candidates": [token("a")]},
                                                     {"candidates": [token("b")]}],
                                   "logProbabilitySum": -3.0},
                "citationMetadata": {"citationSources": [{"uri": "u1"}, {"uri": "u2"}]}})
        );
    }
}
