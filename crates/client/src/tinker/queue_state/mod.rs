//! Why work waits in the server's queue, told to whoever wants to know: a log, an observer, a
//! stream.

mod hub;
mod logger;
mod observer;

pub(crate) use hub::QueueHub;
pub use hub::QueueStateChanges;
pub use logger::{QueueStateLogger, QueueUser};
pub use observer::{QueueStateChange, QueueStateObserver};
