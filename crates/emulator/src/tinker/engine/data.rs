//! Tensors and training examples as the engine takes them: dense, checked, without their wire form.

use std::collections::BTreeMap;

use super::{BaseModel, Problem};

/// Numbers of one of the two kinds there are on the wire.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Values {
    F32(Vec<f32>),
    I64(Vec<i64>),
}

/// Numbers with a shape, row by row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tensor {
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Values,
}

/// One example: a text and what the loss needs to know of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Datum {
    pub(crate) tokens: Vec<i32>,
    pub(crate) inputs: BTreeMap<String, Tensor>,
}

impl Values {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::F32(values) => values.len(),
            Self::I64(values) => values.len(),
        }
    }
}

impl Tensor {
    /// A tensor of these values; without a shape it is a row.
    pub(crate) fn new(shape: Vec<usize>, values: Values) -> Result<Self, Problem> {
        let shape = if shape.is_empty() {
            vec![values.len()]
        } else {
            shape
        };
        let expected: Option<usize> = shape.iter().try_fold(1_usize, |n, d| n.checked_mul(*d));
        if expected != Some(values.len()) {
            return Err(Problem::user(format!(
                "a tensor of shape {shape:?} cannot have {} values",
                values.len()
            )));
        }
        Ok(Self { shape, values })
    }

    pub(crate) fn floats(&self) -> Option<&[f32]> {
        match &self.values {
            Values::F32(values) => Some(values),
            Values::I64(_) => None,
        }
    }

    pub(crate) fn integers(&self) -> Option<&[i64]> {
        match &self.values {
            Values::I64(values) => Some(values),
            Values::F32(_) => None,
        }
    }
}

impl Datum {
    /// The targets and how many there are at each place; they must fit the tokens and the
    /// vocabulary.
    pub(crate) fn targets(&self, vocabulary: u32) -> Result<(&Tensor, usize), Problem> {
        let targets = self
            .inputs
            .get("target_tokens")
            .ok_or_else(|| Problem::user("loss_fn_inputs has no target_tokens"))?;
        let Some(integers) = targets.integers() else {
            return Err(Problem::user("target_tokens must be int64"));
        };
        let places = self.tokens.len();
        if places == 0 {
            return Err(Problem::user("model_input has no tokens"));
        }
        if targets.shape.first() != Some(&places) {
            return Err(Problem::user(format!(
                "target_tokens has shape {:?}, but model_input has {places} tokens",
                targets.shape
            )));
        }
        if let Some(token) = integers.iter().find(|t| !is_token(**t, vocabulary)) {
            return Err(Problem::user(format!(
                "target_tokens has {token}, which is no token of a vocabulary of {vocabulary}"
            )));
        }
        Ok((targets, integers.len() / places))
    }

    /// A float input of the same number of elements as the targets.
    pub(crate) fn floats(&self, name: &str, len: usize) -> Result<Option<&[f32]>, Problem> {
        let Some(tensor) = self.inputs.get(name) else {
            return Ok(None);
        };
        let floats = tensor
            .floats()
            .ok_or_else(|| Problem::user(format!("{name} must be float32")))?;
        if floats.len() != len {
            return Err(Problem::user(format!(
                "{name} has {} elements, but target_tokens has {len}",
                floats.len()
            )));
        }
        if floats.iter().any(|value| !value.is_finite()) {
            return Err(Problem::user(format!(
                "{name} holds a value that is not finite"
            )));
        }
        Ok(Some(floats))
    }

    /// A float input that the loss cannot do without.
    pub(crate) fn needed(&self, name: &str, len: usize) -> Result<&[f32], Problem> {
        self.floats(name, len)?
            .ok_or_else(|| Problem::user(format!("loss_fn_inputs has no {name}")))
    }
}

impl BaseModel {
    /// Whether this model can be passed over `data`; the first datum that does not fit is named.
    pub(crate) fn check(&self, data: &[Datum]) -> Result<(), Problem> {
        let one = |datum: &Datum| {
            datum.targets(self.vocabulary)?;
            let mut tokens = datum.tokens.iter().map(|token| i64::from(*token));
            if let Some(token) = tokens.find(|token| !is_token(*token, self.vocabulary)) {
                return Err(Problem::user(format!(
                    "model_input has {token}, which is no token of a vocabulary of {}",
                    self.vocabulary
                )));
            }
            if datum.tokens.len() > self.context {
                return Err(Problem::user(format!(
                    "model_input has {} tokens, more than the {} of the context",
                    datum.tokens.len(),
                    self.context
                )));
            }
            Ok(())
        };
        for (at, datum) in data.iter().enumerate() {
            one(datum)
                .map_err(|problem| Problem::user(format!("data[{at}]: {}", problem.message)))?;
        }
        Ok(())
    }
}

/// Whether a number is a token.
pub(crate) fn is_token(number: i64, vocabulary: u32) -> bool {
    u32::try_from(number).is_ok_and(|token| token < vocabulary)
}
