//! What a refusal says about when to come back: read from headers and body without a panic, equal
//! to a reading by a second hand, and slept through to the nanosecond or reported as too long.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arbitrary::{Arbitrary, Unstructured};
use gimmal_transport::testing::{Reply, ScriptedTransport};
use gimmal_transport::{
    CallOptions, Error, ErrorKind, FixedJitter, Request, RetryDecision, RetryPolicy, RetryState,
    StandardRetry, Transport,
};
use gimmal_types::rpc::Status;
use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use url::Url;

use crate::tasks::Tasks;
use crate::virtual_clock::{START_OF_TIME, VirtualClock};

const STATUSES: [u16; 8] = [429, 503, 500, 400, 403, 408, 502, 418];
/// The longest wait that is slept through by default.
const LONGEST: Duration = Duration::from_secs(120);
/// The client's own wait after the first failure, with jitter fixed at one half.
const OWN: Duration = Duration::from_millis(500);
/// Two seconds are the same when a binary fraction of a decimal text lies between them.
const ROUNDING: Duration = Duration::from_micros(1);

/// Runs the target: a byte chooses the status; what follows is headers, a blank line and a body.
pub fn run(input: &[u8]) {
    let mut input = Unstructured::new(input);
    let Ok(choice) = u8::arbitrary(&mut input) else {
        return;
    };
    let status = STATUSES[usize::from(choice) % STATUSES.len()];
    let status = StatusCode::from_u16(status).expect("the table holds statuses");
    let (headers, body) = split(input.take_rest());
    let body = bytes::Bytes::copy_from_slice(body);

    let error = Error::from_response(status, headers.clone(), body.clone());
    assert_shown(&error);

    let mut reply = Reply::status(status.as_u16()).with_chunk(body.clone());
    for (name, value) in &headers {
        reply = reply.with_header(name.clone(), value.clone());
    }
    let (waited, result) = call(reply);
    let hint = expected_hint(&headers, &body);
    match result {
        Ok(attempts) => {
            assert_eq!((attempts, is_retried(&error)), (2, true));
            assert_close(waited, hint.unwrap_or_default().max(OWN));
        }
        Err(error) => {
            assert_shown(&error);
            assert_eq!(error.status(), Some(status));
            match (error.retry_after(), hint) {
                (Some(read), Some(hint)) => assert_close(read, hint),
                (read, hint) => assert_eq!(read, hint),
            }
            let too_long = hint.is_some_and(|hint| hint > LONGEST);
            if error.kind() == ErrorKind::RetryDelayTooLong {
                assert!(too_long);
            } else {
                assert!(!is_retried(&error));
            }
        }
    }
}

/// Lines of `name: value` up to a blank one; what is no header is left out, and of several of one
/// name the last counts.
fn split(input: &[u8]) -> (HeaderMap, &[u8]) {
    let mut headers = HeaderMap::new();
    let mut rest = input;
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| *byte == b'\n');
        let (line, tail) = rest.split_at(end.unwrap_or(rest.len()));
        rest = tail.get(1..).unwrap_or_default();
        if line.is_empty() {
            break;
        }
        let colon = line.iter().position(|byte| *byte == b':');
        let Some((name, value)) = colon.map(|at| (&line[..at], &line[at + 1..])) else {
            continue;
        };
        let header = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value));
        if let (Ok(name), Ok(value)) = header {
            headers.insert(name, value);
        }
    }
    (headers, rest)
}

/// Makes one call that is refused at first; returns the wait and the number of attempts.
fn call(refusal: Reply) -> (Duration, Result<u32, Error>) {
    let clock = VirtualClock::default();
    let http = ScriptedTransport::new([refusal, Reply::status(200)]);
    let http = http.with_clock(Arc::new(clock.clone()));
    let transport = Transport::builder()
        .with_http(Arc::new(http.clone()))
        .with_clock(Arc::new(clock.clone()))
        .with_jitter(Arc::new(FixedJitter::new(0.5)))
        .build()
        .expect("the settings are valid");
    let url = Url::parse("http://localhost/").expect("the address is valid");
    let options = CallOptions::default();
    let mut calls = Tasks::default();
    calls.start(transport.send(Request::new(Method::GET, url), &options));
    loop {
        if let Some((_, result)) = calls.run().pop() {
            let waited = match http.requests().as_slice() {
                [first, second] => second.at() - first.at(),
                _ => Duration::ZERO,
            };
            return (waited, result.map(|reply| reply.attempts()));
        }
        assert!(clock.advance_to_next(), "the call waits for nothing");
    }
}

fn is_retried(error: &Error) -> bool {
    let state = RetryState::new(1, Duration::ZERO, gimmal_transport::Idempotency::Idempotent);
    StandardRetry::default().decide(&state, error) == RetryDecision::Retry
}

fn expected_hint(headers: &HeaderMap, body: &[u8]) -> Option<Duration> {
    let text = |name: &HeaderName| headers.get(name)?.to_str().ok().map(str::trim);
    let ms = text(&HeaderName::from_static("retry-after-ms"));
    let ms = ms.and_then(|ms| seconds(ms, 1_000));
    let other = || {
        let value = text(&RETRY_AFTER)?;
        seconds(value, 1).or_else(|| until(value))
    };
    let body = Status::from_error_body(body).and_then(|status| status.retry_delay());
    ms.or_else(other).max(body)
}

/// A decimal number of seconds, or of that many parts of a second.
fn seconds(text: &str, parts: u64) -> Option<Duration> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let mut nanos: u128 = 0;
    for digit in whole.bytes() {
        nanos = nanos
            .checked_mul(10)?
            .checked_add(u128::from(digit - b'0') * 1_000_000_000)?;
    }
    let mut unit = 100_000_000;
    for digit in fraction.bytes().take(9) {
        nanos += u128::from(digit - b'0') * unit;
        unit /= 10;
    }
    let nanos = nanos / u128::from(parts);
    let seconds = u64::try_from(nanos / 1_000_000_000).ok()?;
    Some(Duration::new(seconds, (nanos % 1_000_000_000) as u32))
}

/// A date; in the past it means now.
fn until(text: &str) -> Option<Duration> {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(START_OF_TIME);
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

/// Equal but for what a fraction of 53 bits cannot hold.
fn assert_close(actual: Duration, expected: Duration) {
    let tolerance = ROUNDING.max(expected / (1 << 30));
    assert!(
        actual.abs_diff(expected) <= tolerance,
        "{actual:?} is not {expected:?}"
    );
}

/// One line for people, whatever the server wrote.
fn assert_shown(error: &Error) {
    let shown = error.to_string();
    assert!(!shown.contains(char::is_control), "{shown:?}");
    assert!(shown.chars().count() < 3_000, "{} characters", shown.len());
    assert!(!format!("{error:?}").is_empty());
}
