//! What an attempt has to pass before it is sent, and what is told afterwards to those who let it
//! pass. The order is the pipeline's affair up to here; within, it is: permit, breaker, throttle,
//! rate and pause. Nothing here sends or retries.

use std::sync::Arc;
use std::time::Duration;

use crate::body::ByteStream;
use crate::circuit::{
    AdaptiveThrottler, CircuitBreaker, CircuitPermit, CircuitRegistry, ThrottlePermit,
};
use crate::error::{Error, ErrorKind};
use crate::observe::{Gate, Observation};
use crate::rate_limit::{
    Admission, ConcurrencyLimit, ConcurrencyPermit, PauseGeneration, PauseWindow, RateLimit,
};

/// The limits of a transport; each is off unless set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gates {
    pub(crate) concurrency: Option<ConcurrencyLimit>,
    pub(crate) circuits: Option<CircuitRegistry>,
    pub(crate) throttle: Option<AdaptiveThrottler>,
    pub(crate) rate_limit: Option<Arc<dyn RateLimit>>,
    pub(crate) pause: Option<PauseWindow>,
}

impl Gates {
    /// Waits until one attempt may be made.
    ///
    /// Dropping the future gives back whatever had been taken by then.
    pub(crate) async fn pass(
        &self,
        circuit: Option<&CircuitBreaker>,
        tokens: u64,
        max_pause: Duration,
        observation: &Observation,
    ) -> Result<Pass, Error> {
        let mut pass = Pass::default();
        if let Some(limit) = &self.concurrency {
            let permit = observation.hold(Gate::Concurrency, limit.acquire());
            pass.permit = Some(permit.await);
        }
        if let Some(breaker) = circuit {
            pass.circuit = Some(breaker.try_acquire()?);
        }
        if let Some(throttler) = &self.throttle {
            pass.throttle = Some(throttler.try_acquire()?);
        }
        if let Some(limit) = &self.rate_limit {
            let admission = observation.hold(Gate::RateLimit, limit.admit(tokens));
            pass.admission = Some(admission.await?);
        }
        if let Some(window) = &self.pause {
            let entered = observation.hold(Gate::Pause, window.enter_within(max_pause));
            let generation = entered.await.map_err(Error::paused)?;
            pass.pause = Some(generation);
        }
        if let Some(breaker) = circuit
            && pass.circuit.as_ref().is_some_and(CircuitPermit::is_stale)
        {
            // The waits above may be long enough for the circuit to open.
            pass.circuit = Some(breaker.try_acquire()?);
        }
        Ok(pass)
    }
}

/// The leave to make one attempt; dropping it unsettled gives everything back.
#[derive(Debug, Default)]
#[must_use = "dropping a pass gives everything back"]
pub(crate) struct Pass {
    permit: Option<ConcurrencyPermit>,
    circuit: Option<CircuitPermit>,
    throttle: Option<ThrottlePermit>,
    admission: Option<Admission>,
    pause: Option<PauseGeneration>,
    started: bool,
}

impl Pass {
    /// Takes note that the request is about to be sent.
    pub(crate) fn start(&mut self) {
        self.started = true;
        if let Some(admission) = &mut self.admission {
            admission.start();
        }
    }

    /// A body that counts as in flight until it is read to its end or dropped.
    pub(crate) fn hold(&mut self, body: ByteStream) -> ByteStream {
        match self.permit.take() {
            Some(permit) => {
                // The head of the reply is here, so the server took the call on.
                permit.success();
                body.holding(permit)
            }
            None => body,
        }
    }

    /// Tells everyone how the attempt went; `gates` are those that were passed.
    pub(crate) fn settle<T>(mut self, gates: &Gates, result: Result<&T, &Error>) {
        if !self.started {
            return;
        }
        let verdict = match result {
            Ok(_) => Verdict::Success,
            Err(error) => Verdict::of(error),
        };
        if let Some(circuit) = self.circuit.take() {
            match verdict {
                Verdict::Success | Verdict::Refused | Verdict::RateLimited => circuit.success(),
                Verdict::Overloaded | Verdict::Unreachable => circuit.failure(),
                Verdict::Unknown => drop(circuit),
            }
        }
        if let Some(throttle) = self.throttle.take() {
            match verdict {
                Verdict::Success | Verdict::Refused => throttle.accepted(),
                Verdict::RateLimited | Verdict::Overloaded | Verdict::Unreachable => {
                    throttle.rejected();
                }
                Verdict::Unknown => drop(throttle),
            }
        }
        if let Some(permit) = &self.permit {
            match verdict {
                Verdict::Success | Verdict::Refused => permit.success(),
                Verdict::RateLimited | Verdict::Overloaded => permit.congestion(),
                Verdict::Unreachable | Verdict::Unknown => {}
            }
        }
        if let (Some(window), Some(seen)) = (&gates.pause, self.pause) {
            match (verdict, result) {
                (Verdict::Success, _) => window.succeeded(),
                (Verdict::RateLimited, Err(error)) => {
                    window.report(seen, error.retry_after());
                }
                _ => {}
            }
        }
    }
}

/// What an attempt says about the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// It did its work.
    Success,
    /// It did its work, which was to say no.
    Refused,
    /// It is well, and asks for fewer requests.
    RateLimited,
    /// It has more to do than it can.
    Overloaded,
    /// It was not reached, or was lost on the way.
    Unreachable,
    /// Nothing: the failure is the client's own.
    Unknown,
}

impl Verdict {
    fn of(error: &Error) -> Self {
        match error.kind() {
            // Waiting seconds does not bring back a quota per day, so there is no pause for it.
            ErrorKind::QuotaExhausted => Self::Refused,
            ErrorKind::RateLimited => Self::RateLimited,
            ErrorKind::Timeout => Self::Overloaded,
            ErrorKind::Connect | ErrorKind::Io | ErrorKind::StreamInterrupted => Self::Unreachable,
            _ => match error.status() {
                // The reply is here; that it cannot be used is not for the server's health.
                Some(status) if status.is_success() => Self::Success,
                Some(status) if status.is_server_error() => Self::Overloaded,
                Some(_) => Self::Refused,
                None => Self::Unknown,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, StatusCode};
    use test_case::test_case;

    use super::*;
    use crate::error::TimeoutKind;

    fn answer(status: u16) -> Error {
        let status = StatusCode::from_u16(status).unwrap();
        Error::from_response(status, HeaderMap::new(), Bytes::new())
    }

    #[test_case(&answer(429), Verdict::RateLimited)]
    #[test_case(&answer(500), Verdict::Overloaded)]
    #[test_case(&answer(503), Verdict::Overloaded; "unavailable")]
    #[test_case(&answer(400), Verdict::Refused)]
    #[test_case(&answer(401), Verdict::Refused; "key refused")]
    #[test_case(&Error::timeout(TimeoutKind::Attempt, Duration::ZERO), Verdict::Overloaded)]
    #[test_case(&Error::connect("refused"), Verdict::Unreachable)]
    #[test_case(&Error::io("lost"), Verdict::Unreachable; "lost")]
    #[test_case(&Error::authentication("no token"), Verdict::Unknown)]
    #[test_case(&Error::cancelled("stop"), Verdict::Unknown; "cancelled")]
    #[test_case(&Error::too_large(1), Verdict::Unknown; "no status")]
    #[test_case(&Error::decode("x", Bytes::new()).with_answer(StatusCode::OK, &HeaderMap::new()),
        Verdict::Success; "unreadable")]
    fn what_an_error_says_about_the_server(error: &Error, expected: Verdict) {
        assert_eq!(Verdict::of(error), expected);
    }
}
