//! Wire types of the Tinker API, under the names the official SDK gives them.
//!
//! Requests are built with `new` and `set_*` and read through public fields. Fields that are not
//! `Option` are required, or hold the default the service assumes.

#[macro_use]
pub mod record;
mod base64_bytes;
mod billing;
mod checkpoints;
mod chunks;
mod credentials;
mod custom_loss;
mod datum;
mod enums;
mod forward_backward;
mod futures;
mod loss_inputs;
mod model_input;
mod models;
mod optimizers;
mod path;
pub mod proto;
mod provenance;
mod sample_response;
mod sample_stream;
mod sampling;
mod service;
mod session_search;
mod telemetry;
mod tensor_container;
mod tensor_data;
mod tensor_json;
mod tensor_sparse;
mod weights;
mod zone_or_utc;

pub use crate::InvalidInput;
pub use base64_bytes::Base64Bytes;
pub use billing::{
    AuditLogEntry, AuditLogResponse, BillingEventInfo, BillingUsageEvent, BillingUsageResponse,
    BillingUsageSession, CheckpointBillingEvent, CurrentCheckpointStorageUsageItem,
    CurrentCheckpointStorageUsageResponse, GetBillingUsageRequest,
    GetCurrentCheckpointStorageUsageRequest, SamplingPrefillBillingEvent,
    SamplingSampleBillingEvent, StorageBillingEvent, TrainingBillingEvent,
};
pub use checkpoints::{
    Checkpoint, CheckpointArchiveUrlResponse, CheckpointTtlRequest, CheckpointsListResponse,
    Cursor, ExternalWeightsUrlsResponse, TrainingRun, TrainingRunsResponse,
};
pub use chunks::{
    DmelChunk, EncodedTextChunk, ImageAssetPointerChunk, ImageChunk, ModelInputChunk,
};
pub use credentials::{
    ApiKeyDetails, ApiKeyOrgDetails, ApiKeyUserDetails, GeneratedKey, ManualKey,
    SelfApiKeyResponse, StoredCredentialsV1, StoredKey,
};
pub use custom_loss::{
    CreateCustomLossRequest, CreateCustomLossResponse, CustomLossGraph, CustomLossInput,
    CustomLossNode,
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
pub use futures::{
    CancelFutureRequest, CompleteMetadataResponse, FutureCompletion, FutureFailed, FutureFinished,
    FutureRetrieveRequest, FuturesRetrieveRequest, FuturesRetrieveResponse, RequestFailedResponse,
    SamplingSessionFuturesTarget, TryAgainResponse, UntypedAPIFuture,
};
pub use model_input::ModelInput;
pub use models::{
    CreateModelRequest, CreateModelResponse, GetInfoRequest, GetInfoResponse, LoraConfig,
    ModelData, UnloadModelRequest, UnloadModelResponse,
};
pub use optimizers::{
    AdamOptimizerConfig, AdamParams, DimuonOptimizerConfig, DimuonParams, OptimParams,
    OptimParamsBase, OptimStepRequest, OptimStepResponse, OptimizerConfig, OptimizerConfigBase,
};
pub use path::ParsedCheckpointTinkerPath;
pub use proto::{FutureResult, InvalidReply};
pub use provenance::{
    PromptProvenanceSpan, ProvenanceSpan, ProvenanceSpans, SampledProvenanceSpan,
};
pub use sample_response::{PromptAltTokens, SampleResponse, SampledSequence, TopkLogprobs};
pub use sample_stream::{SampleStreamChunk, SampleStreamEvent};
pub use sampling::{
    CreateSamplingSessionRequest, CreateSamplingSessionResponse, GetSamplerResponse,
    JoinSamplingSessionRequest, JoinSamplingSessionResponse, SampleRequest, SamplingParams, Stop,
    StopList,
};
pub use service::{
    AuthTokenResponse, ClientConfigRequest, ClientConfigResponse, ClientDynamicConfigResponse,
    CreateSessionRequest, CreateSessionResponse, FinishReason, FinishSessionRequest,
    GetServerCapabilitiesResponse, GetSessionResponse, HealthResponse, ListSessionsResponse,
    SessionHeartbeatRequest, SessionHeartbeatResponse, SessionProjectRequest, SupportedModel,
    TraceExportResponse, WhoamiResponse,
};
pub use session_search::{
    AccessibleSearchOwner, ActiveSessionStatusQuery, CancelledSessionStatusQuery,
    ClientFinishedSessionStatusQuery, ClientSessionFinishErrored, ClientSessionFinishInterrupted,
    ClientSessionFinishReason, ClientSessionFinishSuccess, ClientSessionFinished,
    FailedSessionStatusQuery, OwnSearchOwner, SearchOwner, SessionActive, SessionCancelled,
    SessionFailed, SessionFailedReason, SessionFailedRequestReason,
    SessionFailedSamplingSessionReason, SessionFailedTrainingRunReason, SessionSearchCursor,
    SessionSearchRequest, SessionSearchResponse, SessionStatus, SessionStatusQuery, SessionSummary,
    UserSearchOwner,
};
pub use telemetry::{
    GenericEvent, SessionEndEvent, SessionStartEvent, TelemetryBatch, TelemetryEvent,
    TelemetryResponse, TelemetrySendRequest, UnhandledExceptionEvent,
};
pub use tensor_data::{TensorData, TensorValues};
pub use weights::{
    CopyWeightsRequest, CopyWeightsResponse, LoadWeightsRequest, LoadWeightsResponse,
    SaveWeightsExternalRequest, SaveWeightsExternalResponse, SaveWeightsExternalResponseInternal,
    SaveWeightsForSamplerRequest, SaveWeightsForSamplerResponse,
    SaveWeightsForSamplerResponseInternal, SaveWeightsRequest, SaveWeightsResponse,
    WeightsInfoRequest, WeightsInfoResponse,
};
