//! How a struct of ours meets JSON: the `wire!` macro and the traits behind it.
//!
//! Every wire struct is declared once, field by field, and gets from that declaration its decoder
//! (camelCase and snake_case keys, unknown keys kept, `null` as absent, 64-bit integers as numbers
//! or strings), its encoder (camelCase, absent fields left out), its `set_*` builders and a walk
//! over the fields that are set. This module must not know any particular API type.

#[macro_use]
mod macros;
#[macro_use]
mod unions;
#[macro_use]
mod secret;
mod collections;
mod erased;
mod into_field;
mod key;
mod numbers;
mod seed;
mod traits;
mod unknown;

pub use erased::Erased;
pub use indexmap::IndexMap;
pub use into_field::IntoField;
pub use key::{FieldKey, UnknownKey};
pub(crate) use secret::debug_names;
pub use seed::{Encoded, EncodedField, FieldSeed, ValueSeed};
pub use traits::{FieldVisitor, WireField, WireRecord, WireValue};
pub(crate) use unions::untagged;
pub use unknown::UnknownFields;

#[cfg(test)]
mod tests;
