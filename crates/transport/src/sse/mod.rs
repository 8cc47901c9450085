//! Server-sent events: a decoder without I/O, and the stream that feeds it from a reply. What the
//! events mean is for the callers to know.

mod block;
mod decoder;
mod event;
mod raw_json;
mod stream;
#[cfg(test)]
mod tests;

pub use decoder::{DEFAULT_MAX_EVENT_BYTES, Decoder};
pub use event::{Event, Frame};
pub use stream::EventStream;
