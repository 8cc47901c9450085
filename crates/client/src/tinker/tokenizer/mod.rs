//! Text to tokens and back, for the model that is trained or sampled from: which tokenizer a model
//! has, where its files are, and what they say.

mod choice;
mod clients;
mod kimi;
mod model;
mod store;

pub use super::hub::{Hub, HubBuilder};
pub use choice::{TokenizerRef, tokenizer_of};
pub use kimi::KimiTokenizer;
pub use model::Tokenizer;
pub use store::Tokenizers;
