//! What is remembered of each attempt of a call. Only facts for people and tests: no bodies, no
//! headers, no addresses.

use std::time::Duration;

use http::StatusCode;

use crate::error::ErrorKind;

/// One failed attempt of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct AttemptRecord {
    pub(crate) number: u32,
    pub(crate) kind: ErrorKind,
    pub(crate) status: Option<StatusCode>,
    pub(crate) started_after: Duration,
    pub(crate) took: Duration,
    pub(crate) waited: Option<Duration>,
}

impl AttemptRecord {
    /// Which attempt this was; the first one is 1.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// How the attempt failed.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The status the server answered with, if it did.
    pub fn status(&self) -> Option<StatusCode> {
        self.status
    }

    /// Time from the start of the call to the start of the attempt.
    pub fn started_after(&self) -> Duration {
        self.started_after
    }

    /// How long the attempt took.
    pub fn took(&self) -> Duration {
        self.took
    }

    /// How long the call slept after this attempt; `None` for the last one.
    pub fn waited(&self) -> Option<Duration> {
        self.waited
    }
}
