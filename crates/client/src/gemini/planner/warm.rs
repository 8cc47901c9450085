//! Creating a cache ahead of the first request.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use gimmal_transport::Error;
use gimmal_types::gemini::Content;

use super::ledger::FlightFailure;
use super::{
    CreateFailure, Lease, OnCreateError, PartsPayload, PlanHint, Planner, PreparedPrefix,
    TokenEstimate, Verdict,
};

/// Between two looks at a cache that is kept warm.
const LEAST_PAUSE: Duration = Duration::from_secs(1);

/// Why a cache could not be created ahead of time.
#[derive(Clone, Debug, thiserror::Error)]
#[error("cannot create the context cache: {text}")]
pub struct WarmError {
    text: String,
    authentication: bool,
    /// The refusal itself, where there was one.
    source: Option<Error>,
}

impl WarmError {
    /// True when the credentials are wrong, so that every other call would fail too.
    pub fn is_authentication(&self) -> bool {
        self.authentication
    }
}

impl Planner {
    /// Creates the cache for a prefix before the first request, if it pays.
    ///
    /// Returns the live cache, or `None` when the planner decides against one.
    ///
    /// # Errors
    ///
    /// Fails on a wrong key, and with [`OnCreateError::Fail`] on any failure to create.
    pub async fn warm(
        &self,
        prefix: &PreparedPrefix,
        hint: &PlanHint,
    ) -> Result<Option<Lease>, WarmError> {
        // Any request will do as the tail: the decision does not depend on its words.
        let payload = PartsPayload {
            prefix: Arc::clone(&prefix.prefix),
            tail: Arc::from([Content::user("?")]),
        };
        let tail = TokenEstimate::of_contents(payload.tail.iter());
        let mut estimate = self.estimate(prefix);
        let guaranteed = self.inner.options.on_create_error == OnCreateError::Fail;
        let ttl = loop {
            match self.verdict(prefix, &payload, estimate, tail, hint).0 {
                Verdict::NeedTokens => estimate = self.count_or_guess(prefix).await,
                Verdict::UseLease => {
                    return Ok(self.longest_lease(prefix).map(|(lease, _)| lease));
                }
                Verdict::Create { ttl, .. } => break ttl,
                Verdict::Send { reason, .. } if guaranteed && reason.is_failure() => {
                    return Err(WarmError {
                        text: format!("an earlier failure is remembered ({reason})"),
                        authentication: false,
                        source: None,
                    });
                }
                Verdict::Send { .. } | Verdict::UseNamed => return Ok(None),
            }
        };
        match self.ensure(prefix, ttl, None).await {
            Ok(lease) => Ok(Some(lease)),
            Err(FlightFailure { class, text, error }) => {
                let authentication = class == CreateFailure::Unauthenticated;
                if guaranteed || authentication {
                    Err(WarmError {
                        text,
                        authentication,
                        source: error,
                    })
                } else {
                    Ok(None)
                }
            }
        }
    }

    /// Creates the caches of several prefixes, so many at a time; the outcomes are in their order.
    pub async fn warm_many(
        &self,
        prefixes: &[PreparedPrefix],
        hint: &PlanHint,
        at_once: NonZeroUsize,
    ) -> Vec<Result<Option<Lease>, WarmError>> {
        let warmed = stream::iter(prefixes).map(|prefix| self.warm(prefix, hint));
        warmed.buffered(at_once.get()).collect().await
    }

    /// Keeps the cache of a prefix alive for so long, whether anybody reads it or not: creates it,
    /// and moves its expiry shortly before it comes. Ends early when the planner decides against a
    /// cache, or the cache cannot be kept.
    ///
    /// # Errors
    ///
    /// As [`warm`](Self::warm).
    pub async fn keep_warm(
        &self,
        prefix: &PreparedPrefix,
        hint: &PlanHint,
        time: Duration,
    ) -> Result<(), WarmError> {
        let end = self.now().date + time;
        loop {
            let Some(lease) = self.warm(prefix, hint).await? else {
                return Ok(());
            };
            let now = self.now().date;
            let left = end.duration_since(now).unwrap_or_default();
            let spare = lease
                .remaining(now)
                .saturating_sub(self.renewal_buffer(&lease));
            if spare >= left {
                self.clock().sleep(left).await;
                return Ok(());
            }
            self.clock().sleep(spare.max(LEAST_PAUSE)).await;
            if !self.renew_now(&lease).await {
                return Ok(());
            }
        }
    }
}
