//! Pictures by `predict`: from words, from other pictures, larger ones and masks.

mod parameters;
mod picture;
mod predict;
mod safety;
mod segment;
mod size;

pub(crate) use picture::encode;
pub(crate) use predict::predict;
pub(crate) use segment::segment;
pub(crate) use size::Size;
