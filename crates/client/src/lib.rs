#![doc = include_str!("../README.md")]

#[cfg(feature = "blocking")]
pub mod blocking;
pub mod gemini;
pub mod tinker;

pub use gimmal_api::{
    self as api, Continuation, ExponentialPacing, NeverTolerate, Page, Pager, Poll, Poller,
    Progress, TolerateOutages, Verdict,
};
pub use gimmal_transport::{self as transport, CallOptions, Error, ErrorKind, Response, Timeout};
pub use gimmal_types as types;

/// Compiles the snippets of the book's chapters with the doc tests.
#[cfg(all(doctest, feature = "mcp", feature = "schemars"))]
mod book {
    #[doc = include_str!("../../../docs/src/chats.md")]
    mod chats {}
    #[doc = include_str!("../../../docs/src/errors.md")]
    mod errors {}
    #[doc = include_str!("../../../docs/src/files.md")]
    mod files {}
    #[doc = include_str!("../../../docs/src/functions.md")]
    mod functions {}
    #[doc = include_str!("../../../docs/src/generate.md")]
    mod generate {}
    #[doc = include_str!("../../../docs/src/interactions.md")]
    mod interactions {}
    #[doc = include_str!("../../../docs/src/jobs.md")]
    mod jobs {}
    #[doc = include_str!("../../../docs/src/tinker.md")]
    mod tinker {}
}
