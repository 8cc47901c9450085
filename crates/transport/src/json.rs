//! JSON replies into values. A reply that cannot be read costs no information: the error names
//! the path of the offending member and keeps the raw body. Reading is the last step of an attempt,
//! so that the error has what the errors of attempts have.

use std::marker::PhantomData;
use std::time::Duration;

use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::body::ByteStream;
use crate::error::{Error, TimeoutKind};
use crate::observe::Observation;
use crate::options::CallOptions;
use crate::receive::{Buffered, Receive, Terms};

/// Reads a reply; an empty body reads as `{}`.
///
/// ```
/// use bytes::Bytes;
///
/// let body = Bytes::from_static(br#"{"list": [1, "two"]}"#);
/// let error = gimmal_transport::json::from_slice::<std::collections::BTreeMap<String, Vec<u32>>>(&body)
///     .unwrap_err();
/// assert_eq!(error.field(), Some("list[1]"));
/// assert_eq!(error.payload(), Some(&body));
/// ```
pub fn from_slice<T: DeserializeOwned>(body: &Bytes) -> Result<T, Error> {
    let text: &[u8] = if body.trim_ascii().is_empty() {
        b"{}"
    } else {
        body
    };
    // Tracking the path costs time, so it is done only for replies that turned out to be bad.
    serde_json::from_slice(text).or_else(|_| with_path(text, body))
}

/// Takes a reply as [`Buffered`] does and reads it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Json<T>(PhantomData<fn() -> T>);

impl<T> Default for Json<T> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T: DeserializeOwned + Send> Receive for Json<T> {
    /// The value, and the size of its text.
    type Output = (T, u64);

    const STREAMED: bool = false;

    fn limit(&self, options: &CallOptions) -> Option<(TimeoutKind, Duration)> {
        Buffered.limit(options)
    }

    async fn receive(&self, body: ByteStream, terms: Terms<'_>) -> Result<Self::Output, Error> {
        let text = Buffered.receive(body, terms).await?;
        Ok((from_slice(&text)?, text.len() as u64))
    }

    fn conclude(output: Self::Output, mut observation: Observation) -> Self::Output {
        observation.succeeded(output.1);
        output
    }
}

fn with_path<T: DeserializeOwned>(text: &[u8], body: &Bytes) -> Result<T, Error> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|failure| {
        let path = failure.path().to_string();
        let error = Error::decode(failure.into_inner(), body.clone());
        // The root is spelled "." and says nothing.
        if path == "." {
            error
        } else {
            error.with_field(path)
        }
    })?;
    // What is left is text after a complete value.
    reader
        .end()
        .map_err(|failure| Error::decode(failure, body.clone()))?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    type Numbers = BTreeMap<String, u32>;

    #[test]
    fn empty_and_blank_bodies_are_empty_objects() {
        for body in ["", "  \r\n"] {
            let read: Numbers = from_slice(&Bytes::from(body)).unwrap();
            assert!(read.is_empty());
        }
    }

    #[test]
    fn the_error_names_the_path_and_keeps_the_body() {
        let body = Bytes::from_static(br#"{"a": 1, "b": "x"}"#);
        let error = from_slice::<Numbers>(&body).unwrap_err();
        assert!(error.is_decode());
        assert_eq!(error.field(), Some("b"));
        assert_eq!(error.payload(), Some(&body));
        assert!(
            error
                .to_string()
                .starts_with("reply could not be read at `b`: invalid type"),
            "{error}"
        );
    }

    #[test]
    fn text_after_the_value_is_an_error() {
        let error = from_slice::<Numbers>(&Bytes::from_static(b"{} {}")).unwrap_err();
        assert!(error.is_decode());
        assert_eq!(error.field(), None);
    }
}
