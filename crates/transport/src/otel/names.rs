//! Names as OpenTelemetry's semantic conventions have them: those of HTTP are stable, those of
//! GenAI are in development. Ours start with `gimmal`.
//!
//! The constants of the `opentelemetry-semantic-conventions` crate for GenAI are marked as moved
//! elsewhere, so they are spelled out here.

pub(super) const ERROR_TYPE: &str = "error.type";
pub(super) const SERVER_ADDRESS: &str = "server.address";
pub(super) const SERVER_PORT: &str = "server.port";
pub(super) const URL_FULL: &str = "url.full";

pub(super) const HTTP_REQUEST_METHOD: &str = "http.request.method";
pub(super) const HTTP_REQUEST_METHOD_ORIGINAL: &str = "http.request.method_original";
pub(super) const HTTP_REQUEST_RESEND_COUNT: &str = "http.request.resend_count";
pub(super) const HTTP_RESPONSE_STATUS_CODE: &str = "http.response.status_code";

pub(super) const GEN_AI_OPERATION_NAME: &str = "gen_ai.operation.name";
pub(super) const GEN_AI_PROVIDER_NAME: &str = "gen_ai.provider.name";
pub(super) const GEN_AI_REQUEST_MODEL: &str = "gen_ai.request.model";
pub(super) const GEN_AI_REQUEST_STREAM: &str = "gen_ai.request.stream";
pub(super) const GEN_AI_RESPONSE_FINISH_REASONS: &str = "gen_ai.response.finish_reasons";
pub(super) const GEN_AI_RESPONSE_ID: &str = "gen_ai.response.id";
pub(super) const GEN_AI_RESPONSE_MODEL: &str = "gen_ai.response.model";
pub(super) const GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK: &str = "gen_ai.response.time_to_first_chunk";
pub(super) const GEN_AI_TOKEN_TYPE: &str = "gen_ai.token.type";
pub(super) const GEN_AI_USAGE_CACHE_READ: &str = "gen_ai.usage.cache_read.input_tokens";
pub(super) const GEN_AI_USAGE_INPUT: &str = "gen_ai.usage.input_tokens";
pub(super) const GEN_AI_USAGE_OUTPUT: &str = "gen_ai.usage.output_tokens";
pub(super) const GEN_AI_USAGE_REASONING: &str = "gen_ai.usage.reasoning.output_tokens";

/// The event that an attempt leaves on the span of its call.
pub(super) const ATTEMPT: &str = "gimmal.attempt";
/// How long the attempt took, in seconds.
pub(super) const ATTEMPT_DURATION: &str = "gimmal.attempt.duration";
/// How long the call waits before the next attempt, in seconds.
pub(super) const RETRY_WAIT: &str = "gimmal.retry.wait";
/// Why there is no next attempt.
pub(super) const STOPPED_BECAUSE: &str = "gimmal.retry.stopped_because";
/// The event that a wait for leave leaves on the span of its call.
pub(super) const HELD: &str = "gimmal.held";
/// What the attempt waited for.
pub(super) const HELD_BY: &str = "gimmal.held.by";
/// How long it waited, in seconds.
pub(super) const HELD_DURATION: &str = "gimmal.held.duration";
