//! Tells the server that a session still lives.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gimmal_transport::{CallOptions, Clock, Error};
use gimmal_types::tinker::SessionHeartbeatRequest;
use http::StatusCode;

use super::calls::Calls;

const INTERVAL: Duration = Duration::from_secs(10);
/// So long without a success is worth a warning.
const WORRYING: Duration = Duration::from_secs(120);

/// When a session counts as lost; never by default, as long as the server does not say so.
///
/// ```
/// use gimmal_client::tinker::{HeartbeatLimits, ServiceClient};
///
/// let limits = HeartbeatLimits::default().with_max_failures(30);
/// let builder = ServiceClient::builder().with_heartbeat_limits(limits);
/// # let _ = builder;
/// ```
///
/// A session that counts as lost is not kept alive any longer; the server ends it by and by.
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
pub struct HeartbeatLimits {
    max_failures: Option<u32>,
    max_silence: Option<Duration>,
}

impl HeartbeatLimits {
    /// Gives the session up after more failures in a row than this. There is a beat every 10 s.
    pub fn with_max_failures(mut self, failures: u32) -> Self {
        self.max_failures = Some(failures);
        self
    }

    /// Gives the session up at the first failure when the last success is longer ago than this.
    pub fn with_max_silence(mut self, silence: Duration) -> Self {
        self.max_silence = Some(silence);
        self
    }

    fn are_passed(&self, failures: u32, silence: Duration) -> bool {
        self.max_failures.is_some_and(|most| failures > most)
            || self.max_silence.is_some_and(|most| silence > most)
    }
}

/// What follows a beat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Go,
    Warn(Duration),
    /// The session is over.
    End,
}

/// The rules, without the calls.
#[derive(Debug)]
struct Pulse {
    limits: HeartbeatLimits,
    last_success: Instant,
    failures: u32,
}

impl Pulse {
    fn new(limits: HeartbeatLimits, now: Instant) -> Self {
        Self {
            limits,
            last_success: now,
            failures: 0,
        }
    }

    fn beat(&mut self, now: Instant, result: &Result<(), Error>) -> Next {
        match result {
            Ok(()) => {
                self.last_success = now;
                self.failures = 0;
                Next::Go
            }
            Err(error) if error.status() == Some(StatusCode::GONE) => Next::End,
            Err(_) => {
                let silent = now.saturating_duration_since(self.last_success);
                self.failures = self.failures.saturating_add(1);
                if self.limits.are_passed(self.failures, silent) {
                    Next::End
                } else if silent >= WORRYING {
                    Next::Warn(silent)
                } else {
                    Next::Go
                }
            }
        }
    }
}

/// The heartbeat of one session; each session has its own, so that a slow one delays no other.
#[derive(Debug)]
pub(crate) struct Heartbeat {
    clock: Arc<dyn Clock>,
    calls: Calls,
    session_id: String,
    limits: HeartbeatLimits,
}

impl Heartbeat {
    pub(crate) fn new(clock: Arc<dyn Clock>, calls: Calls, session_id: String) -> Self {
        Self {
            clock,
            calls,
            session_id,
            limits: HeartbeatLimits::default(),
        }
    }

    pub(crate) fn with_limits(mut self, limits: HeartbeatLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Beats until the server says that the session is over.
    pub(crate) async fn run(self) {
        let body = SessionHeartbeatRequest::new().set_session_id(self.session_id.as_str());
        let options = CallOptions::new();
        let mut pulse = Pulse::new(self.limits, self.clock.now());
        loop {
            self.clock.sleep(INTERVAL).await;
            let asked = self.calls.0.session_heartbeat(&body, &options);
            let result = asked.await.map(drop);
            match pulse.beat(self.clock.now(), &result) {
                Next::Go => {}
                Next::Warn(silent) => {
                    let seconds = silent.as_secs();
                    let session = &self.session_id;
                    tracing::warn!(?result, "no heartbeat of session {session} for {seconds} s");
                }
                Next::End => {
                    tracing::info!("session {} is over", self.session_id);
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderMap;

    use super::*;

    fn answer(status: u16) -> Result<(), Error> {
        let status = StatusCode::from_u16(status).unwrap();
        Err(Error::from_response(status, HeaderMap::new(), Bytes::new()))
    }

    /// Covers: CHK-SM-1
    #[test]
    fn chk_sm_1_two_minutes_of_silence_are_worth_a_warning() {
        let start = Instant::now();
        let mut pulse = Pulse::new(HeartbeatLimits::default(), start);
        for tick in 1..=20_u32 {
            let next = pulse.beat(start + INTERVAL * tick, &answer(503));
            assert_eq!(matches!(next, Next::Warn(_)), tick >= 12, "{tick}");
        }
        assert_eq!(pulse.beat(start + INTERVAL * 21, &Ok(())), Next::Go);
        assert_eq!(pulse.beat(start + INTERVAL * 22, &answer(503)), Next::Go);
    }

    /// Covers: CHK-SM-2
    #[test]
    fn chk_sm_2_the_third_failure_in_a_row_is_one_too_many() {
        let now = Instant::now();
        let limits = HeartbeatLimits::default().with_max_failures(2);
        let mut pulse = Pulse::new(limits, now);
        for result in [answer(503), answer(503), Ok(()), answer(401), answer(503)] {
            assert_eq!(pulse.beat(now, &result), Next::Go);
        }
        assert_eq!(pulse.beat(now, &answer(503)), Next::End);
        let limits = HeartbeatLimits::default().with_max_silence(INTERVAL);
        let mut pulse = Pulse::new(limits, now);
        assert_eq!(pulse.beat(now + INTERVAL, &answer(503)), Next::Go);
        assert_eq!(pulse.beat(now + INTERVAL * 2, &answer(503)), Next::End);
    }

    /// Covers: CHK-SM-3
    #[test]
    fn chk_sm_3_only_a_410_ends_the_session() {
        let now = Instant::now();
        let mut pulse = Pulse::new(HeartbeatLimits::default(), now);
        assert_eq!(pulse.beat(now, &answer(401)), Next::Go);
        assert_eq!(pulse.beat(now, &Err(Error::connect("refused"))), Next::Go);
        assert_eq!(pulse.beat(now, &answer(410)), Next::End);
    }
}
