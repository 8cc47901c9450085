//! `cargo xtask parity`: what of the reference packages we have, measured and not claimed.
//!
//! Inventories of the references are checked in, our surface is read from the sources, and a row
//! counts as complete only when passing tests or vectors speak for it.

mod args;
mod assess;
mod evidence;
mod floors;
mod inventory;
mod matching;
mod naming;
mod record;
mod refresh;
mod report;
mod review;
mod run;
mod shape;
mod surface;

pub(crate) use args::Args;
pub(crate) use run::run;
