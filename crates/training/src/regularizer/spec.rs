//! A regularizer with its name and its factor.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use candle_core::Tensor;
use futures_util::future::{BoxFuture, FutureExt as _};
use gimmal_client::types::tinker::Datum;

use super::{Penalty, Regularizer};
use crate::Error;

pub(super) type AsyncFn =
    dyn Fn(Arc<[Datum]>, Tensor) -> BoxFuture<'static, Result<Penalty, Error>> + Send + Sync;

/// A regularizer as part of a loss. Clones share the regularizer.
///
/// ```
/// use gimmal_training::{L1, RegularizerSpec};
///
/// let spec = RegularizerSpec::new("sparse", 0.01, L1::new())?;
/// assert_eq!((spec.name(), spec.weight()), ("sparse", 0.01));
/// assert_eq!(RegularizerSpec::of(0.01, L1::new())?.name(), "l1_sparsity");
/// # Ok::<(), gimmal_training::Error>(())
/// ```
#[derive(Clone)]
pub struct RegularizerSpec {
    name: String,
    weight: f64,
    pub(super) work: Work,
}

/// What a regularizer does.
#[derive(Clone)]
pub(super) enum Work {
    /// It computes, on a thread of its own.
    Sync(Arc<dyn Regularizer>),
    /// It waits for something, such as another model.
    Async(Arc<AsyncFn>),
}

impl fmt::Debug for RegularizerSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegularizerSpec")
            .field("name", &self.name)
            .field("weight", &self.weight)
            .field("async", &self.is_async())
            .finish_non_exhaustive()
    }
}

impl RegularizerSpec {
    /// A regularizer under a name, with its factor in the loss.
    ///
    /// # Errors
    ///
    /// Fails when the name is empty, and when the factor is negative or not finite.
    pub fn new(
        name: impl Into<String>,
        weight: f64,
        regularizer: impl Regularizer,
    ) -> Result<Self, Error> {
        Self::with_work(name.into(), weight, Work::Sync(Arc::new(regularizer)))
    }

    /// A regularizer under the name it has itself.
    ///
    /// # Errors
    ///
    /// Fails when it has none, and when the factor is negative or not finite.
    pub fn of(weight: f64, regularizer: impl Regularizer) -> Result<Self, Error> {
        let name = regularizer.name().unwrap_or_default().into_owned();
        Self::new(name, weight, regularizer)
    }

    /// A regularizer that waits for something. It is given its own copy of what it needs, and is
    /// dropped where it stands when its time is up.
    ///
    /// # Errors
    ///
    /// Fails when the name is empty, and when the factor is negative or not finite.
    pub fn asynchronous<F, R>(name: impl Into<String>, weight: f64, work: F) -> Result<Self, Error>
    where
        F: Fn(Arc<[Datum]>, Tensor) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Penalty, Error>> + Send + 'static,
    {
        let boxed = move |data, logprobs| work(data, logprobs).boxed();
        Self::with_work(name.into(), weight, Work::Async(Arc::new(boxed)))
    }

    fn with_work(name: String, weight: f64, work: Work) -> Result<Self, Error> {
        if name.is_empty() {
            return Err(Error::invalid("name", "of a regularizer must not be empty"));
        }
        if !(weight.is_finite() && weight >= 0.0) {
            let message = format!("of `{name}` is {weight}; give a number of at least 0");
            return Err(Error::invalid("weight", message));
        }
        Ok(Self { name, weight, work })
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its factor in the loss.
    pub fn weight(&self) -> f64 {
        self.weight
    }

    /// Whether it waits for something.
    pub fn is_async(&self) -> bool {
        matches!(self.work, Work::Async(_))
    }
}
