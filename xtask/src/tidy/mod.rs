//! `cargo xtask tidy`: the rules of the repository that a machine can check.
//!
//! One module is one rule, a function from data to findings; only [`run`](run::run) reads the
//! disk.

mod advisories;
mod arrows;
mod headers;
mod licences;
mod machine_paths;
mod manifest;
mod manifests;
mod readmes;
mod run;
mod secrets;
mod silenced;
mod size;
mod spdx;
mod unfinished;
mod whitespace;

pub(crate) use run::run;
