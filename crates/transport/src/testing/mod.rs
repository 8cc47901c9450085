//! Test doubles for code that is built on this crate. They are compiled always, so that tests of
//! other crates need no feature.

mod reply;
mod scripted;

pub use reply::Reply;
pub use scripted::{RecordedRequest, ScriptedTransport};
