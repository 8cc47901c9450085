//! The small vocabularies of an error: what failed, whether it may pass, what the server may have
//! seen. Nothing here decides about retries; that is the retry policy's work.

use std::fmt;

/// What went wrong, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument is wrong; nothing was sent. [`Error::field`](crate::Error::field) names it.
    Invalid,
    /// The client is set up in a way that cannot work; nothing was sent.
    Config,
    /// The credentials are missing, wrong, expired or not allowed here.
    Authentication,
    /// No connection could be made, so the request never left.
    Connect,
    /// The connection failed while the request or the reply was on its way.
    Io,
    /// A time limit passed; [`Error::timeout_kind`](crate::Error::timeout_kind) says which one.
    Timeout,
    /// The server answered with a status that is not a success and has no kind of its own.
    Status,
    /// The server answered 429: too many requests for now.
    RateLimited,
    /// The server answered 429 because a quota per day is used up: waiting seconds does not help.
    QuotaExhausted,
    /// The reply arrived and could not be read as what was expected.
    Decode,
    /// A streamed reply broke off after its headers had arrived.
    StreamInterrupted,
    /// The reply, or one event of it, is larger than the limit set for it.
    ResponseTooLarge,
    /// The server asks for a longer wait than the client is allowed to sleep;
    /// [`Error::retry_after`](crate::Error::retry_after) has it.
    RetryDelayTooLong,
    /// A circuit breaker is open, so nothing was sent;
    /// [`Error::retry_after`](crate::Error::retry_after) says when it lets a probe out.
    CircuitOpen,
    /// The server refuses so much that the client itself held this request back; nothing was sent.
    Throttled,
    /// Work that outlives a call came to a bad end;
    /// [`Error::rpc_status`](crate::Error::rpc_status) says why.
    OperationFailed,
    /// The call was given up by the client itself, or the work that it started was stopped.
    Cancelled,
    /// A local file could not be read or written; the message names it.
    File,
    /// An upload or download cannot go on: the server ended it, its count disagrees with ours, or
    /// the content changed on the way.
    Transfer,
    /// What arrived is not what was announced or expected: its size or its digest differs.
    Integrity,
    /// A connection that speaks both ways was closed, and not in peace;
    /// [`Error::close_code`](crate::Error::close_code) says why.
    Closed,
}

impl ErrorKind {
    /// The kind's name in lower case, as logs and traces have it under `error.type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Config => "config",
            Self::Authentication => "authentication",
            Self::Connect => "connect",
            Self::Io => "io",
            Self::Timeout => "timeout",
            Self::Status => "status",
            Self::RateLimited => "rate_limited",
            Self::QuotaExhausted => "quota_exhausted",
            Self::Decode => "decode",
            Self::StreamInterrupted => "stream_interrupted",
            Self::ResponseTooLarge => "response_too_large",
            Self::RetryDelayTooLong => "retry_delay_too_long",
            Self::Throttled => "throttled",
            Self::CircuitOpen => "circuit_open",
            Self::OperationFailed => "operation_failed",
            Self::File => "file",
            Self::Transfer => "transfer",
            Self::Integrity => "integrity",
            Self::Cancelled => "cancelled",
            Self::Closed => "closed",
        }
    }
}

/// Whether trying again may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Persistence {
    /// The same request fails the same way again.
    Permanent,
    /// The same request may succeed later.
    Temporary,
    /// It was temporary, it was retried, and it still fails; outer layers leave it alone.
    Persistent,
}

/// How far the request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Delivery {
    /// It never left, so sending it again is safe for any method.
    NotSent,
    /// It may have reached the server; whether it was carried out is unknown.
    MaybeSent,
    /// The server answered.
    Answered,
}

/// Which time limit passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TimeoutKind {
    /// No connection was made in time.
    Connect,
    /// One attempt took too long.
    Attempt,
    /// The first byte of a streamed reply did not arrive in time.
    FirstByte,
    /// A streamed reply fell silent for too long.
    Idle,
    /// The whole call, retries and waits included, used up its time.
    Deadline,
    /// None of the operations that wait together has got anywhere for too long.
    Progress,
}

impl fmt::Display for TimeoutKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connection was not made in time",
            Self::Attempt => "attempt timed out",
            Self::FirstByte => "first byte of the reply did not arrive",
            Self::Idle => "stream fell silent",
            Self::Deadline => "deadline of the call passed",
            Self::Progress => "no operation made progress",
        })
    }
}
