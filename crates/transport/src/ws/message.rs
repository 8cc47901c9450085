//! One message, whole: text or bytes. Frames, pings and closing are not the caller's affair.

use std::fmt;

use bytes::Bytes;
use tokio_tungstenite::tungstenite::{self, Utf8Bytes};

use crate::error::Error;

/// A message of either side.
///
/// ```
/// use gimmal_transport::ws::Message;
///
/// let message = Message::text("{}");
/// assert_eq!(message.as_text(), Some("{}"));
/// assert_eq!(Message::binary(vec![0xff]).as_text(), None);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Message(Content);

#[derive(Clone, PartialEq, Eq)]
enum Content {
    Text(Utf8Bytes),
    Binary(Bytes),
}

impl Message {
    /// A message of text.
    pub fn text(text: impl Into<String>) -> Self {
        Self(Content::Text(text.into().into()))
    }

    /// A message of text that is already in bytes.
    ///
    /// # Errors
    ///
    /// Fails when they are not UTF-8.
    pub fn text_of(text: Bytes) -> Result<Self, Error> {
        Utf8Bytes::try_from(text)
            .map(|text| Self(Content::Text(text)))
            .map_err(|source| Error::invalid("message", "is not UTF-8").with_source(source))
    }

    /// A message of bytes.
    pub fn binary(bytes: impl Into<Bytes>) -> Self {
        Self(Content::Binary(bytes.into()))
    }

    /// True for text.
    pub fn is_text(&self) -> bool {
        matches!(self.0, Content::Text(_))
    }

    /// The text, unless it is a message of bytes.
    pub fn as_text(&self) -> Option<&str> {
        match &self.0 {
            Content::Text(text) => Some(text.as_str()),
            Content::Binary(_) => None,
        }
    }

    /// The bytes, of text as well.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Content::Text(text) => text.as_str().as_bytes(),
            Content::Binary(bytes) => bytes,
        }
    }

    /// The bytes, of text as well.
    pub fn into_bytes(self) -> Bytes {
        match self.0 {
            Content::Text(text) => text.into(),
            Content::Binary(bytes) => bytes,
        }
    }

    pub(crate) fn into_frame(self) -> tungstenite::Message {
        match self.0 {
            Content::Text(text) => tungstenite::Message::Text(text),
            Content::Binary(bytes) => tungstenite::Message::Binary(bytes),
        }
    }

    /// The message in a frame of data.
    pub(crate) fn of_frame(frame: tungstenite::Message) -> Option<Self> {
        match frame {
            tungstenite::Message::Text(text) => Some(Self(Content::Text(text))),
            tungstenite::Message::Binary(bytes) => Some(Self(Content::Binary(bytes))),
            _ => None,
        }
    }
}

/// Shows kind and size, as what is said may be anybody's secret.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.is_text() { "text" } else { "binary" };
        write!(f, "Message({kind}, {} bytes)", self.as_bytes().len())
    }
}
