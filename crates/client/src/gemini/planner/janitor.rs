//! The keeper of caches that works without requests: drops what has expired, deletes what nobody
//! reads, moves expiries that come near. What to do is decided in `reads.rs`.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use super::Planner;
use super::cost::longest_gap;
use super::reads::{Fate, KeptCache};

/// What one round of the janitor did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Swept {
    /// Caches that had expired.
    pub expired: usize,
    /// Idle caches that were deleted.
    pub retired: usize,
    /// Caches whose expiry was moved.
    pub renewed: usize,
}

impl Planner {
    /// The live caches with how they were read.
    pub fn kept_caches(&self) -> Vec<KeptCache> {
        self.inner.ledger.kept_caches()
    }

    /// Looks after the live caches once: drops those that have expired, deletes those that have
    /// been idle for longer than keeping them pays, and moves the expiry of those that are read and
    /// have little left.
    ///
    /// Requests renew what they read, so this is for times without requests, and to stop paying for
    /// what is not read any more. [`spawn_janitor`](Self::spawn_janitor) does it again and again.
    pub async fn sweep(&self) -> Swept {
        let buffer = self.inner.options.renew_buffer;
        let mut swept = Swept::default();
        for cache in self.kept_caches() {
            let now = self.now();
            let price = self
                .model_facts(&cache.lease.model)
                .map(|facts| facts.price(0));
            let worth_keeping = price.and_then(|price| longest_gap(&price));
            match cache.fate(now.date, buffer, worth_keeping) {
                Fate::Keep => {}
                Fate::Drop => {
                    // Looking for it drops it.
                    self.inner.ledger.live(&cache.lease.key, now.date);
                    swept.expired += 1;
                }
                Fate::Retire => {
                    for lease in self.inner.ledger.take_out(&[cache.lease.key], now.date) {
                        self.retire(&lease).await;
                        swept.retired += 1;
                    }
                }
                Fate::Renew => {
                    if self
                        .inner
                        .ledger
                        .begin_renewal(&cache.lease.name, now.instant)
                        && self.renew_now(&cache.lease).await
                    {
                        swept.renewed += 1;
                    }
                }
            }
        }
        swept
    }

    /// [Sweeps](Self::sweep) every so often, in a task that ends with the last clone of this
    /// planner, or when it is aborted. Five minutes are a good pause.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime.
    pub fn spawn_janitor(&self, pause: Duration) -> JoinHandle<()> {
        let (clock, planner) = (Arc::clone(self.clock()), Arc::downgrade(&self.inner));
        tokio::spawn(async move {
            loop {
                clock.sleep(pause).await;
                let Some(inner) = planner.upgrade() else {
                    return;
                };
                Self { inner }.sweep().await;
            }
        })
    }
}
