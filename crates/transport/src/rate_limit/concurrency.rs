//! The number of calls in flight at once: a fixed one, or one that adapts. Which of the two it is
//! makes no difference to the pipeline.

use std::num::NonZeroU32;

use crate::rate_limit::{AdaptiveConcurrency, AdaptivePermit};
use crate::semaphore::{Permit, Semaphore};

/// A limit on the calls in flight, made from a number, a [`Semaphore`] or an
/// [`AdaptiveConcurrency`].
///
/// ```
/// use std::num::NonZeroU32;
/// use gimmal_transport::rate_limit::{AdaptiveConcurrency, AdaptiveConfig, ConcurrencyLimit};
///
/// let fixed = ConcurrencyLimit::from(NonZeroU32::new(8).unwrap());
/// let adaptive = ConcurrencyLimit::from(AdaptiveConcurrency::new(AdaptiveConfig::default()));
/// # let _ = (fixed, adaptive);
/// ```
///
/// Clones share the limit.
#[derive(Clone, Debug)]
pub struct ConcurrencyLimit(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Fixed(Semaphore),
    Adaptive(AdaptiveConcurrency),
}

impl From<NonZeroU32> for ConcurrencyLimit {
    fn from(limit: NonZeroU32) -> Self {
        Self::from(Semaphore::new(limit))
    }
}

impl From<Semaphore> for ConcurrencyLimit {
    fn from(semaphore: Semaphore) -> Self {
        Self(Kind::Fixed(semaphore))
    }
}

impl From<AdaptiveConcurrency> for ConcurrencyLimit {
    fn from(limit: AdaptiveConcurrency) -> Self {
        Self(Kind::Adaptive(limit))
    }
}

impl ConcurrencyLimit {
    /// Waits until one more call may be in flight.
    pub(crate) async fn acquire(&self) -> ConcurrencyPermit {
        match &self.0 {
            Kind::Fixed(semaphore) => ConcurrencyPermit::Fixed {
                _permit: semaphore.acquire().await,
            },
            Kind::Adaptive(limit) => ConcurrencyPermit::Adaptive(limit.acquire().await),
        }
    }
}

/// One call in flight; dropping it ends the call.
#[derive(Debug)]
#[must_use = "dropping a permit gives it back at once"]
pub(crate) enum ConcurrencyPermit {
    Fixed { _permit: Permit },
    Adaptive(AdaptivePermit),
}

impl ConcurrencyPermit {
    /// The server took the call on.
    pub(crate) fn success(&self) {
        if let Self::Adaptive(permit) = self {
            permit.success();
        }
    }

    /// The server had too much to do.
    pub(crate) fn congestion(&self) {
        if let Self::Adaptive(permit) = self {
            permit.congestion();
        }
    }
}
