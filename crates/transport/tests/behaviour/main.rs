//! Behaviour of whole calls, on a scripted transport and over the loopback interface.

mod call;
mod common;
#[cfg(feature = "gzip")]
mod compression;
mod gates;
mod network;
mod operations;
mod retry;
mod stream;
