//! What a request gives in the end, from either of the forms it may come in.

use std::fmt;

use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::tinker::{
    CreateCustomLossResponse, CreateModelResponse, LoadWeightsResponse, OptimStepResponse,
    SaveWeightsExternalResponseInternal, SaveWeightsForSamplerResponseInternal,
    SaveWeightsResponse,
};

/// The media type of protocol buffers.
const PROTOBUF: &str = "application/x-protobuf";

/// The result of a request whose reply is fetched later.
///
/// Passes and samples come as protocol buffers; servers of older versions send them as JSON, which
/// is read as well. All other results are JSON.
pub trait FutureResult: DeserializeOwned + Send + 'static {
    /// Whether the service sends it as a protocol buffer.
    const IS_PROTOBUF: bool = false;

    /// Reads a protocol buffer.
    ///
    /// # Errors
    ///
    /// Fails when the bytes are not of the message, and for results that never come as one.
    fn from_protobuf(_body: Bytes) -> Result<Self, InvalidReply> {
        Err(InvalidReply::new(
            "it is a protocol buffer where JSON should be",
        ))
    }

    /// Reads JSON.
    ///
    /// # Errors
    ///
    /// Fails when the JSON is not of the type.
    fn from_json(body: &[u8]) -> Result<Self, InvalidReply> {
        serde_json::from_slice(body).map_err(InvalidReply::of)
    }

    /// Reads a reply of a content type.
    ///
    /// # Errors
    ///
    /// As the readers of the two forms.
    fn from_reply(content_type: &str, body: Bytes) -> Result<Self, InvalidReply> {
        if is_protobuf(content_type) {
            Self::from_protobuf(body)
        } else {
            Self::from_json(&body)
        }
    }
}

/// Results that are JSON and nothing else.
macro_rules! json_results {
    ($($ty:ty),* $(,)?) => { $( impl FutureResult for $ty {} )* };
}

json_results!(
    CreateCustomLossResponse,
    CreateModelResponse,
    LoadWeightsResponse,
    OptimStepResponse,
    SaveWeightsExternalResponseInternal,
    SaveWeightsForSamplerResponseInternal,
    SaveWeightsResponse,
);

/// Whether a content type is that of protocol buffers.
pub(super) fn is_protobuf(content_type: &str) -> bool {
    content_type.contains(PROTOBUF)
}

/// A reply that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the reply cannot be read: {reason}")]
pub struct InvalidReply {
    reason: String,
}

impl InvalidReply {
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
        }
    }

    pub(super) fn of(error: impl fmt::Display) -> Self {
        Self::new(error.to_string())
    }
}
