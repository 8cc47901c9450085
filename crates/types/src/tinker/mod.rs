//! Wire types of the Tinker API, under the names the official SDK gives them.
//!
//! Requests are built with `new` and `set_*` and read through public fields. Fields that are not
//! `Option` are required, or hold the default the service assumes.

#[macro_use]
pub mod record;
mod base64_bytes;
mod chunks;
mod datum;
mod enums;
mod forward_backward;
mod invalid_input;
mod loss_inputs;
mod model_input;
pub mod proto;
mod provenance;
mod sample_response;
mod tensor_container;
mod tensor_data;
mod tensor_json;
mod tensor_sparse;

pub use base64_bytes::Base64Bytes;
pub use chunks::{
    DmelChunk, EncodedTextChunk, ImageAssetPointerChunk, ImageChunk, ModelInputChunk,
};
pub use datum::{Datum, LossFnInputs};
pub use enums::{
    AccessScope, CheckpointType, ClientSessionFinishReasonType, CustomLossNodeOp, EventType,
    ImageFormat, LossFnType, MessageType, QueueState, RequestErrorCategory, SamplingClientKind,
    Severity, StopReason, TensorDtype,
};
pub use forward_backward::{
    ForwardBackwardInput, ForwardBackwardOutput, ForwardBackwardRequest, ForwardRequest,
    LossConfigValue, LossFnConfig, LossFnOutput,
};
pub use invalid_input::InvalidInput;
pub use model_input::ModelInput;
pub use proto::{FutureResult, InvalidReply};
pub use provenance::{
    PromptProvenanceSpan, ProvenanceSpan, ProvenanceSpans, SampledProvenanceSpan,
};
pub use sample_response::{PromptAltTokens, SampleResponse, SampledSequence, TopkLogprobs};
pub use tensor_data::{TensorData, TensorValues};
