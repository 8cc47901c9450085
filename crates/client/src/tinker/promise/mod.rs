//! Work that the server accepted and does on its own time: asking for the result, one promise at a
//! time or a whole session at once, and the handle that the program waits on.

mod api;
mod handle;
mod session;
mod submission;
#[cfg(test)]
mod tests;
mod waiter;

pub(crate) use api::{News, Promise, PromiseApi, Question};
pub use handle::Handle;
pub(crate) use session::SessionPoller;
pub use submission::Submission;
pub(crate) use waiter::PromiseWaiter;
