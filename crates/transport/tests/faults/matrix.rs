//! The table of the README: fault, kind, whether it may pass, how far the request came, and whether
//! it is sent again.

use std::time::Duration;

use gimmal_transport::Delivery::{self, Answered, MaybeSent, NotSent};
use gimmal_transport::ErrorKind::{
    self, Connect, Decode, Io, ResponseTooLarge, Status, StreamInterrupted,
};
use gimmal_transport::Persistence::{self, Permanent, Temporary};
use gimmal_transport::TimeoutKind;
use test_case::test_case;

use crate::harness::{Role, Seen, WAITS, Way, fail};
use crate::server::{FIRST_EVENT, Fault};

/// Attempts of the standard policy.
const ATTEMPTS: usize = 5;
const ATTEMPT_LIMIT: Duration = Duration::from_secs(600);
/// The limit of a stream on its first byte, and on silence later on.
const STREAM_LIMIT: Duration = Duration::from_secs(120);

/// Who is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Again {
    Any,
    Idempotent,
    Nobody,
}

#[test_case(Fault::Refused, Connect, Temporary, NotSent, Again::Any)]
#[test_case(Fault::ResetUnread, Io, Temporary, MaybeSent, Again::Idempotent)]
#[test_case(Fault::ResetBeforeHead, Io, Temporary, MaybeSent, Again::Idempotent)]
#[test_case(Fault::CloseBeforeHead, Io, Temporary, MaybeSent, Again::Idempotent)]
#[test_case(Fault::ResetMidHead, Io, Temporary, MaybeSent, Again::Idempotent)]
#[test_case(Fault::ResetAfterHead, Io, Temporary, MaybeSent, Again::Idempotent)]
#[test_case(Fault::ResetMidBody, Io, Temporary, MaybeSent, Again::Idempotent)]
#[test_case(Fault::Truncated, Io, Temporary, MaybeSent, Again::Idempotent)]
#[test_case(Fault::UnfinishedChunks, Io, Temporary, MaybeSent, Again::Idempotent)]
#[test_case(Fault::BadChunk, Io, Temporary, MaybeSent, Again::Idempotent)]
#[test_case(Fault::NotHttp, Io, Temporary, MaybeSent, Again::Idempotent)]
#[test_case(Fault::TwoLengths, Io, Temporary, MaybeSent, Again::Idempotent)]
#[test_case(Fault::HeaderFlood, Io, Temporary, MaybeSent, Again::Idempotent)]
#[test_case(Fault::ManyHeaders, Io, Temporary, MaybeSent, Again::Idempotent)]
#[test_case(
    Fault::InterimFlood,
    ErrorKind::Timeout,
    Temporary,
    MaybeSent,
    Again::Idempotent
)]
#[test_case(
    Fault::Silence,
    ErrorKind::Timeout,
    Temporary,
    MaybeSent,
    Again::Idempotent
)]
#[test_case(
    Fault::SlowLoris,
    ErrorKind::Timeout,
    Temporary,
    MaybeSent,
    Again::Idempotent
)]
#[test_case(
    Fault::SilentBody,
    ErrorKind::Timeout,
    Temporary,
    MaybeSent,
    Again::Idempotent
)]
#[test_case(
    Fault::StalledBody,
    ErrorKind::Timeout,
    Temporary,
    MaybeSent,
    Again::Idempotent
)]
#[test_case(Fault::SilentRefusal, Status, Temporary, Answered, Again::Idempotent)]
#[test_case(Fault::BadGatewayPage, Status, Temporary, Answered, Again::Idempotent)]
#[test_case(Fault::ForbiddenPage, Status, Permanent, Answered, Again::Nobody)]
#[test_case(Fault::Endless, ResponseTooLarge, Permanent, Answered, Again::Nobody)]
#[test_case(Fault::HtmlPage, Decode, Permanent, Answered, Again::Nobody)]
#[test_case(Fault::HalfJson, Decode, Permanent, Answered, Again::Nobody)]
#[test_case(Fault::RedirectLoop, Status, Permanent, Answered, Again::Nobody)]
#[test_case(Fault::RedirectToFile, Status, Permanent, Answered, Again::Nobody)]
#[tokio::test]
async fn buffered(
    fault: Fault,
    kind: ErrorKind,
    persistence: Persistence,
    delivery: Delivery,
    again: Again,
) {
    let expected = (kind, persistence, delivery);
    let seen = check(fault, Way::Buffered, expected, again).await;
    if kind == ErrorKind::Timeout {
        assert_eq!(seen.error.timeout_kind(), Some(TimeoutKind::Attempt));
    }
}

#[test_case(Fault::Refused, Connect, Temporary, NotSent, Again::Any)]
#[test_case(Fault::ResetUnread, Io, Temporary, MaybeSent, Again::Idempotent)]
#[test_case(Fault::ResetBeforeHead, Io, Temporary, MaybeSent, Again::Idempotent)]
#[test_case(Fault::CloseBeforeHead, Io, Temporary, MaybeSent, Again::Idempotent)]
#[test_case(Fault::ResetMidHead, Io, Temporary, MaybeSent, Again::Idempotent)]
#[test_case(
    Fault::ResetAfterHead,
    StreamInterrupted,
    Temporary,
    Answered,
    Again::Nobody
)]
#[test_case(
    Fault::ResetMidBody,
    StreamInterrupted,
    Temporary,
    Answered,
    Again::Nobody
)]
#[test_case(
    Fault::Truncated,
    StreamInterrupted,
    Temporary,
    Answered,
    Again::Nobody
)]
#[test_case(
    Fault::UnfinishedChunks,
    StreamInterrupted,
    Temporary,
    Answered,
    Again::Nobody
)]
#[test_case(Fault::BadChunk, StreamInterrupted, Temporary, Answered, Again::Nobody)]
#[test_case(Fault::NotHttp, Io, Temporary, MaybeSent, Again::Idempotent)]
#[test_case(Fault::TwoLengths, Io, Temporary, MaybeSent, Again::Idempotent)]
#[test_case(Fault::HeaderFlood, Io, Temporary, MaybeSent, Again::Idempotent)]
#[test_case(Fault::ManyHeaders, Io, Temporary, MaybeSent, Again::Idempotent)]
#[test_case(
    Fault::InterimFlood,
    ErrorKind::Timeout,
    Temporary,
    MaybeSent,
    Again::Idempotent
)]
#[test_case(
    Fault::Silence,
    ErrorKind::Timeout,
    Temporary,
    MaybeSent,
    Again::Idempotent
)]
#[test_case(
    Fault::SlowLoris,
    ErrorKind::Timeout,
    Temporary,
    MaybeSent,
    Again::Idempotent
)]
#[test_case(
    Fault::SilentBody,
    StreamInterrupted,
    Temporary,
    Answered,
    Again::Nobody
)]
#[test_case(
    Fault::StalledBody,
    StreamInterrupted,
    Temporary,
    Answered,
    Again::Nobody
)]
#[test_case(Fault::SilentRefusal, Status, Temporary, Answered, Again::Idempotent)]
#[test_case(Fault::BadGatewayPage, Status, Temporary, Answered, Again::Idempotent)]
#[test_case(Fault::ForbiddenPage, Status, Permanent, Answered, Again::Nobody)]
#[test_case(Fault::Endless, ResponseTooLarge, Permanent, Answered, Again::Nobody)]
#[test_case(Fault::HtmlPage, Decode, Permanent, Answered, Again::Nobody)]
#[test_case(Fault::RedirectLoop, Status, Permanent, Answered, Again::Nobody)]
#[test_case(Fault::RedirectToFile, Status, Permanent, Answered, Again::Nobody)]
#[tokio::test]
async fn streamed(
    fault: Fault,
    kind: ErrorKind,
    persistence: Persistence,
    delivery: Delivery,
    again: Again,
) {
    let expected = (kind, persistence, delivery);
    let seen = check(fault, Way::Streamed, expected, again).await;
    let which = match fault {
        Fault::InterimFlood | Fault::Silence | Fault::SlowLoris | Fault::SilentBody => {
            Some(TimeoutKind::FirstByte)
        }
        Fault::StalledBody => Some(TimeoutKind::Idle),
        _ => None,
    };
    assert_eq!(seen.error.timeout_kind(), which);
    let has_event = matches!(
        fault,
        Fault::ResetMidBody
            | Fault::UnfinishedChunks
            | Fault::BadChunk
            | Fault::StalledBody
            | Fault::Truncated
    );
    assert_eq!(seen.events, usize::from(has_event));
    let received = if has_event { FIRST_EVENT.len() } else { 0 };
    let told = (kind == StreamInterrupted).then_some(received as u64);
    assert_eq!(seen.error.bytes_received(), told);
}

/// Meets the fault as a probe, as a request that may be repeated and as one that may not.
async fn check(
    fault: Fault,
    way: Way,
    expected: (ErrorKind, Persistence, Delivery),
    again: Again,
) -> Seen {
    let probe = fail(fault, way, Role::Probe).await;
    assert_error(&probe, expected);
    assert_requests(fault, &probe, 1);
    assert_in_time(&probe, way, 1);

    for role in [Role::Idempotent, Role::NotIdempotent] {
        let seen = fail(fault, way, role).await;
        let retried = match again {
            Again::Any => true,
            Again::Idempotent => role == Role::Idempotent,
            Again::Nobody => false,
        };
        let attempts = if retried { ATTEMPTS } else { 1 };
        let persistence = if retried {
            Persistence::Persistent
        } else {
            expected.1
        };
        assert_error(&seen, (expected.0, persistence, expected.2));
        assert_requests(fault, &seen, attempts);
        assert_in_time(&seen, way, attempts);
    }
    probe
}

fn assert_error(seen: &Seen, expected: (ErrorKind, Persistence, Delivery)) {
    let error = &seen.error;
    let actual = (error.kind(), error.persistence(), error.delivery());
    assert_eq!(actual, expected, "{error:?}");
    let shown = format!("{error} {error:?}");
    for hidden in ["SECRET", "QUERY", "PROMPT", "<title>"] {
        assert!(!shown.contains(hidden), "{shown}");
    }
    assert!(error.to_string().chars().count() <= 200, "{error}");
    let kept = error.payload().map_or(0, bytes::Bytes::len);
    assert!(kept <= 64 * 1024, "{kept} bytes are kept");
}

fn assert_requests(fault: Fault, seen: &Seen, attempts: usize) {
    let per_attempt = match fault {
        Fault::Refused => 0,
        // Ten redirects are followed.
        Fault::RedirectLoop => 11,
        _ => 1,
    };
    assert_eq!(seen.requests, attempts * per_attempt, "{:?}", seen.error);
}

fn assert_in_time(seen: &Seen, way: Way, attempts: usize) {
    let limit = match way {
        Way::Buffered => ATTEMPT_LIMIT,
        Way::Streamed => STREAM_LIMIT,
    };
    let attempts = u32::try_from(attempts).unwrap();
    assert!(seen.took <= limit * attempts + WAITS, "{:?}", seen.took);
}
