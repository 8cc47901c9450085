//! Bytes that travel as base64 text of the standard alphabet.

use std::fmt;

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Bytes64;

/// Binary data of a chunk. Clones share the bytes.
///
/// Written in the standard alphabet with padding; read in either alphabet.
///
/// ```
/// use gimmal_types::tinker::Base64Bytes;
///
/// let image = Base64Bytes::from(vec![0xfb, 0xff]);
/// assert_eq!(serde_json::to_string(&image)?, "\"+/8=\"");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Base64Bytes(Bytes);

impl Base64Bytes {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes, without copying.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

impl<B: Into<Bytes>> From<B> for Base64Bytes {
    fn from(bytes: B) -> Self {
        Self(bytes.into())
    }
}

impl fmt::Debug for Base64Bytes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Base64Bytes({} bytes)", self.0.len())
    }
}

impl Serialize for Base64Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Base64Display::new(&self.0, &STANDARD))
    }
}

impl<'de> Deserialize<'de> for Base64Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Bytes64::deserialize(deserializer).map(|bytes| Self(bytes.into_bytes()))
    }
}

plain_wire_values!(Base64Bytes);

impl<U: Into<Base64Bytes>> crate::wire::IntoField<Base64Bytes> for U {
    fn into_field(self) -> Base64Bytes {
        self.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_alphabet_is_written_and_both_are_read() {
        let bytes = Base64Bytes::from(vec![0xfb, 0xff]);
        assert_eq!(serde_json::to_string(&bytes).unwrap(), "\"+/8=\"");
        for text in ["\"+/8=\"", "\"-_8\""] {
            assert_eq!(serde_json::from_str::<Base64Bytes>(text).unwrap(), bytes);
        }
        assert_eq!(bytes.as_bytes(), [0xfb, 0xff]);
        assert_eq!(format!("{bytes:?}"), "Base64Bytes(2 bytes)");
        assert_eq!(bytes.into_bytes().len(), 2);
        assert!(serde_json::from_str::<Base64Bytes>("\"a!\"").is_err());
    }
}
