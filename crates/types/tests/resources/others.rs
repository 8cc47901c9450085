//! Every field of the resources beside interactions is read, kept and written under its name.

use gimmal_types::gemini::{
    agents, credentials, decisions, environments, triggers, voices, webhooks,
};
use serde_json::json;

use crate::support::round_trips;

#[test]
fn every_field_of_agents() {
    round_trips::<agents::Agent>(
        json!({"id": "x", "base_agent": "x", "description": "x", "system_instruction": "x", "tools": [{"type": "code_execution"}], "agent_config": {"type": "dynamic"}, "base_environment": "x"}),
    );
    round_trips::<agents::AgentListResponse>(json!({"agents": [{}], "next_page_token": "x"}));
}

#[test]
fn every_field_of_credentials() {
    round_trips::<credentials::Credential>(
        json!({"id": "x", "type": "bearer_token", "status": "active", "create_time": "2026-01-02T03:04:05Z", "update_time": "2026-01-02T03:04:05Z"}),
    );
    round_trips::<credentials::HttpBearerConfig>(
        json!({"id": "x", "token": "x", "header_name": "x", "prefix": "x"}),
    );
    round_trips::<credentials::HttpBearerUpdateConfig>(
        json!({"token": "x", "header_name": "x", "prefix": "x"}),
    );
    round_trips::<credentials::OAuth2Config>(
        json!({"id": "x", "client_id": "x", "client_secret": "x", "refresh_token": "x", "token_url": "x", "scopes": ["x"]}),
    );
    round_trips::<credentials::OAuth2UpdateConfig>(
        json!({"client_id": "x", "client_secret": "x", "refresh_token": "x", "token_url": "x", "scopes": ["x"]}),
    );
    round_trips::<credentials::EnvironmentVariableConfig>(
        json!({"id": "x", "value": "x", "injection_location": "header", "trusted_domains": ["x"]}),
    );
    round_trips::<credentials::EnvironmentVariableUpdateConfig>(
        json!({"value": "x", "injection_location": "header", "trusted_domains": ["x"]}),
    );
    round_trips::<credentials::CredentialListResponse>(
        json!({"credentials": [{}], "next_page_token": "x"}),
    );
}

#[test]
fn every_field_of_decisions() {
    round_trips::<decisions::CreateDecisionRequest>(
        json!({"model": "x", "input": "x", "questions": {"a": {"type": "noul"}}}),
    );
    round_trips::<decisions::NoulQuestion>(json!({"instructions": "x", "criteria": {}}));
    round_trips::<decisions::NoulCriteria>(
        json!({"true_description": "x", "false_description": "x"}),
    );
    round_trips::<decisions::ChoiceQuestion>(json!({"instructions": "x", "criteria": {"a": "x"}}));
    round_trips::<decisions::ScoreQuestion>(json!({"instructions": "x", "criteria": ["x"]}));
    round_trips::<decisions::CreateDecisionResponse>(
        json!({"answers": {"a": {"type": "noul"}}, "prompt_feedback": {}, "usage": {}}),
    );
    round_trips::<decisions::NoulAnswer>(json!({"noul": 0.5, "confidence": 0.5}));
    round_trips::<decisions::ChoiceAnswer>(
        json!({"choice": "x", "probabilities": {"a": 0.5}, "confidence": 0.5}),
    );
    round_trips::<decisions::ScoreAnswer>(
        json!({"score": 0.5, "probabilities": {"a": 0.5}, "legend": {"a": "x"}, "confidence": 0.5}),
    );
    round_trips::<decisions::PromptFeedback>(
        json!({"block_reason": "safety", "block_reason_message": "x"}),
    );
}

#[test]
fn every_field_of_environments() {
    round_trips::<environments::Environment>(
        json!({"id": "x", "status": "active", "sources": [{}], "network": "disabled", "file_count": 3, "size_bytes": 3, "created": "x", "updated": "x", "last_accessed": "x"}),
    );
    round_trips::<environments::CreateEnvironmentRequest>(
        json!({"from_environment": "x", "sources": [{}], "network": "disabled"}),
    );
    round_trips::<environments::EnvironmentFile>(
        json!({"name": "x", "path": "x", "type": "file", "mime_type": "x", "size_bytes": 3, "created": "2026-01-02T03:04:05Z", "modified": "2026-01-02T03:04:05Z"}),
    );
    round_trips::<environments::GetEnvironmentFilesResponse>(
        json!({"files": [{}], "next_page_token": "x"}),
    );
    round_trips::<environments::ListEnvironmentsResponse>(
        json!({"environments": [{}], "next_page_token": "x"}),
    );
}

#[test]
fn every_field_of_triggers() {
    round_trips::<triggers::Trigger>(
        json!({"id": "x", "display_name": "x", "schedule": "x", "time_zone": "x", "interaction": {}, "environment_id": "x", "execution_timeout_seconds": 3, "max_consecutive_failures": 3, "consecutive_failure_count": 3, "status": "active", "previous_interaction_id": "x", "create_time": "2026-01-02T03:04:05Z", "update_time": "2026-01-02T03:04:05Z", "last_run_time": "2026-01-02T03:04:05Z", "next_run_time": "2026-01-02T03:04:05Z", "last_pause_time": "2026-01-02T03:04:05Z", "last_resume_time": "2026-01-02T03:04:05Z"}),
    );
    round_trips::<triggers::TriggerCreateParams>(
        json!({"schedule": "x", "time_zone": "x", "interaction": {}, "display_name": "x", "environment_id": "x", "execution_timeout_seconds": 3, "max_consecutive_failures": 3}),
    );
    round_trips::<triggers::TriggerUpdate>(json!({"display_name": "x", "status": "active"}));
    round_trips::<triggers::TriggerExecution>(
        json!({"id": "x", "trigger_id": "x", "status": "in_progress", "interaction_id": "x", "environment_id": "x", "error": "x", "scheduled_time": "2026-01-02T03:04:05Z", "start_time": "2026-01-02T03:04:05Z", "end_time": "2026-01-02T03:04:05Z"}),
    );
    round_trips::<triggers::ListTriggersResponse>(
        json!({"triggers": [{}], "next_page_token": "x"}),
    );
    round_trips::<triggers::ListTriggerExecutionsResponse>(
        json!({"trigger_executions": [{}], "next_page_token": "x"}),
    );
}

#[test]
fn every_field_of_voices() {
    round_trips::<voices::Voice>(
        json!({"id": "x", "key": "x", "type": "prebuilt", "display_name": "x", "description": "x", "accent": "x", "context": "x", "gender": "x", "persona": "x", "pitch": "low", "language_code": "x", "region_code": "x", "model": "x", "prompted": {}, "sample_audio": {}, "expire_time": "2026-01-02T03:04:05Z", "usage": {}}),
    );
    round_trips::<voices::VoiceInput>(
        json!({"type": "prebuilt", "display_name": "x", "description": "x", "accent": "x", "context": "x", "gender": "x", "persona": "x", "pitch": "low", "language_code": "x", "region_code": "x", "model": "x", "prompted": {}, "replicated": {}, "sample_audio": {}}),
    );
    round_trips::<voices::PromptedVoice>(json!({"input": "x", "base_voice": "x"}));
    round_trips::<voices::ReplicatedVoice>(json!({"source_audio": {}, "consent_audio": {}}));
    round_trips::<voices::AudioData>(json!({"data": "aGk=", "mime_type": "x"}));
    round_trips::<voices::CreateVoiceRequest>(json!({"voice": {}, "store": true}));
    round_trips::<voices::ListVoicesResponse>(json!({"voices": [{}], "next_page_token": "x"}));
}

#[test]
fn every_field_of_webhooks() {
    round_trips::<webhooks::Webhook>(
        json!({"id": "x", "name": "x", "uri": "x", "subscribed_events": ["batch.succeeded"], "state": "enabled", "new_signing_secret": "x", "signing_secrets": [{}], "create_time": "2026-01-02T03:04:05Z", "update_time": "2026-01-02T03:04:05Z"}),
    );
    round_trips::<webhooks::WebhookInput>(
        json!({"uri": "x", "subscribed_events": ["batch.succeeded"], "name": "x"}),
    );
    round_trips::<webhooks::WebhookUpdate>(
        json!({"name": "x", "uri": "x", "subscribed_events": ["batch.succeeded"], "state": "enabled"}),
    );
    round_trips::<webhooks::SigningSecret>(
        json!({"truncated_secret": "x", "expire_time": "2026-01-02T03:04:05Z"}),
    );
    round_trips::<webhooks::RotateSigningSecretRequest>(
        json!({"revocation_behavior": "revoke_previous_secrets_after_h24"}),
    );
    round_trips::<webhooks::WebhookRotateSigningSecretResponse>(json!({"secret": "x"}));
    round_trips::<webhooks::WebhookListResponse>(json!({"webhooks": [{}], "next_page_token": "x"}));
}
