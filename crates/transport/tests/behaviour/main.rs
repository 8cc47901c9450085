//! Behaviour of whole calls, on a scripted transport and over the loopback interface.

mod call;
mod client;
mod common;
#[cfg(feature = "gzip")]
mod compression;
mod gates;
mod http2;
mod network;
mod observe;
mod operations;
mod proxy;
mod retry;
mod server;
mod stream;
#[cfg(feature = "websocket")]
mod websocket;
#[cfg(feature = "websocket")]
mod websocket_network;
#[path = "../common/wire.rs"]
mod wire;
