//! Answers that take their time, on a clock that tells who is waiting.

use std::{
    future::Future,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use futures_util::FutureExt;
use gimmal_emulator::{Clock, Emulator, Fault, ManualClock, Route, ScriptedReply, Sleep};

use crate::client::{MODEL, Session, ask};

const LATENCY: Duration = Duration::from_secs(600);
const PROMPT: &str = "Tell me about ships, sails, anchors, masts, keels, decks and sailors.";

/// A manual clock that notes how long it has been asked to wait.
#[derive(Clone, Debug, Default)]
struct Watched {
    clock: ManualClock,
    sleeps: Arc<Mutex<Vec<Duration>>>,
    /// Shared by everyone who is waiting.
    waiting: Arc<()>,
}

impl Clock for Watched {
    fn now(&self) -> SystemTime {
        self.clock.now()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        let sleep = self.clock.sleep(duration);
        self.sleeps.lock().expect("no panic").push(duration);
        let waiting = Arc::clone(&self.waiting);
        Box::pin(async move {
            sleep.await;
            drop(waiting);
        })
    }
}

impl Watched {
    fn sleeps(&self) -> Vec<Duration> {
        self.sleeps.lock().expect("no panic").clone()
    }

    /// The `n`th wait, once it has begun.
    async fn nth(&self, n: usize) -> Duration {
        loop {
            if let Some(duration) = self.sleeps().get(n) {
                return *duration;
            }
            tokio::task::yield_now().await;
        }
    }

    /// What `call` gives once its one wait of [`LATENCY`] has been sat out, and not before.
    async fn sit_out<T>(&self, call: impl Future<Output = T>) -> T {
        let n = self.sleeps().len();
        let mut call = Box::pin(call);
        let waited = tokio::select! {
            waited = self.nth(n) => waited,
            _ = &mut call => panic!("answered without waiting"),
        };
        assert_eq!(waited, LATENCY);
        self.clock.advance(LATENCY - Duration::from_nanos(1));
        assert!((&mut call).now_or_never().is_none());
        self.clock.advance(Duration::from_nanos(1));
        call.await
    }
}

async fn slow() -> (Session, Watched) {
    let clock = Watched::default();
    let builder = Emulator::builder()
        .with_latency(LATENCY)
        .with_clock(Arc::new(clock.clone()));
    (Session::start(builder).await, clock)
}

#[tokio::test]
async fn answers_wait_on_the_clock() {
    let (session, clock) = slow().await;
    let count = format!("v1beta/models/{MODEL}:countTokens");
    clock.sit_out(session.generate(&ask("x"))).await.ok();
    clock.sit_out(session.post(&count, &ask("x"))).await.ok();
}

#[tokio::test]
async fn a_stream_spreads_the_time_over_its_chunks() {
    for query in ["?alt=sse", ""] {
        let whole = Session::plain().await.stream(query, &ask(PROMPT)).await;
        let whole = whole.text().await.expect("a body");
        let chunks = whole.matches("modelVersion").count();
        assert!(chunks > 2, "{whole}");

        let (session, clock) = slow().await;
        let body = ask(PROMPT);
        let mut opening = Box::pin(session.stream(query, &body));
        let first = tokio::select! {
            first = clock.nth(0) => first,
            _ = &mut opening => panic!("opened without waiting"),
        };
        clock.clock.advance(first);
        let mut response = opening.await;
        assert_eq!(response.status(), 200);
        let mut received = Vec::new();
        for n in 1..=chunks {
            let chunk = response.chunk().await.expect("a chunk").expect("a chunk");
            let chunk = String::from_utf8(chunk.to_vec()).expect("text");
            assert_eq!(chunk.matches("modelVersion").count(), 1, "{chunk}");
            received.push(chunk);
            if n < chunks {
                let pause = clock.nth(n).await;
                assert!((&mut Box::pin(response.chunk())).now_or_never().is_none());
                clock.clock.advance(pause);
            }
        }
        assert_eq!(response.chunk().await.expect("an orderly end"), None);
        assert_eq!(received.concat(), whole);
        let sleeps = clock.sleeps();
        assert_eq!(sleeps.len(), chunks);
        assert_eq!(sleeps.iter().sum::<Duration>(), LATENCY);
        assert!(
            sleeps
                .iter()
                .all(|sleep| sleep.abs_diff(sleeps[0]).as_millis() == 0)
        );
    }
}

#[tokio::test]
async fn only_answers_of_a_model_are_slow() {
    let (session, clock) = slow().await;
    session.get("v1beta/models").await.ok();
    session.create_cache(serde_json::json!({})).await.ok();
    let nothing = session.generate(&serde_json::json!({})).await;
    nothing.refused(400, "INVALID_ARGUMENT");
    let scripted = ScriptedReply::error(500, "INTERNAL", "boom");
    session
        .emulator
        .script()
        .push(Route::GenerateContent, scripted);
    session.generate(&ask("x")).await.refused(500, "INTERNAL");
    session.emulator.chaos().add(Fault::unavailable());
    session
        .generate(&ask("x"))
        .await
        .refused(503, "UNAVAILABLE");
    assert!(clock.sleeps().is_empty());
}

#[tokio::test]
async fn a_shutdown_ends_the_waiting_of_a_stream() {
    let (session, clock) = slow().await;
    let body = ask(PROMPT);
    let mut opening = Box::pin(session.stream("?alt=sse", &body));
    let first = tokio::select! {
        first = clock.nth(0) => first,
        _ = &mut opening => panic!("opened without waiting"),
    };
    clock.clock.advance(first);
    let response = opening.await;
    clock.nth(1).await;
    let reading = tokio::spawn(response.text());
    session.emulator.shutdown().await;
    let text = reading.await.expect("no panic").expect("the whole body");
    assert!(text.contains("\"finishReason\""), "{text}");
}

#[tokio::test]
async fn a_client_that_goes_away_ends_the_waiting() {
    let (session, clock) = slow().await;
    let idle = Arc::strong_count(&clock.waiting);
    let body = ask(PROMPT);
    let mut call = Box::pin(session.generate(&body));
    tokio::select! {
        _ = clock.nth(0) => {}
        _ = &mut call => panic!("answered without waiting"),
    }
    assert_eq!(Arc::strong_count(&clock.waiting), idle + 1);
    drop(call);
    while Arc::strong_count(&clock.waiting) > idle {
        tokio::task::yield_now().await;
    }
}
