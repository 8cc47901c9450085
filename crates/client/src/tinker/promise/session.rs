//! Asks for the news of a sampling session, once for all who wait.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gimmal_api::tinker::session_futures::{Completion, SessionFutures, SessionNext};
use gimmal_transport::{Clock, Error};
use tokio::sync::{Notify, oneshot};

use super::PromiseApi;
use crate::tinker::billing::Billing;

/// The asking for one sampling session and one clone of its client. Dropping the last handle ends
/// it, after what is owed to the server is acknowledged.
#[derive(Debug)]
pub(crate) struct SessionPoller {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// There is something to ask, or nothing more.
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    news: SessionFutures,
    waiters: BTreeMap<String, oneshot::Sender<Result<Completion, Error>>>,
    failure: Option<Arc<Error>>,
    closed: bool,
}

impl SessionPoller {
    /// Starts the asking in the background.
    pub(crate) fn start(
        api: Arc<dyn PromiseApi>,
        clock: Arc<dyn Clock>,
        billing: Arc<Billing>,
        session: String,
        clone_id: u64,
    ) -> Self {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            changed: Notify::new(),
        });
        let asking = Asking {
            shared: Arc::clone(&shared),
            api,
            clock,
            billing,
            session,
            clone_id,
        };
        tokio::spawn(asking.run());
        Self { shared }
    }

    /// Waits until a promise is done. Whoever stops waiting is forgotten.
    pub(crate) async fn wait_for(&self, request_id: &str) -> Result<Completion, Error> {
        let receiver = {
            let mut state = self.shared.lock();
            if let Some(completion) = state.news.wait_for(request_id) {
                return Ok(completion);
            }
            if let Some(failure) = &state.failure {
                let failure = ended(failure);
                state.news.forget(request_id);
                return Err(failure);
            }
            let (sender, receiver) = oneshot::channel();
            state.waiters.insert(request_id.to_owned(), sender);
            receiver
        };
        self.shared.changed.notify_one();
        let _forget = Forget {
            shared: &self.shared,
            request_id,
        };
        let gone = |_| Err(Error::cancelled("the sampling session was closed"));
        receiver.await.unwrap_or_else(gone)
    }

    /// Says that a result was fetched.
    pub(crate) fn mark_retrieved(&self, request_id: &str) {
        self.shared.lock().news.mark_retrieved(request_id);
        self.shared.changed.notify_one();
    }
}

impl Drop for SessionPoller {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_one();
    }
}

/// A waiter that went away before the news came.
struct Forget<'a> {
    shared: &'a Shared,
    request_id: &'a str,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        if state.waiters.remove(self.request_id).is_some() {
            state.news.forget(self.request_id);
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn ended(cause: &Arc<Error>) -> Error {
    Error::cancelled("the news of the sampling session ended").with_source(Error::clone(cause))
}

/// The background's side.
struct Asking {
    shared: Arc<Shared>,
    api: Arc<dyn PromiseApi>,
    clock: Arc<dyn Clock>,
    billing: Arc<Billing>,
    session: String,
    clone_id: u64,
}

impl Asking {
    async fn run(self) {
        loop {
            let (question, closed) = {
                let state = self.shared.lock();
                let question = match state.closed {
                    true => state.news.last_question(),
                    false => state.news.next_question(),
                };
                (question, state.closed)
            };
            let Some(question) = question else {
                if closed || self.shared.lock().news.is_over() {
                    return;
                }
                self.shared.changed.notified().await;
                continue;
            };
            let asked = self
                .api
                .retrieve_many(&self.session, self.clone_id, &question);
            match asked.await {
                Ok((completions, cursor)) => {
                    let mut state = self.shared.lock();
                    for id in state.news.answered(&question, completions, cursor) {
                        state.wake(&id);
                    }
                }
                // A last word that is not heard is not repeated.
                Err(_) if closed => return,
                Err(error) => {
                    if !self.go_on(error).await {
                        return;
                    }
                }
            }
        }
    }

    async fn go_on(&self, error: Error) -> bool {
        let next = self.shared.lock().news.failed(&error);
        match next {
            SessionNext::Retry(after) => self.clock.sleep(after).await,
            SessionNext::Unpaid(after) if self.billing.may_wait(self.clock.now()) => {
                self.clock.sleep(after).await;
            }
            _ => {
                tracing::error!(%error, session = %self.session, "the news of a session ended");
                self.shared.lock().fail(error);
                return false;
            }
        }
        true
    }
}

impl State {
    fn wake(&mut self, request_id: &str) {
        let Some(waiter) = self.waiters.remove(request_id) else {
            return;
        };
        let Some(completion) = self.news.wait_for(request_id) else {
            return;
        };
        // Whoever went away in this moment does not need it.
        let _: Result<(), _> = waiter.send(Ok(completion));
    }

    fn fail(&mut self, error: Error) {
        let cause = Arc::new(error);
        self.news.end();
        for (id, waiter) in std::mem::take(&mut self.waiters) {
            self.news.forget(&id);
            let _: Result<(), _> = waiter.send(Err(ended(&cause)));
        }
        self.failure = Some(cause);
    }
}
