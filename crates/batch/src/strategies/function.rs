//! An async function as a strategy.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::{
    Attempt, CallStrategy, Classifier, DefaultClassifier, Failure, Outcome, TokenEstimate,
};

type Estimator<I> = Arc<dyn Fn(&I) -> TokenEstimate + Send + Sync>;

/// Works on items with a function.
///
/// ```
/// use std::sync::Arc;
/// use futures_util::StreamExt as _;
/// use gimmal_batch::strategies::FnStrategy;
/// use gimmal_batch::{Outcome, Processor, Usage, WorkItem};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), gimmal_batch::RunError> {
/// let strategy = FnStrategy::new(|number: u64, _attempt| async move {
///     Ok(Outcome::new(number * number, Usage::default(), 0))
/// });
/// let items = futures_util::stream::iter((0..3).map(|i| WorkItem::new(i.to_string(), i)));
/// let run = Processor::new().start(Arc::new(strategy), items).await?;
/// let squares: Vec<u64> = run
///     .filter_map(|result| async { Some(result.outcome.ok()?.output) })
///     .collect()
///     .await;
/// assert_eq!(squares, [0, 1, 4]);
/// # Ok(())
/// # }
/// ```
pub struct FnStrategy<I, O, F> {
    function: F,
    classifier: Arc<dyn Classifier>,
    estimator: Option<Estimator<I>>,
    scope: Option<String>,
    types: PhantomData<fn(I) -> O>,
}

impl<I, O, F, R> FnStrategy<I, O, F>
where
    F: Fn(I, Attempt) -> R,
    R: Future<Output = Result<Outcome<O>, Failure>>,
{
    /// Calls the function with a copy of the input and of the try.
    pub fn new(function: F) -> Self {
        Self {
            function,
            classifier: Arc::new(DefaultClassifier),
            estimator: None,
            scope: None,
            types: PhantomData,
        }
    }

    /// Who judges its failures.
    #[must_use]
    pub fn with_classifier(mut self, classifier: impl Classifier) -> Self {
        self.classifier = Arc::new(classifier);
        self
    }

    /// Estimates the tokens of an input.
    #[must_use]
    pub fn with_estimator(
        mut self,
        estimator: impl Fn(&I) -> TokenEstimate + Send + Sync + 'static,
    ) -> Self {
        self.estimator = Some(Arc::new(estimator));
        self
    }

    /// The scope that it shares with others.
    #[must_use]
    pub fn with_scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = Some(scope.into());
        self
    }
}

impl<I, O, F> fmt::Debug for FnStrategy<I, O, F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("FnStrategy")
            .field("classifier", &self.classifier)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

impl<I, O, F, R> CallStrategy for FnStrategy<I, O, F>
where
    I: Clone + Send + Sync + 'static,
    O: Send + Sync + 'static,
    F: Fn(I, Attempt) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Outcome<O>, Failure>> + Send + 'static,
{
    type Input = I;
    type Output = O;

    fn execute<'a>(
        &'a self,
        input: &'a I,
        attempt: &'a mut Attempt,
    ) -> BoxFuture<'a, Result<Outcome<O>, Failure>> {
        Box::pin((self.function)(input.clone(), attempt.clone()))
    }

    fn classifier(&self) -> Arc<dyn Classifier> {
        Arc::clone(&self.classifier)
    }

    fn estimate(&self, input: &I) -> Option<TokenEstimate> {
        Some(self.estimator.as_ref()?(input))
    }

    fn scope(&self) -> Option<String> {
        self.scope.clone()
    }
}
