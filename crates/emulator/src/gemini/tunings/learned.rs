//! What a tuned model has learned: the example whose input is most like a prompt, if one is like
//! enough.

use crate::{
    engine::embedding::{self, Features},
    gemini::tunings::dataset::Dataset,
};

/// How like an example must be, as a cosine.
const LIKE_ENOUGH: f32 = 0.6;

/// The examples of a model, ready to be compared with.
#[derive(Debug, Default)]
pub(crate) struct Learned {
    examples: Vec<(Features, String)>,
}

impl Learned {
    pub(crate) fn from_examples(dataset: &Dataset) -> Self {
        let taught = dataset.examples.iter().filter_map(|example| {
            let features = embedding::text_features(&example.input).unit();
            Some((features, example.output.clone()?))
        });
        Self {
            examples: taught.collect(),
        }
    }

    /// What was taught as the answer to a prompt like this one.
    pub(crate) fn answer(&self, prompt: &str) -> Option<&str> {
        let asked = embedding::text_features(prompt).unit();
        let likeness = |(features, _): &&(Features, String)| asked.dot(features);
        let best = self
            .examples
            .iter()
            .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
        (likeness(&best) >= LIKE_ENOUGH).then_some(best.1.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_most_like_example_answers() {
        let pairs = [
            json!({"textInput": "What is the capital of France?", "output": "Paris."}),
            json!({"textInput": "What is the capital of Peru?", "output": "Lima."}),
        ];
        let dataset = Dataset::of_pairs(&pairs, "examples").expect("a set");
        let learned = Learned::from_examples(&dataset);
        assert_eq!(learned.answer("what is the capital of peru"), Some("Lima."));
        assert_eq!(
            learned.answer("Tell me the capital of France"),
            Some("Paris.")
        );
        assert_eq!(learned.answer("How do bees make honey?"), None);
        assert_eq!(Learned::default().answer("x"), None);
    }
}
