//! What a run promises, on strategies of the test's own.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{StreamExt as _, stream};
use gimmal_batch::{
    Attempt, CallStrategy, Category, Failure, Order, Outcome, Processor, Shutdown, Usage, WorkItem,
};
use tokio::sync::Notify;
use tokio::time::timeout;

/// A run that hangs fails in seconds.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug, Default)]
struct Probe {
    prepared: AtomicUsize,
    cleaned: AtomicUsize,
    in_flight: AtomicUsize,
    most_in_flight: AtomicUsize,
    started: AtomicUsize,
    gate: Notify,
    prepare_fails: bool,
    prepare_hangs: bool,
}

/// What an item of the probe does.
#[derive(Clone, Copy, Debug)]
enum Deed {
    /// Comes back after so many turns of the scheduler.
    Yield(usize),
    Fail,
    Panic,
    Fatal,
    /// Waits until the gate opens.
    Wait,
}

impl CallStrategy for Probe {
    type Input = Deed;
    type Output = usize;

    fn prepare(&self) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async {
            self.prepared.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            if self.prepare_hangs {
                self.gate.notified().await;
            }
            if self.prepare_fails {
                return Err(Failure::new(Category::Authentication, "wrong key"));
            }
            Ok(())
        })
    }

    fn execute<'a>(
        &'a self,
        deed: &'a Deed,
        _attempt: &'a mut Attempt,
    ) -> BoxFuture<'a, Result<Outcome<usize>, Failure>> {
        Box::pin(async move {
            self.started.fetch_add(1, Ordering::SeqCst);
            let now = self.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
            self.most_in_flight.fetch_max(now, Ordering::SeqCst);
            let result = match deed {
                Deed::Yield(turns) => {
                    for _ in 0..*turns {
                        tokio::task::yield_now().await;
                    }
                    Ok(Outcome::new(*turns, Usage::default(), 1))
                }
                Deed::Fail => Err(Failure::new(Category::ServerError, "busy").with_attempts(5)),
                Deed::Panic => panic!("poisoned item"),
                Deed::Fatal => Err(Failure::new(Category::Authentication, "wrong key").fatal()),
                Deed::Wait => {
                    self.gate.notified().await;
                    Ok(Outcome::new(0, Usage::default(), 1))
                }
            };
            self.in_flight.fetch_sub(1, Ordering::SeqCst);
            result
        })
    }

    fn cleanup(&self) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async {
            self.cleaned.fetch_add(1, Ordering::SeqCst);
            Ok(())
        })
    }
}

fn items(deeds: impl IntoIterator<Item = Deed>) -> Vec<WorkItem<Deed>> {
    deeds
        .into_iter()
        .enumerate()
        .map(|(i, deed)| WorkItem::new(i.to_string(), deed))
        .collect()
}

fn at_once(count: usize) -> Processor {
    Processor::new().with_concurrency(NonZeroUsize::new(count).unwrap())
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.expect("the run hangs")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_item_has_one_result_in_either_order() {
    let count = 500_usize;
    for order in [Order::Input, Order::Completion] {
        let probe = Arc::new(Probe::default());
        let work = items((0..count).map(|i| Deed::Yield((i * 7919) % 23)));
        let run = at_once(16)
            .with_order(order)
            .start(Arc::clone(&probe), stream::iter(work));
        let mut run = within(run).await.unwrap();
        let mut seen = Vec::new();
        while let Some(result) = within(run.next()).await {
            assert_eq!(result.id, result.submission_index.to_string());
            seen.push(result.submission_index);
        }
        within(run.finish()).await.unwrap();
        if order == Order::Completion {
            seen.sort_unstable();
        }
        assert_eq!(seen, (0..count as u64).collect::<Vec<_>>());
        assert!(probe.most_in_flight.load(Ordering::SeqCst) <= 16);
        assert_eq!(probe.prepared.load(Ordering::SeqCst), 1);
        assert_eq!(probe.cleaned.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn failures_and_panics_stay_with_their_item() {
    let probe = Arc::new(Probe::default());
    let work = items([Deed::Yield(1), Deed::Panic, Deed::Fail, Deed::Yield(2)]);
    let mut run = within(at_once(2).start(probe, stream::iter(work)))
        .await
        .unwrap();
    let mut kinds = Vec::new();
    while let Some(result) = within(run.next()).await {
        kinds.push(
            result
                .outcome
                .as_ref()
                .err()
                .map(|failure| failure.category.clone()),
        );
        if let Err(failure) = result.outcome {
            let panicked = failure.category == Category::LogicError;
            assert!(
                !panicked || failure.message.contains("poisoned item"),
                "{failure}"
            );
        }
    }
    assert_eq!(
        kinds,
        [
            None,
            Some(Category::LogicError),
            Some(Category::ServerError),
            None
        ]
    );
    within(run.finish()).await.unwrap();
}

#[tokio::test]
async fn a_strategy_that_cannot_be_prepared_fails_the_run_once() {
    let probe = Arc::new(Probe {
        prepare_fails: true,
        ..Probe::default()
    });
    let work = items([Deed::Yield(1); 5]);
    let error = within(at_once(2).start(Arc::clone(&probe), stream::iter(work)))
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "wrong key");
    assert_eq!(probe.started.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_fatal_failure_is_told_once_and_stops_the_run() {
    let probe = Arc::new(Probe::default());
    let work = items(std::iter::repeat_n(Deed::Fatal, 1000));
    let mut run = within(at_once(8).start(Arc::clone(&probe), stream::iter(work)))
        .await
        .unwrap();
    assert!(
        within(run.next()).await.is_none(),
        "a fatal failure is not an item's result"
    );
    let error = within(run.finish()).await.unwrap_err();
    assert_eq!(error.failure.category, Category::Authentication);
    assert!(
        probe.started.load(Ordering::SeqCst) <= 16,
        "the run went on after a fatal failure"
    );
    assert_eq!(probe.cleaned.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn draining_finishes_what_is_in_flight_and_starts_nothing_more() {
    let probe = Arc::new(Probe::default());
    let shutdown = Shutdown::new();
    let work = items(std::iter::repeat_n(Deed::Wait, 100));
    let processor = at_once(4).with_shutdown(shutdown.clone());
    let mut run = within(processor.start(Arc::clone(&probe), stream::iter(work)))
        .await
        .unwrap();
    let (mut results, opener) = (0, Arc::clone(&probe));
    tokio::spawn(async move {
        while opener.started.load(Ordering::SeqCst) < 4 {
            tokio::task::yield_now().await;
        }
        shutdown.drain();
        opener.gate.notify_waiters();
    });
    while let Some(result) = within(run.next()).await {
        assert!(result.outcome.is_ok());
        results += 1;
    }
    within(run.finish()).await.unwrap();
    assert_eq!((results, probe.started.load(Ordering::SeqCst)), (4, 4));
}

#[tokio::test]
async fn aborting_waits_for_nothing() {
    let probe = Arc::new(Probe::default());
    let shutdown = Shutdown::new();
    let work = items(std::iter::repeat_n(Deed::Wait, 100));
    let processor = at_once(4).with_shutdown(shutdown.clone());
    let mut run = within(processor.start(Arc::clone(&probe), stream::iter(work)))
        .await
        .unwrap();
    let watched = Arc::clone(&probe);
    tokio::spawn(async move {
        while watched.started.load(Ordering::SeqCst) < 4 {
            tokio::task::yield_now().await;
        }
        shutdown.abort();
    });
    assert!(within(run.next()).await.is_none());
    within(run.finish()).await.unwrap();
    assert_eq!(probe.cleaned.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn aborting_ends_the_preparation_too() {
    let probe = Arc::new(Probe {
        prepare_hangs: true,
        ..Probe::default()
    });
    let shutdown = Shutdown::new();
    let processor = at_once(4).with_shutdown(shutdown.clone());
    let work = items([Deed::Yield(1); 5]);
    let watched = Arc::clone(&probe);
    tokio::spawn(async move {
        while watched.prepared.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        shutdown.abort();
    });
    let mut run = within(processor.start(Arc::clone(&probe), stream::iter(work)))
        .await
        .unwrap();
    assert!(within(run.next()).await.is_none());
    within(run.finish()).await.unwrap();
    assert_eq!(probe.started.load(Ordering::SeqCst), 0);
    // What was never prepared is not cleaned up.
    assert_eq!(probe.cleaned.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn the_input_is_read_only_as_far_as_it_is_worked_on() {
    let probe = Arc::new(Probe::default());
    let read = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&read);
    let endless = stream::iter((0_u64..).map(move |i| {
        counter.fetch_add(1, Ordering::SeqCst);
        WorkItem::new(i.to_string(), Deed::Yield(1))
    }));
    let mut run = within(at_once(8).start(probe, endless)).await.unwrap();
    for _ in 0..50 {
        within(run.next()).await.unwrap();
    }
    assert!(
        read.load(Ordering::SeqCst) <= 50 + 2 * 8,
        "{} items were read",
        read.load(Ordering::SeqCst)
    );
}
