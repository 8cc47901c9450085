//! What judging the replies of a tuned model gave.

use super::{BigQuerySource, GcsSource, GoogleRpcStatus, OutputInfo};

wire! {
    /// One judgement of a tuned model, or of a checkpoint of it.
    #[derive(Debug)]
    pub struct EvaluateDatasetRun {
        /// The checkpoint that was judged.
        pub checkpoint_id: Option<String>,
        /// Why it failed.
        pub error: Option<Box<GoogleRpcStatus>>,
        /// The results.
        pub evaluate_dataset_response: Option<Box<EvaluateDatasetResponse>>,
        /// The evaluation run behind it, by its full name.
        pub evaluation_run: Option<String>,
        /// The operation behind it.
        pub operation_name: Option<String>,
    }

    /// The results of a judgement.
    #[derive(Debug)]
    pub struct EvaluateDatasetResponse {
        /// The results over all examples.
        pub aggregation_output: Option<Box<AggregationOutput>>,
        /// Where the single results are.
        pub output_info: Option<Box<OutputInfo>>,
    }

    /// The results over all examples.
    #[derive(Debug)]
    pub struct AggregationOutput {
        /// One for each metric and each way to sum up.
        pub aggregation_results: Vec<AggregationResult>,
        /// What was judged.
        pub dataset: Option<Box<EvaluationDataset>>,
    }

    /// What was judged.
    #[derive(Debug)]
    pub struct EvaluationDataset {
        /// A table.
        pub bigquery_source: Option<Box<BigQuerySource>>,
        /// Files in Cloud Storage.
        pub gcs_source: Option<Box<GcsSource>>,
    }

    /// One metric, summed up in one way.
    #[derive(Debug)]
    pub struct AggregationResult {
        /// How it was summed up.
        pub aggregation_metric: Option<AggregationMetric>,
        /// Of BLEU.
        pub bleu_metric_value: Option<Box<BleuMetricValue>>,
        /// Of the caller's code.
        pub custom_code_execution_result: Option<Box<CustomCodeExecutionResult>>,
        /// Of the exact comparison.
        pub exact_match_metric_value: Option<Box<ExactMatchMetricValue>>,
        /// Of verdicts on pairs.
        pub pairwise_metric_result: Option<Box<PairwiseMetricResult>>,
        /// Of verdicts on single replies.
        pub pointwise_metric_result: Option<Box<PointwiseMetricResult>>,
        /// Of ROUGE.
        pub rouge_metric_value: Option<Box<RougeMetricValue>>,
    }

    /// A result of BLEU.
    #[derive(Debug)]
    pub struct BleuMetricValue {
        /// 0 to 1.
        pub score: Option<f64>,
    }

    /// A result of the caller's code.
    #[derive(Debug)]
    pub struct CustomCodeExecutionResult {
        /// What the code returned.
        pub score: Option<f64>,
    }

    /// A result of the exact comparison.
    #[derive(Debug)]
    pub struct ExactMatchMetricValue {
        /// 0 or 1 for one reply.
        pub score: Option<f64>,
    }

    /// A result of ROUGE.
    #[derive(Debug)]
    pub struct RougeMetricValue {
        /// 0 to 1.
        pub score: Option<f64>,
    }

    /// A verdict on two replies.
    #[derive(Debug)]
    pub struct PairwiseMetricResult {
        /// The judge's answers as they are.
        pub custom_output: Option<Box<CustomOutput>>,
        /// Why.
        pub explanation: Option<String>,
        /// Which reply is better.
        pub pairwise_choice: Option<PairwiseChoice>,
    }

    /// A verdict on one reply.
    #[derive(Debug)]
    pub struct PointwiseMetricResult {
        /// The judge's answers as they are.
        pub custom_output: Option<Box<CustomOutput>>,
        /// Why.
        pub explanation: Option<String>,
        /// The verdict, on the scale of the prompt.
        pub score: Option<f64>,
    }

    /// A judge's answers in a form of the caller's.
    #[derive(Debug)]
    pub struct CustomOutput {
        /// The answers.
        pub raw_outputs: Option<Box<RawOutput>>,
    }

    /// A judge's answers as they are.
    #[derive(Debug)]
    pub struct RawOutput {
        /// The answers.
        pub raw_output: Vec<String>,
    }
}

open_enum! {
    /// How single results are summed up.
    pub enum AggregationMetric {
        /// Not said.
        Unspecified = "AGGREGATION_METRIC_UNSPECIFIED",
        /// Mean.
        Average = "AVERAGE",
        /// The commonest value.
        Mode = "MODE",
        /// Standard deviation.
        StandardDeviation = "STANDARD_DEVIATION",
        /// Variance.
        Variance = "VARIANCE",
        /// The smallest value.
        Minimum = "MINIMUM",
        /// The largest value.
        Maximum = "MAXIMUM",
        /// The middle value.
        Median = "MEDIAN",
        /// 90 % are at most this.
        PercentileP90 = "PERCENTILE_P90",
        /// 95 % are at most this.
        PercentileP95 = "PERCENTILE_P95",
        /// 99 % are at most this.
        PercentileP99 = "PERCENTILE_P99",
    }

    /// Which of two replies is better.
    pub enum PairwiseChoice {
        /// Not said.
        Unspecified = "PAIRWISE_CHOICE_UNSPECIFIED",
        /// The one to compare with.
        Baseline = "BASELINE",
        /// The one that is judged.
        Candidate = "CANDIDATE",
        /// Neither.
        Tie = "TIE",
    }
}
