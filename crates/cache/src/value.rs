//! What is cached: bytes, and what kind of bytes they are. Values are immutable; whoever holds one
//! cannot change what others read.

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// How the bytes of a [`Value`] are to be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// JSON text.
    #[default]
    Json,
    /// Bytes without a meaning to the cache.
    Bytes,
    /// CBOR; the cache neither writes nor reads it.
    Cbor,
    /// A recorded stream: JSON `[[milliseconds, event], …]`.
    Events,
}

/// A cached answer. Cloning it copies no bytes.
///
/// ```
/// use gimmal_cache::Value;
///
/// let value = Value::json(&vec![1, 2, 3])?;
/// assert_eq!(value.parse::<Vec<u8>>()?, [1, 2, 3]);
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// `Debug` shows the length instead of the contents.
#[derive(Clone, PartialEq, Eq)]
pub struct Value {
    bytes: Bytes,
    format: Format,
}

impl Value {
    /// A value of these bytes.
    #[must_use]
    pub fn new(format: Format, bytes: impl Into<Bytes>) -> Self {
        Self {
            bytes: bytes.into(),
            format,
        }
    }

    /// A value of bytes without a meaning to the cache.
    #[must_use]
    pub fn bytes(bytes: impl Into<Bytes>) -> Self {
        Self::new(Format::Bytes, bytes)
    }

    /// The JSON of `content`. JSON `null` is a value like any other.
    ///
    /// # Errors
    ///
    /// If `content` cannot be written as JSON.
    pub fn json<T: Serialize + ?Sized>(content: &T) -> serde_json::Result<Self> {
        serde_json::to_vec(content).map(|bytes| Self::new(Format::Json, bytes))
    }

    /// The content, read from JSON.
    ///
    /// # Errors
    ///
    /// If the bytes are not JSON of this type.
    pub fn parse<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_slice(&self.bytes)
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// How to read the bytes.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Value")
            .field("format", &self.format)
            .field("bytes", &self.bytes.len())
            .finish()
    }
}
