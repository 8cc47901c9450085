//! Operations that are repeated as a whole: how often, for how long and how many at once.

use std::future::pending;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use gimmal_transport::retry::{Retrier, RetryConfig};
use gimmal_transport::testing::{Reply, ScriptedTransport};
use gimmal_transport::{
    CallOptions, Clock, Error, ErrorKind, FixedJitter, NeverRetry, Persistence, RetryBudget,
    TimeoutKind, TokioClock,
};
use http::{HeaderMap, StatusCode};

use crate::common::{builder, limited, request};

const MS: Duration = Duration::from_millis(1);

fn retrier(config: RetryConfig) -> Retrier {
    let (clock, jitter) = (Arc::new(TokioClock), Arc::new(FixedJitter::new(0.5)));
    Retrier::new(config, clock, jitter).unwrap()
}

fn answer(status: u16) -> Error {
    let status = StatusCode::from_u16(status).unwrap();
    Error::from_response(status, HeaderMap::new(), Bytes::new())
}

#[tokio::test(start_paused = true)]
async fn chk_rt_2_no_progress_ends_what_would_go_on_for_ever() {
    for (stuck_detection, expected) in [(false, 60 * MS), (true, 50 * MS)] {
        let config = RetryConfig::default()
            .with_base_delay(20 * MS)
            .with_max_delay(20 * MS)
            .with_progress_timeout(50 * MS)
            .with_stuck_detection(stuck_detection);
        let start = TokioClock.now();
        let failing = |_| async { Err::<(), _>(answer(503)) };
        let error = limited(retrier(config).run(failing)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert_eq!(error.timeout_kind(), Some(TimeoutKind::Progress));
        assert_eq!(error.persistence(), Persistence::Persistent);
        assert_eq!(TokioClock.now() - start, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn chk_rh2_3_one_that_hangs_is_given_up_when_all_others_have_stopped() {
    let retrier = retrier(RetryConfig::default().with_progress_timeout(50 * MS));
    let start = TokioClock.now();
    let busy = async {
        for _ in 0..5 {
            let work = |_| async {
                TokioClock.sleep(30 * MS).await;
                Ok(())
            };
            retrier.run(work).await.unwrap();
        }
    };
    let stuck = async {
        let error = retrier.run(|_| pending::<Result<(), Error>>()).await;
        (error.unwrap_err(), TokioClock.now() - start)
    };
    let ((), (error, after)) = tokio::join!(busy, stuck);
    assert_eq!(error.to_string(), "no operation made progress (50ms)");
    assert_eq!(after, 200 * MS, "50 ms after the last success");
}

#[tokio::test(start_paused = true)]
async fn operations_wait_for_each_other_and_leave_no_permit_behind() {
    let limit = NonZeroU32::new(2);
    let retrier = retrier(RetryConfig::default().with_max_concurrent(limit));
    let (running, most) = (AtomicU32::new(0), AtomicU32::new(0));
    let work = |_| async {
        let now = running.fetch_add(1, Ordering::SeqCst) + 1;
        most.fetch_max(now, Ordering::SeqCst);
        TokioClock.sleep(10 * MS).await;
        running.fetch_sub(1, Ordering::SeqCst);
        Ok(())
    };
    let dropped = tokio::time::timeout(MS, retrier.run(|_| pending::<Result<(), Error>>())).await;
    assert!(dropped.is_err());
    let start = TokioClock.now();
    let results = join_all((0..10).map(|_| retrier.run(work))).await;
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(most.load(Ordering::SeqCst), 2);
    assert_eq!(TokioClock.now() - start, 50 * MS);
}

#[tokio::test(start_paused = true)]
async fn retries_that_are_off_are_off() {
    let none = RetryConfig::default().with_retries(false);
    let attempts = AtomicU32::new(0);
    let failing = |_| async {
        attempts.fetch_add(1, Ordering::SeqCst);
        Err::<(), _>(answer(503))
    };
    let error = limited(retrier(none).run(failing)).await.unwrap_err();
    assert_eq!(error.persistence(), Persistence::Temporary);
    assert_eq!(attempts.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_policy_of_ones_own_takes_the_place_of_the_groups() {
    let retrier = retrier(RetryConfig::default()).with_policy(NeverRetry);
    let attempts = AtomicU32::new(0);
    let failing = |_| async {
        attempts.fetch_add(1, Ordering::SeqCst);
        Err::<(), _>(answer(503))
    };
    let error = limited(retrier.run(failing)).await.unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::SERVICE_UNAVAILABLE));
    assert_eq!(attempts.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_budget_is_shared_with_the_requests_within() {
    let budget = RetryBudget::with_capacity(30);
    let http = ScriptedTransport::repeating(Reply::status(503));
    let transport = builder(&http)
        .with_retry_budget(budget.clone())
        .build()
        .unwrap();
    let retrier = retrier(RetryConfig::default()).with_budget(budget);
    let options = CallOptions::default();
    let error = retrier
        .run(|_| transport.send(request(), &options))
        .await
        .unwrap_err();
    assert_eq!(
        http.request_count(),
        3,
        "what was retried within is not retried again"
    );
    assert_eq!(error.attempts().len(), 3);
    let stopped = error.context().last();
    assert_eq!(stopped, Some(("stopped_because", "it was retried before")));
}

#[tokio::test(start_paused = true)]
async fn a_running_operation_moves_between_tasks() {
    let retrier = retrier(RetryConfig::default());
    let task = tokio::spawn(async move {
        let attempts = AtomicU32::new(0);
        let work = |attempt| {
            attempts.store(attempt, Ordering::SeqCst);
            async move {
                if attempt < 3 {
                    Err(answer(429))
                } else {
                    Ok(attempt)
                }
            }
        };
        let result = retrier.run(work).await;
        (result, attempts.load(Ordering::SeqCst))
    });
    let (result, attempts) = task.await.unwrap();
    assert_eq!((result.unwrap(), attempts), (3, 3));
}
