//! Functions that others offer and may change at any time.

use std::fmt;

use futures_util::future::BoxFuture;
use gimmal_transport::Error;

use super::Function;

/// Where functions are looked up each time the model is asked something: a server of the Model
/// Context Protocol, a registry of plugins.
///
/// ```
/// use futures_util::FutureExt as _;
/// use futures_util::future::BoxFuture;
/// use gimmal_client::Error;
/// use gimmal_client::gemini::{Function, FunctionSource, ToolSet};
///
/// /// The functions that the user has switched on.
/// #[derive(Debug)]
/// struct Plugins;
///
/// impl FunctionSource for Plugins {
///     fn functions(&self) -> BoxFuture<'_, Result<Vec<Function>, Error>> {
///         async { Ok(Vec::new()) }.boxed()
///     }
/// }
///
/// let tools = ToolSet::new().with_source(Plugins);
/// assert!(!tools.is_empty());
/// ```
pub trait FunctionSource: fmt::Debug + Send + Sync {
    /// The functions that there are now. An error fails the call that needs them.
    fn functions(&self) -> BoxFuture<'_, Result<Vec<Function>, Error>>;
}
