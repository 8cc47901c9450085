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
    last_success: Instant,
}

impl Pulse {
    fn beat(&mut self, now: Instant, result: &Result<(), Error>) -> Next {
        match result {
            Ok(()) => {
                self.last_success = now;
                Next::Go
            }
            Err(error) if error.status() == Some(StatusCode::GONE) => Next::End,
            Err(_) => {
                let silent = now.saturating_duration_since(self.last_success);
                if silent >= WORRYING {
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
}

impl Heartbeat {
    pub(crate) fn new(clock: Arc<dyn Clock>, calls: Calls, session_id: String) -> Self {
        Self {
            clock,
            calls,
            session_id,
        }
    }

    /// Beats until the server says that the session is over.
    pub(crate) async fn run(self) {
        let body = SessionHeartbeatRequest::new().set_session_id(self.session_id.as_str());
        let options = CallOptions::new();
        let mut pulse = Pulse {
            last_success: self.clock.now(),
        };
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
        let mut pulse = Pulse {
            last_success: start,
        };
        for tick in 1..=20_u32 {
            let next = pulse.beat(start + INTERVAL * tick, &answer(503));
            assert_eq!(matches!(next, Next::Warn(_)), tick >= 12, "{tick}");
        }
        assert_eq!(pulse.beat(start + INTERVAL * 21, &Ok(())), Next::Go);
        assert_eq!(pulse.beat(start + INTERVAL * 22, &answer(503)), Next::Go);
    }

    /// Covers: CHK-SM-3
    #[test]
    fn chk_sm_3_only_a_410_ends_the_session() {
        let now = Instant::now();
        let mut pulse = Pulse { last_success: now };
        assert_eq!(pulse.beat(now, &answer(401)), Next::Go);
        assert_eq!(pulse.beat(now, &Err(Error::connect("refused"))), Next::Go);
        assert_eq!(pulse.beat(now, &answer(410)), Next::End);
    }
}
