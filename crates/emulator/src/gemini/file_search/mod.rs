//! File search: stores of documents cut into chunks, the calls on them, and the tool that answers
//! from what it finds in them.

mod calls;
mod chunks;
mod document;
mod draft;
mod filter;
mod grounding;
mod index;
mod ingest;
mod metadata;
mod store;
mod tool;

pub(crate) use calls::Kind;
pub(crate) use draft::DocumentDraft;
pub(crate) use grounding::Grounding;
pub(crate) use store::FileSearch;
pub(crate) use tool::retrieve;
