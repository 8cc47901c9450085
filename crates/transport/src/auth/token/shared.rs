//! The token at hand, the fetch under way, and what to do next. The lock is held for a moment
//! only, never while anything is waited for.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use crate::auth::secret::secret_headers;
use crate::auth::token::TokenConfig;
use crate::auth::token::config::Schedule;
use crate::auth::{AccessToken, AuthHeaders, AuthTag, TokenSource};
use crate::error::{Error, TimeoutKind};
use crate::time::{Elapsed, within};

/// The wait between fetches in the background when the schedule has no more to say.
const LAST_WAIT: Duration = Duration::from_secs(60);

/// How a fetch ended, for all who waited for it.
type Outcome = Result<AuthHeaders, Arc<Error>>;

/// The end of a fetch as a future that many can await.
type Landing = future::Shared<oneshot::Receiver<Outcome>>;

/// What credentials and their fetches share.
#[derive(Debug)]
pub(super) struct Shared {
    source: Arc<dyn TokenSource>,
    config: TokenConfig,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    held: Option<Held>,
    flight: Option<Flight>,
    /// Fetches that failed since one succeeded.
    failures: u32,
    /// When the next fetch in the background may start.
    not_before: Option<Instant>,
}

/// A token ready to be sent; without a schedule it is good until it is refused.
#[derive(Clone, Debug)]
struct Held {
    headers: AuthHeaders,
    schedule: Option<Schedule>,
}

impl Held {
    fn past(&self, now: Instant, point: fn(&Schedule) -> Instant) -> bool {
        self.schedule
            .is_some_and(|schedule| now >= point(&schedule))
    }

    fn is_live(&self, now: Instant) -> bool {
        !self.past(now, |schedule| schedule.expires_at)
    }
}

/// A fetch under way.
#[derive(Debug)]
struct Flight {
    landing: Landing,
    task: AbortHandle,
}

/// What a caller does now.
pub(super) enum Step {
    /// Goes on with these headers.
    Ready(AuthHeaders),
    /// Waits for the fetch to end.
    Wait(Landing),
}

impl Shared {
    pub(super) fn new(source: Arc<dyn TokenSource>, config: TokenConfig) -> Self {
        Self {
            source,
            config,
            state: Mutex::default(),
        }
    }

    pub(super) fn source(&self) -> &dyn TokenSource {
        &*self.source
    }

    /// Decides what a caller does, and starts a fetch when it is time for one.
    pub(super) fn step(self: &Arc<Self>) -> Step {
        let now = self.config.clock.now();
        let mut state = self.state();
        // A task that ended with its runtime has left its flight behind.
        if state
            .flight
            .as_ref()
            .is_some_and(|it| it.task.is_finished())
        {
            state.flight = None;
        }
        let Some(held) = state.held.clone().filter(|held| held.is_live(now)) else {
            let flight = state.flight.get_or_insert_with(|| self.take_off());
            return Step::Wait(flight.landing.clone());
        };
        let may_start = state.not_before.is_none_or(|at| now >= at);
        if may_start && held.past(now, |schedule| schedule.refresh_at) {
            state.flight.get_or_insert_with(|| self.take_off());
        }
        match &state.flight {
            Some(flight) if held.past(now, |schedule| schedule.wait_at) => {
                Step::Wait(flight.landing.clone())
            }
            _ => Step::Ready(held.headers),
        }
    }

    /// The headers at hand, while they are good for anything.
    pub(super) fn live_headers(&self) -> Option<AuthHeaders> {
        let now = self.config.clock.now();
        let state = self.state();
        let held = state.held.as_ref().filter(|held| held.is_live(now))?;
        Some(held.headers.clone())
    }

    /// Drops the token that the server refused, and says whether another one is worth a try.
    pub(super) fn rejected(&self, tag: AuthTag, refusal: &Error) -> bool {
        if !self.config.rejected_on.matches(refusal) {
            return false;
        }
        let mut state = self.state();
        // Callers that were refused together must not drop the token that replaced theirs.
        if state
            .held
            .as_ref()
            .is_some_and(|it| it.headers.tag() == tag)
        {
            state.held = None;
            tracing::debug!("token was refused, obtaining another");
        }
        true
    }

    /// Ends a fetch under way.
    pub(super) fn abort(&self) {
        if let Some(flight) = self.state().flight.take() {
            flight.task.abort();
        }
    }

    /// Starts a fetch in a task of its own, so that it outlives the caller that needed it first.
    fn take_off(self: &Arc<Self>) -> Flight {
        let (sender, receiver) = oneshot::channel();
        let shared = Arc::clone(self);
        let task = tokio::spawn(async move {
            let outcome = shared.fetch().await;
            // Nobody waits for a fetch in the background.
            let _: Result<(), Outcome> = sender.send(outcome);
        });
        Flight {
            landing: receiver.shared(),
            task: task.abort_handle(),
        }
    }

    async fn fetch(&self) -> Outcome {
        let config = &self.config;
        let limit = config.fetch_timeout;
        let fetched = within(&*config.clock, Some(limit), self.source.fetch()).await;
        let fetched = fetched
            .unwrap_or_else(|Elapsed| Err(Error::timeout(TimeoutKind::Attempt, limit)))
            .and_then(|token| self.hold(&token));
        self.land(fetched)
    }

    /// Makes the headers, once for all calls to come.
    fn hold(&self, token: &AccessToken) -> Result<Held, Error> {
        let config = &self.config;
        let headers = secret_headers(&config.header, config.prefix, token.secret())
            .map_err(|flaw| flaw.error("token"))?;
        let schedule = token.lifetime().and_then(|it| config.schedule(it));
        Ok(Held { headers, schedule })
    }

    /// Takes note of how a fetch ended.
    fn land(&self, fetched: Result<Held, Error>) -> Outcome {
        let now = self.config.clock.now();
        let mut state = self.state();
        state.flight = None;
        match fetched {
            Ok(held) => {
                let headers = held.headers.clone();
                *state = State {
                    held: Some(held),
                    ..State::default()
                };
                tracing::debug!("token obtained");
                Ok(headers)
            }
            Err(error) => {
                state.failures = state.failures.saturating_add(1);
                let wait = self
                    .config
                    .backoff
                    .next_delay(state.failures, &*self.config.jitter)
                    .unwrap_or(LAST_WAIT);
                state.not_before = now.checked_add(wait);
                let kind = error.kind();
                let status = error.status().map(|status| status.as_u16());
                // The first failure is news, the others are the same story.
                if state.failures == 1 {
                    tracing::warn!("error.type" = ?kind, status, "token could not be obtained");
                } else {
                    tracing::debug!("error.type" = ?kind, status, "token could not be obtained");
                }
                Err(Arc::new(error))
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
