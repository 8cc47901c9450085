//! Hands news about a queue to all who asked for them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::task::{Context, Poll};
use std::time::Instant;

use futures_util::Stream;
use gimmal_api::tinker::polling::QueueNotice;
use tokio::sync::mpsc;

use super::{QueueStateChange, QueueStateLogger, QueueStateObserver, QueueUser};

/// Changes that a stream keeps for a reader that is slow; what comes on top is lost.
const KEPT: usize = 64;

/// The news of one queue: logged, observed, streamed.
#[derive(Debug)]
pub(crate) struct QueueHub {
    user: QueueUser,
    id: Arc<str>,
    logger: Mutex<QueueStateLogger>,
    audience: RwLock<Audience>,
    /// The hub of the service client, which hears all.
    parent: Option<Arc<Self>>,
}

#[derive(Debug, Default)]
struct Audience {
    observers: Vec<Arc<dyn QueueStateObserver>>,
    streams: Vec<mpsc::Sender<QueueStateChange>>,
}

impl QueueHub {
    pub(crate) fn new(user: QueueUser, id: &str, parent: Option<Arc<Self>>) -> Self {
        Self {
            user,
            id: id.into(),
            logger: Mutex::new(QueueStateLogger::new(user, id)),
            audience: RwLock::default(),
            parent,
        }
    }

    pub(crate) fn observe(&self, observer: Arc<dyn QueueStateObserver>) {
        let mut audience = self
            .audience
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        audience.observers.push(observer);
    }

    pub(crate) fn changes(&self) -> QueueStateChanges {
        let (sender, receiver) = mpsc::channel(KEPT);
        let mut audience = self
            .audience
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        audience.streams.retain(|stream| !stream.is_closed());
        audience.streams.push(sender);
        QueueStateChanges(receiver)
    }

    /// Forgets when it logged last.
    pub(crate) fn clear_log(&self) {
        self.logger
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// Tells all about a state that is new.
    pub(crate) fn tell(&self, notice: &QueueNotice, request_id: &str, now: Instant) {
        self.log(notice, now);
        let change = QueueStateChange::new(self.user, &self.id, notice).of_request(request_id);
        let mut hub = Some(self);
        while let Some(one) = hub {
            one.announce(&change);
            hub = one.parent.as_deref();
        }
    }

    /// Logs a state if it is time, whether or not it is new.
    pub(crate) fn log(&self, notice: &QueueNotice, now: Instant) {
        let mut logger = self.logger.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = logger.line(&notice.state, notice.reason.as_deref(), now) {
            tracing::warn!("{line}");
        }
    }

    fn announce(&self, change: &QueueStateChange) {
        // An observer may ask for another stream, so none is called under the lock.
        let (observers, streams) = {
            let audience = self.audience.read().unwrap_or_else(PoisonError::into_inner);
            (audience.observers.clone(), audience.streams.clone())
        };
        for observer in observers {
            let call = AssertUnwindSafe(|| observer.on_queue_state_change(change));
            if catch_unwind(call).is_err() {
                tracing::warn!(?observer, "an observer of queue states panicked");
            }
        }
        for stream in streams {
            // Whoever does not read loses news, and holds nobody up.
            let _: Result<(), _> = stream.try_send(change.clone());
        }
    }
}

/// The changes of a queue, as they come.
///
/// A reader that is more than 64 changes behind loses the newest ones.
#[derive(Debug)]
#[must_use = "a stream does nothing unless it is read"]
pub struct QueueStateChanges(mpsc::Receiver<QueueStateChange>);

impl Stream for QueueStateChanges {
    type Item = QueueStateChange;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;
    use gimmal_types::tinker::QueueState;

    use super::*;

    #[derive(Debug, Default)]
    struct Remember(Mutex<Vec<QueueStateChange>>);

    impl QueueStateObserver for Remember {
        fn on_queue_state_change(&self, change: &QueueStateChange) {
            self.0.lock().unwrap().push(change.clone());
        }
    }

    #[derive(Debug)]
    struct Panic;

    impl QueueStateObserver for Panic {
        fn on_queue_state_change(&self, _: &QueueStateChange) {
            panic!("on purpose");
        }
    }

    #[tokio::test]
    async fn all_hear_and_a_panic_does_no_harm() {
        let service = Arc::new(QueueHub::new(QueueUser::Training, "service", None));
        let hub = QueueHub::new(QueueUser::Training, "m1", Some(Arc::clone(&service)));
        let (own, all) = (Arc::new(Remember::default()), Arc::new(Remember::default()));
        hub.observe(Arc::new(Panic));
        hub.observe(own.clone());
        service.observe(all.clone());
        let mut changes = hub.changes();
        drop(hub.changes());

        let notice = QueueNotice::new(QueueState::PausedCapacity);
        hub.tell(&notice, "req-1", Instant::now());
        let heard = changes.next().await.unwrap();
        assert_eq!(
            (&*heard.id, heard.request_id.as_deref()),
            ("m1", Some("req-1"))
        );
        let reason = "Tinker backend is running short on capacity, please wait";
        assert_eq!(heard.reason.as_deref(), Some(reason));
        assert_eq!(own.0.lock().unwrap().first(), Some(&heard));
        assert_eq!(*all.0.lock().unwrap(), [heard]);
    }

    #[tokio::test]
    async fn who_does_not_read_holds_nobody_up() {
        let hub = QueueHub::new(QueueUser::Sampling, "s1", None);
        let mut changes = hub.changes();
        for _ in 0..KEPT + 10 {
            hub.tell(&QueueNotice::new(QueueState::Active), "r", Instant::now());
        }
        drop(hub);
        let mut kept = 0;
        while changes.next().await.is_some() {
            kept += 1;
        }
        assert_eq!(kept, KEPT);
    }
}
