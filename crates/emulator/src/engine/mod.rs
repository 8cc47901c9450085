//! What answers are made with: a tokenizer, a search over passages and generators for JSON and
//! function calls. Pure functions of their input; no requests, no time.

pub(crate) mod answer;
pub(crate) mod bm25;
pub(crate) mod calls;
pub(crate) mod embedding;
pub(crate) mod film;
pub(crate) mod formats;
pub(crate) mod index;
pub(crate) mod material;
pub(crate) mod passages;
pub(crate) mod picture;
pub(crate) mod schema;
pub(crate) mod sentences;
pub(crate) mod sound;
pub(crate) mod tokenizer;
pub(crate) mod words;
