//! A queue of items on Redis that workers on any number of machines take from: a stream with a
//! group of consumers, and one result for each item whoever made it and however often.
//!
//! An item is given to one worker at a time. A worker that falls silent for longer than the lease
//! loses what it holds to the others, so an item may be worked on twice; its first result stands.

mod limits;
mod scripts;
mod worker;

use std::fmt;
use std::time::Duration;

use redis::FromRedisValue;
use redis::aio::ConnectionManager;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{AttemptTiming, Category, Failure, Outcome, Usage, WorkItemResult};
use scripts::{COMMIT, PUSH};

pub use limits::RedisLimits;
pub use worker::{Claimed, WorkerError, WorkerOptions};

/// How long a command is tried again while the server is away.
const PATIENCE: Duration = Duration::from_secs(60);
/// Items that are pushed at once.
const PIECE: usize = 500;

/// A queue that is wrong, or a server that stays away.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueueError {
    /// The server cannot be reached, or refuses.
    #[error("redis: {0}")]
    Redis(#[from] redis::RedisError),
    /// The queue holds another run.
    #[error("the queue {queue} belongs to another run; name another queue, or delete it")]
    OtherRun {
        /// Its name.
        queue: String,
    },
    /// Something in the queue cannot be read.
    #[error("the queue holds something that is not of this program: {0}")]
    Foreign(#[from] serde_json::Error),
}

/// What a worker makes of an item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct QueueResult<O> {
    /// The item.
    pub id: String,
    /// The output; `None` for a failure.
    pub output: Option<O>,
    /// Why there is none.
    pub error: Option<QueueFailure>,
    /// Tokens it took.
    pub usage: Usage,
    /// Requests on the wire.
    pub attempts: u32,
    /// Who did it.
    pub worker: String,
    /// From the start of the worker's work on it to its end.
    #[serde(default)]
    pub latency: Duration,
    /// What each try took.
    #[serde(default)]
    pub timings: Vec<AttemptTiming>,
}

/// Why an item of a queue failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct QueueFailure {
    /// What sort of failure.
    pub category: Category,
    /// What happened, for a person.
    pub message: String,
}

impl<O> QueueResult<O> {
    fn new<C>(result: WorkItemResult<O, C>, worker: &str) -> Self {
        let (usage, attempts) = (result.usage(), result.attempts());
        let (output, error) = match result.outcome {
            Ok(outcome) => (Some(outcome.output), None),
            Err(failure) => {
                let Failure {
                    category, message, ..
                } = failure;
                (None, Some(QueueFailure { category, message }))
            }
        };
        Self {
            id: result.id,
            output,
            error,
            usage,
            attempts,
            worker: worker.to_owned(),
            latency: result.latency,
            timings: result.attempts,
        }
    }

    /// The result as a run gives it.
    pub fn into_outcome(self) -> Result<Outcome<O>, Failure> {
        match (self.output, self.error) {
            (Some(output), _) => Ok(Outcome::new(output, self.usage, self.attempts)),
            (None, error) => {
                let (category, message) = match error {
                    Some(error) => (error.category, error.message),
                    None => (Category::Unknown, "the result is empty".to_owned()),
                };
                let failure = Failure::new(category, message).with_usage(self.usage);
                Err(failure.with_attempts(self.attempts))
            }
        }
    }
}

impl<O> QueueResult<O> {
    /// The result as a run gives it, for the item at this place of the input.
    pub fn into_result<C>(mut self, submission_index: u64, context: C) -> WorkItemResult<O, C> {
        WorkItemResult {
            id: self.id.clone(),
            submission_index,
            latency: self.latency,
            attempts: std::mem::take(&mut self.timings),
            outcome: self.into_outcome(),
            is_replayed: false,
            deduplicated_from: None,
            context,
        }
    }
}

/// A queue by its name. Clones share the connection.
#[derive(Clone)]
pub struct RedisQueue {
    connection: ConnectionManager,
    name: String,
}

impl fmt::Debug for RedisQueue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RedisQueue")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl RedisQueue {
    /// Connects to a server, for the queue of this name.
    ///
    /// # Errors
    ///
    /// Fails when the address is wrong or the server cannot be reached.
    pub async fn connect(url: &str, name: impl Into<String>) -> Result<Self, QueueError> {
        let client = redis::Client::open(url)?;
        Ok(Self {
            connection: client.get_connection_manager().await?,
            name: name.into(),
        })
    }

    /// The key of one part of the queue. The braces keep all parts on one node of a cluster.
    fn key(&self, part: &str) -> String {
        format!("gimmal:{{{}}}:{part}", self.name)
    }

    /// Runs a command that may be repeated, for as long as the server may be away.
    async fn query<T: FromRedisValue>(&self, command: &redis::Cmd) -> Result<T, QueueError> {
        let until = tokio::time::Instant::now() + PATIENCE;
        loop {
            let mut connection = self.connection.clone();
            match command.query_async(&mut connection).await {
                Ok(value) => return Ok(value),
                Err(error) if may_pass(&error) && tokio::time::Instant::now() < until => {
                    tracing::debug!(%error, "redis is away");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Runs a script that may be repeated.
    async fn eval<T: FromRedisValue>(
        &self,
        script: &str,
        keys: &[String],
        arguments: &[Vec<u8>],
    ) -> Result<T, QueueError> {
        let mut command = redis::cmd("EVAL");
        command.arg(script).arg(keys.len()).arg(keys);
        for argument in arguments {
            command.arg(argument.as_slice());
        }
        self.query(&command).await
    }

    /// Makes the queue for a run, or finds it as an earlier process of the same run left it. `job`
    /// is what workers need to know to do it.
    ///
    /// # Errors
    ///
    /// Fails when the queue belongs to another run.
    pub async fn open(&self, run: &str, job: &impl Serialize) -> Result<(), QueueError> {
        let mut claim = redis::cmd("HSETNX");
        claim.arg(self.key("meta")).arg("run").arg(run);
        self.query::<i64>(&claim).await?;
        let mut read = redis::cmd("HGET");
        read.arg(self.key("meta")).arg("run");
        if self.query::<String>(&read).await? != run {
            return Err(QueueError::OtherRun {
                queue: self.name.clone(),
            });
        }
        let mut set = redis::cmd("HSET");
        let job = serde_json::to_string(job)?;
        set.arg(self.key("meta")).arg("job").arg(job);
        self.query::<i64>(&set).await?;
        self.make_group().await
    }

    /// What workers need to know; `None` before the queue is made.
    pub async fn job<J: DeserializeOwned>(&self) -> Result<Option<J>, QueueError> {
        let mut read = redis::cmd("HGET");
        read.arg(self.key("meta")).arg("job");
        let job: Option<String> = self.query(&read).await?;
        Ok(job.map(|job| serde_json::from_str(&job)).transpose()?)
    }

    async fn make_group(&self) -> Result<(), QueueError> {
        let mut make = redis::cmd("XGROUP");
        make.arg("CREATE").arg(self.key("items")).arg("workers");
        make.arg("0").arg("MKSTREAM");
        match self.query::<String>(&make).await {
            Err(QueueError::Redis(error)) if error.to_string().contains("BUSYGROUP") => Ok(()),
            other => other.map(drop),
        }
    }

    /// Adds items, each an id with whatever a worker needs of it. What an earlier process of the same
    /// run added is not added again, so the items must come in the same order.
    ///
    /// # Errors
    ///
    /// Fails when the server stays away.
    pub async fn push<I: Serialize>(
        &self,
        items: impl IntoIterator<Item = (String, I)>,
    ) -> Result<u64, QueueError> {
        let keys = [self.key("items"), self.key("meta")];
        let mut items = items.into_iter();
        let mut first = 0_u64;
        loop {
            let mut arguments = vec![first.to_string().into_bytes()];
            for (id, item) in items.by_ref().take(PIECE) {
                arguments.push(id.into_bytes());
                arguments.push(serde_json::to_vec(&item)?);
            }
            let count = (arguments.len() as u64 - 1) / 2;
            if count == 0 {
                break;
            }
            self.eval::<u64>(PUSH, &keys, &arguments).await?;
            first += count;
        }
        let mut total = redis::cmd("HSET");
        total.arg(self.key("meta")).arg("total").arg(first);
        self.query::<i64>(&total).await?;
        Ok(first)
    }

    /// The run that the queue belongs to; `None` before it is made and after it is deleted.
    async fn run(&self) -> Result<Option<String>, QueueError> {
        let mut read = redis::cmd("HGET");
        read.arg(self.key("meta")).arg("run");
        self.query(&read).await
    }

    /// How many items there are in all; `None` until all were added.
    pub async fn total(&self) -> Result<Option<u64>, QueueError> {
        let mut read = redis::cmd("HGET");
        read.arg(self.key("meta")).arg("total");
        self.query(&read).await
    }

    /// How many have a result.
    pub async fn done(&self) -> Result<u64, QueueError> {
        let mut length = redis::cmd("HLEN");
        length.arg(self.key("results"));
        self.query(&length).await
    }

    /// True once every item has a result.
    pub async fn is_finished(&self) -> Result<bool, QueueError> {
        match self.total().await? {
            Some(total) => Ok(self.done().await? >= total),
            None => Ok(false),
        }
    }

    /// Results that came after `cursor`, with the cursor to go on from; waits up to a second for
    /// the first. Begin with `"0"`.
    ///
    /// # Errors
    ///
    /// Fails when the server stays away, and on results of another program.
    pub async fn results<O: DeserializeOwned>(
        &self,
        cursor: &str,
    ) -> Result<(Vec<QueueResult<O>>, String), QueueError> {
        let mut range = redis::cmd("XRANGE");
        let from = match cursor {
            "0" => "-".to_owned(),
            after => format!("({after}"),
        };
        range
            .arg(self.key("done"))
            .arg(from)
            .arg("+")
            .arg("COUNT")
            .arg(1_000);
        type Entries = Vec<(String, Vec<String>)>;
        let mut entries: Entries = self.query(&range).await?;
        if entries.is_empty() {
            tokio::time::sleep(Duration::from_millis(200)).await;
            entries = self.query(&range).await?;
        }
        let next = entries.last().map_or(cursor, |(id, _)| id).to_owned();
        let mut results = Vec::new();
        for (_, fields) in &entries {
            let json = fields.get(1).map_or("", String::as_str);
            results.push(serde_json::from_str(json)?);
        }
        Ok((results, next))
    }

    /// Writes a result and takes its item off the queue, in one step. False when the item had one.
    async fn commit<O: Serialize>(
        &self,
        entry: &str,
        result: &QueueResult<O>,
    ) -> Result<bool, QueueError> {
        let keys = [self.key("items"), self.key("results"), self.key("done")];
        let arguments = [
            entry.as_bytes().to_vec(),
            result.id.clone().into_bytes(),
            serde_json::to_vec(result)?,
        ];
        let first: u64 = self.eval(COMMIT, &keys, &arguments).await?;
        Ok(first == 1)
    }

    /// Deletes the queue with all that belongs to it.
    ///
    /// # Errors
    ///
    /// Fails when the server stays away.
    pub async fn delete(&self) -> Result<(), QueueError> {
        let mut delete = redis::cmd("DEL");
        for part in ["items", "meta", "results", "done", "limits", "lock"] {
            delete.arg(self.key(part));
        }
        self.query::<u64>(&delete).await.map(drop)
    }

    /// Does something that only one of the workers may do at a time, such as making a context cache.
    ///
    /// # Errors
    ///
    /// Fails when the server stays away.
    pub async fn alone<T>(&self, work: impl Future<Output = T>) -> Result<T, QueueError> {
        const LEASE: u64 = 120_000;
        let token = format!("{:032x}", rand_token());
        loop {
            let mut take = redis::cmd("SET");
            take.arg(self.key("lock"))
                .arg(&token)
                .arg("NX")
                .arg("PX")
                .arg(LEASE);
            if self.query::<Option<String>>(&take).await?.is_some() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let done = work.await;
        let arguments = [token.into_bytes()];
        self.eval::<u64>(scripts::RELEASE, &[self.key("lock")], &arguments)
            .await?;
        Ok(done)
    }
}

/// A number that no other process has.
fn rand_token() -> u128 {
    use gimmal_client::transport::{Jitter as _, ThreadRngJitter};
    let half = || (ThreadRngJitter.fraction() * u64::MAX as f64) as u128;
    (half() << 64) | half()
}

/// True for an error that a server which comes back does not give.
fn may_pass(error: &redis::RedisError) -> bool {
    use redis::{ErrorKind, ServerErrorKind};
    error.is_io_error()
        || error.is_connection_dropped()
        || error.is_connection_refusal()
        || error.is_timeout()
        || matches!(
            error.kind(),
            ErrorKind::Server(
                ServerErrorKind::BusyLoading
                    | ServerErrorKind::ClusterDown
                    | ServerErrorKind::MasterDown
                    | ServerErrorKind::TryAgain
            )
        )
}
