//! Keeping to the pace that a server allows: budgets known in advance, pauses it asks for, and a
//! number of calls in flight that it turns out to bear. Nothing here sends or retries; all of it
//! takes time from an injected clock.
//!
//! | Type | Knows | Waits |
//! |---|---|---|
//! | [`RateLimiter`] | requests and tokens per minute | until both budgets have enough, in order |
//! | [`PauseWindow`] | that the server said "too many requests" | until the pause is over, then slowly |
//! | [`AdaptiveConcurrency`] | how many calls at once went well | until fewer are in flight |
//!
//! [`RateLimitInfo`] reads what an answer says of the server's limits.

mod adaptive;
mod admission;
mod bucket;
mod concurrency;
#[cfg(feature = "governor")]
mod governor;
mod info;
mod limiter;
mod pause;
mod pause_registry;
mod quota;
mod reservation;
mod slow_start;

#[cfg(feature = "governor")]
pub use self::governor::GovernorLimit;
pub use adaptive::{AdaptiveConcurrency, AdaptiveConfig, AdaptivePermit};
pub use admission::{Admission, RateLimit, RateLimitArg};
pub use concurrency::ConcurrencyLimit;
pub use info::{RateLimitInfo, RateLimitWindow};
pub use limiter::RateLimiter;
pub use pause::{PauseConfig, PauseGeneration, PauseWindow};
pub use pause_registry::PauseWindows;
pub use quota::{Quota, RateLimits};
pub use reservation::{Disposition, LimitedBy, Reservation};
pub use slow_start::SlowStart;

pub(crate) use concurrency::ConcurrencyPermit;
