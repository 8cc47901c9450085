//! Models: making one, describing one, giving one up.

use serde_json::{Map, Value};

use super::{MessageType, OptimizerConfig};

record! {
    /// Which parts of a model get adapters, and how large they are.
    #[derive(Debug)]
    pub struct LoraConfig {
        /// The rank of the adapters.
        #[default(32_u32)]
        pub rank: u32,
        /// Fixes the random beginning.
        pub seed: Option<i64>,
        /// Whether the output layer is trained.
        #[default(true)]
        pub train_unembed: bool,
        /// Whether the feed-forward layers are trained.
        #[default(true)]
        pub train_mlp: bool,
        /// Whether the attention layers are trained.
        #[default(true)]
        pub train_attn: bool,
    }

    /// Makes a model to train.
    #[derive(Debug)]
    pub struct CreateModelRequest {
        /// The session that it belongs to.
        pub session_id: String,
        /// Its place among the models of the session, from 0.
        pub model_seq_id: u64,
        /// What it is made from.
        pub base_model: String,
        /// Notes of the caller's.
        pub user_metadata: Option<Map<String, Value>>,
        /// Its adapters.
        pub lora_config: Option<LoraConfig>,
        /// Its optimiser.
        #[default(OptimizerConfig::default())]
        pub optimizer_config: OptimizerConfig,
        /// Which kind of message it is.
        #[default(MessageType::CreateModel)]
        pub kind: MessageType = "type",
    }

    /// The model that was made.
    #[derive(Debug)]
    pub struct CreateModelResponse {
        /// Its identifier.
        pub model_id: String,
        /// Which kind of message it is.
        #[default(MessageType::CreateModel)]
        pub kind: MessageType = "type",
    }

    /// Asks what a model is.
    #[derive(Debug)]
    pub struct GetInfoRequest {
        /// The model.
        pub model_id: String,
        /// Which kind of message it is.
        #[default(MessageType::GetInfo)]
        pub kind: MessageType = "type",
    }

    /// What a model is.
    #[derive(Debug)]
    pub struct GetInfoResponse {
        /// Which kind of message it is.
        pub kind: Option<MessageType> = "type",
        /// What is known of what it was made from.
        pub model_data: ModelData,
        /// The model.
        pub model_id: String,
        /// Its optimiser.
        #[default(OptimizerConfig::default())]
        pub optimizer_config: OptimizerConfig,
        /// Whether only adapters are trained.
        pub is_lora: Option<bool>,
        /// Their rank.
        pub lora_rank: Option<u32>,
        /// What it was made from.
        pub model_name: Option<String>,
    }

    /// What is known of a base model.
    #[derive(Debug)]
    pub struct ModelData {
        /// Its architecture.
        pub arch: Option<String>,
        /// Its name.
        pub model_name: Option<String>,
        /// Which tokenizer it needs.
        pub tokenizer_id: Option<String>,
    }

    /// Gives a model up. Services of today have no call that takes it.
    #[derive(Debug)]
    pub struct UnloadModelRequest {
        /// The model.
        pub model_id: String,
        /// Which kind of message it is.
        #[default(MessageType::UnloadModel)]
        pub kind: MessageType = "type",
    }

    /// A model was given up.
    #[derive(Debug)]
    pub struct UnloadModelResponse {
        /// The model.
        pub model_id: String,
        /// Which kind of message it is.
        pub kind: Option<MessageType> = "type",
    }
}
