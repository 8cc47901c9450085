//! One example to train on: what the model reads, and what the loss is computed from.

use std::collections::BTreeMap;

use super::{InvalidInput, ModelInput, ProvenanceSpan, ProvenanceSpans, TensorData};

/// What the loss is computed from, by name.
pub type LossFnInputs = BTreeMap<String, TensorData>;

/// The input whose tokens the loss looks at.
pub(super) const TARGET_TOKENS: &str = "target_tokens";

/// One example to train on.
///
/// ```
/// use gimmal_types::tinker::{Datum, ModelInput};
///
/// let datum = Datum::new(ModelInput::from_ints([1, 2, 3]))
///     .with_input("target_tokens", vec![2_i64, 3, 4])
///     .with_input("weights", vec![0.0_f32, 1.0, 1.0]);
/// assert_eq!(datum.loss_fn_inputs.len(), 2);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
#[must_use]
pub struct Datum {
    /// What the model reads.
    pub model_input: ModelInput,
    /// What the loss is computed from.
    pub loss_fn_inputs: LossFnInputs,
    /// Where the tokens that the model reads came from.
    pub model_input_spans: Option<ProvenanceSpans>,
    /// Where the target tokens came from.
    pub loss_fn_input_spans: Option<ProvenanceSpans>,
}

impl Datum {
    /// An example without inputs of the loss.
    pub fn new(model_input: impl Into<ModelInput>) -> Self {
        Self {
            model_input: model_input.into(),
            ..Self::default()
        }
    }

    /// Adds an input of the loss, or replaces one.
    pub fn with_input(mut self, name: impl Into<String>, tensor: impl Into<TensorData>) -> Self {
        self.loss_fn_inputs.insert(name.into(), tensor.into());
        self
    }

    /// Says where the tokens came from: those that the model reads, and the target tokens.
    ///
    /// # Errors
    ///
    /// Fails when a span names no sequence, and when spans are shorter or longer in all than what
    /// they speak of.
    pub fn with_provenance(
        mut self,
        model_input: impl IntoIterator<Item = impl Into<ProvenanceSpan>>,
        loss_fn_inputs: impl IntoIterator<Item = impl Into<ProvenanceSpan>>,
    ) -> Result<Self, InvalidInput> {
        let read: ProvenanceSpans = model_input.into_iter().map(Into::into).collect();
        let target: ProvenanceSpans = loss_fn_inputs.into_iter().map(Into::into).collect();
        let length = self
            .model_input
            .length()
            .map_err(|error| error.within("model_input"))?;
        covers("model_input_spans", &read, length)?;
        let row = self.loss_fn_inputs.get(TARGET_TOKENS);
        let row = row.filter(|tensor| tensor.shape().is_none_or(|shape| shape.len() == 1));
        if let Some(row) = row {
            covers("loss_fn_input_spans", &target, row.element_count())?;
        }
        self.model_input_spans = Some(read);
        self.loss_fn_input_spans = Some(target);
        Ok(self)
    }

    /// Refuses what the service cannot take: numbers that are not finite, chunks it does not
    /// train on, spans without their counterpart.
    ///
    /// # Errors
    ///
    /// Fails with the first field at fault.
    pub fn check(&self) -> Result<(), InvalidInput> {
        for (index, chunk) in self.model_input.chunks.iter().enumerate() {
            super::proto::check_chunk(chunk)
                .map_err(|error| error.within(&format!("model_input.chunks[{index}]")))?;
        }
        for (name, tensor) in &self.loss_fn_inputs {
            tensor
                .check_finite()
                .map_err(|error| error.within(&format!("loss_fn_inputs.{name}")))?;
        }
        if self.model_input_spans.is_some() != self.loss_fn_input_spans.is_some() {
            return Err(InvalidInput::new(
                "model_input_spans",
                "and `loss_fn_input_spans` are given together or not at all",
            ));
        }
        for (field, spans) in [
            ("model_input_spans", &self.model_input_spans),
            ("loss_fn_input_spans", &self.loss_fn_input_spans),
        ] {
            for (index, span) in spans.iter().flatten().enumerate() {
                span.check()
                    .map_err(|error| error.within(&format!("{field}[{index}]")))?;
            }
        }
        Ok(())
    }
}

fn covers(field: &str, spans: &[ProvenanceSpan], length: usize) -> Result<(), InvalidInput> {
    let mut covered: u64 = 0;
    for (index, span) in spans.iter().enumerate() {
        span.check()
            .map_err(|error| error.within(&format!("{field}[{index}]")))?;
        covered = covered.saturating_add(span.length());
    }
    if usize::try_from(covered) != Ok(length) {
        let reason = format!("cover {covered} tokens where there are {length}");
        return Err(InvalidInput::new(field, reason));
    }
    Ok(())
}
