//! What handlers on the bus are told about whole calls, and what they cannot do to them.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt;
use gimmal_transport::circuit::CircuitConfig;
use gimmal_transport::observe::{
    CallAttributes, CallOutcome, Event, EventBus, Gate, Metrics, NextStep, ReplyAttributes,
};
use gimmal_transport::testing::{Reply, ScriptedTransport};
use gimmal_transport::{
    ApiKey, CallOptions, CircuitRegistry, ConcurrencyLimit, ErrorKind, StopReason, Transport,
    TransportBuilder,
};
use http::HeaderName;

use crate::common::{builder, limited, post, request, send};

/// Everything that was told, in order.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<Event>>>);

impl Told {
    fn bus(&self) -> EventBus {
        let told = self.0.clone();
        let bus = EventBus::new();
        let remember = move |event: &Event| told.lock().unwrap().push(event.clone());
        bus.attach("told", Arc::new(remember)).unwrap();
        bus
    }

    fn names(&self) -> Vec<String> {
        let events = self.0.lock().unwrap();
        events
            .iter()
            .map(|event| event.name().trim_start_matches("gimmal.").to_owned())
            .collect()
    }

    fn find<T>(&self, pick: impl Fn(&Event) -> Option<T>) -> T {
        let events = self.0.lock().unwrap();
        let mut found: Vec<T> = events.iter().filter_map(pick).collect();
        assert_eq!(found.len(), 1, "{events:#?}");
        found.remove(0)
    }

    /// Outcome, attempts and bytes of the only call.
    fn finished(&self) -> (CallOutcome, u32, u64) {
        self.find(|event| match event {
            Event::CallFinished {
                outcome,
                attempts,
                bytes,
                ..
            } => Some((*outcome, *attempts, *bytes)),
            _ => None,
        })
    }
}

fn observed(replies: impl IntoIterator<Item = Reply>) -> (TransportBuilder, Told) {
    let told = Told::default();
    let http = ScriptedTransport::new(replies);
    (builder(&http).with_event_bus(told.bus()), told)
}

fn build(builder: TransportBuilder) -> Transport {
    builder.build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_call_is_told_in_order_and_without_secrets() {
    let (builder, told) = observed([
        Reply::json(503, r#"{"error": {"message": "ECHO"}}"#),
        Reply::json(200, r#"{"a": "ANSWER"}"#),
    ]);
    let key = ApiKey::new(HeaderName::from_static("x-api-key"), "SECRET".into());
    let transport = build(builder.with_credentials(key));
    let attributes = CallAttributes::new("chat", "test").with_model("m-1");
    let options = CallOptions::default().with_attributes(attributes);
    limited(transport.send(request(), &options)).await.unwrap();

    let names = [
        "call.started",
        "attempt.started",
        "attempt.failed",
        "attempt.started",
        "attempt.succeeded",
        "call.finished",
    ];
    assert_eq!(told.names(), names);
    let (next, status) = told.find(|event| match event {
        Event::AttemptFailed { next, status, .. } => Some((*next, *status)),
        _ => None,
    });
    assert_eq!(next, NextStep::Retry(Duration::from_millis(500)));
    assert_eq!(status.unwrap(), 503);
    assert_eq!(told.finished(), (CallOutcome::Succeeded, 2, 15));
    let call = told.find(|event| match event {
        Event::CallStarted { call, .. } => Some(call.clone()),
        _ => None,
    });
    assert_eq!(call.url(), "http://localhost/v1/echo?key=REDACTED");
    assert_eq!(call.attributes().unwrap().model(), Some("m-1"));

    let shown = format!("{:?}", told.0.lock().unwrap());
    for hidden in ["QUERY", "SECRET", "ECHO", "ANSWER", "prompt"] {
        assert!(!shown.contains(hidden), "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_gives_up_says_why() {
    let (builder, told) = observed([Reply::status(503)]);
    send(&build(builder), post()).await.unwrap_err();
    let next = told.find(|event| match event {
        Event::AttemptFailed { next, .. } => Some(*next),
        _ => None,
    });
    assert_eq!(next, NextStep::GiveUp(StopReason::NotIdempotent));
    let failed = CallOutcome::Failed(ErrorKind::Status);
    assert_eq!(told.finished(), (failed, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_not_sent_has_no_attempt() {
    let (builder, told) = observed([Reply::io_error()]);
    let bus = told.bus();
    let circuits = CircuitRegistry::new()
        .with_config(CircuitConfig::default().with_failure_threshold(1.try_into().unwrap()))
        .with_observer(Arc::new(bus));
    let transport = build(builder.with_circuit_breakers(circuits));
    send(&transport, post()).await.unwrap_err();
    let change = told.find(|event| match event {
        Event::CircuitChanged { change, .. } => Some(change.to.to_string()),
        _ => None,
    });
    assert_eq!(change, "open");

    told.0.lock().unwrap().clear();
    send(&transport, post()).await.unwrap_err();
    assert_eq!(told.names(), ["call.started", "call.finished"]);
    let refused = CallOutcome::Failed(ErrorKind::CircuitOpen);
    assert_eq!(told.finished(), (refused, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_over_when_it_is_read() {
    let (builder, told) = observed([Reply::events(["1", "2"])]);
    let reply = build(builder)
        .open_bytes(request(), &CallOptions::default())
        .await
        .unwrap();
    assert!(!told.names().contains(&"call.finished".to_owned()));
    let body = reply.into_body().collect(usize::MAX).await.unwrap();
    assert_eq!(told.names()[3..], ["call.first_byte", "call.finished"]);
    let finished = (CallOutcome::Succeeded, 1, body.len() as u64);
    assert_eq!(told.finished(), finished);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_breaks_or_is_let_go_is_told_apart() {
    let broken = Reply::status(200).with_chunk("data: 1\n\n").with_reset();
    let json = "{\"error\": {\"code\": 503}}\n";
    let error = Reply::status(200).with_chunk(json).with_silence();
    let kept = Reply::status(200).with_chunk("data: 1\n\n").with_silence();
    let cases = [
        (broken, CallOutcome::Failed(ErrorKind::StreamInterrupted), 9),
        (error, CallOutcome::Failed(ErrorKind::Status), 25),
        (kept, CallOutcome::Dropped, 9),
    ];
    for (reply, outcome, bytes) in cases {
        let (builder, told) = observed([reply]);
        let reply = build(builder)
            .open_events(request(), &CallOptions::default())
            .await
            .unwrap();
        let mut events = reply.into_body();
        let mut errors = 0;
        // The first item and, where there is one, the error.
        for _ in 0..2 {
            let next = tokio::time::timeout(Duration::from_secs(1), events.next());
            if let Ok(Some(Err(_))) = next.await {
                errors += 1;
            }
        }
        drop(events);
        assert_eq!(told.finished(), (outcome, 1, bytes));
        assert_eq!(errors, i32::from(outcome != CallOutcome::Dropped));
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_says_so() {
    let (builder, told) = observed([Reply::silence()]);
    let transport = build(builder);
    let options = CallOptions::default();
    let call = transport.send(request(), &options);
    tokio::time::timeout(Duration::from_secs(1), call)
        .await
        .unwrap_err();
    assert_eq!(told.finished(), (CallOutcome::Dropped, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_wait_for_leave_is_told() {
    let slow = Reply::json(200, "{}").with_delay(Duration::from_secs(3));
    let (builder, told) = observed([slow.clone(), slow]);
    let one = ConcurrencyLimit::from(NonZeroU32::MIN);
    let transport = build(builder.with_concurrency_limit(one));
    let (first, second) = futures_util::future::join(
        Box::pin(send(&transport, request())),
        Box::pin(send(&transport, request())),
    )
    .await;
    first.unwrap();
    second.unwrap();
    let held = told.find(|event| match event {
        Event::Held { gate, waited, .. } => Some((*gate, *waited)),
        _ => None,
    });
    assert_eq!(held, (Gate::Concurrency, Duration::from_secs(3)));
}

#[tokio::test(start_paused = true)]
async fn what_the_caller_records_is_told_when_it_lets_go() {
    let (builder, told) = observed([Reply::json(200, "{}"), Reply::json(200, "[")]);
    let transport = build(builder);
    let reply = send(&transport, request()).await.unwrap();
    assert!(reply.recorder().is_enabled());
    reply
        .recorder()
        .record(ReplyAttributes::new().with_input_tokens(3));
    assert_eq!(told.names().last().unwrap(), "call.finished");
    drop(reply);
    let (reply, error) = told.find(|event| match event {
        Event::ReplyRead { reply, error, .. } => Some((reply.clone(), *error)),
        _ => None,
    });
    assert_eq!((reply.input_tokens, error), (Some(3), None));

    told.0.lock().unwrap().clear();
    let options = CallOptions::default();
    let call = transport.send_json::<serde_json::Value>(request(), &options);
    limited(call).await.unwrap_err();
    // An unreadable reply is a failure of its attempt.
    let (outcome, attempts, _) = told.finished();
    assert_eq!(outcome, CallOutcome::Failed(ErrorKind::Decode));
    assert_eq!(attempts, 1);
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_panics_does_not_break_the_call() {
    let (builder, told) = observed([Reply::status(503), Reply::json(200, "{}")]);
    let bus = told.bus();
    let broken = |event: &Event| {
        assert!(event.name() != "gimmal.attempt.failed", "on purpose");
    };
    bus.attach("broken", Arc::new(broken)).unwrap();
    let transport = build(builder.with_event_bus(bus.clone()));
    let reply = send(&transport, request()).await.unwrap();
    assert_eq!(reply.attempts(), 2);
    assert_eq!(bus.panics(), 1);
    assert_eq!(told.finished(), (CallOutcome::Succeeded, 2, 2));
}

#[tokio::test(start_paused = true)]
async fn metrics_count_calls_from_the_bus() {
    let metrics = Arc::new(Metrics::default());
    let bus = EventBus::new();
    bus.attach("metrics", metrics.clone()).unwrap();
    let http = ScriptedTransport::new([
        Reply::status(503),
        Reply::json(200, "{}").with_delay(Duration::from_millis(250)),
        Reply::status(400),
    ]);
    let transport = build(builder(&http).with_event_bus(bus));
    send(&transport, request()).await.unwrap();
    send(&transport, request()).await.unwrap_err();
    let snapshot = metrics.snapshot();
    let counters: Vec<_> = snapshot.counters.values().copied().collect();
    // Failure, success, total and retries, by name.
    assert_eq!(counters, [1, 1, 2, 1]);
    let duration = &snapshot.histograms["gimmal_request_duration_ms"];
    // Half a second of backoff and a quarter until the answer.
    assert_eq!((duration.min, duration.max), (0.0, 750.0));
}

#[tokio::test(start_paused = true)]
async fn a_bus_without_handlers_is_not_told_to() {
    let http = ScriptedTransport::repeating(Reply::json(200, "{}"));
    let bus = EventBus::new();
    let transport = build(builder(&http).with_event_bus(bus.clone()));
    let reply = send(&transport, request()).await.unwrap();
    assert!(!reply.recorder().is_enabled());
    let told = Told::default();
    let names = told.0.clone();
    let late = move |event: &Event| names.lock().unwrap().push(event.clone());
    bus.attach("late", Arc::new(late)).unwrap();
    send(&transport, request()).await.unwrap();
    assert_eq!(told.names().len(), 4);
}
