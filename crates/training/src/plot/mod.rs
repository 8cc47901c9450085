//! Curves of a run: as an SVG, as a PNG, or in a terminal.

mod chart;
mod curve;
mod dots;
mod pixels;

pub use chart::{Chart, PlotError};
pub use curve::{Curve, curves};
