//! The Gemini client: one call shape for every call, and the context-cache planner.

mod builder;
mod caches;
mod client;
mod embeddings;
mod env;
mod images;
mod models;
mod operations;
pub mod planner;
mod tuned_models;
mod videos;

pub use builder::GeminiClientBuilder;
pub use caches::{Caches, CreateCache, DeleteCache, GetCache, ListCachesCall, UpdateCache};
pub use client::GeminiClient;
pub use embeddings::{ComputeTokens, EmbedContent};
pub use gimmal_api::gemini::{Backend, Endpoint, GenerateStream};
pub use images::{EditImage, GenerateImages, RecontextImage, SegmentImage, UpscaleImage};
pub use models::{CountTokens, GenerateContent, GetModel, ListModelsCall, Models};
pub use operations::{CancelOperation, GetOperation, Operations};
pub use tuned_models::{DeleteModel, UpdateModel};
pub use videos::GenerateVideos;
