//! What all jobs have in common: how fast they go, and how they are listed and filtered.

mod filter;
mod list;
mod pace;

pub(crate) use filter::Filter;
pub(crate) use list::newest_first;
pub(crate) use pace::{Pace, after};
