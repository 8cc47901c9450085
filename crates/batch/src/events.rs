//! What happens in a run, told to observers in order. Events never hold prompts, outputs or names
//! of scopes, and a slow observer holds up nobody: it reads from a queue of its own.

use std::fmt::Debug;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Either, select};
use gimmal_client::transport::Clock;
use gimmal_client::transport::rate_limit::Disposition;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::{AttemptTiming, Category, Recovery, Stats, Termination, Usage};

/// Events an observer may be behind before the run waits for it.
const QUEUE: usize = 10_000;
/// So long an observer may take over one event.
const PATIENCE: Duration = Duration::from_secs(5);

/// Something that happened in a run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// The run begins.
    BatchStarted {
        /// Items worked on at the same time.
        max_workers: usize,
    },
    /// The run has ended, and every result was given.
    BatchCompleted {
        /// The figures.
        stats: Box<Stats>,
    },
    /// The run ends before its input does.
    BatchAborted {
        /// Why.
        termination: Termination,
    },
    /// Work on an item begins.
    ItemStarted {
        /// The item.
        item_id: String,
    },
    /// A try has its requests and tokens set aside.
    QuotaAdmitted {
        /// The item.
        item_id: String,
        /// The try.
        try_number: u32,
        /// The place of the scope among those of the run.
        scope: u32,
        /// How long it waited.
        wait: Duration,
        /// Tokens set aside.
        reserved_tokens: u64,
    },
    /// A try has a place among the calls in flight.
    ItemAdmitted {
        /// The item.
        item_id: String,
        /// The try.
        try_number: u32,
        /// How long it waited.
        wait: Duration,
    },
    /// What was set aside for a try is corrected by what it took.
    QuotaReconciled {
        /// The item.
        item_id: String,
        /// The try.
        try_number: u32,
        /// The place of the scope among those of the run.
        scope: u32,
        /// Tokens set aside.
        reserved_tokens: u64,
        /// Tokens it took; `None` when nobody knows.
        reported_tokens: Option<u64>,
        /// What became of the difference.
        disposition: Disposition,
    },
    /// The service refused a try for the rate.
    RateLimitHit {
        /// The item.
        item_id: String,
        /// The place of the scope among those of the run.
        scope: u32,
    },
    /// All items of a scope pause.
    CooldownStarted {
        /// The place of the scope among those of the run.
        scope: u32,
        /// How long.
        duration: Duration,
    },
    /// The pause is over.
    CooldownEnded {
        /// The place of the scope among those of the run.
        scope: u32,
    },
    /// An item has an output.
    ItemCompleted {
        /// The item.
        item_id: String,
        /// Its place in the input.
        submission_index: u64,
        /// From the start of its work to its end.
        duration: Duration,
        /// Tokens it took.
        usage: Usage,
        /// What each try took.
        attempts: Vec<AttemptTiming>,
        /// How the output was made usable, when it was not as it came.
        recovered: Option<Recovery>,
    },
    /// An item failed.
    ItemFailed {
        /// The item.
        item_id: String,
        /// Its place in the input.
        submission_index: u64,
        /// From the start of its work to its end.
        duration: Duration,
        /// Tokens it took.
        usage: Usage,
        /// What each try took.
        attempts: Vec<AttemptTiming>,
        /// Why.
        category: Category,
    },
    /// An earlier run had it done.
    ItemReplayed {
        /// The item.
        item_id: String,
        /// Its place in the input.
        submission_index: u64,
        /// Why it failed then; `None` for an output.
        category: Option<Category>,
    },
    /// An item took longer than it may.
    ItemDeadlineExceeded {
        /// The item.
        item_id: String,
    },
}

impl Event {
    /// The stable name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::BatchStarted { .. } => "batch_started",
            Self::BatchCompleted { .. } => "batch_completed",
            Self::BatchAborted { .. } => "batch_aborted",
            Self::ItemStarted { .. } => "item_started",
            Self::QuotaAdmitted { .. } => "quota_admitted",
            Self::ItemAdmitted { .. } => "item_admitted",
            Self::QuotaReconciled { .. } => "quota_reconciled",
            Self::RateLimitHit { .. } => "rate_limit_hit",
            Self::CooldownStarted { .. } => "cooldown_started",
            Self::CooldownEnded { .. } => "cooldown_ended",
            Self::ItemCompleted { .. } => "item_completed",
            Self::ItemFailed { .. } => "item_failed",
            Self::ItemReplayed { .. } => "item_replayed",
            Self::ItemDeadlineExceeded { .. } => "item_deadline_exceeded",
        }
    }

    /// The item it is about; `None` for the run's own.
    pub fn item_id(&self) -> Option<&str> {
        match self {
            Self::ItemStarted { item_id }
            | Self::QuotaAdmitted { item_id, .. }
            | Self::ItemAdmitted { item_id, .. }
            | Self::QuotaReconciled { item_id, .. }
            | Self::RateLimitHit { item_id, .. }
            | Self::ItemCompleted { item_id, .. }
            | Self::ItemFailed { item_id, .. }
            | Self::ItemReplayed { item_id, .. }
            | Self::ItemDeadlineExceeded { item_id } => Some(item_id),
            _ => None,
        }
    }
}

/// Hears what happens in a run and changes nothing.
///
/// ```
/// use futures_util::future::BoxFuture;
/// use gimmal_batch::{Event, Observer};
///
/// #[derive(Debug)]
/// struct Log;
///
/// impl Observer for Log {
///     fn on_event<'a>(&'a self, event: &'a Event) -> BoxFuture<'a, ()> {
///         Box::pin(async move { tracing::info!(name = event.name(), "batch") })
///     }
/// }
/// ```
pub trait Observer: Debug + Send + Sync + 'static {
    /// Called for one event after the other. A panic, and more than five seconds, are logged and
    /// otherwise ignored.
    fn on_event<'a>(&'a self, event: &'a Event) -> BoxFuture<'a, ()>;
}

/// The observers of a run, each behind its queue.
#[derive(Debug, Default)]
pub(crate) struct Observers {
    queues: std::sync::RwLock<Vec<mpsc::Sender<Arc<Event>>>>,
    is_empty: bool,
}

impl Observers {
    pub(crate) fn start(
        observers: &[Arc<dyn Observer>],
        clock: &Arc<dyn Clock>,
        tasks: &mut JoinSet<()>,
    ) -> Self {
        let mut queues = Vec::new();
        for observer in observers {
            let (sender, receiver) = mpsc::channel(QUEUE);
            tasks.spawn(tell(Arc::clone(observer), receiver, Arc::clone(clock)));
            queues.push(sender);
        }
        Self {
            is_empty: queues.is_empty(),
            queues: std::sync::RwLock::new(queues),
        }
    }

    /// Tells all of them. Without observers the event is not even made.
    pub(crate) async fn emit(&self, event: impl FnOnce() -> Event) {
        if !self.is_empty {
            // Apart, so that who tells nobody carries nothing for it.
            Box::pin(self.send(event())).await;
        }
    }

    async fn send(&self, event: Event) {
        let event = Arc::new(event);
        let queues = self
            .queues
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone();
        for queue in queues {
            // An observer that panicked for good has left.
            let _ = queue.send(Arc::clone(&event)).await;
        }
    }

    /// Lets the observers go once they have heard everything.
    pub(crate) fn close(&self) {
        let mut queues = self
            .queues
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        queues.clear();
    }
}

async fn tell(
    observer: Arc<dyn Observer>,
    mut events: mpsc::Receiver<Arc<Event>>,
    clock: Arc<dyn Clock>,
) {
    while let Some(event) = events.recv().await {
        let told = AssertUnwindSafe(async { observer.on_event(&event).await }).catch_unwind();
        match select(Box::pin(told), clock.sleep(PATIENCE)).await {
            Either::Left((Ok(()), _)) => {}
            Either::Left((Err(_), _)) => {
                tracing::warn!(event = event.name(), "an observer panicked");
            }
            Either::Right(_) => {
                tracing::warn!(event = event.name(), "an observer took too long");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_has_a_name_and_says_whom_it_is_about() {
        let (item_id, duration, usage) = ("a".to_owned(), Duration::ZERO, Usage::default());
        let id = || item_id.clone();
        let attempts = Vec::<AttemptTiming>::new;
        let of_the_run = [
            (Event::BatchStarted { max_workers: 3 }, "batch_started"),
            (
                Event::BatchCompleted {
                    stats: Box::default(),
                },
                "batch_completed",
            ),
            (
                Event::BatchAborted {
                    termination: Termination::default(),
                },
                "batch_aborted",
            ),
            (
                Event::CooldownStarted { scope: 1, duration },
                "cooldown_started",
            ),
            (Event::CooldownEnded { scope: 1 }, "cooldown_ended"),
        ];
        let of_an_item = [
            (Event::ItemStarted { item_id: id() }, "item_started"),
            (
                Event::QuotaAdmitted {
                    item_id: id(),
                    try_number: 1,
                    scope: 1,
                    wait: duration,
                    reserved_tokens: 7,
                },
                "quota_admitted",
            ),
            (
                Event::ItemAdmitted {
                    item_id: id(),
                    try_number: 1,
                    wait: duration,
                },
                "item_admitted",
            ),
            (
                Event::QuotaReconciled {
                    item_id: id(),
                    try_number: 1,
                    scope: 1,
                    reserved_tokens: 7,
                    reported_tokens: None,
                    disposition: Disposition::Exact,
                },
                "quota_reconciled",
            ),
            (
                Event::RateLimitHit {
                    item_id: id(),
                    scope: 1,
                },
                "rate_limit_hit",
            ),
            (
                Event::ItemCompleted {
                    item_id: id(),
                    submission_index: 0,
                    duration,
                    usage,
                    attempts: attempts(),
                    recovered: None,
                },
                "item_completed",
            ),
            (
                Event::ItemFailed {
                    item_id: id(),
                    submission_index: 0,
                    duration,
                    usage,
                    attempts: attempts(),
                    category: Category::Unknown,
                },
                "item_failed",
            ),
            (
                Event::ItemReplayed {
                    item_id: id(),
                    submission_index: 0,
                    category: None,
                },
                "item_replayed",
            ),
            (
                Event::ItemDeadlineExceeded { item_id: id() },
                "item_deadline_exceeded",
            ),
        ];
        for (event, name) in of_the_run {
            assert_eq!((event.name(), event.item_id()), (name, None));
        }
        for (event, name) in of_an_item {
            assert_eq!((event.name(), event.item_id()), (name, Some("a")));
        }
    }
}
