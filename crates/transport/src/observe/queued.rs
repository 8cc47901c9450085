//! A queue between the calls and an observer that may be slow. What does not fit is dropped and
//! counted: observing must not slow a call down, and a queue without bound would eat the memory.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc;

use crate::observe::bus::observe_caught;
use crate::observe::{Event, Observer};

/// Hands events to an observer that runs elsewhere.
///
/// ```
/// use std::num::NonZeroUsize;
/// use std::sync::Arc;
/// use gimmal_transport::observe::{Event, EventBus, Queued};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), gimmal_transport::observe::BusError> {
/// let slow = Arc::new(|event: &Event| drop(event.name().to_owned()));
/// let (queued, worker) = Queued::new(NonZeroUsize::new(1024).unwrap(), slow);
/// let queued = Arc::new(queued);
/// let bus = EventBus::new();
/// bus.attach("slow", queued.clone())?;
/// let worker = tokio::spawn(worker.run());
///
/// bus.detach("slow")?;
/// assert_eq!(queued.dropped(), 0);
/// drop(queued); // The worker handles what is queued and ends.
/// worker.await.unwrap();
/// # Ok(())
/// # }
/// ```
pub struct Queued {
    queue: mpsc::Sender<Event>,
    dropped: AtomicU64,
}

impl Queued {
    /// A queue of at most `capacity` events, and the worker that empties it into `observer`.
    pub fn new(capacity: NonZeroUsize, observer: Arc<dyn Observer>) -> (Self, QueueWorker) {
        let (queue, events) = mpsc::channel(capacity.get());
        let dropped = AtomicU64::new(0);
        (Self { queue, dropped }, QueueWorker { events, observer })
    }

    /// How many events were lost because the queue was full or its worker was gone.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

impl Observer for Queued {
    fn observe(&self, event: &Event) {
        if self.queue.try_send(event.clone()).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl fmt::Debug for Queued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queued")
            .field(
                "waiting",
                &(self.queue.max_capacity() - self.queue.capacity()),
            )
            .field("dropped", &self.dropped())
            .finish()
    }
}

/// Empties the queue of a [`Queued`] until that is gone or the observer panics.
#[must_use = "without a worker every event is lost"]
pub struct QueueWorker {
    events: mpsc::Receiver<Event>,
    observer: Arc<dyn Observer>,
}

impl QueueWorker {
    /// Runs as a task, for an observer that does not block.
    pub async fn run(mut self) {
        while let Some(event) = self.events.recv().await {
            if !self.tell(&event) {
                return;
            }
        }
    }

    /// Runs on a thread of its own, for an observer that blocks.
    ///
    /// # Panics
    ///
    /// On a thread that drives asynchronous tasks.
    pub fn run_blocking(mut self) {
        while let Some(event) = self.events.blocking_recv() {
            if !self.tell(&event) {
                return;
            }
        }
    }

    fn tell(&self, event: &Event) -> bool {
        let told = observe_caught(&*self.observer, event);
        if !told {
            tracing::warn!("queued event handler panicked and is told nothing more");
        }
        told
    }
}

impl fmt::Debug for QueueWorker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueueWorker")
            .field("waiting", &self.events.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    fn event() -> Event {
        Event::custom("test", Vec::new())
    }

    fn counting() -> (Arc<dyn Observer>, Arc<Mutex<u32>>) {
        let count = Arc::new(Mutex::new(0));
        let counter = Arc::clone(&count);
        let observer = move |_: &Event| *counter.lock().unwrap() += 1;
        (Arc::new(observer), count)
    }

    #[tokio::test]
    async fn a_full_queue_drops_and_counts_and_never_blocks() {
        let (observer, count) = counting();
        let (queued, worker) = Queued::new(NonZeroUsize::new(2).unwrap(), observer);
        for _ in 0..5 {
            queued.observe(&event());
        }
        assert_eq!(queued.dropped(), 3);
        drop(queued);
        worker.run().await;
        assert_eq!(*count.lock().unwrap(), 2);
    }

    #[test]
    fn a_worker_on_a_thread_drains_and_ends() {
        let (observer, count) = counting();
        let (queued, worker) = Queued::new(NonZeroUsize::new(8).unwrap(), observer);
        let thread = std::thread::spawn(|| worker.run_blocking());
        for _ in 0..8 {
            queued.observe(&event());
        }
        drop(queued);
        thread.join().unwrap();
        assert_eq!(*count.lock().unwrap(), 8);
    }

    #[tokio::test]
    async fn after_a_panic_everything_is_dropped() {
        let observer: Arc<dyn Observer> = Arc::new(|_: &Event| panic!("on purpose"));
        let (queued, worker) = Queued::new(NonZeroUsize::new(8).unwrap(), observer);
        queued.observe(&event());
        worker.run().await;
        queued.observe(&event());
        assert_eq!(queued.dropped(), 1);
    }
}
