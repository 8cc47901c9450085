//! Collects events and sends them in batches, in the background. What cannot be sent is given up:
//! telemetry never holds the program's own work up.

use std::fmt::Debug;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::{BoxFuture, Either, select};
use gimmal_transport::{Clock, Error, Jitter};
use gimmal_types::tinker::Severity;
use serde::Serialize;
use serde_json::{Map, Value};
use tokio::sync::Notify;

use super::{ErrorReport, EventFactory, EventQueue, resend_delay};

/// How often a waiter looks whether everything is sent.
const DRAIN_POLL: Duration = Duration::from_millis(100);

/// What is sent at once.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TelemetryBatch {
    /// The events, in order.
    pub events: Vec<Value>,
    /// The operating system.
    pub platform: &'static str,
    /// The version that the service knows the client by.
    pub sdk_version: String,
    /// The session that the events belong to.
    pub session_id: String,
    /// The process that they come from.
    pub process_uuid: String,
}

/// Where batches go.
pub trait TelemetrySink: Debug + Send + Sync + 'static {
    /// Sends a batch, once.
    fn send(&self, batch: TelemetryBatch) -> BoxFuture<'_, Result<(), Error>>;
}

/// Settings of a [`Reporter`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ReporterConfig {
    /// Events that may wait; 10,000.
    pub queue_limit: usize,
    /// Events in a batch; 100.
    pub batch_size: usize,
    /// So many events are sent without waiting for the interval; 100.
    pub flush_threshold: usize,
    /// Events are sent at least this often; every 10 s.
    pub flush_interval: Duration,
    /// How long the end waits for what is not sent yet; 30 s.
    pub drain_timeout: Duration,
    /// How often a batch is sent again before it is given up; 10 times.
    pub max_retries: u32,
    /// The wait before a batch is sent again, doubled each time; 1 s.
    pub retry_base: Duration,
}

impl Default for ReporterConfig {
    fn default() -> Self {
        Self {
            queue_limit: 10_000,
            batch_size: 100,
            flush_threshold: 100,
            flush_interval: Duration::from_secs(10),
            drain_timeout: Duration::from_secs(30),
            max_retries: 10,
            retry_base: Duration::from_secs(1),
        }
    }
}

/// Whose events a reporter sends.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) session_id: Arc<str>,
    pub(crate) sdk_version: Arc<str>,
    pub(crate) process_uuid: Arc<str>,
    /// Rest and admin clients have no session that begins and ends.
    pub(crate) has_session: bool,
}

/// Collects the events of a session and sends them.
#[derive(Debug)]
pub struct Reporter {
    config: ReporterConfig,
    identity: Identity,
    factory: EventFactory,
    queue: Mutex<EventQueue>,
    sink: Arc<dyn TelemetrySink>,
    clock: Arc<dyn Clock>,
    jitter: Arc<dyn Jitter>,
    flush: Notify,
    stopped: AtomicBool,
}

impl Reporter {
    /// Starts the sending in the background, on the current runtime.
    pub(crate) fn start(
        config: ReporterConfig,
        identity: Identity,
        sink: Arc<dyn TelemetrySink>,
        clock: Arc<dyn Clock>,
        jitter: Arc<dyn Jitter>,
    ) -> Arc<Self> {
        let reporter = Arc::new(Self {
            factory: EventFactory::new(Arc::clone(&clock), Arc::clone(&jitter)),
            queue: Mutex::new(EventQueue::new(config.queue_limit)),
            config,
            identity,
            sink,
            clock,
            jitter,
            flush: Notify::new(),
            stopped: AtomicBool::new(false),
        });
        if reporter.identity.has_session {
            reporter.push(reporter.factory.session_start());
        }
        // The task holds no reporter between two rounds, so that a forgotten one ends it.
        let weak = Arc::downgrade(&reporter);
        tokio::spawn(async move {
            while let Some(reporter) = weak.upgrade() {
                if reporter.stopped.load(Ordering::Acquire) {
                    break;
                }
                reporter.round().await;
            }
        });
        reporter
    }

    /// Adds an event of the program's; whether there was room for it.
    pub fn log(&self, name: &str, data: Map<String, Value>, severity: &Severity) -> bool {
        self.push(self.factory.generic(name, data, severity))
    }

    /// Adds an error, and sends it soon; whether there was room for it.
    pub fn log_exception(&self, report: &ErrorReport, severity: &Severity) -> bool {
        let added = self.push(self.factory.exception(report, severity));
        self.flush.notify_one();
        added
    }

    /// Adds an error that ends the session, and waits until it is sent or the time is over.
    pub async fn log_fatal(&self, report: &ErrorReport, severity: &Severity) -> bool {
        let added = self.push(self.factory.exception(report, severity));
        self.end_session();
        self.flush.notify_one();
        self.wait_until_drained(self.config.drain_timeout).await;
        added
    }

    /// Sends what waits, and waits until that is done or given up.
    pub async fn flush(&self) {
        self.send_all().await;
    }

    /// Waits until everything is sent or given up; whether it is.
    pub async fn wait_until_drained(&self, timeout: Duration) -> bool {
        let started = self.clock.now();
        loop {
            if self.queue().is_drained() {
                return true;
            }
            if self.clock.now().saturating_duration_since(started) >= timeout {
                return false;
            }
            self.clock.sleep(DRAIN_POLL).await;
        }
    }

    /// Ends the session: what waits is sent, nothing more is taken. Whether all was sent in time.
    pub async fn stop(&self) -> bool {
        self.end_session();
        self.flush.notify_one();
        let drained = self.wait_until_drained(self.config.drain_timeout).await;
        if !drained {
            tracing::warn!("telemetry was not sent in time");
        }
        self.stopped.store(true, Ordering::Release);
        self.flush.notify_one();
        drained
    }

    fn end_session(&self) {
        if self.identity.has_session
            && let Some(event) = self.factory.session_end()
        {
            self.push(event);
        }
    }

    fn push(&self, event: Value) -> bool {
        if self.stopped.load(Ordering::Acquire) {
            return false;
        }
        let mut queue = self.queue();
        let added = queue.push(event);
        if queue.len() >= self.config.flush_threshold {
            self.flush.notify_one();
        }
        added
    }

    /// Waits for a reason to send, and sends.
    async fn round(&self) {
        let asked = std::pin::pin!(self.flush.notified());
        let due = self.clock.sleep(self.config.flush_interval);
        match select(asked, due).await {
            Either::Left(_) | Either::Right(_) => self.send_all().await,
        }
    }

    async fn send_all(&self) {
        let batches = self.queue().drain(self.config.batch_size);
        for events in batches {
            let count = events.len();
            self.send(events).await;
            self.queue().flushed(count);
        }
    }

    async fn send(&self, events: Vec<Value>) {
        let Identity {
            session_id,
            sdk_version,
            process_uuid,
            ..
        } = self.identity.clone();
        let batch = TelemetryBatch {
            events,
            platform: platform(),
            sdk_version: sdk_version.as_ref().into(),
            session_id: session_id.as_ref().into(),
            process_uuid: process_uuid.as_ref().into(),
        };
        let retries = self.config.max_retries;
        for attempt in 0..=retries {
            let Err(error) = self.sink.send(batch.clone()).await else {
                return;
            };
            if attempt == retries {
                tracing::warn!(%error, "Telemetry send failed after {retries} retries");
                return;
            }
            if error.persistence() == gimmal_transport::Persistence::Permanent {
                tracing::warn!(%error, "Telemetry send failed for good, dropping the batch");
                return;
            }
            let delay = resend_delay(attempt, self.config.retry_base, &*self.jitter);
            let millis = delay.as_millis();
            tracing::warn!(%error, "Telemetry send failed (attempt {attempt}), retrying in {millis}ms");
            self.clock.sleep(delay).await;
        }
    }

    fn queue(&self) -> MutexGuard<'_, EventQueue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The operating system, as the service knows it.
fn platform() -> &'static str {
    match std::env::consts::OS {
        "linux" => "Linux",
        "macos" => "Darwin",
        "windows" => "Windows",
        other => other,
    }
}
