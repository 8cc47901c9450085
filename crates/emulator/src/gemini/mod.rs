//! The Gemini surface, written from the wire's description: decoding, checks, texts of refusals and
//! the calls themselves.

pub(crate) mod abilities;
pub(crate) mod auth;
pub(crate) mod auth_tokens;
pub(crate) mod batches;
pub(crate) mod caches;
pub(crate) mod config;
pub(crate) mod content;
pub(crate) mod embeddings;
pub(crate) mod errors;
pub(crate) mod fields;
pub(crate) mod file_search;
pub(crate) mod files;
pub(crate) mod generate;
pub(crate) mod images;
pub(crate) mod jobs;
pub(crate) mod keys;
pub(crate) mod limiter;
pub(crate) mod media;
pub(crate) mod meter;
pub(crate) mod modalities;
pub(crate) mod models;
pub(crate) mod objects;
pub(crate) mod operations;
pub(crate) mod page;
pub(crate) mod predict;
pub(crate) mod prompt;
pub(crate) mod resources;
pub(crate) mod schemas;
pub(crate) mod service;
pub(crate) mod stream;
pub(crate) mod tokens;
pub(crate) mod tools;
pub(crate) mod tunings;
pub(crate) mod usage;
pub(crate) mod videos;
