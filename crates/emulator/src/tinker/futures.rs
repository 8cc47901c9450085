//! The results of requests, kept until they are fetched: long polls that wait on the emulator's clock,
//! the announcement of large results, and what becomes of old ones. Does none of the work.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::watch;

use super::engine::Problem;

/// Most bytes of finished results that are kept; the oldest go first.
const MOST_BYTES: usize = 512 << 20;
/// Most finished results that are kept.
const MOST_FINISHED: usize = 50_000;

/// What became of a request.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    Json(Value),
    Proto(Bytes),
    Failed(Problem),
}

/// What a poll learns.
#[derive(Debug)]
pub(crate) enum Polled {
    Ready(Outcome),
    /// It is there, but so large that the caller may want to make room first.
    Announced(usize),
    Pending,
    /// There is no such request, or its result is gone.
    Gone,
}

#[derive(Debug, Default)]
pub(crate) struct Futures {
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    entries: HashMap<String, Entry>,
    finished: VecDeque<(String, usize)>,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    outcome: watch::Sender<Option<Outcome>>,
    announced: bool,
    session: String,
}

impl Outcome {
    /// How large the result is on the wire.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Json(value) => value.to_string().len(),
            Self::Proto(bytes) => bytes.len(),
            Self::Failed(problem) => problem.message.len(),
        }
    }
}

impl Futures {
    /// Opens the future of a request.
    pub(crate) fn open(&self, id: &str, session: &str) {
        let entry = Entry {
            outcome: watch::Sender::new(None),
            announced: false,
            session: session.to_owned(),
        };
        self.lock().entries.insert(id.to_owned(), entry);
    }

    /// Puts a result in place, unless there is one already.
    pub(crate) fn finish(&self, id: &str, outcome: Outcome) {
        let mut table = self.lock();
        let size = outcome.size();
        let Some(entry) = table.entries.get(id) else {
            return;
        };
        if entry.outcome.borrow().is_some() {
            return;
        }
        entry.outcome.send_replace(Some(outcome));
        table.bytes += size;
        table.finished.push_back((id.to_owned(), size));
        while table.bytes > MOST_BYTES || table.finished.len() > MOST_FINISHED {
            let Some((oldest, size)) = table.finished.pop_front() else {
                return;
            };
            table.bytes -= size;
            table.entries.remove(&oldest);
        }
    }

    /// Forgets a result that has been fetched.
    pub(crate) fn forget(&self, id: &str) {
        let mut table = self.lock();
        table.entries.remove(id);
        if let Some(at) = table
            .finished
            .iter()
            .position(|(finished, _)| finished == id)
            && let Some((_, size)) = table.finished.remove(at)
        {
            table.bytes -= size;
        }
    }

    /// Forgets everything of a session, so that polls find it gone.
    pub(crate) fn forget_session(&self, session: &str) {
        let mut table = self.lock();
        let ids: Vec<String> = table
            .entries
            .iter()
            .filter(|(_, entry)| entry.session == session)
            .map(|(id, _)| id.clone())
            .collect();
        for id in ids {
            table.entries.remove(&id);
        }
    }

    /// Waits for a result until `enough` has passed. A result above `limit` bytes is announced once
    /// when the caller allows it.
    pub(crate) async fn poll(
        &self,
        id: &str,
        limit: Option<usize>,
        enough: impl Future<Output = ()>,
    ) -> Polled {
        let Some(mut changes) = self
            .lock()
            .entries
            .get(id)
            .map(|entry| entry.outcome.subscribe())
        else {
            return Polled::Gone;
        };
        let outcome = tokio::select! {
            biased;
            // An entry that is forgotten meanwhile drops its sender.
            outcome = changes.wait_for(Option::is_some) => match outcome {
                Ok(outcome) => outcome.clone(),
                Err(_) => return Polled::Gone,
            },
            () = enough => return Polled::Pending,
        };
        let Some(outcome) = outcome else {
            return Polled::Pending;
        };
        let size = outcome.size();
        if limit.is_some_and(|limit| size > limit)
            && let Some(entry) = self.lock().entries.get_mut(id)
            && !std::mem::replace(&mut entry.announced, true)
        {
            return Polled::Announced(size);
        }
        Polled::Ready(outcome)
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The futures that have ended in one sampling session and clone, in order, for whoever wants to
/// fetch many at once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stream {
    shared: Arc<watch::Sender<Events>>,
}

#[derive(Debug, Default)]
struct Events {
    last: u64,
    /// By cursor.
    kept: VecDeque<(u64, Value)>,
}

impl Stream {
    pub(crate) fn push(&self, completion: Value) {
        self.shared.send_modify(|events| {
            events.last += 1;
            events.kept.push_back((events.last, completion));
        });
    }

    /// What ended after `cursor`, and the cursor that says it has been seen; waits for the first of
    /// it until `enough` has passed. What is at or before `cursor` is dropped.
    pub(crate) async fn after(
        &self,
        cursor: u64,
        enough: impl Future<Output = ()>,
    ) -> (Vec<Value>, u64) {
        self.shared.send_if_modified(|events| {
            while events.kept.front().is_some_and(|(at, _)| *at <= cursor) {
                events.kept.pop_front();
            }
            false
        });
        let mut changes = self.shared.subscribe();
        tokio::select! {
            biased;
            _ = changes.wait_for(|events| events.last > cursor) => {}
            () = enough => {}
        }
        let events = self.shared.borrow();
        let new = events.kept.iter().filter(|(at, _)| *at > cursor);
        let new: Vec<Value> = new.map(|(_, completion)| completion.clone()).collect();
        (new, events.last.max(cursor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use serde_json::json;
    use std::future::{pending, ready};

    #[tokio::test]
    async fn a_poll_waits_for_the_result_and_no_longer_than_it_is_held() {
        let futures = Futures::default();
        futures.open("r", "s");
        assert!(matches!(
            futures.poll("r", None, ready(())).await,
            Polled::Pending
        ));
        let mut poll = Box::pin(futures.poll("r", None, pending()));
        assert!((&mut poll).now_or_never().is_none());
        futures.finish("r", Outcome::Json(json!({"a": 1})));
        futures.finish("r", Outcome::Json(json!({"a": 2})));
        let Polled::Ready(Outcome::Json(value)) = poll.await else {
            panic!("not ready");
        };
        assert_eq!(value, json!({"a": 1}));
        assert!(matches!(
            futures.poll("x", None, ready(())).await,
            Polled::Gone
        ));
        futures.forget("r");
        assert!(matches!(
            futures.poll("r", None, ready(())).await,
            Polled::Gone
        ));
    }

    #[tokio::test]
    async fn a_large_result_is_announced_once_where_that_is_allowed() {
        let futures = Futures::default();
        futures.open("r", "s");
        futures.finish("r", Outcome::Proto(Bytes::from_static(&[0; 100])));
        let poll = async |limit| futures.poll("r", limit, pending()).await;
        assert!(matches!(poll(None).await, Polled::Ready(_)));
        assert!(matches!(poll(Some(10)).await, Polled::Announced(100)));
        assert!(matches!(poll(Some(10)).await, Polled::Ready(_)));
    }

    #[tokio::test]
    async fn who_waits_for_a_session_that_ends_is_told() {
        let futures = Futures::default();
        futures.open("r", "s");
        let mut poll = Box::pin(futures.poll("r", None, pending()));
        assert!((&mut poll).now_or_never().is_none());
        futures.forget_session("s");
        assert!(matches!(poll.await, Polled::Gone));
    }

    #[tokio::test]
    async fn a_stream_gives_what_is_new_and_forgets_what_was_seen() {
        let stream = Stream::default();
        assert_eq!(stream.after(0, ready(())).await, (vec![], 0));
        let mut waiting = Box::pin(stream.after(0, pending()));
        assert!((&mut waiting).now_or_never().is_none());
        stream.push(json!(1));
        assert_eq!(waiting.await, (vec![json!(1)], 1));
        stream.push(json!(2));
        assert_eq!(
            stream.after(0, ready(())).await,
            (vec![json!(1), json!(2)], 2)
        );
        assert_eq!(stream.after(1, ready(())).await, (vec![json!(2)], 2));
        assert_eq!(stream.after(0, ready(())).await, (vec![json!(2)], 2));
    }
}
