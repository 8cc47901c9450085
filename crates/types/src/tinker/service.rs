//! Sessions, the settings that a server gives its clients, and what it can do.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{ClientSessionFinishReasonType, MessageType};

record! {
    /// Asks for the settings of clients.
    #[derive(Debug)]
    pub struct ClientConfigRequest {
        /// The version of the client.
        pub sdk_version: String,
    }

    /// Settings that hold for the life of a client.
    #[derive(Debug)]
    pub struct ClientConfigResponse {
        /// Whether keys are exchanged for tokens.
        #[default(false)]
        pub pjwt_auth_enabled: bool,
        /// Where the key comes from: `credential_cmd`, or anything else for the usual places.
        #[default("api_key")]
        pub credential_default_source: String,
        /// How many bytes of prompts may be on their way.
        #[default(10_485_760_u32)]
        pub sample_dispatch_bytes_semaphore_size: u64,
        /// How many bytes of results may be on their way.
        #[default(52_428_800_u32)]
        pub inflight_response_bytes_semaphore_size: u64,
        /// Whether the parts of a pass are sent at the same time.
        #[default(true)]
        pub parallel_fwdbwd_chunks: bool,
        /// Whether passes are sent compressed.
        #[default(false)]
        pub proto_compress_fwdbwd: bool,
        /// How many datums a part of a pass may have.
        #[default(1024_u32)]
        pub fwdbwd_max_chunk_len: u64,
        /// How many bytes a part of a pass may have.
        #[default(5_000_000_u32)]
        pub fwdbwd_max_chunk_bytes_count: u64,
        /// How many bytes of passes may be on their way.
        #[default(50_000_000_u32)]
        pub fwdbwd_dispatch_bytes_semaphore_size: u64,
        /// How long a client waits for a bill to be paid, in seconds.
        #[default(3600_u32)]
        pub billing_exception_max_pause_duration_sec: u64,
        /// Whether failed samples are left alone.
        #[default(false)]
        pub sample_no_retries: bool,
        /// Whether a client gives up when nothing moves for long.
        #[default(true)]
        pub sample_enable_stuck_detection: bool,
        /// How many samples may be waited for at a time.
        #[default(2000_u32)]
        pub sample_max_concurrent_requests: u64,
        /// Chooses between HTTP clients of the official SDK; means nothing here.
        #[default(true)]
        pub use_pyqwest_transport: bool,
        /// Whether all samples of a client are waited for with one request.
        #[default(false)]
        pub sample_use_retrieve_futures: bool,
        /// Whether custom losses are computed by the server.
        #[default(false)]
        pub custom_loss_server_side: bool,
        /// Whether a further client of a sampling session asks for its number.
        #[default(false)]
        pub sample_join_sampling_session: bool,
    }

    /// Settings that a client asks for again and again.
    #[derive(Debug)]
    pub struct ClientDynamicConfigResponse {
        /// How often, in seconds.
        #[default(300_u32)]
        pub refresh_interval_sec: u64,
        /// Whether the server is told of samples that nobody waits for any more.
        #[default(false)]
        pub sample_cancel_enabled: bool,
        /// How many it is told of at a time.
        #[default(64_u32)]
        pub sample_cancel_max_batch_size: u64,
    }

    /// A token for a key.
    pub struct AuthTokenResponse {
        /// The token.
        pub jwt: String,
    }

    /// Opens a session.
    #[derive(Debug)]
    pub struct CreateSessionRequest {
        /// Words to find it by.
        pub tags: Vec<String>,
        /// Notes of the caller's.
        pub user_metadata: Option<Map<String, Value>>,
        /// The version of the client.
        pub sdk_version: String,
        /// The project that it belongs to.
        pub project_id: Option<String>,
        /// A name for people.
        pub display_name: Option<String>,
        /// Which kind of message it is.
        #[default(MessageType::CreateSession)]
        pub kind: MessageType = "type",
    }

    /// The session that was opened.
    #[derive(Debug)]
    pub struct CreateSessionResponse {
        /// Which kind of message it is.
        #[default(MessageType::CreateSession)]
        pub kind: MessageType = "type",
        /// Something that the user should know.
        pub info_message: Option<String>,
        /// Something that is not as it should be.
        pub warning_message: Option<String>,
        /// Something that will not work.
        pub error_message: Option<String>,
        /// Its identifier.
        pub session_id: String,
    }

    /// Says that a session still lives.
    #[derive(Debug)]
    pub struct SessionHeartbeatRequest {
        /// The session.
        pub session_id: String,
        /// Which kind of message it is.
        #[default(MessageType::SessionHeartbeat)]
        pub kind: MessageType = "type",
    }

    /// The server has heard.
    #[derive(Debug)]
    pub struct SessionHeartbeatResponse {
        /// Which kind of message it is.
        #[default(MessageType::SessionHeartbeat)]
        pub kind: MessageType = "type",
    }

    /// How a session ended.
    #[derive(Debug)]
    pub struct FinishReason {
        /// In which way.
        pub kind: ClientSessionFinishReasonType = "type",
    }

    /// A session, described.
    #[derive(Debug)]
    pub struct GetSessionResponse {
        /// The models of the session.
        pub training_run_ids: Vec<String>,
        /// Its sampling sessions.
        pub sampler_ids: Vec<String>,
        /// Notes of the caller's.
        pub user_metadata: Option<BTreeMap<String, String>>,
        /// A name for people.
        pub display_name: Option<String>,
    }

    /// A page of sessions.
    #[derive(Debug)]
    pub struct ListSessionsResponse {
        /// Their identifiers.
        pub sessions: Vec<String>,
    }

    /// Moves a session into a project.
    #[derive(Debug)]
    pub struct SessionProjectRequest {
        /// The project.
        pub project_id: String,
    }

    /// Where the trace of a session can be had.
    pub struct TraceExportResponse {
        /// `pending`, `ready` or `failed`.
        pub status: String,
        /// Where it is, once it is there.
        pub url: Option<String>,
        /// Why it failed.
        pub error: Option<String>,
    }

    /// The server is well.
    #[derive(Debug)]
    pub struct HealthResponse {
        /// `ok`.
        pub status: String,
    }

    /// A model that the server has.
    #[derive(Debug)]
    pub struct SupportedModel {
        /// Its name.
        pub model_name: Option<String>,
        /// How many tokens it reads.
        pub max_context_length: Option<u64>,
        /// Whether it can be trained.
        pub trainable: Option<bool>,
        /// Whether it can be sampled from.
        pub sampleable: Option<bool>,
    }

    /// What the server can do.
    #[derive(Debug)]
    pub struct GetServerCapabilitiesResponse {
        /// The models that it has.
        pub supported_models: Vec<SupportedModel>,
    }

    /// Who the credential belongs to.
    #[derive(Debug)]
    pub struct WhoamiResponse {
        /// The user.
        pub user_urn: String,
        /// The organisation.
        pub org_urn: String,
        /// The address of the user.
        pub email: Option<String>,
    }
}

names_only_debug!(AuthTokenResponse, TraceExportResponse);

/// How a client ends its session. Unlike other requests it writes `null` for no detail.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct FinishSessionRequest {
    /// In which way.
    pub reason: FinishReason,
    /// What a person should know about it.
    pub detail: Option<String>,
}

impl FinishSessionRequest {
    /// Ends a session in a way.
    pub fn new(reason: impl Into<ClientSessionFinishReasonType>) -> Self {
        Self {
            reason: FinishReason::new().set_kind(reason),
            detail: None,
        }
    }

    /// Adds what a person should know about it.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }
}
