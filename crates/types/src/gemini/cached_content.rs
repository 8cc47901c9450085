//! Context caches: content the service keeps for later requests.

use super::{Content, Tool, ToolConfig};
use crate::{Timestamp, WireDuration};

wire! {
    /// A context cache. What was put into it is never returned.
    #[derive(Debug)]
    pub struct CachedContent {
        /// Its name, such as `cachedContents/abc`.
        pub name: Option<String>,
        /// A name for people, at most 128 characters.
        pub display_name: Option<String>,
        /// The only model that can read it.
        pub model: Option<String>,
        /// When it was made.
        pub create_time: Option<Timestamp>,
        /// When its expiry was changed last.
        pub update_time: Option<Timestamp>,
        /// When the service deletes it.
        pub expire_time: Option<Timestamp>,
        /// Its size.
        pub usage_metadata: Option<Box<CachedContentUsageMetadata>>,
    }

    /// The size of a context cache.
    #[derive(Debug)]
    pub struct CachedContentUsageMetadata {
        /// Its tokens.
        pub total_token_count: Option<i32>,
        /// Characters of text; Vertex only.
        pub text_count: Option<i32>,
        /// Pictures; Vertex only.
        pub image_count: Option<i32>,
        /// Seconds of sound; Vertex only.
        pub audio_duration_seconds: Option<i32>,
        /// Seconds of film; Vertex only.
        pub video_duration_seconds: Option<i32>,
    }

    /// What `cachedContents.create` takes.
    pub struct CreateCachedContentRequest {
        /// The model that will read it.
        pub model: Option<String>,
        /// The content to keep; the last turn must not be the model's.
        pub contents: Vec<Content>,
        /// Instructions to keep.
        pub system_instruction: Option<Box<Content>>,
        /// Tools to keep.
        pub tools: Vec<Tool>,
        /// Tool settings to keep.
        pub tool_config: Option<Box<ToolConfig>>,
        /// How long to keep it, from now. Excludes `expire_time`.
        pub ttl: Option<WireDuration>,
        /// Until when to keep it. Excludes `ttl`.
        pub expire_time: Option<Timestamp>,
        /// A name for people, at most 128 characters.
        pub display_name: Option<String>,
        /// The key it is encrypted with; Vertex only.
        pub encryption_spec: Option<Box<EncryptionSpec>>,
    }

    /// A customer's encryption key.
    #[derive(Debug)]
    pub struct EncryptionSpec {
        /// Full name of the key.
        pub kms_key_name: Option<String>,
    }

    /// What `cachedContents.patch` takes: a new expiry.
    #[derive(Debug)]
    pub struct UpdateCachedContentRequest {
        /// How long to keep it, from now. Excludes `expire_time`.
        pub ttl: Option<WireDuration>,
        /// Until when to keep it. Excludes `ttl`.
        pub expire_time: Option<Timestamp>,
    }

    /// A page of context caches.
    #[derive(Debug)]
    pub struct ListCachedContentsResponse {
        /// The caches.
        pub cached_contents: Vec<CachedContent>,
        /// Asks for the next page; absent or empty on the last.
        pub next_page_token: Option<String>,
    }
}
