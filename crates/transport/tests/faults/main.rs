//! The fault matrix: a hostile server on the loopback interface, and what becomes of a call that
//! meets it. Each fault ends in the kind of error that the README promises, in bounded time on an
//! injected clock, and leaves nothing behind.

mod clock;
mod harness;
mod matrix;
mod server;
