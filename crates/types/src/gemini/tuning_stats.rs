//! What the service counted in training data.

use super::{Content, ReinforcementTuningUserDatasetExamples};

wire! {
    /// What the training data of a job look like, by its method.
    #[derive(Debug)]
    pub struct TuningDataStats {
        /// Of distillation.
        pub distillation_data_stats: Option<Box<DistillationDataStats>>,
        /// Of preferences.
        pub preference_optimization_data_stats: Option<Box<PreferenceOptimizationDataStats>>,
        /// Of supervised learning.
        pub supervised_tuning_data_stats: Option<Box<SupervisedTuningDataStats>>,
        /// Of reinforcement.
        pub reinforcement_tuning_data_stats: Option<Box<DatasetStats>>,
    }

    /// What the data of a distillation look like.
    #[derive(Debug)]
    pub struct DistillationDataStats {
        /// The examples.
        pub training_dataset_stats: Option<Box<DatasetStats>>,
    }

    /// What examples look like.
    #[derive(Debug)]
    pub struct DatasetStats {
        /// Examples that were left out, by their place in the file.
        pub dropped_example_indices: Vec<i64>,
        /// Why they were left out, in the same order.
        pub dropped_example_reasons: Vec<String>,
        /// Characters that are paid for.
        pub total_billable_character_count: Option<i64>,
        /// Characters that are learned from.
        pub total_tuning_character_count: Option<i64>,
        /// Examples.
        pub tuning_dataset_example_count: Option<i64>,
        /// Steps.
        pub tuning_step_count: Option<i64>,
        /// Some of the examples.
        pub user_dataset_examples: Vec<Content>,
        /// Tokens of the prompts.
        pub user_input_token_distribution: Option<Box<DatasetDistribution>>,
        /// Turns of an example.
        pub user_message_per_example_distribution: Option<Box<DatasetDistribution>>,
        /// Tokens of the answers.
        pub user_output_token_distribution: Option<Box<DatasetDistribution>>,
        /// Contents of an example.
        pub contents_per_example_distribution: Option<Box<DatasetDistribution>>,
        /// Some of the examples, for reinforcement.
        pub reinforcement_tuning_user_dataset_examples:
            Option<Box<ReinforcementTuningUserDatasetExamples>>,
        /// Tokens that are paid for.
        pub total_billable_token_count: Option<i64>,
    }

    /// How a number is spread over examples.
    #[derive(Debug)]
    pub struct DatasetDistribution {
        /// Its histogram.
        pub buckets: Vec<DatasetDistributionDistributionBucket>,
        /// The largest.
        pub max: Option<f64>,
        /// The mean.
        pub mean: Option<f64>,
        /// The middle one.
        pub median: Option<f64>,
        /// The smallest.
        pub min: Option<f64>,
        /// 5 % are at most this.
        pub p5: Option<f64>,
        /// 95 % are at most this.
        pub p95: Option<f64>,
        /// All together.
        pub sum: Option<f64>,
    }

    /// A bar of a histogram.
    #[derive(Debug)]
    pub struct DatasetDistributionDistributionBucket {
        /// Examples in it.
        pub count: Option<i64>,
        /// Where it begins.
        pub left: Option<f64>,
        /// Where it ends.
        pub right: Option<f64>,
    }

    /// What examples of better and worse answers look like.
    #[derive(Debug)]
    pub struct PreferenceOptimizationDataStats {
        /// Examples that were left out, by their place in the file.
        pub dropped_example_indices: Vec<i64>,
        /// Why they were left out, in the same order.
        pub dropped_example_reasons: Vec<String>,
        /// How far the scores within an example lie apart.
        pub score_variance_per_example_distribution: Option<Box<DatasetDistribution>>,
        /// The scores.
        pub scores_distribution: Option<Box<DatasetDistribution>>,
        /// Tokens that are paid for.
        pub total_billable_token_count: Option<i64>,
        /// Examples.
        pub tuning_dataset_example_count: Option<i64>,
        /// Steps.
        pub tuning_step_count: Option<i64>,
        /// Some of the examples.
        pub user_dataset_examples: Vec<GeminiPreferenceExample>,
        /// Tokens of the prompts.
        pub user_input_token_distribution: Option<Box<DatasetDistribution>>,
        /// Tokens of the answers.
        pub user_output_token_distribution: Option<Box<DatasetDistribution>>,
    }

    /// A prompt and better and worse answers to it.
    #[derive(Debug)]
    pub struct GeminiPreferenceExample {
        /// The answers.
        pub completions: Vec<GeminiPreferenceExampleCompletion>,
        /// The prompt.
        pub contents: Vec<Content>,
    }

    /// An answer and how good it is.
    #[derive(Debug)]
    pub struct GeminiPreferenceExampleCompletion {
        /// The answer.
        pub completion: Option<Box<Content>>,
        /// How good it is, 0 to 1.
        pub score: Option<f64>,
    }

    /// What examples of right answers look like.
    #[derive(Debug)]
    pub struct SupervisedTuningDataStats {
        /// Why examples were left out, in the order of their places.
        pub dropped_example_reasons: Vec<String>,
        /// Characters that are paid for.
        pub total_billable_character_count: Option<i64>,
        /// Tokens that are paid for.
        pub total_billable_token_count: Option<i64>,
        /// Examples that were cut or left out.
        pub total_truncated_example_count: Option<i64>,
        /// Characters that are learned from.
        pub total_tuning_character_count: Option<i64>,
        /// Examples that were cut or left out, by their place in the file.
        pub truncated_example_indices: Vec<i64>,
        /// Examples.
        pub tuning_dataset_example_count: Option<i64>,
        /// Steps.
        pub tuning_step_count: Option<i64>,
        /// Some of the examples.
        pub user_dataset_examples: Vec<Content>,
        /// Tokens of the prompts.
        pub user_input_token_distribution: Option<Box<SupervisedTuningDatasetDistribution>>,
        /// Turns of an example.
        pub user_message_per_example_distribution: Option<Box<SupervisedTuningDatasetDistribution>>,
        /// Tokens of the answers.
        pub user_output_token_distribution: Option<Box<SupervisedTuningDatasetDistribution>>,
    }

    /// How a number is spread over examples of right answers.
    #[derive(Debug)]
    pub struct SupervisedTuningDatasetDistribution {
        /// All that is paid for.
        pub billable_sum: Option<i64>,
        /// Its histogram.
        pub buckets: Vec<SupervisedTuningDatasetDistributionDatasetBucket>,
        /// The largest.
        pub max: Option<f64>,
        /// The mean.
        pub mean: Option<f64>,
        /// The middle one.
        pub median: Option<f64>,
        /// The smallest.
        pub min: Option<f64>,
        /// 5 % are at most this.
        pub p5: Option<f64>,
        /// 95 % are at most this.
        pub p95: Option<f64>,
        /// All together.
        pub sum: Option<i64>,
    }

    /// A bar of a histogram over examples of right answers.
    #[derive(Debug)]
    pub struct SupervisedTuningDatasetDistributionDatasetBucket {
        /// Examples in it.
        pub count: Option<f64>,
        /// Where it begins.
        pub left: Option<f64>,
        /// Where it ends.
        pub right: Option<f64>,
    }
}
