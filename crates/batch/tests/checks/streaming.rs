//! Items in as a stream, results out as a stream, and no more of either in memory than agreed.

use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::BoxFuture;
use futures_util::{StreamExt as _, stream};
use gimmal_batch::testing::ScriptedStrategy;
use gimmal_batch::{Attempt, CallStrategy, Failure, Order, Outcome, Processor, Usage, WorkItem};
use tokio::time::Instant;

use crate::support::{at_once, items, millis, run};

/// Counts itself while it is alive.
#[derive(Debug)]
struct Resident(Arc<AtomicUsize>);

impl Resident {
    fn new(count: &Arc<AtomicUsize>, most: &AtomicUsize) -> Self {
        let now = count.fetch_add(1, Ordering::SeqCst) + 1;
        most.fetch_max(now, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Resident {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Covers: AC-SR-1
#[tokio::test(start_paused = true)]
async fn a_slow_reader_keeps_the_whole_run_small() {
    let (count, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counter, mark) = (Arc::clone(&count), Arc::clone(&most));
    let work = stream::iter((0..10_000_u64).map(move |i| {
        WorkItem::new(i.to_string(), i.to_string()).with_context(Resident::new(&counter, &mark))
    }));
    let mut run = at_once(4)
        .with_read_ahead(4)
        .start(Arc::new(ScriptedStrategy::echo()), work)
        .await
        .unwrap();
    let mut seen = 0;
    while let Some(result) = run.next().await {
        tokio::time::sleep(millis(1)).await;
        seen += usize::from(result.outcome.is_ok());
    }
    run.finish().await.unwrap();
    assert_eq!(seen, 10_000);
    // Four ahead, eight in work or waiting to be read, and the one that is being read.
    assert!(most.load(Ordering::SeqCst) <= 13, "{most:?} at once");
    assert_eq!(count.load(Ordering::SeqCst), 0);
}

/// Covers: AC-SR-6
/// Covers: AC-PR-4
#[tokio::test(start_paused = true)]
async fn a_reader_who_leaves_ends_the_run() {
    let alive = Arc::new(AtomicUsize::new(0));
    let most = AtomicUsize::new(0);
    let endless = {
        let alive = Arc::clone(&alive);
        stream::iter((0_u64..).map(move |i| {
            let context = Resident::new(&alive, &AtomicUsize::new(0));
            WorkItem::new(i.to_string(), i.to_string()).with_context(context)
        }))
    };
    let strategy = ScriptedStrategy::echo().with_latency(millis(10));
    let mut run = at_once(8)
        .start(Arc::new(strategy.clone()), endless)
        .await
        .unwrap();
    for _ in 0..3 {
        run.next().await.unwrap();
    }
    drop(run);
    tokio::time::sleep(millis(100)).await;
    let calls = strategy.calls();
    tokio::time::sleep(millis(1_000)).await;
    assert_eq!(strategy.calls(), calls, "somebody still works");
    assert_eq!(alive.load(Ordering::SeqCst), most.load(Ordering::SeqCst));
}

/// Covers: AC-SR-3
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_that_share_a_run_get_each_result_once_and_the_same_end() {
    let strategy = Arc::new(ScriptedStrategy::echo());
    let run = at_once(8).start(strategy, stream::iter(items(300))).await;
    let run = Arc::new(tokio::sync::Mutex::new(run.unwrap()));
    let readers = (0..3).map(|_| {
        let run = Arc::clone(&run);
        tokio::spawn(async move {
            let mut seen = Vec::new();
            while let Some(result) = { run.lock().await.next().await } {
                seen.push(result.id);
                tokio::task::yield_now().await;
            }
            // The end stays the end.
            assert!(run.lock().await.next().await.is_none());
            seen
        })
    });
    let mut seen = Vec::new();
    for reader in futures_util::future::join_all(readers).await {
        seen.extend(reader.unwrap());
    }
    assert_eq!(seen.len(), 300);
    assert_eq!(seen.iter().collect::<HashSet<_>>().len(), 300, "disjoint");
    let run = Arc::into_inner(run).unwrap().into_inner();
    assert_eq!(run.finish().await.unwrap().stats.succeeded, 300);
}

/// Covers: AC-WI-2
/// Covers: AC-WI-3
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn places_are_counted_without_gaps_and_results_can_be_put_in_order() {
    let strategy = ScriptedStrategy::new(|input, _, call| {
        Ok(Outcome::new(
            format!("{input}/{}", call % 7),
            Usage::default(),
            1,
        ))
    });
    let processor = || Processor::new().with_concurrency(NonZeroUsize::new(32).unwrap());
    let (results, _) = run(at_once(32), Arc::new(strategy.clone()), items(1_000)).await;
    let mut places: Vec<_> = results
        .iter()
        .map(|result| result.submission_index)
        .collect();
    places.sort_unstable();
    assert!(places.iter().copied().eq(0..1_000));
    let (results, _) = run(processor(), Arc::new(strategy), items(1_000)).await;
    assert!(
        results
            .iter()
            .map(|result| result.submission_index)
            .eq(0..1_000)
    );
}

#[tokio::test(start_paused = true)]
async fn urgent_items_go_first_among_those_that_were_read() {
    let mut work = items(100);
    work[60] = work[60].clone().with_priority(1);
    let strategy = ScriptedStrategy::echo().with_latency(millis(1));
    let processor = at_once(1).with_read_ahead(100);
    let (results, ended) = run(processor, Arc::new(strategy), work).await;
    assert_eq!(results[0].id, "60");
    assert_eq!(results.len(), 100);
    assert_eq!(ended.stats.input_queue_high_water_mark, 100);
}

#[tokio::test(start_paused = true)]
async fn in_the_order_of_the_input_nothing_overtakes() {
    let mut work = items(100);
    for item in &mut work[50..] {
        *item = item.clone().with_priority(1);
    }
    let processor = at_once(1).with_order(Order::Input).with_read_ahead(100);
    let (results, _) = run(processor, Arc::new(ScriptedStrategy::echo()), work).await;
    let places = results.iter().map(|result| result.submission_index);
    assert!(places.eq(0..100));
}

/// Waits as many milliseconds as its input says.
#[derive(Debug)]
struct Wait;

impl CallStrategy for Wait {
    type Input = String;
    type Output = String;

    fn execute<'a>(
        &'a self,
        input: &'a String,
        _attempt: &'a mut Attempt,
    ) -> BoxFuture<'a, Result<Outcome<String>, Failure>> {
        Box::pin(async move {
            if let Ok(wait @ 1..) = input.parse() {
                tokio::time::sleep(millis(wait)).await;
            }
            Ok(Outcome::new(input.clone(), Usage::default(), 1))
        })
    }
}

#[tokio::test(start_paused = true)]
async fn results_that_are_there_wait_for_no_other_item() {
    let waits = (0..1_000).map(|i| if i % 334 == 0 { "5000" } else { "0" });
    let work = waits.enumerate();
    let work = work.map(|(i, wait)| WorkItem::new(i.to_string(), wait.to_owned()));
    let run = at_once(4).start(Arc::new(Wait), stream::iter(work));
    let (begun, mut run) = (Instant::now(), run.await.unwrap());
    for seen in 0..1_000 {
        let result = run.next().await.unwrap();
        let is_late = result.submission_index % 334 == 0;
        assert_eq!(is_late, seen >= 997, "{seen}: {}", result.id);
        let at = if is_late { 5_000 } else { 0 };
        assert_eq!(begun.elapsed(), millis(at), "{seen}: {}", result.id);
    }
    run.finish().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn as_many_items_are_in_work_as_agreed() {
    for workers in [1, 3] {
        let processor = at_once(10).with_workers(NonZeroUsize::new(workers).unwrap());
        let work = (0..100).map(|i| WorkItem::new(i.to_string(), "10".to_owned()));
        let begun = Instant::now();
        let (results, _) = run(processor, Arc::new(Wait), work.collect()).await;
        assert_eq!(results.len(), 100);
        assert_eq!(begun.elapsed(), millis(100));
    }
}
