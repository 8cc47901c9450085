//! The calls of the Gemini SDK with our client: the same cases as in `conformance/sdk/gemini`.

mod bench;
mod caches;
mod chats;
mod errors;
mod functions;
mod models;
mod options;
mod retries;
mod settings;
mod streams;

use crate::conformance::sdk::ours::{Case, Cases};

/// Every case.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = Cases::default();
    caches::add(&mut cases);
    chats::add(&mut cases);
    errors::add(&mut cases);
    functions::add(&mut cases);
    models::add(&mut cases);
    options::add(&mut cases);
    retries::add(&mut cases);
    settings::add(&mut cases);
    streams::add(&mut cases);
    cases.into_list()
}
