//! Metrics, the specifications of judges, and what they find.

use gimmal_types::gemini::{
    BleuSpec, ComputationBasedMetricSpec, CustomCodeExecutionSpec, EvaluationDataset,
    EvaluationParserConfig, EvaluationParserConfigCustomCodeParserConfig, ExactMatchMetricValue,
    LLMBasedMetricSpec, Metric, PairwiseMetricResult, PairwiseMetricSpec, PointwiseMetricSpec,
    PredefinedMetricSpec, RougeSpec, RubricGenerationSpec, UnifiedMetric,
};
use serde_json::json;

use crate::support::fills;

#[test]
fn metrics() {
    fills::<BleuSpec>(json!({"useEffectiveOrder": true}));
    fills::<ComputationBasedMetricSpec>(json!({"type": "EXACT_MATCH", "parameters": {"a": 1}}));
    fills::<CustomCodeExecutionSpec>(
        json!({"evaluationFunction": "x", "codeExecutionRegion": "x"}),
    );
    fills::<EvaluationParserConfig>(json!({"customCodeParserConfig": {}}));
    fills::<EvaluationParserConfigCustomCodeParserConfig>(
        json!({"parsingFunction": "x", "codeExecutionRegion": "x"}),
    );
    fills::<LLMBasedMetricSpec>(
        json!({"metricPromptTemplate": "x", "systemInstruction": "x", "judgeAutoraterConfig": {}, "rubricGroupKey": "x", "predefinedRubricGenerationSpec": {}, "rubricGenerationSpec": {}, "additionalConfig": {"a": 1}, "resultParserConfig": {}}),
    );
    fills::<PairwiseMetricSpec>(
        json!({"metricPromptTemplate": "x", "baselineResponseFieldName": "x", "candidateResponseFieldName": "x", "customOutputFormatConfig": {}, "systemInstruction": "x"}),
    );
    fills::<PointwiseMetricSpec>(
        json!({"metricPromptTemplate": "x", "customOutputFormatConfig": {}, "systemInstruction": "x"}),
    );
    fills::<PredefinedMetricSpec>(
        json!({"metricSpecName": "x", "metricSpecParameters": {"a": 1}, "stepAutoraterConfigs": {"k": {}}}),
    );
    fills::<RougeSpec>(json!({"rougeType": "x", "splitSummaries": true, "useStemmer": true}));
    fills::<RubricGenerationSpec>(
        json!({"promptTemplate": "x", "rubricContentType": "PROPERTY", "rubricTypeOntology": ["x"]}),
    );
    fills::<UnifiedMetric>(
        json!({"bleuSpec": {}, "rougeSpec": {}, "pointwiseMetricSpec": {}, "llmBasedMetricSpec": {}, "customCodeExecutionSpec": {}, "predefinedMetricSpec": {}, "computationBasedMetricSpec": {}, "aggregationMetrics": ["AVERAGE"]}),
    );
    fills::<Metric>(
        json!({"name": "x", "promptTemplate": "x", "judgeModelSystemInstruction": "x", "returnRawOutput": true}),
    );
}

#[test]
fn results() {
    fills::<EvaluationDataset>(json!({"bigquerySource": {}, "gcsSource": {}}));
    fills::<ExactMatchMetricValue>(json!({"score": 0.5}));
    fills::<PairwiseMetricResult>(
        json!({"customOutput": {}, "explanation": "x", "pairwiseChoice": "BASELINE"}),
    );
}
