//! What is held back before it is sent: breakers, limits, pauses; and that nothing held for a call
//! outlives it, wherever the call is dropped.

use std::future::poll_fn;
use std::num::{NonZeroU32, NonZeroU64};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};
use futures_util::{FutureExt, StreamExt};
use gimmal_transport::circuit::{AdaptiveThrottler, CircuitState, ThrottleConfig};
use gimmal_transport::rate_limit::{AdaptiveConfig, PauseConfig, SlowStart};
use gimmal_transport::semaphore::Semaphore;
use gimmal_transport::testing::{Reply, ScriptedTransport};
use gimmal_transport::{
    AdaptiveConcurrency, AuthHeaders, CallOptions, CircuitConfig, CircuitRegistry, Clock,
    Credentials, Delivery, Error, ErrorKind, FixedJitter, NeverRetry, Origin, PauseWindow,
    Persistence, PoolPurpose, RateLimiter, RateLimits, Request, Scope, Timeout, TimeoutKind,
    TokioClock,
};
use http::header::RETRY_AFTER;
use http::{HeaderValue, Method};
use test_case::test_case;
use url::Url;

use crate::common::{builder, limited, post, request, seconds, send};

const ORIGIN: &str = "http://localhost";

fn number(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

fn circuits(threshold: u32, probes: u32) -> CircuitRegistry {
    CircuitRegistry::new().with_config(
        CircuitConfig::default()
            .with_failure_threshold(number(threshold))
            .with_half_open_probes(number(probes)),
    )
}

fn ok() -> Reply {
    Reply::json(200, "{}")
}

fn busy(retry_after: &'static str) -> Reply {
    Reply::status(429).with_header(RETRY_AFTER, HeaderValue::from_static(retry_after))
}

#[tokio::test(start_paused = true)]
async fn an_open_breaker_sends_nothing() {
    let http = ScriptedTransport::repeating(Reply::status(503));
    let transport = builder(&http)
        .with_circuit_breakers(circuits(3, 1))
        .with_retry_policy(NeverRetry)
        .build()
        .unwrap();
    for _ in 0..3 {
        let error = send(&transport, request()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Status);
    }
    let error = send(&transport, request()).await.unwrap_err();
    assert_eq!(http.request_count(), 3);
    assert_eq!(error.kind(), ErrorKind::CircuitOpen);
    assert_eq!(error.delivery(), Delivery::NotSent);
    assert_eq!(error.persistence(), Persistence::Temporary);
    assert_eq!(error.retry_after(), Some(seconds(30)));
    assert!(error.attempts().is_empty(), "no attempt was made");
    assert_eq!(
        error.to_string(),
        "circuit `http://localhost` is open after repeated failures, next probe in 30s"
    );

    let elsewhere = Request::new(Method::GET, Url::parse("http://elsewhere/").unwrap());
    send(&transport, elsewhere).await.unwrap_err();
    assert_eq!(http.request_count(), 4, "another host has another breaker");
}

#[tokio::test(start_paused = true)]
async fn each_pool_has_a_breaker_of_its_own() {
    let http = ScriptedTransport::repeating(Reply::status(503));
    let registry = circuits(1, 1);
    let transport = builder(&http)
        .with_circuit_breakers(registry.clone())
        .with_options(CallOptions::new().with_pool(PoolPurpose::SESSION))
        .with_retry_policy(NeverRetry)
        .build()
        .unwrap();
    let sampling = CallOptions::new().with_pool(PoolPurpose::SAMPLING);
    send(&transport, request()).await.unwrap_err();
    limited(transport.send(request(), &sampling))
        .await
        .unwrap_err();
    let pools: Vec<_> = http.requests().iter().map(|it| it.pool().clone()).collect();
    assert_eq!(pools, [PoolPurpose::SESSION, PoolPurpose::SAMPLING]);
    for name in ["http://localhost#session", "http://localhost#sampling"] {
        assert_eq!(registry.state(name), CircuitState::Open, "{name}");
    }
    assert_eq!(registry.state(ORIGIN), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_breaker_that_opens_ends_the_retries() {
    let http = ScriptedTransport::repeating(Reply::status(503));
    let transport = builder(&http)
        .with_circuit_breakers(circuits(3, 1))
        .build()
        .unwrap();
    let error = send(&transport, request()).await.unwrap_err();
    assert_eq!(http.request_count(), 3);
    assert_eq!(error.kind(), ErrorKind::CircuitOpen);
    assert_eq!(error.attempts().len(), 3, "what was tried is still told");
    let stopped = error.context().find(|(key, _)| *key == "stopped_because");
    assert_eq!(stopped, Some(("stopped_because", "the circuit is open")));
}

#[test_case(1)]
#[test_case(3)]
#[tokio::test(start_paused = true)]
async fn half_open_lets_exactly_so_many_out(probes: u32) {
    let circuits = circuits(1, probes);
    let http = ScriptedTransport::new([Reply::status(503)]);
    for _ in 0..probes {
        http.push(ok().with_delay(seconds(1)));
    }
    let transport = builder(&http)
        .with_circuit_breakers(circuits.clone())
        .with_retry_policy(NeverRetry)
        .build()
        .unwrap();
    send(&transport, request()).await.unwrap_err();
    TokioClock.sleep(seconds(30)).await;
    assert_eq!(circuits.state(ORIGIN), CircuitState::HalfOpen);

    let results = join_all((0..10).map(|_| send(&transport, request()))).await;
    let (sent, refused): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!(sent.len(), probes as usize);
    assert_eq!(http.request_count(), 1 + probes as usize);
    for error in refused.into_iter().map(Result::unwrap_err) {
        assert_eq!(error.kind(), ErrorKind::CircuitOpen);
        assert_eq!(error.retry_after(), None, "a probe is under way");
    }
    assert_eq!(circuits.state(ORIGIN), CircuitState::Closed);
}

#[test_case(Reply::status(500), true)]
#[test_case(Reply::status(503), true; "unavailable")]
#[test_case(Reply::connect_error(), true)]
#[test_case(Reply::io_error(), true; "connection lost")]
#[test_case(Reply::silence(), true; "time limit")]
#[test_case(Reply::json(200, "{").with_reset(), true; "body broken off")]
#[test_case(Reply::status(429), false)]
#[test_case(Reply::status(400), false; "wrong request")]
#[test_case(Reply::status(404), false; "not found")]
#[tokio::test(start_paused = true)]
async fn what_counts_as_a_failure(reply: Reply, opens: bool) {
    let circuits = circuits(1, 1);
    let http = ScriptedTransport::repeating(reply);
    let transport = builder(&http)
        .with_circuit_breakers(circuits.clone())
        .with_retry_policy(NeverRetry)
        .build()
        .unwrap();
    send(&transport, request()).await.unwrap_err();
    assert_eq!(circuits.state(ORIGIN) == CircuitState::Open, opens);
}

/// Credentials that take a second, and fail if told to.
#[derive(Debug)]
struct Slow {
    fails: bool,
}

impl Credentials for Slow {
    fn headers(&self) -> BoxFuture<'_, Result<AuthHeaders, Error>> {
        async {
            TokioClock.sleep(seconds(1)).await;
            if self.fails {
                return Err(Error::authentication("no token"));
            }
            Ok(AuthHeaders::default())
        }
        .boxed()
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_fails_before_it_is_sent_costs_nothing() {
    let circuits = circuits(1, 1);
    let limits = RateLimits::default()
        .with_requests_per_minute(NonZeroU64::new(5).unwrap())
        .with_tokens_per_minute(NonZeroU64::new(100).unwrap());
    let (limiter, permits) = (RateLimiter::new(limits), Semaphore::new(number(1)));
    let http = ScriptedTransport::new([]);
    let transport = builder(&http)
        .with_circuit_breakers(circuits.clone())
        .with_rate_limit(limiter.clone())
        .with_concurrency_limit(permits.clone())
        .with_credentials(Slow { fails: true })
        .build()
        .unwrap();
    let options = CallOptions::default().with_estimated_tokens(70);
    let error = limited(transport.send(request(), &options)).await;
    assert!(error.unwrap_err().is_authentication());
    assert_eq!(circuits.state(ORIGIN), CircuitState::Closed);
    assert_eq!(limiter.available_requests(), Some(5));
    assert_eq!(limiter.available_tokens(), Some(100));
    assert_eq!(permits.available(), 1);
}

/// A call passes a pause, credentials, head and body of a second each. It is dropped at one point
/// after the other; each time the place in flight, the place of the probe and the place in line
/// must be free again, and the budget charged only if the request had left.
#[tokio::test(start_paused = true)]
async fn nothing_leaks_wherever_a_call_is_dropped() {
    for quarters in 0..20 {
        // Never at the very moment of a change.
        let dropped_after = Duration::from_millis(250 * quarters + 100);
        let config = CircuitConfig::default()
            .with_failure_threshold(number(1))
            .with_reset_timeout(Duration::ZERO);
        let circuits = CircuitRegistry::new().with_config(config);
        let limits = RateLimits::default().with_requests_per_minute(NonZeroU64::new(5).unwrap());
        let (limiter, permits) = (RateLimiter::new(limits), Semaphore::new(number(1)));
        let window = PauseWindow::new(PauseConfig::default(), Arc::new(TokioClock));
        let http = ScriptedTransport::new([ok()
            .with_delay(seconds(1))
            .with_pause(seconds(1))
            .with_chunk("{}")]);
        let transport = builder(&http)
            .with_circuit_breakers(circuits.clone())
            .with_rate_limit(limiter.clone())
            .with_pause_window(window.clone())
            .with_concurrency_limit(permits.clone())
            .with_credentials(Slow { fails: false })
            .build()
            .unwrap();
        // Open, and due for a probe at once.
        let breaker = circuits.breaker(ORIGIN);
        breaker.try_acquire().unwrap().failure();
        window.pause_for(seconds(1));

        let call = send(&transport, request());
        let finished = tokio::time::timeout(dropped_after, call).await.is_ok();
        let at = format!("dropped after {dropped_after:?}");
        assert_eq!(finished, dropped_after >= seconds(4), "{at}");
        assert_eq!((permits.available(), permits.waiting()), (1, 0), "{at}");
        assert!(breaker.allows_request(), "{at}");
        let expected = if finished {
            CircuitState::Closed
        } else {
            CircuitState::HalfOpen
        };
        assert_eq!(breaker.state(), expected, "{at}");
        let sent = http.request_count() == 1;
        assert_eq!(sent, dropped_after > seconds(2), "{at}");
        let charged = i64::from(sent);
        let available = limiter.available_requests();
        assert_eq!(available, Some(5 - charged), "{at}");
        let next = tokio::time::timeout(seconds(2), window.enter()).await;
        assert!(next.is_ok(), "{at}");
    }
}

#[tokio::test(start_paused = true)]
async fn calls_that_are_dropped_in_the_queue_leave_it() {
    let permits = Semaphore::new(number(1));
    let http = ScriptedTransport::repeating(ok());
    let transport = builder(&http)
        .with_concurrency_limit(permits.clone())
        .build()
        .unwrap();
    let held = permits.acquire().await;
    for _ in 0..3 {
        assert!(send(&transport, request()).now_or_never().is_none());
    }
    assert_eq!(permits.waiting(), 0);
    drop(held);
    send(&transport, request()).await.unwrap();
    assert_eq!((permits.available(), http.request_count()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_covers_the_wait_for_a_permit() {
    let permits = Semaphore::new(number(1));
    let http = ScriptedTransport::repeating(ok());
    let transport = builder(&http)
        .with_concurrency_limit(permits.clone())
        .build()
        .unwrap();
    let _held = permits.acquire().await;
    let options = CallOptions::default().with_deadline(Timeout::After(seconds(5)));
    let start = TokioClock.now();
    let error = limited(transport.send(request(), &options))
        .await
        .unwrap_err();
    assert_eq!(TokioClock.now() - start, seconds(5));
    assert_eq!(error.timeout_kind(), Some(TimeoutKind::Deadline));
    assert_eq!(error.delivery(), Delivery::NotSent);
    assert_eq!(http.request_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_before_a_retry_is_not_in_flight() {
    let slow_retry = Reply::status(503).with_header(RETRY_AFTER, HeaderValue::from_static("20"));
    let http = ScriptedTransport::new([slow_retry, ok(), ok()]);
    let transport = builder(&http)
        .with_concurrency_limit(number(1))
        .build()
        .unwrap();
    let start = TokioClock.now();
    let first = send(&transport, request());
    let second = async {
        let response = send(&transport, request()).await;
        (response, TokioClock.now() - start)
    };
    let (first, (second, took)) = tokio::join!(first, second);
    assert_eq!(first.unwrap().attempts(), 2);
    assert_eq!(second.unwrap().attempts(), 1);
    assert_eq!(took, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_in_flight_until_it_ends_or_is_dropped() {
    let permits = Semaphore::new(number(1));
    let http = ScriptedTransport::repeating(Reply::events(["1", "2"]));
    let transport = builder(&http)
        .with_concurrency_limit(permits.clone())
        .build()
        .unwrap();
    let options = CallOptions::default();
    for reads_to_the_end in [true, false] {
        let reply = limited(transport.open_bytes(request(), &options)).await;
        let mut body = reply.unwrap().into_body();
        assert_eq!(body.next().await.unwrap().unwrap(), "data: 1\n\n");
        assert_eq!(permits.available(), 0);
        if reads_to_the_end {
            while body.next().await.is_some() {}
            assert_eq!(permits.available(), 1, "before it is dropped");
        }
        drop(body);
        assert_eq!(permits.available(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn many_calls_never_exceed_the_limit() {
    let http = ScriptedTransport::repeating(ok().with_delay(seconds(1)));
    let transport = builder(&http)
        .with_concurrency_limit(number(4))
        .build()
        .unwrap();
    let start = TokioClock.now();
    let results = join_all((0..20).map(|_| send(&transport, request()))).await;
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(TokioClock.now() - start, seconds(5), "five rounds of four");
}

#[tokio::test(start_paused = true)]
async fn one_refusal_pauses_everyone_who_shares_the_window() {
    let window = PauseWindow::new(PauseConfig::default(), Arc::new(TokioClock));
    let transport = |http: &ScriptedTransport| {
        let builder = builder(http).with_pause_window(window.clone());
        builder.with_retry_policy(NeverRetry).build().unwrap()
    };
    let (busy, well) = (
        ScriptedTransport::new([busy("7")]),
        ScriptedTransport::repeating(ok()),
    );
    let start = TokioClock.now();
    send(&transport(&busy), request()).await.unwrap_err();
    assert_eq!(
        TokioClock.now(),
        start,
        "the one that was refused does not wait"
    );
    let other = transport(&well);
    join_all((0..5).map(|_| send(&other, request()))).await;
    for request in well.requests() {
        assert_eq!(request.at() - start, seconds(7));
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_is_too_long_is_an_error_for_all() {
    let window = PauseWindow::new(PauseConfig::default(), Arc::new(TokioClock));
    let http = ScriptedTransport::new([busy("121")]);
    let transport = builder(&http).with_pause_window(window).build().unwrap();
    let start = TokioClock.now();
    let first = send(&transport, request()).await.unwrap_err();
    let second = send(&transport, post()).await.unwrap_err();
    for error in [&first, &second] {
        assert_eq!(error.kind(), ErrorKind::RetryDelayTooLong);
        assert_eq!(error.retry_after(), Some(seconds(121)));
    }
    assert_eq!(second.delivery(), Delivery::NotSent);
    assert_eq!(http.request_count(), 1);
    assert_eq!(TokioClock.now(), start);
}

#[tokio::test(start_paused = true)]
async fn every_attempt_counts_against_the_rate() {
    let limits = RateLimits::default()
        .with_requests_per_minute(NonZeroU64::new(6).unwrap())
        .with_burst(seconds(20))
        .unwrap();
    let http = ScriptedTransport::new([Reply::status(503), Reply::status(503), ok()]);
    let transport = builder(&http)
        .with_rate_limit(RateLimiter::new(limits))
        .build()
        .unwrap();
    send(&transport, request()).await.unwrap();
    let requests = http.requests();
    let after = |n: usize| requests[n].at() - requests[0].at();
    assert_eq!(after(1), Duration::from_millis(500), "two are saved up");
    assert_eq!(after(2), seconds(10), "the third comes when it has accrued");
}

#[tokio::test(start_paused = true)]
async fn a_call_larger_than_the_limit_is_refused_with_its_name() {
    let limits = RateLimits::default().with_tokens_per_minute(NonZeroU64::new(100).unwrap());
    let http = ScriptedTransport::new([]);
    let transport = builder(&http)
        .with_rate_limit(RateLimiter::new(limits))
        .build()
        .unwrap();
    let options = CallOptions::default().with_estimated_tokens(101);
    let error = limited(transport.send(request(), &options))
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.field()),
        (ErrorKind::Invalid, Some("tokens"))
    );
    assert_eq!(
        (error.delivery(), http.request_count()),
        (Delivery::NotSent, 0)
    );
}

#[test_case(Reply::status(429), 10)]
#[test_case(Reply::status(503), 10; "unavailable")]
#[test_case(Reply::silence(), 10; "no answer in time")]
#[test_case(Reply::status(400), 20; "wrong request")]
#[test_case(Reply::connect_error(), 20; "no connection")]
#[tokio::test(start_paused = true)]
async fn congestion_halves_the_calls_in_flight(reply: Reply, expected: u32) {
    let limit = AdaptiveConcurrency::new(AdaptiveConfig::default());
    let http = ScriptedTransport::repeating(reply);
    let transport = builder(&http)
        .with_concurrency_limit(limit.clone())
        .with_retry_policy(NeverRetry)
        .build()
        .unwrap();
    send(&transport, request()).await.unwrap_err();
    assert_eq!((limit.limit(), limit.in_flight()), (expected, 0));
}

#[tokio::test(start_paused = true)]
async fn a_clean_window_doubles_the_calls_in_flight() {
    let limit = AdaptiveConcurrency::new(AdaptiveConfig::default());
    let http = ScriptedTransport::repeating(ok());
    let transport = builder(&http)
        .with_concurrency_limit(limit.clone())
        .build()
        .unwrap();
    for _ in 0..20 {
        send(&transport, request()).await.unwrap();
    }
    assert_eq!(limit.limit(), 40);
}

#[tokio::test(start_paused = true)]
async fn a_circuit_that_opens_while_a_call_waits_holds_it_back() {
    let circuits = circuits(1, 1);
    let window = PauseWindow::new(PauseConfig::default(), Arc::new(TokioClock));
    let http = ScriptedTransport::new([]);
    let transport = builder(&http)
        .with_circuit_breakers(circuits.clone())
        .with_pause_window(window.clone())
        .build()
        .unwrap();
    window.pause_for(seconds(3));
    let call = send(&transport, request());
    let outage = async {
        TokioClock.sleep(seconds(1)).await;
        let breaker = circuits.breaker(ORIGIN);
        breaker.try_acquire().unwrap().failure();
    };
    let (result, ()) = tokio::join!(call, outage);
    assert_eq!(result.unwrap_err().kind(), ErrorKind::CircuitOpen);
    assert_eq!(http.request_count(), 0);
}

/// A throttler that turns a request away when that is more likely than four in five.
fn throttler() -> AdaptiveThrottler {
    let (clock, jitter) = (Arc::new(TokioClock), Arc::new(FixedJitter::new(0.8)));
    AdaptiveThrottler::new(ThrottleConfig::default(), clock, jitter)
}

#[tokio::test(start_paused = true)]
async fn a_server_that_accepts_nothing_is_left_alone_until_it_has_had_time() {
    let http = ScriptedTransport::repeating(Reply::status(503));
    let transport = builder(&http)
        .with_adaptive_throttle(throttler())
        .build()
        .unwrap();
    let error = send(&transport, request()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Status, "five of five are refused");
    let error = send(&transport, post()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Throttled);
    assert_eq!(error.delivery(), Delivery::NotSent);
    assert_eq!(error.persistence(), Persistence::Temporary);
    assert!(error.attempts().is_empty());
    assert_eq!(
        error.to_string(),
        "throttled: the server refuses too much, so 83 % is not sent"
    );
    let stopped = error.context().last();
    assert_eq!(
        stopped,
        Some(("stopped_because", "the server refuses too much"))
    );
    assert_eq!(http.request_count(), 5);

    TokioClock.sleep(seconds(120)).await;
    send(&transport, post()).await.unwrap_err();
    assert_eq!(http.request_count(), 6);
}

#[test_case(ok(), false)]
#[test_case(Reply::status(400), false; "wrong request")]
#[test_case(Reply::json(200, "{").with_reset(), true; "body broken off")]
#[test_case(Reply::status(429), true)]
#[test_case(Reply::status(503), true; "unavailable")]
#[test_case(Reply::connect_error(), true; "no connection")]
#[test_case(Reply::silence(), true; "no answer in time")]
#[tokio::test(start_paused = true)]
async fn what_counts_as_refused_by_an_overloaded_server(reply: Reply, refused: bool) {
    let throttler = throttler();
    let http = ScriptedTransport::repeating(reply);
    let transport = builder(&http)
        .with_adaptive_throttle(throttler.clone())
        .with_retry_policy(NeverRetry)
        .build()
        .unwrap();
    let options = CallOptions::default().with_attempt_timeout(Timeout::After(seconds(5)));
    let _ = limited(transport.send(request(), &options)).await;
    assert_eq!(throttler.reject_probability() > 0.0, refused);
}

#[tokio::test(start_paused = true)]
async fn a_throttle_is_off_unless_set() {
    let http = ScriptedTransport::repeating(Reply::status(503));
    let transport = builder(&http)
        .with_retry_policy(NeverRetry)
        .with_jitter(Arc::new(FixedJitter::new(0.0)))
        .build()
        .unwrap();
    for _ in 0..100 {
        send(&transport, request()).await.unwrap_err();
    }
    assert_eq!(http.request_count(), 100);
}

#[tokio::test(start_paused = true)]
async fn calls_of_one_account_pause_together_and_set_off_one_by_one() {
    let account = |key: &str| {
        let origin = Origin::parse("https://pause.example.com:443/v1").unwrap();
        Scope::new(origin, Some(&key.into()))
    };
    let transport = |http: &ScriptedTransport, key| {
        let builder = builder(http).with_shared_pause(&account(key));
        builder.build().unwrap()
    };
    let (http, elsewhere) = (
        ScriptedTransport::new([busy("7")]),
        ScriptedTransport::new([ok()]),
    );
    for _ in 0..20 {
        http.push(ok());
    }
    let (one, two) = (transport(&http, "mine"), transport(&http, "mine"));
    let start = TokioClock.now();
    let calls = join_all((0..10).flat_map(|_| [send(&one, request()), send(&two, request())]));
    let other_account = transport(&elsewhere, "other");
    let other = send(&other_account, request());
    let (results, other) = tokio::join!(calls, other);
    assert!(results.iter().all(Result::is_ok) && other.is_ok());
    assert_eq!(elsewhere.requests()[0].at(), start);

    let mut expected = seconds(7);
    let requests = http.requests();
    assert_eq!(requests.len(), 21);
    assert_eq!(requests[0].at(), start);
    for (number, request) in requests[1..].iter().enumerate() {
        expected += SlowStart::default()
            .gap(u32::try_from(number).unwrap())
            .unwrap();
        assert_eq!(request.at() - start, expected, "start {number}");
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_refusal_there_are_fewer_at_once_and_they_start_slowly() {
    let limit = AdaptiveConcurrency::new(AdaptiveConfig::default());
    let config = PauseConfig::default().with_slow_start(SlowStart::default());
    let window = PauseWindow::new(config, Arc::new(TokioClock));
    let http = ScriptedTransport::new([busy("7")]);
    for _ in 0..15 {
        http.push(ok().with_delay(seconds(60)));
    }
    let transport = builder(&http)
        .with_concurrency_limit(limit.clone())
        .with_pause_window(window)
        .with_retry_policy(NeverRetry)
        .build()
        .unwrap();
    send(&transport, request()).await.unwrap_err();
    assert_eq!(limit.limit(), 10);
    let calls = join_all((0..15).map(|_| send(&transport, request())));
    let look = async {
        TokioClock.sleep(seconds(10)).await;
        let early = http.request_count();
        TokioClock.sleep(seconds(50)).await;
        (early, http.request_count(), limit.in_flight())
    };
    let (results, (early, late, in_flight)) = tokio::join!(calls, look);
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(early, 2, "one start, 2 s after the pause");
    assert_eq!((late, in_flight), (11, 10), "half of the twenty before");
    assert_eq!(limit.in_flight(), 0);
}

/// Polls a future so many times at most, and drops it.
async fn polled<F: Future>(future: F, times: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = times;
    poll_fn(|context| {
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// A call with every gate, slow credentials and a retry is dropped after one poll, after two, and
/// so on until it gets through. Each time everything must be free again.
#[tokio::test(start_paused = true)]
async fn nothing_leaks_at_any_await_point() {
    let mut finished = false;
    for polls in 1..100 {
        let config = CircuitConfig::default()
            .with_failure_threshold(number(1))
            .with_reset_timeout(Duration::ZERO);
        let circuits = CircuitRegistry::new().with_config(config);
        let limits = RateLimits::default().with_requests_per_minute(NonZeroU64::new(5).unwrap());
        let (limiter, throttler) = (RateLimiter::new(limits), throttler());
        let limit = AdaptiveConcurrency::new(AdaptiveConfig::default());
        let ramp = SlowStart::new(1, seconds(1), seconds(1)).unwrap();
        let config = PauseConfig::default().with_slow_start(ramp);
        let window = PauseWindow::new(config, Arc::new(TokioClock));
        let slow = ok().with_delay(seconds(1)).with_pause(seconds(1));
        let http = ScriptedTransport::new([Reply::status(503).with_delay(seconds(1)), slow]);
        let transport = builder(&http)
            .with_circuit_breakers(circuits.clone())
            .with_adaptive_throttle(throttler.clone())
            .with_rate_limit(limiter.clone())
            .with_pause_window(window.clone())
            .with_concurrency_limit(limit.clone())
            .with_credentials(Slow { fails: false })
            .build()
            .unwrap();
        // Open, and due for a probe at once.
        let breaker = circuits.breaker(ORIGIN);
        breaker.try_acquire().unwrap().failure();
        window.pause_for(seconds(1));

        let options = CallOptions::default().with_deadline(Timeout::After(seconds(60)));
        let result = polled(transport.send(request(), &options), polls).await;
        let at = format!("dropped after {polls} polls");
        assert_eq!(limit.in_flight(), 0, "{at}");
        assert!(breaker.allows_request(), "{at}");
        let sent = i64::try_from(http.request_count()).unwrap();
        assert_eq!(limiter.available_requests(), Some(5 - sent), "{at}");
        // The first attempt counts as refused once its answer is here; nothing else may count.
        let throttled = throttler.reject_probability();
        assert!([0.0, 0.5].contains(&throttled), "{at}: {throttled}");
        let next = tokio::time::timeout(seconds(3), window.enter()).await;
        assert!(next.is_ok(), "{at}");
        finished = result.is_some();
        if finished {
            result.unwrap().unwrap();
            assert!(polls > 5, "there are more await points than that");
            break;
        }
    }
    assert!(finished, "the call never gets through");
}
