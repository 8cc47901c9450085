//! Tuning jobs: models that learn from examples.
//!
//! The public form, the same for both services, with the specification of each method.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{
    CompositeReinforcementTuningRewardConfig, EncryptionSpec, EvaluateDatasetRun, EvaluationConfig,
    GenerationConfig, GoogleRpcStatus, JobState, SingleReinforcementTuningRewardConfig,
    TuningDataStats,
};
use crate::Timestamp;

wire! {
    /// A tuning job.
    #[derive(Debug)]
    pub struct TuningJob {
        /// Its name: `projects/…/tuningJobs/…`, or `tunedModels/…` on the developer API.
        pub name: Option<String>,
        /// Where it is in its life.
        pub state: Option<JobState>,
        /// When it was made.
        pub create_time: Option<Timestamp>,
        /// When it began to run.
        pub start_time: Option<Timestamp>,
        /// When it ended.
        pub end_time: Option<Timestamp>,
        /// When it was changed last.
        pub update_time: Option<Timestamp>,
        /// Why it failed.
        pub error: Option<Box<GoogleRpcStatus>>,
        /// What it is for.
        pub description: Option<String>,
        /// The model that is tuned.
        pub base_model: Option<String>,
        /// The model that came of it.
        pub tuned_model: Option<Box<TunedModel>>,
        /// The tuned model that is tuned further.
        pub pre_tuned_model: Option<Box<PreTunedModel>>,
        /// Learning from right answers.
        pub supervised_tuning_spec: Option<Box<SupervisedTuningSpec>>,
        /// Learning from better and worse answers.
        pub preference_optimization_spec: Option<Box<PreferenceOptimizationSpec>>,
        /// Learning from a larger model.
        pub distillation_spec: Option<Box<DistillationSpec>>,
        /// Learning from rewards.
        pub reinforcement_tuning_spec: Option<Box<ReinforcementTuningSpec>>,
        /// What the training data look like.
        pub tuning_data_stats: Option<Box<TuningDataStats>>,
        /// The key everything is encrypted with.
        pub encryption_spec: Option<Box<EncryptionSpec>>,
        /// Tuning a model of another maker.
        pub partner_model_tuning_spec: Option<Box<PartnerModelTuningSpec>>,
        /// How the result is judged.
        pub evaluation_config: Option<Box<EvaluationConfig>>,
        /// The caller's own copy of the model, in Cloud Storage.
        pub custom_base_model: Option<String>,
        /// The judgements.
        pub evaluate_dataset_runs: Vec<EvaluateDatasetRun>,
        /// The experiment the metrics are in.
        pub experiment: Option<String>,
        /// Changing all weights of the model.
        pub full_fine_tuning_spec: Option<Box<FullFineTuningSpec>>,
        /// Labels.
        pub labels: BTreeMap<String, String>,
        /// Where the result is put, in Cloud Storage.
        pub output_uri: Option<String>,
        /// The pipeline behind the job.
        pub pipeline_job: Option<String>,
        /// The account it runs as.
        pub service_account: Option<String>,
        /// A name for people for the model that comes of it.
        pub tuned_model_display_name: Option<String>,
        /// What a running job is about.
        pub tuning_job_state: Option<TuningJobState>,
        /// Tuning a model for films.
        pub veo_tuning_spec: Option<Box<VeoTuningSpec>>,
        /// How far the job is.
        pub tuning_job_metadata: Option<Box<TuningJobMetadata>>,
        /// Tuning a model for films by an adapter.
        pub veo_lora_tuning_spec: Option<Box<VeoLoraTuningSpec>>,
        /// Making training data by a larger model.
        pub distillation_sampling_spec: Option<Box<DistillationSamplingSpec>>,
        /// Where the metrics are, in Cloud Storage.
        pub gcs_metrics_uri: Option<String>,
    }

    /// The model that came of a tuning job.
    #[derive(Debug)]
    pub struct TunedModel {
        /// Its full name.
        pub model: Option<String>,
        /// Where it answers.
        pub endpoint: Option<String>,
        /// The model as it was on its way; Vertex only.
        pub checkpoints: Vec<TunedModelCheckpoint>,
    }

    /// A tuned model as it was on its way.
    #[derive(Debug)]
    pub struct TunedModelCheckpoint {
        /// Its identifier.
        pub checkpoint_id: Option<String>,
        /// The epoch it was taken after.
        pub epoch: Option<i64>,
        /// The step it was taken after.
        pub step: Option<i64>,
        /// Where it answers.
        pub endpoint: Option<String>,
    }

    /// A tuned model that is tuned further.
    #[derive(Debug)]
    pub struct PreTunedModel {
        /// The model it was made of.
        pub base_model: Option<String>,
        /// The checkpoint to start from; the last when absent.
        pub checkpoint_id: Option<String>,
        /// Its full name, or that of its endpoint.
        pub tuned_model_name: Option<String>,
    }

    /// How far a tuning job is.
    #[derive(Debug)]
    pub struct TuningJobMetadata {
        /// Epochs that are done.
        pub completed_epoch_count: Option<i64>,
        /// Steps that are done.
        pub completed_step_count: Option<i64>,
    }

    /// Learning from right answers.
    #[derive(Debug)]
    pub struct SupervisedTuningSpec {
        /// Keep only the last checkpoint.
        pub export_last_checkpoint_only: Option<bool>,
        /// How it learns.
        pub hyper_parameters: Option<Box<SupervisedHyperParameters>>,
        /// The examples: a file, `gs://…`, or a multimodal dataset.
        pub training_dataset_uri: Option<String>,
        /// An adapter or all weights.
        pub tuning_mode: Option<TuningMode>,
        /// Examples to check with.
        pub validation_dataset_uri: Option<String>,
    }

    /// How a model learns from right answers.
    #[derive(Debug)]
    pub struct SupervisedHyperParameters {
        /// Size of the adapter.
        pub adapter_size: Option<AdapterSize>,
        /// Examples in a step; for models of other makers.
        pub batch_size: Option<i64>,
        /// How often all examples are gone through.
        pub epoch_count: Option<i64>,
        /// The learning rate; for models of other makers.
        pub learning_rate: Option<f64>,
        /// The learning rate, as a multiple of the recommended one.
        pub learning_rate_multiplier: Option<f64>,
    }

    /// Changing all weights of a model.
    #[derive(Debug)]
    pub struct FullFineTuningSpec {
        /// How it learns.
        pub hyper_parameters: Option<Box<SupervisedHyperParameters>>,
        /// The examples.
        pub training_dataset_uri: Option<String>,
        /// Examples to check with.
        pub validation_dataset_uri: Option<String>,
    }

    /// Learning from better and worse answers.
    #[derive(Debug)]
    pub struct PreferenceOptimizationSpec {
        /// Keep only the last checkpoint.
        pub export_last_checkpoint_only: Option<bool>,
        /// How it learns.
        pub hyper_parameters: Option<Box<PreferenceOptimizationHyperParameters>>,
        /// The examples.
        pub training_dataset_uri: Option<String>,
        /// Examples to check with.
        pub validation_dataset_uri: Option<String>,
    }

    /// How a model learns from better and worse answers.
    #[derive(Debug)]
    pub struct PreferenceOptimizationHyperParameters {
        /// Size of the adapter.
        pub adapter_size: Option<AdapterSize>,
        /// How close it stays to the model it began as; lower lets it go further.
        pub beta: Option<f64>,
        /// How often all examples are gone through.
        pub epoch_count: Option<i64>,
        /// The learning rate, as a multiple of the recommended one.
        pub learning_rate_multiplier: Option<f64>,
    }

    /// Learning from a larger model.
    #[derive(Debug)]
    pub struct DistillationSpec {
        /// The prompts.
        pub prompt_dataset_uri: Option<String>,
        /// The model to learn from.
        pub base_teacher_model: Option<String>,
        /// How it learns.
        pub hyper_parameters: Option<Box<DistillationHyperParameters>>,
        /// Where the pipeline keeps its files, in Cloud Storage.
        pub pipeline_root_directory: Option<String>,
        /// The model that learns.
        pub student_model: Option<String>,
        /// The examples.
        pub training_dataset_uri: Option<String>,
        /// The tuned model to learn from.
        pub tuned_teacher_model_source: Option<String>,
        /// Examples to check with.
        pub validation_dataset_uri: Option<String>,
        /// An adapter or all weights.
        pub tuning_mode: Option<TuningMode>,
    }

    /// How a model learns from a larger one.
    #[derive(Debug)]
    pub struct DistillationHyperParameters {
        /// Size of the adapter.
        pub adapter_size: Option<AdapterSize>,
        /// How often all examples are gone through.
        pub epoch_count: Option<i64>,
        /// The learning rate, as a multiple of the recommended one.
        pub learning_rate_multiplier: Option<f64>,
        /// How the larger model answers.
        pub generation_config: Option<Box<GenerationConfig>>,
        /// The learning rate.
        pub learning_rate: Option<f64>,
        /// Examples in a step.
        pub batch_size: Option<i64>,
    }

    /// Making training data by a larger model.
    #[derive(Debug)]
    pub struct DistillationSamplingSpec {
        /// The model that answers.
        pub base_teacher_model: Option<String>,
        /// The tuned model that answers.
        pub tuned_teacher_model_source: Option<String>,
        /// Examples to check with.
        pub validation_dataset_uri: Option<String>,
        /// The prompts.
        pub prompt_dataset_uri: Option<String>,
        /// How it learns.
        pub hyperparameters: Option<Box<DistillationHyperParameters>>,
    }

    /// Learning from rewards.
    #[derive(Debug)]
    pub struct ReinforcementTuningSpec {
        /// Several rewards.
        pub composite_reward_config: Option<Box<CompositeReinforcementTuningRewardConfig>>,
        /// The prompts.
        pub training_dataset_uri: Option<String>,
        /// Prompts to check with.
        pub validation_dataset_uri: Option<String>,
        /// How it learns.
        pub hyper_parameters: Option<Box<ReinforcementTuningHyperParameters>>,
        /// One reward.
        pub single_reward_config: Option<Box<SingleReinforcementTuningRewardConfig>>,
    }

    /// How a model learns from rewards.
    #[derive(Debug)]
    pub struct ReinforcementTuningHyperParameters {
        /// How often all prompts are gone through.
        pub epoch_count: Option<i64>,
        /// The learning rate, as a multiple of the recommended one.
        pub learning_rate_multiplier: Option<f64>,
        /// Size of the adapter.
        pub adapter_size: Option<AdapterSize>,
        /// Replies to each prompt.
        pub samples_per_prompt: Option<i32>,
        /// Prompts in a step.
        pub batch_size: Option<i32>,
        /// Steps from one check to the next.
        pub evaluate_interval: Option<i32>,
        /// Steps from one checkpoint to the next.
        pub checkpoint_interval: Option<i32>,
        /// Most tokens of a reply.
        pub max_output_tokens: Option<i32>,
        /// How much the model reasons.
        pub thinking_level: Option<ReinforcementTuningThinkingLevel>,
        /// Most tokens of reasoning.
        pub thinking_budget: Option<i32>,
        /// How many steps are gone.
        pub step_count: Option<i32>,
    }

    /// Tuning a model of another maker.
    #[derive(Debug)]
    pub struct PartnerModelTuningSpec {
        /// How it learns; what is allowed depends on the model.
        pub hyper_parameters: Option<Map<String, Value>>,
        /// The examples.
        pub training_dataset_uri: Option<String>,
        /// Examples to check with.
        pub validation_dataset_uri: Option<String>,
    }

    /// Tuning a model for films.
    #[derive(Debug)]
    pub struct VeoTuningSpec {
        /// How it learns.
        pub hyper_parameters: Option<Box<VeoHyperParameters>>,
        /// The examples.
        pub training_dataset_uri: Option<String>,
        /// Examples to check with.
        pub validation_dataset_uri: Option<String>,
    }

    /// Tuning a model for films by an adapter.
    #[derive(Debug)]
    pub struct VeoLoraTuningSpec {
        /// How it learns.
        pub hyper_parameters: Option<Box<VeoHyperParameters>>,
        /// The examples.
        pub training_dataset_uri: Option<String>,
        /// Examples to check with.
        pub validation_dataset_uri: Option<String>,
        /// Upright or lying films.
        pub video_orientation: Option<VideoOrientation>,
    }

    /// How a model for films learns.
    #[derive(Debug)]
    pub struct VeoHyperParameters {
        /// How often all examples are gone through.
        pub epoch_count: Option<i64>,
        /// The learning rate, as a multiple of the recommended one.
        pub learning_rate_multiplier: Option<f64>,
        /// What it learns to make films of.
        pub tuning_task: Option<TuningTask>,
        /// Share of the caller's films among those it learns from, 0 to 1.
        pub veo_data_mixture_ratio: Option<f64>,
        /// Size of the adapter.
        pub adapter_size: Option<AdapterSize>,
        /// Faster for more money, or not.
        pub tuning_speed: Option<TuningSpeed>,
    }

    /// A page of tuning jobs.
    #[derive(Debug)]
    pub struct ListTuningJobsResponse {
        /// The jobs.
        pub tuning_jobs: Vec<TuningJob>,
        /// Asks for the next page; absent or empty on the last.
        pub next_page_token: Option<String>,
    }
}

impl TuningJob {
    /// True when the job will not change any more, however it ended.
    pub fn has_ended(&self) -> bool {
        self.state.as_ref().is_some_and(JobState::is_ended)
    }

    /// True when the model is ready.
    pub fn has_succeeded(&self) -> bool {
        self.state.as_ref().is_some_and(JobState::is_succeeded)
    }
}

open_enum! {
    /// What a running tuning job is about.
    pub enum TuningJobState {
        /// Not said.
        Unspecified = "TUNING_JOB_STATE_UNSPECIFIED",
        /// Waiting for the project's quota.
        WaitingForQuota = "TUNING_JOB_STATE_WAITING_FOR_QUOTA",
        /// Reading the examples.
        ProcessingDataset = "TUNING_JOB_STATE_PROCESSING_DATASET",
        /// Waiting for free machines.
        WaitingForCapacity = "TUNING_JOB_STATE_WAITING_FOR_CAPACITY",
        /// Learning.
        Tuning = "TUNING_JOB_STATE_TUNING",
        /// Putting the result in place.
        PostProcessing = "TUNING_JOB_STATE_POST_PROCESSING",
    }

    /// Sizes of an adapter, by its rank.
    pub enum AdapterSize {
        /// Not said.
        Unspecified = "ADAPTER_SIZE_UNSPECIFIED",
        /// 1.
        One = "ADAPTER_SIZE_ONE",
        /// 2.
        Two = "ADAPTER_SIZE_TWO",
        /// 4.
        Four = "ADAPTER_SIZE_FOUR",
        /// 8.
        Eight = "ADAPTER_SIZE_EIGHT",
        /// 16.
        Sixteen = "ADAPTER_SIZE_SIXTEEN",
        /// 32.
        ThirtyTwo = "ADAPTER_SIZE_THIRTY_TWO",
    }

    /// What of a model is changed.
    pub enum TuningMode {
        /// Not said.
        Unspecified = "TUNING_MODE_UNSPECIFIED",
        /// All weights.
        Full = "TUNING_MODE_FULL",
        /// An adapter beside the weights.
        PeftAdapter = "TUNING_MODE_PEFT_ADAPTER",
    }

    /// How much a model reasons while it learns from rewards.
    pub enum ReinforcementTuningThinkingLevel {
        /// The model's default.
        Unspecified = "REINFORCEMENT_TUNING_THINKING_LEVEL_UNSPECIFIED",
        /// Hardly at all.
        Minimal = "MINIMAL",
        /// Little.
        Low = "LOW",
        /// Some.
        Medium = "MEDIUM",
        /// Much.
        High = "HIGH",
    }

    /// What a model for films learns to make them of.
    pub enum TuningTask {
        /// Not said.
        Unspecified = "TUNING_TASK_UNSPECIFIED",
        /// A picture.
        ImageToVideo = "TUNING_TASK_I2V",
        /// A text.
        TextToVideo = "TUNING_TASK_T2V",
        /// Reference pictures.
        ReferenceToVideo = "TUNING_TASK_R2V",
    }

    /// Faster for more money, or not.
    pub enum TuningSpeed {
        /// Not said.
        Unspecified = "TUNING_SPEED_UNSPECIFIED",
        /// Normal.
        Regular = "REGULAR",
        /// Faster.
        Fast = "FAST",
    }

    /// Upright or lying films.
    pub enum VideoOrientation {
        /// Not said.
        Unspecified = "VIDEO_ORIENTATION_UNSPECIFIED",
        /// Lying.
        Landscape = "LANDSCAPE",
        /// Upright.
        Portrait = "PORTRAIT",
    }
}
