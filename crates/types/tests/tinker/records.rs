//! Records, field by field: all are read, kept and written under their names.

use gimmal_types::tinker::{
    AccessibleSearchOwner, ActiveSessionStatusQuery, AdamOptimizerConfig, AdamParams,
    ApiKeyDetails, ApiKeyOrgDetails, ApiKeyUserDetails, AuditLogEntry, AuditLogResponse,
    AuthTokenResponse, BillingUsageEvent, BillingUsageResponse, BillingUsageSession,
    CancelFutureRequest, CancelledSessionStatusQuery, Checkpoint, CheckpointBillingEvent,
    CheckpointTtlRequest, CheckpointsListResponse, ClientConfigRequest, ClientConfigResponse,
    ClientDynamicConfigResponse, ClientFinishedSessionStatusQuery, ClientSessionFinishErrored,
    ClientSessionFinishInterrupted, ClientSessionFinishSuccess, ClientSessionFinished,
    CompleteMetadataResponse, CopyWeightsRequest, CopyWeightsResponse, CreateCustomLossRequest,
    CreateCustomLossResponse, CreateModelRequest, CreateModelResponse,
    CreateSamplingSessionRequest, CreateSamplingSessionResponse, CreateSessionRequest,
    CreateSessionResponse, CurrentCheckpointStorageUsageItem,
    CurrentCheckpointStorageUsageResponse, Cursor, CustomLossGraph, CustomLossInput,
    CustomLossNode, DimuonOptimizerConfig, DimuonParams, DmelChunk, EncodedTextChunk,
    ExternalWeightsUrlsResponse, FailedSessionStatusQuery, FinishReason, ForwardBackwardOutput,
    FutureFailed, FutureFinished, FutureRetrieveRequest, FuturesRetrieveRequest,
    FuturesRetrieveResponse, GeneratedKey, GenericEvent, GetBillingUsageRequest,
    GetCurrentCheckpointStorageUsageRequest, GetInfoRequest, GetInfoResponse, GetSamplerResponse,
    GetServerCapabilitiesResponse, GetSessionResponse, HealthResponse, ImageAssetPointerChunk,
    ImageChunk, JoinSamplingSessionRequest, JoinSamplingSessionResponse, ListSessionsResponse,
    LoadWeightsRequest, LoadWeightsResponse, LoraConfig, ManualKey, ModelData, ModelInput,
    OptimParamsBase, OptimStepResponse, OptimizerConfigBase, OwnSearchOwner, PromptProvenanceSpan,
    RequestFailedResponse, SampleRequest, SampledProvenanceSpan, SamplingParams,
    SamplingPrefillBillingEvent, SamplingSampleBillingEvent, SamplingSessionFuturesTarget,
    SaveWeightsExternalRequest, SaveWeightsExternalResponse, SaveWeightsExternalResponseInternal,
    SaveWeightsForSamplerRequest, SaveWeightsForSamplerResponse,
    SaveWeightsForSamplerResponseInternal, SaveWeightsRequest, SaveWeightsResponse,
    SelfApiKeyResponse, SessionActive, SessionCancelled, SessionEndEvent, SessionFailed,
    SessionFailedRequestReason, SessionFailedSamplingSessionReason, SessionFailedTrainingRunReason,
    SessionHeartbeatRequest, SessionHeartbeatResponse, SessionProjectRequest, SessionSearchCursor,
    SessionSearchRequest, SessionSearchResponse, SessionStartEvent, SessionSummary,
    StorageBillingEvent, StoredCredentialsV1, SupportedModel, TelemetryBatch, TelemetryResponse,
    TelemetrySendRequest, TraceExportResponse, TrainingBillingEvent, TrainingRun,
    TrainingRunsResponse, TryAgainResponse, UnhandledExceptionEvent, UnloadModelRequest,
    UnloadModelResponse, UntypedAPIFuture, UserSearchOwner, WeightsInfoRequest,
    WeightsInfoResponse, WhoamiResponse,
};
use serde_json::json;

use crate::fields::fills;

#[test]
fn billing_fields() {
    fills::<AuditLogEntry>(
        json!({"timestamp": "2026-01-01T00:00:00Z", "event": "x", "event_details": {"a": 1}, "model_id": "x", "tinker_path": "x", "purpose": "x"}),
    );
    fills::<AuditLogResponse>(
        json!({"entries": [{"timestamp": "2026-01-01T00:00:00Z", "event": "x", "event_details": {"a": 1}}]}),
    );
    fills::<GetBillingUsageRequest>(
        json!({"starting_on": "2026-01-01T00:00:00Z", "ending_before": "2026-01-01T00:00:00Z"}),
    );
    fills::<BillingUsageResponse>(
        json!({"data": [{"bucket_start": "2026-01-01T00:00:00Z", "bucket_end": "2026-01-01T00:00:00Z", "event_info": {"type": "training", "token_count": 1}}], "sessions": {"k": {}}, "cost_data_through": "2026-01-01T00:00:00Z"}),
    );
    fills::<BillingUsageEvent>(
        json!({"bucket_start": "2026-01-01T00:00:00Z", "bucket_end": "2026-01-01T00:00:00Z", "base_model": "x", "user_id": "x", "user_name": "x", "session_id": "x", "project_id": "x", "estimated_cost_usd": 0.5, "effective_rate_usd_per_million_tokens": 0.5, "effective_rate_usd_per_gigabyte_month": 0.5, "event_info": {"type": "training", "token_count": 1}}),
    );
    fills::<BillingUsageSession>(json!({"user_metadata": {"k": "x"}}));
    fills::<TrainingBillingEvent>(json!({"token_count": 1}));
    fills::<SamplingPrefillBillingEvent>(json!({"cached": true, "token_count": 1}));
    fills::<SamplingSampleBillingEvent>(json!({"token_count": 1}));
    fills::<CheckpointBillingEvent>(json!({"count": 1}));
    fills::<StorageBillingEvent>(json!({"free": true, "gigabyte_hours": 0.5}));
    fills::<GetCurrentCheckpointStorageUsageRequest>(json!({"project_id": "x"}));
    fills::<CurrentCheckpointStorageUsageResponse>(
        json!({"effective_rate_usd_per_gigabyte_month": 0.5, "data": [{"checkpoint_count": 1, "size_bytes": 1, "size_gigabytes": 0.5}]}),
    );
    fills::<CurrentCheckpointStorageUsageItem>(
        json!({"project_id": "x", "org_user_urn": "x", "user_email": "x", "user_name": "x", "checkpoint_count": 1, "size_bytes": 1, "size_gigabytes": 0.5, "estimated_monthly_cost_usd": 0.5}),
    );
}

#[test]
fn checkpoints_fields() {
    fills::<Checkpoint>(
        json!({"checkpoint_id": "x", "checkpoint_type": "training", "time": "2026-01-01T00:00:00Z", "tinker_path": "x", "size_bytes": 1, "public": true, "user_metadata": {"k": "x"}, "expires_at": "2026-01-01T00:00:00Z"}),
    );
    fills::<CheckpointsListResponse>(
        json!({"checkpoints": [{"checkpoint_id": "x", "checkpoint_type": "training", "time": "2026-01-01T00:00:00Z", "tinker_path": "x", "public": true}], "cursor": {"offset": 1, "limit": 1, "total_count": 1}}),
    );
    fills::<ExternalWeightsUrlsResponse>(
        json!({"urls": {"k": "x"}, "expires": "2026-01-01T00:00:00Z"}),
    );
    fills::<Cursor>(json!({"offset": 1, "limit": 1, "total_count": 1}));
    fills::<TrainingRun>(
        json!({"training_run_id": "x", "base_model": "x", "model_owner": "x", "is_lora": true, "corrupted": true, "lora_rank": 1, "last_request_time": "2026-01-01T00:00:00Z", "last_checkpoint": {"checkpoint_id": "x", "checkpoint_type": "training", "time": "2026-01-01T00:00:00Z", "tinker_path": "x", "public": true}, "last_sampler_checkpoint": {"checkpoint_id": "x", "checkpoint_type": "training", "time": "2026-01-01T00:00:00Z", "tinker_path": "x", "public": true}, "user_metadata": {"k": "x"}}),
    );
    fills::<TrainingRunsResponse>(
        json!({"training_runs": [{"training_run_id": "x", "base_model": "x", "model_owner": "x", "is_lora": true, "corrupted": true, "last_request_time": "2026-01-01T00:00:00Z"}], "cursor": {"offset": 1, "limit": 1, "total_count": 1}}),
    );
    fills::<CheckpointTtlRequest>(json!({"ttl_seconds": 3600}));
}

#[test]
fn chunks_fields() {
    fills::<EncodedTextChunk>(json!({"tokens": [1]}));
    fills::<ImageChunk>(json!({"data": "AAIFUA==", "format": "png", "expected_tokens": 1}));
    fills::<ImageAssetPointerChunk>(
        json!({"format": "png", "location": "x", "expected_tokens": 1}),
    );
    fills::<DmelChunk>(json!({"dmel": "AAIFUA=="}));
}

#[test]
fn credentials_fields() {
    fills::<StoredCredentialsV1>(
        json!({"version": 1, "default": "x", "keys": {"k": {"type": "manual", "key": "x", "name": "x"}}}),
    );
    fills::<ManualKey>(
        json!({"key": "x", "name": "x", "note": "x", "details": {"org_details": {"name": "x"}, "user_details": {"email": "x"}}}),
    );
    fills::<GeneratedKey>(
        json!({"key": "x", "name": "x", "details": {"org_details": {"name": "x"}, "user_details": {"email": "x"}}}),
    );
    fills::<ApiKeyDetails>(json!({"org_details": {"name": "x"}, "user_details": {"email": "x"}}));
    fills::<ApiKeyOrgDetails>(json!({"name": "x"}));
    fills::<ApiKeyUserDetails>(json!({"email": "x"}));
    fills::<SelfApiKeyResponse>(
        json!({"key_id": 1, "name": "x", "note": "x", "details": {"org_details": {"name": "x"}, "user_details": {"email": "x"}}}),
    );
}

#[test]
fn custom_loss_fields() {
    fills::<CustomLossInput>(json!({"name": "x", "rank": 1}));
    fills::<CustomLossNode>(
        json!({"op": "placeholder", "name": "x", "target": "x", "args": [3600], "kwargs": {"a": 1}}),
    );
    fills::<CustomLossGraph>(
        json!({"format": 1, "nodes": [{"op": "placeholder", "name": "x", "target": "x", "args": [3600], "kwargs": {"a": 1}}]}),
    );
    fills::<CreateCustomLossRequest>(
        json!({"session_id": "x", "custom_loss_seq_id": 1, "name": "x", "inputs": [{"name": "x", "rank": 1}], "graph": {"format": 1, "nodes": [{"op": "placeholder", "name": "x", "target": "x", "args": [3600], "kwargs": {"a": 1}}]}, "type": "create_custom_loss"}),
    );
    fills::<CreateCustomLossResponse>(json!({"loss_id": "x", "type": "create_custom_loss"}));
}

#[test]
fn forward_backward_fields() {
    fills::<ForwardBackwardOutput>(
        json!({"loss_fn_output_type": "x", "loss_fn_outputs": [{"k": {"data": [1], "dtype": "int64", "shape": [1]}}], "metrics": {"k": 0.5}}),
    );
}

#[test]
fn futures_fields() {
    fills::<UntypedAPIFuture>(
        json!({"request_id": "x", "model_id": "x", "sample_sequence_ids": ["x"]}),
    );
    fills::<FutureRetrieveRequest>(json!({"request_id": "x", "allow_metadata_only": true}));
    fills::<TryAgainResponse>(
        json!({"type": "try_again", "request_id": "x", "queue_state": "active", "queue_state_reason": "x"}),
    );
    fills::<CompleteMetadataResponse>(json!({"status": "x", "response_payload_size": 1}));
    fills::<RequestFailedResponse>(json!({"error": "x", "category": "unknown"}));
    fills::<SamplingSessionFuturesTarget>(
        json!({"type": "sampling_session", "sampling_session_id": "x", "cloned_sampler_id": 1}),
    );
    fills::<FuturesRetrieveRequest>(
        json!({"target": {"type": "sampling_session", "sampling_session_id": "x", "cloned_sampler_id": 1}, "prev_cursor": 1, "timeout": 0.5, "retrieved_request_ids": ["x"]}),
    );
    fills::<FuturesRetrieveResponse>(
        json!({"completions": [{"state": "finished", "request_id": "x"}], "cursor": 1}),
    );
    fills::<FutureFinished>(json!({"request_id": "x", "response_payload_uncompressed_size": 1}));
    fills::<FutureFailed>(json!({"request_id": "x"}));
    fills::<CancelFutureRequest>(json!({"request_id": "x"}));
}

#[test]
fn model_input_fields() {
    fills::<ModelInput>(json!({"chunks": [{"type": "encoded_text", "tokens": [1]}]}));
}

#[test]
fn models_fields() {
    fills::<LoraConfig>(
        json!({"rank": 1, "seed": 1, "train_unembed": true, "train_mlp": true, "train_attn": true}),
    );
    fills::<CreateModelRequest>(
        json!({"session_id": "x", "model_seq_id": 1, "base_model": "x", "user_metadata": {"a": 1}, "lora_config": {"rank": 1, "train_unembed": true, "train_mlp": true, "train_attn": true}, "optimizer_config": {"type": "adamw"}, "type": "create_model"}),
    );
    fills::<CreateModelResponse>(json!({"model_id": "x", "type": "create_model"}));
    fills::<GetInfoRequest>(json!({"model_id": "x", "type": "get_info"}));
    fills::<GetInfoResponse>(
        json!({"type": "create_session", "model_data": {}, "model_id": "x", "optimizer_config": {"type": "adamw"}, "is_lora": true, "lora_rank": 1, "model_name": "x"}),
    );
    fills::<ModelData>(json!({"arch": "x", "model_name": "x", "tokenizer_id": "x"}));
    fills::<UnloadModelRequest>(json!({"model_id": "x", "type": "unload_model"}));
    fills::<UnloadModelResponse>(json!({"model_id": "x", "type": "create_session"}));
}

#[test]
fn optimizers_fields() {
    fills::<AdamOptimizerConfig>(json!({}));
    fills::<DimuonOptimizerConfig>(json!({"version": 1}));
    fills::<OptimizerConfigBase>(json!({"type": "x"}));
    fills::<AdamParams>(
        json!({"learning_rate": 0.5, "beta1": 0.5, "beta2": 0.5, "eps": 0.5, "weight_decay": 0.5, "grad_clip_norm": 0.5}),
    );
    fills::<DimuonParams>(json!({"learning_rate": 0.5, "grad_clip_norm": 0.5, "beta1": 0.5}));
    fills::<OptimParamsBase>(json!({"type": "x"}));
    fills::<OptimStepResponse>(json!({"metrics": {"k": 0.5}}));
}

#[test]
fn provenance_fields() {
    fills::<PromptProvenanceSpan>(json!({"sequence_id": "x", "offset": 1, "length": 1}));
    fills::<SampledProvenanceSpan>(json!({"sequence_id": "x", "offset": 1, "length": 1}));
}

#[test]
fn sampling_fields() {
    fills::<CreateSamplingSessionRequest>(
        json!({"session_id": "x", "sampling_session_seq_id": 1, "base_model": "x", "model_path": "x", "type": "create_sampling_session"}),
    );
    fills::<CreateSamplingSessionResponse>(
        json!({"type": "create_sampling_session", "sampling_session_id": "x"}),
    );
    fills::<JoinSamplingSessionRequest>(
        json!({"sampling_session_id": "x", "type": "join_sampling_session"}),
    );
    fills::<JoinSamplingSessionResponse>(
        json!({"type": "join_sampling_session", "client_counter": 1}),
    );
    fills::<SamplingParams>(
        json!({"max_tokens": 1, "seed": 1, "stop": "x", "temperature": 0.5, "top_k": 1, "top_p": 0.5}),
    );
    fills::<SampleRequest>(
        json!({"num_samples": 1, "prompt": {"chunks": [{"type": "encoded_text", "tokens": [1]}]}, "sampling_params": {"temperature": 0.5, "top_k": 1, "top_p": 0.5}, "base_model": "x", "model_path": "x", "sampling_session_id": "x", "seq_id": 1, "prompt_logprobs": true, "topk_prompt_logprobs": 1, "topk_sample_logprobs": 1, "target_prompt_logprobs": {"data": [1], "dtype": "int64", "shape": [1]}, "prompt_alt_tokens_k": 1, "prompt_logprobs_last_n": 1, "record_stability_info": true, "type": "sample"}),
    );
    fills::<GetSamplerResponse>(json!({"sampler_id": "x", "base_model": "x", "model_path": "x"}));
}

#[test]
fn service_fields() {
    fills::<ClientConfigRequest>(json!({"sdk_version": "x"}));
    fills::<ClientConfigResponse>(
        json!({"pjwt_auth_enabled": true, "credential_default_source": "x", "sample_dispatch_bytes_semaphore_size": 1, "inflight_response_bytes_semaphore_size": 1, "parallel_fwdbwd_chunks": true, "proto_compress_fwdbwd": true, "fwdbwd_max_chunk_len": 1, "fwdbwd_max_chunk_bytes_count": 1, "fwdbwd_dispatch_bytes_semaphore_size": 1, "billing_exception_max_pause_duration_sec": 1, "sample_no_retries": true, "sample_enable_stuck_detection": true, "sample_max_concurrent_requests": 1, "use_pyqwest_transport": true, "sample_use_retrieve_futures": true, "custom_loss_server_side": true, "sample_join_sampling_session": true}),
    );
    fills::<ClientDynamicConfigResponse>(
        json!({"refresh_interval_sec": 1, "sample_cancel_enabled": true, "sample_cancel_max_batch_size": 1}),
    );
    fills::<AuthTokenResponse>(json!({"jwt": "x"}));
    fills::<CreateSessionRequest>(
        json!({"tags": ["x"], "user_metadata": {"a": 1}, "sdk_version": "x", "project_id": "x", "display_name": "x", "type": "create_session"}),
    );
    fills::<CreateSessionResponse>(
        json!({"type": "create_session", "info_message": "x", "warning_message": "x", "error_message": "x", "session_id": "x"}),
    );
    fills::<SessionHeartbeatRequest>(json!({"session_id": "x", "type": "session_heartbeat"}));
    fills::<SessionHeartbeatResponse>(json!({"type": "session_heartbeat"}));
    fills::<FinishReason>(json!({"type": "success"}));
    fills::<GetSessionResponse>(
        json!({"training_run_ids": ["x"], "sampler_ids": ["x"], "user_metadata": {"k": "x"}, "display_name": "x"}),
    );
    fills::<ListSessionsResponse>(json!({"sessions": ["x"]}));
    fills::<SessionProjectRequest>(json!({"project_id": "x"}));
    fills::<TraceExportResponse>(json!({"status": "x", "url": "x", "error": "x"}));
    fills::<HealthResponse>(json!({"status": "x"}));
    fills::<SupportedModel>(
        json!({"model_name": "x", "max_context_length": 1, "trainable": true, "sampleable": true}),
    );
    fills::<GetServerCapabilitiesResponse>(json!({"supported_models": [{}]}));
    fills::<WhoamiResponse>(json!({"user_urn": "x", "org_urn": "x", "email": "x"}));
}

#[test]
fn session_search_fields() {
    fills::<SessionSearchRequest>(
        json!({"session_id": "x", "project_ids": ["x"], "user_metadata": {"k": "x"}, "display_name": "x", "owner": {"type": "own"}, "statuses": [{"type": "active"}], "limit": 1, "cursor": {"last_created_at": "2026-01-01T00:00:00Z", "last_session_id": "x"}}),
    );
    fills::<SessionSearchCursor>(
        json!({"last_created_at": "2026-01-01T00:00:00Z", "last_session_id": "x"}),
    );
    fills::<SessionSearchResponse>(
        json!({"sessions": [{"session_id": "x", "created_at": "2026-01-01T00:00:00Z", "owner": "x", "project_id": "x", "checkpoints_count": 1}], "next_cursor": {"last_created_at": "2026-01-01T00:00:00Z", "last_session_id": "x"}}),
    );
    fills::<SessionSummary>(
        json!({"session_id": "x", "created_at": "2026-01-01T00:00:00Z", "owner": "x", "project_id": "x", "status": {"type": "active"}, "checkpoints_count": 1, "display_name": "x", "user_metadata": {"k": "x"}, "checkpoint_storage_bytes": 1}),
    );
    fills::<OwnSearchOwner>(json!({}));
    fills::<AccessibleSearchOwner>(json!({}));
    fills::<UserSearchOwner>(json!({"owner_urns": ["x"]}));
    fills::<ActiveSessionStatusQuery>(json!({}));
    fills::<CancelledSessionStatusQuery>(json!({}));
    fills::<FailedSessionStatusQuery>(json!({}));
    fills::<ClientFinishedSessionStatusQuery>(json!({"reasons": ["success"]}));
    fills::<SessionActive>(json!({}));
    fills::<SessionCancelled>(json!({"detail": "x"}));
    fills::<SessionFailed>(
        json!({"category": "x", "reason": {"type": "request", "request_id": "x", "request_type": "x"}, "message": "x"}),
    );
    fills::<SessionFailedRequestReason>(json!({"request_id": "x", "request_type": "x"}));
    fills::<SessionFailedTrainingRunReason>(json!({"training_run_id": "x"}));
    fills::<SessionFailedSamplingSessionReason>(json!({"sampling_session_id": "x"}));
    fills::<ClientSessionFinished>(json!({"reason": {"type": "success"}, "detail": "x"}));
    fills::<ClientSessionFinishSuccess>(json!({}));
    fills::<ClientSessionFinishErrored>(json!({}));
    fills::<ClientSessionFinishInterrupted>(json!({}));
}

/// Covers: CHK-TEL-T1
#[test]
fn telemetry_fields() {
    fills::<SessionStartEvent>(
        json!({"event": "SESSION_START", "event_id": "x", "event_session_index": 1, "severity": "DEBUG", "timestamp": "2026-01-01T00:00:00Z"}),
    );
    fills::<SessionEndEvent>(
        json!({"duration": "x", "event": "SESSION_END", "event_id": "x", "event_session_index": 1, "severity": "DEBUG", "timestamp": "2026-01-01T00:00:00Z"}),
    );
    fills::<UnhandledExceptionEvent>(
        json!({"error_message": "x", "error_type": "x", "event": "UNHANDLED_EXCEPTION", "event_id": "x", "event_session_index": 1, "severity": "DEBUG", "timestamp": "2026-01-01T00:00:00Z", "traceback": "x"}),
    );
    fills::<GenericEvent>(
        json!({"event": "GENERIC_EVENT", "event_id": "x", "event_name": "x", "event_session_index": 1, "severity": "DEBUG", "timestamp": "2026-01-01T00:00:00Z", "event_data": {"a": 1}}),
    );
    fills::<TelemetryBatch>(
        json!({"events": [{"event": "SESSION_START", "event_id": "x", "event_session_index": 1, "severity": "DEBUG", "timestamp": "2026-01-01T00:00:00Z"}], "platform": "x", "sdk_version": "x", "session_id": "x", "process_uuid": "x"}),
    );
    fills::<TelemetrySendRequest>(
        json!({"events": [{"event": "SESSION_START", "event_id": "x", "event_session_index": 1, "severity": "DEBUG", "timestamp": "2026-01-01T00:00:00Z"}], "platform": "x", "sdk_version": "x", "session_id": "x", "process_uuid": "x"}),
    );
    fills::<TelemetryResponse>(json!({"status": "x"}));
}

#[test]
fn weights_fields() {
    fills::<SaveWeightsRequest>(
        json!({"model_id": "x", "path": "x", "seq_id": 1, "ttl_seconds": 1, "overwrite": true, "user_metadata": {"k": "x"}, "type": "save_weights"}),
    );
    fills::<SaveWeightsResponse>(json!({"path": "x", "type": "create_session"}));
    fills::<SaveWeightsForSamplerRequest>(
        json!({"model_id": "x", "path": "x", "sampling_session_seq_id": 1, "kind": "snapshot", "seq_id": 1, "ttl_seconds": 1, "user_metadata": {"k": "x"}, "type": "save_weights_for_sampler"}),
    );
    fills::<SaveWeightsForSamplerResponseInternal>(
        json!({"path": "x", "sampling_session_id": "x", "type": "create_session"}),
    );
    fills::<SaveWeightsForSamplerResponse>(json!({"path": "x", "type": "create_session"}));
    fills::<SaveWeightsExternalRequest>(
        json!({"model_id": "x", "path": "x", "seq_id": 1, "ttl_seconds": 1, "age_encryption_recipients": ["x"], "type": "save_weights_external"}),
    );
    fills::<SaveWeightsExternalResponseInternal>(
        json!({"path": "x", "size_bytes": 1, "type": "create_session"}),
    );
    fills::<SaveWeightsExternalResponse>(json!({"path": "x", "type": "create_session"}));
    fills::<LoadWeightsRequest>(
        json!({"model_id": "x", "seq_id": 1, "session_id": "x", "model_seq_id": 1, "base_model": "x", "user_metadata": {"a": 1}, "path": "x", "optimizer": true, "optimizer_config": {"type": "adamw"}, "weights_access_token": "x", "type": "load_weights"}),
    );
    fills::<LoadWeightsResponse>(json!({"path": "x", "model_id": "x", "type": "create_session"}));
    fills::<WeightsInfoRequest>(json!({"tinker_path": "x"}));
    fills::<WeightsInfoResponse>(
        json!({"base_model": "x", "optimizer_config": {"type": "adamw"}, "is_lora": true, "lora_rank": 1, "train_unembed": true, "train_mlp": true, "train_attn": true}),
    );
    fills::<CopyWeightsRequest>(
        json!({"session_id": "x", "model_seq_id": 1, "destination_project_id": "x", "source_path": "x", "ttl_seconds": 1, "weights_access_token": "x"}),
    );
    fills::<CopyWeightsResponse>(json!({"tinker_path": "x"}));
}
