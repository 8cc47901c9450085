//! Long runs on a clock of their own against the emulator: a service that admits 600 requests a
//! minute, and a context cache that lives for less than the run takes.
//!
//! The clock stands while a request is under way and leaps to the next wait otherwise, so minutes
//! cost nothing. `GIMMAL_TEST_FULL=1` runs the cache at its full size.

use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use gimmal_batch::strategies::{Answer, GeminiCachedStrategy, GeminiStrategy};
use gimmal_batch::{
    Attempt, CallStrategy, Category, Classifier, Failure, GeminiErrorClassifier, Outcome,
    Processor, Strategies,
};
use gimmal_client::gemini::GeminiClient;
use gimmal_client::gemini::planner::{Planner, Prefix};
use gimmal_client::transport::{Clock, RateLimits};
use gimmal_client::types::gemini::Content;
use gimmal_emulator::{Emulator, EmulatorBuilder, Fault, FaultRule, ManualClock, Route};
use tokio::sync::oneshot;

use crate::support::{at_once, items, millis, seconds};

const MODEL: &str = "gemini-2.5-flash";
const MINUTE: Duration = Duration::from_secs(60);

/// When it is to wake, and how.
type Sleeper = (Instant, oneshot::Sender<()>);

/// Time that the emulator and the run share.
#[derive(Clone, Debug)]
struct Time {
    manual: ManualClock,
    begun: (Instant, SystemTime),
    sleepers: Arc<Mutex<Vec<Sleeper>>>,
    in_flight: Arc<AtomicUsize>,
}

impl Time {
    fn new() -> Self {
        let manual = ManualClock::new();
        let begun = (Instant::now(), gimmal_emulator::Clock::now(&manual));
        Self {
            manual,
            begun,
            sleepers: Arc::default(),
            in_flight: Arc::default(),
        }
    }

    fn elapsed(&self) -> Duration {
        let now = gimmal_emulator::Clock::now(&self.manual);
        now.duration_since(self.begun.1).unwrap()
    }

    /// Leaps to the next wait whenever nothing else can happen.
    async fn pass(self) {
        loop {
            for _ in 0..50 {
                tokio::task::yield_now().await;
            }
            if self.in_flight.load(Ordering::SeqCst) > 0 {
                continue;
            }
            let mut sleepers = self.sleepers.lock().unwrap();
            sleepers.retain(|(_, sleeper)| !sleeper.is_closed());
            let Some(next) = sleepers.iter().map(|(until, _)| *until).min() else {
                continue;
            };
            self.manual
                .advance(next.saturating_duration_since(self.now()));
            let (due, later): (Vec<_>, Vec<_>) =
                sleepers.drain(..).partition(|(until, _)| *until <= next);
            *sleepers = later;
            for (_, sleeper) in due {
                let _ = sleeper.send(());
            }
        }
    }
}

impl Clock for Time {
    fn now(&self) -> Instant {
        self.begun.0 + self.elapsed()
    }

    fn system_now(&self) -> SystemTime {
        gimmal_emulator::Clock::now(&self.manual)
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let (sender, woken) = oneshot::channel();
        let until = self.now().checked_add(duration);
        if let Some(until) = until {
            self.sleepers.lock().unwrap().push((until, sender));
        }
        woken.map(drop).boxed()
    }
}

/// Another strategy, with its calls and preparations counted and time that each call takes.
#[derive(Debug)]
struct Timed<S> {
    inner: S,
    time: Time,
    /// So much later it is after a call.
    each: Duration,
    prepared: Arc<AtomicU64>,
}

impl<S> CallStrategy for Timed<S>
where
    S: CallStrategy<Input = String, Output = Answer>,
{
    type Input = String;
    type Output = Answer;

    fn prepare(&self) -> BoxFuture<'_, Result<(), Failure>> {
        self.prepared.fetch_add(1, Ordering::SeqCst);
        self.inner.prepare()
    }

    fn execute<'a>(
        &'a self,
        input: &'a String,
        attempt: &'a mut Attempt,
    ) -> BoxFuture<'a, Result<Outcome<Answer>, Failure>> {
        Box::pin(async move {
            self.time.in_flight.fetch_add(1, Ordering::SeqCst);
            self.time.manual.advance(self.each);
            let outcome = self.inner.execute(input, attempt).await;
            self.time.in_flight.fetch_sub(1, Ordering::SeqCst);
            outcome
        })
    }

    fn cleanup(&self) -> BoxFuture<'_, Result<(), Failure>> {
        self.inner.cleanup()
    }

    fn classifier(&self) -> Arc<dyn Classifier> {
        Arc::new(GeminiErrorClassifier)
    }
}

async fn emulator(time: &Time, builder: EmulatorBuilder) -> (Emulator, GeminiClient) {
    let builder = builder.with_clock(Arc::new(time.manual.clone()));
    let emulator = builder.with_journal_capacity(50_000).start().await.unwrap();
    let client = GeminiClient::builder()
        .with_api_key("k")
        .with_base_url(emulator.base_url())
        .build()
        .unwrap();
    (emulator, client)
}

/// Runs to the end; gives how many items failed, by what.
async fn failures<S>(processor: Processor, strategy: Timed<S>, count: usize) -> Vec<Category>
where
    S: CallStrategy<Input = String, Output = Answer>,
{
    let processor = processor.with_clock(Arc::new(strategy.time.clone()));
    let passing = tokio::spawn(strategy.time.clone().pass());
    let strategies = Strategies::from(Arc::new(strategy));
    let run = processor.start(strategies, stream::iter(items(count)));
    let mut run = run.await.unwrap();
    let mut failures = Vec::new();
    while let Some(result) = run.next().await {
        failures.extend(result.category().cloned());
    }
    run.finish().await.unwrap();
    passing.abort();
    failures
}

#[tokio::test]
async fn three_thousand_items_through_six_hundred_requests_a_minute() {
    const LIMIT: usize = 600;
    const ITEMS: usize = 3_000;
    let time = Time::new();
    let builder = Emulator::builder().with_requests_per_minute(LIMIT);
    let (emulator, client) = emulator(&time, builder).await;
    let planner = Planner::builder(&client).build();
    let strategy = GeminiStrategy::builder(&client, &planner, MODEL)
        .with_shared_context(Prefix::default())
        .build()
        .unwrap();
    let strategy = Timed {
        inner: strategy,
        time: time.clone(),
        each: Duration::ZERO,
        prepared: Arc::default(),
    };
    let requests = NonZeroU64::new(LIMIT as u64).unwrap();
    // Somewhat less than a minute's worth at once, as `gimmal batch --rpm` has it.
    let limits = RateLimits::default().with_requests_per_minute(requests);
    let limits = limits.with_burst(seconds(50)).unwrap();
    let processor = at_once(50).with_rate_limits(limits);
    let failed = failures(processor, strategy, ITEMS).await;
    assert_eq!(failed, [], "no item is lost");

    // The emulator admits six hundred in each minute, so the last may be answered after four.
    let (took, ideal) = (time.elapsed(), 4 * MINUTE);
    assert!(took <= ideal.mul_f64(1.15), "{took:?}");
    let asked = emulator.journal().requests(Route::GenerateContent);
    let refused = asked.iter().filter(|request| request.status() == Some(429));
    let refused = refused.count();
    assert_eq!(asked.len(), ITEMS + refused);
    assert!(refused * 50 < asked.len(), "{refused} refusals");
    emulator.shutdown().await;
}

/// So many items as the measurement asks for, or a tenth of it.
fn full_size(items: usize) -> usize {
    let is_full = std::env::var_os("GIMMAL_TEST_FULL").is_some();
    if is_full { items } else { items / 10 }
}

/// Runs with fifty workers over a cache of ten minutes, each item a share of the run of so long;
/// gives how often caches were made and renewed.
async fn over_a_short_cache(builder: EmulatorBuilder, length: Duration) -> (usize, usize) {
    let count = full_size(20_000);
    let time = Time::new();
    let (emulator, client) = emulator(&time, builder).await;
    let text = "All gimmals are rings of two hoops that part and join again. ".repeat(400);
    let strategy = GeminiCachedStrategy::builder(&client, MODEL, [Content::user(text)])
        .with_ttl(seconds(600))
        .with_renewal_buffer(seconds(60))
        .with_clock(Arc::new(time.clone()))
        .build()
        .unwrap();
    let prepared = Arc::new(AtomicU64::new(0));
    let strategy = Timed {
        inner: strategy,
        time: time.clone(),
        each: length / u32::try_from(count).unwrap(),
        prepared: Arc::clone(&prepared),
    };
    let failed = failures(at_once(50), strategy, count).await;
    assert_eq!(failed, [], "no item fails, for expiry or otherwise");
    assert!(time.elapsed() >= length - millis(100));
    assert_eq!(prepared.load(Ordering::SeqCst), 1, "prepared once");
    let journal = emulator.journal();
    let answers = journal.requests(Route::GenerateContent);
    assert_eq!(answers.len(), count, "and nothing was sent twice");
    let upkeep = (
        journal.count(Route::CreateCachedContent),
        journal.count(Route::UpdateCachedContent),
    );
    emulator.shutdown().await;
    upkeep
}

#[tokio::test]
async fn a_cache_that_lives_for_less_than_the_run_is_renewed_when_it_is_due() {
    // Due every 540 s: at 540, 1,080 and 1,620 of 2,000.
    let upkeep = over_a_short_cache(Emulator::builder(), seconds(2_000)).await;
    assert_eq!(upkeep, (1, 3));
}

#[tokio::test]
async fn a_cache_that_cannot_be_renewed_is_made_anew_when_it_is_due() {
    let refusal = FaultRule::new(Fault::daily_quota()).on(Route::UpdateCachedContent);
    let builder = Emulator::builder().with_fault(refusal);
    let (created, renewed) = over_a_short_cache(builder, seconds(2_000)).await;
    // Each renewal is tried once, and then a cache is made in its place.
    assert_eq!((created, renewed), (4, 3));
}
