//! Interactions and the resources around them: against the emulator, and against scripts for what a
//! good service never does.

mod bad_input;
mod continuation;
mod conversations;
mod environments;
mod requests;
mod resources;
mod streams;
mod support;
mod webhooks;
