//! The Gemini client: one call shape for every call, and the context-cache planner.

mod auth_tokens;
mod batches;
mod builder;
mod caches;
mod chats;
mod client;
mod documents;
mod embeddings;
mod env;
mod ephemeral;
mod file_search_stores;
mod file_search_uploads;
mod files;
mod functions;
mod generate;
mod images;
#[cfg(feature = "websocket")]
mod live;
mod models;
mod operations;
pub mod planner;
mod tuned_models;
mod tunings;
mod videos;

pub use auth_tokens::{AuthTokens, CreateAuthToken};
pub use batches::{
    Batches, CancelBatch, CreateBatch, CreateEmbeddingsBatch, DeleteBatch, GetBatch,
    ListBatchesCall,
};
pub use builder::GeminiClientBuilder;
pub use caches::{Caches, CreateCache, DeleteCache, GetCache, ListCachesCall, UpdateCache};
pub use chats::{Chat, ChatStream, Chats, CreateChat, SendMessage};
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
pub use functions::{Function, ToolSet, UnknownFunction};
pub use generate::{GenerateContent, GenerateStream};
pub use gimmal_api::gemini::{Backend, ByteRange, Endpoint, FileRef, UploadContent};
pub use images::{EditImage, GenerateImages, RecontextImage, SegmentImage, UpscaleImage};
#[cfg(feature = "websocket")]
pub use live::{
    ConnectLive, ConnectLiveMusic, Live, LiveMusic, LiveReceiver, LiveSender, LiveSession,
    LiveTurn, MusicReceiver, MusicSender, MusicSession,
};
pub use models::{CountTokens, GetModel, ListModelsCall, Models};
pub use operations::{CancelOperation, GetOperation, Operations};
pub use tuned_models::{DeleteModel, UpdateModel};
pub use tunings::{CancelTuning, GetTuning, ListTuningsCall, Tune, Tunings, ValidateReward};
pub use videos::GenerateVideos;
