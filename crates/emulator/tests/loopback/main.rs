//! The emulator over its socket, as any client sees it: one module per subject. Nothing here looks
//! inside the crate.

mod auth_tokens;
mod batches;
mod caches;
mod client;
mod counting;
mod embeddings;
mod errors;
mod faults;
mod file_search;
mod files;
mod functions;
mod generate;
mod images;
mod interactions;
mod json;
mod latency;
mod live;
mod live_turns;
mod models;
mod music;
mod operations;
mod resources;
mod server;
mod socket;
mod stream;
mod tinker;
#[cfg(feature = "tls")]
mod tls;
mod tokens;
mod tunings;
mod vertex;
mod videos;
