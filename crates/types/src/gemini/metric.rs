//! A metric in the short form in which people write it down, and in the form the service takes.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::{
    AggregationMetric, BleuSpec, CustomOutputFormatConfig, PointwiseMetricSpec, RougeSpec,
    UnifiedMetric,
};
use crate::wire::{Erased, FieldVisitor, WireValue};

wire! {
    /// A metric in its short form: a name the service knows, or a prompt for a judge.
    ///
    /// The names are `bleu` and `rouge_1` to `rouge_9`, `rouge_l` and `rouge_l_sum`; upper case
    /// means the same. Under any other name the metric needs a prompt.
    #[derive(Debug)]
    pub struct Metric {
        /// Its name.
        pub name: Option<String>,
        /// The prompt for the judge, with placeholders such as `{response}`.
        pub prompt_template: Option<String>,
        /// Instructions for the judge.
        pub judge_model_system_instruction: Option<String>,
        /// Return the judge's answers as they are.
        pub return_raw_output: Option<bool>,
    }
}

/// A metric in either form.
///
/// ```
/// use gimmal_types::gemini::{BleuSpec, EvaluationConfig, EvaluationMetric, Metric, UnifiedMetric};
///
/// let config = EvaluationConfig::new().set_metrics([
///     EvaluationMetric::from(Metric::new().set_name("rouge_1")),
///     UnifiedMetric::new().set_bleu_spec(BleuSpec::new().set_use_effective_order(true)).into(),
/// ]);
/// assert_eq!(config.metrics.len(), 2);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum EvaluationMetric {
    /// The short form; the client turns it into the other one.
    Short(Box<Metric>),
    /// The form the service takes.
    Full(Box<UnifiedMetric>),
}

/// The metric has neither a name the service knows nor a prompt.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{name:?} is no metric the service knows, such as \"bleu\" or \"rouge_1\", and has no prompt"
)]
pub struct InvalidMetric {
    name: String,
}

/// How results are summed up unless the metric says otherwise.
const DEFAULT_AGGREGATION: [AggregationMetric; 2] = [
    AggregationMetric::Average,
    AggregationMetric::StandardDeviation,
];

impl EvaluationMetric {
    /// The form the service takes, with everything that may be left out filled in.
    ///
    /// # Errors
    ///
    /// Fails when a short form has neither a known name nor a prompt.
    pub fn to_unified(&self) -> Result<UnifiedMetric, InvalidMetric> {
        let mut metric = match self {
            Self::Full(metric) => (**metric).clone(),
            Self::Short(metric) => metric.to_unified()?,
        };
        if metric.aggregation_metrics.is_empty() {
            metric.aggregation_metrics = DEFAULT_AGGREGATION.to_vec();
        }
        Ok(metric)
    }
}

impl Metric {
    fn to_unified(&self) -> Result<UnifiedMetric, InvalidMetric> {
        let name = self.name.clone().unwrap_or_default().to_ascii_lowercase();
        if name == "bleu" {
            return Ok(UnifiedMetric::new().set_bleu_spec(BleuSpec::new()));
        }
        if let Some(kind) = name.strip_prefix("rouge") {
            let kind = match kind.trim_start_matches('_') {
                "l" => "L",
                "l_sum" | "lsum" => "Lsum",
                other => other,
            };
            let spec = RougeSpec::new().set_rouge_type(format!("rouge{kind}"));
            return Ok(UnifiedMetric::new().set_rouge_spec(spec));
        }
        let Some(prompt) = self.prompt_template.clone().filter(|text| !text.is_empty()) else {
            return Err(InvalidMetric { name });
        };
        let format = self
            .return_raw_output
            .map(|raw| CustomOutputFormatConfig::new().set_return_raw_output(raw));
        Ok(
            UnifiedMetric::new().set_pointwise_metric_spec(PointwiseMetricSpec {
                metric_prompt_template: Some(prompt),
                custom_output_format_config: format.map(Box::new),
                system_instruction: self.judge_model_system_instruction.clone(),
                ..PointwiseMetricSpec::default()
            }),
        )
    }
}

impl From<Metric> for EvaluationMetric {
    fn from(metric: Metric) -> Self {
        Self::Short(Box::new(metric))
    }
}

impl From<UnifiedMetric> for EvaluationMetric {
    fn from(metric: UnifiedMetric) -> Self {
        Self::Full(Box::new(metric))
    }
}

impl Serialize for EvaluationMetric {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Short(metric) => metric.serialize(serializer),
            Self::Full(metric) => metric.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for EvaluationMetric {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let short = Metric::FIELDS.iter().chain(&["prompt_template"]);
        let is_short = short.into_iter().any(|field| value.get(field).is_some());
        let metric = if is_short {
            serde_json::from_value(value).map(|metric| Self::Short(Box::new(metric)))
        } else {
            serde_json::from_value(value).map(|metric| Self::Full(Box::new(metric)))
        };
        metric.map_err(serde::de::Error::custom)
    }
}

impl WireValue for EvaluationMetric {
    fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::deserialize(deserializer)
    }

    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.serialize(serializer)
    }

    fn walk(&self, visitor: &mut dyn FieldVisitor) {
        match self {
            Self::Short(metric) => metric.walk(visitor),
            Self::Full(metric) => metric.walk(visitor),
        }
    }

    fn find_member(&self, name: &str) -> Option<&dyn Erased> {
        match self {
            Self::Short(metric) => metric.find_member(name),
            Self::Full(metric) => metric.find_member(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn unified(metric: Value) -> Value {
        let metric: EvaluationMetric = serde_json::from_value(metric).unwrap();
        serde_json::to_value(metric.to_unified().unwrap()).unwrap()
    }

    #[test]
    fn short_forms_become_full_ones() {
        let all = json!(["AVERAGE", "STANDARD_DEVIATION"]);
        assert_eq!(
            unified(json!({"name": "bleu", "promptTemplate": "unused"})),
            json!({"bleuSpec": {}, "aggregationMetrics": all})
        );
        for (name, kind) in [
            ("rouge_1", "rouge1"),
            ("rougeL", "rougeL"),
            ("ROUGE_L_SUM", "rougeLsum"),
        ] {
            assert_eq!(
                unified(json!({"name": name})),
                json!({"rougeSpec": {"rougeType": kind}, "aggregationMetrics": all})
            );
        }
        assert_eq!(
            unified(json!({"name": "mine", "prompt_template": "p", "returnRawOutput": true})),
            json!({"pointwiseMetricSpec": {"metricPromptTemplate": "p",
                   "customOutputFormatConfig": {"returnRawOutput": true}},
                   "aggregationMetrics": all})
        );
        assert_eq!(
            unified(json!({"rougeSpec": {}, "aggregationMetrics": ["MEDIAN"]})),
            json!({"rougeSpec": {}, "aggregationMetrics": ["MEDIAN"]})
        );
    }

    #[test]
    fn a_name_alone_must_be_known() {
        let metric = EvaluationMetric::from(Metric::new().set_name("mine"));
        let error = metric.to_unified().unwrap_err().to_string();
        assert!(error.contains("\"mine\" is no metric"), "{error}");
    }
}
