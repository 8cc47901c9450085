//! What errors say, what they hide and how answers are classified.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use test_case::test_case;
use url::Url;

use crate::error::{
    AttemptRecord, CloseCode, Delivery, Error, ErrorKind, PAYLOAD_LIMIT, Persistence, TimeoutKind,
};

fn answer(status: u16, body: &str) -> Error {
    let status = StatusCode::from_u16(status).unwrap();
    Error::from_response(status, HeaderMap::new(), Bytes::from(body.to_owned()))
}

fn with_reason(status: u16, reason: &str) -> Error {
    answer(
        status,
        &format!(
            r#"{{"error": {{"details": [{{"@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "{reason}", "domain": "googleapis.com"}}]}}}}"#
        ),
    )
}

fn failed_attempt(number: u32) -> AttemptRecord {
    AttemptRecord {
        number,
        kind: ErrorKind::Connect,
        status: None,
        started_after: Duration::ZERO,
        took: Duration::ZERO,
        waited: None,
    }
}

#[test_case(
    answer(
        429,
        r#"{"error": {"status": "RESOURCE_EXHAUSTED", "message": "You exceeded\n your quota"}}"#
    ),
    "http 429 RESOURCE_EXHAUSTED: You exceeded your quota"
)]
#[test_case(
    answer(400, r#"{"error": {"message": "\u001b[31mred\u0007\u009b alert\u0000"}}"#),
    "http 400 bad request: [31mred alert"; "no control characters"
)]
#[test_case(answer(503, "<html>"), "http 503 service unavailable")]
#[test_case(answer(599, ""), "http 599")]
#[test_case(
    Error::invalid("ttl", "must not be negative"),
    "invalid `ttl`: must not be negative"
)]
#[test_case(Error::config("no key"), "bad configuration: no key")]
#[test_case(
    Error::authentication("it is empty"),
    "no usable credentials: it is empty"
)]
#[test_case(Error::connect("refused"), "connection could not be made: refused")]
#[test_case(Error::io("reset"), "connection failed: reset")]
#[test_case(
    Error::timeout(TimeoutKind::Attempt, Duration::from_secs(600)),
    "attempt timed out (600s)"
)]
#[test_case(
    Error::interrupted(12, Error::timeout(TimeoutKind::Idle, Duration::from_secs(120))),
    "stream broke off after 12 bytes: stream fell silent (120s)"
)]
#[test_case(Error::too_large(5), "reply is larger than the limit of 5 bytes")]
#[test_case(
    Error::closed(CloseCode::INVALID, "bad\r\nsetup"),
    "connection was closed: 1007 invalid payload: bad setup"
)]
#[test_case(Error::closed(CloseCode::new(4000), ""), "connection was closed: 4000")]
#[test_case(Error::cancelled("shutting down"), "cancelled: shutting down")]
#[test_case(
    Error::file("write", "a.part".as_ref(), std::io::Error::other("disk is full")),
    "could not write `a.part`: disk is full"
)]
#[test_case(
    answer(429, "").with_retry_after(Duration::from_secs(300))
        .into_delay_too_long(Duration::from_secs(120)),
    "server asks to wait 300s, longer than allowed: http 429 too many requests")]
#[test_case(
    Error::connect("refused").with_attempts(vec![failed_attempt(1), failed_attempt(2)]),
    "connection could not be made: refused (after 2 attempts)")]
fn display_is_one_line(error: Error, expected: &str) {
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_long_message_is_cut_at_a_character() {
    let long = "é".repeat(5_000);
    let error = answer(500, &format!(r#"{{"error": {{"message": "{long}"}}}}"#));
    let text = error.to_string();
    assert!(text.ends_with("é…"), "{text}");
    assert!(text.chars().count() < 1_100);
}

#[test]
fn the_deepest_cause_is_named() {
    #[derive(Debug, thiserror::Error)]
    #[error("error sending request")]
    struct Wrapper(#[source] std::io::Error);

    let cause = Wrapper(std::io::Error::other("connection refused"));
    let error = Error::connect(cause);
    assert_eq!(
        error.to_string(),
        "connection could not be made: connection refused"
    );
}

#[test_case(answer(401, ""), ErrorKind::Authentication, Persistence::Permanent)]
#[test_case(
    with_reason(400, "API_KEY_INVALID"),
    ErrorKind::Authentication,
    Persistence::Permanent
)]
#[test_case(
    with_reason(403, "API_KEY_SERVICE_BLOCKED"),
    ErrorKind::Authentication,
    Persistence::Permanent
)]
#[test_case(
    with_reason(403, "SERVICE_DISABLED"),
    ErrorKind::Status,
    Persistence::Permanent
)]
#[test_case(
    with_reason(404, "API_KEY_INVALID"),
    ErrorKind::Status,
    Persistence::Permanent
)]
#[test_case(answer(403, ""), ErrorKind::Status, Persistence::Permanent)]
#[test_case(answer(408, ""), ErrorKind::Status, Persistence::Temporary)]
#[test_case(answer(409, ""), ErrorKind::Status, Persistence::Permanent)]
#[test_case(answer(429, ""), ErrorKind::RateLimited, Persistence::Temporary)]
#[test_case(answer(504, ""), ErrorKind::Status, Persistence::Temporary)]
fn answers_are_classified(error: Error, kind: ErrorKind, persistence: Persistence) {
    assert_eq!((error.kind(), error.persistence()), (kind, persistence));
    assert_eq!(error.delivery(), Delivery::Answered);
    assert!(error.is_status());
}

#[test]
fn a_quota_per_day_is_permanent_whatever_the_hint() {
    let error = answer(
        429,
        r#"[{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "details": [
            {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [
                {"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]},
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "22.5s"}]}}]"#,
    );
    assert_eq!(error.kind(), ErrorKind::QuotaExhausted);
    assert_eq!(error.persistence(), Persistence::Permanent);
    assert!(error.is_quota_exhausted() && error.is_rate_limited());
    assert_eq!(error.retry_after(), Some(Duration::from_millis(22_500)));
}

#[test]
fn an_error_inside_a_stream_takes_its_status_from_the_body() {
    let body = Bytes::from_static(br#"{"error": {"code": 429, "message": "slow down"}}"#);
    let error = Error::from_error_body(body).unwrap();
    assert!(error.is_rate_limited());
    assert_eq!(error.status(), Some(StatusCode::TOO_MANY_REQUESTS));
    let odd = Error::from_error_body(Bytes::from_static(br#"{"error": {"code": 14}}"#)).unwrap();
    assert_eq!(odd.status(), Some(StatusCode::INTERNAL_SERVER_ERROR));
    assert!(Error::from_error_body(Bytes::from_static(b"{\"candidates\": []}")).is_none());
}

#[test]
fn the_payload_is_bounded() {
    let error = answer(500, &"x".repeat(PAYLOAD_LIMIT + 1));
    assert_eq!(error.payload().unwrap().len(), PAYLOAD_LIMIT);
}

#[test]
fn debug_shows_context_and_no_secrets() {
    let mut headers = HeaderMap::new();
    headers.insert("set-cookie", "COOKIE".parse().unwrap());
    headers.insert("x-request-id", "req-1".parse().unwrap());
    let url = Url::parse("https://user:PASSWORD@example.com:8443/v1/x?key=QUERY#f").unwrap();
    let error = Error::from_response(StatusCode::BAD_GATEWAY, headers, Bytes::from("PAYLOAD"))
        .with_request(&Method::POST, &url)
        .with_context("cache", "shared-prompt");
    let debug = format!("{error:?}");
    for hidden in ["COOKIE", "PASSWORD", "QUERY", "PAYLOAD"] {
        assert!(!debug.contains(hidden), "{debug}");
    }
    for shown in [
        "POST https://example.com:8443/v1/x",
        "cache: \"shared-prompt\"",
        "req-1",
        "7 bytes",
    ] {
        assert!(debug.contains(shown), "{debug}");
    }
    assert_eq!(
        error.context().collect::<Vec<_>>(),
        [("cache", "shared-prompt")]
    );
    assert_eq!(error.request_id(), Some("req-1"));
}

#[test]
fn predicates_of_local_failures() {
    let timeout = Error::timeout(TimeoutKind::Deadline, Duration::ZERO);
    assert!(timeout.is_timeout() && !timeout.is_status());
    let interrupted = Error::interrupted(3, timeout);
    assert!(interrupted.is_timeout());
    assert_eq!(interrupted.kind(), ErrorKind::StreamInterrupted);
    assert!(Error::connect("x").is_connect());
    assert_eq!(Error::connect("x").delivery(), Delivery::NotSent);
    assert_eq!(Error::io("x").delivery(), Delivery::MaybeSent);
    assert!(Error::cancelled("x").is_cancelled());
    assert!(Error::decode("x", Bytes::new()).is_decode());
}

#[test]
fn a_close_says_why_and_whether_to_try_again() {
    let lost = Error::closed(CloseCode::ABNORMAL, "");
    assert_eq!(lost.kind(), ErrorKind::Closed);
    assert_eq!(lost.persistence(), Persistence::Temporary);
    assert_eq!(lost.close_code(), Some(CloseCode::ABNORMAL));
    let refused = Error::closed(CloseCode::POLICY, "no");
    assert_eq!(refused.persistence(), Persistence::Permanent);
    assert_eq!(refused.close_reason(), Some("no"));
    assert_eq!(Error::cancelled("x").close_code(), None);
}

#[test]
fn failed_operations_say_why() {
    let status = |code: i32| {
        let body = format!(r#"{{"code": {code}, "message": "no  room"}}"#);
        gimmal_types::rpc::Status::from_error_body(body.as_bytes()).unwrap()
    };
    let failed = Error::operation_failed(status(8));
    assert_eq!(failed.kind(), ErrorKind::OperationFailed);
    assert_eq!(
        failed.to_string(),
        "operation failed: RESOURCE_EXHAUSTED: no room"
    );
    assert_eq!(failed.persistence(), Persistence::Permanent);
    assert!(Error::operation_failed(status(1)).is_cancelled());
}
