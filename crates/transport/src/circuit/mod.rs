//! Circuit breakers: what stops a client from asking a server that has just failed again and
//! again. They count results and say yes or no; they never send, wait or retry.
//!
//! ```text
//! closed --failures--> open --reset timeout--> half open --success--> closed
//!                       ^--------------failure-----'
//! ```
//!
//! | Type | Says no |
//! |---|---|
//! | [`CircuitBreaker`] | after failures in a row, until a probe succeeds |
//! | [`CircuitRegistry`] | the same, by name |
//! | [`AdaptiveThrottler`] | to a share of the requests, the larger the fewer are accepted |

mod breaker;
mod config;
mod event;
mod machine;
mod permit;
mod registry;
mod throttle;
mod window;

pub use breaker::{CircuitBreaker, CircuitBreakerBuilder};
pub use config::{CircuitConfig, FailureRatio};
pub use event::{CircuitEvent, CircuitObserver, CircuitState};
pub use permit::{CircuitOpen, CircuitPermit};
pub use registry::CircuitRegistry;
pub use throttle::{AdaptiveThrottler, ThrottleConfig, ThrottlePermit, Throttled};
