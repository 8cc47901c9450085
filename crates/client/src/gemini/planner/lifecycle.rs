//! The life of a cache: found or created once, renewed beside its readers, deleted at the end.

use std::time::{Duration, SystemTime};

use futures_util::TryStreamExt as _;
use gimmal_api::gemini::ListCaches;
use gimmal_transport::{CallOptions, Timeout};
use gimmal_types::WireDuration;
use gimmal_types::gemini::{CachedContent, CreateCachedContentRequest, UpdateCachedContentRequest};

use super::ledger::{Flight, FlightFailure, Outcome, Ticket};
use super::{CreateFailure, Lease, Planner, PreparedPrefix, TtlPolicy};

/// Longest time the service may take to create a cache.
const CREATE_TIMEOUT: Duration = Duration::from_secs(120);

impl Planner {
    /// The live cache for a prefix, created if need be.
    ///
    /// Creation runs in a task of its own, so a caller that gives up or is dropped harms nobody
    /// who waits for the same cache. With `wait` the caller gives up after that long; the creation
    /// goes on and serves later requests.
    pub(super) async fn ensure(
        &self,
        prefix: &PreparedPrefix,
        ttl: Duration,
        wait: Option<Duration>,
    ) -> Outcome {
        let flight = match self
            .inner
            .ledger
            .ticket(&prefix.key, self.clock().system_now())
        {
            Ticket::Live(lease) => return Ok(lease),
            Ticket::Join(flight) => flight,
            Ticket::Lead(sender) => {
                let flight = sender.subscribe();
                let (planner, prefix) = (self.clone(), prefix.clone());
                tokio::spawn(async move {
                    let (outcome, adopted) = planner.find_or_create(&prefix, ttl).await;
                    let now = planner.clock().now();
                    let ledger = &planner.inner.ledger;
                    ledger.land(&prefix.key, &prefix.full_model, &outcome, now, adopted);
                    // Nobody may be waiting any more; the ledger has the outcome either way.
                    let _ = sender.send(Some(outcome));
                });
                flight
            }
        };
        match wait {
            None => landed(flight).await,
            Some(wait) => {
                let sleep = self.clock().sleep(wait);
                tokio::select! {
                    outcome = landed(flight) => outcome,
                    () = sleep => Err(FlightFailure {
                        class: CreateFailure::Unavailable,
                        text: format!("the cache was not ready within {} s", wait.as_secs_f64()),
                    }),
                }
            }
        }
    }

    async fn find_or_create(&self, prefix: &PreparedPrefix, ttl: Duration) -> (Outcome, bool) {
        // After a creation that may have succeeded unseen, a second one might be billed twice.
        let look = self.inner.options.adopt || self.inner.ledger.may_exist(&prefix.key);
        if look && let Some(lease) = self.find_remote(prefix).await {
            return (Ok(lease), true);
        }
        let shared = &prefix.prefix;
        let mut request = CreateCachedContentRequest::new()
            .set_model(prefix.full_model.to_string())
            .set_contents(shared.contents.iter().cloned())
            .set_tools(shared.tools.iter().cloned())
            .set_ttl(WireDuration::from(ttl))
            .set_display_name(prefix.key.display_name());
        request.system_instruction = shared.system_instruction.clone().map(Box::new);
        request.tool_config = shared.tool_config.clone().map(Box::new);
        let options = CallOptions::default().with_attempt_timeout(Timeout::After(CREATE_TIMEOUT));
        let outcome = match self.inner.api.create_cache(&request, &options).await {
            Ok(response) => self
                .lease_of(prefix, &response.into_body(), Some(ttl))
                .ok_or_else(|| FlightFailure {
                    class: CreateFailure::Unavailable,
                    text: "the service created a cache without telling its name".to_owned(),
                }),
            Err(error) => {
                let class = CreateFailure::of(&error);
                tracing::warn!(class = class.as_str(), %error, "context cache not created");
                Err(FlightFailure {
                    class,
                    text: error.to_string(),
                })
            }
        };
        (outcome, false)
    }

    /// A cache of the same prefix that this process does not know, found by its display name.
    async fn find_remote(&self, prefix: &PreparedPrefix) -> Option<Lease> {
        let wanted = prefix.key.display_name();
        let mut pager = self
            .inner
            .api
            .list_caches(ListCaches::default(), CallOptions::default());
        while let Some(cache) = pager.try_next().await.ok()? {
            let named = cache.display_name.as_deref() == Some(wanted.as_str());
            if !named || cache.model.as_deref() != Some(&*prefix.full_model) {
                continue;
            }
            // A cache whose expiry is not known counts as expiring now.
            let lease = self.lease_of(prefix, &cache, None);
            let usable = |lease: &Lease| lease.is_usable(self.clock().system_now());
            if let Some(lease) = lease.filter(usable) {
                return Some(lease);
            }
        }
        None
    }

    /// The record of a cache. The service's own times are trusted, so a wrong local clock only
    /// shifts what it is compared with.
    fn lease_of(
        &self,
        prefix: &PreparedPrefix,
        cache: &CachedContent,
        ttl: Option<Duration>,
    ) -> Option<Lease> {
        let now = self.clock().system_now();
        let expires_at = match cache.expire_time {
            Some(time) => time.to_system_time(),
            None => now + ttl?,
        };
        let counted = cache
            .usage_metadata
            .as_ref()
            .and_then(|usage| usage.total_token_count);
        Some(Lease {
            name: cache.name.clone()?,
            key: prefix.key.clone(),
            model: prefix.full_model.to_string(),
            tokens: counted
                .and_then(|tokens| u32::try_from(tokens).ok())
                .unwrap_or(prefix.estimate.expected),
            created_at: cache.create_time.map_or(now, |time| time.to_system_time()),
            expires_at,
        })
    }

    /// Moves the expiry of a cache that has little left, beside the request that reads it.
    pub(super) fn renew_beside(&self, lease: &Lease) {
        let life = lease
            .expires_at
            .duration_since(lease.created_at)
            .unwrap_or_default();
        // The buffer must be shorter than the life, or a new cache would be renewed at once.
        let buffer = self.inner.options.renew_buffer.min(life / 2);
        if lease.remaining(self.clock().system_now()) >= buffer
            || !self.inner.ledger.begin_renewal(&lease.key)
        {
            return;
        }
        let ttl = match self.inner.options.ttl {
            TtlPolicy::Fixed(ttl) => ttl,
            TtlPolicy::Auto => life.min(self.inner.options.default_ttl),
        };
        let (planner, lease) = (self.clone(), lease.clone());
        tokio::spawn(async move {
            let renewed = planner.renew(&lease, ttl).await;
            planner.inner.ledger.end_renewal(&lease.key, renewed);
        });
    }

    async fn renew(&self, lease: &Lease, ttl: Duration) -> Option<SystemTime> {
        let request = UpdateCachedContentRequest::new().set_ttl(WireDuration::from(ttl));
        let api = &self.inner.api;
        match api
            .update_cache(&lease.name, &request, &CallOptions::default())
            .await
        {
            Ok(response) => {
                let told = response.into_body().expire_time;
                Some(told.map_or_else(
                    || self.clock().system_now() + ttl,
                    |time| time.to_system_time(),
                ))
            }
            Err(error) => {
                tracing::warn!(cache = %lease.name, %error, "context cache not renewed");
                None
            }
        }
    }

    /// Ends the planner's caches: deletes them, which ends their billing, or with `keep_on_close`
    /// leaves them to expire.
    ///
    /// Failures are logged and not returned: what is left expires by itself.
    pub async fn close(&self) {
        let leases = self.inner.ledger.drain(self.clock().system_now());
        if self.inner.options.keep_on_close {
            return;
        }
        for lease in leases {
            match self
                .inner
                .api
                .delete_cache(&lease.name, &CallOptions::default())
                .await
            {
                Ok(_) => self.inner.ledger.count(|stats| stats.retired += 1),
                // Gone already is as good as deleted.
                Err(error)
                    if error
                        .status()
                        .is_some_and(|s| [403, 404].contains(&s.as_u16())) => {}
                Err(error) => {
                    tracing::warn!(cache = %lease.name, %error, "context cache not deleted");
                }
            }
        }
    }
}

/// Waits for the end of a creation.
async fn landed(mut flight: Flight) -> Outcome {
    let outcome = flight
        .wait_for(Option::is_some)
        .await
        .map(|outcome| outcome.clone());
    match outcome {
        Ok(Some(outcome)) => outcome,
        // The task that creates died without a word, by a panic or the end of the runtime.
        Ok(None) | Err(_) => Err(FlightFailure {
            class: CreateFailure::Unavailable,
            text: "the creation of the cache was cut off".to_owned(),
        }),
    }
}
