//! What a penalty looks at, and how many numbers become one.

use candle_core::Tensor;
use gimmal_client::types::tinker::Datum;

use crate::Error;
use crate::loss::{dense, joined};

/// What a penalty looks at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target {
    /// The log-probabilities.
    #[default]
    Logprobs,
    /// The probabilities.
    Probs,
    /// An input of the first datum, which does not depend on the model.
    Field(String),
}

/// How many numbers become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reduction {
    /// They are added up.
    Sum,
    /// Their mean.
    Mean,
    /// They stay as they are. A pipeline wants one number and refuses this.
    None,
}

impl Target {
    pub(super) fn resolve(&self, data: &[Datum], logprobs: &Tensor) -> Result<Tensor, Error> {
        match self {
            Self::Logprobs => Ok(logprobs.clone()),
            Self::Probs => Ok(logprobs.exp()?),
            Self::Field(key) => {
                let Some(first) = data.first() else {
                    let message = format!("Empty data; cannot resolve field `{key}`");
                    return Err(Error::invalid("target", message));
                };
                field_of(first, 0, key, logprobs)
            }
        }
    }
}

impl Reduction {
    pub(super) fn apply(self, values: &Tensor) -> Result<Tensor, Error> {
        Ok(match self {
            Self::Sum => values.sum_all()?,
            Self::Mean => values.mean_all()?,
            Self::None => values.clone(),
        })
    }

    /// For penalties that always give one number.
    pub(super) fn to_one(self, values: &Tensor) -> Result<Tensor, Error> {
        match self {
            Self::None => Err(Error::invalid(
                "reduction",
                "is `None`, which this regularizer cannot do; give `Sum` or `Mean`",
            )),
            _ => self.apply(values),
        }
    }
}

/// An input of the data in the shape of `logprobs`: that of the first datum, or of all data one
/// after the other where `logprobs` are those of all.
pub(super) fn reference(data: &[Datum], key: &str, logprobs: &Tensor) -> Result<Tensor, Error> {
    let Some(first) = data.first() else {
        let message = format!("Empty data; cannot resolve field `{key}`");
        return Err(Error::invalid(format!("`{key}`"), message));
    };
    let of_first = field_of(first, 0, key, logprobs)?;
    if data.len() == 1 || of_first.dims() == logprobs.dims() {
        return Ok(of_first);
    }
    let others = data.iter().enumerate();
    let all = others.map(|(index, datum)| field_of(datum, index, key, logprobs));
    joined(&all.collect::<Result<Vec<_>, _>>()?)
}

/// Refuses tensors that cannot be compared number by number.
pub(super) fn same_shape(what: &str, logprobs: &Tensor, reference: &Tensor) -> Result<(), Error> {
    if logprobs.dims() == reference.dims() {
        return Ok(());
    }
    let message = format!(
        "Shape mismatch in {what}. logprobs: {:?}, reference: {:?}",
        logprobs.dims(),
        reference.dims()
    );
    Err(Error::invalid("reference", message))
}

/// Refuses an option that is not a finite number.
pub(super) fn finite(field: &str, value: f64) -> Result<f64, Error> {
    if value.is_finite() {
        return Ok(value);
    }
    Err(Error::invalid(
        field,
        format!("is {value}; give a finite number"),
    ))
}

fn field_of(datum: &Datum, index: usize, key: &str, like: &Tensor) -> Result<Tensor, Error> {
    let field = || format!("data[{index}].loss_fn_inputs.{key}");
    let Some(tensor) = datum.loss_fn_inputs.get(key) else {
        return Err(Error::invalid(
            field(),
            "is missing; a regularizer asks for it",
        ));
    };
    dense(tensor, like.dtype()).map_err(|message| Error::invalid(field(), message))
}
