//! The fault matrix: a hostile server on the loopback interface, and what becomes of a call that
//! meets it. Each fault ends in the kind of error that the README promises, in bounded time on an
//! injected clock, and leaves nothing behind.

#[cfg(feature = "gzip")]
mod bomb;
mod clock;
mod harness;
mod keep_alive;
mod matrix;
mod redirects;
mod replies;
mod server;
mod tls;
#[path = "../common/wire.rs"]
mod wire;
