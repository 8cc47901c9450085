//! The Gemini API: where it is, what it takes, and one function per call.

#[macro_use]
mod mapping;

mod agents;
mod attributes;
mod auth_tokens;
mod backend;
mod batches;
mod byte_range;
mod caches;
mod collection;
mod credentials;
mod decisions;
mod embeddings;
mod endpoint;
mod environments;
mod fields;
mod file_ref;
mod file_search_stores;
mod files;
mod generate;
mod handle;
mod images;
mod interaction_stream;
mod interactions;
mod job_polling;
pub mod live;
#[cfg(test)]
mod media_tables;
mod models;
mod names;
mod operations;
pub mod requests;
mod stream;
mod tokens;
mod triggers;
mod tunings;
mod upload_content;
mod videos;
mod voices;
mod webhooks;

pub use backend::Backend;
pub use batches::ListBatches;
pub use byte_range::ByteRange;
pub use caches::ListCaches;
pub use collection::{Collection, ListQuery};
pub use embeddings::{embedding_api, embeds_media, is_hosted_model};
pub use endpoint::{Endpoint, EndpointBuilder};
pub use environments::EnvironmentUpload;
pub use fields::{REJECTED_FIELDS, RejectedField};
pub use file_ref::FileRef;
pub use handle::{Gemini, client_header, default_headers};
pub use interaction_stream::InteractionStream;
pub use models::ListModels;
pub use names::{cached_content_model, cached_content_name, model_path};
pub use stream::GenerateStream;
pub use tunings::ListTunings;
pub use upload_content::UploadContent;
