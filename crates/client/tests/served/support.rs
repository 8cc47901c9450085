//! What these tests share: an emulator, a client of it, and one clock for both that leaps over
//! whatever anybody waits for.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};
use gimmal_client::CallOptions;
use gimmal_client::gemini::GeminiClient;
use gimmal_client::transport::{Clock, Timeout};
use gimmal_emulator::{Clock as _, Emulator, EmulatorBuilder, ManualClock};

/// The unit of chunks that the emulators of these tests ask for, in bytes.
pub(crate) const UNIT: NonZeroU64 = NonZeroU64::new(1024).unwrap();

/// What somebody waits for longer than this is a limit, and not a pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// A clock that moves on by as much as anybody wants to pause, at once. Limits pass when the pauses
/// add up to them.
#[derive(Clone, Debug)]
pub(crate) struct LeapClock {
    pub(crate) manual: ManualClock,
    started: (Instant, SystemTime),
}

impl LeapClock {
    fn new() -> Self {
        let manual = ManualClock::new();
        let started = (Instant::now(), manual.now());
        Self { manual, started }
    }
}

impl Clock for LeapClock {
    fn now(&self) -> Instant {
        let (instant, date) = self.started;
        instant + self.manual.now().duration_since(date).unwrap_or_default()
    }

    fn system_now(&self) -> SystemTime {
        self.manual.now()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        if duration > LONGEST_PAUSE {
            return self.manual.sleep(duration).boxed();
        }
        self.manual.advance(duration);
        ready(()).boxed()
    }
}

/// Options without a timeout, which would pass at once on a clock that leaps.
fn patient() -> CallOptions {
    CallOptions::default()
        .with_attempt_timeout(Timeout::Never)
        .with_first_byte_timeout(Timeout::Never)
        .with_idle_timeout(Timeout::Never)
}

/// An emulator, and a client of it.
pub(crate) struct World {
    pub(crate) emulator: Emulator,
    pub(crate) client: GeminiClient,
    pub(crate) clock: LeapClock,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|emulator| emulator).await
    }

    pub(crate) async fn with(change: impl FnOnce(EmulatorBuilder) -> EmulatorBuilder) -> Self {
        let clock = LeapClock::new();
        let emulator = Emulator::builder()
            .with_clock(Arc::new(clock.manual.clone()))
            .with_upload_granularity(UNIT);
        let emulator = change(emulator).start().await.unwrap();
        let client = GeminiClient::builder()
            .with_api_key("key")
            .with_base_url(emulator.base_url())
            .with_clock(Arc::new(clock.clone()))
            .with_options(patient())
            .build()
            .unwrap();
        Self {
            emulator,
            client,
            clock,
        }
    }

    /// A client of the same emulator on Vertex.
    pub(crate) fn vertex(&self) -> GeminiClient {
        GeminiClient::builder()
            .with_vertex("project", "us-central1")
            .with_bearer_token("token")
            .with_base_url(self.emulator.base_url())
            .with_clock(Arc::new(self.clock.clone()))
            .with_options(patient())
            .build()
            .unwrap()
    }
}
