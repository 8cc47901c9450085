//! When a token is replaced, and which header it goes into. Only figures; the rules are those of
//! `shared`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderName, StatusCode};

use crate::auth::secret::BEARER;
use crate::error::Error;
use crate::retry::{Backoff, BackoffArg, ExponentialBackoff};
use crate::time::{Clock, Jitter, ThreadRngJitter, TokioClock};

/// The share of its lifetime after which a token is replaced.
const REFRESH_AFTER: f64 = 0.5;

/// How far that share is spread, so that clients that started together do not refresh together.
const REFRESH_SPREAD: f64 = 0.1;

/// A token with less than this left is not trusted to last until the server looks at it.
const MARGIN: Duration = Duration::from_secs(60);

/// How long one fetch may take.
const FETCH_TIMEOUT: Duration = Duration::from_secs(60);

/// Settings of [`TokenCredentials`](crate::auth::TokenCredentials).
///
/// ```
/// use std::time::Duration;
/// use gimmal_transport::auth::{RejectedOn, TokenConfig};
/// use http::HeaderName;
///
/// let config = TokenConfig::in_header(HeaderName::from_static("x-api-key"))
///     .with_margin(Duration::from_secs(30))
///     .with_rejected_on(RejectedOn::InvalidToken);
/// # let _ = config;
/// ```
///
/// | Setting | Default |
/// |---|---|
/// | replaced in the background after this share of its lifetime | 0.5, spread over 0.45 to 0.55 |
/// | callers wait for a new one when less than this is left | 60 s, at most half of the lifetime |
/// | one fetch may take | 60 s |
/// | after a failed fetch, the next in the background comes after | up to 1 s, doubling to 60 s |
/// | refusals that make it worth replacing | every 401 |
#[derive(Clone, Debug)]
pub struct TokenConfig {
    pub(super) header: HeaderName,
    pub(super) prefix: &'static str,
    pub(super) fetch_timeout: Duration,
    pub(super) backoff: Arc<dyn Backoff>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) jitter: Arc<dyn Jitter>,
    pub(super) rejected_on: RejectedOn,
    refresh_after: f64,
    margin: Duration,
}

impl TokenConfig {
    /// Sends the token as `Authorization: Bearer …`.
    pub fn bearer() -> Self {
        Self::new(AUTHORIZATION, BEARER)
    }

    /// Sends the token alone, as the value of `header`.
    pub fn in_header(header: HeaderName) -> Self {
        Self::new(header, "")
    }

    fn new(header: HeaderName, prefix: &'static str) -> Self {
        Self {
            header,
            prefix,
            fetch_timeout: FETCH_TIMEOUT,
            backoff: Arc::new(ExponentialBackoff::default()),
            clock: Arc::new(TokioClock),
            jitter: Arc::new(ThreadRngJitter),
            rejected_on: RejectedOn::default(),
            refresh_after: REFRESH_AFTER,
            margin: MARGIN,
        }
    }

    /// Sets the share of its lifetime, between 0 and 1, after which a token is replaced.
    pub fn with_refresh_after(mut self, share: f64) -> Result<Self, Error> {
        if !(share > 0.0 && share < 1.0) {
            return Err(Error::invalid(
                "token.refresh_after",
                format!("{share} is not between 0 and 1; use for example 0.5"),
            ));
        }
        self.refresh_after = share;
        Ok(self)
    }

    /// Sets how much of its lifetime a token must have left for callers not to wait for the next.
    #[must_use]
    pub fn with_margin(mut self, margin: Duration) -> Self {
        self.margin = margin;
        self
    }

    /// Sets how long one fetch may take.
    #[must_use]
    pub fn with_fetch_timeout(mut self, timeout: Duration) -> Self {
        self.fetch_timeout = timeout;
        self
    }

    /// Sets how long failed fetches in the background are apart.
    #[must_use]
    pub fn with_backoff(mut self, backoff: impl Into<BackoffArg>) -> Self {
        self.backoff = backoff.into().into_inner();
        self
    }

    /// Sets which refusals make the token worth replacing.
    #[must_use]
    pub fn with_rejected_on(mut self, rejected_on: RejectedOn) -> Self {
        self.rejected_on = rejected_on;
        self
    }

    /// Takes time from `clock`.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Takes randomness from `jitter`.
    #[must_use]
    pub fn with_jitter(mut self, jitter: Arc<dyn Jitter>) -> Self {
        self.jitter = jitter;
        self
    }

    /// The turning points of a token that is valid for `lifetime` from now on; `None` when that
    /// is longer than the clock reaches.
    pub(super) fn schedule(&self, lifetime: Duration) -> Option<Schedule> {
        let now = self.clock.now();
        let spread = REFRESH_SPREAD * (self.jitter.fraction() - 0.5);
        let share = (self.refresh_after + spread).clamp(0.0, 1.0);
        let waiting = lifetime - self.margin.min(lifetime / 2);
        Some(Schedule {
            refresh_at: now.checked_add(lifetime.mul_f64(share).min(waiting))?,
            wait_at: now.checked_add(waiting)?,
            expires_at: now.checked_add(lifetime)?,
        })
    }
}

/// Sends the token as `Authorization: Bearer …`.
impl Default for TokenConfig {
    fn default() -> Self {
        Self::bearer()
    }
}

/// The turning points in the life of a token, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Schedule {
    /// From here on it is replaced in the background.
    pub(super) refresh_at: Instant,
    /// From here on callers wait for the next one.
    pub(super) wait_at: Instant,
    /// From here on it is worthless.
    pub(super) expires_at: Instant,
}

/// Which refusals say that a token is worth replacing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RejectedOn {
    /// Every 401.
    #[default]
    Unauthorized,
    /// A 401 whose `WWW-Authenticate` header says `error="invalid_token"`: the token has expired
    /// or was revoked (RFC 6750, section 3.1). Other 401s are left alone.
    InvalidToken,
}

impl RejectedOn {
    pub(super) fn matches(self, refusal: &Error) -> bool {
        refusal.status() == Some(StatusCode::UNAUTHORIZED)
            && match self {
                Self::Unauthorized => true,
                Self::InvalidToken => refusal.headers().is_some_and(|headers| {
                    let challenges = headers.get_all(WWW_AUTHENTICATE).into_iter();
                    challenges
                        .filter_map(|challenge| challenge.to_str().ok())
                        .any(|challenge| challenge.contains(r#"error="invalid_token""#))
                }),
            }
    }
}
