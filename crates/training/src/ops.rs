//! Operations on tensors that the tensor library lacks, or whose derivative it takes differently
//! where a function has a kink. They work on any floats.

use candle_core::{D, DType, Result, Tensor};

/// The absolute value, whose derivative at zero is zero.
///
/// ```
/// use candle_core::{Device, Var};
///
/// let x = Var::new(&[-2.0_f64, 0.0, 3.0], &Device::Cpu)?;
/// let gradients = gimmal_training::ops::abs(&x)?.sum_all()?.backward()?;
/// assert_eq!(gradients.get(&x).unwrap().to_vec1::<f64>()?, [-1.0, 0.0, 1.0]);
/// # Ok::<(), candle_core::Error>(())
/// ```
pub fn abs(x: &Tensor) -> Result<Tensor> {
    // Both halves have the derivative 1 at zero, and take each other's away.
    x.relu()? + x.neg()?.relu()?
}

/// The value kept between two bounds. At a bound it still has the derivative 1, beyond it none.
pub fn clamp(x: &Tensor, low: f64, high: f64) -> Result<Tensor> {
    let detached = x.detach();
    let inside = (detached.ge(low)? * detached.le(high)?)?;
    inside.where_cond(x, &detached.clamp(low, high)?)
}

/// The logarithm of the logistic function, −ln(1 + e⁻ˣ), without overflow.
pub fn log_sigmoid(x: &Tensor) -> Result<Tensor> {
    // ln(1 + e⁻ˣ) = max(−x, 0) + ln(1 + e^−|x|), and max(−x, 0) = (|x| − x) / 2, which gives the
    // derivative one half at zero, where the others would give one.
    let size = abs(x)?;
    let tail = (size.neg()?.exp()? + 1.0)?.log()?;
    (((size - x)? * 0.5)? + tail)?.neg()
}

/// Logarithms of probabilities from scores: the last axis is normalised.
pub fn log_softmax(x: &Tensor) -> Result<Tensor> {
    x.broadcast_sub(&x.log_sum_exp(D::Minus1)?.unsqueeze(D::Minus1)?)
}

/// The root of the sum of squares, at least `floor`; below that it is constant.
pub fn norm(x: &Tensor, floor: f64) -> Result<Tensor> {
    clamp(&x.sqr()?.sum_all()?, floor * floor, f64::INFINITY)?.sqrt()
}

/// A value with a derivative that was computed elsewhere: at `x` it is `gradient`.
pub fn with_gradient(value: &Tensor, x: &Tensor, gradient: &Tensor) -> Result<Tensor> {
    let linear = (x * gradient.detach())?.sum_all()?;
    // The difference is zero to the last bit and carries the derivative.
    value.detach() + (&linear - linear.detach())?
}

/// The sum of all numbers of a tensor, detached from what it was computed from.
pub(crate) fn number(x: &Tensor) -> Result<f64> {
    x.detach().to_dtype(DType::F64)?.sum_all()?.to_scalar()
}

/// The mean of all numbers of a tensor, detached.
pub(crate) fn mean(x: &Tensor) -> Result<f64> {
    Ok(number(x)? / x.elem_count().max(1) as f64)
}

/// The root of the sum of squares, detached.
pub(crate) fn detached_norm(x: &Tensor) -> Result<f64> {
    Ok(number(&x.detach().to_dtype(DType::F64)?.sqr()?)?.sqrt())
}
