//! A semaphore that counts: so many at once, first come, first served.

use std::num::NonZeroU32;
use std::sync::Arc;

use crate::error::Error;
use crate::semaphore::{Gate, Grant, Rule};

/// A number of permits shared by all clones.
///
/// ```
/// use std::num::NonZeroU32;
/// use gimmal_transport::semaphore::Semaphore;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let semaphore = Semaphore::new(NonZeroU32::new(2).unwrap());
/// let first = semaphore.acquire().await;
/// let second = semaphore.acquire().await;
/// assert!(semaphore.try_acquire().is_none());
/// drop(first);
/// assert!(semaphore.try_acquire().is_some());
/// # drop(second);
/// # }
/// ```
///
/// Permits are handed out in the order in which they were asked for. Who asks for many is not
/// overtaken by those who ask for few, and who stops waiting leaves the queue.
#[derive(Clone, Debug)]
pub struct Semaphore {
    gate: Arc<Gate>,
    permits: u32,
}

impl Semaphore {
    /// A semaphore with this many permits.
    pub fn new(permits: NonZeroU32) -> Self {
        Self {
            gate: Arc::new(Gate::new(Rule::Whole, u64::from(permits.get()))),
            permits: permits.get(),
        }
    }

    /// Waits for a permit.
    pub async fn acquire(&self) -> Permit {
        Permit {
            _grant: self.gate.acquire(1, None).await,
        }
    }

    /// Waits for `count` permits at once; more than there are in all is an error.
    pub async fn acquire_many(&self, count: u32) -> Result<Permit, Error> {
        if count > self.permits {
            return Err(Error::invalid(
                "permits",
                format!(
                    "{count} are more than the {} of this semaphore; ask for fewer",
                    self.permits
                ),
            ));
        }
        Ok(Permit {
            _grant: self.gate.acquire(u64::from(count), None).await,
        })
    }

    /// A permit, if one is free and nobody waits.
    pub fn try_acquire(&self) -> Option<Permit> {
        let grant = self.gate.try_acquire(1, None)?;
        Some(Permit { _grant: grant })
    }

    /// How many permits are free.
    pub fn available(&self) -> u32 {
        u32::try_from(self.gate.left()).unwrap_or(0)
    }

    /// How many wait for a permit.
    pub fn waiting(&self) -> usize {
        self.gate.waiting()
    }
}

/// Permits of a [`Semaphore`]; dropping it gives them back.
#[derive(Debug)]
#[must_use = "dropping a permit gives it back at once"]
pub struct Permit {
    _grant: Grant,
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn permits(count: u32) -> Semaphore {
        Semaphore::new(NonZeroU32::new(count).unwrap())
    }

    #[tokio::test]
    async fn more_than_there_will_ever_be_is_an_error() {
        let semaphore = permits(3);
        let error = semaphore.acquire_many(4).await.unwrap_err();
        assert_eq!(error.field(), Some("permits"));
        let all = semaphore.acquire_many(3).await.unwrap();
        assert_eq!(semaphore.available(), 0);
        drop(all);
        assert_eq!(semaphore.available(), 3);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn many_tasks_never_exceed_the_limit_and_all_get_through() {
        let semaphore = permits(5);
        let (inside, most) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
        let tasks: Vec<_> = (0..500)
            .map(|n| {
                let (semaphore, inside, most) =
                    (semaphore.clone(), Arc::clone(&inside), Arc::clone(&most));
                tokio::spawn(async move {
                    let permit = if n % 7 == 0 {
                        semaphore.acquire_many(5).await.unwrap()
                    } else {
                        semaphore.acquire().await
                    };
                    let now = inside.fetch_add(1, Ordering::SeqCst) + 1;
                    most.fetch_max(now, Ordering::SeqCst);
                    tokio::task::yield_now().await;
                    inside.fetch_sub(1, Ordering::SeqCst);
                    drop(permit);
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert!(most.load(Ordering::SeqCst) <= 5);
        assert_eq!((semaphore.available(), semaphore.waiting()), (5, 0));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn tasks_that_are_aborted_lose_no_permit_and_no_wake_up() {
        let semaphore = permits(2);
        let tasks: Vec<_> = (0..400)
            .map(|_| {
                let semaphore = semaphore.clone();
                tokio::spawn(async move {
                    let _permit = semaphore.acquire().await;
                    tokio::task::yield_now().await;
                })
            })
            .collect();
        for (n, task) in tasks.iter().enumerate() {
            if n % 3 == 0 {
                task.abort();
            }
        }
        for task in tasks {
            // An aborted task reports so; what counts is that every task ends.
            let _: Result<(), tokio::task::JoinError> = task.await;
        }
        assert_eq!((semaphore.available(), semaphore.waiting()), (2, 0));
    }

    #[tokio::test]
    async fn first_come_first_served() {
        let semaphore = permits(1);
        let held = semaphore.acquire().await;
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = Vec::new();
        for n in 0..100 {
            let (semaphore, order) = (semaphore.clone(), Arc::clone(&order));
            tasks.push(tokio::spawn(async move {
                let _permit = semaphore.acquire().await;
                order.lock().unwrap().push(n);
            }));
            // Each task queues before the next one is spawned.
            tokio::task::yield_now().await;
        }
        assert_eq!(semaphore.waiting(), 100);
        drop(held);
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), (0..100).collect::<Vec<_>>());
    }
}
