//! Every status and every payload, and what follows.

use std::time::{Duration, Instant};

use bytes::Bytes;
use gimmal_transport::{Error, ErrorKind, ExponentialBackoff, TimeoutKind};
use gimmal_types::tinker::{QueueState, RequestErrorCategory};
use http::{HeaderMap, StatusCode};
use test_case::test_case;

use super::*;
use crate::tinker::{category, failed_request_id};

const SECOND: Duration = Duration::from_secs(1);

fn status(status: u16, body: &'static str) -> PollReply {
    let status = StatusCode::from_u16(status).unwrap();
    let error = Error::from_response(
        status,
        HeaderMap::new(),
        Bytes::from_static(body.as_bytes()),
    );
    PollReply::of_call(Err(error))
}

fn json(body: &'static str) -> PollReply {
    PollReply::read(
        Some("application/json"),
        Bytes::from_static(body.as_bytes()),
    )
}

fn patient() -> FuturePoll {
    FuturePoll::new(
        "req-1",
        PollOptions::default().with_pacing(PollPacing::Patient),
    )
}

fn eager() -> FuturePoll {
    FuturePoll::new("req-1", PollOptions::default())
}

/// Plays replies that come at once, and returns the waits after them.
fn waits(poll: &mut FuturePoll, replies: impl IntoIterator<Item = PollReply>) -> Vec<Duration> {
    let now = Instant::now();
    let wait = |reply| {
        poll.ask(now).unwrap();
        match poll.answered(now, reply) {
            PollNext::Ask { after } => after,
            other => panic!("not to be asked again: {other:?}"),
        }
    };
    replies.into_iter().map(wait).collect()
}

fn name(next: &PollNext) -> &'static str {
    match next {
        PollNext::Ask { after } if after.is_zero() => "at once",
        PollNext::Ask { .. } => "later",
        PollNext::Reserve { .. } => "reserve",
        PollNext::Unpaid { .. } => "unpaid",
        PollNext::Protobuf(_) => "protobuf",
        PollNext::Json(_) => "json",
        PollNext::Failed(_) => "failed",
        PollNext::Expired(_) => "expired",
        PollNext::Fatal(_) => "fatal",
    }
}

#[test_case(400, "at once")]
#[test_case(401, "fatal")]
#[test_case(402, "unpaid")]
#[test_case(403, "fatal")]
#[test_case(404, "fatal")]
#[test_case(408, "at once")]
#[test_case(409, "fatal")]
#[test_case(410, "expired")]
#[test_case(418, "fatal")]
#[test_case(422, "fatal")]
#[test_case(429, "later")]
#[test_case(500, "at once")]
#[test_case(502, "at once")]
#[test_case(503, "at once")]
#[test_case(599, "at once")]
fn every_status_has_its_consequence(of: u16, expected: &str) {
    let mut poll = eager();
    let now = Instant::now();
    poll.ask(now).unwrap();
    // The server held the question, so that no spacing is due.
    let next = poll.answered(now + 30 * SECOND, status(of, ""));
    assert_eq!(name(&next), expected);
}

#[test_case(
    r#"{"type": "try_again", "request_id": "r", "queue_state": "active"}"#,
    "at once"
)]
#[test_case(r#"{"type": "try_again"}"#, "at once"; "without a state")]
#[test_case(r#"{"status": "pending"}"#, "at once"; "pending")]
#[test_case(
    r#"{"status": "complete_metadata", "response_payload_size": 5}"#,
    "reserve"
)]
#[test_case(r#"{"status": "complete_metadata", "response_payload_size": "?"}"#, "reserve"; "size unread")]
#[test_case(r#"{"error": "no", "category": "user"}"#, "failed")]
#[test_case(r#"{"error": "no", "category": "martian"}"#, "failed"; "unknown category")]
#[test_case(r#"{"error": null}"#, "json"; "no error at all")]
#[test_case(r#"{"status": "failed", "error": {"message": "no"}}"#, "failed"; "as an object")]
#[test_case(r#"{"status": "completed", "result": {"type": "optim_step"}}"#, "json"; "wrapped")]
#[test_case(r#"{"type": "optim_step", "metrics": {}}"#, "json"; "a result")]
#[test_case(r#"{"status": 7, "type": []}"#, "json"; "members of other types")]
#[test_case(r#"{"#, "fatal"; "broken")]
fn every_payload_has_its_consequence(body: &'static str, expected: &str) {
    let mut poll = eager();
    let now = Instant::now();
    poll.ask(now).unwrap();
    let next = poll.answered(now + 30 * SECOND, json(body));
    assert_eq!(name(&next), expected);
}

#[test]
fn protobuf_is_told_by_its_media_type() {
    let kind = Some("application/x-protobuf; charset=binary");
    let reply = PollReply::read(kind, Bytes::from_static(b"{"));
    assert!(matches!(reply, PollReply::Protobuf(_)) && reply.is_result());
}

/// Covers: CHK-FUT-1
#[test]
fn chk_fut_1_a_patient_client_waits_longer_and_longer() {
    let mut poll = patient();
    let seconds = waits(&mut poll, (0..7).map(|_| PollReply::Pending));
    assert_eq!(seconds, [1, 2, 4, 8, 16, 30, 30].map(|n| n * SECOND));
}

/// Covers: CHK-FUT-2
#[test]
fn chk_fut_2_outages_are_waited_out_only_when_asked_for() {
    let outages = || [status(408, ""), status(503, "")];
    assert_eq!(waits(&mut patient(), outages()), [Duration::ZERO; 2]);
    let backoff = ExponentialBackoff::default()
        .with_initial(SECOND / 10)
        .with_max(SECOND)
        .without_jitter();
    let mut poll = FuturePoll::new("r", PollOptions::default().with_outage_backoff(backoff));
    assert_eq!(waits(&mut poll, outages()), [SECOND / 10, SECOND / 5]);
}

/// Covers: CHK-FUT-3
#[test]
fn chk_fut_3_three_bad_requests_are_forgiven() {
    let now = Instant::now();
    let mut poll = eager();
    assert_eq!(
        waits(&mut poll, [status(400, ""), status(400, "")]),
        [Duration::ZERO; 2]
    );
    poll.ask(now).unwrap();
    let result = json(r#"{"type": "optim_step"}"#);
    assert_eq!(name(&poll.answered(now, result)), "json");

    let mut poll = eager();
    waits(&mut poll, (0..3).map(|_| status(400, "")));
    assert_eq!(poll.ask(now).unwrap(), 3);
    assert_eq!(name(&poll.answered(now, status(400, ""))), "fatal");
}

#[test]
fn only_a_408_forgets_bad_requests() {
    let mut poll = eager();
    waits(&mut poll, (0..3).map(|_| status(400, "")));
    waits(&mut poll, [status(500, ""), status(429, "")]);
    assert_eq!(poll.bad_requests(), 3);
    waits(&mut poll, [status(408, "")]);
    assert_eq!(poll.bad_requests(), 0);
}

/// Covers: CHK-FUT-4
#[test]
fn chk_fut_4_only_a_change_of_the_queue_is_news() {
    let now = Instant::now();
    let mut poll = patient();
    let paused = || {
        json(
            r#"{"type": "try_again", "queue_state": "paused_capacity", "queue_state_reason": "r"}"#,
        )
    };
    let active = json(r#"{"type": "try_again", "queue_state": "active"}"#);
    let mut news = Vec::new();
    let mut seconds = Vec::new();
    for reply in [paused(), paused(), active] {
        seconds.extend(waits(&mut poll, [reply]));
        news.extend(poll.take_news());
    }
    assert_eq!(seconds, [SECOND, SECOND, 4 * SECOND]);
    poll.ask(now).unwrap();
    poll.answered(now, json(r#"{"type": "optim_step"}"#));
    news.extend(poll.take_news());
    let paused = QueueNotice::new(QueueState::PausedCapacity).with_reason("r");
    assert_eq!(news, [paused, QueueNotice::new(QueueState::Active)]);
}

/// Covers: CHK-FUT-5
#[test]
fn chk_fut_5_what_was_seen_last_is_the_error_of_a_deadline() {
    let options = PollOptions::default()
        .with_pacing(PollPacing::Patient)
        .with_patience(5 * SECOND);
    let mut poll = FuturePoll::new("req-7", options.clone());
    let start = Instant::now();
    let mut now = start;
    let error = loop {
        if let Err(error) = poll.ask(now) {
            break error;
        }
        match poll.answered(
            now,
            json(r#"{"error": "out of memory", "category": "server"}"#),
        ) {
            PollNext::Ask { after } => now += after,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(now - start, 7 * SECOND, "1, 2 and 4 s");
    assert_eq!(category(&error), RequestErrorCategory::Server);
    assert_eq!(failed_request_id(&error), Some("req-7"));
    let status = error.rpc_status().unwrap();
    assert_eq!(status.message.as_deref(), Some("out of memory"));

    let mut poll = FuturePoll::new("req-7", options);
    poll.ask(start).unwrap();
    poll.answered(start, PollReply::Pending);
    let late = poll.ask(start + 6 * SECOND).unwrap_err();
    assert_eq!(late.timeout_kind(), Some(TimeoutKind::Deadline));
}

#[test]
fn an_eager_client_takes_a_failure_of_the_server_for_final() {
    let mut poll = eager();
    let now = Instant::now();
    poll.ask(now).unwrap();
    let failed = poll.answered(now, json(r#"{"error": "e", "category": "Server"}"#));
    let PollNext::Failed(error) = failed else {
        panic!("{failed:?}");
    };
    assert_eq!(error.kind(), ErrorKind::OperationFailed);
    assert_eq!(category(&error), RequestErrorCategory::Server);
}

/// Covers: CHK-FUT-6
#[test]
fn chk_fut_6_the_size_may_come_once_in_place_of_the_result() {
    let size = || json(r#"{"status": "complete_metadata", "response_payload_size": 512}"#);
    let now = Instant::now();
    let mut poll = eager();
    poll.ask(now).unwrap();
    assert!(poll.allows_metadata_only());
    let next = poll.answered(now, size());
    assert!(matches!(next, PollNext::Reserve { bytes: 512 }), "{next:?}");
    poll.ask(now).unwrap();
    assert!(!poll.allows_metadata_only());
    assert_eq!(name(&poll.answered(now, size())), "fatal");
}

#[test]
fn answers_that_come_at_once_are_spaced() {
    let mut poll = eager();
    let millis: Vec<_> = waits(&mut poll, (0..8).map(|_| PollReply::Pending))
        .iter()
        .map(Duration::as_millis)
        .collect();
    assert_eq!(millis, [20, 40, 80, 160, 320, 640, 1_000, 1_000]);
    let now = Instant::now();
    poll.ask(now).unwrap();
    let next = poll.answered(now + 2 * SECOND, PollReply::Pending);
    assert_eq!(name(&next), "at once", "the server held the question");
    assert_eq!(waits(&mut poll, [PollReply::Pending]), [SECOND / 50]);
}

#[test]
fn connection_errors_and_429_share_a_backoff_that_an_answer_ends() {
    let mut poll = eager();
    let outage = || PollReply::of_call(Err(Error::connect("refused")));
    let seen = waits(&mut poll, [outage(), status(429, ""), outage()]);
    assert_eq!(seen, [1, 2, 4].map(|n| n * SECOND));
    waits(&mut poll, [status(503, "")]);
    assert_eq!(waits(&mut poll, [outage()]), [SECOND]);
    assert_eq!(poll.unreachable(), 1);
}

#[test]
fn a_408_may_tell_of_the_queue() {
    let body = r#"{"queue_state": "paused_rate_limit", "queue_state_reason": "r"}"#;
    let mut poll = eager();
    waits(&mut poll, [status(408, body)]);
    let news = QueueNotice::new(QueueState::PausedRateLimit).with_reason("r");
    assert_eq!(poll.take_news(), Some(news));
    assert_eq!(poll.take_news(), None);
}
