//! Downloads to a file: interrupted ones go on where they stopped, in this process or in another,
//! and the file appears under its name only when it is whole. Archives are not opened here.

mod content_range;
mod digest;
mod partial;
mod reply;
mod state;
mod task;

pub use content_range::ContentRange;
pub use digest::Digest;
pub use task::{Download, Downloaded};
