//! `cargo xtask conformance`: recorded calls of the references against ours.
//!
//! `vectors` plays records through the code behind `cargo xtask wire` and compares requests and
//! results. What may differ stands in `conformance/differences.toml`, by rule and with a reason.

mod compare;
mod differences;
mod files;
mod normal;
mod table;
mod vectors;

pub(crate) use vectors::run as vectors;
