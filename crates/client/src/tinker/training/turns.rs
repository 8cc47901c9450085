//! Whose turn it is. Requests of a model are numbered in the order in which the program makes them
//! and handed to the server in that order; when one is lost for good, nobody waits for it.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gimmal_transport::Error;
use tokio::sync::Notify;

/// The turns of one model. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Turns(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// The next number to give out.
    reserved: u64,
    /// All below have had their turn.
    passed: u64,
    /// Turns that ended before those ahead of them.
    early: BTreeMap<u64, u64>,
    /// Why there will be no more turns.
    poison: Option<Arc<Error>>,
}

impl Turns {
    /// Takes the next `count` numbers.
    ///
    /// It does not wait, so the order of calls is the order of turns.
    ///
    /// # Errors
    ///
    /// Fails when an earlier request was lost for good.
    pub(crate) fn reserve(&self, count: u64) -> Result<Turn, Error> {
        let mut state = self.state();
        if let Some(cause) = &state.poison {
            return Err(poisoned(cause));
        }
        let first = state.reserved;
        state.reserved += count;
        Ok(Turn {
            turns: self.clone(),
            numbers: first..state.reserved,
        })
    }

    /// Ends all turns: those who wait, and those who come, get this error as the cause of theirs.
    pub(crate) fn poison(&self, cause: Arc<Error>) {
        self.state().poison.get_or_insert(cause);
        self.0.changed.notify_waiters();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn poisoned(cause: &Arc<Error>) -> Error {
    Error::cancelled(
        "an earlier request of this training client was lost, so that the server waits for it; \
         go on with a new client, from the last checkpoint",
    )
    .with_source(Error::clone(cause))
}

/// Numbers that were taken. Dropping it passes the turn on.
#[derive(Debug)]
#[must_use = "dropping a turn passes it on"]
pub(crate) struct Turn {
    turns: Turns,
    numbers: Range<u64>,
}

impl Turn {
    /// The numbers, from 0.
    pub(crate) fn numbers(&self) -> Range<u64> {
        self.numbers.clone()
    }

    /// Takes the first `count` numbers off, as a turn of its own that comes before the rest.
    pub(crate) fn split_off(&mut self, count: u64) -> Self {
        let middle = self
            .numbers
            .start
            .saturating_add(count)
            .min(self.numbers.end);
        let first = self.numbers.start..middle;
        self.numbers.start = middle;
        Self {
            turns: self.turns.clone(),
            numbers: first,
        }
    }

    /// Waits until all before have had their turn.
    ///
    /// # Errors
    ///
    /// Fails when an earlier request was lost for good.
    pub(crate) async fn come(&self) -> Result<(), Error> {
        loop {
            let changed = self.turns.0.changed.notified();
            let mut changed = std::pin::pin!(changed);
            // Who registers first and looks then misses nothing.
            changed.as_mut().enable();
            {
                let state = self.turns.state();
                if let Some(cause) = &state.poison {
                    return Err(poisoned(cause));
                }
                if state.passed >= self.numbers.start {
                    return Ok(());
                }
            }
            changed.await;
        }
    }

    /// Says that the request of this turn was lost for good.
    pub(crate) fn poison(&self, cause: Arc<Error>) {
        self.turns.poison(cause);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.numbers.is_empty() {
            return;
        }
        let mut state = self.turns.state();
        state.early.insert(self.numbers.start, self.numbers.end);
        let mut passed = state.passed;
        while let Some(end) = state.early.remove(&passed) {
            passed = end;
        }
        state.passed = passed;
        drop(state);
        self.turns.0.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use gimmal_transport::ErrorKind;

    use super::*;

    /// Covers: CHK-DP-2
    #[test]
    fn chk_dp_2_numbers_follow_each_other() {
        let turns = Turns::default();
        let five = turns.reserve(5).unwrap();
        assert_eq!(five.numbers(), 0..5);
        assert_eq!(turns.reserve(3).unwrap().numbers(), 5..8);
        assert!(turns.reserve(0).unwrap().numbers().is_empty());
        assert_eq!(turns.reserve(1).unwrap().numbers(), 8..9);
    }

    #[tokio::test]
    async fn turns_come_in_the_order_of_reservation() {
        let turns = Turns::default();
        let (first, second) = (turns.reserve(1).unwrap(), turns.reserve(2).unwrap());
        let third = turns.reserve(1).unwrap();
        assert!(first.come().now_or_never().is_some());
        assert!(second.come().now_or_never().is_none());
        drop(second);
        assert!(
            third.come().now_or_never().is_none(),
            "the first still has its turn"
        );
        drop(first);
        third.come().await.unwrap();
    }

    #[tokio::test]
    async fn who_waits_is_woken() {
        let turns = Turns::default();
        let first = turns.reserve(1).unwrap();
        let waiting: Vec<_> = (0..20)
            .map(|_| {
                let turn = turns.reserve(1).unwrap();
                tokio::spawn(async move { turn.come().await.map(|()| turn.numbers().start) })
            })
            .collect();
        tokio::task::yield_now().await;
        drop(first);
        for (task, number) in waiting.into_iter().zip(1..) {
            assert_eq!(task.await.unwrap().unwrap(), number);
        }
    }

    #[tokio::test]
    async fn a_part_may_be_passed_on_early() {
        let turns = Turns::default();
        let mut both = turns.reserve(4).unwrap();
        let head = both.split_off(2);
        assert_eq!((head.numbers(), both.numbers()), (0..2, 2..4));
        assert!(both.come().now_or_never().is_none());
        drop(head);
        both.come().await.unwrap();
    }

    #[tokio::test]
    async fn a_lost_request_leaves_nobody_waiting() {
        let turns = Turns::default();
        let first = turns.reserve(1).unwrap();
        let second = turns.reserve(1).unwrap();
        let waiting = tokio::spawn(async move { second.come().await });
        tokio::task::yield_now().await;
        first.poison(Arc::new(Error::invalid("data", "is bad")));
        let error = waiting.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
        let cause = std::error::Error::source(&error).unwrap();
        assert!(cause.to_string().contains("is bad"), "{cause}");
        assert!(turns.reserve(1).is_err());
        drop(first);
        assert!(turns.reserve(1).is_err(), "it stays so");
    }
}
