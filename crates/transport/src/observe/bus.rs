//! Handlers by name, and the promise that none of them can break a call: a handler that panics is
//! caught and detached. A handler that is slow is not cut off; see `queued`.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::circuit::{CircuitEvent, CircuitObserver};
use crate::observe::Event;

/// Is told what happens.
///
/// It is called on the task that makes the call, so it must be quick and must not block; put a
/// [`Queued`](crate::observe::Queued) in front of one that cannot promise that. Closures that
/// take `&Event` are observers too.
pub trait Observer: Send + Sync + 'static {
    /// Something has happened.
    fn observe(&self, event: &Event);
}

impl<F: Fn(&Event) + Send + Sync + 'static> Observer for F {
    fn observe(&self, event: &Event) {
        self(event);
    }
}

/// Tells handlers what happens; clones share the handlers.
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU32, Ordering};
/// use gimmal_transport::observe::{Event, EventBus};
///
/// let retries = Arc::new(AtomicU32::new(0));
/// let bus = EventBus::new();
/// let counter = Arc::clone(&retries);
/// bus.attach("retries", Arc::new(move |event: &Event| {
///     if let Event::AttemptFailed { .. } = event {
///         counter.fetch_add(1, Ordering::Relaxed);
///     }
/// }))?;
/// // Give it to `TransportBuilder::with_event_bus`, and later:
/// bus.detach("retries")?;
/// # Ok::<(), gimmal_transport::observe::BusError>(())
/// ```
///
/// Handlers run in the order they were attached. A handler that panics is detached and counted,
/// and the call goes on; this needs a program whose panics unwind. A bus without handlers costs a
/// call one look at a flag. A call tells those who were attached when it began or later, if there
/// was at least one when it began.
#[derive(Clone, Default)]
pub struct EventBus(Arc<Shared>);

#[derive(Default)]
struct Shared {
    handlers: RwLock<Arc<[Handler]>>,
    /// Whether there is any handler, for callers in a hurry.
    listening: AtomicBool,
    panics: AtomicU64,
}

#[derive(Clone)]
struct Handler {
    id: Arc<str>,
    observer: Arc<dyn Observer>,
}

impl EventBus {
    /// A bus without handlers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a handler under a name that no other handler has.
    pub fn attach(
        &self,
        id: impl Into<Arc<str>>,
        observer: Arc<dyn Observer>,
    ) -> Result<(), BusError> {
        let id = id.into();
        self.change(|handlers| {
            if handlers.iter().any(|handler| handler.id == id) {
                return Err(BusError::AlreadyExists(id));
            }
            handlers.push(Handler { id, observer });
            Ok(())
        })
    }

    /// Removes a handler. Events that are on their way may still reach it.
    pub fn detach(&self, id: &str) -> Result<(), BusError> {
        self.change(|handlers| {
            let before = handlers.len();
            handlers.retain(|handler| *handler.id != *id);
            if handlers.len() == before {
                return Err(BusError::NotFound(id.into()));
            }
            Ok(())
        })
    }

    /// The names of the handlers, in the order they were attached.
    pub fn ids(&self) -> Vec<Arc<str>> {
        let handlers = self.handlers();
        handlers.iter().map(|handler| handler.id.clone()).collect()
    }

    /// Whether anybody listens.
    pub fn is_listening(&self) -> bool {
        self.0.listening.load(Ordering::Relaxed)
    }

    /// How many handlers were detached because they panicked.
    pub fn panics(&self) -> u64 {
        self.0.panics.load(Ordering::Relaxed)
    }

    /// Tells all handlers.
    pub fn emit(&self, event: &Event) {
        if !self.is_listening() {
            return;
        }
        // No lock is held while handlers run, so they may attach, detach and emit.
        for handler in self.handlers().iter() {
            if !observe_caught(&*handler.observer, event) {
                self.discard(handler);
            }
        }
    }

    fn discard(&self, broken: &Handler) {
        self.0.panics.fetch_add(1, Ordering::Relaxed);
        self.change(|handlers| {
            // By identity: the name may belong to a new handler by now.
            handlers.retain(|handler| !Arc::ptr_eq(&handler.observer, &broken.observer));
        });
        tracing::warn!(
            handler = &*broken.id,
            "event handler panicked and was detached"
        );
    }

    fn handlers(&self) -> Arc<[Handler]> {
        let handlers = self.0.handlers.read();
        Arc::clone(&handlers.unwrap_or_else(PoisonError::into_inner))
    }

    fn change<T>(&self, change: impl FnOnce(&mut Vec<Handler>) -> T) -> T {
        let mut guard = self
            .0
            .handlers
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let mut handlers = guard.to_vec();
        let result = change(&mut handlers);
        self.0
            .listening
            .store(!handlers.is_empty(), Ordering::Relaxed);
        let old = std::mem::replace(&mut *guard, handlers.into());
        // A handler that is dropped for good may call back, so the lock goes first.
        drop(guard);
        drop(old);
        result
    }
}

/// Tells one observer; false when it panicked.
pub(super) fn observe_caught(observer: &dyn Observer, event: &Event) -> bool {
    let told = catch_unwind(AssertUnwindSafe(|| observer.observe(event)));
    // What was thrown may panic again when it is dropped, so it never is.
    told.map_err(std::mem::forget).is_ok()
}

/// A registry of breakers that is given the bus as its observer tells it of changes.
impl CircuitObserver for EventBus {
    fn state_changed(&self, event: &CircuitEvent) {
        self.emit(&Event::CircuitChanged {
            change: event.clone(),
        });
    }
}

/// Shows the names of the handlers.
impl fmt::Debug for EventBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventBus")
            .field("handlers", &self.ids())
            .field("panics", &self.panics())
            .finish()
    }
}

/// Why a handler could not be attached or detached.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BusError {
    /// A handler of this name is attached already.
    AlreadyExists(Arc<str>),
    /// No handler of this name is attached.
    NotFound(Arc<str>),
}

impl fmt::Display for BusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyExists(id) => write!(f, "an event handler named `{id}` already exists"),
            Self::NotFound(id) => write!(f, "no event handler named `{id}` was found"),
        }
    }
}

impl std::error::Error for BusError {}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    fn event(name: &'static str) -> Event {
        Event::custom(name, Vec::new())
    }

    /// An observer that remembers names, and what it remembers.
    fn recorder() -> (Arc<dyn Observer>, Arc<Mutex<Vec<String>>>) {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let names = Arc::clone(&seen);
        let observer = move |event: &Event| names.lock().unwrap().push(event.name().to_owned());
        (Arc::new(observer), seen)
    }

    #[test]
    fn chk_bus_1_names_are_unique_and_known() {
        let bus = EventBus::new();
        bus.attach("a", recorder().0).unwrap();
        let twice = bus.attach("a", recorder().0).unwrap_err();
        assert_eq!(twice, BusError::AlreadyExists("a".into()));
        let unknown = bus.detach("b").unwrap_err();
        assert_eq!(unknown, BusError::NotFound("b".into()));
        bus.detach("a").unwrap();
        assert!(!bus.is_listening());
        bus.attach("a", recorder().0).unwrap();
    }

    #[test]
    fn a_panicking_handler_is_detached_and_the_others_are_told() {
        let bus = EventBus::new();
        let (first, seen_first) = recorder();
        let (last, seen_last) = recorder();
        bus.attach("first", first).unwrap();
        bus.attach("broken", Arc::new(|_: &Event| panic!("on purpose")))
            .unwrap();
        bus.attach("last", last).unwrap();
        bus.emit(&event("one"));
        bus.emit(&event("two"));
        assert_eq!(*seen_first.lock().unwrap(), ["one", "two"]);
        assert_eq!(*seen_last.lock().unwrap(), ["one", "two"]);
        assert_eq!(bus.panics(), 1);
        assert_eq!(bus.ids(), ["first".into(), "last".into()]);
    }

    #[test]
    fn a_panic_whose_payload_panics_when_dropped_is_contained() {
        struct Spiteful;
        impl Drop for Spiteful {
            fn drop(&mut self) {
                panic!("again, on purpose");
            }
        }
        let bus = EventBus::new();
        let observer = |_: &Event| std::panic::panic_any(Spiteful);
        bus.attach("spiteful", Arc::new(observer)).unwrap();
        bus.emit(&event("one"));
        assert_eq!(bus.panics(), 1);
    }

    #[test]
    fn a_handler_may_use_the_bus_that_calls_it() {
        let bus = EventBus::new();
        let (observer, seen) = recorder();
        let inner = bus.clone();
        let once = move |_: &Event| {
            inner.detach("once").unwrap();
            inner.attach("rest", Arc::clone(&observer)).unwrap();
            inner.emit(&event("inner"));
        };
        bus.attach("once", Arc::new(once)).unwrap();
        bus.emit(&event("outer"));
        assert_eq!(*seen.lock().unwrap(), ["inner"]);
        assert_eq!(bus.ids(), ["rest".into()]);
    }
}
