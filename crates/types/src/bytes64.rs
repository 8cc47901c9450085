//! Bytes that travel as base64 text.
//!
//! Written in the URL-safe alphabet with padding, as the reference SDK does; read in either
//! alphabet, with or without padding.

use std::fmt;

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::display::Base64Display;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const URL_SAFE_ENGINE: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, LENIENT);
const STANDARD_ENGINE: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT);

/// Binary data in a JSON field. Clones share the bytes.
///
/// ```
/// use gimmal_types::Bytes64;
///
/// let data = Bytes64::from(vec![0xfb, 0xff]);
/// assert_eq!(data.to_base64(), "-_8=");
/// assert_eq!("+/8".parse::<Bytes64>()?, data);
/// # Ok::<(), gimmal_types::InvalidBase64>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Bytes64(Bytes);

/// The text is not base64 in either alphabet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not base64: {reason}")]
pub struct InvalidBase64 {
    reason: String,
}

impl Bytes64 {
    /// The decoded bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The decoded bytes, without copying.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }

    /// The URL-safe base64 text, padded.
    pub fn to_base64(&self) -> String {
        URL_SAFE_ENGINE.encode(&self.0)
    }
}

impl fmt::Debug for Bytes64 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Bytes64({} bytes)", self.0.len())
    }
}

impl<B: Into<Bytes>> From<B> for Bytes64 {
    fn from(bytes: B) -> Self {
        Self(bytes.into())
    }
}

impl std::str::FromStr for Bytes64 {
    type Err = InvalidBase64;

    fn from_str(text: &str) -> Result<Self, InvalidBase64> {
        let standard = text.bytes().any(|byte| byte == b'+' || byte == b'/');
        let engine = if standard {
            &STANDARD_ENGINE
        } else {
            &URL_SAFE_ENGINE
        };
        engine
            .decode(text)
            .map(Self::from)
            .map_err(|error| InvalidBase64 {
                reason: error.to_string(),
            })
    }
}

impl Serialize for Bytes64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Encoded on the way into the writer: a large blob is never held twice as text.
        serializer.collect_str(&Base64Display::new(&self.0, &URL_SAFE_ENGINE))
    }
}

impl<'de> Deserialize<'de> for Bytes64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Bytes64;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("base64 text")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Bytes64, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

plain_wire_values!(Bytes64);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_alphabet_and_padding_decodes(bytes: Vec<u8>) {
            let value = Bytes64::from(bytes);
            let url_safe = value.to_base64();
            let standard = url_safe.replace('-', "+").replace('_', "/");
            for text in [&url_safe, &standard] {
                prop_assert_eq!(&text.parse::<Bytes64>().unwrap(), &value);
                prop_assert_eq!(&text.trim_end_matches('=').parse::<Bytes64>().unwrap(), &value);
            }
            let json = serde_json::to_string(&value).unwrap();
            prop_assert_eq!(json, format!("\"{url_safe}\""));
        }
    }

    #[test]
    fn debug_shows_only_the_length() {
        assert_eq!(
            format!("{:?}", Bytes64::from(vec![1, 2, 3])),
            "Bytes64(3 bytes)"
        );
    }

    #[test]
    fn bad_text_is_an_error() {
        assert!("a!".parse::<Bytes64>().is_err());
    }
}
