//! A semaphore that weighs: so many bytes under way at once. One caller may overdraw it, because
//! a single reply that is larger than the whole budget has to get through somehow.

use std::sync::{Arc, LazyLock};

use crate::scope::Scope;
use crate::semaphore::{Gate, Grant, Rule};
use crate::weak_map::WeakMap;

/// Bytes of a budget unless said otherwise: 5 MiB.
const MAX_BYTES: u64 = 5 * 1024 * 1024;

/// A budget of bytes shared by all clones; 5 MiB by default.
///
/// ```
/// use gimmal_transport::semaphore::BytesSemaphore;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let budget = BytesSemaphore::new(1_000);
/// let large = budget.acquire(2_000).await;
/// assert_eq!(budget.left(), -1_000);
/// assert!(budget.try_acquire(1).is_none());
/// drop(large);
/// assert_eq!(budget.left(), 1_000);
/// # }
/// ```
///
/// A caller is let in when the budget is not overdrawn, whatever it asks for; what it asks for is
/// then taken off. So the budget is overdrawn by one caller at most, and no reply is too large to
/// ever be read. Callers are served in the order in which they came.
#[derive(Clone, Debug)]
pub struct BytesSemaphore {
    gate: Arc<Gate>,
}

impl Default for BytesSemaphore {
    fn default() -> Self {
        Self::new(MAX_BYTES)
    }
}

impl BytesSemaphore {
    /// A budget of this many bytes.
    pub fn new(max_bytes: u64) -> Self {
        Self {
            gate: Arc::new(Gate::new(Rule::Overdraft, max_bytes)),
        }
    }

    /// The budget that all of this process share for replies to one account from one server.
    ///
    /// It has 5 MiB, and exists for as long as somebody holds it or a permit of it.
    pub fn shared(scope: &Scope) -> Self {
        static BUDGETS: LazyLock<WeakMap<Scope, Gate>> = LazyLock::new(WeakMap::default);
        Self {
            gate: BUDGETS
                .get_or_insert_with(scope.clone(), || Gate::new(Rule::Overdraft, MAX_BYTES)),
        }
    }

    /// Waits until the budget is not overdrawn, then takes `bytes` off it.
    pub async fn acquire(&self, bytes: u64) -> BytesPermit {
        BytesPermit {
            _grant: self.gate.acquire(bytes, None).await,
            bytes,
        }
    }

    /// Takes `bytes` off the budget, if it is not overdrawn and nobody waits.
    pub fn try_acquire(&self, bytes: u64) -> Option<BytesPermit> {
        let grant = self.gate.try_acquire(bytes, None)?;
        Some(BytesPermit {
            _grant: grant,
            bytes,
        })
    }

    /// The bytes left; negative when overdrawn.
    pub fn left(&self) -> i64 {
        self.gate.left()
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.gate.waiting()
    }
}

/// Bytes of a [`BytesSemaphore`]; dropping it gives them back.
#[derive(Debug)]
#[must_use = "dropping a permit gives it back at once"]
pub struct BytesPermit {
    _grant: Grant,
    bytes: u64,
}

impl BytesPermit {
    /// How many bytes it stands for.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::FutureExt;
    use futures_util::future::poll_immediate;

    use super::*;
    use crate::scope::Origin;

    #[tokio::test]
    async fn chk_bs_1_overdrawn_once_then_in_order() {
        let budget = BytesSemaphore::new(1_000);
        let large = budget.acquire(2_000).await;
        assert_eq!(budget.left(), -1_000);
        let (mut a, mut b) = (pin!(budget.acquire(100)), pin!(budget.acquire(50)));
        assert!(poll_immediate(&mut a).await.is_none());
        assert!(poll_immediate(&mut b).await.is_none());
        drop(large);
        assert_eq!(budget.left(), 850, "both are let in at once, in order");
        let (a, b) = (a.await, b.await);
        assert_eq!((a.bytes(), b.bytes()), (100, 50));
        drop((a, b));
        assert_eq!(budget.left(), 1_000);
    }

    #[tokio::test]
    async fn chk_bs_1_zero_is_not_overdrawn() {
        let budget = BytesSemaphore::new(10);
        let ten = budget.acquire(10).await;
        let first = budget.acquire(1).await;
        assert_eq!(budget.left(), -1);
        let mut second = pin!(budget.acquire(1));
        assert!(poll_immediate(&mut second).await.is_none());
        drop(first);
        let second = second.await;
        assert_eq!(budget.left(), -1);
        drop((ten, second));
    }

    #[tokio::test]
    async fn chk_bs_1_nothing_passes_at_nothing_left() {
        let budget = BytesSemaphore::new(10);
        let ten = budget.acquire(10).await;
        drop(
            budget
                .acquire(0)
                .now_or_never()
                .expect("zero bytes pass at zero"),
        );
        let one = budget.acquire(1).await;
        assert!(budget.try_acquire(0).is_none(), "but not below");
        drop((ten, one));
    }

    #[tokio::test]
    async fn chk_bs_1_given_back_on_panic_and_on_giving_up() {
        let budget = BytesSemaphore::new(1);
        let panicking = {
            let budget = budget.clone();
            tokio::spawn(async move {
                let _permit = budget.acquire(5).await;
                panic!("on purpose");
            })
        };
        assert!(panicking.await.unwrap_err().is_panic());
        assert_eq!(budget.left(), 1);

        let held = budget.acquire(5).await;
        {
            let mut abandoned = pin!(budget.acquire(7));
            assert!(poll_immediate(&mut abandoned).await.is_none());
            assert_eq!(budget.waiting(), 1);
        }
        assert_eq!(budget.waiting(), 0, "who gives up leaves the queue");
        drop(held);
        assert_eq!(budget.left(), 1);
    }

    #[tokio::test]
    async fn chk_bs_1_three_waiters_are_served_in_order() {
        let budget = BytesSemaphore::new(0);
        let held = budget.acquire(1).await;
        let mut waiters: Vec<_> = (0..3).map(|_| Box::pin(budget.acquire(1))).collect();
        for waiter in &mut waiters {
            assert!(waiter.now_or_never().is_none());
        }
        drop(held);
        for waiter in waiters {
            // With each permit given back exactly the next in the queue is let in.
            drop(waiter.now_or_never().expect("it is this one's turn"));
        }
    }

    #[tokio::test]
    async fn chk_rbl_1_large_replies_of_one_account_are_read_one_after_the_other() {
        const LARGE: u64 = 6 * 1024 * 1024;
        let scope = |key: &str| {
            let origin = Origin::parse("https://replies.example.com").unwrap();
            Scope::new(origin, Some(&key.into()))
        };
        let budget = BytesSemaphore::shared(&scope("a"));
        let first = BytesSemaphore::shared(&scope("a")).acquire(LARGE).await;
        let mut second = pin!(budget.acquire(LARGE));
        assert!(poll_immediate(&mut second).await.is_none());
        let elsewhere = BytesSemaphore::shared(&scope("b"));
        assert!(elsewhere.try_acquire(LARGE).is_some());
        drop(first);
        drop(second.await);
        assert_eq!(budget.left(), i64::try_from(MAX_BYTES).unwrap());
    }
}
