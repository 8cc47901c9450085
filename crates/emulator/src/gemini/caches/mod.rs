//! Cached contents: how long they live, where they are kept, and the five calls on them.

mod calls;
mod lifetime;
mod store;

pub(crate) use calls::Caches;
pub(crate) use lifetime::{format_time, parse_duration};
pub(crate) use store::{CachedContent, Scope};
