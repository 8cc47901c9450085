//! Functions of the caller's that the model may call, and how their calls are answered.

mod function;
mod tool_set;

pub use function::Function;
pub use tool_set::{ToolSet, UnknownFunction};
