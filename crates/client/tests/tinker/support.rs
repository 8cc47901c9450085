//! An emulator and a client of it, and a clock that wastes no time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use futures_util::future::BoxFuture;
use gimmal_client::tinker::{ServiceClient, TrainingClient};
use gimmal_client::transport::Clock;
use gimmal_emulator::{Emulator, EmulatorBuilder};

/// The base model of every test, whose tokens are bytes.
pub(crate) const MODEL: &str = "gimmal/bytes";
pub(crate) const KEY: &str = "tml-emulated";

/// A server, and a client that talks to it.
pub(crate) struct Bench {
    pub(crate) emulator: Emulator,
    pub(crate) service: ServiceClient,
}

impl Bench {
    pub(crate) async fn start() -> Self {
        Self::with(|builder| builder).await
    }

    pub(crate) async fn with(change: impl FnOnce(EmulatorBuilder) -> EmulatorBuilder) -> Self {
        let builder = change(Emulator::builder().with_api_key(KEY));
        let emulator = builder.start().await.unwrap();
        let service = ServiceClient::builder()
            .with_api_key(KEY)
            .with_base_url(emulator.base_url())
            .build()
            .unwrap();
        Self { emulator, service }
    }

    pub(crate) async fn training(&self) -> TrainingClient {
        let made = self.service.create_lora_training_client(MODEL).set_rank(4);
        made.await.unwrap()
    }
}

/// Waits shorter than this pass in no time. Longer ones are time limits and heartbeats, which stay
/// out of the way.
const LIMITS: Duration = Duration::from_secs(10);

/// A clock on which waits are over at once, and the time has passed nevertheless.
#[derive(Debug)]
pub(crate) struct HastyClock {
    start: Instant,
    passed: Mutex<Duration>,
    waits: AtomicU64,
}

impl HastyClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            start: Instant::now(),
            passed: Mutex::default(),
            waits: AtomicU64::new(0),
        })
    }

    /// Whether anybody waited.
    pub(crate) fn has_waited(&self) -> bool {
        self.waits.load(Ordering::Relaxed) > 0
    }
}

impl Clock for HastyClock {
    fn now(&self) -> Instant {
        self.start + *self.passed.lock().unwrap()
    }

    fn system_now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + *self.passed.lock().unwrap()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        if duration >= LIMITS {
            return Box::pin(std::future::pending());
        }
        *self.passed.lock().unwrap() += duration;
        self.waits.fetch_add(1, Ordering::Relaxed);
        Box::pin(tokio::task::yield_now())
    }
}
