//! What a tuning job is made with: the examples, and everything that can be chosen.

use std::collections::BTreeMap;

use super::{
    AdapterSize, CompositeReinforcementTuningRewardConfig, EncryptionSpec, EvaluationConfig,
    ReinforcementTuningThinkingLevel, SingleReinforcementTuningRewardConfig, TuningMode,
};

wire! {
    /// Examples to learn from: exactly one of the places.
    #[derive(Debug)]
    pub struct TuningDataset {
        /// A file in Cloud Storage, `gs://…`, one JSON object a line; Vertex only.
        pub gcs_uri: Option<String>,
        /// A multimodal dataset, by its full name; Vertex only.
        pub vertex_dataset_resource: Option<String>,
        /// The examples themselves; developer API only.
        pub examples: Vec<TuningExample>,
    }

    /// One example: a prompt and the right answer.
    pub struct TuningExample {
        /// The answer.
        pub output: Option<String>,
        /// The prompt.
        pub text_input: Option<String>,
    }

    /// Examples to check with, which are not learned from; Vertex only.
    #[derive(Debug)]
    pub struct TuningValidationDataset {
        /// A file in Cloud Storage, `gs://…`, one JSON object a line.
        pub gcs_uri: Option<String>,
        /// A multimodal dataset, by its full name.
        pub vertex_dataset_resource: Option<String>,
    }

    /// Everything that can be chosen about a tuning job besides its model and its examples.
    ///
    /// What a method has no use for is not sent: `batch_size`, say, is for all methods but
    /// [`TuningMethod::PreferenceTuning`].
    #[derive(Debug)]
    pub struct CreateTuningJobConfig {
        /// How the model learns; supervised when absent. Vertex only.
        pub method: Option<TuningMethod>,
        /// Examples to check with; Vertex only.
        pub validation_dataset: Option<Box<TuningValidationDataset>>,
        /// A name for people for the model that comes of it.
        pub tuned_model_display_name: Option<String>,
        /// What the job is for; Vertex only.
        pub description: Option<String>,
        /// How often all examples are gone through.
        pub epoch_count: Option<i64>,
        /// The learning rate, as a multiple of the recommended one.
        pub learning_rate_multiplier: Option<f64>,
        /// Keep only the last checkpoint; Vertex only.
        pub export_last_checkpoint_only: Option<bool>,
        /// The checkpoint to start from, when a tuned model is tuned further; Vertex only.
        pub pre_tuned_model_checkpoint_id: Option<String>,
        /// Size of the adapter; Vertex only.
        pub adapter_size: Option<AdapterSize>,
        /// An adapter or all weights; Vertex only.
        pub tuning_mode: Option<TuningMode>,
        /// The caller's own copy of the model, in Cloud Storage; Vertex only.
        pub custom_base_model: Option<String>,
        /// Examples in a step.
        pub batch_size: Option<i64>,
        /// The learning rate; excludes the multiple of it.
        pub learning_rate: Option<f64>,
        /// How the result is judged; Vertex only.
        pub evaluation_config: Option<Box<EvaluationConfig>>,
        /// Labels; Vertex only.
        pub labels: BTreeMap<String, String>,
        /// How close the model stays to itself, for preferences; Vertex only.
        pub beta: Option<f64>,
        /// The model to learn from, for distillation; Vertex only.
        pub base_teacher_model: Option<String>,
        /// The tuned model to learn from, for distillation; Vertex only.
        pub tuned_teacher_model_source: Option<String>,
        /// How much the answers of the examples count beside the teacher, for distillation;
        /// Vertex only.
        pub sft_loss_weight_multiplier: Option<f64>,
        /// Where the result is put, in Cloud Storage; Vertex only.
        pub output_uri: Option<String>,
        /// The key everything is encrypted with; Vertex only.
        pub encryption_spec: Option<Box<EncryptionSpec>>,
        /// One reward, for reinforcement; Vertex only.
        pub reward_config: Option<Box<SingleReinforcementTuningRewardConfig>>,
        /// Several rewards, for reinforcement; Vertex only.
        pub composite_reward_config: Option<Box<CompositeReinforcementTuningRewardConfig>>,
        /// Replies to each prompt, for reinforcement; Vertex only.
        pub samples_per_prompt: Option<i32>,
        /// Steps from one check to the next, for reinforcement; Vertex only.
        pub evaluate_interval: Option<i32>,
        /// Steps from one checkpoint to the next, for reinforcement; Vertex only.
        pub checkpoint_interval: Option<i32>,
        /// Most tokens of a reply, for reinforcement; Vertex only.
        pub max_output_tokens: Option<i32>,
        /// How much the model reasons, for reinforcement; Vertex only.
        pub thinking_level: Option<ReinforcementTuningThinkingLevel>,
        /// Prompts to check with, for reinforcement; Vertex only.
        pub validation_dataset_uri: Option<String>,
    }
}

open_enum! {
    /// How a model learns.
    pub enum TuningMethod {
        /// From right answers.
        SupervisedFineTuning = "SUPERVISED_FINE_TUNING",
        /// From better and worse answers.
        PreferenceTuning = "PREFERENCE_TUNING",
        /// From a larger model.
        Distillation = "DISTILLATION",
        /// From rewards.
        ReinforcementTuning = "REINFORCEMENT_TUNING",
    }
}

impl TuningExample {
    /// A prompt and the right answer.
    pub fn of(text_input: impl Into<String>, output: impl Into<String>) -> Self {
        Self::new().set_text_input(text_input).set_output(output)
    }
}

impl From<Vec<TuningExample>> for TuningDataset {
    fn from(examples: Vec<TuningExample>) -> Self {
        Self::new().set_examples(examples)
    }
}
