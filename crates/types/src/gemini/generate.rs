//! The request and the reply of `generateContent`.

use std::collections::BTreeMap;

use super::{
    BlockedReason, Candidate, Content, GenerationConfig, SafetyRating, SafetySetting, Tool,
    ToolConfig, UsageMetadata,
};
use crate::{Bytes64, Timestamp};

wire! {
    /// What `generateContent` and `streamGenerateContent` take.
    pub struct GenerateContentRequest {
        /// The conversation; the last turn is answered.
        pub contents: Vec<Content>,
        /// Instructions that hold for the whole conversation.
        pub system_instruction: Option<Box<Content>>,
        /// How the reply is generated.
        pub generation_config: Option<Box<GenerationConfig>>,
        /// From which risk on content is blocked.
        pub safety_settings: Vec<SafetySetting>,
        /// What the model may use.
        pub tools: Vec<Tool>,
        /// How it uses them.
        pub tool_config: Option<Box<ToolConfig>>,
        /// A context cache that stands before `contents`, by name.
        pub cached_content: Option<String>,
        /// Labels for billing reports.
        pub labels: BTreeMap<String, String>,
        /// How urgent the request is.
        pub service_tier: Option<ServiceTier>,
        /// Resumes a reply that was cut.
        pub continuation_token: Option<Bytes64>,
        /// Keep the request for logging; developer API only.
        pub store: Option<bool>,
        /// Screening by Model Armor; Vertex only.
        pub model_armor_config: Option<Box<ModelArmorConfig>>,
        /// Where large output goes; Vertex only.
        pub output_config: Option<Box<GenerationOutputConfig>>,
    }

    /// Screening by Model Armor.
    #[derive(Debug)]
    pub struct ModelArmorConfig {
        /// Template for prompts.
        pub prompt_template_name: Option<String>,
        /// Template for replies.
        pub response_template_name: Option<String>,
    }

    /// Where large output goes.
    #[derive(Debug)]
    pub struct GenerationOutputConfig {
        /// A `gs://` prefix.
        pub output_uri_prefix: Option<String>,
    }

    /// A reply, or one chunk of a streamed one.
    #[derive(Debug)]
    pub struct GenerateContentResponse {
        /// The replies; empty when the prompt was refused.
        pub candidates: Vec<Candidate>,
        /// Why the prompt was refused.
        pub prompt_feedback: Option<Box<PromptFeedback>>,
        /// Tokens used so far.
        pub usage_metadata: Option<Box<UsageMetadata>>,
        /// The exact model that answered.
        pub model_version: Option<String>,
        /// Identifier of the reply.
        pub response_id: Option<String>,
        /// When the request arrived; Vertex only.
        pub create_time: Option<Timestamp>,
        /// Where the model is in its life; developer API only.
        pub model_status: Option<Box<ModelStatus>>,
        /// The conversation so far when functions were called automatically: the contents that
        /// were sent, then the calls and their results in turn. Set by the client.
        pub automatic_function_calling_history: Vec<Content>,
        /// The prompt tokens of the first request when a cut reply was resumed, since
        /// `usage_metadata` then has the sum over all. Set by the client.
        pub initial_prompt_token_count: Option<i32>,
    }

    /// Whether and how often functions are called without asking the caller.
    #[derive(Debug)]
    pub struct AutomaticFunctionCallingConfig {
        /// Only return the calls, as if no function could be run.
        pub disable: Option<bool>,
        /// Most requests to the model, 10 unless set; the calls in the last reply are returned
        /// and not run. Zero and less switch automatic calls off.
        pub maximum_remote_calls: Option<i32>,
        /// Leave `automatic_function_calling_history` empty.
        pub ignore_call_history: Option<bool>,
    }

    /// Why a prompt was refused.
    #[derive(Debug)]
    pub struct PromptFeedback {
        /// The reason.
        pub block_reason: Option<BlockedReason>,
        /// The reason in words; Vertex only.
        pub block_reason_message: Option<String>,
        /// Ratings of the prompt.
        pub safety_ratings: Vec<SafetyRating>,
    }

    /// Where a model is in its life.
    #[derive(Debug)]
    pub struct ModelStatus {
        /// The stage.
        pub model_stage: Option<ModelStage>,
        /// What to do about it.
        pub message: Option<String>,
        /// When it is switched off.
        pub retirement_time: Option<Timestamp>,
    }
}

open_enum! {
    /// How urgent a request is.
    pub enum ServiceTier {
        /// As `standard`.
        Unspecified = "unspecified",
        /// Cheaper, and may wait.
        Flex = "flex",
        /// Normal.
        Standard = "standard",
        /// Dearer, and goes first.
        Priority = "priority",
    }

    /// Stages in the life of a model.
    pub enum ModelStage {
        /// Not said.
        Unspecified = "MODEL_STAGE_UNSPECIFIED",
        /// May change at any time.
        UnstableExperimental = "UNSTABLE_EXPERIMENTAL",
        /// For trying out.
        Experimental = "EXPERIMENTAL",
        /// Close to final.
        Preview = "PREVIEW",
        /// For production.
        Stable = "STABLE",
        /// Still served, no longer improved.
        Legacy = "LEGACY",
        /// To be switched off.
        Deprecated = "DEPRECATED",
        /// Switched off.
        Retired = "RETIRED",
    }
}
