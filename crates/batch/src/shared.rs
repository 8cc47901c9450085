//! A strategy that several runs may share: prepared once, cleaned up once, by the last who leaves.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use gimmal_client::transport::Clock;
use tokio::sync::Mutex;

use super::{CallStrategy, Failure};

/// A strategy without its type.
pub(crate) type DynStrategy<I, O> = dyn CallStrategy<Input = I, Output = O>;

/// A strategy with the memory of whether it is prepared. Clones are the same strategy, so runs
/// that are given clones prepare it once between them.
///
/// ```
/// # use gimmal_batch::testing::ScriptedStrategy;
/// use std::sync::Arc;
/// use gimmal_batch::{Processor, Shared, WorkItem};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), gimmal_batch::RunError> {
/// let strategy = Shared::new(ScriptedStrategy::echo());
/// for part in ["first", "second"] {
///     let items = futures_util::stream::iter([WorkItem::new(part, part.to_owned())]);
///     let run = Processor::new().start(strategy.clone(), items).await?;
///     run.finish().await?;
/// }
/// # Ok(())
/// # }
/// ```
pub struct Shared<I, O>(Arc<Inner<I, O>>);

struct Inner<I, O> {
    strategy: Arc<DynStrategy<I, O>>,
    /// Preparations that have ended, well or not.
    ended: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    owners: usize,
    prepared: bool,
    /// The last preparation, if it failed.
    failed: Option<(Instant, Failure)>,
}

impl<I: Send + Sync + 'static, O: Send + Sync + 'static> Shared<I, O> {
    /// A strategy that nobody has prepared yet.
    pub fn new(strategy: impl CallStrategy<Input = I, Output = O>) -> Self {
        Self::from_arc(Arc::new(strategy))
    }

    pub(crate) fn from_arc(strategy: Arc<DynStrategy<I, O>>) -> Self {
        Self(Arc::new(Inner {
            strategy,
            ended: AtomicU64::new(0),
            state: Mutex::default(),
        }))
    }

    pub(crate) fn strategy(&self) -> &DynStrategy<I, O> {
        &*self.0.strategy
    }
}

impl<I, O> Clone for Shared<I, O> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<I, O> fmt::Debug for Shared<I, O> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl<S: CallStrategy> From<Arc<S>> for Shared<S::Input, S::Output> {
    fn from(strategy: Arc<S>) -> Self {
        Self::from_arc(strategy)
    }
}

/// A run's part in a shared strategy.
pub(crate) struct Lease<I, O> {
    shared: Shared<I, O>,
    /// True once this run counts among the owners of a prepared strategy.
    held: AtomicBool,
}

impl<I: Send + Sync + 'static, O: Send + Sync + 'static> Lease<I, O> {
    pub(crate) fn new(shared: Shared<I, O>) -> Self {
        Self {
            shared,
            held: AtomicBool::new(false),
        }
    }

    pub(crate) fn strategy(&self) -> &DynStrategy<I, O> {
        self.shared.strategy()
    }

    /// True once it is prepared for this run.
    pub(crate) fn is_prepared(&self) -> bool {
        self.held.load(Ordering::Acquire)
    }

    /// Prepares the strategy unless that is done.
    ///
    /// Those who wait while a preparation fails share its error, and another one is begun no sooner
    /// than `patience` after it.
    pub(crate) async fn prepare(
        &self,
        clock: &dyn Clock,
        patience: Duration,
    ) -> Result<(), Failure> {
        let inner = &*self.shared.0;
        let ended_before = inner.ended.load(Ordering::Acquire);
        let mut state = inner.state.lock().await;
        if self.held.load(Ordering::Acquire) {
            return Ok(());
        }
        if !state.prepared {
            if let Some((at, failure)) = &state.failed {
                let meanwhile = inner.ended.load(Ordering::Acquire) != ended_before;
                if meanwhile || clock.now().saturating_duration_since(*at) < patience {
                    return Err(failure.clone());
                }
            }
            let prepared = inner.strategy.prepare().await;
            inner.ended.fetch_add(1, Ordering::AcqRel);
            match prepared {
                Ok(()) => (state.prepared, state.failed) = (true, None),
                Err(failure) => {
                    state.failed = Some((clock.now(), failure.clone()));
                    return Err(failure);
                }
            }
        }
        state.owners += 1;
        self.held.store(true, Ordering::Release);
        Ok(())
    }

    /// Gives the strategy up; the last owner cleans it up. Where that fails the strategy stays this
    /// run's, which may ask again.
    pub(crate) async fn release(&self) -> Result<(), Failure> {
        let inner = &*self.shared.0;
        let mut state = inner.state.lock().await;
        if !self.held.load(Ordering::Acquire) {
            return Ok(());
        }
        if state.owners == 1 {
            inner.strategy.cleanup().await?;
            state.prepared = false;
        }
        state.owners -= 1;
        self.held.store(false, Ordering::Release);
        Ok(())
    }
}

impl<I, O> Drop for Lease<I, O> {
    fn drop(&mut self) {
        // A run that could not clean up, or did not, leaves that to the next.
        if *self.held.get_mut()
            && let Ok(mut state) = self.shared.0.state.try_lock()
        {
            state.owners -= 1;
        }
    }
}

/// The strategies of a run: the one that works on items which name none, and others by name.
///
/// A strategy alone converts into them, as an `Arc` or as a [`Shared`].
#[derive(Debug)]
pub struct Strategies<I, O> {
    pub(crate) first: Shared<I, O>,
    pub(crate) named: BTreeMap<Arc<str>, Shared<I, O>>,
}

impl<I: Send + Sync + 'static, O: Send + Sync + 'static> Strategies<I, O> {
    /// One strategy for all items that name none.
    pub fn new(first: impl Into<Shared<I, O>>) -> Self {
        Self {
            first: first.into(),
            named: BTreeMap::new(),
        }
    }

    /// Another strategy for the items that name it. It is prepared when the first of them comes.
    #[must_use]
    pub fn with(mut self, name: impl Into<Arc<str>>, strategy: impl Into<Shared<I, O>>) -> Self {
        self.named.insert(name.into(), strategy.into());
        self
    }
}

impl<S: CallStrategy> From<Arc<S>> for Strategies<S::Input, S::Output> {
    fn from(strategy: Arc<S>) -> Self {
        Self::new(strategy)
    }
}

impl<I: Send + Sync + 'static, O: Send + Sync + 'static> From<Shared<I, O>> for Strategies<I, O> {
    fn from(strategy: Shared<I, O>) -> Self {
        Self::new(strategy)
    }
}

/// Locks a mutex whether or not a holder panicked: what it guards is figures that stay valid.
pub(crate) fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
