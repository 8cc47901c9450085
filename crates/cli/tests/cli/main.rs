//! The command as a person runs it: real processes, real files, the emulator for a service.

mod bad_input;
mod batch;
mod batch_ends;
mod batch_forms;
mod commands;
mod interrupt;
#[cfg(feature = "otlp")]
mod otlp;
mod response_cache;
mod resume;
mod support;
mod tinker;
mod tinker_auth;
mod tinker_files;
mod tinker_hub;
mod train;
