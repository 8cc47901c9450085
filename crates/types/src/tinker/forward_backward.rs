//! Forward and backward passes: what is asked, and what comes of it.

use std::collections::BTreeMap;

use super::{Datum, InvalidInput, LossFnType, TensorData};
use crate::invalid_input::finite;

/// A setting of a loss: a number, or a text.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum LossConfigValue {
    /// A number, such as a threshold.
    Number(f64),
    /// A text, such as the name of a custom loss.
    Text(String),
}

/// The settings of a loss, by name.
pub type LossFnConfig = BTreeMap<String, LossConfigValue>;

/// What the loss gives for one datum, by name.
pub type LossFnOutput = BTreeMap<String, TensorData>;

/// Data, and the loss that is computed over them.
///
/// ```
/// use gimmal_types::tinker::{Datum, ForwardBackwardInput, LossFnType, ModelInput};
///
/// let datum = Datum::new(ModelInput::from_ints([1, 2]));
/// let input = ForwardBackwardInput::new(vec![datum], LossFnType::Ppo)
///     .with_config("clip_low_threshold", 0.8);
/// assert!(input.check().is_ok());
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
#[must_use]
pub struct ForwardBackwardInput {
    /// The data.
    pub data: Vec<Datum>,
    /// The loss.
    pub loss_fn: LossFnType,
    /// Its settings.
    pub loss_fn_config: Option<LossFnConfig>,
}

/// A forward and backward pass of a model.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
#[must_use]
pub struct ForwardBackwardRequest {
    /// What is passed.
    pub forward_backward_input: ForwardBackwardInput,
    /// The model.
    pub model_id: String,
    /// The place of the request among those of the model; they are carried out in order.
    pub seq_id: Option<u64>,
}

/// A forward pass of a model.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
#[must_use]
pub struct ForwardRequest {
    /// What is passed.
    pub forward_input: ForwardBackwardInput,
    /// The model.
    pub model_id: String,
    /// The place of the request among those of the model.
    pub seq_id: Option<u64>,
}

record! {
    /// What comes of a pass.
    ///
    /// The name of a metric ends in the way in which it is combined over parts of the data, such
    /// as `loss:sum`.
    #[derive(Debug)]
    pub struct ForwardBackwardOutput {
        /// Of which kind the outputs of the loss are.
        pub loss_fn_output_type: String,
        /// What the loss gives, datum by datum.
        pub loss_fn_outputs: Vec<LossFnOutput>,
        /// Numbers about the whole pass.
        #[default(BTreeMap::new())]
        pub metrics: BTreeMap<String, f64>,
    }
}

impl ForwardBackwardInput {
    /// Data and a loss with its usual settings.
    pub fn new(data: impl Into<Vec<Datum>>, loss_fn: impl Into<LossFnType>) -> Self {
        Self {
            data: data.into(),
            loss_fn: loss_fn.into(),
            loss_fn_config: None,
        }
    }

    /// Adds a setting of the loss, or replaces one.
    pub fn with_config(
        mut self,
        name: impl Into<String>,
        value: impl Into<LossConfigValue>,
    ) -> Self {
        let config = self.loss_fn_config.get_or_insert_default();
        config.insert(name.into(), value.into());
        self
    }

    /// Refuses what the service cannot take.
    ///
    /// # Errors
    ///
    /// Fails with the first field at fault, such as `data[3].loss_fn_inputs.weights[7]`.
    pub fn check(&self) -> Result<(), InvalidInput> {
        check_loss(&self.loss_fn)?;
        if let Some(config) = &self.loss_fn_config {
            check_config(config)?;
        }
        check_data(&self.data)
    }
}

impl ForwardBackwardRequest {
    /// A pass of a model.
    pub fn new(model_id: impl Into<String>, input: ForwardBackwardInput) -> Self {
        Self {
            forward_backward_input: input,
            model_id: model_id.into(),
            seq_id: None,
        }
    }

    /// Says which place it has among the requests of the model.
    pub fn with_seq_id(mut self, seq_id: u64) -> Self {
        self.seq_id = Some(seq_id);
        self
    }
}

impl ForwardRequest {
    /// A pass of a model.
    pub fn new(model_id: impl Into<String>, input: ForwardBackwardInput) -> Self {
        Self {
            forward_input: input,
            model_id: model_id.into(),
            seq_id: None,
        }
    }

    /// Says which place it has among the requests of the model.
    pub fn with_seq_id(mut self, seq_id: u64) -> Self {
        self.seq_id = Some(seq_id);
        self
    }
}

/// Refuses a loss that the service does not have: it would find out after the upload.
pub(super) fn check_loss(loss_fn: &LossFnType) -> Result<(), InvalidInput> {
    match loss_fn {
        LossFnType::Unknown(_) => Err(InvalidInput::new(
            "loss_fn",
            format!("is none of {}", LossFnType::VALUES.join(", ")),
        )),
        _ => Ok(()),
    }
}

pub(super) fn check_config(config: &LossFnConfig) -> Result<(), InvalidInput> {
    for (name, value) in config {
        if let LossConfigValue::Number(number) = value {
            finite(name, *number).map_err(|error| error.within("loss_fn_config"))?;
        }
    }
    Ok(())
}

pub(super) fn check_data(data: &[Datum]) -> Result<(), InvalidInput> {
    if data.is_empty() {
        return Err(InvalidInput::new("data", "must hold at least one datum"));
    }
    for (index, datum) in data.iter().enumerate() {
        datum
            .check()
            .map_err(|error| error.within(&format!("data[{index}]")))?;
    }
    Ok(())
}

impl From<f64> for LossConfigValue {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for LossConfigValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for LossConfigValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}
