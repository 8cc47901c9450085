//! The calls of the Tinker clients by the names the reference gives them.

mod canned;
mod data;
mod endpoints;
mod flow;
mod losses;
mod record;
mod rest;
mod sampling;
mod service;
mod session;
mod sessions;
mod stage;
#[cfg(test)]
mod tests;
mod training;

pub(super) use sessions::{Sessions, is_record};
pub(crate) use stage::unpacked;
