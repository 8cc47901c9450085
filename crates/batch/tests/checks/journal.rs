//! Results that outlive the run that made them.

use std::path::Path;
use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use gimmal_batch::journal::{Fsync, Journal, JournalError, Policy};
use gimmal_batch::testing::ScriptedStrategy;
use gimmal_batch::{
    Budget, Category, Ended, Failure, Hooks, Outcome, TerminationKind, Usage, WorkItem,
};

use crate::support::{Ear, Results, at_once, busy, categories, items, run_with};

fn open(path: &Path, policy: Policy) -> Journal {
    let builder = Journal::builder("run", "inputs").with_policy(policy);
    builder.with_fsync(Fsync::Never).open(path).unwrap()
}

async fn run(path: &Path, policy: Policy, strategy: &ScriptedStrategy) -> (Results, Ended) {
    let hooks = Hooks::new().with_store(Arc::new(open(path, policy)));
    let processor = at_once(1).with_retry(gimmal_batch::RetryConfig::never());
    run_with(processor, Arc::new(strategy.clone()), items(3), hooks).await
}

/// Covers: AC-AR-3
#[tokio::test]
async fn what_is_done_is_not_done_again_and_what_failed_is_if_asked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let failing = ScriptedStrategy::costing(Usage::of(7, 3)).with_schedule([None, Some(busy())]);
    let (first, _) = run(&path, Policy::default(), &failing).await;
    assert_eq!(
        categories(&first),
        [None, Some(Category::ServerError), None]
    );

    // Failures stand when everything is reused.
    let strategy = ScriptedStrategy::echo();
    let (all, ended) = run(&path, Policy::ReuseAll, &strategy).await;
    assert_eq!(categories(&all), categories(&first));
    assert_eq!((strategy.calls(), ended.stats.replayed), (0, 3));
    assert!(all.iter().all(|result| result.is_replayed));

    // Otherwise they are tried again.
    let (again, ended) = run(&path, Policy::ReuseSuccesses, &strategy).await;
    assert_eq!(categories(&again), [None, None, None]);
    assert_eq!((strategy.calls(), ended.stats.replayed), (1, 2));
    assert_eq!(again[0].outcome.as_ref().unwrap().usage, Usage::of(7, 3));

    let journal = open(&path, Policy::default());
    let found = journal.recovered();
    assert_eq!((found.succeeded, found.failed), (3, 0), "the newest stands");
    drop(journal);
    let (_, ended) = run(&path, Policy::Nothing, &strategy).await;
    assert_eq!((strategy.calls(), ended.stats.replayed), (4, 0));
}

/// Covers: AC-TK-5
#[tokio::test]
async fn tokens_of_an_earlier_run_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let strategy = ScriptedStrategy::costing(Usage::of(7, 3));
    run(&path, Policy::default(), &strategy).await;
    let (results, ended) = run(&path, Policy::default(), &strategy).await;
    let all: u64 = results
        .iter()
        .map(|result| result.usage().total_tokens)
        .sum();
    assert_eq!(all, 30);
    assert_eq!(ended.stats.usage, Usage::default());
    assert_eq!(ended.stats.replayed_usage, Usage::of(21, 9));
    assert_eq!(ended.stats.requests, 0);
}

/// Covers: AC-AR-4
#[tokio::test]
async fn another_prompt_name_or_strategy_is_another_item() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let strategy = ScriptedStrategy::echo();
    let once = async |item: WorkItem<String>| {
        let hooks = Hooks::new().with_store(Arc::new(open(&path, Policy::default())));
        let strategies = gimmal_batch::Strategies::new(Arc::new(strategy.clone()))
            .with("other", Arc::new(strategy.clone()));
        let (_, ended) = run_with(at_once(1), strategies, vec![item], hooks).await;
        ended.stats.replayed == 1
    };
    let item = WorkItem::new("a", "p".to_owned());
    assert!(!once(item.clone()).await);
    assert!(once(item.clone()).await);
    assert!(!once(WorkItem::new("a", "q".to_owned())).await);
    assert!(!once(WorkItem::new("b", "p".to_owned())).await);
    assert!(!once(item.clone().with_strategy("other")).await);
    assert!(once(item.with_priority(7)).await, "urgency changes nothing");
}

#[test]
fn a_journal_of_something_else_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    drop(open(&path, Policy::default()));
    let other = |run: &str, inputs: &str| Journal::builder(run, inputs).open(&path).unwrap_err();
    assert!(matches!(other("other", "inputs"), JournalError::OtherRun));
    let inputs = other("run", "other");
    assert!(matches!(inputs, JournalError::OtherInputs));
    assert!(inputs.to_string().contains("belongs to other inputs"));

    let journal = open(&path, Policy::default());
    assert!(matches!(other("run", "inputs"), JournalError::InUse));
    drop(journal);

    let foreign = folder.path().join("precious");
    std::fs::write(&foreign, "precious").unwrap();
    let refused = Journal::builder("run", "inputs")
        .open(&foreign)
        .unwrap_err();
    assert!(matches!(refused, JournalError::NotAJournal(_)));
    assert_eq!(std::fs::read(&foreign).unwrap(), b"precious");
}

#[tokio::test]
async fn a_torn_end_is_dropped_and_damage_in_the_middle_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    run(&path, Policy::default(), &ScriptedStrategy::echo()).await;
    let whole = std::fs::read(&path).unwrap();
    let lines: Vec<usize> = whole
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'\n')
        .map(|(at, _)| at + 1)
        .collect();
    for cut in 0..whole.len() {
        std::fs::write(&path, &whole[..cut]).unwrap();
        let found = open(&path, Policy::default()).recovered();
        let kept = lines.iter().filter(|end| **end <= cut).count();
        assert_eq!(
            found.succeeded as usize,
            kept.saturating_sub(1),
            "cut at {cut}"
        );
        let left = std::fs::read(&path).unwrap();
        let expected = lines
            .iter()
            .rev()
            .find(|end| **end <= cut)
            .unwrap_or(&lines[0]);
        assert_eq!(left, whole[..*expected], "cut at {cut}");
    }
    // The last line may be damaged as a whole by a machine that lost power.
    let mut damaged = whole.clone();
    *damaged.iter_mut().rev().nth(3).unwrap() ^= 0xff;
    std::fs::write(&path, &damaged).unwrap();
    assert_eq!(open(&path, Policy::default()).recovered().succeeded, 2);
    // Anywhere else nobody may guess.
    let mut damaged = whole.clone();
    damaged[lines[0] + 20] ^= 1;
    std::fs::write(&path, &damaged).unwrap();
    let error = Journal::builder("run", "inputs").open(&path).unwrap_err();
    assert!(matches!(error, JournalError::Damaged(2)), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), damaged);
}

/// Covers: AC-SR-5
#[tokio::test]
async fn a_result_is_written_before_anybody_sees_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let hooks = Hooks::new().with_store(Arc::new(open(&path, Policy::default())));
    let strategy = Arc::new(ScriptedStrategy::echo());
    let run = at_once(4).start_with(strategy, stream::iter(items(50)), hooks);
    let mut run = run.await.unwrap();
    while let Some(result) = run.next().await {
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(&format!("\"id\":\"{}\"", result.id)));
    }
    run.finish().await.unwrap();
}

/// Covers: AC-GD-6
/// Covers: AC-XT-16
#[tokio::test]
async fn a_run_that_spent_its_budget_goes_on_with_a_larger_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let strategy = ScriptedStrategy::costing(Usage::of(40, 0));
    let run = async |tokens: u64, policy: Policy| {
        let hooks = Hooks::new().with_store(Arc::new(open(&path, policy)));
        let budget = Budget::new().with_max_tokens(tokens);
        let processor = at_once(1).with_budget(budget).with_read_ahead(4);
        run_with(processor, Arc::new(strategy.clone()), items(10), hooks).await
    };
    let (_, ended) = run(100, Policy::ReuseSuccesses).await;
    assert_eq!(ended.termination.kind, TerminationKind::BudgetExceeded);
    assert_eq!(strategy.calls(), 3);
    // Even when failures are reused, those that only say how the run ended are not.
    let (results, ended) = run(1_000, Policy::ReuseAll).await;
    assert_eq!(ended.termination.kind, TerminationKind::Completed);
    assert_eq!(results.len(), 10);
    assert!(results.iter().all(|result| result.outcome.is_ok()));
    assert_eq!((strategy.calls(), ended.stats.replayed), (10, 3));
    assert_eq!(ended.spent.tokens, 7 * 40, "what was replayed is free");
}

/// Covers: AC-AR-5
/// Covers: AC-SR-2
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_ends_the_run_and_loses_nothing() {
    // A store that takes ten results and then no more, as a full disk does.
    struct Full(std::sync::Mutex<u32>);
    impl gimmal_batch::journal::ResultStore<String, String, ()> for Full {
        fn prepare(
            &self,
            item: &WorkItem<String>,
        ) -> Result<gimmal_batch::journal::ItemKey, gimmal_batch::journal::StoreError> {
            Ok(gimmal_batch::journal::ItemKey::new(item.id.as_str()))
        }
        fn lookup<'a>(
            &'a self,
            _key: &'a gimmal_batch::journal::ItemKey,
        ) -> futures_util::future::BoxFuture<
            'a,
            Result<Option<gimmal_batch::journal::Kept<String>>, gimmal_batch::journal::StoreError>,
        > {
            Box::pin(async { Ok(None) })
        }
        fn append<'a>(
            &'a self,
            _key: &'a gimmal_batch::journal::ItemKey,
            _result: &'a gimmal_batch::WorkItemResult<String>,
        ) -> futures_util::future::BoxFuture<'a, Result<(), gimmal_batch::journal::StoreError>>
        {
            let mut room = self.0.lock().unwrap();
            let fits = *room > 0;
            *room = room.saturating_sub(1);
            Box::pin(async move {
                let full = || gimmal_batch::journal::StoreError::new("no space left on device");
                fits.then_some(()).ok_or_else(full)
            })
        }
    }
    let ear = Ear::new();
    let hooks = Hooks::new().with_store(Arc::new(Full(std::sync::Mutex::new(10))));
    let processor = at_once(4).with_observer(Arc::clone(&ear) as _);
    let strategy = ScriptedStrategy::echo();
    let (results, ended) = run_with(processor, Arc::new(strategy), items(1_000), hooks).await;
    let seen = results.iter().filter(|result| result.outcome.is_ok());
    assert_eq!(seen.count(), 10, "what was written is what is seen");
    assert_eq!(ended.termination.kind, TerminationKind::ArtifactError);
    assert!(ended.termination.reason.unwrap().contains("no space left"));
    assert_eq!(ear.count("item_completed"), 10);

    // What is no file is not read, not even this one, which never ends.
    let opened = Journal::builder("run", "inputs").open("/dev/full");
    assert!(opened.is_err());
}

/// Covers: AC-AR-8
#[tokio::test]
async fn a_journal_holds_no_prompt_and_no_context() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let strategy = ScriptedStrategy::new(|_, _, call| match call {
        0 => Ok(Outcome::new("answer".to_owned(), Usage::default(), 1)),
        _ => Err(Failure::new(Category::ClientError, "no")),
    });
    let hooks = Hooks::new().with_store(Arc::new(open(&path, Policy::default())));
    let work = ["a", "b"].map(|id| {
        WorkItem::new(id, "a confidential prompt".to_owned()).with_context("a private context")
    });
    let run = at_once(1).start_with(Arc::new(strategy), stream::iter(work), hooks);
    run.await.unwrap().finish().await.unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("answer"));
    for secret in ["confidential", "private"] {
        assert!(!text.contains(secret), "{text}");
    }
}
