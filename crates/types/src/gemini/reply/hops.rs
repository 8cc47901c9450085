//! One reply out of several requests: a reply that was cut, and those that resumed it.
//!
//! Unlike the chunks of a stream, each of these has counters of its own, which add up, and lists
//! that start anew, so that places in them shift.

use super::super::{
    Candidate, CitationMetadata, FinishReason, GenerateContentResponse, GroundingMetadata,
    ModalityTokenCount, PromptFeedback, SafetyRating, UsageMetadata,
};
use super::chunks::{merge_unknown, replace};
use crate::Bytes64;

impl GenerateContentResponse {
    /// What resumes this reply when the service cut it: a token, and a reason to stop that says
    /// so or is missing.
    pub fn continuation_token(&self) -> Option<&Bytes64> {
        let candidate = self.candidates.first()?;
        let cut = matches!(
            candidate.finish_reason,
            None | Some(FinishReason::Continuation)
        );
        candidate.continuation_token.as_ref().filter(|_| cut)
    }

    /// Adds the reply to the request that resumed this one.
    ///
    /// Token counts are summed. Parts follow each other and are never joined. How and whether the
    /// reply ended is taken from `next` alone.
    pub fn append(&mut self, next: Self) {
        self.initial_prompt_token_count = self.initial_prompt_token_count();
        let mut more = next.candidates.into_iter();
        for (have, more) in self.candidates.iter_mut().zip(more.by_ref()) {
            have.append(more);
        }
        self.candidates.extend(more);
        if let Some(more) = next.prompt_feedback {
            self.prompt_feedback.get_or_insert_default().append(*more);
        }
        if let Some(more) = next.usage_metadata {
            self.usage_metadata.get_or_insert_default().add(*more);
        }
        replace(&mut self.model_version, next.model_version);
        replace(&mut self.response_id, next.response_id);
        replace(&mut self.create_time, next.create_time);
        replace(&mut self.model_status, next.model_status);
        merge_unknown(&mut self.unknown_fields, &next.unknown_fields);
    }
}

impl Candidate {
    fn append(&mut self, next: Self) {
        let parts = self
            .content
            .as_ref()
            .map_or(0, |content| content.parts.len());
        if let Some(mut content) = next.content {
            let have = self.content.get_or_insert_default();
            replace(&mut have.role, content.role);
            have.parts.append(&mut content.parts);
            merge_unknown(&mut have.unknown_fields, &content.unknown_fields);
        }
        self.finish_reason = next.finish_reason;
        self.finish_message = next.finish_message;
        self.continuation_token = next.continuation_token;
        add(&mut self.token_count, next.token_count);
        replace(&mut self.index, next.index);
        replace(&mut self.avg_logprobs, next.avg_logprobs);
        if let Some(more) = next.logprobs_result {
            self.logprobs_result.get_or_insert_default().append(*more);
        }
        append_ratings(&mut self.safety_ratings, next.safety_ratings);
        if let Some(more) = next.citation_metadata {
            self.citation_metadata.get_or_insert_default().append(*more);
        }
        if let Some(more) = next.grounding_metadata {
            let have = self.grounding_metadata.get_or_insert_default();
            have.append(*more, parts);
        }
        if let Some(mut more) = next.url_context_metadata {
            let have = self.url_context_metadata.get_or_insert_default();
            have.url_metadata.append(&mut more.url_metadata);
            merge_unknown(&mut have.unknown_fields, &more.unknown_fields);
        }
        merge_unknown(&mut self.unknown_fields, &next.unknown_fields);
    }
}

impl PromptFeedback {
    fn append(&mut self, next: Self) {
        replace(&mut self.block_reason, next.block_reason);
        replace(&mut self.block_reason_message, next.block_reason_message);
        append_ratings(&mut self.safety_ratings, next.safety_ratings);
        merge_unknown(&mut self.unknown_fields, &next.unknown_fields);
    }
}

impl CitationMetadata {
    fn append(&mut self, mut next: Self) {
        self.citations.append(&mut next.citations);
        self.citation_sources.append(&mut next.citation_sources);
        merge_unknown(&mut self.unknown_fields, &next.unknown_fields);
    }
}

impl GroundingMetadata {
    /// `parts` parts stood before those that `next` speaks of.
    fn append(&mut self, mut next: Self, parts: usize) {
        let chunks = place(self.grounding_chunks.len());
        let parts = place(parts);
        for mut support in next.grounding_supports {
            for index in &mut support.grounding_chunk_indices {
                *index += chunks;
            }
            for index in &mut support.rendered_parts {
                *index += parts;
            }
            if let Some(segment) = &mut support.segment {
                // An absent index means the first part.
                let index = segment.part_index.unwrap_or(0) + parts;
                segment.part_index = (index > 0).then_some(index);
            }
            self.grounding_supports.push(support);
        }
        self.grounding_chunks.append(&mut next.grounding_chunks);
        self.web_search_queries.append(&mut next.web_search_queries);
        self.image_search_queries
            .append(&mut next.image_search_queries);
        self.retrieval_queries.append(&mut next.retrieval_queries);
        self.source_flagging_uris
            .append(&mut next.source_flagging_uris);
        replace(&mut self.retrieval_metadata, next.retrieval_metadata);
        replace(&mut self.search_entry_point, next.search_entry_point);
        replace(
            &mut self.google_maps_widget_context_token,
            next.google_maps_widget_context_token,
        );
        merge_unknown(&mut self.unknown_fields, &next.unknown_fields);
    }
}

impl UsageMetadata {
    /// Adds the tokens that another request used.
    pub fn add(&mut self, other: Self) {
        add(&mut self.prompt_token_count, other.prompt_token_count);
        add(
            &mut self.cached_content_token_count,
            other.cached_content_token_count,
        );
        add(
            &mut self.candidates_token_count,
            other.candidates_token_count,
        );
        add(&mut self.thoughts_token_count, other.thoughts_token_count);
        add(
            &mut self.tool_use_prompt_token_count,
            other.tool_use_prompt_token_count,
        );
        add(&mut self.total_token_count, other.total_token_count);
        add_details(&mut self.prompt_tokens_details, other.prompt_tokens_details);
        add_details(&mut self.cache_tokens_details, other.cache_tokens_details);
        add_details(
            &mut self.candidates_tokens_details,
            other.candidates_tokens_details,
        );
        add_details(
            &mut self.tool_use_prompt_tokens_details,
            other.tool_use_prompt_tokens_details,
        );
        replace(&mut self.traffic_type, other.traffic_type);
        replace(&mut self.service_tier, other.service_tier);
        merge_unknown(&mut self.unknown_fields, &other.unknown_fields);
    }
}

fn add(have: &mut Option<i32>, more: Option<i32>) {
    if let Some(more) = more {
        *have = Some(have.unwrap_or(0).saturating_add(more));
    }
}

fn add_details(have: &mut Vec<ModalityTokenCount>, more: Vec<ModalityTokenCount>) {
    for more in more {
        let same = have.iter_mut().find(|have| have.modality == more.modality);
        match same {
            Some(have) => add(&mut have.token_count, more.token_count),
            None => have.push(more),
        }
    }
}

/// One rating for each kind of harm, the latest.
fn append_ratings(have: &mut Vec<SafetyRating>, more: Vec<SafetyRating>) {
    for rating in more {
        let same = have
            .iter_mut()
            .find(|have| have.category == rating.category);
        match same {
            Some(have) => *have = rating,
            None => have.push(rating),
        }
    }
}

fn place(length: usize) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn appended(hops: &[Value]) -> GenerateContentResponse {
        let mut hops = hops
            .iter()
            .map(|hop| serde_json::from_value(hop.clone()).unwrap());
        let mut reply: GenerateContentResponse = hops.next().unwrap();
        hops.for_each(|hop| reply.append(hop));
        reply
    }

    #[test]
    fn a_cut_reply_names_its_token() {
        let token = |finish: Value, token: &str| {
            let reply =
                json!({"candidates": [{"finishReason": finish, "continuationToken": token}]});
            let reply: GenerateContentResponse = serde_json::from_value(reply).unwrap();
            reply.continuation_token().is_some()
        };
        assert!(token(json!("CONTINUATION"), "dG9r") && token(json!(null), "dG9r"));
        assert!(!token(json!("STOP"), "dG9r"));
        assert!(
            GenerateContentResponse::new()
                .continuation_token()
                .is_none()
        );
    }

    #[test]
    fn counts_add_up_and_parts_stay_apart() {
        let hop = |text: &str, finish: &str, prompt: i32| {
            json!({"candidates": [{"content": {"role": "model", "parts": [{"text": text}]},
                        "finishReason": finish, "finishMessage": finish, "tokenCount": 2,
                        "continuationToken": "dG9r", "avgLogprobs": -0.5,
                        "safetyRatings": [{"category": "HARM_CATEGORY_HARASSMENT",
                                           "probabilityScore": prompt}]}],
                   "responseId": text,
                   "usageMetadata": {"promptTokenCount": prompt, "totalTokenCount": prompt + 2,
                        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": prompt}]}})
        };
        let mut last = hop("c", "STOP", 7);
        let members = last["candidates"][0].as_object_mut().unwrap();
        members.remove("finishMessage");
        members.remove("continuationToken");
        let reply = appended(&[
            hop("a", "CONTINUATION", 5),
            hop("b", "CONTINUATION", 6),
            last,
        ]);
        assert_eq!(reply.initial_prompt_token_count(), Some(5));
        let mut shown = serde_json::to_value(reply).unwrap();
        shown
            .as_object_mut()
            .unwrap()
            .remove("initialPromptTokenCount");
        assert_eq!(
            shown,
            json!({"candidates": [{"content": {"role": "model",
                        "parts": [{"text": "a"}, {"text": "b"}, {"text": "c"}]},
                        "finishReason": "STOP", "tokenCount": 6, "avgLogprobs": -0.5,
                        "safetyRatings": [{"category": "HARM_CATEGORY_HARASSMENT",
                                           "probabilityScore": 7.0}]}],
                   "responseId": "c",
                   "usageMetadata": {"promptTokenCount": 18, "totalTokenCount": 24,
                        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 18}]}})
        );
    }

    #[test]
    fn places_in_lists_shift() {
        let hop = |uri: &str| {
            json!({"candidates": [{
                "content": {"parts": [{"text": "a"}, {"text": "b"}]},
                "groundingMetadata": {
                    "groundingChunks": [{"web": {"uri": uri}}],
                    "groundingSupports": [{"groundingChunkIndices": [0], "renderedParts": [1],
                                           "segment": {"partIndex": 1, "text": "b"}},
                                          {"segment": {"text": "a"}}],
                    "webSearchQueries": [uri]},
                "citationMetadata": {"citations": [{"uri": uri}]},
                "urlContextMetadata": {"urlMetadata": [{"retrievedUrl": uri}]}}]})
        };
        let reply = appended(&[hop("u"), hop("v")]);
        let shown = serde_json::to_value(&reply.candidates[0]).unwrap();
        let grounding = &shown["groundingMetadata"];
        assert_eq!(grounding["webSearchQueries"], json!(["u", "v"]));
        assert_eq!(
            grounding["groundingSupports"].as_array().unwrap()[2..],
            [
                json!({"groundingChunkIndices": [1], "renderedParts": [3],
                       "segment": {"partIndex": 3, "text": "b"}}),
                json!({"segment": {"partIndex": 2, "text": "a"}})
            ]
        );
        assert_eq!(
            shown["citationMetadata"]["citations"],
            json!([{"uri": "u"}, {"uri": "v"}])
        );
    }
}
