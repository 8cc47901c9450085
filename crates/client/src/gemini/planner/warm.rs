//! Creating a cache ahead of the first request.

use std::sync::Arc;

use gimmal_types::gemini::Content;

use super::ledger::FlightFailure;
use super::{
    CreateFailure, Lease, OnCreateError, PartsPayload, PlanHint, Planner, PreparedPrefix,
    TokenEstimate, Verdict,
};

/// Why a cache could not be created ahead of time.
#[derive(Clone, Debug, thiserror::Error)]
#[error("cannot create the context cache: {text}")]
pub struct WarmError {
    text: String,
    authentication: bool,
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
                Verdict::UseLease => return Ok(self.lease(prefix)),
                Verdict::Create { ttl, .. } => break ttl,
                Verdict::Send { reason, .. } if guaranteed && reason.is_failure() => {
                    return Err(WarmError {
                        text: format!("an earlier failure is remembered ({reason})"),
                        authentication: false,
                    });
                }
                Verdict::Send { .. } | Verdict::UseNamed => return Ok(None),
            }
        };
        match self.ensure(prefix, ttl, None).await {
            Ok(lease) => Ok(Some(lease)),
            Err(FlightFailure { class, text }) => {
                let authentication = class == CreateFailure::Unauthenticated;
                if guaranteed || authentication {
                    Err(WarmError {
                        text,
                        authentication,
                    })
                } else {
                    Ok(None)
                }
            }
        }
    }
}
