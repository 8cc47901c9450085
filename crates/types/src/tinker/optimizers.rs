//! Optimisers: what a model is made with, and what a step takes.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::{InvalidInput, MessageType};
use crate::invalid_input::finite;
use crate::wire::{IntoField, WireRecord};

record! {
    /// Adam with decoupled weight decay; it has no settings of its own at creation.
    #[derive(Debug)]
    pub struct AdamOptimizerConfig {}

    /// Dimuon: orthogonalised momentum for matrices.
    #[derive(Debug)]
    pub struct DimuonOptimizerConfig {
        /// Which version of the rule.
        #[default(1_u32)]
        pub version: u32,
    }

    /// An optimiser that this version does not know.
    #[derive(Debug)]
    pub struct OptimizerConfigBase {
        /// Its name.
        pub kind: String = "type",
    }

    /// A step of Adam with decoupled weight decay.
    #[derive(Debug)]
    pub struct AdamParams {
        /// How far a step goes.
        #[default(1e-4)]
        pub learning_rate: f64,
        /// How slowly the mean of the gradients changes.
        #[default(0.9)]
        pub beta1: f64,
        /// How slowly the mean of their squares changes.
        #[default(0.95)]
        pub beta2: f64,
        /// Keeps the division from zero.
        #[default(1e-12)]
        pub eps: f64,
        /// How much of the weights is taken off, times the learning rate.
        #[default(0.0)]
        pub weight_decay: f64,
        /// Gradients of a larger norm are scaled down to it; 0 leaves them alone.
        #[default(0.0)]
        pub grad_clip_norm: f64,
    }

    /// A step of Dimuon.
    #[derive(Debug)]
    pub struct DimuonParams {
        /// How far a step goes.
        pub learning_rate: f64,
        /// Gradients of a larger norm are scaled down to it; 0 or less leaves them alone.
        #[default(0.0)]
        pub grad_clip_norm: f64,
        /// How slowly the momentum changes.
        #[default(0.9)]
        pub beta1: f64,
    }

    /// A step of an optimiser that this version does not know.
    #[derive(Debug)]
    pub struct OptimParamsBase {
        /// Its name.
        pub kind: String = "type",
    }

    /// What a step gave.
    #[derive(Debug)]
    pub struct OptimStepResponse {
        /// Numbers about the step.
        pub metrics: Option<std::collections::BTreeMap<String, f64>>,
    }
}

tagged! {
    /// Which optimiser a model is trained with.
    #[derive(Debug)]
    pub enum OptimizerConfig {
        /// Adam with decoupled weight decay.
        Adam(AdamOptimizerConfig) = "adamw",
        /// Dimuon.
        Dimuon(DimuonOptimizerConfig) = "dimuon",
    }
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        Self::Adam(AdamOptimizerConfig::new())
    }
}

impl From<OptimizerConfigBase> for OptimizerConfig {
    fn from(config: OptimizerConfigBase) -> Self {
        read_back(&config).unwrap_or_else(Self::Unknown)
    }
}

impl<U: Into<OptimizerConfig>> IntoField<OptimizerConfig> for U {
    fn into_field(self) -> OptimizerConfig {
        self.into()
    }
}

/// What a step of an optimiser takes.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum OptimParams {
    /// Adam with decoupled weight decay.
    Adam(AdamParams),
    /// Dimuon.
    Dimuon(DimuonParams),
    /// An optimiser that this version does not know.
    Other(OptimParamsBase),
}

impl Default for OptimParams {
    fn default() -> Self {
        Self::Adam(AdamParams::new())
    }
}

impl From<AdamParams> for OptimParams {
    fn from(params: AdamParams) -> Self {
        Self::Adam(params)
    }
}

impl From<DimuonParams> for OptimParams {
    fn from(params: DimuonParams) -> Self {
        Self::Dimuon(params)
    }
}

impl From<OptimParamsBase> for OptimParams {
    fn from(params: OptimParamsBase) -> Self {
        Self::Other(params)
    }
}

impl OptimParams {
    /// Refuses settings that no step can be made with.
    ///
    /// # Errors
    ///
    /// Fails when a number is not finite, and for Dimuon when `learning_rate` is negative or
    /// `beta1` is not in 0‥1.
    pub fn check(&self) -> Result<(), InvalidInput> {
        match self {
            Self::Adam(adam) => {
                for (field, value) in [
                    ("learning_rate", adam.learning_rate),
                    ("beta1", adam.beta1),
                    ("beta2", adam.beta2),
                    ("eps", adam.eps),
                    ("weight_decay", adam.weight_decay),
                    ("grad_clip_norm", adam.grad_clip_norm),
                ] {
                    finite(field, value).map_err(|error| error.within("adam_params"))?;
                }
                Ok(())
            }
            Self::Dimuon(dimuon) => dimuon
                .check()
                .map_err(|error| error.within("optimizer_params")),
            Self::Other(_) => Ok(()),
        }
    }
}

impl DimuonParams {
    fn check(&self) -> Result<(), InvalidInput> {
        finite("learning_rate", self.learning_rate)?;
        finite("grad_clip_norm", self.grad_clip_norm)?;
        finite("beta1", self.beta1)?;
        if self.learning_rate < 0.0 {
            return Err(InvalidInput::new("learning_rate", "must not be negative"));
        }
        if !(0.0..1.0).contains(&self.beta1) {
            return Err(InvalidInput::new("beta1", "must be 0 or more and below 1"));
        }
        Ok(())
    }
}

/// A step of the optimiser of a model.
///
/// On the wire the settings stand under `adam_params` or `optimizer_params`, by their kind; all of
/// these and `optim_params` are read.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
#[must_use]
pub struct OptimStepRequest {
    /// What the step takes.
    pub optim_params: OptimParams,
    /// The model.
    pub model_id: String,
    /// The place of the request among those of the model; they are carried out in order.
    pub seq_id: Option<u64>,
}

record! {
    /// The request as it travels.
    #[derive(Debug)]
    pub struct OptimStepForm {
        /// The model.
        pub model_id: String,
        /// The place of the request among those of the model.
        pub seq_id: Option<u64>,
        /// Which kind of message it is.
        #[default(MessageType::OptimStep)]
        pub kind: MessageType = "type",
        /// The settings of Adam.
        pub adam_params: Option<AdamParams>,
        /// The settings of any other optimiser.
        pub optimizer_params: Option<Map<String, Value>>,
        /// The settings, of whichever kind.
        pub optim_params: Option<Map<String, Value>>,
    }
}

impl OptimStepRequest {
    /// A step of a model.
    pub fn new(model_id: impl Into<String>, params: impl Into<OptimParams>) -> Self {
        Self {
            optim_params: params.into(),
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

impl Serialize for OptimStepRequest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut form = OptimStepForm::new().set_model_id(self.model_id.as_str());
        form.seq_id = self.seq_id;
        match &self.optim_params {
            OptimParams::Adam(params) => form.adam_params = Some(params.clone()),
            OptimParams::Dimuon(params) => {
                let mut members = Map::new();
                members.insert("type".to_owned(), "dimuon".into());
                members.extend(members_of(params));
                form.optimizer_params = Some(members);
            }
            OptimParams::Other(params) => form.optimizer_params = Some(members_of(params)),
        }
        form.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for OptimStepRequest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let form = OptimStepForm::deserialize(deserializer)?;
        let other = form.optimizer_params.or(form.optim_params);
        let optim_params = match (form.adam_params, other) {
            (Some(adam), _) => OptimParams::Adam(adam),
            (None, Some(mut members)) => {
                let kind = members
                    .get("type")
                    .and_then(Value::as_str)
                    .map(str::to_owned);
                let read = match kind.as_deref() {
                    None => from_members(members).map(OptimParams::Adam),
                    Some("dimuon") => {
                        members.shift_remove("type");
                        from_members(members).map(OptimParams::Dimuon)
                    }
                    Some(_) => from_members(members).map(OptimParams::Other),
                };
                read.map_err(serde::de::Error::custom)?
            }
            (None, None) => return Err(serde::de::Error::missing_field("adam_params")),
        };
        Ok(Self {
            optim_params,
            model_id: form.model_id,
            seq_id: form.seq_id,
        })
    }
}

/// The members of a record.
fn members_of<T: WireRecord + Serialize>(record: &T) -> Map<String, Value> {
    match serde_json::to_value(record) {
        Ok(Value::Object(members)) => members,
        // Records of numbers and texts have no other form.
        _ => Map::new(),
    }
}

fn from_members<T: serde::de::DeserializeOwned>(
    members: Map<String, Value>,
) -> Result<T, serde_json::Error> {
    serde_json::from_value(Value::Object(members))
}

/// Reads an open record as the closed union; what is unknown stays as it is.
fn read_back<T: serde::de::DeserializeOwned>(config: &OptimizerConfigBase) -> Result<T, Value> {
    let value = Value::Object(members_of(config));
    serde_json::from_value(value.clone()).map_err(|_| value)
}
