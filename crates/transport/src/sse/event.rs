//! What a decoder yields. Data stays bytes: it is usually JSON, which checks its own encoding.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::json;

/// One piece of an event stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// An event.
    Event(Event),
    /// JSON that stood in the stream outside of any event, as servers write it when they fail
    /// after the stream began.
    Raw(Bytes),
}

/// One server-sent event.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// The values of the `data` lines, joined by line feeds; never empty.
    pub data: Bytes,
    /// The value of the `event` line.
    pub event: Option<String>,
    /// The last id the stream has set so far.
    pub id: Option<String>,
    /// The reconnection time, where the stream has set one since the last event.
    pub retry: Option<Duration>,
}

impl Event {
    /// An event that has only data.
    pub fn from_data(data: impl Into<Bytes>) -> Self {
        Self {
            data: data.into(),
            ..Self::default()
        }
    }

    /// The data as text; what is not UTF-8 is replaced by U+FFFD.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.data)
    }

    /// The data read as JSON.
    ///
    /// ```
    /// use gimmal_transport::sse::Event;
    ///
    /// # fn main() -> Result<(), gimmal_transport::Error> {
    /// let numbers: Vec<u32> = Event::from_data("[1, 2]").json()?;
    /// assert_eq!(numbers, [1, 2]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        json::from_slice(&self.data)
    }

    /// Whether the data is `[DONE]`, with which some servers say that no more events come; as a
    /// JSON string it counts too.
    pub fn is_done(&self) -> bool {
        matches!(self.data.trim_ascii(), b"[DONE]" | br#""[DONE]""#)
    }
}

/// Shows the length of the data only, which may be a user's content.
impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("data", &format_args!("{} bytes", self.data.len()))
            .field("event", &self.event)
            .field("id", &self.id)
            .field("retry", &self.retry)
            .finish()
    }
}
