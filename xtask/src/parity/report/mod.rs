//! The report in its three forms. It depends on the assessment alone: no date, no host, no order
//! that could vary.

mod html;
mod json;
mod markdown;
mod quality;
mod sections;
mod summary;
mod table;

pub(crate) use html::html;
pub(crate) use json::json;
pub(crate) use markdown::markdown;
#[cfg(test)]
pub(crate) use summary::Counts;
pub(crate) use summary::{Line, lines};
