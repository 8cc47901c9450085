//! A worker's side of a queue: a stream of items that are its own for as long as it gives a sign of
//! life, and the way back for their results.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{Stream, StreamExt as _, stream};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::task::JoinHandle;

use super::{QueueError, QueueResult, RedisQueue};
use crate::shared::lock;
use crate::{Ended, Hooks, Processor, Strategies, WorkItem};

/// How a worker works.
#[derive(Clone, Debug)]
#[must_use]
pub struct WorkerOptions {
    name: String,
    lease: Duration,
    ahead: usize,
}

impl WorkerOptions {
    /// A worker of this name, which no other worker of the queue has.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            lease: Duration::from_secs(60),
            ahead: 32,
        }
    }

    /// How long a silent worker keeps its items: a minute unless set.
    pub fn with_lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// How many items are taken at once: 32 unless set.
    pub fn with_items_at_once(mut self, items: usize) -> Self {
        self.ahead = items.max(1);
        self
    }
}

/// Where an item stands in the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    entry: String,
}

/// The entries that a worker holds.
type Holding = Arc<Mutex<HashSet<String>>>;

impl RedisQueue {
    /// Works on the items of the queue until each has a result, and tells how it went here.
    ///
    /// # Errors
    ///
    /// Fails when the server stays away, and when the strategy cannot be prepared.
    pub async fn work<I, O>(
        &self,
        processor: Processor,
        strategies: impl Into<Strategies<I, O>>,
        options: WorkerOptions,
    ) -> Result<Ended, WorkerError>
    where
        I: DeserializeOwned + Send + Sync + 'static,
        O: Serialize + Send + Sync + 'static,
    {
        self.make_group().await?;
        let holding = Holding::default();
        let _alive = Alive::start(self, &options, &holding);
        let items = self.items::<I>(&options, &holding);
        let processor = processor.with_order(crate::Order::Completion);
        let owner = self.run().await?;
        // One worker at a time prepares: it makes the context cache that the others find. Who had to
        // wait until everything was done makes none, since nobody would delete it.
        let run = self.alone(async {
            let is_deleted = owner.is_some() && self.run().await? != owner;
            if is_deleted || self.is_finished().await? {
                return Ok::<_, WorkerError>(None);
            }
            let run = Box::pin(processor.start_with(strategies, items, Hooks::new()));
            Ok(Some(run.await?))
        });
        let Some(mut run) = run.await?? else {
            return Ok(Ended::default());
        };
        while let Some(result) = run.next().await {
            let Claimed { entry } = result.context.clone();
            // What only says how the run ended is for another worker.
            if !result
                .category()
                .is_some_and(crate::Category::is_collateral)
            {
                let result = QueueResult::new(result, &options.name);
                self.commit(&entry, &result).await?;
            }
            lock(&holding).remove(&entry);
        }
        Ok(run.finish().await?)
    }

    /// Items as they can be had. The stream ends when every item has a result.
    fn items<I: DeserializeOwned + Send + 'static>(
        &self,
        options: &WorkerOptions,
        holding: &Holding,
    ) -> impl Stream<Item = WorkItem<I, Claimed>> + Send + 'static {
        let taking = Taking {
            queue: self.clone(),
            options: options.clone(),
            holding: Arc::clone(holding),
            taken: VecDeque::new(),
        };
        stream::unfold(taking, |mut taking| async {
            let (entry, id, item) = taking.next().await?;
            let item = WorkItem::new(id, item).with_context(Claimed { entry });
            Some((item, taking))
        })
    }

    async fn read_new(&self, options: &WorkerOptions) -> Result<Entries, QueueError> {
        let mut read = redis::cmd("XREADGROUP");
        read.arg("GROUP").arg("workers").arg(&options.name);
        read.arg("COUNT").arg(options.ahead);
        read.arg("STREAMS").arg(self.key("items")).arg(">");
        let streams: Option<Vec<(String, Entries)>> = self.query(&read).await?;
        let streams = streams.unwrap_or_default();
        Ok(streams
            .into_iter()
            .flat_map(|(_, entries)| entries)
            .collect())
    }

    /// Items of workers that have fallen silent.
    async fn read_lost(&self, options: &WorkerOptions) -> Result<Entries, QueueError> {
        let mut claim = redis::cmd("XAUTOCLAIM");
        claim
            .arg(self.key("items"))
            .arg("workers")
            .arg(&options.name);
        claim.arg(millis(options.lease)).arg("0");
        claim.arg("COUNT").arg(options.ahead);
        let (_, entries, _): (String, Entries, Vec<String>) = self.query(&claim).await?;
        Ok(entries)
    }
}

/// Entries of a stream with their fields.
type Entries = Vec<(String, Vec<String>)>;

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

struct Taking {
    queue: RedisQueue,
    options: WorkerOptions,
    holding: Holding,
    taken: VecDeque<(String, Vec<String>)>,
}

impl Taking {
    /// The next item; `None` when every item has a result, or when the server stays away.
    async fn next<I: DeserializeOwned>(&mut self) -> Option<(String, String, I)> {
        loop {
            if let Some((entry, fields)) = self.taken.pop_front() {
                match parse(&fields) {
                    Some((id, item)) => return Some((entry, id, item)),
                    None => {
                        tracing::error!(entry, "an entry of the queue cannot be read");
                        lock(&self.holding).remove(&entry);
                        continue;
                    }
                }
            }
            match self.refill().await {
                Ok(true) => {}
                Ok(false) => return None,
                // The queue was deleted once everything was done.
                Err(error) if error.to_string().contains("NOGROUP") => return None,
                Err(error) => {
                    tracing::error!(%error, "the queue is gone");
                    return None;
                }
            }
        }
    }

    /// Takes more items; false when there will be none.
    async fn refill(&mut self) -> Result<bool, QueueError> {
        let mut entries = self.queue.read_new(&self.options).await?;
        if entries.is_empty() {
            entries = self.queue.read_lost(&self.options).await?;
        }
        {
            let mut holding = lock(&self.holding);
            // What this worker holds already is being worked on.
            entries.retain(|(entry, _)| holding.insert(entry.clone()));
        }
        if entries.is_empty() {
            if self.queue.is_finished().await? {
                return Ok(false);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        self.taken.extend(entries);
        Ok(true)
    }
}

/// The id and the item of an entry.
fn parse<I: DeserializeOwned>(fields: &[String]) -> Option<(String, I)> {
    let [_, id, _, item] = fields else {
        return None;
    };
    Some((id.clone(), serde_json::from_str(item).ok()?))
}

/// Gives a sign of life for what a worker holds, until it is dropped.
struct Alive(JoinHandle<()>);

impl Alive {
    fn start(queue: &RedisQueue, options: &WorkerOptions, holding: &Holding) -> Self {
        let (queue, options) = (queue.clone(), options.clone());
        let holding = Arc::clone(holding);
        Self(tokio::spawn(async move {
            loop {
                tokio::time::sleep(options.lease / 3).await;
                let held: Vec<String> = lock(&holding).iter().cloned().collect();
                if held.is_empty() {
                    continue;
                }
                let mut claim = redis::cmd("XCLAIM");
                claim
                    .arg(queue.key("items"))
                    .arg("workers")
                    .arg(&options.name);
                claim.arg(0).arg(&held).arg("JUSTID");
                if let Err(error) = queue.query::<Vec<String>>(&claim).await {
                    tracing::warn!(%error, "no sign of life could be given");
                }
            }
        }))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Why a worker stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkerError {
    /// The queue.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The run.
    #[error(transparent)]
    Run(#[from] crate::RunError),
}
