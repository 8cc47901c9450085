//! WebSocket (RFC 6455): a call that goes through the pipeline like any other, with its
//! credentials, limits and retries, and whose reply is a connection that speaks both ways.
//!
//! Nothing here knows what the messages mean.

mod config;
mod driver;
mod failure;
mod handshake;
mod message;
mod socket;

pub use crate::error::CloseCode;
pub use config::WebSocketConfig;
pub use message::Message;
pub use socket::{WebSocket, WebSocketReceiver, WebSocketSender};

pub(crate) use handshake::{Switch, request, verify};
