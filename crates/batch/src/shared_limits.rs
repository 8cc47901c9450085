//! Limits that several processes keep together.

use std::fmt::Debug;

use futures_util::future::BoxFuture;

use super::Failure;

/// Requests and tokens per minute that are counted elsewhere, for all processes that share them.
pub trait SharedLimits: Debug + Send + Sync + 'static {
    /// Waits until one request of about so many tokens may be sent; it counts from then on.
    ///
    /// # Errors
    ///
    /// Fails when nobody can say; the item fails then, and may be tried again.
    fn admit(&self, tokens: u64) -> BoxFuture<'_, Result<(), Failure>>;

    /// Corrects the tokens of a request that was admitted with `reserved` and took `used`.
    fn correct(&self, reserved: u64, used: u64) -> BoxFuture<'_, ()>;
}
