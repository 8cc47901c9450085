//! A stream while it arrives: what has come so far, for all who listen, early or late. It knows
//! nothing of the cache.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value as Json;
use tokio::sync::Notify;

use crate::lock;

/// An event and when it came, counted from the start.
pub(super) type Timed = (Duration, Json);

/// Shared between the task that records and those who listen.
#[derive(Debug)]
pub(super) struct Recording<E> {
    state: Mutex<State<E>>,
    news: Notify,
}

#[derive(Debug)]
struct State<E> {
    events: VecDeque<Timed>,
    end: Option<Result<(), Arc<E>>>,
    listeners: usize,
}

impl<E> Recording<E> {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                events: VecDeque::new(),
                end: None,
                listeners: 0,
            }),
            news: Notify::new(),
        })
    }

    pub(super) fn push(&self, event: Timed) {
        lock(&self.state).events.push_back(event);
        self.news.notify_waiters();
    }

    pub(super) fn end(&self, result: Result<(), Arc<E>>) {
        lock(&self.state).end = Some(result);
        self.news.notify_waiters();
    }

    /// Everything that has come.
    pub(super) fn events(&self) -> Vec<Timed> {
        lock(&self.state).events.iter().cloned().collect()
    }

    /// Resolves when nobody listens any more.
    pub(super) async fn abandoned(&self) {
        loop {
            let news = self.news.notified();
            if lock(&self.state).listeners == 0 {
                return;
            }
            news.await;
        }
    }

    /// Listens from the start.
    pub(super) fn listen(self: &Arc<Self>) -> Listener<E> {
        lock(&self.state).listeners += 1;
        Listener {
            recording: self.clone(),
            next: 0,
        }
    }
}

/// One who listens.
#[derive(Debug)]
pub(super) struct Listener<E> {
    recording: Arc<Recording<E>>,
    next: usize,
}

impl<E> Listener<E> {
    pub(super) async fn next(&mut self) -> Option<Result<Json, Arc<E>>> {
        loop {
            let news = self.recording.news.notified();
            {
                let state = lock(&self.recording.state);
                if let Some((_, event)) = state.events.get(self.next) {
                    self.next += 1;
                    return Some(Ok(event.clone()));
                }
                match &state.end {
                    Some(Ok(())) => return None,
                    Some(Err(error)) if self.next == state.events.len() => {
                        // Once, and then the end.
                        self.next += 1;
                        return Some(Err(error.clone()));
                    }
                    Some(Err(_)) => return None,
                    None => {}
                }
            }
            news.await;
        }
    }
}

impl<E> Drop for Listener<E> {
    fn drop(&mut self) {
        lock(&self.recording.state).listeners -= 1;
        self.recording.news.notify_waiters();
    }
}
