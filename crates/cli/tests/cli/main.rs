//! The command as a person runs it: real processes, real files, the emulator for a service.

mod bad_input;
mod batch;
mod batch_forms;
mod commands;
mod interrupt;
mod response_cache;
mod resume;
mod support;
mod train;
