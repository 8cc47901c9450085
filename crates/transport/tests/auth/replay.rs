//! What a 401 leads to.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use gimmal_transport::auth::{AccessToken, RejectedOn, TokenConfig, TokenCredentials, TokenSource};
use gimmal_transport::testing::{Reply, ScriptedTransport};
use gimmal_transport::{
    ApiKey, Attempt, CallOptions, Delivery, Error, ErrorKind, Interceptor, NeverRetry, Request,
    Transport, TransportBuilder,
};
use http::header::WWW_AUTHENTICATE;
use http::{HeaderName, HeaderValue, Method};
use url::Url;

/// Gives the tokens 1, 2, 3, … and takes a second for each, up to a last one.
#[derive(Debug)]
struct Counting {
    given: Arc<AtomicU32>,
    last: u32,
}

impl TokenSource for Counting {
    fn fetch(&self) -> BoxFuture<'_, Result<AccessToken, Error>> {
        async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let number = self.given.fetch_add(1, Ordering::SeqCst) + 1;
            if number > self.last {
                return Err(Error::authentication("the key was revoked"));
            }
            Ok(AccessToken::new(number.to_string().into()))
        }
        .boxed()
    }
}

/// A builder that never retries, so that whatever goes out twice is a replay.
fn builder(
    http: &ScriptedTransport,
    last: u32,
    on: RejectedOn,
) -> (TransportBuilder, Arc<AtomicU32>) {
    let given = Arc::new(AtomicU32::new(0));
    let source = Counting {
        given: given.clone(),
        last,
    };
    let config = TokenConfig::bearer().with_rejected_on(on);
    let builder = Transport::builder()
        .with_http(Arc::new(http.clone()))
        .with_retry_policy(NeverRetry)
        .with_credentials(TokenCredentials::new(source, config));
    (builder, given)
}

fn post() -> Request {
    let url = Url::parse("http://localhost/v1/train").unwrap();
    Request::new(Method::POST, url).with_json_body(Bytes::from_static(b"{\"step\": 1}"))
}

fn refusal(challenge: &'static str) -> Reply {
    Reply::json(401, r#"{"error": {"message": "who are you?"}}"#)
        .with_header(WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
}

const INVALID: &str = r#"Bearer error="invalid_token""#;

fn tokens(http: &ScriptedTransport) -> Vec<String> {
    let requests = http.requests();
    let tokens = requests
        .iter()
        .map(|it| it.header("authorization").unwrap());
    tokens
        .map(|it| it.trim_start_matches("Bearer ").into())
        .collect()
}

/// Counts what goes out, by attempt.
#[derive(Debug, Default)]
struct Count(AtomicU32);

impl Interceptor for Count {
    fn before_attempt(
        &self,
        attempt: &Attempt,
        request: &mut http::Request<Bytes>,
    ) -> Result<(), Error> {
        self.0.fetch_add(1, Ordering::SeqCst);
        let number = HeaderValue::from(attempt.number());
        request.headers_mut().insert("x-attempt", number);
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_replaced_and_the_request_sent_again_in_the_same_attempt() {
    let http = ScriptedTransport::new([refusal(INVALID), Reply::json(200, "{}")]);
    let (builder, given) = builder(&http, 2, RejectedOn::InvalidToken);
    let count = Arc::new(Count::default());
    let transport = builder.with_interceptor(count.clone()).build().unwrap();
    let reply = transport
        .send(post(), &CallOptions::default())
        .await
        .unwrap();
    assert_eq!(reply.attempts(), 1);
    assert_eq!(tokens(&http), ["1", "2"]);
    for request in http.requests() {
        assert_eq!(request.header("x-attempt"), Some("1"));
        assert_eq!(request.json().unwrap()["step"], 1);
    }
    assert_eq!(count.0.load(Ordering::SeqCst), 2);
    assert_eq!(given.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn a_second_refusal_surfaces() {
    let http = ScriptedTransport::repeating(refusal(INVALID));
    let (builder, _) = builder(&http, 9, RejectedOn::Unauthorized);
    let transport = builder.build().unwrap();
    let error = transport
        .send(post(), &CallOptions::default())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authentication);
    assert_eq!(error.delivery(), Delivery::Answered);
    assert_eq!(error.attempts().len(), 1);
    assert!(error.to_string().contains("who are you?"), "{error}");
    assert_eq!(tokens(&http), ["1", "2"]);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_is_not_about_the_token_is_not_replayed() {
    let http = ScriptedTransport::repeating(refusal("Bearer"));
    let (builder, _) = builder(&http, 9, RejectedOn::InvalidToken);
    let transport = builder.build().unwrap();
    let error = transport
        .send(post(), &CallOptions::default())
        .await
        .unwrap_err();
    assert!(error.is_authentication());
    assert_eq!(tokens(&http), ["1"]);
}

#[tokio::test(start_paused = true)]
async fn an_api_key_has_nothing_else_to_offer() {
    let http = ScriptedTransport::repeating(refusal(INVALID));
    let key = ApiKey::new(HeaderName::from_static("x-api-key"), "KEY".into());
    let transport = Transport::builder()
        .with_http(Arc::new(http.clone()))
        .with_credentials(key)
        .build()
        .unwrap();
    let error = transport
        .send(post(), &CallOptions::default())
        .await
        .unwrap_err();
    assert!(error.is_authentication());
    assert_eq!(http.request_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn when_there_is_no_other_token_the_call_fails_unsent() {
    let http = ScriptedTransport::repeating(refusal(INVALID));
    let (builder, _) = builder(&http, 1, RejectedOn::Unauthorized);
    let transport = builder.build().unwrap();
    let error = transport
        .send(post(), &CallOptions::default())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authentication);
    assert_eq!(error.delivery(), Delivery::NotSent);
    assert!(error.to_string().contains("the key was revoked"), "{error}");
    assert_eq!(tokens(&http), ["1"]);
}

#[tokio::test(start_paused = true)]
async fn calls_that_are_refused_together_share_one_new_token() {
    // All calls are on their way with the old token before the first is refused.
    let refusals = (0..20).map(|_| refusal(INVALID).with_delay(Duration::from_secs(1)));
    let http = ScriptedTransport::new(refusals.chain((0..20).map(|_| Reply::json(200, "{}"))));
    let (builder, given) = builder(&http, 2, RejectedOn::InvalidToken);
    let transport = builder.build().unwrap();
    let options = CallOptions::default();
    let calls = (0..20).map(|_| transport.send(post(), &options));
    for reply in join_all(calls).await {
        reply.unwrap();
    }
    let expected: Vec<_> = ["1"; 20].into_iter().chain(["2"; 20]).collect();
    assert_eq!(tokens(&http), expected);
    assert_eq!(given.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_the_server_repeats_does_not_show() {
    let echo = r#"{"error": {"message": "key SECRET-KEY is not valid"}}"#;
    let http = ScriptedTransport::repeating(Reply::json(400, echo));
    let key = ApiKey::new(HeaderName::from_static("x-api-key"), "SECRET-KEY".into());
    let transport = Transport::builder()
        .with_http(Arc::new(http))
        .with_credentials(key)
        .build()
        .unwrap();
    let error = transport
        .send(post(), &CallOptions::default())
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "http 400 bad request: key [REDACTED] is not valid"
    );
    assert!(!format!("{error:?}").contains("SECRET"));
}
