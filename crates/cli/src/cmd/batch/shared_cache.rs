//! The context cache that the workers of a queue share, seen from the command that gathers their
//! answers: what it cost, and its end. It never makes one.

use std::collections::HashSet;
use std::io::Write as _;
use std::time::SystemTime;

use gimmal_batch::strategies::GeminiCachedStrategy;
use gimmal_client::Error;
use gimmal_client::gemini::GeminiClient;
use gimmal_client::gemini::planner::PlannerStats;
use gimmal_client::types::gemini::CachedContent;

use crate::output::whole_seconds;

/// What is to become of the cache when the command ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// There are all answers, so nobody reads it any more.
    Delete,
    /// The user keeps it.
    Keep,
    /// Workers go on with it.
    Leave,
}

/// The cache of a job, if workers make one.
pub(super) struct SharedCache {
    client: GeminiClient,
    strategy: GeminiCachedStrategy,
    begun: SystemTime,
    /// Those that were there before, which somebody else has paid for.
    earlier: HashSet<String>,
}

impl SharedCache {
    /// Looks at what is there before the workers begin.
    pub(super) async fn watch(client: &GeminiClient, strategy: GeminiCachedStrategy) -> Self {
        // Whoever cannot list them now takes all for new: rather billed too high than too low.
        let earlier = strategy.find_caches().await.unwrap_or_default();
        Self {
            client: client.clone(),
            strategy,
            begun: SystemTime::now(),
            earlier: earlier.into_iter().filter_map(|cache| cache.name).collect(),
        }
    }

    /// Ends it, and tells what it came to. A service that refuses costs no answer: the cache
    /// expires by itself.
    pub(super) async fn end(&self, end: End) -> std::io::Result<Upkeep> {
        let mut upkeep = Upkeep::default();
        if let Err(error) = self.end_all(end, &mut upkeep).await {
            writeln!(
                std::io::stderr(),
                "warning: the context cache of the workers is not deleted or not billed, and \
                 expires by itself: {error}"
            )?;
        }
        Ok(upkeep)
    }

    async fn end_all(&self, end: End, upkeep: &mut Upkeep) -> Result<(), Error> {
        for cache in self.strategy.find_caches().await? {
            let Some(name) = &cache.name else { continue };
            self.bill(&cache, name, upkeep);
            if end == End::Delete {
                self.client.caches().delete(name).send().await?;
                upkeep.deleted += 1;
                continue;
            }
            let why = match end {
                End::Leave => "left to the workers",
                End::Delete | End::Keep => "kept",
            };
            let until = cache.expire_time.map(|time| time.to_system_time());
            let until = until.map_or(String::new(), |at| format!(" until {}", whole_seconds(&at)));
            upkeep.note = Some(format!("{why}: {name}{until}"));
        }
        Ok(())
    }

    fn bill(&self, cache: &CachedContent, name: &str, upkeep: &mut Upkeep) {
        let usage = cache.usage_metadata.as_ref();
        let tokens = usage.and_then(|usage| usage.total_token_count);
        let tokens = tokens.map_or(0, |tokens| u64::try_from(tokens).unwrap_or(0));
        let made = cache.create_time.map(|time| time.to_system_time());
        let since = if self.earlier.contains(name) {
            upkeep.adopted += 1;
            self.begun
        } else {
            upkeep.created += 1;
            upkeep.creation_tokens += tokens;
            made.unwrap_or(self.begun)
        };
        let kept = SystemTime::now().duration_since(since).unwrap_or_default();
        upkeep.token_hours += tokens as f64 * kept.as_secs_f64() / 3600.0;
    }
}

/// What the shared cache came to.
#[derive(Debug, Default)]
pub(super) struct Upkeep {
    created: u64,
    adopted: u64,
    creation_tokens: u64,
    token_hours: f64,
    deleted: u64,
    /// What became of one that is still there.
    pub(super) note: Option<String>,
}

impl Upkeep {
    /// Counts it among the caches of the command.
    pub(super) fn add_to(&self, stats: &mut PlannerStats) {
        stats.created += self.created;
        stats.adopted += self.adopted;
        stats.creation_tokens += self.creation_tokens;
        stats.storage_token_hours += self.token_hours;
        stats.retired += self.deleted;
        stats.live += self.created + self.adopted - self.deleted;
    }
}
