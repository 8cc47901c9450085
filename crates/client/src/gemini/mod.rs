//! The Gemini client: one call shape for every call, and the context-cache planner.

mod builder;
mod caches;
mod client;
mod env;
mod models;
pub mod planner;

pub use builder::GeminiClientBuilder;
pub use caches::{Caches, CreateCache, DeleteCache, GetCache, ListCachesCall, UpdateCache};
pub use client::GeminiClient;
pub use gimmal_api::gemini::{Backend, Endpoint, GenerateStream};
pub use models::{CountTokens, GenerateContent, GetModel, ListModelsCall, Models};
