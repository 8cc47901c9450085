//! What calls of a model are called in logs, events and traces, by OpenTelemetry's conventions for
//! GenAI, and what their replies cost. No prompt and no answer is among it.

use gimmal_transport::{CallAttributes, ReplyAttributes};
use gimmal_types::gemini::{
    GenerateContentRequest, GenerateContentResponse, GenerationConfig, UsageMetadata,
};

use super::{Backend, Endpoint};

/// A call of a model under its name in the conventions, or where they have none, its own.
pub(super) fn call(endpoint: &Endpoint, operation: &'static str, model: &str) -> CallAttributes {
    let provider = match endpoint.backend() {
        Backend::GeminiApi => "gcp.gemini",
        Backend::Vertex => "gcp.vertex_ai",
    };
    let model = model.rsplit_once("models/").map_or(model, |(_, name)| name);
    CallAttributes::new(operation, provider).with_model(model.to_owned())
}

/// The generation of a reply, with the settings that bear on it.
pub(super) fn generation(
    endpoint: &Endpoint,
    model: &str,
    request: &GenerateContentRequest,
) -> CallAttributes {
    let call = call(endpoint, "generate_content", model);
    match request.generation_config.as_deref() {
        None => call,
        Some(config) => settings(call, config),
    }
}

fn settings(mut call: CallAttributes, config: &GenerationConfig) -> CallAttributes {
    let counts = [
        ("gen_ai.request.max_tokens", config.max_output_tokens),
        ("gen_ai.request.seed", config.seed),
        // By the conventions one choice is not worth telling.
        (
            "gen_ai.request.choice.count",
            config.candidate_count.filter(|count| *count != 1),
        ),
    ];
    for (name, count) in counts {
        if let Some(count) = count {
            call = call.with_attribute(name, i64::from(count));
        }
    }
    let numbers = [
        ("gen_ai.request.temperature", config.temperature),
        ("gen_ai.request.top_p", config.top_p),
        ("gen_ai.request.top_k", config.top_k),
        ("gen_ai.request.frequency_penalty", config.frequency_penalty),
        ("gen_ai.request.presence_penalty", config.presence_penalty),
    ];
    for (name, number) in numbers {
        if let Some(number) = number {
            call = call.with_attribute(name, number);
        }
    }
    match config.response_mime_type.as_deref() {
        Some("application/json") => call.with_attribute("gen_ai.output.type", "json"),
        _ => call,
    }
}

/// What a reply, or a chunk of one, says of itself.
pub(super) fn reply(reply: &GenerateContentResponse) -> ReplyAttributes {
    let mut out = match reply.usage_metadata.as_deref() {
        None => ReplyAttributes::new(),
        Some(used) => usage(used),
    };
    out.model.clone_from(&reply.model_version);
    out.id.clone_from(&reply.response_id);
    let candidates = reply.candidates.iter();
    let reasons = candidates.filter_map(|candidate| candidate.finish_reason.as_ref());
    out.finish_reasons = reasons.map(|reason| reason.name().into_owned()).collect();
    out
}

/// The tokens of a call.
pub(super) fn usage(used: &UsageMetadata) -> ReplyAttributes {
    let count = |count: Option<i32>| count.and_then(|count| u64::try_from(count).ok());
    let sum = |one: Option<u64>, other: Option<u64>| match (one, other) {
        (None, None) => None,
        (one, other) => Some(one.unwrap_or(0).saturating_add(other.unwrap_or(0))),
    };
    let thoughts = count(used.thoughts_token_count);
    let mut out = ReplyAttributes::new();
    out.input_tokens = sum(
        count(used.prompt_token_count),
        count(used.tool_use_prompt_token_count),
    );
    out.output_tokens = sum(count(used.candidates_token_count), thoughts);
    out.cached_tokens = count(used.cached_content_token_count);
    out.reasoning_tokens = thoughts;
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn models_go_by_their_own_name() {
        let endpoint = Endpoint::vertex().with_project("p").build().unwrap();
        for (given, name) in [
            ("gemini-2.5-flash", "gemini-2.5-flash"),
            ("models/gemini-2.5-flash", "gemini-2.5-flash"),
            ("publishers/google/models/m", "m"),
            (
                "projects/p/locations/l/endpoints/1",
                "projects/p/locations/l/endpoints/1",
            ),
        ] {
            let call = call(&endpoint, "embeddings", given);
            assert_eq!(call.model(), Some(name));
            assert_eq!(
                (call.operation(), call.provider()),
                ("embeddings", "gcp.vertex_ai")
            );
        }
    }

    #[test]
    fn thinking_is_output_and_results_of_tools_are_input() {
        let body = json!({
            "candidates": [{"finishReason": "STOP"}, {"finishReason": "ODD"}],
            "modelVersion": "m-001", "responseId": "r",
            "usageMetadata": {"promptTokenCount": 10, "toolUsePromptTokenCount": 2,
                "cachedContentTokenCount": 4, "candidatesTokenCount": 5, "thoughtsTokenCount": 7}});
        let body: GenerateContentResponse = serde_json::from_value(body).unwrap();
        let expected = ReplyAttributes::new()
            .with_model("m-001")
            .with_id("r")
            .with_finish_reason("STOP")
            .with_finish_reason("ODD")
            .with_input_tokens(12)
            .with_output_tokens(12)
            .with_cached_tokens(4)
            .with_reasoning_tokens(7);
        assert_eq!(reply(&body), expected);
        assert_eq!(
            reply(&GenerateContentResponse::new()),
            ReplyAttributes::new()
        );
    }
}
