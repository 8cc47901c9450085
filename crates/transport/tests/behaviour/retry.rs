//! What is tried again, how often and after how long, counted on the wire.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::common::{builder, limited, post, request, scripted, seconds, send};
use futures_util::future::{BoxFuture, join_all};
use gimmal_transport::testing::{Reply, ScriptedTransport};
use gimmal_transport::{
    Backoff, CallOptions, Clock, ErrorKind, Idempotency, Jitter, NeverRetry, Persistence, Request,
    RetryBudget, RetryCountHeader, RetryPolicyExt, StandardRetry, ThreadRngJitter, Timeout,
    TimeoutKind, TokioClock, Transport,
};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use test_case::test_case;
use url::Url;

const DAILY: &str = r#"{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "details": [
    {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [
        {"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]},
    {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "22s"}]}}"#;

fn with_header(reply: Reply, name: &'static str, value: &'static str) -> Reply {
    reply.with_header(
        HeaderName::from_static(name),
        HeaderValue::from_static(value),
    )
}

#[test_case(Reply::status(408), 5, 1)]
#[test_case(Reply::status(429), 5, 1)]
#[test_case(Reply::status(500), 5, 1)]
#[test_case(Reply::status(502), 5, 1)]
#[test_case(Reply::status(503), 5, 1)]
#[test_case(Reply::status(504), 5, 1)]
#[test_case(Reply::status(400), 1, 1)]
#[test_case(Reply::status(401), 1, 1)]
#[test_case(Reply::status(403), 1, 1)]
#[test_case(Reply::status(404), 1, 1)]
#[test_case(Reply::status(409), 1, 1)]
#[test_case(Reply::status(501), 1, 1)]
#[test_case(Reply::status(304), 1, 1)]
#[test_case(Reply::json(429, DAILY), 1, 1; "quota per day")]
#[test_case(Reply::connect_error(), 5, 5; "no connection")]
#[test_case(Reply::io_error(), 5, 1; "connection lost")]
#[test_case(Reply::silence(), 5, 1; "no answer")]
#[test_case(Reply::json(200, "{").with_reset(), 5, 1; "body broken off")]
#[tokio::test(start_paused = true)]
async fn attempts_on_the_wire(reply: Reply, idempotent: usize, not_idempotent: usize) {
    for (request, expected) in [(request(), idempotent), (post(), not_idempotent)] {
        let http = ScriptedTransport::repeating(reply.clone());
        let transport = builder(&http).build().unwrap();
        let error = send(&transport, request).await.unwrap_err();
        assert_eq!(http.request_count(), expected, "{error:?}");
        assert_eq!(error.attempts().len(), expected);
        if expected > 1 {
            assert_eq!(error.persistence(), Persistence::Persistent);
        } else {
            assert_ne!(error.persistence(), Persistence::Persistent);
        }
    }
}

#[test_case(Method::GET, 5)]
#[test_case(Method::PUT, 5)]
#[test_case(Method::DELETE, 5)]
#[test_case(Method::POST, 1)]
#[test_case(Method::PATCH, 1)]
#[tokio::test(start_paused = true)]
async fn the_method_decides_unless_the_request_says_otherwise(method: Method, expected: usize) {
    let http = ScriptedTransport::repeating(Reply::status(503));
    let transport = builder(&http).build().unwrap();
    let url = Url::parse("http://localhost/").unwrap();
    let request = Request::new(method, url);
    send(&transport, request.clone()).await.unwrap_err();
    assert_eq!(http.request_count(), expected);

    let opposite = match request.idempotency() {
        Idempotency::Idempotent => Idempotency::NotIdempotent,
        Idempotency::NotIdempotent => Idempotency::Idempotent,
    };
    send(&transport, request.with_idempotency(opposite))
        .await
        .unwrap_err();
    assert_eq!(http.request_count(), 6);
}

#[test_case(200)]
#[test_case(201)]
#[test_case(204)]
#[test_case(206)]
#[tokio::test(start_paused = true)]
async fn every_2xx_is_a_success(status: u16) {
    let (transport, _) = scripted([Reply::status(503), Reply::json(status, "{}")]);
    let response = send(&transport, request()).await.unwrap();
    assert_eq!(response.status().as_u16(), status);
    assert_eq!(response.attempts(), 2);
}

#[tokio::test(start_paused = true)]
async fn waits_grow_and_are_recorded() {
    let http = ScriptedTransport::repeating(Reply::status(503));
    let transport = builder(&http).build().unwrap();
    let error = send(&transport, request()).await.unwrap_err();

    let waits: Vec<_> = error.attempts().iter().map(|it| it.waited()).collect();
    let ms = |ms| Some(Duration::from_millis(ms));
    assert_eq!(waits, [ms(500), ms(1_000), ms(2_000), ms(4_000), None]);
    let starts: Vec<_> = error
        .attempts()
        .iter()
        .map(|it| it.started_after())
        .collect();
    assert_eq!(starts[4], Duration::from_millis(7_500));
    let requests = http.requests();
    assert_eq!(
        requests[4].at() - requests[0].at(),
        Duration::from_millis(7_500)
    );
    assert_eq!(error.attempts()[0].number(), 1);
    assert_eq!(error.attempts()[0].status().unwrap().as_u16(), 503);
    assert_eq!(error.attempts()[0].kind(), ErrorKind::Status);
    assert!(error.to_string().ends_with("(after 5 attempts)"));
}

#[test_case(with_header(Reply::status(429), "retry-after", "7"), 7_000)]
#[test_case(with_header(Reply::status(503), "retry-after-ms", "1250"), 1_250)]
#[test_case(with_header(Reply::status(429), "retry-after-ms", "10"), 500; "own wait is longer")]
#[test_case(Reply::json(429, r#"{"error": {"details": [
    {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "29.723877525s"}]}}"#),
    29_724; "RetryInfo")]
#[tokio::test(start_paused = true)]
async fn the_server_is_heard(reply: Reply, expected_ms: u64) {
    let (transport, http) = scripted([reply, Reply::json(200, "{}")]);
    send(&transport, request()).await.unwrap();
    let requests = http.requests();
    let wait = requests[1].at() - requests[0].at();
    // Tokio's timer counts whole milliseconds.
    let expected = Duration::from_millis(expected_ms);
    assert!(
        wait >= expected.saturating_sub(Duration::from_millis(1)),
        "{wait:?}"
    );
    assert!(wait <= expected + Duration::from_millis(1), "{wait:?}");
}

/// Tokio's clock with the time of day fixed.
#[derive(Debug)]
struct FixedDay(SystemTime);

impl Clock for FixedDay {
    fn now(&self) -> std::time::Instant {
        TokioClock.now()
    }

    fn system_now(&self) -> SystemTime {
        self.0
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        TokioClock.sleep(duration)
    }
}

#[tokio::test(start_paused = true)]
async fn a_date_is_read_against_the_clock() {
    let reply = with_header(
        Reply::status(503),
        "retry-after",
        "Thu, 01 Jan 1970 00:01:00 GMT",
    );
    let http = ScriptedTransport::new([reply, Reply::json(200, "{}")]);
    let now = SystemTime::UNIX_EPOCH + seconds(40);
    let transport = builder(&http)
        .with_clock(Arc::new(FixedDay(now)))
        .build()
        .unwrap();
    send(&transport, request()).await.unwrap();
    let requests = http.requests();
    assert_eq!(requests[1].at() - requests[0].at(), seconds(20));
}

#[tokio::test(start_paused = true)]
async fn a_hint_above_the_cap_is_an_error_that_carries_it() {
    let reply = with_header(Reply::json(429, "{\"error\": {}}"), "retry-after", "121");
    let (transport, http) = scripted([reply.clone()]);
    let start = TokioClock.now();
    let error = send(&transport, request()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RetryDelayTooLong);
    assert_eq!(error.retry_after(), Some(seconds(121)));
    assert_eq!(error.persistence(), Persistence::Temporary);
    assert!(error.is_rate_limited() && error.payload().is_some());
    assert_eq!(http.request_count(), 1);
    assert_eq!(TokioClock.now(), start, "nothing was waited for");

    let http = ScriptedTransport::new([reply, Reply::json(200, "{}")]);
    let patient = builder(&http)
        .with_max_server_delay(seconds(121))
        .build()
        .unwrap();
    assert_eq!(send(&patient, request()).await.unwrap().attempts(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_call_does_not_sleep_through_its_deadline() {
    let reply = with_header(Reply::status(503), "retry-after", "30");
    let http = ScriptedTransport::repeating(reply);
    let transport = builder(&http).build().unwrap();
    let options = CallOptions::default().with_deadline(Timeout::After(seconds(50)));
    let start = TokioClock.now();
    let error = limited(transport.send(request(), &options))
        .await
        .unwrap_err();
    assert_eq!(http.request_count(), 2);
    assert_eq!(TokioClock.now() - start, seconds(30));
    assert_eq!(error.status().unwrap().as_u16(), 503);
    assert_eq!(error.persistence(), Persistence::Persistent);
}

#[tokio::test(start_paused = true)]
async fn the_last_attempt_has_only_what_is_left_of_the_deadline() {
    let (transport, http) = scripted([Reply::status(503).with_delay(seconds(4)), Reply::silence()]);
    let options = CallOptions::default()
        .with_attempt_timeout(Timeout::After(seconds(8)))
        .with_deadline(Timeout::After(seconds(10)));
    let start = TokioClock.now();
    let error = limited(transport.send(request(), &options))
        .await
        .unwrap_err();
    assert_eq!(TokioClock.now() - start, seconds(10));
    assert_eq!(error.timeout_kind(), Some(TimeoutKind::Deadline));
    assert_eq!(http.request_count(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_takes_too_long_is_tried_again() {
    let slow_head = Reply::json(200, "{}").with_delay(seconds(6));
    let slow_body = Reply::json(200, "{").with_pause(seconds(6)).with_chunk("}");
    let (transport, http) = scripted([slow_head, slow_body, Reply::json(200, "{}")]);
    let options = CallOptions::default().with_attempt_timeout(Timeout::After(seconds(5)));
    let response = limited(transport.send(request(), &options)).await.unwrap();
    assert_eq!(response.attempts(), 3);
    let requests = http.requests();
    assert_eq!(
        requests[1].at() - requests[0].at(),
        Duration::from_millis(5_500)
    );

    let (transport, _) = scripted([Reply::silence()]);
    let error = limited(transport.send(post(), &options)).await.unwrap_err();
    assert_eq!(error.timeout_kind(), Some(TimeoutKind::Attempt));
    assert_eq!(error.to_string(), "attempt timed out (5s)");
}

#[tokio::test(start_paused = true)]
async fn the_number_of_attempts_counts_the_first() {
    for max_attempts in [1, 2, 7] {
        let policy =
            StandardRetry::default().with_max_attempts(NonZeroU32::new(max_attempts).unwrap());
        let http = ScriptedTransport::repeating(Reply::status(503));
        let transport = builder(&http).with_retry_policy(policy).build().unwrap();
        send(&transport, request()).await.unwrap_err();
        assert_eq!(http.request_count(), max_attempts as usize);
    }
}

#[tokio::test(start_paused = true)]
async fn the_policy_of_the_call_wins() {
    let http = ScriptedTransport::repeating(Reply::connect_error());
    let transport = builder(&http).build().unwrap();
    let options = CallOptions::default().with_retry_policy(NeverRetry);
    let error = limited(transport.send(request(), &options))
        .await
        .unwrap_err();
    assert_eq!(http.request_count(), 1);
    assert_eq!(error.persistence(), Persistence::Temporary);
    let stopped = error.context().find(|(key, _)| *key == "stopped_because");
    assert_eq!(stopped, Some(("stopped_because", "retries are off")));
}

#[tokio::test(start_paused = true)]
async fn a_drained_budget_stops_retries_of_all_clones() {
    let http = ScriptedTransport::repeating(Reply::status(503));
    let transport = builder(&http)
        .with_retry_budget(RetryBudget::with_capacity(30))
        .build()
        .unwrap();
    let error = send(&transport, request()).await.unwrap_err();
    assert_eq!(http.request_count(), 3, "two retries at 14 tokens each");
    assert_eq!(error.persistence(), Persistence::Persistent);

    send(&transport.clone(), request()).await.unwrap_err();
    assert_eq!(http.request_count(), 4, "nothing is left for the clone");
}

#[tokio::test(start_paused = true)]
async fn a_throttled_client_retries_for_longer_than_a_failing_one() {
    let http = ScriptedTransport::repeating(Reply::status(429));
    let transport = builder(&http)
        .with_retry_budget(RetryBudget::with_capacity(17))
        .build()
        .unwrap();
    send(&transport, request()).await.unwrap_err();
    assert_eq!(http.request_count(), 4, "three retries at 5 tokens each");
}

#[tokio::test(start_paused = true)]
async fn success_refills_the_budget() {
    let budget = RetryBudget::with_capacity(14);
    let fail = || Reply::status(503);
    let ok = || Reply::json(200, "{}");
    let replies = [fail()].into_iter().chain((0..14).map(|_| ok()));
    let http = ScriptedTransport::new(replies.chain([fail(), ok()]));
    let transport = builder(&http)
        .with_retry_budget(budget.clone())
        .build()
        .unwrap();
    send(&transport, request()).await.unwrap();
    assert_eq!(budget.available(), 1);
    for _ in 0..13 {
        send(&transport, request()).await.unwrap();
    }
    assert_eq!(budget.available(), 14);
    assert_eq!(send(&transport, request()).await.unwrap().attempts(), 2);
}

#[tokio::test(start_paused = true)]
async fn chk_api_2_two_retries_are_three_attempts() {
    let http = ScriptedTransport::repeating(Reply::connect_error());
    let policy = StandardRetry::tinker().with_attempt_limit(NonZeroU32::new(3).unwrap());
    let transport = builder(&http).with_retry_policy(policy).build().unwrap();
    let error = send(&transport, request()).await.unwrap_err();
    assert_eq!(http.request_count(), 3);
    assert_eq!(error.kind(), ErrorKind::Connect);
}

#[test_case(with_header(Reply::status(500), "x-should-retry", "FALSE"), 1)]
#[test_case(with_header(Reply::status(400), "x-should-retry", "true"), 11)]
#[test_case(Reply::status(404), 1)]
#[test_case(Reply::status(409), 11)]
#[tokio::test(start_paused = true)]
async fn chk_hr_2_the_word_of_the_server(reply: Reply, expected: usize) {
    let http = ScriptedTransport::repeating(reply);
    let transport = builder(&http)
        .with_retry_policy(StandardRetry::tinker())
        .build()
        .unwrap();
    send(&transport, request()).await.unwrap_err();
    assert_eq!(http.request_count(), expected);
}

const KEY: HeaderName = HeaderName::from_static("x-idempotency-key");

/// The transport of a client that sends keys and counts its retries.
fn with_keys(http: &ScriptedTransport) -> Transport {
    let count = HeaderName::from_static("x-stainless-retry-count");
    builder(http)
        .with_jitter(Arc::new(ThreadRngJitter))
        .with_retry_policy(StandardRetry::tinker())
        .with_options(CallOptions::default().with_idempotency_key_in(KEY))
        .with_interceptor(Arc::new(RetryCountHeader::new(count)))
        .build()
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn chk_hr_2_attempts_are_counted_and_have_one_key() {
    let script = || {
        [
            Reply::status(409),
            Reply::status(409),
            Reply::json(200, "{}"),
        ]
    };
    let http = ScriptedTransport::new(script().into_iter().chain(script()));
    let transport = with_keys(&http);
    for _ in 0..2 {
        assert_eq!(send(&transport, post()).await.unwrap().attempts(), 3);
    }
    let requests = http.requests();
    let header = |n: usize, name: &str| requests[n].header(name).unwrap().to_owned();
    let counts = [0, 1, 2].map(|n| header(n, "x-stainless-retry-count"));
    assert_eq!(counts, ["0", "1", "2"]);
    let keys: Vec<_> = (0..6).map(|n| header(n, KEY.as_str())).collect();
    assert!(keys[..3].iter().all(|key| key == &keys[0]), "{keys:?}");
    assert!(keys[3..].iter().all(|key| key == &keys[3]), "{keys:?}");
    assert_ne!(keys[0], keys[3], "another call has another key");
    assert_eq!(keys[0].len(), 36);
}

#[tokio::test(start_paused = true)]
async fn a_key_makes_a_request_safe_to_repeat() {
    let http = ScriptedTransport::repeating(Reply::io_error());
    let transport = with_keys(&http);
    send(&transport, post()).await.unwrap_err();
    assert_eq!(http.request_count(), 11);

    let own = post().with_header(KEY, HeaderValue::from_static("own"));
    send(&transport, own).await.unwrap_err();
    assert_eq!(http.request_count(), 22);
    assert_eq!(http.requests()[21].header(KEY.as_str()), Some("own"));

    let options = CallOptions::default().without_idempotency_key();
    let bare = limited(transport.send(post(), &options)).await;
    bare.unwrap_err();
    assert_eq!(http.request_count(), 23, "without a key it is not repeated");
    assert_eq!(http.requests()[22].header(KEY.as_str()), None);

    let get = Request::new(Method::GET, Url::parse("http://localhost/").unwrap());
    send(&transport, get).await.unwrap_err();
    assert_eq!(http.requests()[23].header(KEY.as_str()), None);
}

#[tokio::test(start_paused = true)]
async fn the_longest_of_all_waits_counts() {
    let busy = || with_header(Reply::status(429), "retry-after", "3");
    let script = [
        busy(),
        Reply::status(429),
        Reply::status(503),
        Reply::json(200, "{}"),
    ];
    let http = ScriptedTransport::new(script);
    let too_many = StatusCode::TOO_MANY_REQUESTS;
    let transport = builder(&http)
        .with_retry_policy(StandardRetry::default().with_least_wait(too_many, seconds(2)))
        .build()
        .unwrap();
    send(&transport, request()).await.unwrap();
    let at: Vec<_> = http.requests().iter().map(|request| request.at()).collect();
    assert_eq!(
        at[1] - at[0],
        seconds(3),
        "the server's, over 2 s and 0.5 s"
    );
    assert_eq!(at[2] - at[1], seconds(2), "the policy's, over 1 s");
    assert_eq!(
        at[3] - at[2],
        seconds(2),
        "the own delay, for another status"
    );
}

/// A schedule of two delays.
#[derive(Debug)]
struct Twice;

impl Backoff for Twice {
    fn next_delay(&self, attempts: u32, _jitter: &dyn Jitter) -> Option<Duration> {
        (attempts <= 2).then_some(seconds(1))
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_schedule_ends_the_call() {
    let http = ScriptedTransport::repeating(Reply::status(503));
    let transport = builder(&http).with_backoff(Twice).build().unwrap();
    let error = send(&transport, request()).await.unwrap_err();
    assert_eq!(http.request_count(), 3);
    assert_eq!(error.persistence(), Persistence::Persistent);
    let stopped = error.context().last();
    assert_eq!(stopped, Some(("stopped_because", "no attempts left")));
}

#[tokio::test(start_paused = true)]
async fn no_retry_when_the_time_of_the_policy_is_up() {
    let http = ScriptedTransport::repeating(Reply::status(503).with_delay(seconds(4)));
    let transport = builder(&http)
        .with_retry_policy(StandardRetry::default().with_time_limit(seconds(10)))
        .build()
        .unwrap();
    let error = send(&transport, request()).await.unwrap_err();
    // Attempts end at 4, 8.5 and 13.5 s.
    assert_eq!(http.request_count(), 3);
    let stopped = error.context().last();
    assert_eq!(
        stopped,
        Some(("stopped_because", "no time left for retries"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_full_budget_pays_for_thirty_five_retries_of_all_clones_together() {
    let http = ScriptedTransport::repeating(Reply::status(503));
    let transport = builder(&http).build().unwrap();
    let calls = join_all((0..20).map(|_| {
        let clone = transport.clone();
        async move { send(&clone, request()).await }
    }));
    let errors = calls.await;
    assert!(errors.iter().all(Result::is_err));
    // 500 tokens at 14 each; without a budget there would be 80 retries.
    assert_eq!(http.request_count(), 20 + 35);
}
