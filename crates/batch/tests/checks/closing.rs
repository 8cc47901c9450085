//! How runs and pools are closed, whatever goes wrong meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::future::{BoxFuture, join_all};
use futures_util::{StreamExt as _, stream};
use gimmal_batch::journal::{ItemKey, Kept, ResultStore, StoreError};
use gimmal_batch::testing::ScriptedStrategy;
use gimmal_batch::{
    Category, Failure, Hooks, Shared, Shutdown, Strategies, TerminationKind, WorkItem,
    WorkItemResult,
};
use tokio::time::Instant;
use tracing::Level;

use crate::support::{Ear, Log, at_once, items, millis, run, run_with, seconds};

/// Counts how often it is closed.
#[derive(Clone, Default)]
struct Store {
    closings: Arc<AtomicU32>,
    is_full: bool,
}

impl Store {
    fn closed(&self) -> u32 {
        self.closings.load(Ordering::SeqCst)
    }
}

impl ResultStore<String, String, ()> for Store {
    fn prepare(&self, item: &WorkItem<String>) -> Result<ItemKey, StoreError> {
        Ok(ItemKey::new(item.id.as_str()))
    }

    fn lookup<'a>(
        &'a self,
        _key: &'a ItemKey,
    ) -> BoxFuture<'a, Result<Option<Kept<String>>, StoreError>> {
        Box::pin(async { Ok(None) })
    }

    fn append<'a>(
        &'a self,
        _key: &'a ItemKey,
        _result: &'a WorkItemResult<String>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }

    fn close(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.closings.fetch_add(1, Ordering::SeqCst);
        let full = || StoreError::new("the disk is full");
        Box::pin(async move { self.is_full.then(full).map_or(Ok(()), Err) })
    }
}

fn stuck() -> Failure {
    Failure::new(Category::ServerError, "the cache cannot be deleted")
}

/// Covers: AC-CL-2
#[tokio::test(start_paused = true)]
async fn a_store_that_cannot_be_closed_has_a_category_of_its_own() {
    let store = Store {
        is_full: true,
        ..Store::default()
    };
    let hooks = Hooks::new().with_store(Arc::new(store));
    let strategy = Arc::new(ScriptedStrategy::echo());
    let run = at_once(1).start_with(strategy, stream::iter(items(1)), hooks);
    let failure = run.await.unwrap().finish().await.unwrap_err().failure;
    assert_eq!(failure.category, Category::ArtifactError);
    assert_eq!(failure.message, "the disk is full");
}

/// Covers: AC-CL-2
#[tokio::test(start_paused = true)]
async fn a_strategy_that_cannot_be_cleaned_up_holds_up_nothing_else() {
    let store = Store::default();
    let failing = ScriptedStrategy::echo().with_cleanups([Some(stuck())]);
    let sibling = ScriptedStrategy::echo();
    let strategies =
        Strategies::new(Arc::new(failing.clone())).with("b", Arc::new(sibling.clone()));
    let mut work = items(4);
    work[1] = work[1].clone().with_strategy("b");
    let hooks = Hooks::new().with_store(Arc::new(store.clone()));
    let (results, ended) = run_with(at_once(2), strategies, work, hooks).await;
    assert_eq!(results.len(), 4, "the results stand");
    assert_eq!(ended.stats.succeeded, 4);
    assert_eq!((failing.cleaned(), sibling.cleaned()), (1, 1));
    assert_eq!(store.closed(), 1);
    let told: Vec<_> = ended.unclean.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["the cache cannot be deleted"]);

    // Whoever can be closed again does again what failed, and nothing else.
    let ear = Ear::new();
    let failing = ScriptedStrategy::echo().with_cleanups([Some(stuck())]);
    let strategies =
        Strategies::new(Arc::new(failing.clone())).with("b", Arc::new(sibling.clone()));
    let pool = at_once(1)
        .with_observer(Arc::clone(&ear) as _)
        .pool(strategies);
    pool.submit("a".to_owned()).await.unwrap();
    assert_eq!(pool.close().await.unwrap().unclean.len(), 1);
    assert_eq!(pool.close().await.unwrap().unclean.len(), 0, "told once");
    assert_eq!(pool.close().await.unwrap().stats.succeeded, 1);
    assert_eq!((failing.prepared(), failing.cleaned()), (1, 2));
    assert_eq!(ear.count("batch_completed"), 1);

    // What a run could not clean up, the next run with the same strategy does.
    let failing = ScriptedStrategy::echo().with_cleanups([Some(stuck())]);
    let shared = Shared::new(failing.clone());
    for left in [1, 0] {
        let (_, ended) = run(at_once(1), shared.clone(), items(1)).await;
        assert_eq!(ended.unclean.len(), left);
    }
    assert_eq!((failing.prepared(), failing.cleaned()), (1, 2));
}

/// Covers: AC-CL-2
#[tokio::test(start_paused = true)]
async fn a_panic_while_cleaning_up_is_a_failure_of_that_step() {
    #[derive(Debug)]
    struct Panicking;
    impl gimmal_batch::CallStrategy for Panicking {
        type Input = String;
        type Output = String;

        fn execute<'a>(
            &'a self,
            input: &'a String,
            _attempt: &'a mut gimmal_batch::Attempt,
        ) -> BoxFuture<'a, Result<gimmal_batch::Outcome<String>, Failure>> {
            let outcome = gimmal_batch::Outcome::new(input.clone(), Default::default(), 1);
            Box::pin(async { Ok(outcome) })
        }

        fn cleanup(&self) -> BoxFuture<'_, Result<(), Failure>> {
            Box::pin(async { panic!("over its own cache") })
        }
    }
    let store = Store::default();
    let hooks = Hooks::new().with_store(Arc::new(store.clone()));
    let (_, ended) = run_with(at_once(1), Arc::new(Panicking), items(1), hooks).await;
    assert!(
        ended.unclean[0]
            .message
            .contains("panicked: over its own cache")
    );
    assert_eq!(store.closed(), 1);
}

/// Covers: AC-CL-4
#[tokio::test(start_paused = true)]
async fn who_gives_up_waiting_does_not_cut_the_closing_short_and_an_abort_does() {
    let slow = || ScriptedStrategy::echo().with_cleanup_time(seconds(600));
    let started = async |strategy: &ScriptedStrategy, shutdown: &Shutdown, store: &Store| {
        let hooks = Hooks::new().with_store(Arc::new(store.clone()));
        let processor = at_once(1).with_shutdown(shutdown.clone());
        let work = stream::iter(items(3));
        let run = processor.start_with(Arc::new(strategy.clone()), work, hooks);
        let mut run = run.await.unwrap();
        for _ in 0..3 {
            run.next().await.unwrap();
        }
        run
    };
    // Once: nobody waits any more, and it goes on to its end.
    let (strategy, store, shutdown) = (slow(), Store::default(), Shutdown::new());
    let run = started(&strategy, &shutdown, &store).await;
    let waited = tokio::time::timeout(seconds(1), run.finish()).await;
    assert!(waited.is_err(), "it takes longer");
    assert_eq!((strategy.cleaned(), store.closed()), (1, 0));
    tokio::time::sleep(seconds(600)).await;
    assert_eq!((strategy.cleaned(), store.closed()), (1, 1));

    // Once, by the handle: the end is told, after everything is done.
    let (strategy, store, shutdown) = (slow(), Store::default(), Shutdown::new());
    let run = started(&strategy, &shutdown, &store).await;
    let (ended, ()) = tokio::join!(run.finish(), async {
        tokio::time::sleep(seconds(1)).await;
        shutdown.drain();
    });
    assert_eq!(ended.unwrap().termination.kind, TerminationKind::Stopped);
    assert_eq!(store.closed(), 1);

    // Twice: at once, and the log names what was passed over.
    let (log, _listening) = Log::listen(Level::WARN);
    let (strategy, store, shutdown) = (slow(), Store::default(), Shutdown::new());
    let run = started(&strategy, &shutdown, &store).await;
    let begun = Instant::now();
    let (ended, ()) = tokio::join!(run.finish(), async {
        tokio::time::sleep(seconds(1)).await;
        shutdown.drain();
        tokio::time::sleep(seconds(1)).await;
        shutdown.abort();
    });
    assert_eq!(begun.elapsed(), seconds(2));
    assert_eq!(ended.unwrap().stats.succeeded, 3);
    assert_eq!(store.closed(), 0);
    let told = "skipped=\"a strategy, the journal, the observers\"";
    assert_eq!(log.count(told), 1, "{}", log.text());
}

/// Covers: AC-CL-5
#[tokio::test(start_paused = true)]
async fn ten_who_close_at_the_same_time_do_each_step_once() {
    let ear = Ear::new();
    let strategy = ScriptedStrategy::echo().with_cleanup_time(millis(10));
    let processor = at_once(1).with_observer(Arc::clone(&ear) as _);
    let pool = processor.pool(Arc::new(strategy.clone()));
    pool.submit("a".to_owned()).await.unwrap();
    let all = join_all((0..10).map(|_| pool.close())).await;
    assert!(
        all.iter()
            .all(|ended| ended.as_ref().unwrap().stats.succeeded == 1)
    );
    assert_eq!(strategy.cleaned(), 1);
    assert_eq!(ear.count("batch_completed"), 1);

    // One attempt for all of them, also when it fails: only the first is told.
    let strategy = ScriptedStrategy::echo()
        .with_cleanup_time(millis(10))
        .with_cleanups([Some(stuck())]);
    let pool = at_once(1).pool(Arc::new(strategy.clone()));
    pool.submit("a".to_owned()).await.unwrap();
    let all = join_all((0..10).map(|_| pool.close())).await;
    let told: usize = all
        .iter()
        .map(|ended| ended.as_ref().unwrap().unclean.len())
        .sum();
    assert_eq!((told, strategy.cleaned()), (1, 1));
    pool.close().await.unwrap();
    assert_eq!(strategy.cleaned(), 2);

    // Ten runs that share a strategy and end together clean it up once.
    let strategy = ScriptedStrategy::echo().with_latency(millis(10));
    let shared = Shared::new(strategy.clone());
    join_all((0..10).map(|_| run(at_once(1), shared.clone(), items(2)))).await;
    assert_eq!((strategy.prepared(), strategy.cleaned()), (1, 1));
}
