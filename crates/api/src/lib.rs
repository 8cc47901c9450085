#![doc = include_str!("../README.md")]

pub mod gemini;
mod pager;
mod poller;
pub mod tinker;

pub use pager::{Continuation, Page, Pager};
pub use poller::{
    ExponentialPacing, NeverTolerate, Pacing, PacingArg, Poll, PollErrorPolicy, PollErrorPolicyArg,
    PollErrors, Poller, Progress, TolerateOutages, Verdict,
};
