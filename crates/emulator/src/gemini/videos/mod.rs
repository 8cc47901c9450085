//! Films: `predictLongRunning` on both services.

mod calls;
mod request;

pub(crate) use calls::begin;
