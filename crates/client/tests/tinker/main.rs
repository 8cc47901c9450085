//! The Tinker client against the emulator: what needs a server with files and models.

mod access;
mod bad_input;
#[cfg(feature = "blocking")]
mod blocking;
mod chaos;
mod checkpoints;
mod downloads;
mod hub_push;
mod pools;
mod recovery;
mod rest;
mod rest_runs;
mod rest_sessions;
mod support;
mod teaching;
#[cfg(feature = "tokenizers")]
mod tokenizers;
