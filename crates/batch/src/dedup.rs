//! One call for items that ask the same: the first one works, the others wait for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::sync::watch;

use super::shared::lock;
use super::{Failure, Outcome, Retry, Usage};

type Key = (Option<Arc<str>>, String);
/// What an input asks; inputs with the same key share one call.
type KeyOf<I> = Box<dyn Fn(&I) -> Option<String> + Send + Sync>;
type Answer<O> = Result<Outcome<O>, Failure>;

/// The calls of a run by what they ask.
pub(crate) struct Dedup<I, O> {
    key: KeyOf<I>,
    copy: fn(&Outcome<O>) -> Outcome<O>,
    flights: Mutex<HashMap<Key, Flight<O>>>,
}

/// A call and who made it; the answer comes once.
struct Flight<O> {
    leader: String,
    answer: watch::Receiver<Option<Arc<Answer<O>>>>,
}

/// What an item is to do.
pub(crate) enum Turn<O> {
    /// Nobody asked this before, or it may not be shared.
    Lead(Option<Leader<O>>),
    /// Somebody asks the same.
    Follow(Follower<O>),
}

/// The item whose answer others wait for. Dropped without an answer, it lets them go on alone.
pub(crate) struct Leader<O> {
    key: Key,
    answer: watch::Sender<Option<Arc<Answer<O>>>>,
}

/// An item that waits for the answer of another.
pub(crate) struct Follower<O> {
    pub(crate) leader: String,
    answer: watch::Receiver<Option<Arc<Answer<O>>>>,
    copy: fn(&Outcome<O>) -> Outcome<O>,
}

impl<I, O> Dedup<I, O> {
    pub(crate) fn new(key: impl Fn(&I) -> Option<String> + Send + Sync + 'static) -> Self
    where
        O: Clone,
    {
        Self {
            key: Box::new(key),
            copy: Outcome::clone,
            flights: Mutex::default(),
        }
    }

    pub(crate) fn turn(&self, id: &str, strategy: Option<&Arc<str>>, input: &I) -> Turn<O> {
        let Some(key) = (self.key)(input) else {
            return Turn::Lead(None);
        };
        let key = (strategy.cloned(), key);
        let mut flights = lock(&self.flights);
        if let Some(flight) = flights.get(&key) {
            return Turn::Follow(Follower {
                leader: flight.leader.clone(),
                answer: flight.answer.clone(),
                copy: self.copy,
            });
        }
        let (sender, receiver) = watch::channel(None);
        let flight = Flight {
            leader: id.to_owned(),
            answer: receiver,
        };
        flights.insert(key.clone(), flight);
        Turn::Lead(Some(Leader {
            key,
            answer: sender,
        }))
    }

    /// Tells those who wait, and those who come later unless another try may do better.
    pub(crate) fn answer(&self, leader: Leader<O>, answer: &Answer<O>) {
        let lasting = match answer {
            Ok(_) => true,
            Err(failure) => {
                failure.category.retry() == Retry::Never && !failure.category.is_never_replayed()
            }
        };
        if !lasting {
            lock(&self.flights).remove(&leader.key);
        }
        let shared = match answer {
            Ok(outcome) => Ok((self.copy)(outcome)),
            Err(failure) => Err(failure.clone()),
        };
        leader.answer.send_replace(Some(Arc::new(shared)));
    }

    /// Forgets a call that came to nothing.
    pub(crate) fn give_up(&self, key: &Leader<O>) {
        lock(&self.flights).remove(&key.key);
    }
}

impl<O> Follower<O> {
    /// The answer, at no cost; `None` when the leader was dropped.
    pub(crate) async fn answer(mut self) -> Option<Answer<O>> {
        let answer = self.answer.wait_for(Option::is_some).await.ok()?;
        let answer = answer.as_ref().map(Arc::clone)?;
        Some(match &*answer {
            Ok(outcome) => {
                let mut outcome = (self.copy)(outcome);
                outcome.saved = Some(outcome.usage);
                (outcome.usage, outcome.attempts) = (Usage::default(), 0);
                // One attempt was spared, and that was the leader's.
                outcome.recovered = None;
                Ok(outcome)
            }
            Err(failure) => {
                let mut failure = failure.clone();
                (failure.usage, failure.attempts) = (None, 0);
                Err(failure)
            }
        })
    }
}
