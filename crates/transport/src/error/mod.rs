//! The one error type of the crate. Its shape is private; callers read it through accessors and
//! predicates, so that new facts can be added without breaking anyone.

mod attempt;
mod build;
mod close;
mod format;
mod kind;
mod opaque;
mod predicates;
#[cfg(test)]
mod tests;

pub use attempt::AttemptRecord;
pub use close::CloseCode;
pub use kind::{Delivery, ErrorKind, Persistence, TimeoutKind};
pub use opaque::Error;

pub(crate) use opaque::{BoxError, PAYLOAD_LIMIT};
