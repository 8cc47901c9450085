//! What a client is told, by whom, and what became of it: layers of settings, the variables of the
//! environment, and the outcome with the source of every value.

mod env;
mod layer;
mod mask;
mod outcome;
mod values;
mod wire;

pub use layer::ConfigLayer;
pub use mask::mask_api_key;
pub use outcome::{Config, Setting, Source};
pub use values::{LogLevel, Parity};

pub(crate) use layer::Found;
