//! Every field of the settings of interactions is read, kept and written under its name.

use gimmal_types::gemini::interactions::{
    AllowedTools, AllowlistEntry, AntigravityAgentConfig, AudioResponseFormat,
    CodeMenderAgentConfig, ComputerUse, CreateAgentInteraction, CreateModelInteraction,
    DeepResearchAgentConfig, EnvVar, Environment, EnvironmentNetworkEgressAllowlist,
    ExaAISearchConfig, FileContent, FileSearch, Filter, FindRequest, FixRequest, Function,
    GenerationConfig, GoogleMaps, GoogleSearch, HybridSearch, ImageConfig, ImageResponseFormat,
    Interaction, McpServer, ParallelAISearchConfig, RagResource, RagRetrievalConfig,
    RagStoreConfig, RankService, Ranking, Retrieval, SafetySetting, SessionConfig,
    SmartTranscriptionMode, Source, SpeakerConfig, SpeechConfig, Status, TextResponseFormat,
    ToolChoiceConfig, ToolSearch, TranscriptionConfig, VerbatimTranscriptionMode,
    VertexAISearchConfig, VideoConfig, VideoResponseFormat, WebhookConfig,
};
use serde_json::json;

use crate::support::round_trips;

#[test]
fn tools() {
    round_trips::<Function>(
        json!({"name": "x", "description": "x", "parameters": {"a": 1}, "defer_loading": true, "short_description": "x"}),
    );
    round_trips::<ComputerUse>(
        json!({"environment": "browser", "excluded_predefined_functions": ["x"], "enable_prompt_injection_detection": true, "disabled_safety_policies": ["financial_transactions"]}),
    );
    round_trips::<McpServer>(
        json!({"name": "x", "url": "x", "headers": {"a": "x"}, "allowed_tools": [{}]}),
    );
    round_trips::<AllowedTools>(json!({"mode": "auto", "tools": ["x"]}));
    round_trips::<ToolChoiceConfig>(json!({"allowed_tools": {}}));
    round_trips::<GoogleSearch>(json!({"search_types": ["web_search"]}));
    round_trips::<FileSearch>(
        json!({"file_search_store_names": ["x"], "top_k": 3, "metadata_filter": "x"}),
    );
    round_trips::<GoogleMaps>(json!({"latitude": 0.5, "longitude": 0.5, "enable_widget": true}));
    round_trips::<ToolSearch>(
        json!({"execution": "server", "name": "x", "description": "x", "parameters": {"a": 1}}),
    );
}

#[test]
fn retrieval() {
    round_trips::<Retrieval>(
        json!({"retrieval_types": ["vertex_ai_search"], "vertex_ai_search_config": {}, "rag_store_config": {}, "exa_ai_search_config": {}, "parallel_ai_search_config": {}}),
    );
    round_trips::<VertexAISearchConfig>(json!({"engine": "x", "datastores": ["x"]}));
    round_trips::<ExaAISearchConfig>(json!({"api_key": "x", "custom_config": {"a": 1}}));
    round_trips::<ParallelAISearchConfig>(json!({"api_key": "x", "custom_config": {"a": 1}}));
    round_trips::<RagStoreConfig>(
        json!({"rag_resources": [{}], "rag_retrieval_config": {}, "similarity_top_k": 3, "vector_distance_threshold": 0.5}),
    );
    round_trips::<RagResource>(json!({"rag_corpus": "x", "rag_file_ids": ["x"]}));
    round_trips::<RagRetrievalConfig>(
        json!({"top_k": 3, "filter": {}, "hybrid_search": {}, "ranking": {}}),
    );
    round_trips::<Filter>(
        json!({"metadata_filter": "x", "vector_distance_threshold": 0.5, "vector_similarity_threshold": 0.5}),
    );
    round_trips::<HybridSearch>(json!({"alpha": 0.5}));
    round_trips::<Ranking>(json!({"ranking_config": "x", "model_name": "x", "rank_service": {}}));
    round_trips::<RankService>(json!({"model_name": "x"}));
}

#[test]
fn generation() {
    round_trips::<GenerationConfig>(
        json!({"max_output_tokens": 3, "stop_sequences": ["x"], "seed": 3, "temperature": 0.5, "top_p": 0.5, "thinking_level": "minimal", "thinking_summaries": "auto", "tool_choice": "auto", "speech_config": [{}], "transcription_config": {}, "image_config": {}, "video_config": {}}),
    );
    round_trips::<SpeechConfig>(json!({"voice": "x", "speaker": "x", "language": "x"}));
    round_trips::<SpeakerConfig>(json!({"speakers": [{}]}));
    round_trips::<TranscriptionConfig>(
        json!({"mode": "verbatim", "language_codes": ["x"], "custom_vocabulary": ["x"], "language_hints": ["x"], "adaptation_phrases": ["x"], "diarization_mode": "x", "timestamp_granularities": ["x"]}),
    );
    round_trips::<VerbatimTranscriptionMode>(
        json!({"diarization_mode": "x", "timestamp_granularities": ["x"]}),
    );
    round_trips::<SmartTranscriptionMode>(json!({"source_text": "x"}));
    round_trips::<ImageConfig>(json!({"aspect_ratio": "1:1", "image_size": "512"}));
    round_trips::<VideoConfig>(json!({"task": "text_to_video"}));
    round_trips::<SafetySetting>(
        json!({"type": "hate_speech", "threshold": "block_low_and_above", "method": "severity"}),
    );
}

#[test]
fn formats() {
    round_trips::<TextResponseFormat>(json!({"mime_type": "application/json", "schema": {"a": 1}}));
    round_trips::<AudioResponseFormat>(
        json!({"mime_type": "audio/mp3", "sample_rate": 3, "bit_rate": 3, "delivery": "inline"}),
    );
    round_trips::<ImageResponseFormat>(
        json!({"mime_type": "image/jpeg", "aspect_ratio": "1:1", "image_size": "512", "delivery": "inline"}),
    );
    round_trips::<VideoResponseFormat>(
        json!({"aspect_ratio": "1:1", "resolution": "360p", "duration": "x", "delivery": "inline", "gcs_uri": "x"}),
    );
}

#[test]
fn agents() {
    round_trips::<DeepResearchAgentConfig>(
        json!({"thinking_summaries": "auto", "visualization": "off", "collaborative_planning": true, "enable_bigquery_tool": true}),
    );
    round_trips::<AntigravityAgentConfig>(json!({"model": "x", "max_total_tokens": 3}));
    round_trips::<CodeMenderAgentConfig>(
        json!({"model": "x", "session_id": "x", "session_config": {}, "find_request": {}, "fix_request": {}}),
    );
    round_trips::<SessionConfig>(json!({"max_rounds": 3}));
    round_trips::<FindRequest>(
        json!({"mode": "scan", "finding_id": "x", "description": "x", "source_files": [{}]}),
    );
    round_trips::<FixRequest>(json!({"finding_id": "x", "description": "x", "source_files": [{}]}));
    round_trips::<FileContent>(json!({"path": "x", "content": "x"}));
}

#[test]
fn environments() {
    round_trips::<Environment>(
        json!({"environment_id": "x", "sources": [{}], "env": {"a": "x"}, "network": "disabled"}),
    );
    round_trips::<Source>(
        json!({"type": "gcs", "source": "x", "content": "x", "encoding": "x", "target": "x"}),
    );
    round_trips::<EnvVar>(json!({"value": "x", "credential": "x"}));
    round_trips::<EnvironmentNetworkEgressAllowlist>(json!({"allowlist": "disabled"}));
    round_trips::<AllowlistEntry>(
        json!({"domain": "x", "credential": "x", "transform": {"a": "x"}}),
    );
}

#[test]
fn interactions() {
    round_trips::<CreateModelInteraction>(
        json!({"model": "gemini-2.5-flash", "input": "x", "system_instruction": "x", "previous_interaction_id": "x", "tools": [{"type": "function"}], "generation_config": {}, "response_format": {"type": "text"}, "response_mime_type": "x", "response_modalities": ["text"], "safety_settings": [{}], "service_tier": "standard", "stream": true, "store": true, "background": true, "continuation_token": "x", "cached_content": "x", "environment": "x", "labels": {"a": "x"}, "webhook_config": {}}),
    );
    round_trips::<CreateAgentInteraction>(
        json!({"agent": "deep-research-pro-preview-12-2025", "agent_config": {"type": "dynamic"}, "input": "x", "system_instruction": "x", "previous_interaction_id": "x", "tools": [{"type": "function"}], "response_format": {"type": "text"}, "response_mime_type": "x", "response_modalities": ["text"], "safety_settings": [{}], "service_tier": "standard", "stream": true, "store": true, "background": true, "continuation_token": "x", "environment": "x", "labels": {"a": "x"}, "webhook_config": {}}),
    );
    round_trips::<Interaction>(
        json!({"id": "x", "status": "queued", "model": "gemini-2.5-flash", "agent": "deep-research-pro-preview-12-2025", "agent_config": {"type": "dynamic"}, "created": "x", "updated": "x", "input": "x", "steps": [{"type": "user_input"}], "usage": {}, "continuation_ids": ["x"], "errors": [{}], "system_instruction": "x", "previous_interaction_id": "x", "tools": [{"type": "function"}], "generation_config": {}, "response_format": {"type": "text"}, "response_mime_type": "x", "response_modalities": ["text"], "safety_settings": [{}], "service_tier": "standard", "continuation_token": "x", "cached_content": "x", "environment": "x", "environment_id": "x", "labels": {"a": "x"}, "webhook_config": {}}),
    );
    round_trips::<WebhookConfig>(json!({"uris": ["x"], "user_metadata": {"a": 1}}));
    round_trips::<Status>(json!({"code": 3, "message": "x", "details": [{"a": 1}]}));
}
