//! How an item is worked on: the one trait that a run needs.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use gimmal_client::transport::RateLimitInfo;
use serde_json::Value;

use super::{Classifier, DefaultClassifier, Failure, Recovery, TokenEstimate, Usage};

/// What a strategy made of an item.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Outcome<O> {
    /// The output.
    pub output: O,
    /// Tokens it took.
    pub usage: Usage,
    /// Tokens that it would have taken, when the output was kept from an earlier call and nothing
    /// was sent: then it took none.
    pub saved: Option<Usage>,
    /// Requests on the wire.
    pub attempts: u32,
    /// How the output was made usable, when it was not as it came; that spared another attempt.
    pub recovered: Option<Recovery>,
}

impl<O> Outcome<O> {
    /// An output with what it cost.
    pub fn new(output: O, usage: Usage, attempts: u32) -> Self {
        Self {
            output,
            usage,
            saved: None,
            attempts,
            recovered: None,
        }
    }

    /// An output that cost nothing, since it was kept from a call that took `saved`.
    pub fn kept(output: O, saved: Usage) -> Self {
        Self {
            saved: Some(saved),
            ..Self::new(output, Usage::default(), 0)
        }
    }
}

/// What a strategy may remember of an item from one attempt to the next.
///
/// ```
/// use gimmal_batch::RetryState;
///
/// let mut state = RetryState::default();
/// state.set("temperature", 0.7);
/// assert_eq!(state.get("temperature").and_then(|value| value.as_f64()), Some(0.7));
/// assert!(state.delete("temperature").is_some() && !state.contains("temperature"));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RetryState(BTreeMap<String, Value>);

impl RetryState {
    /// What was remembered under a name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Remembers a value under a name.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        self.0.insert(name.into(), value.into());
    }

    /// Forgets a name and tells what stood there.
    pub fn delete(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// True when something is remembered under a name.
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

/// One try of an item, as its strategy sees it.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Attempt {
    /// The attempt, counted from 1. A refusal for the rate repeats an attempt.
    pub number: u32,
    /// The try, counted from 1.
    pub try_number: u32,
    /// How long it may take.
    pub timeout: Option<Duration>,
    /// What the strategy remembers of the item.
    pub state: RetryState,
    /// What the service said of its limits with its answer, for a strategy to fill in. All items of
    /// the scope keep a limit that is stricter than their own.
    pub told: Option<RateLimitInfo>,
}

/// Works on items. One strategy serves a whole run and is shared by all its workers.
///
/// ```
/// use futures_util::future::BoxFuture;
/// use gimmal_batch::{Attempt, CallStrategy, Failure, Outcome, Usage};
///
/// #[derive(Debug)]
/// struct Shout;
///
/// impl CallStrategy for Shout {
///     type Input = String;
///     type Output = String;
///
///     fn execute<'a>(
///         &'a self,
///         input: &'a String,
///         _attempt: &'a mut Attempt,
///     ) -> BoxFuture<'a, Result<Outcome<String>, Failure>> {
///         Box::pin(async move { Ok(Outcome::new(input.to_uppercase(), Usage::default(), 0)) })
///     }
/// }
/// ```
pub trait CallStrategy: Debug + Send + Sync + 'static {
    /// What it works on.
    type Input: Send + Sync + 'static;
    /// What it makes.
    type Output: Send + Sync + 'static;

    /// Called once before the first item, whatever the number of workers and of runs that share the
    /// strategy.
    ///
    /// An error ends the run before anything is spent on items.
    fn prepare(&self) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async { Ok(()) })
    }

    /// Tries one item once. Errors are the item's own unless they are fatal; the run decides whether
    /// it is tried again.
    ///
    /// A panic fails the item and nothing else.
    fn execute<'a>(
        &'a self,
        input: &'a Self::Input,
        attempt: &'a mut Attempt,
    ) -> BoxFuture<'a, Result<Outcome<Self::Output>, Failure>>;

    /// Called after each failed try, before it is judged. It may change the failure.
    fn on_error<'a>(
        &'a self,
        failure: &'a mut Failure,
        attempt: &'a mut Attempt,
    ) -> BoxFuture<'a, ()> {
        let _ = (failure, attempt);
        Box::pin(async {})
    }

    /// Called once after the last item of the last run that shares the strategy, also when a run
    /// was stopped.
    ///
    /// A failure, as a panic, costs no result: [`Ended::unclean`](crate::Ended::unclean) tells it,
    /// and everything else is closed all the same.
    fn cleanup(&self) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async { Ok(()) })
    }

    /// What a dry run gives in place of a call; `None` fails the item.
    fn dry_run(&self, input: &Self::Input) -> Option<Outcome<Self::Output>> {
        let _ = input;
        None
    }

    /// Who judges its failures.
    fn classifier(&self) -> Arc<dyn Classifier> {
        Arc::new(DefaultClassifier)
    }

    /// How many tokens an item will take, for a limit on tokens per minute.
    fn estimate(&self, input: &Self::Input) -> Option<TokenEstimate> {
        let _ = input;
        None
    }

    /// How many calls it bears at the same time.
    fn max_concurrency(&self) -> Option<NonZeroU32> {
        None
    }

    /// Strategies with the same scope share limits, pauses and places for calls in flight; without
    /// one it has them for itself.
    fn scope(&self) -> Option<String> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Covers: RetryState.get
    /// Covers: RetryState.set
    /// Covers: RetryState.delete
    /// Covers: RetryState.clear
    #[test]
    fn a_state_remembers_until_it_is_told_to_forget() {
        let mut state = RetryState::default();
        assert_eq!(state.get("hot"), None);
        assert_eq!(state.delete("hot"), None);
        state.set("hot", 0.7);
        state.set("hot", 0.9);
        state.set("tried", "once");
        assert_eq!(state.get("hot"), Some(&Value::from(0.9)), "the last stands");
        assert_eq!(state.delete("hot"), Some(Value::from(0.9)));
        assert!(!state.contains("hot") && state.contains("tried"));
        state.clear();
        assert_eq!(state, RetryState::default());
    }
}
