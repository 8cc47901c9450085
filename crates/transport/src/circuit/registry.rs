//! Breakers by name, made when first asked for. Each has a state of its own; what they share is
//! settings, clock and observer. Looking one up takes no lock: every call does it, and a name is
//! new only once.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::circuit::{CircuitBreaker, CircuitConfig, CircuitObserver, CircuitOpen, CircuitState};
use crate::time::{Clock, TokioClock};

/// A breaker for each host, or for whatever else the caller takes as a name.
///
/// ```
/// use gimmal_transport::circuit::{CircuitRegistry, CircuitState};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), gimmal_transport::circuit::CircuitOpen> {
/// let registry = CircuitRegistry::new();
/// let result: Result<(), &str> = registry.call("a.example.com", async { Err("refused") }).await?;
/// assert!(result.is_err());
/// assert_eq!(registry.state("a.example.com"), CircuitState::Closed);
/// assert_eq!(registry.list().len(), 1);
/// # Ok(())
/// # }
/// ```
///
/// Clones share the breakers. A name stays until it is deleted, so take names from a set that
/// does not grow without end.
#[derive(Clone, Debug)]
pub struct CircuitRegistry {
    config: CircuitConfig,
    clock: Arc<dyn Clock>,
    observer: Option<Arc<dyn CircuitObserver>>,
    breakers: Arc<ArcSwap<Breakers>>,
}

type Breakers = BTreeMap<Arc<str>, CircuitBreaker>;

impl Default for CircuitRegistry {
    fn default() -> Self {
        Self::new()
    }
}

impl CircuitRegistry {
    /// A registry without breakers, with default settings, on tokio's clock.
    pub fn new() -> Self {
        Self {
            config: CircuitConfig::default(),
            clock: Arc::new(TokioClock),
            observer: None,
            breakers: Arc::default(),
        }
    }

    /// Sets the settings of breakers made from now on by this clone.
    #[must_use]
    pub fn with_config(mut self, config: CircuitConfig) -> Self {
        self.config = config;
        self
    }

    /// Sets the clock of breakers made from now on by this clone.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets who is told about changes of breakers made from now on by this clone.
    #[must_use]
    pub fn with_observer(mut self, observer: Arc<dyn CircuitObserver>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// The breaker of this name, made with the registry's settings if there is none.
    pub fn breaker(&self, name: &str) -> CircuitBreaker {
        self.breaker_with(name, self.config)
    }

    /// The breaker of this name, made with `config` if there is none.
    pub fn breaker_with(&self, name: &str, config: CircuitConfig) -> CircuitBreaker {
        if let Some(breaker) = self.get(name) {
            return breaker;
        }
        let name: Arc<str> = Arc::from(name);
        let builder = CircuitBreaker::builder(Arc::clone(&name))
            .with_config(config)
            .with_clock(Arc::clone(&self.clock));
        let made = match &self.observer {
            Some(observer) => builder.with_observer(Arc::clone(observer)).build(),
            None => builder.build(),
        };
        let before = self.breakers.rcu(|breakers| {
            let mut breakers = Breakers::clone(breakers);
            breakers
                .entry(Arc::clone(&name))
                .or_insert_with(|| made.clone());
            breakers
        });
        // Another task may have made it in the meantime.
        before.get(&name).cloned().unwrap_or(made)
    }

    /// The breaker of this name, if there is one.
    pub fn get(&self, name: &str) -> Option<CircuitBreaker> {
        self.breakers.load().get(name).cloned()
    }

    /// Makes one call through the breaker of this name, as [`CircuitBreaker::call`] does.
    pub async fn call<T, E>(
        &self,
        name: &str,
        call: impl Future<Output = Result<T, E>>,
    ) -> Result<Result<T, E>, CircuitOpen> {
        self.breaker(name).call(call).await
    }

    /// The state of the breaker of this name; one that does not exist is closed.
    pub fn state(&self, name: &str) -> CircuitState {
        self.get(name)
            .map_or(CircuitState::Closed, |breaker| breaker.state())
    }

    /// Closes the breaker of this name; nothing happens when there is none.
    pub fn reset(&self, name: &str) {
        if let Some(breaker) = self.get(name) {
            breaker.reset();
        }
    }

    /// Forgets the breaker of this name; true when there was one.
    ///
    /// Calls that are under way report to the breaker they started with, not to its successor.
    pub fn delete(&self, name: &str) -> bool {
        let before = self.breakers.rcu(|breakers| {
            let mut breakers = Breakers::clone(breakers);
            breakers.remove(name);
            breakers
        });
        before.contains_key(name)
    }

    /// All names with the states of their breakers, sorted by name.
    pub fn list(&self) -> Vec<(Arc<str>, CircuitState)> {
        let breakers = self.breakers.load();
        breakers
            .iter()
            .map(|(name, breaker)| (Arc::clone(name), breaker.state()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use futures_util::future::join_all;

    use super::*;
    use crate::manual_clock::ManualClock;

    fn registry(threshold: u32) -> (CircuitRegistry, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::new());
        let config =
            CircuitConfig::default().with_failure_threshold(NonZeroU32::new(threshold).unwrap());
        let registry = CircuitRegistry::new()
            .with_config(config)
            .with_clock(Arc::clone(&clock) as Arc<dyn Clock>);
        (registry, clock)
    }

    async fn fail(registry: &CircuitRegistry, name: &str) {
        let result: Result<Result<(), ()>, _> = registry.call(name, async { Err(()) }).await;
        assert_eq!(result, Ok(Err(())));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn chk_cbr_1_twenty_failures_at_once_open_it() {
        let (registry, _) = registry(20);
        let tasks: Vec<_> = (0..20)
            .map(|_| {
                let registry = registry.clone();
                tokio::spawn(async move {
                    let call = async {
                        tokio::task::yield_now().await;
                        Err::<(), ()>(())
                    };
                    registry.call("host", call).await.is_ok()
                })
            })
            .collect();
        for task in tasks {
            assert!(task.await.unwrap());
        }
        assert_eq!(registry.state("host"), CircuitState::Open);
    }

    #[test]
    fn tasks_that_ask_for_a_new_name_together_get_one_breaker() {
        let (registry, _) = registry(1_000);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for host in 0..32 {
                        let breaker = registry.breaker(&format!("host-{host}"));
                        breaker.try_acquire().unwrap().failure();
                    }
                });
            }
        });
        let failures = (0..32).map(|host| registry.breaker(&format!("host-{host}")).failures());
        assert!(failures.into_iter().all(|failures| failures == 8));
        assert_eq!(registry.list().len(), 32);
    }

    #[tokio::test]
    async fn chk_cbr_2_one_of_ten_probes_runs() {
        let (registry, clock) = registry(1);
        fail(&registry, "host").await;
        clock.advance(Duration::from_secs(30));
        let ran = AtomicU32::new(0);
        let calls = (0..10).map(|_| {
            registry.call("host", async {
                ran.fetch_add(1, Ordering::Relaxed);
                // The others ask while this one is out.
                tokio::task::yield_now().await;
                Ok::<(), ()>(())
            })
        });
        let results = join_all(calls).await;
        let refused = results.iter().filter(|result| result.is_err()).count();
        assert_eq!((ran.into_inner(), refused), (1, 9));
        assert_eq!(registry.state("host"), CircuitState::Closed);
    }

    #[tokio::test]
    async fn chk_cbr_3_names_are_listed_reset_and_deleted() {
        let (registry, clock) = registry(1);
        fail(&registry, "b").await;
        let ok: Result<Result<(), ()>, _> = registry.call("a", async { Ok(()) }).await;
        ok.unwrap().unwrap();
        let list = |registry: &CircuitRegistry| {
            let list = registry.list().into_iter();
            list.map(|(name, state)| (name.to_string(), state))
                .collect::<Vec<_>>()
        };
        let expected = |b| vec![("a".to_owned(), CircuitState::Closed), ("b".to_owned(), b)];
        assert_eq!(list(&registry), expected(CircuitState::Open));
        clock.advance(Duration::from_secs(30));
        assert_eq!(
            list(&registry),
            expected(CircuitState::HalfOpen),
            "computed"
        );

        registry.reset("b");
        assert_eq!(list(&registry), expected(CircuitState::Closed));
        fail(&registry, "b").await;
        assert!(registry.delete("b"));
        assert!(!registry.delete("b"));
        assert_eq!(registry.state("b"), CircuitState::Closed);
        registry.reset("unknown");
        assert_eq!(registry.state("unknown"), CircuitState::Closed);
        assert_eq!(registry.list().len(), 1);
    }

    #[test]
    fn settings_count_only_when_a_breaker_is_made() {
        let (registry, _) = registry(1);
        let config = CircuitConfig::default();
        let breaker = registry.breaker_with("host", config);
        registry.breaker("host").try_acquire().unwrap().failure();
        assert_eq!(breaker.state(), CircuitState::Closed, "five are needed");
        assert_eq!(breaker.failures(), 1, "and both are the same breaker");
    }
}
