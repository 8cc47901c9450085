//! Several strategies for one item, one after the other: a stronger model after a failure, or
//! whoever answers first in a chain of stand-ins.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::shared::DynStrategy;
use crate::{Attempt, CallStrategy, Category, Classifier, Failure, Outcome, Retry, TokenEstimate};

/// When an item goes on to the next strategy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// After a failed attempt that may be repeated: attempt 2 is the second strategy's.
    Escalate,
    /// Within the same attempt, after a failure that the same strategy cannot mend.
    FallBack,
}

/// The name under which an item remembers where it stands.
const RUNG: &str = "gimmal.rung";

/// Strategies in order of preference. All of them are prepared before the first item.
///
/// Escalation: each failed attempt moves the item one strategy up, and it stays at the last; the
/// number of attempts is the run's. Falling back: when a strategy fails for good, the next one is
/// asked at once; refusals for the rate and failures that may pass are the run's affair, as always.
///
/// ```
/// use gimmal_batch::strategies::Ladder;
/// use gimmal_batch::testing::ScriptedStrategy;
///
/// let small = ScriptedStrategy::echo();
/// let large = ScriptedStrategy::echo();
/// let ladder = Ladder::escalating(small).then(large);
/// ```
pub struct Ladder<I, O> {
    step: Step,
    rungs: Vec<Arc<DynStrategy<I, O>>>,
}

impl<I: Send + Sync + 'static, O: Send + Sync + 'static> Ladder<I, O> {
    /// Goes on to a stronger strategy after a failed attempt.
    pub fn escalating(first: impl CallStrategy<Input = I, Output = O>) -> Self {
        Self {
            step: Step::Escalate,
            rungs: vec![Arc::new(first)],
        }
    }

    /// Goes on to a stand-in after a failure for good.
    pub fn falling_back(first: impl CallStrategy<Input = I, Output = O>) -> Self {
        Self {
            step: Step::FallBack,
            ..Self::escalating(first)
        }
    }

    /// Adds the next strategy.
    #[must_use]
    pub fn then(mut self, next: impl CallStrategy<Input = I, Output = O>) -> Self {
        self.rungs.push(Arc::new(next));
        self
    }

    fn rung(&self, attempt: &Attempt) -> usize {
        let rung = attempt.state.get(RUNG).and_then(serde_json::Value::as_u64);
        let rung = rung.and_then(|rung| usize::try_from(rung).ok());
        rung.unwrap_or(0).min(self.rungs.len() - 1)
    }

    fn first(&self) -> &DynStrategy<I, O> {
        &*self.rungs[0]
    }
}

impl<I, O> fmt::Debug for Ladder<I, O> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Ladder")
            .field("step", &self.step)
            .field("rungs", &self.rungs)
            .finish()
    }
}

/// The failure with what the strategies before it cost.
fn with_cost(mut failure: Failure, before: &Failure) -> Failure {
    if let Some(usage) = &before.usage {
        failure.usage.get_or_insert_default().add(usage);
    }
    failure.attempts += before.attempts;
    failure
}

impl<I: Send + Sync + 'static, O: Send + Sync + 'static> CallStrategy for Ladder<I, O> {
    type Input = I;
    type Output = O;

    fn prepare(&self) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async {
            for (done, rung) in self.rungs.iter().enumerate() {
                if let Err(failure) = rung.prepare().await {
                    for rung in &self.rungs[..done] {
                        if let Err(error) = rung.cleanup().await {
                            tracing::warn!(%error, "a strategy could not be cleaned up");
                        }
                    }
                    return Err(failure);
                }
            }
            Ok(())
        })
    }

    fn execute<'a>(
        &'a self,
        input: &'a I,
        attempt: &'a mut Attempt,
    ) -> BoxFuture<'a, Result<Outcome<O>, Failure>> {
        Box::pin(async move {
            let mut rung = self.rung(attempt);
            let mut before: Option<Failure> = None;
            loop {
                let strategy = &self.rungs[rung];
                let mut failure = match strategy.execute(input, attempt).await {
                    Ok(mut outcome) => {
                        if let Some(before) = &before {
                            outcome.usage.add(&before.billed().unwrap_or_default());
                            outcome.attempts += before.attempts;
                        }
                        return Ok(outcome);
                    }
                    Err(failure) => failure,
                };
                failure.category = strategy.classifier().classify(&failure);
                if let Some(before) = &before {
                    failure = with_cost(failure, before);
                }
                let retry = failure.category.retry();
                let is_last = rung + 1 == self.rungs.len();
                match self.step {
                    _ if is_last || retry == Retry::Cooldown => return Err(failure),
                    Step::Escalate => {
                        attempt.state.set(RUNG, rung + 1);
                        // A stronger strategy may do what this one cannot.
                        failure.is_fatal = false;
                        if retry == Retry::Never {
                            failure.category = Category::ValidationError;
                        }
                        return Err(failure);
                    }
                    Step::FallBack if retry != Retry::Never => return Err(failure),
                    Step::FallBack => {
                        rung += 1;
                        attempt.state.set(RUNG, rung);
                        failure.is_fatal = false;
                        before = Some(failure);
                    }
                }
            }
        })
    }

    fn on_error<'a>(
        &'a self,
        failure: &'a mut Failure,
        attempt: &'a mut Attempt,
    ) -> BoxFuture<'a, ()> {
        self.rungs[self.rung(attempt)].on_error(failure, attempt)
    }

    fn cleanup(&self) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async {
            let mut first = Ok(());
            for rung in &self.rungs {
                first = first.and(rung.cleanup().await);
            }
            first
        })
    }

    fn dry_run(&self, input: &I) -> Option<Outcome<O>> {
        self.first().dry_run(input)
    }

    fn classifier(&self) -> Arc<dyn Classifier> {
        self.first().classifier()
    }

    fn estimate(&self, input: &I) -> Option<TokenEstimate> {
        self.first().estimate(input)
    }

    fn max_concurrency(&self) -> Option<NonZeroU32> {
        let all = self.rungs.iter();
        all.filter_map(|rung| rung.max_concurrency()).min()
    }

    fn scope(&self) -> Option<String> {
        self.first().scope()
    }
}
