//! The life of a cache: found or created once, renewed beside its readers, deleted at the end.

use std::time::{Duration, SystemTime};

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use gimmal_api::gemini::ListCaches;
use gimmal_transport::{CallOptions, Error, Timeout};
use gimmal_types::WireDuration;
use gimmal_types::gemini::{CachedContent, CreateCachedContentRequest, UpdateCachedContentRequest};

use super::files::{LEAST_LIFE, cut};
use super::ledger::{Flight, FlightFailure, Landing, Leadership, Outcome, Ticket};
use super::{CreateFailure, Lease, PlanHint, Planner, PreparedPrefix, TtlPolicy};

/// Longest time the service may take to create a cache.
const CREATE_TIMEOUT: Duration = Duration::from_secs(120);
/// Deletions at a time when the planner closes.
const DELETIONS_AT_ONCE: usize = 8;

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
        let ledger = &self.inner.ledger;
        let flight = match ledger.ticket(&prefix.key, &prefix.full_model, self.now()) {
            Ticket::Live(lease) => return Ok(lease),
            Ticket::Failed => {
                return Err(FlightFailure::unavailable("creating it failed just now"));
            }
            Ticket::Join(flight) => flight,
            Ticket::Lead(sender, leadership) => {
                let flight = sender.subscribe();
                let (planner, prefix) = (self.clone(), prefix.clone());
                tokio::spawn(async move {
                    let outcome = planner.create_and_land(&prefix, ttl, &leadership).await;
                    // Nobody may be waiting any more; the ledger has the outcome either way.
                    let _ = sender.send(Some(outcome));
                });
                flight
            }
        };
        let Some(wait) = wait else {
            return landed(flight).await;
        };
        let sleep = self.clock().sleep(wait);
        tokio::select! {
            outcome = landed(flight) => outcome,
            () = sleep => {
                let wait = wait.as_secs_f64();
                let text = format!("the cache was not ready within {wait} s");
                Err(FlightFailure::unavailable(text))
            }
        }
    }

    async fn create_and_land(
        &self,
        prefix: &PreparedPrefix,
        ttl: Duration,
        leadership: &Leadership,
    ) -> Outcome {
        let begun = self.now().instant;
        let (outcome, adopted) = self.find_or_create(prefix, ttl).await;
        let (key, model) = (&prefix.key, &prefix.full_model);
        let ledger = &self.inner.ledger;
        let landing = ledger.land(key, model, &outcome, leadership, adopted, self.now());
        if let (Ok(lease), false) = (&outcome, adopted) {
            let now = self.now().instant;
            ledger.change_line(prefix.line(), |line| line.rolled(now));
            if prefix.estimate.is_of_text() {
                ledger.calibrate(model, prefix.estimate.expected, lease.tokens);
            }
            let took = now.saturating_duration_since(begun).as_secs_f64();
            ledger.count(|stats| stats.create_seconds += took);
            if let Some(facts) = self.model_facts(model) {
                let tokens = u64::from(lease.tokens);
                let price = facts.price(tokens);
                ledger.charge(|bill| bill.add_caches(&price, tokens, 0.0));
            }
        }
        match &outcome {
            Ok(lease) if landing == Landing::Orphaned && !self.inner.options.keep_on_close => {
                self.retire(lease).await;
                Err(FlightFailure::unavailable(
                    "the planner was closed meanwhile",
                ))
            }
            _ => outcome,
        }
    }

    /// The outcome, and whether the cache was there before.
    async fn find_or_create(&self, prefix: &PreparedPrefix, ttl: Duration) -> (Outcome, bool) {
        // After a creation that may have succeeded unseen, a second one might be billed twice.
        let may_exist = self.inner.ledger.may_exist(&prefix.key);
        if may_exist || self.inner.options.adopt {
            match self.find_remote(prefix).await {
                Ok(Some(lease)) => return (Ok(lease), true),
                Err(error) if may_exist => return (Err(failed(error)), false),
                Ok(None) | Err(_) => {}
            }
        }
        let files_end = self.files_end(prefix).await;
        let Some(ttl) = cut(ttl, files_end, self.now().date) else {
            let text = "a file in it is about to expire";
            return (Err(FlightFailure::unavailable(text)), false);
        };
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
        let asked_at = self.now().date;
        let outcome = match self.inner.api.create_cache(&request, &options).await {
            Ok(response) => {
                let cache = response.into_body();
                let expires_at = local_expiry(&cache, asked_at, ttl);
                let lease = lease(prefix, &cache, asked_at, expires_at, ttl);
                let lease = lease.map(|lease| Lease { files_end, ..lease });
                lease.ok_or_else(|| {
                    FlightFailure::unavailable("the service created a cache without its name")
                })
            }
            Err(error) => Err(failed(error)),
        };
        (outcome, false)
    }

    /// A cache of the same prefix that this process does not know, found by its display name.
    async fn find_remote(&self, prefix: &PreparedPrefix) -> Result<Option<Lease>, Error> {
        let wanted = prefix.key.display_name();
        let api = &self.inner.api;
        let mut pager = api.list_caches(ListCaches::default(), CallOptions::default());
        let now = self.now().date;
        while let Some(cache) = pager.next().await {
            let cache = match cache {
                Ok(cache) => cache,
                // One entry that cannot be read is not the one that is looked for.
                Err(error) if error.is_decode() => continue,
                Err(error) => return Err(error),
            };
            // On Vertex the service may name the project by its number, so only the model counts.
            let same_model = cache.model.as_deref().map(short) == Some(short(&prefix.full_model));
            // A cache whose expiry is not known counts as expiring now.
            let (Some(expiry), true) = (cache.expire_time, same_model) else {
                continue;
            };
            if cache.display_name.as_deref() != Some(wanted.as_str()) {
                continue;
            }
            let expires_at = expiry.to_system_time();
            let created_at = cache.create_time.map_or(now, |time| time.to_system_time());
            let ttl = expires_at.duration_since(created_at).unwrap_or_default();
            if let Some(lease) = lease(prefix, &cache, created_at, expires_at, ttl)
                && lease.is_usable(now)
            {
                return Ok(Some(lease));
            }
        }
        Ok(None)
    }

    /// Moves the expiry of a cache that has little left and readers to come, beside the request
    /// that reads it.
    pub(super) fn renew_beside(&self, lease: &Lease, hint: &PlanHint) {
        let now = self.now();
        let last_read = hint.expected_reads.is_some_and(|reads| reads <= 1);
        if lease.remaining(now.date) >= self.renewal_buffer(lease)
            || last_read
            || self.renewal_ttl(lease).is_none()
            || !self.inner.ledger.begin_renewal(&lease.name, now.instant)
        {
            return;
        }
        let (planner, lease) = (self.clone(), lease.clone());
        tokio::spawn(async move { planner.renew_now(&lease).await });
    }

    /// A cache that has less than this left is renewed.
    pub(super) fn renewal_buffer(&self, lease: &Lease) -> Duration {
        let reads = self.inner.ledger.reads(&lease.key);
        reads.renewal_buffer(self.inner.options.renew_buffer, lease.ttl)
    }

    /// For how long from now on a renewal asks; `None` when the files in the cache do not live
    /// longer than it does already.
    fn renewal_ttl(&self, lease: &Lease) -> Option<Duration> {
        let ttl = match self.inner.options.ttl {
            TtlPolicy::Fixed(ttl) => ttl,
            TtlPolicy::SeedBySize => lease.ttl,
            TtlPolicy::Auto => lease.ttl.min(self.inner.options.default_ttl),
        };
        if lease
            .files_end
            .is_some_and(|end| end <= lease.expires_at + LEAST_LIFE)
        {
            return None;
        }
        cut(ttl, lease.files_end, self.now().date)
    }

    /// Moves the expiry of a cache; false when it could not be moved.
    pub(super) async fn renew_now(&self, lease: &Lease) -> bool {
        let Some(ttl) = self.renewal_ttl(lease) else {
            return false;
        };
        let renewed = self.renew(lease, ttl).await;
        self.inner
            .ledger
            .end_renewal(lease, renewed, self.now().date);
        renewed.is_some()
    }

    async fn renew(&self, lease: &Lease, ttl: Duration) -> Option<SystemTime> {
        let request = UpdateCachedContentRequest::new().set_ttl(WireDuration::from(ttl));
        let (api, options) = (&self.inner.api, CallOptions::default());
        let asked_at = self.now().date;
        match api.update_cache(&lease.name, &request, &options).await {
            Ok(response) => Some(local_expiry(&response.into_body(), asked_at, ttl)),
            Err(error) => {
                tracing::warn!(cache = %lease.name, %error, "context cache not renewed");
                if is_gone(&error) {
                    let now = self.now().date;
                    self.inner.ledger.forget(&lease.key, &lease.name, now);
                }
                None
            }
        }
    }

    /// Ends the planner's caches: deletes them, which ends their billing, or with `keep_on_close`
    /// leaves them to expire. Later plans start afresh.
    ///
    /// Creations under way are waited for, as long as [`create_wait`] says; what comes later still
    /// is deleted as it comes. Failures are logged and not returned: what is left expires by
    /// itself. A planner that is dropped instead leaves its caches to expire.
    ///
    /// [`create_wait`]: super::PlannerOptions::create_wait
    pub async fn close(&self) {
        let (leases, flights) = self.inner.ledger.drain(self.now().date);
        if self.inner.options.keep_on_close {
            return;
        }
        futures_util::stream::iter(leases)
            .for_each_concurrent(DELETIONS_AT_ONCE, |lease| async move {
                self.retire(&lease).await;
            })
            .await;
        let sleep = self.clock().sleep(self.inner.options.create_wait);
        tokio::select! {
            _ = join_all(flights.into_iter().map(landed)) => {}
            () = sleep => tracing::warn!("context caches are still being created at close"),
        }
    }

    /// Deletes the caches that a longer one replaces. A cache of the first turn alone is left to
    /// expire: other conversations may begin alike.
    pub(super) fn retire_beginnings(&self, prefix: &PreparedPrefix) {
        let beginnings = prefix.keys.get(2..prefix.keys.len() - 1).unwrap_or(&[]);
        for lease in self.inner.ledger.take_out(beginnings, self.now().date) {
            let planner = self.clone();
            tokio::spawn(async move { planner.retire(&lease).await });
        }
    }

    pub(super) async fn retire(&self, lease: &Lease) {
        let (api, options) = (&self.inner.api, CallOptions::default());
        match api.delete_cache(&lease.name, &options).await {
            Ok(_) => self.inner.ledger.retired(&lease.name, self.now().date),
            // Gone already is as good as deleted.
            Err(error) if is_gone(&error) => {}
            Err(error) => {
                tracing::warn!(cache = %lease.name, %error, "context cache not deleted");
            }
        }
    }
}

fn failed(error: Error) -> FlightFailure {
    let class = CreateFailure::of(&error);
    tracing::warn!(class = class.as_str(), %error, "context cache not created");
    FlightFailure {
        class,
        text: error.to_string(),
        error: Some(error),
    }
}

/// The service hides caches that are gone behind either status.
pub(super) fn is_gone(error: &Error) -> bool {
    let status = error.status().map(|status| status.as_u16());
    matches!(status, Some(403 | 404))
}

/// The name of a model without its collection.
fn short(model: &str) -> &str {
    model.rsplit('/').next().unwrap_or(model)
}

/// The record of a cache, unless the service left out its name.
fn lease(
    prefix: &PreparedPrefix,
    cache: &CachedContent,
    created_at: SystemTime,
    expires_at: SystemTime,
    ttl: Duration,
) -> Option<Lease> {
    let usage = cache.usage_metadata.as_ref();
    let counted = usage.and_then(|usage| usage.total_token_count);
    Some(Lease {
        name: cache.name.clone()?,
        key: prefix.key.clone(),
        model: prefix.full_model.to_string(),
        tokens: counted
            .and_then(|tokens| u32::try_from(tokens).ok())
            .unwrap_or(prefix.estimate.expected),
        ttl,
        created_at,
        expires_at,
        files_end: None,
        labels: prefix.labels.to_vec(),
    })
}

/// When a cache expires, on the local clock.
///
/// Between its last change and its expiry lies a span that both clocks agree on, so a local clock
/// that is wrong does no harm. It is counted from the moment of asking, which is never too late.
fn local_expiry(cache: &CachedContent, asked_at: SystemTime, ttl: Duration) -> SystemTime {
    let changed = cache.update_time.or(cache.create_time);
    let told = cache.expire_time.map(|expiry| expiry.to_system_time());
    match (told, changed) {
        (Some(expiry), Some(changed)) => {
            let span = expiry.duration_since(changed.to_system_time());
            asked_at + span.unwrap_or_default()
        }
        (Some(expiry), None) => expiry,
        // A life too long for any clock is not believed at all.
        (None, _) => asked_at.checked_add(ttl).unwrap_or(asked_at),
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
        Ok(None) | Err(_) => Err(FlightFailure::unavailable(
            "the creation of the cache was cut off",
        )),
    }
}
