//! A counting semaphore per key. A key takes up memory only while somebody holds or waits for one
//! of its permits.

use std::borrow::Borrow;
use std::fmt;
use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::Arc;

use crate::semaphore::{Gate, Grant, Rule};
use crate::weak_map::WeakMap;

/// Permits counted separately for each key.
///
/// ```
/// use std::num::NonZeroU32;
/// use gimmal_transport::semaphore::KeyedSemaphore;
///
/// let semaphore = KeyedSemaphore::new();
/// let one = NonZeroU32::MIN;
/// let permit = semaphore.try_acquire("a", one);
/// assert!(permit.is_some());
/// assert!(semaphore.try_acquire("a", one).is_none());
/// assert!(semaphore.try_acquire("b", one).is_some());
/// assert_eq!(semaphore.count("a"), 1);
/// ```
///
/// The limit is said by each caller, so it may change from one to the next. Each key has a queue
/// of its own; within it nobody overtakes.
pub struct KeyedSemaphore<K> {
    gates: Arc<WeakMap<K, Gate>>,
}

impl<K: Eq + Hash> KeyedSemaphore<K> {
    /// A semaphore on which nothing is taken.
    pub fn new() -> Self {
        Self {
            gates: Arc::default(),
        }
    }

    /// A permit of `key`, if fewer than `limit` are out and nobody waits.
    pub fn try_acquire(&self, key: K, limit: NonZeroU32) -> Option<KeyedPermit> {
        let grant = self
            .gate(key)
            .try_acquire(1, Some(u64::from(limit.get())))?;
        Some(KeyedPermit { _grant: grant })
    }

    /// Waits until fewer than `limit` permits of `key` are out.
    pub async fn acquire(&self, key: K, limit: NonZeroU32) -> KeyedPermit {
        let acquire = self.gate(key).acquire(1, Some(u64::from(limit.get())));
        KeyedPermit {
            _grant: acquire.await,
        }
    }

    /// How many permits of `key` are out.
    pub fn count<Q>(&self, key: &Q) -> u32
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let used = self.gates.get(key).map_or(0, |gate| gate.used());
        u32::try_from(used).unwrap_or(u32::MAX)
    }

    fn gate(&self, key: K) -> Arc<Gate> {
        // Every caller brings a limit of its own, so the gate's is never asked.
        self.gates
            .get_or_insert_with(key, || Gate::new(Rule::Whole, u64::MAX))
    }
}

impl<K: Eq + Hash> Default for KeyedSemaphore<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K> Clone for KeyedSemaphore<K> {
    fn clone(&self) -> Self {
        Self {
            gates: Arc::clone(&self.gates),
        }
    }
}

impl<K> fmt::Debug for KeyedSemaphore<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedSemaphore").finish_non_exhaustive()
    }
}

/// A permit of a [`KeyedSemaphore`]; dropping it gives it back.
#[derive(Debug)]
#[must_use = "dropping a permit gives it back at once"]
pub struct KeyedPermit {
    _grant: Grant,
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn limit(limit: u32) -> NonZeroU32 {
        NonZeroU32::new(limit).unwrap()
    }

    #[test]
    fn chk_sem_1_two_of_two_and_keys_apart() {
        let semaphore = KeyedSemaphore::new();
        let first = semaphore.try_acquire("k", limit(2));
        let second = semaphore.try_acquire("k", limit(2));
        assert!(first.is_some() && second.is_some());
        assert!(semaphore.try_acquire("k", limit(2)).is_none());
        assert_eq!((semaphore.count("k"), semaphore.count("other")), (2, 0));

        let third = semaphore.try_acquire("k", limit(3));
        assert!(third.is_some(), "the limit is the caller's");
        drop((first, third));
        assert!(semaphore.try_acquire("k", limit(2)).is_some());
        drop(second);
        assert_eq!(semaphore.count("k"), 0, "a key without permits counts none");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn chk_sem_1_fifty_tasks_with_limit_five() {
        let semaphore = KeyedSemaphore::new();
        let (inside, most) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
        let tasks: Vec<_> = (0..50)
            .map(|_| {
                let (semaphore, inside, most) =
                    (semaphore.clone(), Arc::clone(&inside), Arc::clone(&most));
                tokio::spawn(async move {
                    let _permit = semaphore.acquire("k", limit(5)).await;
                    let now = inside.fetch_add(1, Ordering::SeqCst) + 1;
                    most.fetch_max(now, Ordering::SeqCst);
                    tokio::task::yield_now().await;
                    inside.fetch_sub(1, Ordering::SeqCst);
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert!((1..=5).contains(&most.load(Ordering::SeqCst)));
        assert_eq!(semaphore.count("k"), 0);
    }

    #[tokio::test]
    async fn chk_rs_1_one_at_a_time_per_key_and_released_after_a_panic() {
        let semaphore = KeyedSemaphore::new();
        let held = semaphore.acquire(("session-1", 1), limit(1)).await;
        assert!(semaphore.try_acquire(("session-1", 1), limit(1)).is_none());
        let other = semaphore.acquire(("session-2", 1), limit(1)).await;
        drop((held, other));

        let panicking = {
            let semaphore = semaphore.clone();
            tokio::spawn(async move {
                let _permit = semaphore.acquire(("session-1", 1), limit(1)).await;
                panic!("on purpose");
            })
        };
        assert!(panicking.await.unwrap_err().is_panic());
        assert!(semaphore.try_acquire(("session-1", 1), limit(1)).is_some());
    }
}
