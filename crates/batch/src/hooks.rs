//! What callers may do to items on their way: change or filter them, rewrite or rescue results, and
//! work on each result afterwards.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::dedup::Dedup;
use super::journal::ResultStore;
use super::{Failure, Outcome, TokenEstimate, WorkItem, WorkItemResult};

/// What a middleware makes of an item before work on it begins.
#[derive(Debug)]
#[non_exhaustive]
pub enum Before<I> {
    /// It stays as it is.
    Keep,
    /// Its input is replaced, and its strategy too if one is named.
    Replace {
        /// What the strategy works on instead.
        input: I,
        /// Which strategy works on it, when that changes.
        strategy: Option<Arc<str>>,
    },
    /// It is passed over.
    Filter,
}

/// Stands between the run and the items.
///
/// [`before`](Self::before) runs once per item in the order of the middlewares, and
/// [`after`](Self::after) once per output in the reverse order. An error or a panic in either is
/// logged and leaves things as they were.
pub trait Middleware<I, O, C>: Send + Sync + 'static {
    /// Looks at an item before work on it begins.
    fn before<'a>(&'a self, item: &'a WorkItem<I, C>) -> BoxFuture<'a, Result<Before<I>, Failure>> {
        let _ = item;
        Box::pin(async { Ok(Before::Keep) })
    }

    /// Looks at an output; `None` leaves it as it is.
    fn after<'a>(
        &'a self,
        item: &'a WorkItem<I, C>,
        outcome: &'a Outcome<O>,
    ) -> BoxFuture<'a, Result<Option<Outcome<O>>, Failure>> {
        let _ = (item, outcome);
        Box::pin(async { Ok(None) })
    }

    /// Looks at the last failure of an item; the first middleware with an answer decides. Failures
    /// that only record how the run ended are not shown.
    fn recover<'a>(
        &'a self,
        item: &'a WorkItem<I, C>,
        failure: &'a Failure,
    ) -> BoxFuture<'a, Option<Result<Outcome<O>, Failure>>> {
        let _ = (item, failure);
        Box::pin(async { None })
    }
}

/// Works on each result once it is final: outputs and failures, replayed and filtered ones.
pub trait PostProcessor<O, C>: Send + Sync + 'static {
    /// Called once per result, before it is given to the reader. A panic, and more time than the
    /// run allows, are logged and change nothing.
    fn process<'a>(&'a self, result: &'a WorkItemResult<O, C>) -> BoxFuture<'a, ()>;
}

/// Estimates the tokens of an input.
pub(crate) type Estimator<I> = Arc<dyn Fn(&I) -> Result<TokenEstimate, Failure> + Send + Sync>;

/// Everything a run does to items besides working on them.
///
/// ```
/// use std::sync::Arc;
/// use futures_util::future::BoxFuture;
/// use gimmal_batch::{Before, Failure, Hooks, Middleware, WorkItem};
///
/// /// Passes over prompts that are too long.
/// struct NotTooLong(usize);
///
/// impl<O: Sync, C: Sync> Middleware<String, O, C> for NotTooLong {
///     fn before<'a>(
///         &'a self,
///         item: &'a WorkItem<String, C>,
///     ) -> BoxFuture<'a, Result<Before<String>, Failure>> {
///         let filtered = item.input.len() > self.0;
///         Box::pin(async move { Ok(if filtered { Before::Filter } else { Before::Keep }) })
///     }
/// }
///
/// let hooks: Hooks<String, String> = Hooks::new().with_middleware(NotTooLong(10_000));
/// ```
#[must_use]
pub struct Hooks<I, O, C = ()> {
    pub(crate) middlewares: Vec<Arc<dyn Middleware<I, O, C>>>,
    pub(crate) post: Option<Arc<dyn PostProcessor<O, C>>>,
    pub(crate) post_timeout: Duration,
    pub(crate) store: Option<Arc<dyn ResultStore<I, O, C>>>,
    pub(crate) dedup: Option<Arc<Dedup<I, O>>>,
    pub(crate) estimator: Option<Estimator<I>>,
}

impl<I, O, C> Default for Hooks<I, O, C> {
    fn default() -> Self {
        Self {
            middlewares: Vec::new(),
            post: None,
            post_timeout: Duration::from_secs(90),
            store: None,
            dedup: None,
            estimator: None,
        }
    }
}

impl<I, O, C> Hooks<I, O, C> {
    /// None at all.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a middleware behind those that are there.
    pub fn with_middleware(mut self, middleware: impl Middleware<I, O, C>) -> Self {
        self.middlewares.push(Arc::new(middleware));
        self
    }

    /// Works on each result.
    pub fn with_post_processor(mut self, post: impl PostProcessor<O, C>) -> Self {
        self.post = Some(Arc::new(post));
        self
    }

    /// How long the post-processor may take over one result; 90 s unless set.
    pub fn with_post_processor_timeout(mut self, timeout: Duration) -> Self {
        self.post_timeout = timeout;
        self
    }

    /// Writes every result down before anybody sees it, and answers from what an earlier run wrote.
    pub fn with_store(mut self, store: Arc<dyn ResultStore<I, O, C>>) -> Self {
        self.store = Some(store);
        self
    }

    /// Estimates tokens in place of the strategy.
    pub fn with_token_estimator(
        mut self,
        estimator: impl Fn(&I) -> Result<TokenEstimate, Failure> + Send + Sync + 'static,
    ) -> Self {
        self.estimator = Some(Arc::new(estimator));
        self
    }

    /// Items with the same key for the same strategy share one call; `None` shares nothing.
    ///
    /// Followers get a copy of the output, under their own id and at no cost. A failure is shared
    /// with those that wait for it, and with later ones only when it is permanent.
    pub fn with_dedup(mut self, key: impl Fn(&I) -> Option<String> + Send + Sync + 'static) -> Self
    where
        O: Clone,
    {
        self.dedup = Some(Arc::new(Dedup::new(key)));
        self
    }
}

impl<I, O, C> fmt::Debug for Hooks<I, O, C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Hooks")
            .field("middlewares", &self.middlewares.len())
            .field("post", &self.post.is_some())
            .field("store", &self.store.is_some())
            .field("dedup", &self.dedup.is_some())
            .finish_non_exhaustive()
    }
}
