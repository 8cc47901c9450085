//! `cargo xtask parity`: what of the reference packages we have, measured and not claimed.
//!
//! Inventories of the references are checked in, our surface is read from the sources, and a row
//! counts as complete only when passing tests or vectors speak for it.

mod args;
mod assess;
mod checked_in;
mod evidence;
mod floors;
pub(crate) mod inventory;
mod matching;
pub(crate) mod naming;
mod record;
mod refresh;
mod report;
mod review;
mod run;
mod shape;
mod surface;

pub(crate) use args::Args;
pub(crate) use inventory::{Kind, Origin};
pub(crate) use run::run;
pub(crate) use shape::Shape;
