//! Derivatives of a loss with respect to the log-probabilities it was computed from.

use candle_core::{DType, Tensor, Var};

use crate::Error;

/// A tensor to differentiate by.
pub(crate) fn leaf(tensor: &Tensor) -> Result<Tensor, Error> {
    Ok(Var::from_tensor(&tensor.detach())?.into_inner())
}

/// One number; others are summed.
pub(crate) fn scalar(tensor: &Tensor) -> Result<Tensor, Error> {
    match tensor.rank() {
        0 => Ok(tensor.clone()),
        _ => Ok(tensor.sum_all()?),
    }
}

/// The derivatives of `loss` by each leaf, in the leaf's shape; zero where it does not depend on it.
pub(crate) fn differentiate(loss: &Tensor, leaves: &[Tensor]) -> Result<Vec<Tensor>, Error> {
    let mut gradients = scalar(loss)?.backward()?;
    let of = |leaf: &Tensor| match gradients.remove(leaf) {
        Some(gradient) => Ok(gradient),
        None => Ok(leaf.detach().zeros_like()?),
    };
    leaves.iter().map(of).collect()
}

/// The numbers of a tensor, in its order.
pub(crate) fn floats(tensor: &Tensor) -> Result<Vec<f32>, Error> {
    Ok(tensor.flatten_all()?.to_dtype(DType::F32)?.to_vec1()?)
}

/// Log-probabilities of many data as one tensor, datum after datum.
pub(crate) fn joined(logprobs: &[Tensor]) -> Result<Tensor, Error> {
    let [first, others @ ..] = logprobs else {
        return Err(Error::invalid("data", "must hold at least one datum"));
    };
    let rows = |tensor: &Tensor| tensor.dims().get(1..).map(<[usize]>::to_vec);
    let mut uneven = others.iter().zip(1..);
    if let Some((other, index)) = uneven.find(|(other, _)| rows(other) != rows(first)) {
        let message = format!(
            "has log-probabilities of shape {:?}, which cannot follow {:?} of data[0]",
            other.dims(),
            first.dims()
        );
        return Err(Error::invalid(format!("data[{index}]"), message));
    }
    Ok(Tensor::cat(logprobs, 0)?)
}

/// The parts of a tensor that [`joined`] made of `logprobs`.
pub(crate) fn split(whole: &Tensor, logprobs: &[Tensor]) -> Result<Vec<Tensor>, Error> {
    let mut start = 0;
    let part = |one: &Tensor| {
        let length = one.dim(0)?;
        start += length;
        Ok(whole.narrow(0, start - length, length)?)
    };
    logprobs.iter().map(part).collect()
}

/// Refuses a gradient that is not finite.
pub(crate) fn check_gradient(gradient: &[f32], datum: usize, term: &str) -> Result<(), Error> {
    match gradient.iter().position(|number| !number.is_finite()) {
        None => Ok(()),
        Some(place) => Err(Error::not_finite(
            format!("data[{datum}]"),
            format!(
                "has a gradient of {} for log-probability {place}, by the term `{term}`; nothing was sent",
                gradient.get(place).copied().unwrap_or(f32::NAN)
            ),
        )),
    }
}
