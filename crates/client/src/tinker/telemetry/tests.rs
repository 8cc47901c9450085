//! The reporter against a sink that remembers, on a clock that jumps.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use gimmal_transport::{Error, FixedJitter, TokioClock};
use gimmal_types::tinker::Severity;
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};

use super::reporter::Identity;
use super::*;

/// Remembers batches, and fails with these statuses first.
#[derive(Debug, Default)]
struct Sink {
    batches: Mutex<Vec<TelemetryBatch>>,
    failures: Mutex<Vec<u16>>,
    always: Option<u16>,
}

impl TelemetrySink for Sink {
    fn send(&self, batch: TelemetryBatch) -> BoxFuture<'_, Result<(), Error>> {
        let failure = self.failures.lock().unwrap().pop().or(self.always);
        self.batches.lock().unwrap().push(batch);
        let failed = failure.map(|status| {
            let status = StatusCode::from_u16(status).unwrap();
            Error::from_response(status, HeaderMap::new(), Bytes::new())
        });
        Box::pin(std::future::ready(failed.map_or(Ok(()), Err)))
    }
}

impl Sink {
    fn sizes(&self) -> Vec<usize> {
        let batches = self.batches.lock().unwrap();
        batches.iter().map(|batch| batch.events.len()).collect()
    }

    fn events(&self) -> Vec<Value> {
        let batches = self.batches.lock().unwrap();
        batches
            .iter()
            .flat_map(|batch| batch.events.clone())
            .collect()
    }

    fn kinds(&self) -> Vec<String> {
        let kind = |event: &Value| event["event"].as_str().unwrap().to_owned();
        self.events().iter().map(kind).collect()
    }
}

fn start(config: ReporterConfig, sink: &Arc<Sink>) -> Arc<Reporter> {
    let identity = Identity {
        session_id: "session-1".into(),
        sdk_version: "0.38.0".into(),
        process_uuid: "p".into(),
        has_session: true,
    };
    Reporter::start(
        config,
        identity,
        sink.clone(),
        Arc::new(TokioClock),
        Arc::new(FixedJitter::new(0.5)),
    )
}

fn log(reporter: &Reporter) -> bool {
    reporter.log("step", Map::new(), &Severity::Info)
}

/// Covers: CHK-REP-1
#[tokio::test(start_paused = true)]
async fn chk_rep_1_one_post_with_events_in_order() {
    let sink = Arc::new(Sink::default());
    let reporter = start(ReporterConfig::default(), &sink);
    assert!(log(&reporter) && log(&reporter));
    reporter.flush().await;
    assert_eq!(sink.sizes(), [3]);
    let indexes: Vec<_> = sink
        .events()
        .iter()
        .map(|event| event["event_session_index"].clone())
        .collect();
    assert_eq!(indexes, [0, 1, 2]);
    assert_eq!(
        sink.kinds(),
        ["SESSION_START", "GENERIC_EVENT", "GENERIC_EVENT"]
    );
    let batch = serde_json::to_value(&sink.batches.lock().unwrap()[0]).unwrap();
    let names: Vec<_> = batch.as_object().unwrap().keys().collect();
    assert_eq!(names.len(), 5);
}

/// Covers: CHK-REP-2
#[tokio::test(start_paused = true)]
async fn chk_rep_2_batches_of_a_hundred() {
    let sink = Arc::new(Sink::default());
    let reporter = start(ReporterConfig::default(), &sink);
    for _ in 0..250 {
        log(&reporter);
    }
    reporter.flush().await;
    assert_eq!(sink.sizes(), [100, 100, 51]);
}

/// Covers: CHK-REP-3
#[tokio::test(start_paused = true)]
async fn chk_rep_3_a_full_queue_takes_no_more() {
    let sink = Arc::new(Sink::default());
    let config = ReporterConfig {
        queue_limit: 3,
        ..ReporterConfig::default()
    };
    let reporter = start(config, &sink);
    // The start of the session has the first place.
    assert!(log(&reporter) && log(&reporter));
    assert!(!log(&reporter));
    reporter.flush().await;
    assert_eq!(sink.sizes(), [3]);
    assert!(log(&reporter), "there is room again");
}

/// Covers: CHK-REP-4
#[tokio::test(start_paused = true)]
async fn chk_rep_4_failures_are_retried_and_then_given_up() {
    let failing_twice = Sink {
        failures: Mutex::new(vec![500, 500]),
        ..Sink::default()
    };
    let sink = Arc::new(failing_twice);
    let reporter = start(ReporterConfig::default(), &sink);
    reporter.flush().await;
    assert_eq!(sink.sizes(), [1, 1, 1]);

    let down = Sink {
        always: Some(500),
        ..Sink::default()
    };
    let sink = Arc::new(down);
    let config = ReporterConfig {
        max_retries: 2,
        ..ReporterConfig::default()
    };
    let reporter = start(config, &sink);
    reporter.flush().await;
    assert_eq!(sink.sizes().len(), 3);
    assert!(reporter.wait_until_drained(Duration::ZERO).await);
    reporter.flush().await;
    assert_eq!(sink.sizes().len(), 3, "it is not sent again");
}

/// Covers: CHK-REP-5
#[tokio::test(start_paused = true)]
async fn chk_rep_5_a_fatal_error_is_sent_when_the_call_returns() {
    let sink = Arc::new(Sink::default());
    let reporter = start(ReporterConfig::default(), &sink);
    let report = ErrorReport::of(&Error::connect("refused"));
    reporter.log_fatal(&report, &Severity::Error).await;
    assert_eq!(
        sink.kinds(),
        ["SESSION_START", "UNHANDLED_EXCEPTION", "SESSION_END"]
    );
    assert!(reporter.stop().await);
    assert_eq!(sink.events().len(), 3, "no second end");
    assert!(!log(&reporter), "it is over");
}

/// Covers: CHK-REP-6
#[tokio::test(start_paused = true)]
async fn chk_rep_6_enough_events_are_sent_at_once() {
    let sink = Arc::new(Sink::default());
    let config = ReporterConfig {
        flush_threshold: 5,
        ..ReporterConfig::default()
    };
    let reporter = start(config, &sink);
    for _ in 0..3 {
        log(&reporter);
    }
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert!(sink.sizes().is_empty());
    log(&reporter);
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(sink.sizes(), [5]);
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_sent_after_ten_seconds() {
    let sink = Arc::new(Sink::default());
    let reporter = start(ReporterConfig::default(), &sink);
    tokio::time::sleep(Duration::from_millis(9_999)).await;
    assert!(sink.sizes().is_empty());
    tokio::time::sleep(Duration::from_millis(2)).await;
    assert_eq!(sink.sizes(), [1]);
    drop(reporter);
}

/// Covers: CHK-CAP-1
#[tokio::test(start_paused = true)]
async fn chk_cap_1_a_panic_is_told_and_goes_on() {
    let sink = Arc::new(Sink::default());
    let reporter = start(ReporterConfig::default(), &sink);
    let told = Arc::clone(&reporter);
    let work = tokio::spawn(async move {
        capture(Some(&told), Fatal::Yes, Severity::Error, async {
            panic!("on purpose")
        })
        .await
    });
    let payload = work.await.unwrap_err().into_panic();
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"on purpose"));
    let exceptions = sink.events();
    let message = &exceptions[1]["error_message"];
    assert_eq!(
        (sink.kinds()[1].as_str(), message.as_str()),
        ("UNHANDLED_EXCEPTION", Some("on purpose"))
    );

    let work = tokio::spawn(capture(None, Fatal::Yes, Severity::Error, async {
        panic!("again")
    }));
    let payload: Box<dyn std::any::Any + Send> = work.await.unwrap_err().into_panic();
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"again"));
}

#[tokio::test(start_paused = true)]
async fn errors_are_told_only_when_asked_for() {
    let sink = Arc::new(Sink::default());
    let reporter = start(ReporterConfig::default(), &sink);
    let fail = || async { Err::<(), _>(Error::connect("tml-secret is refused")) };
    let plain = capture(Some(&*reporter), Fatal::No, Severity::Error, fail()).await;
    assert!(plain.is_err());
    let told = capture_result(Some(&*reporter), Fatal::No, Severity::Error, fail()).await;
    assert!(told.is_err());
    reporter.flush().await;
    assert_eq!(sink.kinds(), ["SESSION_START", "UNHANDLED_EXCEPTION"]);
    assert!(!format!("{:?}", sink.events()).contains("tml-secret"));
}
