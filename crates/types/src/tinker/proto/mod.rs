//! The protocol buffers of the API: a writer for requests of `forward_backward`, and readers for
//! the results that come as such. They know the messages; they do not send anything.

mod decode;
mod encode;
#[rustfmt::skip]
pub mod messages;
mod numbers;
mod result;

pub use encode::ForwardBackwardBody;
pub use result::{FutureResult, InvalidReply};

pub(super) use encode::check_chunk;
