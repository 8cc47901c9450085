//! Tokens that a request used.

use super::ServiceTier;

wire! {
    /// Tokens that a request used. Prompt tokens include the cached ones.
    #[derive(Debug)]
    pub struct UsageMetadata {
        /// Tokens of the prompt, cached ones included.
        pub prompt_token_count: Option<i32>,
        /// Tokens of the prompt that were read from a cache.
        pub cached_content_token_count: Option<i32>,
        /// Tokens of the replies.
        pub candidates_token_count: Option<i32>,
        /// Tokens of the replies, as Live counts them.
        pub response_token_count: Option<i32>,
        /// Tokens of the reasoning.
        pub thoughts_token_count: Option<i32>,
        /// Tokens of tool results that became part of the prompt.
        pub tool_use_prompt_token_count: Option<i32>,
        /// All tokens.
        pub total_token_count: Option<i32>,
        /// Prompt tokens by kind of input.
        pub prompt_tokens_details: Vec<ModalityTokenCount>,
        /// Cached tokens by kind of input.
        pub cache_tokens_details: Vec<ModalityTokenCount>,
        /// Reply tokens by kind of output.
        pub candidates_tokens_details: Vec<ModalityTokenCount>,
        /// Reply tokens by kind of output, as Live counts them.
        pub response_tokens_details: Vec<ModalityTokenCount>,
        /// Tool result tokens by kind.
        pub tool_use_prompt_tokens_details: Vec<ModalityTokenCount>,
        /// How the request is billed; Vertex only.
        pub traffic_type: Option<TrafficType>,
        /// The urgency it was served with.
        pub service_tier: Option<ServiceTier>,
    }

    /// Tokens of one kind of input or output.
    #[derive(Debug)]
    pub struct ModalityTokenCount {
        /// The kind.
        pub modality: Option<MediaModality>,
        /// The tokens.
        pub token_count: Option<i32>,
    }
}

open_enum! {
    /// Kinds of input and output.
    pub enum MediaModality {
        /// Not said.
        Unspecified = "MODALITY_UNSPECIFIED",
        /// Text.
        Text = "TEXT",
        /// Pictures.
        Image = "IMAGE",
        /// Film.
        Video = "VIDEO",
        /// Sound.
        Audio = "AUDIO",
        /// Documents such as PDF.
        Document = "DOCUMENT",
    }

    /// How a request is billed.
    pub enum TrafficType {
        /// Not said.
        Unspecified = "TRAFFIC_TYPE_UNSPECIFIED",
        /// By use.
        OnDemand = "ON_DEMAND",
        /// By use, at the price of priority.
        OnDemandPriority = "ON_DEMAND_PRIORITY",
        /// By use, at the price of flex.
        OnDemandFlex = "ON_DEMAND_FLEX",
        /// By use, at the price of quiet hours.
        OnDemandOffpeak = "ON_DEMAND_OFFPEAK",
        /// From capacity paid in advance.
        ProvisionedThroughput = "PROVISIONED_THROUGHPUT",
    }
}
