//! Requests without I/O: from typed arguments to method, URL and body.

mod auth_tokens;
mod batch_tables;
mod batches;
mod body;
mod caches;
mod file_search_stores;
mod files;
mod generate;
mod job_names;
#[cfg(test)]
mod job_tables;
mod models;
mod resources;
#[cfg(test)]
mod tables;
mod tuning_tables;
mod tunings;
mod urls;

pub use super::embeddings::embed_content;
pub use super::images::{
    edit_image, generate_images, recontext_image, segment_image, upscale_image,
};
pub use super::models::{delete_model, update_model};
pub use super::operations::{fetch_predict_operation, get as get_project_operation, get_operation};
pub use super::tokens::compute_tokens;
pub use super::videos::generate_videos;
pub use auth_tokens::create_auth_token;
pub use batches::{
    cancel_batch, check_batch_source, check_embeddings_source, create_batch,
    create_embeddings_batch, delete_batch, get_batch, list_batches,
};
pub(super) use body::json;
pub use caches::{create_cache, delete_cache, get_cache, list_caches, update_cache};
pub use file_search_stores::{
    create_file_search_store, delete_document, delete_file_search_store, download_media,
    get_document, get_file_search_store, import_file, list_documents, list_file_search_stores,
    upload_to_file_search_store,
};
pub use files::{delete_file, download_file, get_file, list_files, register_files, upload_file};
pub use generate::{count_tokens, generate_content, stream_generate_content};
pub use job_names::batch_job_id;
pub use models::{get_model, list_models};
pub use resources::{
    cancel_interaction, create_decision, create_interaction, create_resource, create_trigger,
    delete_resource, download_environment_file, get_interaction, get_resource,
    list_environment_files, list_resources, list_trigger_executions, run_trigger, update_resource,
    upload_environment_file, watch_interaction,
};
pub(crate) use resources::{require, webhook_call};
pub(crate) use tunings::evaluation;
pub use tunings::{
    cancel_tuning, create_tuned_model, create_tuning_job, get_tuning, list_tunings, validate_reward,
};
pub(super) use urls::{call_url, get};
