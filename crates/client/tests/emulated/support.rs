//! What these tests share: one clock for the emulator and its clients, and a client of each
//! backend.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use gimmal_client::gemini::{GeminiClient, GeminiClientBuilder};
use gimmal_client::transport::{Clock, NeverRetry};
use gimmal_emulator::{Clock as _, Emulator, EmulatorBuilder, ManualClock};

/// How long a test waits for something that must happen. Nothing takes nearly as long.
const PATIENCE: Duration = Duration::from_secs(30);
/// The model of every test.
pub(crate) const MODEL: &str = "gemini-2.5-flash";

/// A clock that stands still until it is moved, for the client and the emulator alike.
#[derive(Clone, Debug)]
pub(crate) struct TestClock {
    manual: ManualClock,
    started: (Instant, SystemTime),
}

impl TestClock {
    pub(crate) fn advance(&self, seconds: u64) {
        self.manual.advance(Duration::from_secs(seconds));
    }

    /// Finishes a future while the clock runs, a tenth of a second at a time.
    pub(crate) async fn run<F: Future>(&self, future: F) -> F::Output {
        let future = Box::pin(future);
        let ticking = async {
            loop {
                self.manual.advance(Duration::from_millis(100));
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            output = in_time(future) => output,
            () = ticking => unreachable!("a clock does not end"),
        }
    }
}

impl Clock for TestClock {
    fn now(&self) -> Instant {
        let (instant, date) = self.started;
        instant + self.manual.now().duration_since(date).unwrap_or_default()
    }

    fn system_now(&self) -> SystemTime {
        self.manual.now()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.manual.sleep(duration).boxed()
    }
}

/// An emulator, a client of either backend, and their clock.
pub(crate) struct World {
    pub(crate) emulator: Emulator,
    pub(crate) developer: GeminiClient,
    pub(crate) vertex: GeminiClient,
    pub(crate) clock: TestClock,
}

impl World {
    /// Jobs wait for a minute and take another for each step.
    pub(crate) async fn new() -> Self {
        Self::with(|emulator| emulator).await
    }

    pub(crate) async fn with(change: impl FnOnce(EmulatorBuilder) -> EmulatorBuilder) -> Self {
        let manual = ManualClock::new();
        let started = (Instant::now(), manual.now());
        let clock = TestClock { manual, started };
        let minute = Duration::from_secs(60);
        let emulator = Emulator::builder()
            .with_clock(Arc::new(clock.manual.clone()))
            .with_job_pace(minute, minute);
        let emulator = change(emulator).start().await.unwrap();
        let build = |client: GeminiClientBuilder| {
            client
                .with_base_url(emulator.base_url())
                .with_clock(Arc::new(clock.clone()))
                .with_retry_policy(NeverRetry)
                .build()
                .unwrap()
        };
        let developer = build(GeminiClient::builder().with_api_key("key"));
        let vertex = GeminiClient::builder().with_vertex("p", "l");
        let vertex = build(vertex.with_bearer_token("token"));
        Self {
            emulator,
            developer,
            vertex,
            clock,
        }
    }
}

/// The output of a future that must end soon.
pub(crate) async fn in_time<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future).await.unwrap()
}
