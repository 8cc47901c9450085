//! The calls of the Tinker SDK with our client, and its command with ours: the same cases as in
//! `conformance/sdk/tinker`.

mod bench;
mod checkpoints;
mod command;
mod losses;
mod rest;
mod sampling;
mod service;
mod settings;
mod tokens;
mod training;

pub(super) use command::build as build_command;
pub(super) use settings::{Settings, obey};

use crate::conformance::sdk::ours::{Case, Cases};

/// Every case.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = Cases::default();
    checkpoints::add(&mut cases);
    command::add(&mut cases);
    losses::add(&mut cases);
    rest::add(&mut cases);
    sampling::add(&mut cases);
    service::add(&mut cases);
    tokens::add(&mut cases);
    training::add(&mut cases);
    cases.into_list()
}
