//! Saving, loading and copying weights.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{MessageType, OptimizerConfig, SamplingClientKind};

record! {
    /// Saves weights and the state of the optimiser, to train on from.
    #[derive(Debug)]
    pub struct SaveWeightsRequest {
        /// The model.
        pub model_id: String,
        /// The name of the checkpoint.
        pub path: Option<String>,
        /// The place of the request among those of the model.
        pub seq_id: Option<u64>,
        /// How long the checkpoint is kept, in seconds; for ever when it is not said.
        pub ttl_seconds: Option<u64>,
        /// Replaces a checkpoint of the name, and all notes on it.
        #[default(false)]
        pub overwrite: bool,
        /// Notes of the caller's.
        pub user_metadata: Option<BTreeMap<String, String>>,
        /// Which kind of message it is.
        #[default(MessageType::SaveWeights)]
        pub kind: MessageType = "type",
    }

    /// The checkpoint that was saved.
    #[derive(Debug)]
    pub struct SaveWeightsResponse {
        /// Its path, `tinker://…`.
        pub path: String,
        /// Which kind of message it is.
        pub kind: Option<MessageType> = "type",
    }

    /// Saves weights to sample from.
    #[derive(Debug)]
    pub struct SaveWeightsForSamplerRequest {
        /// The model.
        pub model_id: String,
        /// The name of the checkpoint; without one, a sampling session is opened.
        pub path: Option<String>,
        /// The place of that session among those of the caller's session.
        pub sampling_session_seq_id: Option<u64>,
        /// Whether later saves replace the weights.
        #[default(SamplingClientKind::Snapshot)]
        pub sampling_kind: SamplingClientKind = "kind",
        /// The place of the request among those of the model.
        pub seq_id: Option<u64>,
        /// How long the checkpoint is kept, in seconds.
        pub ttl_seconds: Option<u64>,
        /// Notes of the caller's.
        pub user_metadata: Option<BTreeMap<String, String>>,
        /// Which kind of message it is.
        #[default(MessageType::SaveWeightsForSampler)]
        pub kind: MessageType = "type",
    }

    /// What was saved to sample from: a checkpoint, or a sampling session.
    #[derive(Debug)]
    pub struct SaveWeightsForSamplerResponseInternal {
        /// The path of the checkpoint.
        pub path: Option<String>,
        /// The sampling session.
        pub sampling_session_id: Option<String>,
        /// Which kind of message it is.
        pub kind: Option<MessageType> = "type",
    }

    /// The checkpoint that was saved to sample from.
    #[derive(Debug)]
    pub struct SaveWeightsForSamplerResponse {
        /// Its path, `tinker://…`.
        pub path: String,
        /// Which kind of message it is.
        pub kind: Option<MessageType> = "type",
    }

    /// Saves weights to be downloaded.
    #[derive(Debug)]
    pub struct SaveWeightsExternalRequest {
        /// The model.
        pub model_id: String,
        /// The name of the checkpoint.
        pub path: String,
        /// The place of the request among those of the model.
        pub seq_id: Option<u64>,
        /// How long the checkpoint is kept, in seconds.
        pub ttl_seconds: Option<u64>,
        /// Who may read the files, as keys of age or SSH; at most ten.
        pub age_encryption_recipients: Option<Vec<String>>,
        /// Which kind of message it is.
        #[default(MessageType::SaveWeightsExternal)]
        pub kind: MessageType = "type",
    }

    /// What was saved to be downloaded.
    #[derive(Debug)]
    pub struct SaveWeightsExternalResponseInternal {
        /// Its path.
        pub path: Option<String>,
        /// How large it is.
        pub size_bytes: Option<u64>,
        /// Which kind of message it is.
        pub kind: Option<MessageType> = "type",
    }

    /// The checkpoint that was saved to be downloaded.
    #[derive(Debug)]
    pub struct SaveWeightsExternalResponse {
        /// Its path, `tinker://…`.
        pub path: String,
        /// Which kind of message it is.
        pub kind: Option<MessageType> = "type",
    }

    /// Loads weights: into a model, named by `model_id`, or into a new one of the session.
    pub struct LoadWeightsRequest {
        /// The model that is loaded into.
        pub model_id: Option<String>,
        /// The place of the request among those of that model.
        pub seq_id: Option<u64>,
        /// The session of a new model.
        pub session_id: Option<String>,
        /// Its place among the models of the session.
        pub model_seq_id: Option<u64>,
        /// What it is made from, when that is not the checkpoint's.
        pub base_model: Option<String>,
        /// Notes of the caller's.
        pub user_metadata: Option<Map<String, Value>>,
        /// The checkpoint.
        pub path: String,
        /// Whether the state of the optimiser is loaded as well.
        pub optimizer: bool,
        /// The optimiser of a new model whose state is not loaded.
        pub optimizer_config: Option<OptimizerConfig>,
        /// Opens a checkpoint of somebody else's.
        pub weights_access_token: Option<String>,
        /// Which kind of message it is.
        #[default(MessageType::LoadWeights)]
        pub kind: MessageType = "type",
    }

    /// Weights were loaded.
    #[derive(Debug)]
    pub struct LoadWeightsResponse {
        /// The checkpoint.
        pub path: Option<String>,
        /// The model.
        pub model_id: Option<String>,
        /// Which kind of message it is.
        pub kind: Option<MessageType> = "type",
    }

    /// Asks what a checkpoint was trained from.
    #[derive(Debug)]
    pub struct WeightsInfoRequest {
        /// The checkpoint.
        pub tinker_path: String,
    }

    /// What a checkpoint was trained from, and how.
    #[derive(Debug)]
    pub struct WeightsInfoResponse {
        /// The base model.
        pub base_model: String,
        /// The optimiser.
        #[default(OptimizerConfig::default())]
        pub optimizer_config: OptimizerConfig,
        /// Whether only adapters were trained.
        pub is_lora: bool,
        /// Their rank.
        pub lora_rank: Option<u32>,
        /// Whether the output layer was trained.
        pub train_unembed: Option<bool>,
        /// Whether the feed-forward layers were trained.
        pub train_mlp: Option<bool>,
        /// Whether the attention layers were trained.
        pub train_attn: Option<bool>,
    }

    /// Copies a checkpoint into a project.
    pub struct CopyWeightsRequest {
        /// The session of the copy.
        pub session_id: Option<String>,
        /// The place of the copy among the models of the session.
        pub model_seq_id: Option<u64>,
        /// The project.
        pub destination_project_id: Option<String>,
        /// The checkpoint.
        pub source_path: String,
        /// How long the copy is kept, in seconds.
        pub ttl_seconds: Option<u64>,
        /// Opens a checkpoint of somebody else's; the client sends it in a header instead.
        pub weights_access_token: Option<String>,
    }

    /// The copy.
    #[derive(Debug)]
    pub struct CopyWeightsResponse {
        /// Its path.
        pub tinker_path: String,
    }
}

names_only_debug!(CopyWeightsRequest, LoadWeightsRequest);
