//! Strategies made of others, and those for Gemini against the emulator.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use futures_util::future::BoxFuture;
use gimmal_batch::engines::{GeminiBatch, JobEvent};
use gimmal_batch::strategies::{
    FnStrategy, GeminiCachedStrategy, GeminiStrategy, Ladder, Structured,
};
use gimmal_batch::testing::ScriptedStrategy;
use gimmal_batch::{
    Attempt, CallStrategy, Category, Event, Failure, Hooks, Outcome, Recovery, Strategies,
    TokenEstimate, Usage, WorkItem, WorkItemResult,
};
use gimmal_client::gemini::GeminiClient;
use gimmal_client::gemini::planner::{Planner, Prefix};
use gimmal_client::transport::Clock;
use gimmal_client::types::gemini::{Content, JobState};
use gimmal_emulator::{Emulator, ManualClock, Route};

use crate::support::{Ear, at_once, busy, categories, items, run, seconds};

const MODEL: &str = "gemini-2.5-flash";

fn refused() -> Failure {
    Failure::new(Category::ClientError, "too hard").with_usage(Usage::of(5, 0))
}

#[tokio::test(start_paused = true)]
async fn a_stronger_strategy_takes_over_when_an_attempt_fails() {
    let small = ScriptedStrategy::echo().with_schedule([Some(refused())]);
    let large = ScriptedStrategy::costing(Usage::of(20, 2));
    let ladder = Ladder::escalating(small.clone()).then(large.clone());
    let (results, _) = run(at_once(1), Arc::new(ladder), items(2)).await;
    assert_eq!(categories(&results), [None, None]);
    assert_eq!((small.calls(), large.calls()), (2, 1));
    assert_eq!(results[0].usage(), Usage::of(25, 2), "both are paid for");
    assert_eq!((small.prepared(), large.prepared()), (1, 1));
    assert_eq!((small.cleaned(), large.cleaned()), (1, 1));
    // The last one's failure is final.
    let last = ScriptedStrategy::echo().with_schedule([Some(refused())]);
    let first = ScriptedStrategy::echo().with_schedule([Some(refused())]);
    let (results, _) = run(
        at_once(1),
        Arc::new(Ladder::escalating(first).then(last)),
        items(1),
    )
    .await;
    assert_eq!(categories(&results), [Some(Category::ClientError)]);
    assert_eq!(results[0].attempts.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_stand_in_answers_within_the_same_attempt() {
    let first = ScriptedStrategy::echo().with_schedule([Some(refused()), Some(busy())]);
    let other = ScriptedStrategy::costing(Usage::of(20, 2));
    let ladder = Ladder::falling_back(first.clone()).then(other.clone());
    let (results, _) = run(at_once(1), Arc::new(ladder), items(2)).await;
    assert_eq!(categories(&results), [None, None]);
    assert_eq!(results[0].attempts.len(), 1);
    assert_eq!(results[0].usage(), Usage::of(25, 2));
    // What may pass is tried again with the same one.
    assert_eq!(results[1].attempts.len(), 2);
    assert_eq!((first.calls(), other.calls()), (3, 1));
}

/// Answers badly at first, and remembers its prompts.
#[derive(Debug, Default)]
struct Careless(std::sync::Mutex<Vec<String>>);

impl CallStrategy for Careless {
    type Input = String;
    type Output = gimmal_batch::strategies::Answer;

    fn execute<'a>(
        &'a self,
        input: &'a String,
        attempt: &'a mut Attempt,
    ) -> BoxFuture<'a, Result<Outcome<Self::Output>, Failure>> {
        self.0.lock().unwrap().push(input.clone());
        let mut answer = gimmal_batch::strategies::Answer::default();
        answer.text = match attempt.number {
            1 => "{\"name\": 7}".to_owned(),
            _ => "```json\n{\"name\": \"gimmal\"}\n```".to_owned(),
        };
        Box::pin(async { Ok(Outcome::new(answer, Usage::of(10, 1), 1)) })
    }
}

#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
struct Named {
    name: String,
}

/// Covers: AC-SO-5
#[tokio::test(start_paused = true)]
async fn a_bad_answer_is_asked_for_again_with_what_was_wrong() {
    let strategy = Arc::new(Structured::<_, Named>::new(Careless::default()).with_repair());
    let work = futures_util::stream::iter([WorkItem::new("a", "Name it.".to_owned())]);
    let mut run = at_once(1).start(Arc::clone(&strategy), work).await.unwrap();
    let result = futures_util::StreamExt::next(&mut run).await.unwrap();
    assert_eq!(result.attempts.len(), 2);
    assert_eq!(result.usage(), Usage::of(20, 2));
    assert_eq!(result.outcome.unwrap().output.name, "gimmal");
    run.finish().await.unwrap();
    let strategy = Arc::into_inner(strategy).unwrap();
    let debug = format!("{strategy:?}");
    assert!(debug.contains("Name it."));
    assert!(debug.contains("could not be read as JSON"), "{debug}");
}

/// Covers: CallableStrategy.execute
/// Covers: CallableStrategy.estimate_tokens
/// Covers: CallableStrategy.concurrency_scope
/// Covers: CallableStrategy.quota_scope
/// Covers: CallableStrategy.recommended_error_classifier
/// Covers: CallableStrategy.max_concurrency
/// Covers: CallableStrategy.dry_run
/// Covers: CallableStrategy.prepare
/// Covers: CallableStrategy.cleanup
/// Covers: CallableStrategy.on_error
#[tokio::test]
async fn a_function_is_a_strategy_with_all_that_belongs_to_one() {
    let function = FnStrategy::new(|number: u64, attempt: Attempt| async move {
        let output = number + u64::from(attempt.number);
        Ok(Outcome::new(output, Usage::default(), 1))
    });
    let strategy = function
        .with_estimator(|number| TokenEstimate {
            input_tokens: *number,
            output_tokens: 1,
        })
        .with_scope("account")
        .with_classifier(gimmal_batch::GeminiErrorClassifier);
    strategy.prepare().await.unwrap();
    let mut attempt = Attempt::default();
    attempt.number = 2;
    let outcome = strategy.execute(&40, &mut attempt).await.unwrap();
    assert_eq!(outcome.output, 42);
    assert_eq!(strategy.estimate(&40).unwrap().total_tokens(), 41);
    assert_eq!(strategy.scope().as_deref(), Some("account"));
    let expired = Failure::new(Category::Unknown, "Cache content 7 is expired.").with_status(400);
    let judged = strategy.classifier().classify(&expired);
    assert_eq!(judged, Category::CacheExpired);
    // What is not said is as it is for every strategy.
    assert_eq!(strategy.max_concurrency(), None);
    assert_eq!(strategy.dry_run(&40), None);
    let mut failure = busy();
    strategy.on_error(&mut failure, &mut attempt).await;
    assert_eq!(failure.message, busy().message);
    strategy.cleanup().await.unwrap();
}

/// Covers: ModelStrategy.estimate_tokens
/// Covers: ModelStrategy.concurrency_scope
/// Covers: ModelStrategy.quota_scope
/// Covers: ModelStrategy.max_concurrency
/// Covers: GeminiStrategy.recommended_error_classifier
#[tokio::test]
async fn a_model_is_a_strategy_that_counts_its_context() {
    let world = World::new().await;
    let planner = Planner::builder(&world.client).build();
    let of = |text: &str| {
        let prefix = Prefix {
            contents: vec![Content::user(text)],
            ..Prefix::default()
        };
        let strategy = GeminiStrategy::builder(&world.client, &planner, MODEL);
        strategy.with_shared_context(prefix).build().unwrap()
    };
    let (short, long) = (of("A ring."), of(&"A ring of two hoops. ".repeat(100)));
    let estimate = |strategy: &GeminiStrategy| strategy.estimate(&"Why?".to_owned()).unwrap();
    let more = estimate(&long).input_tokens - estimate(&short).input_tokens;
    let context = long.context_tokens() - short.context_tokens();
    assert_eq!(more, u64::from(context));
    // Each is an account of its own, with as many calls as there are workers.
    assert_eq!((short.scope(), short.max_concurrency()), (None, None));
    let expired = Failure::new(Category::Unknown, "Cache content 7 is expired.").with_status(400);
    let judged = short.classifier().classify(&expired);
    assert_eq!(judged, Category::CacheExpired);
}

/// Covers: AC-SO-3
#[tokio::test(start_paused = true)]
async fn an_answer_that_can_be_recovered_is_not_asked_for_again() {
    for (recovers, tries) in [(true, 1), (false, 3)] {
        let ear = Ear::new();
        let inner = FnStrategy::new(|input: String, _attempt| async move {
            let mut answer = gimmal_batch::strategies::Answer::default();
            answer.text = format!("{{\"name\": \"{input}\"}}\n```");
            Ok(Outcome::new(answer, Usage::of(10, 1), 1))
        });
        let mut strategy = Structured::<_, Named>::new(inner);
        if recovers {
            strategy = strategy.with_recovery();
        }
        let processor = at_once(1).with_observer(Arc::clone(&ear) as _);
        let work = futures_util::stream::iter(items(4));
        let run = processor.start(Arc::new(strategy), work).await.unwrap();
        let batch = run.collect_all().await.unwrap();
        assert!(
            batch
                .results
                .iter()
                .all(|result| result.attempts.len() == tries)
        );
        let stats = &batch.ended.stats;
        let recovered = stats
            .recovered
            .get(&Recovery::TrailingMarkdownFence)
            .copied();
        assert_eq!(recovered, recovers.then_some(4));
        let told = ear.all().into_iter().filter(|(_, event)| {
            matches!(
                event,
                Event::ItemCompleted {
                    recovered: Some(_),
                    ..
                }
            )
        });
        assert_eq!(told.count() as u64, recovered.unwrap_or(0));
        let line = "structured_output_recoveries_total{reason=\"trailing_markdown_fence\"} 4";
        assert_eq!(stats.to_prometheus().contains(line), recovers);
        assert_eq!(stats.succeeded, recovered.unwrap_or(0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_copy_of_a_recovered_answer_spared_no_attempt() {
    let inner = FnStrategy::new(|_: String, _attempt| async move {
        let mut answer = gimmal_batch::strategies::Answer::default();
        answer.text = "{\"name\": \"a\"}\n```".to_owned();
        Ok(Outcome::new(answer, Usage::of(10, 1), 1))
    });
    let strategy = Structured::<_, Named>::new(inner).with_recovery();
    let hooks = Hooks::new().with_dedup(|_: &String| Some("same".to_owned()));
    let work = futures_util::stream::iter(items(4));
    let run = at_once(2).start_with(Arc::new(strategy), work, hooks);
    let batch = run.await.unwrap().collect_all().await.unwrap();
    let stats = &batch.ended.stats;
    assert_eq!((stats.succeeded, stats.deduplicated), (4, 3));
    assert_eq!(stats.recovered[&Recovery::TrailingMarkdownFence], 1);
}

/// The emulator's time of day.
#[derive(Debug)]
struct Wall(ManualClock);

impl Clock for Wall {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn system_now(&self) -> SystemTime {
        gimmal_emulator::Clock::now(&self.0)
    }

    fn sleep(&self, _duration: Duration) -> BoxFuture<'static, ()> {
        // Whoever waits lets the jobs of the emulator go on.
        self.0.advance(Duration::from_secs(60));
        Box::pin(tokio::task::yield_now())
    }
}

struct World {
    emulator: Emulator,
    clock: ManualClock,
    client: GeminiClient,
}

impl World {
    async fn new() -> Self {
        let clock = ManualClock::new();
        let emulator = Emulator::builder()
            .with_clock(Arc::new(clock.clone()))
            .start()
            .await
            .unwrap();
        let client = GeminiClient::builder()
            .with_api_key("k")
            .with_base_url(emulator.base_url())
            .build()
            .unwrap();
        Self {
            emulator,
            clock,
            client,
        }
    }

    fn cached(&self) -> GeminiCachedStrategy {
        let text = "All gimmals are rings of two hoops that part and join again. ".repeat(400);
        GeminiCachedStrategy::builder(&self.client, MODEL, [Content::user(text)])
            .with_clock(Arc::new(Wall(self.clock.clone())))
            .build()
            .unwrap()
    }

    fn count(&self, route: Route) -> usize {
        self.emulator.journal().count(route)
    }

    /// Runs so many prompts with fifty workers.
    async fn run(&self, strategy: &GeminiCachedStrategy, count: usize) -> Vec<Option<Category>> {
        let strategies = Strategies::from(Arc::new(strategy.clone()));
        let work = futures_util::stream::iter(items(count));
        let mut run = at_once(50).start(strategies, work).await.unwrap();
        let mut ends = Vec::new();
        while let Some(result) = futures_util::StreamExt::next(&mut run).await {
            if let Ok(outcome) = &result.outcome {
                assert!(outcome.usage.cached_tokens > 0);
            }
            ends.push(result.category().cloned());
        }
        run.finish().await.unwrap();
        ends
    }
}

/// Covers: AC-GC-1
/// Covers: GeminiCachedModel.prepare
/// Covers: GeminiCachedModel.cleanup
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_workers_make_one_cache_and_the_next_run_finds_it() {
    let world = World::new().await;
    assert!(
        world
            .run(&world.cached(), 100)
            .await
            .iter()
            .all(Option::is_none)
    );
    assert_eq!(world.count(Route::CreateCachedContent), 1);
    assert_eq!(world.count(Route::DeleteCachedContent), 0, "it stays");
    // Another process with the same content.
    assert!(
        world
            .run(&world.cached(), 10)
            .await
            .iter()
            .all(Option::is_none)
    );
    assert_eq!(world.count(Route::CreateCachedContent), 1);
}

/// Covers: AC-GC-4
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cache_is_renewed_in_place_when_it_is_due_and_once_for_all() {
    let world = World::new().await;
    let strategy = world.cached();
    world.run(&strategy, 1).await;
    world.clock.advance(seconds(3_600 - 302));
    world.run(&strategy, 20).await;
    assert_eq!(world.count(Route::UpdateCachedContent), 0);
    world.clock.advance(seconds(10));
    world.run(&strategy, 20).await;
    // Preparing again finds the cache that is due and adopts it; the first call renews it.
    assert_eq!(world.count(Route::UpdateCachedContent), 1);
    assert_eq!(world.count(Route::CreateCachedContent), 1);
}

/// Covers: AC-GC-5
/// Covers: AC-GC-6
/// Covers: GeminiCachedModel.generate
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cache_that_the_service_has_lost_is_made_anew_once() {
    let world = World::new().await;
    let strategy = world.cached();
    world.run(&strategy, 1).await;
    // Deleted behind the strategy's back: 403 or 404.
    let name = strategy.cache_name().unwrap();
    world.client.caches().delete(&name).send().await.unwrap();
    let ends = world.run(&strategy, 100).await;
    assert!(ends.iter().all(Option::is_none), "{ends:?}");
    assert_eq!(world.count(Route::CreateCachedContent), 2);
    assert_ne!(strategy.cache_name(), Some(name));
    // Expired, and too late to be renewed.
    world.clock.advance(seconds(10_000));
    let ends = world.run(&strategy, 100).await;
    assert!(ends.iter().all(Option::is_none), "{ends:?}");
    assert_eq!(world.count(Route::CreateCachedContent), 3);
    // The text that the plan quotes is judged as what it is.
    let quoted = Failure::new(
        Category::Unknown,
        "400 INVALID_ARGUMENT. Cache content 7 is expired.",
    );
    let judged = strategy.classifier().classify(&quoted.with_status(400));
    assert_eq!(judged, Category::CacheExpired);
}

/// Covers: AC-GC-7
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_cache_is_gone_until_the_next_preparation() {
    let world = World::new().await;
    let strategy = world.cached();
    strategy.delete_cache().await.unwrap();
    strategy.prepare().await.unwrap();
    let calls = (0..20).map(|_| async {
        let mut attempt = Attempt::default();
        strategy
            .execute(&"Why?".to_owned(), &mut attempt)
            .await
            .is_ok()
    });
    let (deleted, _) = tokio::join!(
        strategy.delete_cache(),
        futures_util::future::join_all(calls)
    );
    deleted.unwrap();
    assert_eq!(strategy.cache_name(), None);
    let failure = strategy
        .execute(&"Why?".to_owned(), &mut Attempt::default())
        .await
        .unwrap_err();
    assert!(failure.message.contains("not prepared"), "{failure}");
    strategy.prepare().await.unwrap();
    assert!(strategy.cache_name().is_some());
}

/// Covers: AC-GC-9
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_hours_over_a_cache_of_one_hour() {
    let world = World::new().await;
    let strategy = world.cached();
    for _ in 0..36 {
        let ends = world.run(&strategy, 10).await;
        assert!(ends.iter().all(Option::is_none), "{ends:?}");
        world.clock.advance(seconds(300));
    }
    let upkeep = world.count(Route::CreateCachedContent) + world.count(Route::UpdateCachedContent);
    assert!(upkeep <= 4, "{upkeep}");
}

fn prompts(count: usize) -> Vec<WorkItem<String>> {
    let mut work = items(count);
    for item in &mut work {
        item.input = format!("What of ring {}?", item.id);
    }
    work
}

fn answered(results: &[WorkItemResult<gimmal_batch::strategies::Answer>]) -> usize {
    let done = results.iter().filter(|result| result.outcome.is_ok());
    done.count()
}

/// Covers: AC-XT-10
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn items_go_through_the_services_own_jobs_and_a_killed_process_finds_them_again() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("jobs.json");
    let planner = Planner::builder(&world.client).build();
    let strategy = GeminiStrategy::builder(&world.client, &planner, MODEL)
        .with_shared_context(Prefix::default())
        .build()
        .unwrap();
    let engine = || {
        GeminiBatch::new(&world.client, MODEL, &kept)
            .with_requests_per_job(5)
            .with_clock(Arc::new(Wall(world.clock.clone())))
    };
    // A process that dies as soon as a job is looked at.
    let engine_of_it = engine();
    let dying = engine_of_it.run(&strategy, prompts(8), |event| {
        assert!(!matches!(event, JobEvent::Polled { .. }), "killed");
    });
    let died = futures_util::FutureExt::catch_unwind(std::panic::AssertUnwindSafe(dying)).await;
    assert!(died.is_err());
    assert_eq!(world.count(Route::CreateBatch), 2);
    assert!(kept.exists());

    let mut found = 0;
    let results = engine()
        .run(&strategy, prompts(8), |event| match event {
            JobEvent::Found { .. } => found += 1,
            JobEvent::Submitted { .. } => panic!("a job was handed in twice"),
            _ => {}
        })
        .await
        .unwrap();
    assert_eq!((found, results.len(), answered(&results)), (2, 8, 8));
    assert_eq!(world.count(Route::CreateBatch), 2);
    assert!(!kept.exists(), "nothing is under way any more");
    for (place, result) in results.iter().enumerate() {
        assert_eq!(result.id, place.to_string());
        assert!(result.usage().total_tokens > 0);
    }
}

/// Covers: AC-XT-11
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn items_that_a_job_could_not_answer_are_failures_of_their_own() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let planner = Planner::builder(&world.client).build();
    let strategy = GeminiStrategy::builder(&world.client, &planner, MODEL)
        .build()
        .unwrap();
    let engine = GeminiBatch::new(&world.client, MODEL, folder.path().join("jobs.json"))
        .with_clock(Arc::new(Wall(world.clock.clone())));
    let mut work = prompts(3);
    work[1].input = String::new();
    let mut states = Vec::new();
    let results = engine
        .run(&strategy, work, |event| {
            if let JobEvent::Polled { state, .. } = event {
                states.push(state);
            }
        })
        .await
        .unwrap();
    assert_eq!(states.last(), Some(&JobState::Succeeded));
    assert_eq!(results.len(), 3);
    assert!(answered(&results) >= 2);
}
