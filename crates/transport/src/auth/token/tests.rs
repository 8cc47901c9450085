//! The rules of `shared` on a paused clock: nothing here waits for real.

use std::collections::VecDeque;
use std::error::Error as _;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, HeaderValue, StatusCode};
use test_case::test_case;
use tokio::time::{Instant, advance, sleep};

use super::*;
use crate::auth::{AccessToken, AuthHeaders, Credentials, TokenSource};
use crate::error::{Delivery, Error, ErrorKind, Persistence};
use crate::time::FixedJitter;

/// A source that plays results, each after a delay, and counts what became of the fetches.
#[derive(Debug, Default)]
struct Script {
    results: Mutex<VecDeque<Result<AccessToken, Error>>>,
    delay: Duration,
    begun: AtomicU32,
    ended: AtomicU32,
}

impl Script {
    fn new(
        delay: Duration,
        results: impl IntoIterator<Item = Result<AccessToken, Error>>,
    ) -> Arc<Self> {
        Arc::new(Self {
            results: Mutex::new(results.into_iter().collect()),
            delay,
            ..Self::default()
        })
    }

    fn begun(&self) -> u32 {
        self.begun.load(Ordering::SeqCst)
    }

    fn ended(&self) -> u32 {
        self.ended.load(Ordering::SeqCst)
    }
}

impl TokenSource for Script {
    fn fetch(&self) -> BoxFuture<'_, Result<AccessToken, Error>> {
        /// Counts the end of a fetch, also of one that is dropped.
        struct End<'a>(&'a AtomicU32);
        impl Drop for End<'_> {
            fn drop(&mut self) {
                self.0.fetch_add(1, Ordering::SeqCst);
            }
        }
        async move {
            self.begun.fetch_add(1, Ordering::SeqCst);
            let _end = End(&self.ended);
            sleep(self.delay).await;
            let next = self.results.lock().unwrap().pop_front();
            next.expect("the script has a result for each fetch")
        }
        .boxed()
    }
}

const SECOND: Duration = Duration::from_secs(1);

/// A token that is valid for 1,000 s: due after 500 s, waited for after 940 s.
fn token(text: &str) -> Result<AccessToken, Error> {
    Ok(AccessToken::new(text.into()).with_lifetime(1_000 * SECOND))
}

fn lost() -> Result<AccessToken, Error> {
    Err(Error::connect("no route"))
}

/// Credentials whose jitter is fixed at one half: waits after failures are 0.5 s, 1 s, 2 s, ….
fn credentials(script: &Arc<Script>) -> TokenCredentials {
    with_config(script, TokenConfig::bearer())
}

fn with_config(script: &Arc<Script>, config: TokenConfig) -> TokenCredentials {
    let source: Arc<dyn TokenSource> = script.clone();
    TokenCredentials::new(source, config.with_jitter(Arc::new(FixedJitter::new(0.5))))
}

async fn value(credentials: &TokenCredentials) -> Result<String, Error> {
    credentials.headers().await.map(|headers| text(&headers))
}

fn text(headers: &AuthHeaders) -> String {
    headers.as_map()["authorization"].to_str().unwrap().into()
}

/// Lets tasks run that need no time.
async fn settle() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn one_fetch_serves_all_who_wait() {
    let script = Script::new(SECOND, [token("A")]);
    let credentials = credentials(&script);
    let callers = (0..100).map(|_| credentials.headers());
    let headers: Vec<_> = join_all(callers)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    assert!(headers.iter().all(|it| it.tag() == headers[0].tag()));
    assert_eq!(text(&headers[0]), "Bearer A");
    assert!(headers[0].as_map()["authorization"].is_sensitive());
    assert_eq!(script.begun(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_gives_up_takes_nothing_from_the_others() {
    let script = Script::new(2 * SECOND, [token("A")]);
    let credentials = credentials(&script);
    let hasty = tokio::time::timeout(SECOND, credentials.headers());
    let (hasty, patient) = tokio::join!(hasty, value(&credentials));
    assert!(hasty.is_err());
    assert_eq!(patient.unwrap(), "Bearer A");
    assert_eq!(script.begun(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_fetch_goes_on_when_all_who_waited_gave_up() {
    let script = Script::new(2 * SECOND, [token("A")]);
    let credentials = credentials(&script);
    let hasty = tokio::time::timeout(SECOND, credentials.headers()).await;
    assert!(hasty.is_err());
    sleep(2 * SECOND).await;
    let start = Instant::now();
    assert_eq!(value(&credentials).await.unwrap(), "Bearer A");
    assert_eq!((start.elapsed(), script.begun()), (Duration::ZERO, 1));
}

#[tokio::test(start_paused = true)]
async fn the_next_token_comes_in_the_background() {
    let script = Script::new(SECOND, [token("A"), token("B")]);
    let credentials = credentials(&script);
    assert_eq!(value(&credentials).await.unwrap(), "Bearer A");
    advance(499 * SECOND).await;
    assert_eq!(value(&credentials).await.unwrap(), "Bearer A");
    settle().await;
    assert_eq!(script.begun(), 1);

    advance(SECOND).await;
    let start = Instant::now();
    for _ in 0..3 {
        assert_eq!(value(&credentials).await.unwrap(), "Bearer A");
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
    sleep(2 * SECOND).await;
    assert_eq!(value(&credentials).await.unwrap(), "Bearer B");
    assert_eq!(script.begun(), 2);
}

#[tokio::test(start_paused = true)]
async fn idle_credentials_fetch_nothing() {
    let script = Script::new(SECOND, [token("A"), token("B")]);
    let credentials = credentials(&script);
    settle().await;
    assert_eq!(script.begun(), 0);
    value(&credentials).await.unwrap();
    sleep(100_000 * SECOND).await;
    assert_eq!(script.begun(), 1);
    assert_eq!(value(&credentials).await.unwrap(), "Bearer B");
}

#[tokio::test(start_paused = true)]
async fn the_present_token_serves_until_it_expires_while_fetches_fail() {
    let failures = (0..20).map(|_| lost());
    let script = Script::new(Duration::ZERO, [token("A")].into_iter().chain(failures));
    let credentials = credentials(&script);
    value(&credentials).await.unwrap();

    advance(500 * SECOND).await;
    // One try at once, and the next ones 0.5, 1, 2 and 4 s after the one before.
    for _ in 0..80 {
        assert_eq!(value(&credentials).await.unwrap(), "Bearer A");
        settle().await;
        advance(SECOND / 10).await;
    }
    assert_eq!(script.begun(), 1 + 5);

    // Close to its end callers wait for the next token, and make do with the present one.
    advance(450 * SECOND).await;
    assert_eq!(value(&credentials).await.unwrap(), "Bearer A");
    assert_eq!(script.begun(), 1 + 6);

    advance(100 * SECOND).await;
    let (one, other) = tokio::join!(credentials.headers(), credentials.headers());
    let (one, other) = (one.unwrap_err(), other.unwrap_err());
    assert_eq!(script.begun(), 1 + 7);
    let cause = |error: &Error| {
        let cause = error.source().unwrap().downcast_ref::<Arc<Error>>();
        Arc::clone(cause.unwrap())
    };
    assert!(Arc::ptr_eq(&cause(&one), &cause(&other)));
    assert_eq!(one.kind(), ErrorKind::Authentication);
    assert_eq!(one.delivery(), Delivery::NotSent);
    assert_eq!(one.persistence(), Persistence::Temporary);
    assert!(
        one.to_string().contains("no token could be obtained"),
        "{one}"
    );
    assert!(one.to_string().contains("no route"), "{one}");
}

#[tokio::test(start_paused = true)]
async fn close_to_the_end_callers_wait_for_the_next_token() {
    let script = Script::new(SECOND, [token("A"), token("B")]);
    let credentials = credentials(&script);
    value(&credentials).await.unwrap();
    advance(941 * SECOND).await;
    let start = Instant::now();
    assert_eq!(value(&credentials).await.unwrap(), "Bearer B");
    assert_eq!(start.elapsed(), SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_lasting_failure_is_not_worth_a_retry() {
    let bad = Err(Error::authentication("`api_key` is empty; set a value").with_field("api_key"));
    let script = Script::new(SECOND, [bad, token("A")]);
    let credentials = credentials(&script);
    let error = value(&credentials).await.unwrap_err();
    assert_eq!(error.persistence(), Persistence::Permanent);
    assert_eq!(error.field(), Some("api_key"));
    assert_eq!(
        error.to_string(),
        "no usable credentials: `api_key` is empty; set a value"
    );
    // Whoever calls again has a reason to, such as a mended file.
    assert_eq!(value(&credentials).await.unwrap(), "Bearer A");
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_hangs_is_cut_off() {
    let script = Script::new(100 * SECOND, [token("A")]);
    let config = TokenConfig::bearer().with_fetch_timeout(10 * SECOND);
    let credentials = with_config(&script, config);
    let start = Instant::now();
    let error = value(&credentials).await.unwrap_err();
    assert_eq!(start.elapsed(), 10 * SECOND);
    assert!(error.to_string().contains("timed out (10s)"), "{error}");
    assert_eq!((script.begun(), script.ended()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_token_that_no_header_can_carry_is_an_error_without_it() {
    let script = Script::new(SECOND, [token("SEC\nRET")]);
    let error = value(&credentials(&script)).await.unwrap_err();
    assert_eq!(error.field(), Some("token"));
    let shown = format!("{error} {error:?}");
    assert!(
        shown.contains("line break") && !shown.contains("SEC"),
        "{shown}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_over_at_once_serves_those_who_waited() {
    let over = || Ok(AccessToken::new("A".into()).with_lifetime(Duration::ZERO));
    let script = Script::new(SECOND, [over(), over()]);
    let credentials = credentials(&script);
    let (one, other) = tokio::join!(value(&credentials), value(&credentials));
    assert_eq!(
        (one.unwrap(), other.unwrap()),
        ("Bearer A".into(), "Bearer A".into())
    );
    assert_eq!(script.begun(), 1);
    value(&credentials).await.unwrap();
    assert_eq!(script.begun(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_token_without_an_end_is_kept_until_it_is_refused() {
    let script = Script::new(SECOND, [Ok(AccessToken::new("A".into())), token("B")]);
    let credentials = credentials(&script);
    let headers = credentials.headers().await.unwrap();
    advance(1_000_000 * SECOND).await;
    assert_eq!(credentials.headers().await.unwrap().tag(), headers.tag());
    assert!(credentials.rejected(headers.tag(), &refusal(401, None)));
    assert_eq!(value(&credentials).await.unwrap(), "Bearer B");
}

fn refusal(status: u16, challenge: Option<&'static str>) -> Error {
    let challenge = challenge.map(|it| (WWW_AUTHENTICATE, HeaderValue::from_static(it)));
    let headers = HeaderMap::from_iter(challenge);
    let status = StatusCode::from_u16(status).unwrap();
    Error::from_response(status, headers, Bytes::new())
}

#[tokio::test(start_paused = true)]
async fn refusals_that_come_together_cost_one_fetch() {
    let script = Script::new(SECOND, [token("A"), token("B")]);
    let credentials = credentials(&script);
    let refused = credentials.headers().await.unwrap();
    let again = (0..50).map(|_| async {
        assert!(credentials.rejected(refused.tag(), &refusal(401, None)));
        credentials.headers().await.unwrap()
    });
    let headers = join_all(again).await;
    assert!(headers.iter().all(|it| text(it) == "Bearer B"));
    // A straggler does not drop the token that replaced its own.
    assert!(credentials.rejected(refused.tag(), &refusal(401, None)));
    assert_eq!(value(&credentials).await.unwrap(), "Bearer B");
    assert_eq!(script.begun(), 2);
}

#[test_case(401, None, true, false)]
#[test_case(401, Some(r#"Bearer realm="x", error="invalid_token""#), true, true; "invalid token")]
#[test_case(401, Some(r#"Bearer error="invalid_request""#), true, false; "something else")]
#[test_case(403, Some(r#"Bearer error="invalid_token""#), false, false; "forbidden")]
fn which_refusals_are_about_the_token(
    status: u16,
    challenge: Option<&'static str>,
    unauthorized: bool,
    invalid_token: bool,
) {
    let refusal = refusal(status, challenge);
    assert_eq!(RejectedOn::Unauthorized.matches(&refusal), unauthorized);
    assert_eq!(RejectedOn::InvalidToken.matches(&refusal), invalid_token);
}

#[tokio::test(start_paused = true)]
async fn dropping_the_credentials_ends_the_fetch() {
    let script = Script::new(50 * SECOND, [token("A")]);
    let credentials = credentials(&script);
    let hasty = tokio::time::timeout(SECOND, credentials.headers()).await;
    assert!(hasty.is_err());
    assert_eq!((script.begun(), script.ended()), (1, 0));
    drop(credentials);
    settle().await;
    assert_eq!(script.ended(), 1);
    assert_eq!(Arc::strong_count(&script), 1);
}

#[test]
fn a_fetch_that_was_lost_with_its_runtime_is_begun_again() {
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_time().start_paused(true).build().unwrap()
    };
    let script = Script::new(SECOND, [token("A")]);
    let credentials = credentials(&script);
    let first = runtime();
    let hasty = async { tokio::time::timeout(SECOND / 2, credentials.headers()).await };
    assert!(first.block_on(hasty).is_err());
    drop(first);
    assert_eq!(runtime().block_on(value(&credentials)).unwrap(), "Bearer A");
    assert_eq!(script.begun(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_panics_is_an_error() {
    let script = Script::new(SECOND, []);
    let error = value(&credentials(&script)).await.unwrap_err();
    assert!(error.to_string().contains("without a result"), "{error}");
    assert_eq!((script.begun(), script.ended()), (2, 2));
}

#[test_case(1_000, 500, 940)]
#[test_case(100, 50, 50; "the margin is at most half of the lifetime")]
#[test_case(0, 0, 0; "over at once")]
fn the_turning_points_of_a_token(lifetime: u64, refresh: u64, wait: u64) {
    let clock = Arc::new(crate::manual_clock::ManualClock::new());
    let config = TokenConfig::bearer()
        .with_clock(clock.clone())
        .with_jitter(Arc::new(FixedJitter::new(0.5)));
    let schedule = config.schedule(Duration::from_secs(lifetime)).unwrap();
    let now = config.clock.now();
    let points = [schedule.refresh_at, schedule.wait_at, schedule.expires_at];
    assert_eq!(
        points.map(|point| (point - now).as_secs()),
        [refresh, wait, lifetime]
    );
    assert_eq!(config.schedule(Duration::MAX), None);
}

#[test]
fn the_start_of_a_refresh_is_spread() {
    for (fraction, expected) in [(0.0, 450), (0.999_999, 549)] {
        let config = TokenConfig::bearer()
            .with_clock(Arc::new(crate::manual_clock::ManualClock::new()))
            .with_jitter(Arc::new(FixedJitter::new(fraction)));
        let schedule = config.schedule(1_000 * SECOND).unwrap();
        let after = schedule.refresh_at - config.clock.now();
        assert_eq!(after.as_secs(), expected);
    }
    for share in [0.0, 1.0, f64::NAN] {
        let error = TokenConfig::bearer().with_refresh_after(share).unwrap_err();
        assert_eq!(error.field(), Some("token.refresh_after"));
    }
}
