//! Test doubles for code that is built on this crate. They are compiled always, so that tests of
//! other crates need no feature.

mod reply;
mod scripted;
#[cfg(feature = "websocket")]
mod socket;

pub use reply::Reply;
pub use scripted::{RecordedRequest, ScriptedTransport};
#[cfg(feature = "websocket")]
pub use socket::SocketScript;
