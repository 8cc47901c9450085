//! Behaviour of whole calls, on a scripted transport and over the loopback interface.

mod call;
mod common;
mod gates;
mod network;
mod operations;
mod retry;
mod stream;
