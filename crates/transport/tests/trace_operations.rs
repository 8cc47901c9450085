//! What repeated operations write to the log: starts, retries, successes and failures.
//!
//! A test binary of its own, with one test: which events are on is decided once for the process,
//! and not always by the subscriber of this test.

#[path = "common/log.rs"]
mod log;

use std::sync::Arc;

use bytes::Bytes;
use gimmal_transport::retry::{Retrier, RetryConfig};
use gimmal_transport::{Error, FixedJitter, Persistence, TokioClock};
use http::{HeaderMap, StatusCode};

use crate::log::Log;

fn retrier(config: RetryConfig) -> Retrier {
    let (clock, jitter) = (Arc::new(TokioClock), Arc::new(FixedJitter::new(0.5)));
    Retrier::new(config, clock, jitter).unwrap()
}

fn answer(status: u16) -> Error {
    let status = StatusCode::from_u16(status).unwrap();
    Error::from_response(status, HeaderMap::new(), Bytes::new())
}

/// How often an operation started, was tried again, succeeded and was given up.
type Counts = [usize; 4];

/// Runs an operation that fails as told and then succeeds.
async fn run(
    retrier: &Retrier,
    failures: impl IntoIterator<Item = Error>,
) -> (Result<(), Error>, Counts) {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let mut failures = failures.into_iter();
    let result = retrier
        .run(|_| {
            let result = failures.next().map_or(Ok(()), Err);
            async { result }
        })
        .await;
    drop(guard);
    let log = log.text();
    let count = |text: &str| log.lines().filter(|line| line.contains(text)).count();
    let counts = [
        count("operation started"),
        count("operation failed, trying again"),
        count("operation succeeded"),
        count("operation failed, giving up"),
    ];
    (result, counts)
}

#[tokio::test(start_paused = true)]
async fn chk_rt_1_starts_retries_stops_and_failures() {
    let patient = retrier(RetryConfig::default());
    let (result, counts) = run(&patient, [answer(503), Error::io("lost")]).await;
    assert!(result.is_ok());
    assert_eq!(counts, [3, 2, 1, 0], "fail, fail, ok");

    let (result, counts) = run(&patient, [answer(400)]).await;
    assert_eq!(result.unwrap_err().status(), Some(StatusCode::BAD_REQUEST));
    assert_eq!(counts, [1, 0, 0, 1], "the caller's own fault");

    let twice = retrier(RetryConfig::default().with_max_retries(Some(2)));
    let (result, counts) = run(&twice, [(); 9].map(|()| answer(503))).await;
    assert_eq!(result.unwrap_err().persistence(), Persistence::Persistent);
    assert_eq!(counts, [3, 2, 0, 1], "always failing");

    let never = retrier(RetryConfig::default().with_max_retries(Some(0)));
    let (result, counts) = run(&never, [Error::io("boom")]).await;
    assert_eq!(result.unwrap_err().to_string(), "connection failed: boom");
    assert_eq!(counts, [1, 0, 0, 1], "its message is kept");
}
