//! Inputs that may break while they are read.

use std::future::ready;
use std::sync::Arc;

use futures_util::{Stream, StreamExt as _};

use super::{Failure, Hooks, Processor, Run, RunError, Strategies, WorkItem};

impl Processor {
    /// The same as [`start_with`](Self::start_with) over an input that may break while it is read.
    ///
    /// At the first failure nothing more is read; what was read has its results as usual, and
    /// [`Run::finish`] fails with the failure of the input.
    ///
    /// ```
    /// # use gimmal_batch::testing::ScriptedStrategy;
    /// use std::sync::Arc;
    /// use futures_util::stream;
    /// use gimmal_batch::{Category, Failure, Hooks, Processor, WorkItem};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), gimmal_batch::RunError> {
    /// # let strategy = Arc::new(ScriptedStrategy::echo());
    /// let broken = Failure::new(Category::InputError, "the file ends in the middle of a row");
    /// let rows = stream::iter([Ok(WorkItem::new("a", "Hello".to_owned())), Err(broken)]);
    /// let run = Processor::new().start_fallible(strategy, rows, Hooks::new()).await?;
    /// let error = run.finish().await.expect_err("the input broke");
    /// assert_eq!(error.failure.category, Category::InputError);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails when the strategy cannot be prepared.
    pub async fn start_fallible<I, O, C>(
        self,
        strategies: impl Into<Strategies<I, O>>,
        items: impl Stream<Item = Result<WorkItem<I, C>, Failure>> + Send + 'static,
        hooks: Hooks<I, O, C>,
    ) -> Result<Run<O, C>, RunError>
    where
        I: Send + Sync + 'static,
        O: Send + Sync + 'static,
        C: Send + Sync + 'static,
    {
        let run = self.begin(strategies.into(), hooks).await?;
        let engine = Arc::clone(&run.engine);
        let items = items.scan((), move |(), item| {
            ready(match item {
                Ok(item) => Some(item),
                Err(failure) => {
                    // What is wrong with the strategy goes before it, and was first.
                    let _ = engine.fatal.set(failure);
                    None
                }
            })
        });
        Ok(run.start(items))
    }
}
