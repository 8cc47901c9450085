//! Items through Gemini's own batch jobs: at half the price, within a day. The names of the jobs are
//! kept in a file before they are waited for, so that a process that is killed finds them again.

use std::collections::HashMap;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use gimmal_client::gemini::GeminiClient;
use gimmal_client::transport::{Clock, TokioClock};
use gimmal_client::types::gemini::{BatchJob, BatchJobSource, GenerateContentResponse, JobState};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::digest::short_hex;
use crate::strategies::{Answer, GeminiStrategy, outcome_of};
use crate::{
    Category, Classifier as _, Failure, GeminiErrorClassifier, Outcome, WorkItem, WorkItemResult,
};

/// Requests of one job.
const PER_JOB: usize = 10_000;
const FIRST_POLL: Duration = Duration::from_secs(1);
const LONGEST_POLL: Duration = Duration::from_secs(60);

/// What happens to the jobs of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JobEvent {
    /// A job was handed in.
    Submitted {
        /// Its name, such as `batches/abc`.
        name: String,
        /// Its requests.
        items: usize,
    },
    /// A job of an earlier process was found again; nothing was sent.
    Found {
        /// Its name.
        name: String,
    },
    /// A job was looked at.
    Polled {
        /// Its name.
        name: String,
        /// Where it is in its life.
        state: JobState,
    },
}

/// Runs items as batch jobs of the service.
///
/// ```no_run
/// # use gimmal_batch::engines::GeminiBatch;
/// # use gimmal_batch::strategies::GeminiStrategy;
/// # use gimmal_batch::{Failure, WorkItem};
/// # use gimmal_client::gemini::GeminiClient;
/// # async fn run(client: GeminiClient, strategy: GeminiStrategy) -> Result<(), Failure> {
/// let engine = GeminiBatch::new(&client, "gemini-2.5-flash", "run.jobs.json");
/// let items = vec![WorkItem::new("a", "What is a gimmal?".to_owned())];
/// let results = engine.run(&strategy, items, |event| tracing::info!(?event)).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct GeminiBatch {
    client: GeminiClient,
    model: String,
    kept: PathBuf,
    per_job: usize,
    clock: Arc<dyn Clock>,
}

/// The jobs that are under way, by what is asked in them.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Jobs {
    jobs: HashMap<String, String>,
}

impl GeminiBatch {
    /// Jobs for a model; their names are kept in the file `kept` while they run.
    pub fn new(client: &GeminiClient, model: impl Into<String>, kept: impl AsRef<Path>) -> Self {
        Self {
            client: client.clone(),
            model: model.into(),
            kept: kept.as_ref().to_owned(),
            per_job: PER_JOB,
            clock: Arc::new(TokioClock),
        }
    }

    /// So many requests in a job at the most; 10,000 unless set.
    #[must_use]
    pub fn with_requests_per_job(mut self, requests: usize) -> Self {
        self.per_job = requests.max(1);
        self
    }

    /// The clock of the waits between two looks at a job.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Hands the items in, waits for the jobs, and gives one result for each item in their order.
    ///
    /// Each prompt is sent with its context and settings, as the strategy would without a cache.
    /// Items that a job gave no answer to have a failure that another try may mend.
    ///
    /// # Errors
    ///
    /// Fails when a job cannot be handed in or looked at, and when the file of jobs cannot be
    /// written. Jobs that were handed in go on, and the next run with the same file finds them.
    pub async fn run<C>(
        &self,
        strategy: &GeminiStrategy,
        items: Vec<WorkItem<String, C>>,
        mut tell: impl FnMut(JobEvent),
    ) -> Result<Vec<WorkItemResult<Answer, C>>, Failure> {
        let mut names = Vec::new();
        for part in items.chunks(self.per_job) {
            names.push(self.submit(strategy, part, &mut tell).await?);
        }
        let mut answers = HashMap::new();
        // What became of each job that did not come to its end.
        let mut unfinished = Vec::new();
        for (digest, name) in &names {
            let mut job = self.wait(name, &mut tell).await?;
            let state = job.state.take();
            let is_done = matches!(
                state,
                Some(JobState::Succeeded | JobState::PartiallySucceeded)
            );
            if !is_done {
                tracing::warn!(name, ?state, "a batch job did not come to its end");
            }
            // One that was cancelled or expired may have answers all the same, or none for good.
            match self.answers(job).await {
                Ok(found) => answers.extend(found),
                Err(failure) if !is_done => {
                    tracing::warn!(name, error = %failure, "its answers cannot be read");
                }
                Err(failure) => return Err(failure),
            }
            unfinished.push(state.filter(|_| !is_done).map(|state| (name, state)));
            self.forget(digest)?;
        }
        let results = items.into_iter().enumerate().map(|(place, item)| {
            let missing = || {
                let message = match &unfinished[place / self.per_job] {
                    Some((name, state)) => {
                        format!("{name} ended {}, with no answer to the item", plain(state))
                    }
                    None => "the batch job gave no answer to the item".to_owned(),
                };
                Err(Failure::new(Category::ServerError, message))
            };
            let submission_index = place as u64;
            WorkItemResult {
                outcome: answers.remove(&item.id).unwrap_or_else(missing),
                id: item.id,
                submission_index,
                latency: Duration::ZERO,
                attempts: Vec::new(),
                is_replayed: false,
                deduplicated_from: None,
                context: item.context,
            }
        });
        Ok(results.collect())
    }

    /// Hands a job in, unless it was; gives what it is kept under, and its name.
    async fn submit<C>(
        &self,
        strategy: &GeminiStrategy,
        items: &[WorkItem<String, C>],
        tell: &mut impl FnMut(JobEvent),
    ) -> Result<(String, String), Failure> {
        let lines = requests(strategy, items)?;
        let digest = short_hex([self.model.as_bytes(), &lines]);
        if let Some(name) = self.find(&digest).await? {
            tell(JobEvent::Found { name: name.clone() });
            return Ok((digest, name));
        }
        let upload = self.client.files().upload(lines);
        let file = upload
            .set_mime_type("application/jsonl")
            .send()
            .await?
            .into_body();
        let nameless =
            |what| Failure::new(Category::ApiError, format!("the service named no {what}"));
        let file = file.name.ok_or_else(|| nameless("file"))?;
        let source: BatchJobSource = file.parse().map_err(|_| {
            Failure::new(Category::ApiError, format!("{file} is no file of requests"))
        })?;
        let job = self
            .client
            .batches()
            .create(&self.model, source)
            .set_display_name(display_name(&digest))
            .send()
            .await?
            .into_body();
        let name = job.name.ok_or_else(|| nameless("job"))?;
        self.keep(&digest, &name)?;
        tell(JobEvent::Submitted {
            name: name.clone(),
            items: items.len(),
        });
        Ok((digest, name))
    }

    /// The job with these requests that an earlier process handed in. One that was killed between
    /// handing it in and keeping its name finds it among the service's jobs.
    async fn find(&self, digest: &str) -> Result<Option<String>, Failure> {
        if let Some(name) = self.load()?.jobs.remove(digest) {
            return Ok(Some(name));
        }
        let wanted = display_name(digest);
        let mut jobs = self.client.batches().list().items();
        while let Some(job) = jobs.try_next().await? {
            let usable = !matches!(
                job.state,
                Some(JobState::Failed | JobState::Cancelled | JobState::Expired)
            );
            if job.display_name.as_ref() == Some(&wanted) && usable {
                return Ok(job.name);
            }
        }
        Ok(None)
    }

    async fn wait(&self, name: &str, tell: &mut impl FnMut(JobEvent)) -> Result<BatchJob, Failure> {
        let mut pause = FIRST_POLL;
        loop {
            let job = self.client.batches().get(name).send().await?.into_body();
            if let Some(state) = job.state.clone() {
                tell(JobEvent::Polled {
                    name: name.to_owned(),
                    state,
                });
            }
            if job.is_done() {
                return Ok(job);
            }
            self.clock.sleep(pause).await;
            pause = pause.mul_f64(1.5).min(LONGEST_POLL);
        }
    }

    /// The answers of a job by the names of their items.
    async fn answers(
        &self,
        job: BatchJob,
    ) -> Result<Vec<(String, Result<Outcome<Answer>, Failure>)>, Failure> {
        let file = job.dest.and_then(|dest| dest.file_name);
        let Some(file) = file else {
            return Ok(Vec::new());
        };
        let bytes = self.client.files().download(file).send().await?.into_body();
        let lines = bytes.split(|byte| *byte == b'\n');
        Ok(lines
            .filter_map(|line| serde_json::from_slice(line).ok())
            .filter_map(answer)
            .collect())
    }

    fn load(&self) -> Result<Jobs, Failure> {
        match std::fs::read(&self.kept) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| self.unusable(&error)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Jobs::default()),
            Err(error) => Err(self.unusable(&error)),
        }
    }

    fn keep(&self, digest: &str, name: &str) -> Result<(), Failure> {
        let mut jobs = self.load()?;
        jobs.jobs.insert(digest.to_owned(), name.to_owned());
        self.store(&jobs)
    }

    fn forget(&self, digest: &str) -> Result<(), Failure> {
        let mut jobs = self.load()?;
        jobs.jobs.remove(digest);
        if !jobs.jobs.is_empty() {
            return self.store(&jobs);
        }
        match std::fs::remove_file(&self.kept) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(self.unusable(&error))
            }
            _ => Ok(()),
        }
    }

    /// Replaces the file in one step.
    fn store(&self, jobs: &Jobs) -> Result<(), Failure> {
        let mut part = self.kept.clone().into_os_string();
        part.push(".part");
        let part = PathBuf::from(part);
        let write = || {
            let mut file = File::create(&part)?;
            file.write_all(&serde_json::to_vec(jobs)?)?;
            file.sync_all()?;
            std::fs::rename(&part, &self.kept)
        };
        write().map_err(|error| self.unusable(&error))
    }

    fn unusable(&self, error: &dyn std::error::Error) -> Failure {
        let shown = self.kept.display();
        let message = format!("the file of jobs {shown}: {error}");
        Failure::new(Category::LogicError, message)
    }
}

/// The state of a job in plain words, such as `expired`.
fn plain(state: &JobState) -> String {
    let name = state.to_string().to_lowercase();
    name.trim_start_matches("job_state_").replace('_', " ")
}

fn display_name(digest: &str) -> String {
    format!("gimmal-{digest}")
}

/// The lines of a file of requests.
fn requests<C>(
    strategy: &GeminiStrategy,
    items: &[WorkItem<String, C>],
) -> Result<Vec<u8>, Failure> {
    let mut lines = Vec::new();
    for item in items {
        let line = json!({"key": item.id, "request": strategy.request_for(&item.input)});
        serde_json::to_writer(&mut lines, &line)
            .map_err(|error| Failure::new(Category::LogicError, error.to_string()))?;
        lines.push(b'\n');
    }
    Ok(lines)
}

/// The HTTP status that stands for a code of `google.rpc`, or for itself.
fn status_of(code: u64) -> Option<u16> {
    Some(match code {
        3 | 9 | 11 => 400,
        4 => 504,
        5 => 404,
        6 | 10 => 409,
        7 => 403,
        8 => 429,
        2 | 13 | 15 => 500,
        14 => 503,
        16 => 401,
        status => u16::try_from(status).ok().filter(|status| *status >= 400)?,
    })
}

/// One line of a file of answers.
fn answer(mut line: Value) -> Option<(String, Result<Outcome<Answer>, Failure>)> {
    let key = line.get("key")?.as_str()?.to_owned();
    if let Some(reply) = line.get_mut("response") {
        let reply: GenerateContentResponse = match serde_json::from_value(reply.take()) {
            Ok(reply) => reply,
            Err(error) => {
                let message = format!("the answer cannot be read: {error}");
                return Some((key, Err(Failure::new(Category::ApiError, message))));
            }
        };
        return Some((key, outcome_of(reply, 1)));
    }
    let error = line.get("error").unwrap_or(&Value::Null);
    let message = error["message"].as_str().unwrap_or("the item failed");
    let mut failure = Failure::new(Category::Unknown, message).with_attempts(1);
    failure.status = error["code"].as_u64().and_then(status_of);
    failure.category = GeminiErrorClassifier.classify(&failure);
    Some((key, Err(failure)))
}
