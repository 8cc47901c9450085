//! Checkpoints, and the runs that they come from.

use std::collections::BTreeMap;

use super::CheckpointType;
use super::zone_or_utc::ZoneOrUtc;
use crate::Timestamp;

record! {
    /// Weights that were saved.
    #[derive(Debug)]
    pub struct Checkpoint {
        /// Its name within the run, such as `weights/0001`.
        pub checkpoint_id: String,
        /// What it is for.
        pub checkpoint_type: CheckpointType,
        /// When it was saved.
        #[read_by(ZoneOrUtc)]
        pub time: Timestamp,
        /// Its path, `tinker://…`.
        pub tinker_path: String,
        /// How large it is.
        pub size_bytes: Option<u64>,
        /// Whether anybody may load it.
        #[default(false)]
        pub public: bool,
        /// Notes of the caller's.
        pub user_metadata: Option<BTreeMap<String, String>>,
        /// When it is deleted.
        #[read_by(ZoneOrUtc)]
        pub expires_at: Option<Timestamp>,
    }

    /// A page of checkpoints.
    #[derive(Debug)]
    pub struct CheckpointsListResponse {
        /// The checkpoints.
        pub checkpoints: Vec<Checkpoint>,
        /// Where the page stands in the list.
        pub cursor: Option<Cursor>,
    }

    /// Where the files of a checkpoint are for the time being.
    pub struct ExternalWeightsUrlsResponse {
        /// The address of each file.
        pub urls: BTreeMap<String, String>,
        /// When the addresses cease to work.
        #[read_by(ZoneOrUtc)]
        pub expires: Timestamp,
    }

    /// Where an archive of a checkpoint is for the time being, from servers that make archives.
    pub struct CheckpointArchiveUrlResponse {
        /// The address, which lets anybody in who has it.
        pub url: String,
        /// When it ceases to work, as the server wrote it.
        pub expires: Option<String>,
    }

    /// Where a page stands in a list.
    #[derive(Debug)]
    pub struct Cursor {
        /// How many come before it.
        pub offset: u64,
        /// How many it may hold.
        pub limit: u64,
        /// How many there are.
        pub total_count: u64,
    }

    /// A run: a model that is or was trained.
    #[derive(Debug)]
    pub struct TrainingRun {
        /// Its identifier, which is that of the model.
        pub training_run_id: String,
        /// What it was made from.
        pub base_model: String,
        /// Whose it is.
        pub model_owner: String,
        /// Whether only adapters are trained.
        pub is_lora: bool,
        /// Whether it was lost; it can only go on from a checkpoint.
        #[default(false)]
        pub corrupted: bool,
        /// The rank of the adapters.
        pub lora_rank: Option<u32>,
        /// When something was asked of it last.
        #[read_by(ZoneOrUtc)]
        pub last_request_time: Timestamp,
        /// The last checkpoint to train on from.
        pub last_checkpoint: Option<Checkpoint>,
        /// The last checkpoint to sample from.
        pub last_sampler_checkpoint: Option<Checkpoint>,
        /// Notes of the caller's.
        pub user_metadata: Option<BTreeMap<String, String>>,
    }

    /// A page of runs.
    #[derive(Debug)]
    pub struct TrainingRunsResponse {
        /// The runs.
        pub training_runs: Vec<TrainingRun>,
        /// Where the page stands in the list.
        pub cursor: Cursor,
    }

    /// How long a checkpoint is kept from now on.
    #[derive(Debug)]
    pub struct CheckpointTtlRequest {
        /// In seconds; `null` keeps it for ever.
        pub ttl_seconds: serde_json::Value,
    }
}

// The addresses are signed: whoever has one has the file.
names_only_debug!(ExternalWeightsUrlsResponse);

/// The address lets anybody in, so it is not shown.
impl std::fmt::Debug for CheckpointArchiveUrlResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CheckpointArchiveUrlResponse")
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}
