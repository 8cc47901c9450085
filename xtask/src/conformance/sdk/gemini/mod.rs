//! The calls of the Gemini SDK with our client: the same cases as in `conformance/sdk/gemini`.

mod agents;
mod auth_tokens;
mod batches;
mod bench;
mod caches;
mod chats;
mod credentials;
mod decisions;
mod documents;
mod embeddings;
mod environments;
mod errors;
mod file_search_stores;
mod files;
mod functions;
mod images;
mod interactions;
mod live;
mod media;
mod models;
mod operations;
mod options;
mod retries;
mod settings;
mod streams;
mod triggers;
mod tunings;
mod voices;
mod webhooks;
mod work;

use crate::conformance::sdk::ours::{Case, Cases};

/// Every case.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = Cases::default();
    agents::add(&mut cases);
    auth_tokens::add(&mut cases);
    batches::add(&mut cases);
    caches::add(&mut cases);
    chats::add(&mut cases);
    credentials::add(&mut cases);
    decisions::add(&mut cases);
    documents::add(&mut cases);
    embeddings::add(&mut cases);
    environments::add(&mut cases);
    errors::add(&mut cases);
    file_search_stores::add(&mut cases);
    files::add(&mut cases);
    functions::add(&mut cases);
    images::add(&mut cases);
    interactions::add(&mut cases);
    live::add(&mut cases);
    media::add(&mut cases);
    models::add(&mut cases);
    operations::add(&mut cases);
    options::add(&mut cases);
    retries::add(&mut cases);
    settings::add(&mut cases);
    streams::add(&mut cases);
    triggers::add(&mut cases);
    tunings::add(&mut cases);
    voices::add(&mut cases);
    webhooks::add(&mut cases);
    cases.into_list()
}
