//! Functions of the caller's that the model may call, and how their calls are answered.

mod function;
#[cfg(feature = "mcp")]
mod mcp;
mod source;
mod tool_set;

pub use function::Function;
#[cfg(feature = "mcp")]
pub use mcp::McpTools;
pub use source::FunctionSource;
pub use tool_set::{ToolSet, UnknownFunction};
