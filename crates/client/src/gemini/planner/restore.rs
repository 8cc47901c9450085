//! Caches across processes: their records written down, taken over and proved, and what dead
//! processes left behind deleted.

use std::time::{Duration, SystemTime};

use futures_util::StreamExt as _;
use gimmal_api::gemini::ListCaches;
use gimmal_transport::{CallOptions, Error};

use super::lifecycle::is_gone;
use super::{Lease, Planner};

/// Caches asked for at a time.
const ASKED_AT_ONCE: usize = 8;
/// How the display names of the planner's caches begin.
const NAME_PREFIX: &str = "gimmal-v1-";

impl Planner {
    /// The records of the live caches, to be written down as JSON and
    /// [restored](Self::restore) by a later process.
    pub fn export_leases(&self) -> Vec<Lease> {
        let now = self.now().date;
        let mut leases = self.leases();
        leases.retain(|lease| lease.is_usable(now));
        leases
    }

    /// Takes over caches that an earlier process wrote down; those that have expired are left out.
    /// Returns how many were taken.
    ///
    /// A cache that was deleted meanwhile costs the first request that reads it one more call;
    /// [`prove`](Self::prove) finds out beforehand.
    ///
    /// ```no_run
    /// # async fn run(
    /// #     planner: gimmal_client::gemini::planner::Planner,
    /// #     json: &str,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// planner.restore(serde_json::from_str(json)?);
    /// planner.prove().await;
    /// # Ok(()) }
    /// ```
    pub fn restore(&self, leases: Vec<Lease>) -> usize {
        let now = self.now().date;
        let usable = leases.into_iter().filter(|lease| lease.is_usable(now));
        self.inner.ledger.take_over(usable, now)
    }

    /// Asks the service for every live cache, and forgets those that are gone or hold something
    /// else. Returns how many are left. A cache that cannot be asked for just now is kept.
    pub async fn prove(&self) -> usize {
        let leases = self.leases();
        let proofs = futures_util::stream::iter(leases).map(|lease| async move {
            let still_there = self.is_as_written(&lease).await;
            if !still_there {
                let now = self.now().date;
                self.inner.ledger.forget(&lease.key, &lease.name, now);
            }
            still_there
        });
        let proofs = proofs.buffer_unordered(ASKED_AT_ONCE);
        proofs
            .filter(|kept| std::future::ready(*kept))
            .count()
            .await
    }

    async fn is_as_written(&self, lease: &Lease) -> bool {
        let (api, options) = (&self.inner.api, CallOptions::default());
        match api.get_cache(&lease.name, &options).await {
            Ok(response) => {
                let wanted = lease.key.display_name();
                response.body().display_name.as_deref() == Some(wanted.as_str())
            }
            Err(error) => !is_gone(&error),
        }
    }

    /// The planner's caches on the service that this process does not know and that were made
    /// before `older_than` ago: what dead processes left behind. They are deleted unless `dry_run`.
    ///
    /// Returns their names. Caches of processes that are alive are among them, too, if they are
    /// that old.
    ///
    /// # Errors
    ///
    /// As the calls that list and delete caches; a cache that is gone already is no error.
    pub async fn sweep_remote(
        &self,
        older_than: Duration,
        dry_run: bool,
    ) -> Result<Vec<String>, Error> {
        let api = &self.inner.api;
        let known: Vec<String> = self.leases().into_iter().map(|lease| lease.name).collect();
        let before = self.now().date.checked_sub(older_than);
        let before = before.unwrap_or(SystemTime::UNIX_EPOCH);
        let mut pager = api.list_caches(ListCaches::default(), CallOptions::default());
        let mut found = Vec::new();
        while let Some(cache) = pager.next().await {
            let cache = cache?;
            let display_name = cache.display_name.as_deref().unwrap_or_default();
            let made = cache.create_time.map(|time| time.to_system_time());
            let is_old = made.is_some_and(|made| made <= before);
            if let Some(name) = cache.name
                && display_name.starts_with(NAME_PREFIX)
                && is_old
                && !known.contains(&name)
            {
                found.push(name);
            }
        }
        if dry_run {
            return Ok(found);
        }
        for name in &found {
            match api.delete_cache(name, &CallOptions::default()).await {
                Ok(_) => self.inner.ledger.retired(name, self.now().date),
                Err(error) if is_gone(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }
}
