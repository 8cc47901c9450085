//! The Gemini API: where it is, what it takes, and one function per call.

#[macro_use]
mod mapping;

mod auth_tokens;
mod backend;
mod batches;
mod byte_range;
mod caches;
mod embeddings;
mod endpoint;
mod fields;
mod file_ref;
mod file_search_stores;
mod files;
mod generate;
mod handle;
mod images;
pub mod live;
#[cfg(test)]
mod media_tables;
mod models;
mod names;
mod operations;
pub mod requests;
mod stream;
mod tokens;
mod tunings;
mod upload_content;
mod videos;

pub use backend::Backend;
pub use batches::ListBatches;
pub use byte_range::ByteRange;
pub use caches::ListCaches;
pub use embeddings::{embedding_api, embeds_media, is_hosted_model};
pub use endpoint::{Endpoint, EndpointBuilder};
pub use fields::{REJECTED_FIELDS, RejectedField};
pub use file_ref::FileRef;
pub use handle::{Gemini, default_headers};
pub use models::ListModels;
pub use names::{cached_content_model, cached_content_name, model_path};
pub use stream::GenerateStream;
pub use tunings::ListTunings;
pub use upload_content::UploadContent;
