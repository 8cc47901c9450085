//! The emulator over its socket, as any client sees it: one module per subject. Nothing here looks
//! inside the crate.

mod caches;
mod client;
mod counting;
mod errors;
mod faults;
mod files;
mod functions;
mod generate;
mod json;
mod latency;
mod models;
mod operations;
mod server;
mod stream;
mod vertex;
mod videos;
