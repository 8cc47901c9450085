//! `cargo xtask conformance sdk`: the same calls with an official SDK and with our client, each
//! case against an emulator of its own.
//!
//! The Python cases lie in `conformance/sdk/`, ours in the module of the package. A case is known by
//! its name and back end; nothing else is shared between the two sides.

mod checks;
mod driver;
mod emulators;
mod file;
mod gemini;
mod ours;
mod python;
mod report;
mod results;
mod run;
mod tinker;

pub(crate) use file::{File, Line, Word, files};
pub(crate) use run::{Args, run};
