//! The front end over a cache in memory, by a clock that the tests move.

mod common;
mod control;
mod flights;
mod lifetimes;
#[cfg(feature = "semantic")]
mod semantic;
mod streams;
