//! The Gemini client: one call shape for every call, and the context-cache planner.

#[macro_use]
mod resource_calls;

mod agents;
mod auth_tokens;
mod batches;
mod builder;
mod caches;
mod chats;
mod client;
mod credentials;
mod decisions;
mod documents;
mod embeddings;
mod env;
mod environments;
mod ephemeral;
mod file_search_stores;
mod file_search_uploads;
mod files;
mod functions;
mod generate;
mod http_options;
mod images;
mod interactions;
#[cfg(feature = "websocket")]
mod live;
mod models;
mod operations;
pub mod planner;
mod response_store;
mod triggers;
mod tuned_models;
mod tunings;
mod videos;
mod voices;
mod webhook_verifier;
mod webhooks;

pub use agents::{Agents, CreateAgent, DeleteAgent, GetAgent, ListAgentsCall};
pub use auth_tokens::{AuthTokens, CreateAuthToken};
pub use batches::{
    Batches, CancelBatch, CreateBatch, CreateEmbeddingsBatch, DeleteBatch, GetBatch,
    ListBatchesCall,
};
pub use builder::GeminiClientBuilder;
pub use caches::{
    CacheSupport, Caches, CheckCacheSupport, CreateCache, CreateCaches, Creation, DeleteCache,
    ExpireTimeArg, GetCache, ListCachesCall, NoCache, TtlArg, UpdateCache,
};
pub use chats::{Chat, ChatStream, Chats, CreateChat, SendMessage};
pub use client::GeminiClient;
pub use credentials::{
    CreateCredential, Credentials, DeleteCredential, GetCredential, ListCredentialsCall,
    UpdateCredential,
};
pub use decisions::{CreateDecision, Decisions};
pub use documents::{DeleteDocument, Documents, GetDocument, ListDocumentsCall};
pub use embeddings::{ComputeTokens, EmbedContent};
pub use environments::{
    CreateEnvironment, DeleteEnvironment, DownloadEnvironmentFile, EnvironmentFiles, Environments,
    GetEnvironment, ListEnvironmentFilesCall, ListEnvironmentsCall, UploadEnvironmentFile,
};
pub use file_search_stores::{
    CreateFileSearchStore, DeleteFileSearchStore, DownloadMedia, FileSearchStores,
    GetFileSearchStore, ImportFile, ListFileSearchStoresCall,
};
pub use file_search_uploads::UploadToFileSearchStore;
pub use files::{
    DeleteFile, DownloadFile, Files, GetFile, ListFilesCall, RegisterFiles, UploadFile,
};
#[cfg(feature = "mcp")]
pub use functions::McpTools;
pub use functions::{Function, FunctionSource, ToolSet, UnknownFunction};
pub use generate::{GenerateContent, GenerateStream};
pub use gimmal_api::gemini::{Backend, ByteRange, Endpoint, FileRef, UploadContent};
pub use images::{EditImage, GenerateImages, RecontextImage, SegmentImage, UpscaleImage};
pub use interactions::{
    CancelInteraction, ContinuationInterrupted, CreateInteraction, DeleteInteraction,
    GetInteraction, InteractionEvents, Interactions,
};
#[cfg(feature = "websocket")]
pub use live::{
    ConnectLive, ConnectLiveMusic, Live, LiveMusic, LiveReceiver, LiveSender, LiveSession,
    LiveTurn, MusicReceiver, MusicSender, MusicSession,
};
pub use models::{CountTokens, GetModel, ListModelsCall, Models};
pub use operations::{CancelOperation, GetOperation, Operations};
pub use response_store::{
    OpenReplies, ReplySource, ReplyStream, ResponseStore, SendReply, StoreQuery, StoredReply,
};
pub use triggers::{
    CreateTrigger, DeleteTrigger, GetTrigger, ListTriggerExecutionsCall, ListTriggersCall,
    RunTrigger, Triggers, UpdateTrigger,
};
pub use tuned_models::{DeleteModel, UpdateModel};
pub use tunings::{CancelTuning, GetTuning, ListTuningsCall, Tune, Tunings, ValidateReward};
pub use videos::GenerateVideos;
pub use voices::{CreateVoice, DeleteVoice, GetVoice, ListVoicesCall, Voices};
pub use webhook_verifier::{InvalidWebhook, WebhookDelivery, WebhookVerifier};
pub use webhooks::{
    CreateWebhook, DeleteWebhook, GetWebhook, ListWebhooksCall, PingWebhook, RotateSigningSecret,
    UpdateWebhook, Webhooks,
};
