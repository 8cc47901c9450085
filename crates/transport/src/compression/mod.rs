//! Bodies made smaller on the wire: requests are packed once per call, replies are unpacked as
//! they arrive. What is inside of a body is nobody's concern here.

mod coding;
mod decompressor;
#[cfg(feature = "gzip")]
mod gzip;
mod reply;
mod request;
#[cfg(test)]
mod tests;
#[cfg(feature = "zstd")]
mod zstd;

pub use coding::ContentCoding;
pub use decompressor::{DEFAULT_MAX_RATIO, Decompressor};
pub use request::RequestCompression;

pub(crate) use reply::{accept, take_coding, unpack};
