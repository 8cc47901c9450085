//! A hub that speaks as Hugging Face's does: files come from there, and adapters go there.

mod files;
mod push;

pub use files::{Hub, HubBuilder};
pub use push::{PushAdapter, PushedAdapter};
