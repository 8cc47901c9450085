//! Who goes first, how many go in any time, and which strategy an item goes to.

use std::num::NonZeroU64;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant as StdInstant, SystemTime};

use futures_util::future::BoxFuture;
use gimmal_batch::journal::{ItemKey, Kept, ResultStore, StoreError};
use gimmal_batch::testing::{ScriptedStrategy, too_many_requests};
use gimmal_batch::{
    Attempt, CallStrategy, Event, Failure, GeminiErrorClassifier, Hooks, Observer, Outcome,
    PostProcessor, Strategies, TinkerErrorClassifier, TokenEstimate, Usage, WorkItem,
    WorkItemResult,
};
use gimmal_client::transport::{Clock, RateLimits, TokioClock};
use tokio::time::Instant;

use crate::support::{at_once, categories, items, millis, run, run_with, seconds};

/// Covers: AC-QG-2
#[tokio::test(start_paused = true)]
async fn no_window_holds_more_than_was_saved_up_and_what_came_since() {
    const PER_MINUTE: u64 = 120;
    let times = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&times);
    let strategy = ScriptedStrategy::new(move |input, _, _| {
        seen.lock().unwrap().push(Instant::now());
        Ok(Outcome::new(input.to_owned(), Usage::default(), 1))
    });
    let requests = NonZeroU64::new(PER_MINUTE).unwrap();
    let limits = RateLimits::default().with_requests_per_minute(requests);
    let limits = limits.with_burst(seconds(7)).unwrap();
    // Arrivals are as uneven as they can be: some at once, some after a while.
    let work = futures_util::stream::unfold(0_u64, |i| async move {
        if i.is_multiple_of(37) {
            tokio::time::sleep(millis(i * 13 % 9_000)).await;
        }
        (i < 400).then(|| (WorkItem::new(i.to_string(), i.to_string()), i + 1))
    });
    let processor = at_once(40).with_rate_limits(limits);
    let run = processor.start(Arc::new(strategy), work).await.unwrap();
    assert_eq!(run.finish().await.unwrap().stats.succeeded, 400);
    let times = times.lock().unwrap();
    let saved = (PER_MINUTE * 7 / 60) as f64;
    for first in 0..times.len() {
        for last in first..times.len() {
            let window = (times[last] - times[first]).as_secs_f64();
            let allowed = saved + PER_MINUTE as f64 * window / 60.0 + 1e-6;
            assert!((last - first + 1) as f64 <= allowed, "{first} to {last}");
        }
    }
}

/// Covers: AC-QG-3
#[tokio::test(start_paused = true)]
async fn large_items_are_not_overtaken_by_small_ones() {
    let order = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&order);
    let strategy = ScriptedStrategy::new(move |input, _, _| {
        seen.lock().unwrap().push(input.parse::<u64>().unwrap());
        Ok(Outcome::new(input.to_owned(), Usage::of(0, 0), 1))
    });
    let tokens = NonZeroU64::new(6_000).unwrap();
    let limits = RateLimits::default().with_tokens_per_minute(tokens);
    // Every seventh takes a third of a minute's worth.
    let hooks = Hooks::new().with_token_estimator(|input: &String| {
        let number: u64 = input.parse().unwrap();
        let input_tokens = if number.is_multiple_of(7) { 2_000 } else { 10 };
        Ok(TokenEstimate {
            input_tokens,
            output_tokens: 0,
        })
    });
    let processor = at_once(100).with_rate_limits(limits);
    // Some give up while they wait.
    let processor = processor.with_item_timeout(seconds(200));
    let (results, _) = run_with(processor, Arc::new(strategy), items(100), hooks).await;
    assert_eq!(results.len(), 100);
    let order = order.lock().unwrap();
    assert!(order.is_sorted(), "{order:?}");
    assert!(!order.is_empty());
}

/// Counts the waits that are under way.
#[derive(Debug, Default)]
struct Counting {
    alive: Arc<AtomicUsize>,
    most: AtomicUsize,
}

struct Waiting(Arc<AtomicUsize>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Clock for Counting {
    fn now(&self) -> StdInstant {
        TokioClock.now()
    }

    fn system_now(&self) -> SystemTime {
        TokioClock.system_now()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let now = self.alive.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        let waiting = Waiting(Arc::clone(&self.alive));
        let sleep = TokioClock.sleep(duration);
        Box::pin(async move {
            let _waiting = waiting;
            sleep.await;
        })
    }
}

/// Covers: AC-QG-6
#[tokio::test(start_paused = true)]
async fn a_thousand_waiters_share_one_timer() {
    let clock = Arc::new(Counting::default());
    let requests = NonZeroU64::new(60_000).unwrap();
    let limits = RateLimits::default().with_requests_per_minute(requests);
    let processor = at_once(1_000)
        .with_clock(Arc::clone(&clock) as _)
        .with_rate_limits(limits.with_burst(Duration::ZERO).unwrap());
    let (results, _) = run(processor, Arc::new(ScriptedStrategy::echo()), items(5_000)).await;
    assert_eq!(results.len(), 5_000);
    assert_eq!(clock.most.load(Ordering::SeqCst), 1);
    assert_eq!(clock.alive.load(Ordering::SeqCst), 0);
}

/// Covers: AC-XT-21
/// Covers: AC-PM-5
/// Covers: LLMCallStrategy.recommended_error_classifier
#[tokio::test(start_paused = true)]
async fn each_item_goes_to_its_strategy_with_the_limits_and_the_classifier_of_that() {
    let busy = || Some(too_many_requests());
    let gemini = ScriptedStrategy::echo()
        .with_scope("gemini")
        .with_classifier(GeminiErrorClassifier)
        .with_schedule([busy()]);
    let tinker = ScriptedStrategy::echo()
        .with_scope("tinker")
        .with_classifier(TinkerErrorClassifier);
    let strategies =
        Strategies::new(Arc::new(gemini.clone())).with("tinker", Arc::new(tinker.clone()));
    let mut work = items(20);
    for (place, item) in work.iter_mut().enumerate() {
        if place % 2 == 1 {
            item.strategy = Some("tinker".into());
        }
    }
    let begun = Instant::now();
    let (results, ended) = run(at_once(20), strategies, work).await;
    assert_eq!(categories(&results), vec![None; 20]);
    assert_eq!((gemini.calls(), tinker.calls()), (11, 10));
    assert_eq!(ended.stats.rate_limited, 1);
    // The refusal of the one holds up nobody of the other.
    let waited = |odd: bool| {
        let of = results
            .iter()
            .filter(|it| (it.submission_index % 2 == 1) == odd);
        of.map(|it| it.latency).max().unwrap()
    };
    assert_eq!(waited(true), Duration::ZERO);
    assert_eq!(waited(false), begun.elapsed());
    assert!(begun.elapsed() > Duration::ZERO);
}

/// Writes down what ends in which order.
#[derive(Clone, Debug, Default)]
struct Ends(Arc<Mutex<Vec<&'static str>>>);

impl Ends {
    fn put(&self, what: &'static str) {
        self.0.lock().unwrap().push(what);
    }
}

impl CallStrategy for Ends {
    type Input = String;
    type Output = String;

    fn execute<'a>(
        &'a self,
        input: &'a String,
        _attempt: &'a mut Attempt,
    ) -> BoxFuture<'a, Result<Outcome<String>, Failure>> {
        Box::pin(async move { Ok(Outcome::new(input.clone(), Usage::default(), 1)) })
    }

    fn cleanup(&self) -> BoxFuture<'_, Result<(), Failure>> {
        self.put("strategy");
        Box::pin(async { Ok(()) })
    }
}

impl PostProcessor<String, ()> for Ends {
    fn process<'a>(&'a self, _result: &'a WorkItemResult<String>) -> BoxFuture<'a, ()> {
        Box::pin(async {
            tokio::time::sleep(seconds(30)).await;
            self.put("post-processor");
        })
    }
}

impl ResultStore<String, String, ()> for Ends {
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
        self.put("record");
        Box::pin(async { Ok(()) })
    }

    fn close(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.put("store");
        Box::pin(async { Ok(()) })
    }
}

impl Observer for Ends {
    fn on_event<'a>(&'a self, event: &'a Event) -> BoxFuture<'a, ()> {
        if matches!(event, Event::BatchCompleted { .. }) {
            self.put("observer");
        }
        Box::pin(async {})
    }
}

/// Covers: AC-CL-1
/// Covers: AC-CL-3
#[tokio::test(start_paused = true)]
async fn a_run_ends_in_order_and_waits_for_what_is_under_way() {
    let ends = Ends::default();
    let hooks = Hooks::new()
        .with_store(Arc::new(ends.clone()))
        .with_post_processor(ends.clone());
    let processor = at_once(1).with_observer(Arc::new(ends.clone()));
    run_with(processor, Arc::new(ends.clone()), items(1), hooks).await;
    let order = ends.0.lock().unwrap();
    assert_eq!(
        *order,
        ["record", "post-processor", "strategy", "store", "observer"]
    );
}
