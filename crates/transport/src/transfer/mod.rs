//! What uploads and downloads share: where content comes from, how progress is told and when a
//! transfer that was interrupted goes on. Nothing here knows a protocol.

mod progress;
mod recovery;
mod seekable;
mod source;

pub use progress::Progress;
pub use source::{Fingerprint, ReadAt, Source};

pub(crate) use progress::Listener;
pub(crate) use recovery::{Failure, Recovery};
