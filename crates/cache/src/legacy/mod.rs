//! The cache that this one replaces: its keys and its values, for moving over. Nothing is written in
//! its formats.

mod key;
mod pickle;
mod value;

pub use key::{LEGACY_HASH_THRESHOLD, legacy_key};
pub use value::{InvalidLegacyValue, legacy_value};
