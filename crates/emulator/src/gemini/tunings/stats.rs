//! What the service says of a dataset once it has looked through it.

use serde_json::{Value, json};

use crate::gemini::tunings::{dataset::Dataset, distribution::summary, spec::Method};

/// Examples that are shown again.
const SHOWN: usize = 3;

/// The statistics under the name the method has for them.
pub(crate) fn of(dataset: &Dataset, steps: u64, method: Method) -> Value {
    let examples = || dataset.examples.iter();
    let characters: u64 = examples().map(|example| example.characters).sum();
    let mut stats = json!({
        "tuningDatasetExampleCount": dataset.examples.len().to_string(),
        "totalBillableTokenCount": dataset.tokens().to_string(),
        "tuningStepCount": steps.to_string(),
        "userInputTokenDistribution": summary(examples().map(|example| example.input_tokens)),
        "userOutputTokenDistribution": summary(examples().map(|example| example.output_tokens)),
    });
    let turns = || summary(examples().map(|example| example.turns));
    let contents = || {
        examples()
            .take(SHOWN)
            .map(|example| example.contents.clone())
    };
    match method {
        Method::Preference => {
            stats["userDatasetExamples"] = contents()
                .map(|contents| json!({ "contents": contents }))
                .collect();
            json!({ "preferenceOptimizationDataStats": stats })
        }
        Method::Distillation => {
            stats["totalTuningCharacterCount"] = characters.to_string().into();
            stats["contentsPerExampleDistribution"] = turns();
            json!({ "distillationDataStats": { "trainingDatasetStats": stats } })
        }
        Method::Reinforcement => {
            let examples: Value = contents()
                .map(|contents| json!({ "contents": contents }))
                .collect();
            stats["totalTuningCharacterCount"] = characters.to_string().into();
            stats["contentsPerExampleDistribution"] = turns();
            stats["reinforcementTuningUserDatasetExamples"] =
                json!({ "userDatasetExamples": examples });
            json!({ "reinforcementTuningDataStats": stats })
        }
        Method::Supervised | Method::Other => {
            stats["totalTuningCharacterCount"] = characters.to_string().into();
            stats["totalBillableCharacterCount"] = characters.to_string().into();
            stats["userMessagePerExampleDistribution"] = turns();
            let first = examples().next().map(|example| example.contents.clone());
            stats["userDatasetExamples"] = first.unwrap_or_default();
            json!({ "supervisedTuningDataStats": stats })
        }
    }
}
