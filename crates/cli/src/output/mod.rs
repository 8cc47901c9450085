//! What a person or a program sees.

mod lines;
mod progress;
mod steps;
mod table;
mod tally;
mod units;

pub(crate) use lines::{grouped, json, json_line, line, usd, whole_seconds};
pub(crate) use progress::Progress;
pub(crate) use steps::Steps;
pub(crate) use table::Table;
pub(crate) use tally::Tally;
pub(crate) use units::{relative, size};
