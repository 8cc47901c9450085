//! The Tinker types against what the official SDK sends and reads.

mod bad_input;
mod golden;
mod messages;
mod records;
mod results;
mod support;
