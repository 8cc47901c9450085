//! Counting of tokens, and the tokens themselves.

use super::{Content, GenerationConfig, ModalityTokenCount, Tool};
use crate::Bytes64;

wire! {
    /// What `countTokens` takes.
    pub struct CountTokensRequest {
        /// The content to count.
        pub contents: Vec<Content>,
        /// Instructions to count; Vertex only.
        pub system_instruction: Option<Box<Content>>,
        /// Tools to count; Vertex only.
        pub tools: Vec<Tool>,
        /// Settings that add tokens, such as a schema; Vertex only.
        pub generation_config: Option<Box<GenerationConfig>>,
    }

    /// How many tokens content has.
    #[derive(Debug)]
    pub struct CountTokensResponse {
        /// Its tokens.
        pub total_tokens: Option<i32>,
        /// Those of them that come from a cache.
        pub cached_content_token_count: Option<i32>,
        /// Characters billed; Vertex only.
        pub total_billable_characters: Option<i32>,
        /// Tokens by kind of input.
        pub prompt_tokens_details: Vec<ModalityTokenCount>,
        /// Cached tokens by kind of input.
        pub cache_tokens_details: Vec<ModalityTokenCount>,
    }

    /// What `computeTokens` takes; Vertex only.
    pub struct ComputeTokensRequest {
        /// The content to take apart.
        pub contents: Vec<Content>,
    }

    /// The tokens of content; Vertex only.
    #[derive(Debug)]
    pub struct ComputeTokensResponse {
        /// The tokens of each content.
        pub tokens_info: Vec<TokensInfo>,
    }

    /// The tokens of one content.
    #[derive(Debug)]
    pub struct TokensInfo {
        /// Who says it.
        pub role: Option<String>,
        /// The numbers of the tokens.
        pub token_ids: Vec<i64>,
        /// The bytes of the tokens; not always whole characters.
        pub tokens: Vec<Bytes64>,
    }
}
