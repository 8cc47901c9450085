//! What a shared store holds, for people who look after it. It reads names and the server's own
//! counters, page by page, and never all keys at once.

use std::time::Duration;

use serde::Serialize;

use super::cache::RedisCache;
use super::link::Fault;
use crate::key::CacheKey;
use crate::outcome::DegradeReason;
use crate::selector::{Selector, encoded};

/// Keys looked at per step of a scan.
pub(super) const PAGE: usize = 500;

/// What a server says of itself. Other users of the same server count too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ServerCounters {
    /// Reads of keys that were there, since the server started.
    pub hits: u64,
    /// Reads of keys that were not.
    pub misses: u64,
    /// Memory that the server has in use.
    pub used_bytes: u64,
    /// Time from asking for these numbers to having them.
    pub round_trip: Duration,
}

impl ServerCounters {
    /// The share of reads since `earlier` that found their key, from 0 to 1; `None` without reads.
    #[must_use]
    pub fn hit_ratio_since(&self, earlier: &Self) -> Option<f64> {
        let hits = self.hits.saturating_sub(earlier.hits);
        let reads = hits + self.misses.saturating_sub(earlier.misses);
        (reads > 0).then(|| hits as f64 / reads as f64)
    }
}

impl RedisCache {
    /// The keys of what is stored, as far as a selector of names selects them: tags and models are
    /// not part of a key and select nothing here.
    ///
    /// # Errors
    ///
    /// When the server is away or refuses. A cluster cannot be listed: each node knows its own keys
    /// only.
    pub async fn keys(&self, selector: &Selector) -> Result<Vec<CacheKey>, DegradeReason> {
        let list = async {
            if self.0.link.is_cluster() {
                return Err(Fault::Other);
            }
            self.ready().await?;
            let namespace = selector.namespace();
            let (mut cursor, mut all) = (0, Vec::new());
            loop {
                let page = self.page(cursor, selector, namespace.as_deref()).await?;
                all.extend(page.1);
                cursor = page.0;
                if cursor == 0 {
                    return Ok(all);
                }
            }
        };
        let mut keys: Vec<CacheKey> = list.await.map_err(Fault::degrade_reason)?;
        // A scan may give a key twice.
        keys.sort_unstable();
        keys.dedup();
        Ok(keys)
    }

    /// What the server says of itself.
    ///
    /// # Errors
    ///
    /// When the server is away or refuses.
    pub async fn server_counters(&self) -> Result<ServerCounters, DegradeReason> {
        let ask = async {
            self.ready().await?;
            let (limit, start) = (self.0.timeouts.get, self.0.clock.now());
            let stats: String = self
                .send_for(redis::cmd("INFO").arg("stats"), limit)
                .await?;
            let round_trip = self.0.clock.now().saturating_duration_since(start);
            let memory: String = self
                .send_for(redis::cmd("INFO").arg("memory"), limit)
                .await?;
            Ok(ServerCounters {
                hits: number(&stats, "keyspace_hits"),
                misses: number(&stats, "keyspace_misses"),
                used_bytes: number(&memory, "used_memory"),
                round_trip,
            })
        };
        ask.await.map_err(Fault::degrade_reason)
    }

    /// One step of a scan: where to go on, 0 at the end, and what was found.
    pub(super) async fn page(
        &self,
        cursor: u64,
        selector: &Selector,
        namespace: Option<&str>,
    ) -> Result<(u64, Vec<CacheKey>), Fault> {
        let names = namespace.map_or_else(|| "*".to_owned(), |it| format!("{}:*", encoded(it)));
        let mut scan = redis::cmd("SCAN");
        scan.arg(cursor).arg("MATCH");
        scan.arg(format!("{}:{names}", crate::key::PREFIX));
        scan.arg("COUNT").arg(PAGE);
        let page = self.send_for(&scan, self.0.timeouts.scan).await?;
        let (next, names): (u64, Vec<String>) = page;
        let keys = names.iter().filter_map(|name| CacheKey::parse(name));
        Ok((
            next,
            keys.filter(|key| selector.matches(key, &[])).collect(),
        ))
    }
}

/// The number of a line `name:number`; 0 if there is none.
fn number(info: &str, name: &str) -> u64 {
    let mut lines = info.lines().filter_map(|line| line.split_once(':'));
    let found = lines.find(|(key, _)| *key == name);
    found.map_or(0, |(_, value)| value.trim().parse().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_read_by_their_whole_name() {
        let info = "# Stats\r\nkeyspace_hits_old:9\r\nkeyspace_hits:42\r\n";
        assert_eq!(number(info, "keyspace_hits"), 42);
        assert_eq!(number(info, "keyspace_misses"), 0);
    }

    #[test]
    fn a_ratio_is_of_the_reads_in_between() {
        let at = |hits, misses| ServerCounters {
            hits,
            misses,
            ..ServerCounters::default()
        };
        assert_eq!(at(13, 6).hit_ratio_since(&at(10, 5)), Some(0.75));
        assert_eq!(at(10, 5).hit_ratio_since(&at(10, 5)), None);
    }
}
