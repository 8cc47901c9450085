//! What becomes of a promise: how its replies are read, and when to ask again. No I/O here; who
//! asks and who waits is the client's affair.

mod machine;
mod reply;
#[cfg(test)]
mod tests;

pub use machine::{FuturePoll, PollNext, PollOptions, PollPacing};
pub use reply::{PollReply, QueueNotice};
