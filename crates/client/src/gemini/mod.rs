//! The Gemini client: one call shape for every call, and the context-cache planner.

mod auth_tokens;
mod builder;
mod caches;
mod client;
mod documents;
mod embeddings;
mod env;
mod file_search_stores;
mod file_search_uploads;
mod files;
mod images;
mod models;
mod operations;
pub mod planner;
mod tuned_models;
mod videos;

pub use auth_tokens::{AuthTokens, CreateAuthToken};
pub use builder::GeminiClientBuilder;
pub use caches::{Caches, CreateCache, DeleteCache, GetCache, ListCachesCall, UpdateCache};
pub use client::GeminiClient;
pub use documents::{DeleteDocument, Documents, GetDocument, ListDocumentsCall};
pub use embeddings::{ComputeTokens, EmbedContent};
pub use file_search_stores::{
    CreateFileSearchStore, DeleteFileSearchStore, DownloadMedia, FileSearchStores,
    GetFileSearchStore, ImportFile, ListFileSearchStoresCall,
};
pub use file_search_uploads::UploadToFileSearchStore;
pub use files::{
    DeleteFile, DownloadFile, Files, GetFile, ListFilesCall, RegisterFiles, UploadFile,
};
pub use gimmal_api::gemini::{
    Backend, ByteRange, Endpoint, FileRef, GenerateStream, UploadContent,
};
pub use images::{EditImage, GenerateImages, RecontextImage, SegmentImage, UpscaleImage};
pub use models::{CountTokens, GenerateContent, GetModel, ListModelsCall, Models};
pub use operations::{CancelOperation, GetOperation, Operations};
pub use tuned_models::{DeleteModel, UpdateModel};
pub use videos::GenerateVideos;
