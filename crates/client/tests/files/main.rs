//! Files, file search stores and ephemeral tokens, against a service in memory and against
//! scripts.

mod bad_input;
mod download;
mod lifecycle;
mod service;
mod stores;
mod tokens;
mod upload;
