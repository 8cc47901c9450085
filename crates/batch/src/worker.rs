//! One of the tasks that work on items, each on several at a time.
//!
//! A task has lanes, and a lane works on one item after the other: what an item needs is laid out
//! once for a lane and not once for an item. Another lane is opened only while all of them wait for
//! something other than the next item, so that items that wait for nothing need one lane whatever
//! the width. Results that are there at the same moment are given to the reader together, which
//! wakes it once for them.

use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::{Duration, Instant};

use futures_util::future::{Either, select};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::sync::{Semaphore, mpsc};

use super::WorkItemResult;
use super::intake::{Intake, Taken};
use super::pipeline::{Engine, Finished, panicked};
use super::shared::lock;

/// So many results at the most are given to the reader together.
const TOGETHER: usize = 64;
/// A result that has waited so long goes to the reader when the next one comes, if it did not before:
/// for strategies that compute and never wait.
const PATIENCE: Duration = Duration::from_millis(1);

/// Results on their way to the reader. Each holds one of the places of the run.
pub(super) type Results<O, C> = Vec<WorkItemResult<O, C>>;

/// What the workers of a run share.
pub(super) struct Worker<I, O, C> {
    pub(super) engine: Arc<Engine<I, O, C>>,
    /// How many items this worker works on at the same time.
    pub(super) width: usize,
    pub(super) intake: Arc<tokio::sync::Mutex<Intake<I, C>>>,
    /// Places for results: taken when an item is begun, given back when its result was read.
    pub(super) places: Arc<Semaphore>,
    pub(super) results: mpsc::UnboundedSender<Results<O, C>>,
}

/// What the lanes of a worker share. All of them are polled by one task, so nobody ever waits for
/// the lock.
struct Lanes<I, O, C> {
    worker: Worker<I, O, C>,
    done: Mutex<Untold<O, C>>,
    /// Lanes that wait for an item.
    idle: AtomicUsize,
    /// There are no more items, or nobody wants their results.
    is_over: AtomicBool,
}

/// Results that nobody was told of.
struct Untold<O, C> {
    results: Results<O, C>,
    /// When the first of them came.
    since: Option<Instant>,
}

impl<I, O, C> Worker<I, O, C>
where
    I: Send + Sync + 'static,
    O: Send + Sync + 'static,
    C: Send + Sync + 'static,
{
    /// Takes items until there are none, or until the run is aborted.
    pub(super) async fn run(self) {
        let aborted = Box::pin(self.engine.settings.shutdown.aborted());
        let lanes = Arc::new(Lanes {
            worker: self,
            done: Mutex::new(Untold {
                results: Vec::new(),
                since: None,
            }),
            idle: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
        });
        // Whatever is in work when the run is aborted is dropped here.
        let _: Either<_, _> = select(Box::pin(lanes.work()), aborted).await;
    }

    /// The next item, once there is a place for its result; `None` when there are no more.
    async fn take(&self) -> Option<Taken<I, C>> {
        // Mostly nobody else wants them, and then there is no need to stand in line.
        let place = match self.places.try_acquire() {
            Ok(place) => place,
            Err(_) => self.places.acquire().await.ok()?,
        };
        let mut intake = match self.intake.try_lock() {
            Ok(intake) => intake,
            Err(_) => self.intake.lock().await,
        };
        let engine = &self.engine;
        let draining = || engine.settings.shutdown.is_draining();
        let taken = if draining() {
            intake.take_read()
        } else {
            intake.next().await
        };
        if intake.most_waiting > 0 {
            engine.recorder.waited_ahead(intake.most_waiting);
        }
        // What the caller stopped is left untouched; a run that ends itself gives everything that
        // it has read a result.
        let taken = taken.filter(|_| !draining() || engine.stop.is_tripped())?;
        place.forget();
        Some(taken)
    }
}

impl<I, O, C> Lanes<I, O, C>
where
    I: Send + Sync + 'static,
    O: Send + Sync + 'static,
    C: Send + Sync + 'static,
{
    async fn work(self: Arc<Self>) {
        let mut lanes = FuturesUnordered::new();
        poll_fn(move |context| {
            loop {
                if self.wants_more_than(lanes.len()) {
                    // It counts as waiting before it runs for the first time.
                    self.idle.fetch_add(1, Ordering::Relaxed);
                    lanes.push(Arc::clone(&self).lane());
                }
                match lanes.poll_next_unpin(context) {
                    Poll::Ready(Some(())) => {}
                    Poll::Ready(None) => {
                        self.hand_over();
                        return Poll::Ready(());
                    }
                    Poll::Pending if self.wants_more_than(lanes.len()) => {}
                    Poll::Pending => {
                        self.hand_over();
                        return Poll::Pending;
                    }
                }
            }
        })
        .await;
    }

    /// True when all lanes wait, none of them for an item, and there may be more of them.
    fn wants_more_than(&self, lanes: usize) -> bool {
        lanes < self.worker.width
            && self.idle.load(Ordering::Relaxed) == 0
            && !self.is_over.load(Ordering::Relaxed)
    }

    /// Works on one item after the other.
    async fn lane(self: Arc<Self>) {
        let engine = &self.worker.engine;
        while let Some(taken) = self.worker.take().await {
            self.idle.fetch_sub(1, Ordering::Relaxed);
            let work = AssertUnwindSafe(engine.process(taken)).catch_unwind();
            let finished = work.await.unwrap_or_else(|panic| {
                // Code of the caller's that is not about this item alone, such as a price.
                let _ = engine.fatal.set(panicked("the work on an item", &*panic));
                engine.settings.shutdown.drain();
                None
            });
            self.idle.fetch_add(1, Ordering::Relaxed);
            match finished.map(|finished| self.keep(finished)) {
                Some(true) => {
                    self.hand_over();
                    tokio::task::yield_now().await;
                }
                Some(false) => {}
                None => self.worker.places.add_permits(1),
            }
            if self.is_over.load(Ordering::Relaxed) {
                return;
            }
        }
        self.is_over.store(true, Ordering::Relaxed);
    }

    /// Keeps a result until the task rests; true when it should not wait so long.
    fn keep(&self, finished: Finished<O, C>) -> bool {
        let done = &mut *lock(&self.done);
        let since = *done.since.get_or_insert(finished.at);
        done.results.push(finished.result);
        done.results.len() >= TOGETHER || finished.at.saturating_duration_since(since) >= PATIENCE
    }

    /// Gives the reader what is there.
    fn hand_over(&self) {
        let results = {
            let done = &mut *lock(&self.done);
            done.since = None;
            if done.results.is_empty() {
                return;
            }
            // The next time there will be about as many.
            let next = Vec::with_capacity(done.results.len());
            std::mem::replace(&mut done.results, next)
        };
        // Without a receiver nobody wants results any more.
        if self.worker.results.send(results).is_err() {
            self.is_over.store(true, Ordering::Relaxed);
        }
    }
}
