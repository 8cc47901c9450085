//! How an entry is written for a shared store: a header, the payload and a checksum. Reading trusts
//! nothing: what is damaged, foreign or forged is a miss with a reason and never an answer.

mod codec;
mod compression;
mod header;
#[cfg(feature = "encryption")]
mod seal;

pub use codec::{FrameCodec, FrameError};
pub use compression::Compression;
#[cfg(feature = "encryption")]
pub use seal::{EncryptionKey, KeyRing};
