//! Streamed answers, recorded and replayed.

use std::sync::Arc;

use futures_util::{Stream, StreamExt, stream};
use gimmal_cache::testing::ManualClock;
use gimmal_cache::{CachedStream, CallOptions, Clock, Pacing, Provenance, ResponseCache, Tier};
use serde_json::{Value as Json, json};

use crate::common::{Setup, request, seconds, settle, setup};

type Event = Result<Json, &'static str>;

/// The numbers from 0, one a second.
fn ticks(clock: &ManualClock, events: Vec<Event>) -> impl Stream<Item = Event> + use<> {
    let clock = clock.clone();
    stream::iter(events).then(move |event| {
        let sleep = clock.sleep(seconds(1));
        async move {
            sleep.await;
            event
        }
    })
}

async fn open(setup: &Setup, pacing: Pacing, events: Vec<Event>) -> CachedStream<&'static str> {
    let open = || ticks(&setup.clock, events);
    let (request, options) = (request(), CallOptions::new());
    setup
        .cache
        .get_or_stream(&request, options, pacing, open)
        .await
}

async fn tick(setup: &Setup) {
    settle().await;
    setup.clock.advance(seconds(1));
    settle().await;
}

fn numbers(count: usize) -> Vec<Event> {
    (0..count).map(|number| Ok(json!(number))).collect()
}

async fn collect(stream: CachedStream<&'static str>) -> Vec<Json> {
    stream.events.map(|event| event.unwrap()).collect().await
}

/// Covers: W1
#[tokio::test]
async fn w1_a_stream_is_recorded_joined_late_and_replayed() {
    let setup = setup();
    let mut first = open(&setup, Pacing::Instant, numbers(3)).await;
    assert_eq!(first.provenance, Provenance::Fresh);
    tick(&setup).await;
    assert_eq!(first.events.next().await, Some(Ok(json!(0))));
    let late = open(&setup, Pacing::Instant, vec![]).await;
    assert_eq!(late.provenance, Provenance::Joined);
    tick(&setup).await;
    tick(&setup).await;
    assert_eq!(collect(first).await, [json!(1), json!(2)]);
    assert_eq!(collect(late).await, [json!(0), json!(1), json!(2)]);

    let again = open(&setup, Pacing::Instant, vec![]).await;
    assert_eq!(again.provenance, Provenance::Hit(Tier::L1));
    assert_eq!(collect(again).await, [json!(0), json!(1), json!(2)]);
}

#[tokio::test]
async fn a_replay_may_take_its_time() {
    let setup = setup();
    let first = open(&setup, Pacing::Instant, numbers(2)).await;
    for _ in 0..2 {
        tick(&setup).await;
    }
    collect(first).await;
    for (pacing, waits) in [(Pacing::Original, 1), (Pacing::PerSecond(0.5), 2)] {
        let mut replay = open(&setup, pacing, vec![]).await;
        let start = setup.clock.now();
        for expected in 0..2 {
            let event = tokio::spawn(async move { (replay.events.next().await, replay) });
            settle().await;
            setup.clock.advance(seconds(waits));
            let (event, rest) = event.await.unwrap();
            assert_eq!(event, Some(Ok(json!(expected))));
            replay = rest;
        }
        assert_eq!(setup.clock.now() - start, 2 * seconds(waits));
    }
}

/// Covers: W1
#[tokio::test]
async fn w1_what_is_cancelled_or_fails_is_not_stored() {
    let setup = setup();
    let is_stored = async || setup.cache.store().exists(&request().key()).await;
    let cancelled = open(&setup, Pacing::Instant, numbers(2)).await;
    tick(&setup).await;
    drop(cancelled);
    for _ in 0..3 {
        tick(&setup).await;
    }
    assert!(!is_stored().await);

    let failing = open(&setup, Pacing::Instant, vec![Ok(json!(0)), Err("cut")]).await;
    assert_eq!(failing.provenance, Provenance::Fresh);
    for _ in 0..2 {
        tick(&setup).await;
    }
    let events: Vec<_> = failing.events.collect().await;
    assert_eq!(events, [Ok(json!(0)), Err(Arc::new("cut"))]);
    assert!(!is_stored().await);
}

#[tokio::test]
async fn a_recording_that_is_too_long_is_passed_on_but_not_stored() {
    let setup = setup();
    let piece = "x".repeat(1 << 20);
    let events = (0..9).map(|_| Ok(json!(piece))).collect();
    let long = open(&setup, Pacing::Instant, events).await;
    for _ in 0..9 {
        tick(&setup).await;
    }
    assert_eq!(collect(long).await.len(), 9);
    assert!(!setup.cache.store().exists(&request().key()).await);
}
