//! Batch jobs of the service: what they count, and what becomes of one that expires.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use futures_util::future::BoxFuture;
use gimmal_batch::engines::{GeminiBatch, JobEvent};
use gimmal_batch::strategies::GeminiStrategy;
use gimmal_batch::{Category, Retry, WorkItem};
use gimmal_client::gemini::GeminiClient;
use gimmal_client::gemini::planner::Planner;
use gimmal_client::transport::Clock;
use gimmal_client::types::gemini::JobState;
use gimmal_emulator::{Emulator, ManualClock, Route};

use crate::support::{items, seconds};

const MODEL: &str = "gemini-2.5-flash";
const HOUR: u64 = 3_600;

/// Whoever waits lets an hour pass at the emulator.
#[derive(Debug)]
struct Hours(ManualClock);

impl Clock for Hours {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn system_now(&self) -> SystemTime {
        gimmal_emulator::Clock::now(&self.0)
    }

    fn sleep(&self, _duration: Duration) -> BoxFuture<'static, ()> {
        self.0.advance(seconds(HOUR));
        Box::pin(tokio::task::yield_now())
    }
}

struct World {
    emulator: Emulator,
    client: GeminiClient,
    strategy: GeminiStrategy,
    clock: ManualClock,
    folder: tempfile::TempDir,
}

impl World {
    /// Jobs answer a request each `step`.
    async fn new(step: Duration) -> Self {
        let clock = ManualClock::new();
        let emulator = Emulator::builder()
            .with_clock(Arc::new(clock.clone()))
            .with_job_pace(Duration::ZERO, step)
            .start()
            .await
            .unwrap();
        let client = GeminiClient::builder()
            .with_api_key("k")
            .with_base_url(emulator.base_url())
            .build()
            .unwrap();
        let planner = Planner::builder(&client).build();
        let strategy = GeminiStrategy::builder(&client, &planner, MODEL);
        Self {
            strategy: strategy.build().unwrap(),
            emulator,
            client,
            clock,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn engine(&self) -> GeminiBatch {
        GeminiBatch::new(&self.client, MODEL, self.folder.path().join("jobs.json"))
            .with_clock(Arc::new(Hours(self.clock.clone())))
    }
}

/// Covers: AC-XT-12
#[tokio::test]
async fn counts_that_the_service_writes_as_text_are_numbers() {
    let world = World::new(Duration::ZERO).await;
    let mut name = String::new();
    let engine = world.engine();
    let results = engine.run(&world.strategy, items(7), |event| {
        if let JobEvent::Submitted { name: job, .. } = event {
            name = job;
        }
    });
    assert_eq!(results.await.unwrap().len(), 7);
    let job = world.client.batches().get(&name).send().await.unwrap();
    let counts = job.into_body().completion_stats.unwrap();
    assert_eq!(counts.successful_count, Some(7));
    let url = format!("{}v1beta/{name}", world.emulator.base_url());
    let wire = reqwest::Client::new()
        .get(url)
        .header("x-goog-api-key", "k");
    let wire: serde_json::Value =
        serde_json::from_slice(&wire.send().await.unwrap().bytes().await.unwrap()).unwrap();
    assert_eq!(wire["metadata"]["batchStats"]["requestCount"], "7");
}

/// Covers: AC-XT-13
#[tokio::test]
async fn items_of_a_job_that_expired_may_be_tried_again() {
    let world = World::new(seconds(10 * HOUR)).await;
    let mut states = Vec::new();
    let run = async |work: Vec<WorkItem<String>>, states: &mut Vec<JobState>| {
        let engine = world.engine();
        let results = engine.run(&world.strategy, work, |event| {
            if let JobEvent::Polled { state, .. } = event {
                states.push(state);
            }
        });
        results.await.unwrap()
    };
    // Ten hours for each of them are more than the two days that a job lives.
    let results = run(items(8), &mut states).await;
    assert_eq!(states.last(), Some(&JobState::Expired));
    assert_eq!(results.len(), 8);
    for result in &results {
        let category = result.category().unwrap();
        assert_eq!(category, &Category::ServerError);
        assert_ne!(category.retry(), Retry::Never);
        let failure = result.outcome.as_ref().unwrap_err();
        assert!(failure.message.contains("expired"), "{failure}");
    }
    // The job is not found again: fewer items are handed in anew, and come to their answers.
    let results = run(items(2), &mut states).await;
    assert!(results.iter().all(|result| result.outcome.is_ok()));
    let results = run(items(8), &mut states).await;
    assert!(results.iter().all(|result| result.outcome.is_err()));
    assert_eq!(world.emulator.journal().count(Route::CreateBatch), 3);
}
