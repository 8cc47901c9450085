//! Work that outlives a call: asked about at intervals until it is done.

mod errors;
mod machine;
mod pacing;
mod poll;
#[expect(
    clippy::module_inception,
    reason = "the module is named after the type it is about"
)]
mod poller;

pub use errors::{NeverTolerate, PollErrorPolicy, PollErrorPolicyArg, PollErrors, TolerateOutages};
pub use pacing::{ExponentialPacing, Pacing, PacingArg};
pub use poll::{Poll, Verdict};
pub use poller::{Poller, Progress};
