//! Permits: how many calls, or how many bytes, may be under way at once. Everything here is first
//! come, first served, gives back on drop and survives a caller that gives up waiting. Nothing
//! here knows about requests or time, except the backoff for those who have to poll.
//!
//! | Type | Limits | A caller that asks for more than there is |
//! |---|---|---|
//! | [`Semaphore`] | a number of permits | is refused when it can never be served |
//! | [`KeyedSemaphore`] | a number of permits per key | waits |
//! | [`BytesSemaphore`] | bytes, overdrawn by one caller at most | is served when nothing is overdrawn |
//! | [`AcquireBackoff`] | nothing; it paces attempts at a foreign limit | waits and tries again |

mod backoff;
mod bytes;
mod counting;
mod gate;
mod keyed;

pub use backoff::AcquireBackoff;
pub use bytes::{BytesPermit, BytesSemaphore};
pub use counting::{Permit, Semaphore};
pub use keyed::{KeyedPermit, KeyedSemaphore};

pub(crate) use gate::{Gate, Grant, Rule};
