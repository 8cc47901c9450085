//! What an organisation used and what it costs, and who did what in it.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::zone_or_utc::ZoneOrUtc;
use crate::Timestamp;

record! {
    /// Something that was done in an organisation.
    #[derive(Debug)]
    pub struct AuditLogEntry {
        /// When.
        #[read_by(ZoneOrUtc)]
        pub timestamp: Timestamp,
        /// What.
        pub event: String,
        /// More about it.
        #[default(Map::new())]
        pub event_details: Map<String, Value>,
        /// The model; superseded by `event_details`.
        pub model_id: Option<String>,
        /// The checkpoint; superseded by `event_details`.
        pub tinker_path: Option<String>,
        /// What for; superseded by `event_details`.
        pub purpose: Option<String>,
    }

    /// What was done in an organisation.
    #[derive(Debug)]
    pub struct AuditLogResponse {
        /// The entries.
        pub entries: Vec<AuditLogEntry>,
    }

    /// Asks for the usage within a time of at most 14 days; both ends are whole hours.
    #[derive(Debug)]
    pub struct GetBillingUsageRequest {
        /// From when on.
        pub starting_on: Option<Timestamp>,
        /// Until when, exclusively.
        pub ending_before: Option<Timestamp>,
    }

    /// What was used within a time.
    #[derive(Debug)]
    pub struct BillingUsageResponse {
        /// The usage, in buckets of time.
        pub data: Vec<BillingUsageEvent>,
        /// The sessions that it speaks of.
        #[default(BTreeMap::new())]
        pub sessions: BTreeMap<String, BillingUsageSession>,
        /// Up to when costs are known.
        #[read_by(ZoneOrUtc)]
        pub cost_data_through: Option<Timestamp>,
    }

    /// What was used of one thing in one bucket of time.
    #[derive(Debug)]
    pub struct BillingUsageEvent {
        /// Where the bucket begins.
        #[read_by(ZoneOrUtc)]
        pub bucket_start: Timestamp,
        /// Where it ends.
        #[read_by(ZoneOrUtc)]
        pub bucket_end: Timestamp,
        /// The base model.
        pub base_model: Option<String>,
        /// Who used it.
        pub user_id: Option<String>,
        /// What they are called.
        pub user_name: Option<String>,
        /// In which session.
        pub session_id: Option<String>,
        /// For which project.
        pub project_id: Option<String>,
        /// What it costs, in US dollars.
        pub estimated_cost_usd: Option<f64>,
        /// The price of a million tokens, in US dollars.
        pub effective_rate_usd_per_million_tokens: Option<f64>,
        /// The price of a gigabyte for a month of 720 hours, in US dollars.
        pub effective_rate_usd_per_gigabyte_month: Option<f64>,
        /// What was used.
        pub event_info: BillingEventInfo,
    }

    /// A session that usage belongs to.
    #[derive(Debug)]
    pub struct BillingUsageSession {
        /// Notes of the caller's.
        pub user_metadata: Option<BTreeMap<String, String>>,
    }

    /// Tokens that were trained on.
    #[derive(Debug)]
    pub struct TrainingBillingEvent {
        /// How many.
        pub token_count: u64,
    }

    /// Tokens of prompts.
    #[derive(Debug)]
    pub struct SamplingPrefillBillingEvent {
        /// Whether the server had them in its cache.
        pub cached: bool,
        /// How many.
        pub token_count: u64,
    }

    /// Tokens that were sampled.
    #[derive(Debug)]
    pub struct SamplingSampleBillingEvent {
        /// How many.
        pub token_count: u64,
    }

    /// Checkpoints that were saved.
    #[derive(Debug)]
    pub struct CheckpointBillingEvent {
        /// How many.
        pub count: u64,
    }

    /// Checkpoints that were kept.
    #[derive(Debug)]
    pub struct StorageBillingEvent {
        /// Whether it costs nothing.
        #[default(false)]
        pub free: bool,
        /// How large and for how long, in gigabyte hours.
        pub gigabyte_hours: f64,
    }

    /// Asks what the checkpoints of today cost.
    #[derive(Debug)]
    pub struct GetCurrentCheckpointStorageUsageRequest {
        /// Of one project only.
        pub project_id: Option<String>,
    }

    /// What the checkpoints of today cost.
    #[derive(Debug)]
    pub struct CurrentCheckpointStorageUsageResponse {
        /// The price of a gigabyte for a month of 720 hours, in US dollars.
        pub effective_rate_usd_per_gigabyte_month: Option<f64>,
        /// Whose checkpoints.
        pub data: Vec<CurrentCheckpointStorageUsageItem>,
    }

    /// What the checkpoints of one user in one project cost.
    #[derive(Debug)]
    pub struct CurrentCheckpointStorageUsageItem {
        /// The project.
        pub project_id: Option<String>,
        /// The user.
        pub org_user_urn: Option<String>,
        /// The address of the user.
        pub user_email: Option<String>,
        /// What they are called.
        pub user_name: Option<String>,
        /// How many checkpoints.
        pub checkpoint_count: u64,
        /// How large they are, in bytes.
        pub size_bytes: u64,
        /// How large they are, in gigabytes.
        pub size_gigabytes: f64,
        /// What they cost in a month, in US dollars.
        pub estimated_monthly_cost_usd: Option<f64>,
    }
}

tagged! {
    /// What was used.
    #[derive(Debug)]
    pub enum BillingEventInfo {
        /// Tokens that were trained on.
        Training(TrainingBillingEvent) = "training",
        /// Tokens of prompts.
        SamplingPrefill(SamplingPrefillBillingEvent) = "sampling_prefill",
        /// Tokens that were sampled.
        SamplingSample(SamplingSampleBillingEvent) = "sampling_sample",
        /// Checkpoints that were saved.
        Checkpoint(CheckpointBillingEvent) = "checkpoint",
        /// Checkpoints that were kept.
        Storage(StorageBillingEvent) = "storage",
    }
}

impl Default for BillingEventInfo {
    fn default() -> Self {
        Self::Training(TrainingBillingEvent::new())
    }
}

plain_fields!(BillingEventInfo);
