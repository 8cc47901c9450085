//! Replies that take several requests: cut replies, functions that run, chats.

mod chats;
mod continuation;
mod deadline;
mod functions;
#[cfg(feature = "mcp")]
mod mcp;
mod support;
#[cfg(feature = "schemars")]
mod typed;
