//! The seam between the pipeline and whatever limits its rate: the limiter of this crate, or one
//! from elsewhere.

use std::fmt::Debug;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::error::Error;
use crate::rate_limit::{RateLimiter, Reservation};

/// Decides when a request may be sent.
///
/// ```
/// use futures_util::future::BoxFuture;
/// use gimmal_transport::Error;
/// use gimmal_transport::rate_limit::{Admission, RateLimit};
///
/// /// Lets everything through.
/// #[derive(Debug)]
/// struct Unlimited;
///
/// impl RateLimit for Unlimited {
///     fn admit(&self, _tokens: u64) -> BoxFuture<'_, Result<Admission, Error>> {
///         Box::pin(async { Ok(Admission::free()) })
///     }
/// }
/// ```
///
/// The future is dropped when the caller gives up; nothing may have been taken then.
pub trait RateLimit: Debug + Send + Sync + 'static {
    /// Waits until one request of about this many tokens may be sent; 0 when nobody knows.
    fn admit(&self, tokens: u64) -> BoxFuture<'_, Result<Admission, Error>>;
}

impl RateLimit for RateLimiter {
    fn admit(&self, tokens: u64) -> BoxFuture<'_, Result<Admission, Error>> {
        Box::pin(async move { Ok(Admission::from(self.acquire(tokens).await?)) })
    }
}

/// The leave to send one request.
#[derive(Debug)]
#[must_use = "an admission that is dropped before it is started is given back"]
pub struct Admission(Option<Reservation>);

impl Admission {
    /// An admission that has nothing to give back.
    pub fn free() -> Self {
        Self(None)
    }

    /// Takes note that the request is about to be sent.
    pub fn start(&mut self) {
        if let Some(reservation) = &mut self.0 {
            reservation.start();
        }
    }
}

impl From<Reservation> for Admission {
    fn from(reservation: Reservation) -> Self {
        Self(Some(reservation))
    }
}

/// Anything that can stand for a limit: a value of a type that implements [`RateLimit`], or an
/// `Arc` of one.
#[derive(Clone, Debug)]
pub struct RateLimitArg(Arc<dyn RateLimit>);

impl RateLimitArg {
    pub(crate) fn into_inner(self) -> Arc<dyn RateLimit> {
        self.0
    }
}

impl<R: RateLimit> From<R> for RateLimitArg {
    fn from(limit: R) -> Self {
        Self(Arc::new(limit))
    }
}

impl From<Arc<dyn RateLimit>> for RateLimitArg {
    fn from(limit: Arc<dyn RateLimit>) -> Self {
        Self(limit)
    }
}
