//! Items that a program adds one by one, and inputs that break.

use std::num::NonZeroUsize;
use std::sync::Arc;

use futures_util::{FutureExt as _, StreamExt as _, stream};
use gimmal_batch::testing::ScriptedStrategy;
use gimmal_batch::{
    AddError, Category, Failure, Hooks, Producer, Shutdown, TerminationKind, WorkItem,
};

use crate::support::{at_once, items, millis, seconds};

fn item(name: &str) -> WorkItem<String> {
    WorkItem::new(name, name.to_owned())
}

fn room_for(items: usize) -> NonZeroUsize {
    NonZeroUsize::new(items).unwrap()
}

/// Covers: AC-PR-1
/// Covers: ParallelBatchProcessor.get_stats
/// Covers: MetricsObserver.get_metrics
/// Covers: MetricsObserver.export_dict
#[tokio::test(start_paused = true)]
async fn every_call_means_something_in_every_state() {
    let (producer, work) = Producer::with_room_for(room_for(2));
    // Before the run: what there is room for waits for it.
    producer.try_add(item("a")).unwrap();
    assert!(!producer.is_finished());
    let strategy = ScriptedStrategy::echo().with_latency(seconds(1));
    let mut run = at_once(1)
        .start(Arc::new(strategy.clone()), work)
        .await
        .unwrap();
    assert_eq!(run.stats().processed, 0);

    // While it runs.
    producer.add(item("b")).await.unwrap();
    assert_eq!(run.next().await.unwrap().id, "a");
    assert_eq!(run.stats().processed, 1);

    // Finished: nothing more is taken from anybody, what was added is worked on.
    let other = producer.clone();
    producer.add(item("c")).await.unwrap();
    producer.finish();
    producer.finish();
    assert!(other.is_finished());
    assert_eq!(other.try_add(item("d")), Err(AddError::Closed(item("d"))));
    let late = other.add(item("d")).await.unwrap_err();
    assert!(
        late.to_string().contains("item `d` comes too late"),
        "{late}"
    );
    assert_eq!(run.next().await.unwrap().id, "b");
    assert_eq!(run.next().await.unwrap().id, "c");
    for _ in 0..3 {
        assert!(run.next().await.is_none(), "the end stays the end");
    }
    assert_eq!(run.stats().processed, 3);
    let ended = run.finish().await.unwrap();
    assert_eq!(ended.termination.kind, TerminationKind::Completed);
    assert_eq!(strategy.cleaned(), 1);

    // Closed.
    assert_eq!(
        producer.try_add(item("e")),
        Err(AddError::Closed(item("e")))
    );
    producer.finish();

    // A pool: closed, it takes nothing, and closing it again changes nothing.
    let pool = at_once(1).pool(Arc::new(strategy.clone()));
    pool.submit("a".to_owned()).await.unwrap();
    for _ in 0..2 {
        assert_eq!(pool.close().await.unwrap().stats.succeeded, 1);
    }
    let refused = pool.submit("b".to_owned()).await.unwrap_err();
    assert_eq!(refused.category, Category::BatchAborted);
    assert_eq!((strategy.prepared(), strategy.cleaned()), (2, 2));
}

/// Covers: AC-PR-2
#[tokio::test(start_paused = true)]
async fn what_there_is_no_room_for_comes_back_at_once() {
    let (producer, work) = Producer::with_room_for(room_for(4));
    for i in 0..4 {
        producer.try_add(item(&i.to_string())).unwrap();
    }
    let full = producer.try_add(item("4")).unwrap_err();
    assert_eq!(full, AddError::Full(item("4")));
    assert!(full.to_string().contains("`add` waits for it"), "{full}");
    // Whoever waits for room and gives up has added nothing.
    assert!(producer.add(item("4")).now_or_never().is_none());
    producer.finish();
    let run = at_once(1).start(Arc::new(ScriptedStrategy::echo()), work);
    assert_eq!(
        run.await.unwrap().finish().await.unwrap().stats.processed,
        4
    );
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_room_hears_of_the_end() {
    // The run is stopped while there is no room.
    let shutdown = Shutdown::new();
    let (producer, work) = Producer::with_room_for(room_for(1));
    let strategy = ScriptedStrategy::echo().with_latency(seconds(10));
    let processor = at_once(1).with_shutdown(shutdown.clone());
    let run = processor.start(Arc::new(strategy), work).await.unwrap();
    let adding = tokio::spawn(async move {
        for name in ["a", "b", "c", "d"] {
            producer.add(item(name)).await?;
        }
        Ok(())
    });
    tokio::time::sleep(millis(1)).await;
    shutdown.drain();
    let ended = run.finish().await.unwrap();
    assert_eq!(ended.termination.kind, TerminationKind::Stopped);
    assert!(matches!(adding.await.unwrap(), Err(AddError::Closed(_))));

    // Another clone finishes.
    let (producer, work) = Producer::<String>::with_room_for(room_for(1));
    producer.try_add(item("a")).unwrap();
    let (waited, ()) = tokio::join!(producer.add(item("b")), async { producer.finish() });
    assert_eq!(waited, Err(AddError::Closed(item("b"))));
    assert_eq!(work.collect::<Vec<_>>().await, [item("a")]);

    // Everybody who could add is gone.
    let (producer, work) = Producer::<String>::with_room_for(room_for(1));
    producer.clone().try_add(item("a")).unwrap();
    drop(producer);
    assert_eq!(work.collect::<Vec<_>>().await.len(), 1);
}

/// Covers: AC-PR-3
#[tokio::test(start_paused = true)]
async fn an_input_that_breaks_ends_the_run_after_what_was_read() {
    let broken = Failure::new(Category::InputError, "the eighth row is torn");
    let rows = items(7).into_iter().map(Ok);
    let after = [Err(broken), Ok(item("never read"))];
    let strategy = ScriptedStrategy::echo().with_latency(seconds(1));
    let alive = tokio::runtime::Handle::current()
        .metrics()
        .num_alive_tasks();
    let run = at_once(3).start_fallible(
        Arc::new(strategy.clone()),
        stream::iter(rows.chain(after)),
        Hooks::new(),
    );
    let mut run = run.await.unwrap();
    let mut delivered = 0;
    while let Some(result) = run.next().await {
        assert!(result.outcome.is_ok());
        delivered += 1;
    }
    assert_eq!((delivered, strategy.calls()), (7, 7));
    let error = run.finish().await.unwrap_err();
    assert_eq!(error.failure.category, Category::InputError);
    assert_eq!(error.to_string(), "the eighth row is torn");
    assert_eq!(strategy.cleaned(), 1);
    let still = tokio::runtime::Handle::current()
        .metrics()
        .num_alive_tasks();
    assert_eq!(still, alive, "nobody works any more");
}
