//! How long an account in debt is waited for: the server answers 402 until somebody pays. Shared by
//! all that a session does.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// After this long without a refusal the next one counts as the first.
const FORGOTTEN: Duration = Duration::from_secs(300);
/// The user is told at most this often.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

/// The debts of an account, as far as refusals tell.
#[derive(Debug)]
pub(crate) struct Billing {
    longest: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    first: Option<Instant>,
    logged: Option<Instant>,
}

impl Billing {
    /// Debts are waited out for `longest`.
    pub(crate) fn new(longest: Duration) -> Self {
        Self {
            longest,
            state: Mutex::default(),
        }
    }

    /// Takes note of a refusal; whether to wait and try again.
    pub(crate) fn may_wait(&self, now: Instant) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let since = |then: Instant| now.saturating_duration_since(then);
        if state.logged.is_none_or(|logged| since(logged) > FORGOTTEN) {
            *state = State::default();
        }
        let first = *state.first.get_or_insert(now);
        if since(first) > self.longest {
            tracing::error!("the account has been in debt for too long; giving up");
            return false;
        }
        if state
            .logged
            .is_none_or(|logged| since(logged) >= LOG_INTERVAL)
        {
            state.logged = Some(now);
            tracing::warn!("the account is in debt (402); waiting for it to be paid");
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debts_are_waited_out_for_an_hour_and_forgotten_after_five_minutes() {
        let billing = Billing::new(Duration::from_secs(3_600));
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        for seconds in (0..=3_600).step_by(5) {
            assert!(billing.may_wait(after(seconds)), "{seconds}");
        }
        assert!(!billing.may_wait(after(3_605)));
        assert!(billing.may_wait(after(3_605 + 301)), "a new debt");
    }
}
