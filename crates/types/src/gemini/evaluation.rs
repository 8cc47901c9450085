//! How the replies of a model are judged: metrics, and the models that apply them.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{AggregationMetric, EvaluationMetric, GcsDestination, GenerationConfig};

wire! {
    /// How a tuned model is judged; Vertex only.
    #[derive(Debug)]
    pub struct EvaluationConfig {
        /// What is measured.
        pub metrics: Vec<EvaluationMetric>,
        /// Where the results go.
        pub output_config: Option<Box<OutputConfig>>,
        /// The model that judges.
        pub autorater_config: Option<Box<AutoraterConfig>>,
        /// How the judged replies are generated.
        pub inference_generation_config: Option<Box<GenerationConfig>>,
    }

    /// Where results go.
    #[derive(Debug)]
    pub struct OutputConfig {
        /// A folder in Cloud Storage.
        pub gcs_destination: Option<Box<GcsDestination>>,
    }

    /// A model that judges.
    #[derive(Debug)]
    pub struct AutoraterConfig {
        /// How often it judges each reply, 1 to 32; 4 when absent.
        pub sampling_count: Option<i32>,
        /// Judge half of the pairs the other way round, against a liking for the first.
        pub flip_enabled: Option<bool>,
        /// The model or endpoint, by its full name.
        pub autorater_model: Option<String>,
        /// How its verdicts are generated.
        pub generation_config: Option<Box<GenerationConfig>>,
    }

    /// One thing to measure: exactly one of the specifications.
    #[derive(Debug)]
    pub struct UnifiedMetric {
        /// Overlap of words with a reference, by BLEU.
        pub bleu_spec: Option<Box<BleuSpec>>,
        /// Overlap of words with a reference, by ROUGE.
        pub rouge_spec: Option<Box<RougeSpec>>,
        /// A verdict on each reply for itself.
        pub pointwise_metric_spec: Option<Box<PointwiseMetricSpec>>,
        /// A verdict of a model, by rubrics or a prompt of the caller's.
        pub llm_based_metric_spec: Option<Box<LLMBasedMetricSpec>>,
        /// A verdict of the caller's code.
        pub custom_code_execution_spec: Option<Box<CustomCodeExecutionSpec>>,
        /// A metric that the service knows by name.
        pub predefined_metric_spec: Option<Box<PredefinedMetricSpec>>,
        /// A metric that is computed.
        pub computation_based_metric_spec: Option<Box<ComputationBasedMetricSpec>>,
        /// How single results are summed up; mean and standard deviation when empty.
        pub aggregation_metrics: Vec<AggregationMetric>,
    }

    /// Overlap of words with a reference, by BLEU.
    #[derive(Debug)]
    pub struct BleuSpec {
        /// Leave out lengths of word groups that do not match at all.
        pub use_effective_order: Option<bool>,
    }

    /// Overlap of words with a reference, by ROUGE.
    #[derive(Debug)]
    pub struct RougeSpec {
        /// `rouge1` to `rouge9`, `rougeL` or `rougeLsum`.
        pub rouge_type: Option<String>,
        /// Split summaries at line ends, for `rougeLsum`.
        pub split_summaries: Option<bool>,
        /// Compare the stems of words.
        pub use_stemmer: Option<bool>,
    }

    /// A verdict on each reply for itself.
    #[derive(Debug)]
    pub struct PointwiseMetricSpec {
        /// The prompt for the judge, with placeholders such as `{response}`.
        pub metric_prompt_template: Option<String>,
        /// What the judge's answers look like.
        pub custom_output_format_config: Option<Box<CustomOutputFormatConfig>>,
        /// Instructions for the judge.
        pub system_instruction: Option<String>,
    }

    /// A verdict on two replies to the same prompt.
    #[derive(Debug)]
    pub struct PairwiseMetricSpec {
        /// The prompt for the judge, with placeholders.
        pub metric_prompt_template: Option<String>,
        /// The column of the replies to compare with.
        pub baseline_response_field_name: Option<String>,
        /// The column of the replies to judge.
        pub candidate_response_field_name: Option<String>,
        /// What the judge's answers look like.
        pub custom_output_format_config: Option<Box<CustomOutputFormatConfig>>,
        /// Instructions for the judge.
        pub system_instruction: Option<String>,
    }

    /// What a judge's answers look like.
    #[derive(Debug)]
    pub struct CustomOutputFormatConfig {
        /// Return them as they are.
        pub return_raw_output: Option<bool>,
    }

    /// A verdict of a model.
    #[derive(Debug)]
    pub struct LLMBasedMetricSpec {
        /// The prompt for the judge, with placeholders.
        pub metric_prompt_template: Option<String>,
        /// Instructions for the judge.
        pub system_instruction: Option<String>,
        /// The judge.
        pub judge_autorater_config: Option<Box<AutoraterConfig>>,
        /// The rubrics to use, by the name of their group.
        pub rubric_group_key: Option<String>,
        /// Rubrics are made as this metric does it.
        pub predefined_rubric_generation_spec: Option<Box<PredefinedMetricSpec>>,
        /// Rubrics are made like this.
        pub rubric_generation_spec: Option<Box<RubricGenerationSpec>>,
        /// Free-form; for metrics that take more.
        pub additional_config: Option<Map<String, Value>>,
        /// How the judge's answers are read.
        pub result_parser_config: Option<Box<EvaluationParserConfig>>,
    }

    /// How rubrics are made.
    #[derive(Debug)]
    pub struct RubricGenerationSpec {
        /// The prompt that makes them, with placeholders.
        pub prompt_template: Option<String>,
        /// What a rubric is.
        pub rubric_content_type: Option<RubricContentType>,
        /// The only kinds of rubric allowed; the model decides when empty.
        pub rubric_type_ontology: Vec<String>,
    }

    /// How a judge's answers are read.
    #[derive(Debug)]
    pub struct EvaluationParserConfig {
        /// By code of the caller's.
        pub custom_code_parser_config: Option<Box<EvaluationParserConfigCustomCodeParserConfig>>,
    }

    /// Code of the caller's that reads a judge's answers.
    #[derive(Debug)]
    pub struct EvaluationParserConfigCustomCodeParserConfig {
        /// Python source of a function `parse_results(responses)`.
        pub parsing_function: Option<String>,
        /// The region where it runs.
        pub code_execution_region: Option<String>,
    }

    /// A verdict of the caller's code.
    #[derive(Debug)]
    pub struct CustomCodeExecutionSpec {
        /// Python source of a function `evaluate(instance)` that returns a number.
        pub evaluation_function: Option<String>,
        /// The region where it runs.
        pub code_execution_region: Option<String>,
    }

    /// A metric that the service knows by name.
    #[derive(Debug)]
    pub struct PredefinedMetricSpec {
        /// Its name, such as `general_quality_v1`.
        pub metric_spec_name: Option<String>,
        /// Free-form; what the metric takes.
        pub metric_spec_parameters: Option<Map<String, Value>>,
        /// The judge for each step of the metric.
        pub step_autorater_configs: BTreeMap<String, AutoraterConfig>,
    }

    /// A metric that is computed.
    #[derive(Debug)]
    pub struct ComputationBasedMetricSpec {
        /// Which one.
        pub metric_type: Option<ComputationBasedMetricType> = "type",
        /// Free-form; what the metric takes, such as `{"rouge_type": "rougeL"}`.
        pub parameters: Option<Map<String, Value>>,
    }
}

open_enum! {
    /// Metrics that are computed.
    pub enum ComputationBasedMetricType {
        /// Not said.
        Unspecified = "COMPUTATION_BASED_METRIC_TYPE_UNSPECIFIED",
        /// The reply is the reference, letter by letter.
        ExactMatch = "EXACT_MATCH",
        /// BLEU.
        Bleu = "BLEU",
        /// ROUGE.
        Rouge = "ROUGE",
    }

    /// What a rubric is.
    pub enum RubricContentType {
        /// Not said.
        Unspecified = "RUBRIC_CONTENT_TYPE_UNSPECIFIED",
        /// Properties that a reply must have.
        Property = "PROPERTY",
        /// Questions whose right answer is yes.
        NlQuestionAnswer = "NL_QUESTION_ANSWER",
        /// Code that looks at the reply.
        PythonCodeAssertion = "PYTHON_CODE_ASSERTION",
    }
}
