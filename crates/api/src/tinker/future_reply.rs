//! What the server says when it is asked for a result. Reads replies; decides nothing.

use bytes::Bytes;
use gimmal_transport::Error;
use gimmal_types::tinker::{
    CompleteMetadataResponse, FutureResult, RequestFailedResponse, TryAgainResponse,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The media type of protocol buffers.
pub(super) const PROTOBUF: &str = "application/x-protobuf";
/// Longer replies are results: what else the server says fits into this.
const SHORT: usize = 64 * 1024;

/// A reply to `retrieve_future`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum FutureReply {
    /// The result is not there yet.
    TryAgain(TryAgainResponse),
    /// The result is there, and so large that its size comes first.
    Metadata(CompleteMetadataResponse),
    /// The request failed.
    Failed(RequestFailedResponse),
    /// The result.
    Result(FuturePayload),
}

/// A result that has not been read yet.
#[derive(Clone, PartialEq)]
pub struct FuturePayload {
    content_type: String,
    body: Bytes,
}

impl FutureReply {
    /// Tells apart what a reply may be, in the order in which the official SDK does.
    ///
    /// # Errors
    ///
    /// Fails when a reply says that it is one of these and lacks what belongs to it.
    pub fn read(content_type: &str, body: Bytes) -> Result<Self, Error> {
        let payload = FuturePayload {
            content_type: content_type.to_owned(),
            body,
        };
        if content_type.contains(PROTOBUF) || payload.body.len() > SHORT {
            return Ok(Self::Result(payload));
        }
        // What is no JSON is found out by whoever reads the result.
        let Ok(Value::Object(members)) = serde_json::from_slice(&payload.body) else {
            return Ok(Self::Result(payload));
        };
        let says = |name: &str| members.get(name).and_then(Value::as_str);
        if says("type") == Some("try_again") {
            part(&payload.body).map(Self::TryAgain)
        } else if says("status") == Some("complete_metadata") {
            part(&payload.body).map(Self::Metadata)
        } else if members.contains_key("error") {
            part(&payload.body).map(Self::Failed)
        } else {
            Ok(Self::Result(payload))
        }
    }
}

impl FuturePayload {
    /// Which form it has.
    pub fn content_type(&self) -> &str {
        &self.content_type
    }

    /// The bytes.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// Reads the result.
    ///
    /// # Errors
    ///
    /// Fails when the bytes are not of the type; the error keeps them.
    pub fn decode<T: FutureResult>(&self) -> Result<T, Error> {
        T::from_reply(&self.content_type, self.body.clone())
            .map_err(|error| Error::decode(error, self.body.clone()))
    }
}

impl std::fmt::Debug for FuturePayload {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (kind, length) = (&self.content_type, self.body.len());
        write!(formatter, "FuturePayload({length} bytes of {kind})")
    }
}

fn part<T: DeserializeOwned>(body: &Bytes) -> Result<T, Error> {
    serde_json::from_slice(body).map_err(|error| Error::decode(error, body.clone()))
}
