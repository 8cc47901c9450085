//! Hears what other processes invalidate, and tells the listeners. When it cannot hear any more,
//! listeners are told once that everything may have been invalidated.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt;
use redis::aio::PubSub;
use redis::{Client, RedisResult};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::cache::RedisCache;
use super::message;
use crate::cache::InvalidationListener;
use crate::lock;
use crate::selector::Selector;
use crate::time::Clock;

/// The first wait before connecting again; it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

pub(super) struct Channel {
    client: Client,
    clock: Arc<dyn Clock>,
    sender: String,
    listeners: Arc<Mutex<Vec<InvalidationListener>>>,
    namespaces: watch::Sender<BTreeSet<String>>,
    task: Mutex<Option<AbortHandle>>,
}

impl std::fmt::Debug for Channel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Channel")
            .field("sender", &self.sender)
            .finish_non_exhaustive()
    }
}

impl Channel {
    pub(super) fn new(client: Client, clock: Arc<dyn Clock>) -> Self {
        Self {
            client,
            clock,
            sender: format!("{:016x}", rand::random::<u64>()),
            listeners: Arc::default(),
            namespaces: watch::Sender::default(),
            task: Mutex::default(),
        }
    }

    /// The name under which this process speaks.
    pub(super) fn sender(&self) -> &str {
        &self.sender
    }

    pub(super) fn add(&self, listener: InvalidationListener) {
        lock(&self.listeners).push(listener);
    }

    /// Also listens to this namespace.
    pub(super) fn watch(&self, namespace: &str) {
        if self.namespaces.borrow().contains(namespace) {
            return;
        }
        self.namespaces
            .send_if_modified(|names| names.insert(namespace.to_owned()));
    }

    /// Starts to listen, if anybody wants to hear; needs a runtime.
    pub(super) fn start(&self, cache: &RedisCache) {
        let mut task = lock(&self.task);
        if task.is_some() || lock(&self.listeners).is_empty() {
            return;
        }
        let ear = Ear {
            client: self.client.clone(),
            clock: self.clock.clone(),
            sender: self.sender.clone(),
            listeners: self.listeners.clone(),
            namespaces: self.namespaces.subscribe(),
            cache: cache.downgrade(),
        };
        *task = Some(tokio::spawn(ear.listen()).abort_handle());
    }

    pub(super) fn stop(&self) {
        if let Some(task) = lock(&self.task).as_ref() {
            task.abort();
        }
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The task that listens.
struct Ear {
    client: Client,
    clock: Arc<dyn Clock>,
    sender: String,
    listeners: Arc<Mutex<Vec<InvalidationListener>>>,
    namespaces: watch::Receiver<BTreeSet<String>>,
    cache: super::cache::WeakRedisCache,
}

impl Ear {
    async fn listen(mut self) {
        let mut wait = FIRST_WAIT;
        loop {
            if let Ok(messages) = self.connect().await {
                wait = FIRST_WAIT;
                let end = self.hear(messages).await;
                tracing::warn!(error = ?end.err(), "invalidations are not heard any more");
                self.tell(&Selector::All);
            }
            self.clock.sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    async fn connect(&self) -> RedisResult<PubSub> {
        let mut pubsub = self.client.get_async_pubsub().await?;
        pubsub.subscribe(message::CHANNEL).await?;
        Ok(pubsub)
    }

    /// Listens until the connection ends.
    async fn hear(&mut self, pubsub: PubSub) -> RedisResult<()> {
        let (mut sink, mut messages) = pubsub.split();
        let mut heard = BTreeSet::new();
        loop {
            let wanted = self.namespaces.borrow_and_update().clone();
            for namespace in wanted.difference(&heard) {
                sink.subscribe(message::channel(namespace)).await?;
            }
            heard = wanted;
            tokio::select! {
                said = messages.next() => {
                    let Some(said) = said else { return Ok(()) };
                    for selector in message::read(said.get_payload_bytes(), &self.sender) {
                        self.tell(&selector);
                    }
                }
                changed = self.namespaces.changed() => {
                    if changed.is_err() {
                        return Ok(());
                    }
                }
            }
        }
    }

    fn tell(&self, selector: &Selector) {
        if let Some(cache) = self.cache.upgrade() {
            cache.note_remote(selector);
        }
        let listeners = lock(&self.listeners).clone();
        listeners.iter().for_each(|listener| listener(selector));
    }
}
