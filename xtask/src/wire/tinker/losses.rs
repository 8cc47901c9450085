//! The custom losses that records name, as closures and as graphs of calls.

use std::collections::BTreeMap;

use gimmal_client::Error;
use gimmal_client::tinker::{CustomLoss, CustomLossOutput, Logprobs};
use gimmal_types::tinker::{CustomLossGraph, CustomLossInput, Datum};
use serde_json::{Value, json};

use crate::wire::arguments::decode;
use crate::wire::failure::Failure;

/// A loss by its name in the records.
#[derive(Clone, Copy, Debug)]
pub(super) enum Loss {
    /// −Σ weight × logprob, with the number of data as a metric.
    Mean,
    /// Σ weight × logprob².
    Squared,
    /// Σ logprob.
    Sum,
}

impl Loss {
    pub(super) fn named(name: &str) -> Result<Self, Failure> {
        match name {
            "mean_loss" => Ok(Self::Mean),
            "squared" => Ok(Self::Squared),
            "sum of logprobs" => Ok(Self::Sum),
            _ => Err(Failure::unimplemented(format!("the loss `{name}`"))),
        }
    }

    /// The loss as a graph; a loss that no record has a graph of has none.
    pub(super) fn graph(self) -> Result<CustomLossGraph, Failure> {
        let Self::Squared = self else {
            return Err(Failure::unimplemented("the graph of this loss"));
        };
        let call = |name: &str, left: &str, right: &str| {
            json!({
                "op": "call_function", "name": name, "target": "operator.mul",
                "args": [{"ref": left}, {"ref": right}],
            })
        };
        let sum = json!({"ref": "sum_1"});
        let result = json!({"tuple": [sum, {"dict": {"custom/sq:sum": sum}}]});
        let nodes = json!([
            {"op": "placeholder", "name": "logprobs", "target": "logprobs"},
            {"op": "placeholder", "name": "weights", "target": "weights"},
            call("mul", "weights", "logprobs"),
            call("mul_1", "mul", "logprobs"),
            {"op": "call_method", "name": "sum_1", "target": "sum", "args": [{"ref": "mul_1"}]},
            {"op": "output", "name": "output", "target": "output", "args": [result]},
        ]);
        decode("loss", json!({"nodes": nodes}))
    }

    /// A term of the loss, and its derivative.
    fn term(self, weight: f32, logprob: f32) -> (f32, f32) {
        match self {
            Self::Mean => (-weight * logprob, -weight),
            Self::Squared => (weight * logprob * logprob, 2.0 * weight * logprob),
            Self::Sum => (logprob, 1.0),
        }
    }
}

impl CustomLoss for Loss {
    fn evaluate(self, data: &[Datum], logprobs: &[Logprobs]) -> Result<CustomLossOutput, Error> {
        let mut output = CustomLossOutput::default();
        for (datum, logprobs) in data.iter().zip(logprobs) {
            let weights = datum.loss_fn_inputs.get("weights");
            let weights = weights.and_then(|weights| weights.as_f32());
            let weights = weights.unwrap_or_default().iter().copied();
            let weights = weights.chain(std::iter::repeat(1.0));
            let terms = weights
                .zip(logprobs)
                .map(|(weight, logprob)| self.term(weight, *logprob));
            let (terms, gradients): (Vec<f32>, Vec<f32>) = terms.unzip();
            output.loss += f64::from(terms.iter().sum::<f32>());
            output.gradients.push(gradients);
        }
        output.metrics = match self {
            Self::Mean => BTreeMap::from([("my_metric".to_owned(), data.len() as f64)]),
            Self::Squared => BTreeMap::from([("custom/sq:sum".to_owned(), output.loss)]),
            Self::Sum => BTreeMap::new(),
        };
        Ok(output)
    }
}

/// The parameters of a loss, `logprobs` first.
pub(super) fn inputs(ranks: BTreeMap<String, u32>) -> Vec<CustomLossInput> {
    let input = |(name, rank): (String, u32)| CustomLossInput::new().set_name(name).set_rank(rank);
    let mut inputs: Vec<_> = ranks.into_iter().map(input).collect();
    inputs.sort_by_key(|input| input.name != "logprobs");
    inputs
}

/// What a record says of a loss: `{"$fn": name}`, or `{"$handle": name}`.
pub(super) fn mark<'a>(loss: &'a Value, mark: &str) -> Option<&'a str> {
    loss.get(mark)?.as_str()
}
