//! One call from the caller's side: headers, credentials, hooks, replies and what errors keep.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::common::{builder, limited, post, request, scripted, seconds, send};
use bytes::Bytes;
use futures_util::future::{BoxFuture, join_all};
use futures_util::{FutureExt, StreamExt};
use gimmal_transport::testing::{Reply, ScriptedTransport};
use gimmal_transport::{
    ApiKey, Attempt, AuthHeaders, BearerToken, CallOptions, Clock, Credentials, Delivery, Error,
    ErrorKind, Interceptor, Persistence, ReplyHead, Request, RetryBudget, Timeout, TokioClock,
};
use http::header::{AUTHORIZATION, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use test_case::test_case;
use url::Url;

const KEY: HeaderName = HeaderName::from_static("x-goog-api-key");
const TAG: HeaderName = HeaderName::from_static("x-tag");

fn value(text: &'static str) -> HeaderValue {
    HeaderValue::from_static(text)
}

#[tokio::test(start_paused = true)]
async fn what_goes_out_is_what_was_asked_for() {
    let (transport, http) = scripted([Reply::json(200, "{}")]);
    send(&transport, post()).await.unwrap();
    let sent = &http.requests()[0];
    assert_eq!(sent.method(), Method::POST);
    assert_eq!(sent.uri(), "http://localhost/v1/echo?key=QUERY");
    assert_eq!(sent.header("content-type"), Some("application/json"));
    assert_eq!(sent.json().unwrap()["prompt"], 1);
}

#[tokio::test(start_paused = true)]
async fn nearer_headers_win() {
    let http = ScriptedTransport::repeating(Reply::json(200, "{}"));
    let transport = builder(&http)
        .with_header(USER_AGENT, value("agent"))
        .with_header(TAG, value("builder"))
        .with_options(CallOptions::default().with_header(TAG, value("client")))
        .build()
        .unwrap();
    send(&transport, request()).await.unwrap();
    let options = CallOptions::default().with_header(TAG, value("call"));
    limited(transport.send(request(), &options)).await.unwrap();
    let sent = http.requests();
    assert_eq!(sent[0].header("user-agent"), Some("agent"));
    assert_eq!(sent[0].header("x-tag"), Some("client"));
    assert_eq!(sent[1].header("x-tag"), Some("call"));
}

#[tokio::test(start_paused = true)]
async fn credentials_are_sent_and_never_shown() {
    let http = ScriptedTransport::new([Reply::status(400)]);
    let transport = builder(&http)
        .with_credentials(ApiKey::new(KEY, "SECRET".into()))
        .with_header(TAG, value("UNMARKED"))
        .build()
        .unwrap();
    let error = send(&transport, request()).await.unwrap_err();
    let sent = &http.requests()[0];
    assert_eq!(sent.header("x-goog-api-key"), Some("SECRET"));
    assert!(sent.headers()[KEY].is_sensitive());
    let shown = format!(
        "{transport:?} {error:?} {error} {sent:?} {:?}",
        sent.headers()
    );
    for hidden in ["SECRET", "QUERY"] {
        assert!(!shown.contains(hidden), "{shown}");
    }
    assert!(!format!("{transport:?}").contains("UNMARKED"));
}

#[tokio::test(start_paused = true)]
async fn a_header_of_the_caller_wins_over_the_credentials() {
    let http = ScriptedTransport::new([Reply::json(200, "{}")]);
    let transport = builder(&http)
        .with_credentials(BearerToken::new("fixed".into()))
        .build()
        .unwrap();
    let options = CallOptions::default().with_header(AUTHORIZATION, value("Bearer own"));
    limited(transport.send(request(), &options)).await.unwrap();
    let sent = &http.requests()[0];
    assert_eq!(sent.header("authorization"), Some("Bearer own"));
    assert_eq!(sent.headers().get_all(AUTHORIZATION).iter().count(), 1);
}

/// A new token each time, the first of which cannot be had.
#[derive(Debug, Default)]
struct Rotating(AtomicU32);

impl Credentials for Rotating {
    fn headers(&self) -> BoxFuture<'_, Result<AuthHeaders, Error>> {
        async {
            let number = self.0.fetch_add(1, Ordering::Relaxed);
            if number == 0 {
                return Err(Error::connect("token server is down"));
            }
            Ok(HeaderMap::from_iter([(TAG, HeaderValue::from(number))]).into())
        }
        .boxed()
    }
}

#[tokio::test(start_paused = true)]
async fn every_attempt_asks_the_credentials_again() {
    let http = ScriptedTransport::new([Reply::status(503), Reply::json(200, "{}")]);
    let transport = builder(&http)
        .with_credentials(Rotating::default())
        .build()
        .unwrap();
    let response = send(&transport, request()).await.unwrap();
    assert_eq!(response.attempts(), 3, "the failure to get a token counts");
    let tokens: Vec<_> = http
        .requests()
        .iter()
        .map(|it| it.header("x-tag").map(str::to_owned))
        .collect();
    assert_eq!(tokens, [Some("1".to_owned()), Some("2".to_owned())]);
}

/// Credentials that never come.
#[derive(Debug)]
struct Stuck;

impl Credentials for Stuck {
    fn headers(&self) -> BoxFuture<'_, Result<AuthHeaders, Error>> {
        std::future::pending().boxed()
    }
}

#[tokio::test(start_paused = true)]
async fn credentials_are_under_the_attempts_limit_and_nothing_was_sent() {
    let http = ScriptedTransport::new([]);
    let transport = builder(&http).with_credentials(Stuck).build().unwrap();
    let options = CallOptions::default().with_deadline(Timeout::After(seconds(3)));
    let error = limited(transport.send(post(), &options)).await.unwrap_err();
    assert!(error.is_timeout());
    assert_eq!(error.delivery(), Delivery::NotSent);
    assert_eq!(http.request_count(), 0);
}

/// Writes down what it sees and refuses the first attempt.
#[derive(Debug, Default)]
struct Diary(Mutex<Vec<String>>);

impl Interceptor for Diary {
    fn before_attempt(
        &self,
        attempt: &Attempt,
        request: &mut http::Request<Bytes>,
    ) -> Result<(), Error> {
        let key = request.headers().contains_key(KEY);
        self.0
            .lock()
            .unwrap()
            .push(format!("before {} key={key}", attempt.number()));
        request.headers_mut().insert(TAG, attempt.number().into());
        match attempt.number() {
            1 => Err(Error::io("injected")),
            _ => Ok(()),
        }
    }

    fn after_attempt(&self, attempt: &Attempt, result: Result<&ReplyHead<'_>, &Error>) {
        let result = match result {
            Ok(reply) => format!("{} in {:?}", reply.status(), reply.took()),
            Err(error) => format!("{:?}", error.kind()),
        };
        self.0
            .lock()
            .unwrap()
            .push(format!("after {} {result}", attempt.number()));
    }
}

#[tokio::test(start_paused = true)]
async fn interceptors_see_each_attempt_after_the_credentials() {
    let reply = Reply::json(200, "{}").with_delay(seconds(2));
    let http = ScriptedTransport::new([Reply::status(503), reply]);
    let diary = Arc::new(Diary::default());
    let transport = builder(&http)
        .with_credentials(ApiKey::new(KEY, "SECRET".into()))
        .with_interceptor(diary.clone())
        .build()
        .unwrap();
    send(&transport, request()).await.unwrap();
    assert_eq!(
        *diary.0.lock().unwrap(),
        [
            "before 1 key=true",
            "after 1 Io",
            "before 2 key=true",
            "after 2 Status",
            "before 3 key=true",
            "after 3 200 OK in 2s",
        ]
    );
    assert_eq!(http.requests()[0].header("x-tag"), Some("2"));
}

#[tokio::test(start_paused = true)]
async fn json_replies() {
    let (transport, _) = scripted([
        Reply::json(200, r#"{"a": 1}"#),
        Reply::status(200),
        with_id(Reply::json(200, r#"{"a": "x"}"#)),
    ]);
    let options = CallOptions::default();
    let call = || limited(transport.send_json::<BTreeMap<String, u32>>(request(), &options));
    assert_eq!(call().await.unwrap().body()["a"], 1);
    assert!(call().await.unwrap().into_body().is_empty());
    let error = call().await.unwrap_err();
    assert_eq!(error.field(), Some("a"));
    assert_eq!(error.payload().unwrap(), r#"{"a": "x"}"#);
    assert_eq!(error.status().unwrap(), 200);
    assert_eq!(error.request_id(), Some("req-7"));
    assert!(error.is_decode() && !error.is_status());
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_reply_after_retries_tells_all_attempts() {
    let unreadable = || with_id(Reply::json(200, r#"{"a": "x"}"#));
    let http = ScriptedTransport::new([Reply::status(503), Reply::io_error(), unreadable()]);
    let diary = Arc::new(Diary::default());
    let budget = RetryBudget::default();
    let transport = builder(&http)
        .with_interceptor(diary.clone())
        .with_retry_budget(budget.clone())
        .build()
        .unwrap();
    let options = CallOptions::default();
    let call = transport.send_json::<BTreeMap<String, u32>>(request(), &options);
    let error = limited(call).await.unwrap_err();
    assert!(error.is_decode());
    assert_eq!(error.persistence(), Persistence::Permanent);
    assert_eq!(error.request_id(), Some("req-7"));
    assert_eq!(error.payload().unwrap(), r#"{"a": "x"}"#);
    // The diary refuses the first attempt.
    let kinds: Vec<_> = error.attempts().iter().map(|it| it.kind()).collect();
    let lost = ErrorKind::Io;
    assert_eq!(kinds, [lost, ErrorKind::Status, lost, ErrorKind::Decode]);
    assert_eq!(error.attempts()[3].status().unwrap(), 200);
    assert!(error.to_string().ends_with("(after 4 attempts)"), "{error}");
    assert!(format!("{error:?}").contains("POST http://localhost/v1/echo"));
    assert_eq!(diary.0.lock().unwrap().last().unwrap(), "after 4 Decode");
    assert_eq!(http.request_count(), 3, "it is not asked for again");

    let (transport, _) = scripted([unreadable()]);
    let call = transport.send_json::<BTreeMap<String, u32>>(request(), &options);
    let error = limited(call).await.unwrap_err();
    assert_eq!(error.attempts().len(), 1);
    assert_eq!(error.attempts()[0].waited(), None);
}

#[tokio::test(start_paused = true)]
async fn chk_resp_1_a_reply_has_the_facts_around_it() {
    let slow = Reply::json(200, "{}").with_delay(seconds(2));
    let (transport, _) = scripted([Reply::status(500), with_id(slow)]);
    let response = send(&transport, request()).await.unwrap();
    assert_eq!(response.headers()["X-Request-ID"], "req-7");
    assert_eq!(response.attempts(), 2, "one retry");
    assert_eq!(response.took(), Duration::from_millis(2_500));
}

#[tokio::test(start_paused = true)]
async fn chk_hdr_1_one_value_per_header_and_no_secret_in_sight() {
    let http = ScriptedTransport::repeating(Reply::json(200, "{}"));
    let secret = HeaderName::from_static("cf-access-client-secret");
    let transport = builder(&http)
        .with_header(USER_AGENT, value("default"))
        .with_header(secret, value("SECRET"))
        .with_credentials(ApiKey::new(KEY, "SECRET".into()))
        .build()
        .unwrap();
    let options = CallOptions::default().with_header(USER_AGENT, value("call"));
    limited(transport.send(request(), &options)).await.unwrap();
    let sent = &http.requests()[0];
    let agents: Vec<_> = sent.headers().get_all(USER_AGENT).iter().collect();
    assert_eq!(agents, ["call"]);
    let shown = format!("{transport:?} {options:?} {sent:?}");
    assert!(
        shown.contains("cf-access-client-secret") && !shown.contains("SECRET"),
        "{shown}"
    );
}

#[tokio::test(start_paused = true)]
async fn chk_api_1_twenty_calls_at_once_begin_and_end_twenty_attempts() {
    let http = ScriptedTransport::repeating(Reply::json(200, "{}").with_delay(seconds(1)));
    let count = Arc::new(Count::default());
    let transport = builder(&http)
        .with_interceptor(count.clone())
        .build()
        .unwrap();
    let results = join_all((0..20).map(|_| send(&transport, post()))).await;
    assert!(results.iter().all(Result::is_ok));
    let counts = [&count.begun, &count.ended].map(|it| it.load(Ordering::Relaxed));
    assert_eq!(counts, [20, 20]);
}

/// Counts attempts.
#[derive(Debug, Default)]
struct Count {
    begun: AtomicU32,
    ended: AtomicU32,
}

impl Interceptor for Count {
    fn before_attempt(
        &self,
        _attempt: &Attempt,
        _request: &mut http::Request<Bytes>,
    ) -> Result<(), Error> {
        self.begun.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn after_attempt(&self, _attempt: &Attempt, _result: Result<&ReplyHead<'_>, &Error>) {
        self.ended.fetch_add(1, Ordering::Relaxed);
    }
}

/// What becomes of each answer: kind, message and the wait asked for.
#[test_case(
    Reply::status(429),
    ErrorKind::RateLimited,
    "http 429 too many requests",
    None
)]
#[test_case(
    Reply::json(429, r#"{"message": "slow down"}"#)
        .with_header(HeaderName::from_static("retry-after-ms"), value("50"))
        .with_header(HeaderName::from_static("retry-after"), value("9")),
    ErrorKind::RateLimited, "http 429 too many requests: slow down", Some(50); "hints")]
#[test_case(Reply::json(422, r#"{"message": "no"}"#), ErrorKind::Status,
    "http 422 unprocessable entity: no", None; "the caller's fault")]
#[test_case(Reply::json(500, "not json"), ErrorKind::Status,
    "http 500 internal server error", None; "the server's fault")]
#[tokio::test(start_paused = true)]
async fn chk_rh_1_answers(reply: Reply, kind: ErrorKind, text: &str, wait_ms: Option<u64>) {
    let (transport, _) = scripted([reply]);
    let error = send(&transport, post()).await.unwrap_err();
    assert_eq!((error.kind(), error.to_string()), (kind, text.to_owned()));
    assert_eq!(error.retry_after(), wait_ms.map(Duration::from_millis));
}

fn with_id(reply: Reply) -> Reply {
    reply.with_header(HeaderName::from_static("x-request-id"), value("req-7"))
}

#[tokio::test(start_paused = true)]
async fn the_body_of_a_refusal_is_kept() {
    let body = r#"{"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "bad"}}"#;
    let (transport, _) = scripted([with_id(Reply::json(400, body))]);
    let error = send(&transport, request()).await.unwrap_err();
    assert_eq!(error.payload().unwrap(), body);
    assert_eq!(error.rpc_status().unwrap().message.as_deref(), Some("bad"));
    assert_eq!(error.to_string(), "http 400 INVALID_ARGUMENT: bad");
    assert_eq!(error.request_id(), Some("req-7"));
    assert!(error.headers().unwrap().contains_key("content-type"));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_counts_even_when_its_body_stalls_breaks_or_floods() {
    let stalled = Reply::json(400, "par").with_chunk("tial").with_silence();
    let broken = Reply::json(400, "partial").with_reset();
    let flood = Reply::json(400, vec![b'x'; 1 << 20]).with_silence();
    let (transport, _) = scripted([stalled, broken, flood]);
    let start = TokioClock.now();
    for expected in [7, 7, 64 * 1024] {
        let error = send(&transport, request()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Status);
        assert_eq!(error.payload().unwrap().len(), expected);
    }
    assert_eq!(TokioClock.now() - start, seconds(10));
}

#[tokio::test(start_paused = true)]
async fn a_reply_above_the_limit_is_refused() {
    let (transport, http) = scripted([Reply::json(200, "123").with_chunk("45")]);
    let options = CallOptions::default().with_max_response_bytes(4);
    let error = limited(transport.send(request(), &options))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ResponseTooLarge);
    assert_eq!(http.request_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_address_that_is_not_http_is_named() {
    let (transport, http) = scripted([]);
    let request = Request::new(Method::GET, Url::parse("file:///etc/hosts").unwrap());
    let error = send(&transport, request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(error.field(), Some("url"));
    assert_eq!(http.request_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn dropping_the_future_ends_the_call() {
    let http = ScriptedTransport::repeating(Reply::status(503));
    let transport = builder(&http).build().unwrap();
    let call = send(&transport, request());
    let dropped = tokio::time::timeout(seconds(1), call).await;
    assert!(dropped.is_err());
    let made = http.request_count();
    tokio::time::sleep(seconds(600)).await;
    assert_eq!(
        http.request_count(),
        made,
        "nothing goes on in the background"
    );
}

#[tokio::test(start_paused = true)]
async fn calls_and_streams_move_between_tasks() {
    let (transport, _) = scripted([Reply::json(200, "{}"), Reply::events(["1"])]);
    let task = tokio::spawn(async move {
        let options = CallOptions::default();
        let plain = transport.send(request(), &options).await?;
        let mut events = transport
            .open_events(request(), &options)
            .await?
            .into_body();
        Ok::<_, Error>((plain.status(), events.next().await.transpose()?))
    });
    let (status, event) = limited(task).await.unwrap().unwrap();
    assert_eq!(status, 200);
    assert_eq!(event.unwrap().data, "1");
}
