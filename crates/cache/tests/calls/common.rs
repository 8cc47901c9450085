//! A front end, a clock and a counted computation.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use gimmal_cache::testing::{FixedJitter, ManualClock};
use gimmal_cache::{
    AiCache, AiCacheBuilder, Answer, CallError, CallOptions, Failure, Fresh, KeyRequest,
    MemoryCache,
};

pub(crate) type Cache = AiCache<MemoryCache>;
pub(crate) type Outcome = Result<Answer, CallError<&'static str>>;

pub(crate) struct Setup {
    pub(crate) cache: Cache,
    pub(crate) clock: ManualClock,
    calls: Arc<AtomicU32>,
}

pub(crate) fn setup() -> Setup {
    setup_with(|builder| builder)
}

/// Without chance, unless `change` brings it.
pub(crate) fn setup_with(
    change: impl FnOnce(AiCacheBuilder<MemoryCache>) -> AiCacheBuilder<MemoryCache>,
) -> Setup {
    let clock = ManualClock::new();
    let store = MemoryCache::builder()
        .with_max_entries(100_000)
        .with_clock(Arc::new(clock.clone()))
        .build();
    let builder = AiCache::builder(store)
        .with_clock(Arc::new(clock.clone()))
        .with_jitter(Arc::new(FixedJitter(0.0)))
        .with_ttl_spread(0.0)
        .with_early_refresh(0.0);
    Setup {
        cache: change(builder).build(),
        clock,
        calls: Arc::default(),
    }
}

pub(crate) fn request() -> KeyRequest<'static> {
    KeyRequest::new("qa").with_text("What is a gimmal?")
}

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Lets the tasks in the background get as far as they can.
pub(crate) async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

impl Setup {
    /// Computations so far.
    pub(crate) fn calls(&self) -> u32 {
        self.calls.load(Ordering::Relaxed)
    }

    /// A call whose computation gives the number of the computation.
    pub(crate) async fn ask(&self, options: CallOptions) -> Outcome {
        self.ask_with(options, |number| Ok(Fresh::json(&number).unwrap()))
            .await
    }

    pub(crate) async fn ask_with(
        &self,
        options: CallOptions,
        result: impl FnOnce(u32) -> Result<Fresh, Failure<&'static str>> + Send + 'static,
    ) -> Outcome {
        let calls = self.calls.clone();
        let compute = move || async move {
            let number = calls.fetch_add(1, Ordering::Relaxed) + 1;
            result(number)
        };
        let request = request();
        self.cache.get_or_compute(&request, options, compute).await
    }

    /// A call that computes for `time`.
    pub(crate) fn slow(&self, time: Duration) -> tokio::task::JoinHandle<Outcome> {
        let (cache, calls, clock) = (self.cache.clone(), self.calls.clone(), self.clock.clone());
        tokio::spawn(async move {
            let compute = move || async move {
                let number = calls.fetch_add(1, Ordering::Relaxed) + 1;
                gimmal_cache::Clock::sleep(&clock, time).await;
                Ok(Fresh::json(&number).unwrap())
            };
            let request = request();
            cache
                .get_or_compute(&request, CallOptions::new(), compute)
                .await
        })
    }
}

/// The number of the computation that gave this answer.
pub(crate) fn number(outcome: &Outcome) -> u32 {
    outcome.as_ref().expect("an answer").parse().expect("JSON")
}
