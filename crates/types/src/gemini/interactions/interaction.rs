//! An interaction: what is asked of a model or an agent, and what comes of it.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{
    AgentConfig, AgentOption, Error, GenerationConfig, InteractionEnvironment, InteractionsInput,
    Model, ResponseFormats, ResponseModality, SafetySetting, Step, Tool, Usage,
};

snake_wire! {
    /// What is asked of a model.
    pub struct CreateModelInteraction {
        /// The model.
        pub model: Option<Model>,
        /// What is said to it; absent when an interaction goes on by its token.
        pub input: Option<InteractionsInput>,
        /// What it should always bear in mind.
        pub system_instruction: Option<String>,
        /// The interaction before this one, whose turns it remembers.
        pub previous_interaction_id: Option<String>,
        /// What it may use.
        pub tools: Vec<Tool>,
        /// How it answers.
        pub generation_config: Option<Box<GenerationConfig>>,
        /// What the answer looks like.
        pub response_format: Option<ResponseFormats>,
        /// The media type of the answer; the service wants a response format instead.
        pub response_mime_type: Option<String>,
        /// Kinds of content in the answer; the service wants response formats instead.
        pub response_modalities: Vec<ResponseModality>,
        /// What is blocked.
        pub safety_settings: Vec<SafetySetting>,
        /// How it is served.
        pub service_tier: Option<ServiceTier>,
        /// Whether it comes in events; the verb that sends sets this.
        pub stream: Option<bool>,
        /// Whether it can be read later and gone on with; it is when absent.
        pub store: Option<bool>,
        /// Whether the service works on its own while you poll.
        pub background: Option<bool>,
        /// Goes on where the model had to stop.
        pub continuation_token: Option<String>,
        /// A context cache to read first; the service means to drop it.
        pub cached_content: Option<String>,
        /// Where tools work.
        pub environment: Option<InteractionEnvironment>,
        /// Your own notes, at most 63 characters each.
        pub labels: BTreeMap<String, String>,
        /// Who is told when it is done.
        pub webhook_config: Option<Box<WebhookConfig>>,
    }

    /// What is asked of an agent.
    pub struct CreateAgentInteraction {
        /// The agent.
        pub agent: Option<AgentOption>,
        /// Its settings.
        pub agent_config: Option<AgentConfig>,
        /// What is said to it.
        pub input: Option<InteractionsInput>,
        /// What it should always bear in mind.
        pub system_instruction: Option<String>,
        /// The interaction before this one, whose turns it remembers.
        pub previous_interaction_id: Option<String>,
        /// What it may use.
        pub tools: Vec<Tool>,
        /// What the answer looks like.
        pub response_format: Option<ResponseFormats>,
        /// The media type of the answer; the service wants a response format instead.
        pub response_mime_type: Option<String>,
        /// Kinds of content in the answer; the service wants response formats instead.
        pub response_modalities: Vec<ResponseModality>,
        /// What is blocked.
        pub safety_settings: Vec<SafetySetting>,
        /// How it is served.
        pub service_tier: Option<ServiceTier>,
        /// Whether it comes in events; the verb that sends sets this.
        pub stream: Option<bool>,
        /// Whether it can be read later and gone on with; it is when absent.
        pub store: Option<bool>,
        /// Whether the service works on its own while you poll; agents mostly need it.
        pub background: Option<bool>,
        /// Goes on where the agent had to stop.
        pub continuation_token: Option<String>,
        /// Where it works.
        pub environment: Option<InteractionEnvironment>,
        /// Your own notes, at most 63 characters each.
        pub labels: BTreeMap<String, String>,
        /// Who is told when it is done.
        pub webhook_config: Option<Box<WebhookConfig>>,
    }

    /// An interaction with a model or an agent.
    #[derive(Debug)]
    pub struct Interaction {
        /// Its identifier; empty when it was not stored.
        pub id: Option<String>,
        /// How it stands.
        pub status: Option<InteractionStatus>,
        /// The model that answers.
        pub model: Option<Model>,
        /// The agent that answers.
        pub agent: Option<AgentOption>,
        /// Settings of the agent.
        pub agent_config: Option<AgentConfig>,
        /// When it was made, as RFC 3339.
        pub created: Option<String>,
        /// When it changed last, as RFC 3339.
        pub updated: Option<String>,
        /// What was said, when it was asked for.
        pub input: Option<InteractionsInput>,
        /// What was said, thought, called and found, in order.
        pub steps: Vec<Step>,
        /// Its tokens.
        pub usage: Option<Box<Usage>>,
        /// The interactions that were joined to this one, in order; the client sets it.
        pub continuation_ids: Vec<String>,
        /// Faults on the way.
        pub errors: Vec<Error>,
        /// What the model should always bear in mind.
        pub system_instruction: Option<String>,
        /// The interaction before this one.
        pub previous_interaction_id: Option<String>,
        /// What the model may use.
        pub tools: Vec<Tool>,
        /// How the model answers.
        pub generation_config: Option<Box<GenerationConfig>>,
        /// What the answer looks like.
        pub response_format: Option<ResponseFormats>,
        /// The media type of the answer.
        pub response_mime_type: Option<String>,
        /// Kinds of content in the answer.
        pub response_modalities: Vec<ResponseModality>,
        /// What is blocked.
        pub safety_settings: Vec<SafetySetting>,
        /// How it was served.
        pub service_tier: Option<ServiceTier>,
        /// Goes on where the model had to stop.
        pub continuation_token: Option<String>,
        /// The context cache that was read first.
        pub cached_content: Option<String>,
        /// Where tools work.
        pub environment: Option<InteractionEnvironment>,
        /// The environment that was used, when one was asked for.
        pub environment_id: Option<String>,
        /// Your own notes.
        pub labels: BTreeMap<String, String>,
        /// Who is told when it is done.
        pub webhook_config: Option<Box<WebhookConfig>>,
    }
}

open_enum! {
    /// How an interaction stands.
    pub enum InteractionStatus {
        /// It waits for its turn.
        Queued = "queued",
        /// It is worked on.
        InProgress = "in_progress",
        /// It waits for the results of functions of yours.
        RequiresAction = "requires_action",
        /// The model had to stop; it goes on with the token.
        RequiresContinuation = "requires_continuation",
        /// It is done.
        Completed = "completed",
        /// It is done, but cut, for example by the most output tokens.
        Incomplete = "incomplete",
        /// It failed.
        Failed = "failed",
        /// It was cancelled.
        Cancelled = "cancelled",
        /// It cost more than it may.
        BudgetExceeded = "budget_exceeded",
    }

    /// How an interaction is served.
    pub enum ServiceTier {
        /// As usual.
        Standard = "standard",
        /// Cheaper, and later when there is much to do.
        Flex = "flex",
        /// Dearer, and before others.
        Priority = "priority",
        /// When there is room.
        Deferred = "deferred",
    }
}

snake_wire! {
    /// Who is told when an interaction is done.
    #[derive(Debug)]
    pub struct WebhookConfig {
        /// Addresses that are told instead of the registered webhooks.
        pub uris: Vec<String>,
        /// What comes along with each message.
        pub user_metadata: Option<Map<String, Value>>,
    }

    /// Why something failed, as google.rpc.Status says it.
    #[derive(Debug)]
    pub struct Status {
        /// The number of the google.rpc code.
        pub code: Option<i32>,
        /// What happened, for developers.
        pub message: Option<String>,
        /// More about it.
        pub details: Vec<Map<String, Value>>,
    }
}

names_only_debug!(CreateModelInteraction, CreateAgentInteraction);
