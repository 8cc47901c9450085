//! The Tinker types against what the official SDK sends and reads.

mod bad_input;
#[path = "../records/support.rs"]
mod fields;
mod golden;
mod messages;
mod records;
mod results;
mod support;
