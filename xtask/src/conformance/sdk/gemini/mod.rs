//! The calls of the Gemini SDK with our client: the same cases as in `conformance/sdk/gemini`.

mod batches;
mod bench;
mod caches;
mod chats;
mod documents;
mod errors;
mod file_search_stores;
mod files;
mod functions;
mod models;
mod operations;
mod options;
mod resources;
mod retries;
mod settings;
mod streams;
mod tunings;
mod work;

use crate::conformance::sdk::ours::{Case, Cases};

/// Every case.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = Cases::default();
    batches::add(&mut cases);
    caches::add(&mut cases);
    chats::add(&mut cases);
    documents::add(&mut cases);
    errors::add(&mut cases);
    file_search_stores::add(&mut cases);
    files::add(&mut cases);
    functions::add(&mut cases);
    models::add(&mut cases);
    operations::add(&mut cases);
    options::add(&mut cases);
    resources::add(&mut cases);
    retries::add(&mut cases);
    settings::add(&mut cases);
    streams::add(&mut cases);
    tunings::add(&mut cases);
    cases.into_list()
}
