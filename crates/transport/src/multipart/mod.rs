//! Bodies of several parts: `multipart/form-data` for forms with files, `multipart/related` for
//! metadata next to its content. A body is built once and kept as bytes, so every attempt sends
//! the same one. For content that is too large for memory there is `upload`.

mod boundary;
mod encode;
mod fields;
mod part;
mod read;

pub use encode::{Encoded, Multipart};
pub use part::Part;
pub use read::{ReceivedPart, read};
