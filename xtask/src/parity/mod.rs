//! `cargo xtask parity`: which calls of the reference SDKs we have, and which are tested.
//!
//! The inventory is checked in, our routes and tests are read from the sources as text. It says
//! nothing about helpers above the wire, and it never trusts a claim without a named test.

mod evidence;
mod matrix;
mod reference;
mod render;
mod routes;
mod run;

pub(crate) use run::run;
