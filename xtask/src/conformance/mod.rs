//! `cargo xtask conformance`: recorded calls of the references against ours.
//!
//! `sdk` drives the emulator with an official SDK and with our client.
//! `vectors` plays records through the code behind `cargo xtask wire` and compares requests and
//! results. What may differ stands in `conformance/differences.toml`, by rule and with a reason.

mod compare;
mod differences;
mod fields;
mod files;
mod normal;
pub(crate) mod sdk;
mod table;
mod tinker;
mod vectors;

pub(crate) use vectors::run as vectors;
