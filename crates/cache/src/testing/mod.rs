//! For tests: a clock that is moved by hand, and the suite that every cache must pass.

mod clock;
mod contract;

pub use clock::{FixedJitter, ManualClock};
pub use contract::contract;
