//! How replies are rewarded while a model is tuned by reinforcement; Vertex only.

use std::collections::BTreeMap;

use super::{AutoraterConfig, Content, GoogleRpcStatus, Tool};

wire! {
    /// One reward: how the reply is read, and exactly one scorer.
    #[derive(Debug)]
    pub struct SingleReinforcementTuningRewardConfig {
        /// A model judges.
        pub autorater_scorer: Option<Box<ReinforcementTuningAutoraterScorer>>,
        /// Its name in reports; must be unique within the job.
        pub reward_name: Option<String>,
        /// How the reply is read before it is scored.
        pub parse_response_config: Option<Box<ReinforcementTuningParseResponseConfig>>,
        /// Code judges.
        pub code_execution_reward_scorer: Option<Box<ReinforcementTuningCodeExecutionRewardScorer>>,
        /// A comparison judges.
        pub string_match_reward_scorer: Option<Box<ReinforcementTuningStringMatchRewardScorer>>,
        /// A service of the caller's judges.
        pub cloud_run_reward_scorer: Option<Box<ReinforcementTuningCloudRunRewardScorer>>,
    }

    /// Several rewards, added up by weight.
    #[derive(Debug)]
    pub struct CompositeReinforcementTuningRewardConfig {
        /// The rewards.
        pub weighted_reward_configs: Vec<CompositeReinforcementTuningRewardConfigWeightedRewardConfig>,
    }

    /// One of several rewards.
    #[derive(Debug)]
    pub struct CompositeReinforcementTuningRewardConfigWeightedRewardConfig {
        /// The reward.
        pub reward_config: Option<Box<SingleReinforcementTuningRewardConfig>>,
        /// How much it counts.
        pub weight: Option<f64>,
    }

    /// A model judges.
    #[derive(Debug)]
    pub struct ReinforcementTuningAutoraterScorer {
        /// The model.
        pub autorater_config: Option<Box<AutoraterConfig>>,
        /// Its prompt, with placeholders such as `{{prompt}}` and `{{response}}`.
        pub autorater_prompt: Option<String>,
        /// How its verdict is read.
        pub autorater_response_parse_config: Option<Box<ReinforcementTuningParseResponseConfig>>,
        /// The verdict is the number that it says.
        pub parsed_response_conversion_scorer:
            Option<Box<ReinforcementTuningAutoraterScorerParsedResponseConversionScorer>>,
        /// The verdict is compared with a text.
        pub exact_match_scorer: Option<Box<ReinforcementTuningAutoraterScorerExactMatchScorer>>,
    }

    /// A verdict that is a number. It has no settings.
    #[derive(Debug)]
    pub struct ReinforcementTuningAutoraterScorerParsedResponseConversionScorer {}

    /// A verdict that is compared with a text.
    #[derive(Debug)]
    pub struct ReinforcementTuningAutoraterScorerExactMatchScorer {
        /// The reward when they are the same.
        pub correct_answer_reward: Option<f64>,
        /// The reward when they are not.
        pub wrong_answer_reward: Option<f64>,
        /// The text; placeholders such as `{{references.x}}` are filled in from the example.
        pub expression: Option<String>,
    }

    /// How a text is read before it is scored.
    #[derive(Debug)]
    pub struct ReinforcementTuningParseResponseConfig {
        /// As it is, or a part of it.
        pub parse_type: Option<ResponseParseType>,
        /// A regular expression whose first group is the part.
        pub regex_extract_expression: Option<String>,
    }

    /// Code judges.
    #[derive(Debug)]
    pub struct ReinforcementTuningCodeExecutionRewardScorer {
        /// Python source that computes the reward.
        pub python_code_snippet: Option<String>,
    }

    /// A comparison judges.
    #[derive(Debug)]
    pub struct ReinforcementTuningStringMatchRewardScorer {
        /// The reward for a wrong reply.
        pub wrong_answer_reward: Option<f64>,
        /// The reward for a right reply.
        pub correct_answer_reward: Option<f64>,
        /// The reply is compared as text.
        pub string_match_expression:
            Option<Box<ReinforcementTuningStringMatchRewardScorerStringMatchExpression>>,
        /// A member of the reply is compared.
        pub json_match_expression:
            Option<Box<ReinforcementTuningStringMatchRewardScorerJsonMatchExpression>>,
    }

    /// How a text is compared.
    #[derive(Debug)]
    pub struct ReinforcementTuningStringMatchRewardScorerStringMatchExpression {
        /// The comparison.
        pub match_operation: Option<MatchOperation>,
        /// What it is compared with.
        pub expression: Option<String>,
    }

    /// How a member of a JSON reply is compared.
    #[derive(Debug)]
    pub struct ReinforcementTuningStringMatchRewardScorerJsonMatchExpression {
        /// The member.
        pub key_name: Option<String>,
        /// The comparison of its value.
        pub value_string_match_expression:
            Option<Box<ReinforcementTuningStringMatchRewardScorerStringMatchExpression>>,
    }

    /// A service of the caller's judges.
    #[derive(Debug)]
    pub struct ReinforcementTuningCloudRunRewardScorer {
        /// Its address on Cloud Run.
        pub cloud_run_uri: Option<String>,
    }

    /// One example of a training set for reinforcement.
    pub struct ReinforcementTuningExample {
        /// The prompt.
        pub contents: Vec<Content>,
        /// Texts that the scorers compare with, by name.
        pub references: BTreeMap<String, String>,
        /// Instructions for the model.
        pub system_instruction: Option<Box<Content>>,
        /// What the model may use.
        pub tools: Vec<Tool>,
    }

    /// Examples of a training set for reinforcement.
    #[derive(Debug)]
    pub struct ReinforcementTuningUserDatasetExamples {
        /// The examples.
        pub user_dataset_examples: Vec<ReinforcementTuningExample>,
    }

    /// What a reward is tried out with: one reply to one example, and one reward or several.
    pub struct ValidateRewardParameters {
        /// Where the reward is computed, `projects/…/locations/…`; the client's own when absent.
        pub parent: Option<String>,
        /// The reply.
        pub sample_response: Option<Box<Content>>,
        /// The example that it replies to.
        pub example: Option<Box<ReinforcementTuningExample>>,
        /// One reward.
        pub single_reward_config: Option<Box<SingleReinforcementTuningRewardConfig>>,
        /// Several rewards.
        pub composite_reward_config: Option<Box<CompositeReinforcementTuningRewardConfig>>,
    }

    /// What one reply would be rewarded with.
    #[derive(Debug)]
    pub struct ValidateRewardResponse {
        /// The reward, all scorers together.
        pub overall_reward: Option<f64>,
        /// Why there is none.
        pub error: Option<String>,
        /// The reward of each scorer, by its name.
        pub reward_info_details: BTreeMap<String, ReinforcementTuningRewardInfo>,
    }

    /// What one scorer says of a reply.
    #[derive(Debug)]
    pub struct ReinforcementTuningRewardInfo {
        /// Its reward.
        pub reward: Option<f64>,
        /// What the caller's code had to say besides.
        pub user_requested_aux_info: Option<String>,
        /// Why there is no reward.
        pub error_status: Option<Box<GoogleRpcStatus>>,
    }
}

open_enum! {
    /// How a text is read before it is scored.
    pub enum ResponseParseType {
        /// Not said.
        Unspecified = "RESPONSE_PARSE_TYPE_UNSPECIFIED",
        /// As it is.
        Identity = "IDENTITY",
        /// A part of it, by a regular expression.
        RegexExtract = "REGEX_EXTRACT",
    }

    /// How texts are compared.
    pub enum MatchOperation {
        /// Not said.
        Unspecified = "MATCH_OPERATION_UNSPECIFIED",
        /// A regular expression is found in it.
        RegexContains = "REGEX_CONTAINS",
        /// A text is found in it.
        PartialMatch = "PARTIAL_MATCH",
        /// It is the text.
        ExactMatch = "EXACT_MATCH",
    }
}
