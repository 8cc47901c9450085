//! A batch over several machines: one command adds the prompts and gathers the answers, workers make
//! them.

use std::collections::HashMap;
use std::num::{NonZeroU32, NonZeroU64};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use gimmal_batch::queue::{RedisLimits, RedisQueue, WorkerOptions};
use gimmal_batch::strategies::{Answer, GeminiCachedStrategy, GeminiStrategy};
use gimmal_batch::{Processor, RetryConfig, Shared, Shutdown};
use gimmal_client::gemini::GeminiClient;
use gimmal_client::gemini::planner::{Mode, ModelFacts, Planner, PlannerOptions, Prefix};
use gimmal_client::types::gemini::{Content, GenerateContentRequest};
use serde::{Deserialize, Serialize};

use super::prompts::PlacedItem;
use super::shared_cache::{End, SharedCache, Upkeep};
use super::sink::Sink;
use crate::args::{Batch, CacheMode, Connection};
use crate::batch_args::BatchWorker;
use crate::config::without_credentials;
use crate::connect::{Connected, connect};
use crate::exit::Failure;
use crate::interrupt;

/// What workers need to know.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Job {
    model: String,
    system: Option<String>,
    context: Option<String>,
    /// True when the context goes into a cache that all workers share.
    cached: bool,
    settings: GenerateContentRequest,
    max_attempts: NonZeroU32,
    rpm: Option<NonZeroU64>,
    tpm: Option<NonZeroU64>,
    attempt_timeout: Option<Duration>,
    item_timeout: Option<Duration>,
}

impl Job {
    /// The job of a command. The context is cached if it is long enough for the model.
    pub(super) fn new(
        args: &Batch,
        context: Option<&String>,
        context_tokens: u32,
        facts: Option<&ModelFacts>,
    ) -> Self {
        let least = facts.and_then(|facts| facts.explicit_min);
        let cached = args.cache != CacheMode::Off
            && context.is_some()
            && least.is_some_and(|least| context_tokens >= least);
        Self {
            model: args.model.clone(),
            system: args.system.clone(),
            context: context.cloned(),
            cached,
            settings: args.sampling.to_settings(),
            max_attempts: args.max_attempts,
            rpm: args.pace.rpm,
            tpm: args.pace.tpm,
            attempt_timeout: args.pace.attempt_timeout,
            item_timeout: args.pace.item_timeout,
        }
    }

    /// The strategy over the cache that all workers share, if there is to be one.
    fn over_cache(&self, client: &GeminiClient) -> anyhow::Result<Option<GeminiCachedStrategy>> {
        let (true, Some(context)) = (self.cached, &self.context) else {
            return Ok(None);
        };
        let contents = [Content::user(context)];
        let mut strategy = GeminiCachedStrategy::builder(client, &self.model, contents)
            .with_settings(self.settings.clone());
        if let Some(system) = &self.system {
            strategy = strategy.with_system_instruction(Content::text(system));
        }
        Ok(Some(strategy.build()?))
    }

    fn strategy(&self, connected: &Connected) -> anyhow::Result<Shared<String, Answer>> {
        let client = &connected.client;
        if let Some(strategy) = self.over_cache(client)? {
            return Ok(Shared::new(strategy));
        }
        let mut options = PlannerOptions::default();
        options.mode = Mode::Off;
        let planner = Planner::builder(client).with_options(options).build();
        let prefix = Prefix {
            system_instruction: self.system.as_ref().map(Content::text),
            contents: self.context.iter().map(Content::user).collect(),
            ..Prefix::default()
        };
        let strategy = GeminiStrategy::builder(client, &planner, &self.model)
            .with_shared_context(prefix)
            .with_settings(self.settings.clone());
        Ok(Shared::new(strategy.build()?))
    }
}

async fn open(url: &str, name: &str) -> anyhow::Result<RedisQueue> {
    let queue = RedisQueue::connect(url, name).await;
    queue.map_err(|error| {
        let shown = without_credentials(url);
        Failure::service(format!("cannot use the queue on {shown}: {error}"))
    })
}

/// Adds the prompts and gathers the answers until there are all of them, or the user stops; gives
/// what the workers' cache came to.
pub(super) async fn run(
    client: &GeminiClient,
    args: &Batch,
    run_id: &str,
    job: &Job,
    pending: Vec<PlacedItem>,
    shutdown: &Shutdown,
    sink: &mut Sink<'_>,
) -> anyhow::Result<Upkeep> {
    let url = args.pace.queue.as_deref().unwrap_or_default();
    let queue = open(url, &args.pace.queue_name).await?;
    let cache = match job.over_cache(client)? {
        Some(strategy) => Some(SharedCache::watch(client, strategy).await),
        None => None,
    };
    let end = async |end| match &cache {
        Some(cache) => cache.end(end).await,
        None => Ok(Upkeep::default()),
    };
    queue
        .open(run_id, job)
        .await
        .map_err(|error| Failure::usage(error.to_string()))?;
    let items = pending
        .iter()
        .map(|item| (item.id.clone(), item.input.as_str()));
    queue.push(items).await.context("adding the prompts")?;
    let mut open: HashMap<String, _> = pending
        .into_iter()
        .map(|item| (item.id, item.context))
        .collect();
    let mut cursor = "0".to_owned();
    while !open.is_empty() {
        if shutdown.is_draining() {
            return Ok(end(End::Leave).await?);
        }
        let results = queue.results::<Answer>(&cursor).await;
        let (results, next) = results.context("reading the answers")?;
        cursor = next;
        for result in results {
            // Answers of an earlier command that are written already are not asked for.
            if let Some(context) = open.remove(&result.id) {
                sink.take_from_queue(result.into_result(context.0, context))?;
            }
        }
    }
    // No worker makes or looks for a cache meanwhile, and none does once there are all answers.
    let ended = queue.alone(end(match args.keep_cache {
        true => End::Keep,
        false => End::Delete,
    }));
    let upkeep = ended.await.context("ending the cache of the workers")??;
    queue.delete().await.context("deleting the queue")?;
    Ok(upkeep)
}

/// Works on the prompts of a queue until each has an answer.
pub(crate) async fn worker(connection: &Connection, args: BatchWorker) -> anyhow::Result<ExitCode> {
    let queue = open(&args.queue, &args.queue_name).await?;
    let shutdown = Shutdown::new();
    let how = "what this worker has taken goes to the others after its lease".to_owned();
    let _watch = interrupt::watch(shutdown.clone(), how);
    let job = loop {
        if let Some(job) = queue.job::<Job>().await.context("reading the job")? {
            break job;
        }
        if shutdown.is_draining() {
            return Ok(ExitCode::SUCCESS);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    };
    let connected = connect(connection).await?;
    let strategy = job.strategy(&connected)?;
    let mut processor = Processor::new()
        .with_concurrency(args.concurrency)
        .with_retry(RetryConfig::new().with_max_attempts(job.max_attempts))
        .with_shutdown(shutdown);
    if job.rpm.is_some() || job.tpm.is_some() {
        let limits = RedisLimits::new(&queue, job.rpm, job.tpm);
        processor = processor.with_shared_limits(Arc::new(limits));
    }
    if let Some(timeout) = job.attempt_timeout {
        processor = processor.with_attempt_timeout(timeout);
    }
    if let Some(timeout) = job.item_timeout {
        processor = processor.with_item_timeout(timeout);
    }
    let name = args
        .name
        .unwrap_or_else(|| format!("worker-{}", std::process::id()));
    let options = WorkerOptions::new(name)
        .with_lease(args.lease)
        .with_items_at_once(args.concurrency.get());
    let worked = queue.work(processor, strategy, options).await;
    connected.close().await;
    let ended = worked.map_err(|error| Failure::service(error.to_string()))?;
    let stats = &ended.stats;
    let line = format!("{} answered, {} failed", stats.succeeded, stats.failed);
    crate::output::line(&line)?;
    Ok(ExitCode::SUCCESS)
}
