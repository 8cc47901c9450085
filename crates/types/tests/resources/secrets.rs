//! Debug output of records that hold secrets or prompts.

use std::fmt::Debug;

use gimmal_types::gemini::agents::Agent;
use gimmal_types::gemini::credentials::{
    CredentialCreateParams, CredentialUpdate, EnvironmentVariableConfig,
    EnvironmentVariableUpdateConfig, HttpBearerConfig, HttpBearerUpdateConfig, OAuth2Config,
    OAuth2UpdateConfig,
};
use gimmal_types::gemini::decisions::CreateDecisionRequest;
use gimmal_types::gemini::interactions::{
    AllowlistEntry, CreateAgentInteraction, CreateModelInteraction, Env, EnvVar, Environment,
    ExaAISearchConfig, McpServer, ParallelAISearchConfig, Tool, Transform,
};
use gimmal_types::gemini::triggers::Trigger;
use gimmal_types::gemini::voices::Voice;
use gimmal_types::gemini::webhooks::{Webhook, WebhookRotateSigningSecretResponse};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn hides<T: Debug + DeserializeOwned>(json: Value) {
    let record: T = serde_json::from_value(json).unwrap();
    let shown = format!("{record:?} {record:#?}");
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn secrets_are_not_shown() {
    hides::<HttpBearerConfig>(json!({"id": "a", "token": "hunter2"}));
    hides::<HttpBearerUpdateConfig>(json!({"token": "hunter2"}));
    hides::<OAuth2Config>(json!({"client_secret": "hunter2", "refresh_token": "hunter2"}));
    hides::<OAuth2UpdateConfig>(json!({"client_secret": "hunter2", "refresh_token": "hunter2"}));
    hides::<EnvironmentVariableConfig>(json!({"value": "hunter2"}));
    hides::<EnvironmentVariableUpdateConfig>(json!({"value": "hunter2"}));
    hides::<CredentialCreateParams>(json!({"type": "bearer_token", "token": "hunter2"}));
    hides::<CredentialCreateParams>(json!({"type": "some_day", "token": "hunter2"}));
    hides::<CredentialUpdate>(json!({"type": "bearer_token", "token": "hunter2"}));
    hides::<EnvVar>(json!({"value": "hunter2"}));
    hides::<Env>(json!("hunter2"));
    hides::<Environment>(json!({"env": {"KEY": "hunter2"}}));
    hides::<Transform>(json!({"Authorization": "hunter2"}));
    hides::<AllowlistEntry>(json!({"transform": {"Authorization": "hunter2"}}));
    hides::<McpServer>(json!({"headers": {"Authorization": "hunter2"}}));
    hides::<Tool>(json!({"type": "mcp_server", "headers": {"Authorization": "hunter2"}}));
    hides::<ExaAISearchConfig>(json!({"api_key": "hunter2"}));
    hides::<ParallelAISearchConfig>(json!({"api_key": "hunter2"}));
    hides::<Webhook>(json!({"new_signing_secret": "hunter2"}));
    hides::<WebhookRotateSigningSecretResponse>(json!({"secret": "hunter2"}));
    hides::<Voice>(json!({"key": "hunter2"}));
}

#[test]
fn prompts_are_not_shown() {
    hides::<CreateModelInteraction>(json!({"input": "hunter2", "system_instruction": "hunter2"}));
    hides::<CreateAgentInteraction>(json!({"input": "hunter2", "system_instruction": "hunter2"}));
    hides::<Trigger>(json!({"interaction": {"input": "hunter2"}}));
    hides::<CreateDecisionRequest>(json!({"input": "hunter2"}));
    hides::<Agent>(json!({"system_instruction": "hunter2"}));
}
