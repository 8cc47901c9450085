//! Results that come later: how they are announced, asked for and refused.

use super::{MessageType, QueueState, RequestErrorCategory};

record! {
    /// A request was taken; its result is to be fetched.
    #[derive(Debug)]
    pub struct UntypedAPIFuture {
        /// What the result is fetched by.
        pub request_id: String,
        /// The model that the request is for.
        pub model_id: Option<String>,
        /// The names of the sequences that will be sampled; servers of older versions give none.
        pub sample_sequence_ids: Option<Vec<String>>,
    }

    /// Asks for a result.
    #[derive(Debug)]
    pub struct FutureRetrieveRequest {
        /// Whose result.
        pub request_id: String,
        /// Whether the size of a large result may come first.
        #[default(false)]
        pub allow_metadata_only: bool,
    }

    /// The result is not there yet.
    #[derive(Debug)]
    pub struct TryAgainResponse {
        /// Which kind of message it is.
        #[default(MessageType::TryAgain)]
        pub kind: MessageType = "type",
        /// Whose result.
        pub request_id: String,
        /// How the queue stands that the request waits in.
        pub queue_state: QueueState,
        /// Why it stands so.
        pub queue_state_reason: Option<String>,
    }

    /// The result is there, and large.
    #[derive(Debug)]
    pub struct CompleteMetadataResponse {
        /// How it stands: `complete_metadata`.
        #[default("complete_metadata")]
        pub status: String,
        /// How large the result is, in bytes.
        pub response_payload_size: u64,
    }

    /// The request failed.
    #[derive(Debug)]
    pub struct RequestFailedResponse {
        /// What went wrong.
        pub error: String,
        /// Whose fault it is.
        #[default(RequestErrorCategory::Undetermined)]
        pub category: RequestErrorCategory,
    }

    /// The requests of one client of a sampling session.
    #[derive(Debug)]
    pub struct SamplingSessionFuturesTarget {
        /// Which kind of requests is meant.
        #[default(MessageType::SamplingSession)]
        pub kind: MessageType = "type",
        /// The sampling session.
        pub sampling_session_id: String,
        /// The client in it; 0 is the first.
        #[default(0_u32)]
        pub cloned_sampler_id: u64,
    }

    /// Asks which requests are done.
    #[derive(Debug)]
    pub struct FuturesRetrieveRequest {
        /// Whose requests.
        pub target: SamplingSessionFuturesTarget,
        /// Up to where the answers are known; 0 for the beginning.
        #[default(0_u32)]
        pub prev_cursor: u64,
        /// 0 answers at once; otherwise the server waits for news.
        pub timeout: Option<f64>,
        /// Results that have been fetched and may be forgotten.
        #[default(Vec::<String>::new())]
        pub retrieved_request_ids: Vec<String>,
    }

    /// Which requests are done.
    #[derive(Debug)]
    pub struct FuturesRetrieveResponse {
        /// The requests.
        pub completions: Vec<FutureCompletion>,
        /// Up to where the answer goes.
        pub cursor: u64,
    }

    /// A request is done.
    #[derive(Debug)]
    pub struct FutureFinished {
        /// Which one.
        pub request_id: String,
        /// How large its result is, in bytes.
        pub response_payload_uncompressed_size: Option<u64>,
    }

    /// A request failed.
    #[derive(Debug)]
    pub struct FutureFailed {
        /// Which one.
        pub request_id: String,
    }

    /// Gives a request up.
    #[derive(Debug)]
    pub struct CancelFutureRequest {
        /// Which one.
        pub request_id: String,
    }
}

tagged_by! {
    "state"
    /// The end of a request.
    #[derive(Debug)]
    pub enum FutureCompletion {
        /// It is done.
        Finished(FutureFinished) = "finished",
        /// It failed.
        Failed(FutureFailed) = "failed",
    }
}

impl FutureCompletion {
    /// Which request; `None` for an end of unknown kind that does not say so.
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::Finished(finished) => Some(&finished.request_id),
            Self::Failed(failed) => Some(&failed.request_id),
            Self::Unknown(value) => value.get("request_id").and_then(serde_json::Value::as_str),
        }
    }
}
