//! Who goes first among requests that begin alike. The service caches a beginning by itself only once
//! it has read it, so requests that set out together would all be billed in full.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::{CacheStrategy, Plan, Planner, PrefixKey};

/// A beginning that nobody sent for so long is taken to be forgotten by the service.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(300);

/// The beginnings that are on their way or arrived a short while ago.
#[derive(Clone, Debug, Default)]
pub(super) struct Fanout(Arc<Mutex<HashMap<PrefixKey, Stage>>>);

#[derive(Debug)]
enum Stage {
    OnItsWay(watch::Receiver<()>),
    Arrived(Instant),
}

/// The request that goes first. When it ends without having arrived, the next one is first.
#[derive(Debug)]
pub(super) struct First {
    fanout: Fanout,
    key: PrefixKey,
    /// Those who wait see it go.
    _sign: watch::Sender<()>,
}

impl First {
    /// The reply has begun.
    pub(super) fn arrived(self, now: Instant) {
        self.fanout.set(&self.key, Stage::Arrived(now));
    }
}

impl Drop for First {
    fn drop(&mut self) {
        let mut stages = self.fanout.lock();
        if let Some(Stage::OnItsWay(_)) = stages.get(&self.key) {
            stages.remove(&self.key);
        }
    }
}

/// What a request is to do.
enum Turn {
    Lead(First),
    Follow,
    Wait(watch::Receiver<()>),
}

impl Fanout {
    fn turn(&self, key: &PrefixKey, now: Instant) -> Turn {
        let mut stages = self.lock();
        stages.retain(|_, stage| match stage {
            Stage::OnItsWay(_) => true,
            Stage::Arrived(at) => now.saturating_duration_since(*at) < FORGOTTEN_AFTER,
        });
        match stages.get_mut(key) {
            Some(Stage::OnItsWay(sign)) => Turn::Wait(sign.clone()),
            Some(Stage::Arrived(at)) => {
                *at = now;
                Turn::Follow
            }
            None => {
                let (sender, sign) = watch::channel(());
                stages.insert(key.clone(), Stage::OnItsWay(sign));
                Turn::Lead(First {
                    fanout: self.clone(),
                    key: key.clone(),
                    _sign: sender,
                })
            }
        }
    }

    fn set(&self, key: &PrefixKey, stage: Stage) {
        self.lock().insert(key.clone(), stage);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<PrefixKey, Stage>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Planner {
    /// Returns when a plan may be sent: at once for the first of those that begin alike, with
    /// something to hold until its reply begins, and then for the others. Nobody waits longer than
    /// for the creation of a cache.
    pub(super) async fn may_go(&self, plan: &Plan) -> Option<First> {
        let options = &self.inner.options;
        let is_implicit = plan.action.strategy() == CacheStrategy::GenerateWithOptimizedParts;
        let (true, true, Some(key)) = (options.warm_first, is_implicit, &plan.key) else {
            return None;
        };
        let mut patience = self.clock().sleep(options.create_wait);
        loop {
            let mut sign = match self.inner.fanout.turn(key, self.clock().now()) {
                Turn::Lead(first) => return Some(first),
                Turn::Follow => return None,
                Turn::Wait(sign) => sign,
            };
            tokio::select! {
                // It fails when the first one is gone, which is what is waited for.
                _ = sign.changed() => {}
                () = &mut patience => return None,
            }
        }
    }
}
