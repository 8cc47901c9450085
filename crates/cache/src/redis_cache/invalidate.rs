//! How entries are invalidated in the store: by one key for whatever has a name, page by page for
//! patterns. Commands that look at all keys at once are never sent.

use std::time::Duration;

use super::cache::RedisCache;
use super::link::Fault;
use super::survey::PAGE;
use super::{epochs, message};
use crate::cache::ResponseCache as _;
use crate::outcome::{DegradeReason, InvalidationStatus};
use crate::selector::Selector;
use crate::time::Timestamp;

impl RedisCache {
    /// Invalidates, and removes what was selected page by page, which frees its memory at once.
    /// Returns how many entries it removed; `None` where they cannot be found and go as they expire:
    /// in a cluster, whose nodes know their own keys only, and by tags and models, which are not part
    /// of a key.
    ///
    /// # Errors
    ///
    /// When the server is away or refuses.
    ///
    /// ```no_run
    /// # async fn run(cache: gimmal_cache::RedisCache) -> Result<(), gimmal_cache::DegradeReason> {
    /// use gimmal_cache::Selector;
    ///
    /// let removed = cache.purge(&Selector::operation("summarize")).await?;
    /// println!("{removed:?} entries");
    /// # Ok(()) }
    /// ```
    pub async fn purge(&self, selector: &Selector) -> Result<Option<u64>, DegradeReason> {
        let report = self.invalidate(selector).await;
        if report.status != InvalidationStatus::Success {
            return Err(DegradeReason::Unavailable);
        }
        if self.0.link.is_cluster() || matches!(selector, Selector::Tag { .. }) {
            return Ok(None);
        }
        let namespace = selector.namespace();
        let swept = self.sweep(selector, namespace.as_deref()).await;
        let swept = swept.map_err(Fault::degrade_reason)?;
        Ok(Some(swept + report.l2_removed.unwrap_or(0)))
    }

    /// Carries out an invalidation; the number of entries removed, if they were removed.
    pub(super) async fn apply(&self, selector: &Selector) -> Result<Option<u64>, Fault> {
        let removed = match selector {
            Selector::Key(key) => Some(self.remove(key).await?.into()),
            Selector::Glob(pattern) if !self.0.link.is_cluster() => {
                let namespace = pattern.literal_namespace();
                Some(self.sweep(selector, namespace.as_deref()).await?)
            }
            Selector::Glob(pattern) => {
                let all = pattern.literal_namespace().map(Selector::Namespace);
                self.begin_epoch(&all.unwrap_or(Selector::All)).await?;
                None
            }
            _ => {
                self.begin_epoch(selector).await?;
                None
            }
        };
        let (channel, text) = message::write(selector, self.0.channel.sender());
        let mut publish = redis::cmd("PUBLISH");
        publish.arg(channel).arg(text);
        // Others see it within a second even if they are not told.
        self.send(&publish, self.0.timeouts.set).await.ok();
        Ok(removed)
    }

    async fn begin_epoch(&self, selector: &Selector) -> Result<(), Fault> {
        let Some(name) = epochs::of_selector(selector) else {
            return Ok(());
        };
        let limit = self.0.timeouts.set;
        let (seconds, micros): (u64, u64) = self.send_for(&redis::cmd("TIME"), limit).await?;
        let server = Timestamp::from_millis(seconds * 1_000 + micros / 1_000);
        // Our clock may be ahead of the server's, and with it what we have stored.
        let epoch = server.max(self.0.clock.timestamp());
        let mut set = redis::cmd("SET");
        set.arg(&name).arg(epoch.as_millis());
        self.send(&set, limit).await?;
        self.0.epochs.learn(name, Some(epoch), self.0.clock.now());
        Ok(())
    }

    /// Removes what a pattern selects, page by page.
    async fn sweep(&self, selector: &Selector, namespace: Option<&str>) -> Result<u64, Fault> {
        let (mut cursor, mut removed, mut pages) = (0, 0, 0_u32);
        loop {
            let (next, selected) = self.page(cursor, selector, namespace).await?;
            for keys in selected.chunks(PAGE) {
                let mut unlink = redis::cmd("UNLINK");
                for key in keys {
                    unlink.arg(key.as_str());
                }
                removed += self.send_for::<u64>(&unlink, self.0.timeouts.scan).await?;
            }
            cursor = next;
            pages += 1;
            if cursor == 0 {
                return Ok(removed);
            }
            if pages.is_multiple_of(10) {
                self.0.clock.sleep(Duration::from_millis(1)).await;
            }
        }
    }

    /// What other processes invalidated is asked for anew.
    pub(super) fn note_remote(&self, selector: &Selector) {
        match epochs::of_selector(selector) {
            Some(name) => self.0.epochs.forget(&[name]),
            None => self.0.epochs.forget_all(),
        }
    }
}
