//! Those who are told of a transport's calls beyond the log, and the way from one fact to all of
//! them. A call that nobody listens to has no listeners at all and allocates nothing for them.

use std::fmt::{self, Debug};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use http::HeaderMap;

use crate::error::ErrorKind;
use crate::observe::{CallInfo, Event, EventBus, ReplyAttributes};
use crate::options::CallOptions;
use crate::request::Request;
use crate::time::Clock;

/// Makes a trace of each call; OpenTelemetry is one.
pub(crate) trait CallTracer: Debug + Send + Sync {
    /// A call has begun.
    fn start(&self, call: &Arc<CallInfo>, at: SystemTime) -> Box<dyn CallTrace>;
}

/// The trace of one call; it is complete when it is dropped.
pub(crate) trait CallTrace: Send + Sync {
    /// Takes note of what happened to the call.
    fn observe(&self, event: &Event, at: SystemTime);

    /// Adds what tells the server which trace it is part of; headers that are set stay.
    fn inject(&self, headers: &mut HeaderMap);
}

/// Who is told of the calls of a transport.
#[derive(Clone, Debug, Default)]
pub(crate) struct Observers {
    pub(crate) bus: Option<EventBus>,
    pub(crate) tracer: Option<Arc<dyn CallTracer>>,
}

impl Observers {
    /// Those who are told of this call; none when nobody listens.
    pub(super) fn listeners(
        &self,
        request: &Request,
        options: &CallOptions,
        streamed: bool,
        clock: &Arc<dyn Clock>,
        started: Instant,
    ) -> Option<Arc<Listeners>> {
        let bus = self.bus.as_ref().filter(|bus| bus.is_listening());
        if bus.is_none() && self.tracer.is_none() {
            return None;
        }
        let call = Arc::new(CallInfo::new(
            request,
            streamed,
            options.attributes().cloned(),
        ));
        let started_at = clock.system_now();
        let tracer = self.tracer.as_ref();
        let listeners = Listeners {
            bus: bus.cloned(),
            trace: tracer.map(|tracer| tracer.start(&call, started_at)),
            clock: Arc::clone(clock),
            started,
            started_at,
            call,
            reply: Mutex::default(),
        };
        listeners.tell(|call| Event::CallStarted { call });
        Some(Arc::new(listeners))
    }
}

/// Who is told of one call. The call itself holds it, and so does whoever may still record what
/// the reply held; when the last one lets go, the trace is complete.
pub(crate) struct Listeners {
    bus: Option<EventBus>,
    trace: Option<Box<dyn CallTrace>>,
    clock: Arc<dyn Clock>,
    started: Instant,
    started_at: SystemTime,
    call: Arc<CallInfo>,
    reply: Mutex<Option<Reply>>,
}

/// What the caller has recorded so far.
#[derive(Default)]
struct Reply {
    attributes: ReplyAttributes,
    error: Option<ErrorKind>,
}

impl Listeners {
    pub(super) fn tell(&self, event: impl FnOnce(Arc<CallInfo>) -> Event) {
        let event = event(Arc::clone(&self.call));
        if let Some(trace) = &self.trace {
            // The wall clock is read once; later times follow the clock that never goes back.
            let since = self.clock.now().saturating_duration_since(self.started);
            trace.observe(&event, self.started_at + since);
        }
        if let Some(bus) = &self.bus {
            bus.emit(&event);
        }
    }

    pub(super) fn inject(&self, headers: &mut HeaderMap) {
        if let Some(trace) = &self.trace {
            trace.inject(headers);
        }
    }

    pub(super) fn record(&self, attributes: ReplyAttributes) {
        self.update_reply(|reply| reply.attributes.update(attributes));
    }

    pub(super) fn refuse(&self, error: ErrorKind) {
        self.update_reply(|reply| reply.error = Some(error));
    }

    /// Why the caller cannot use the reply, if it said so.
    pub(super) fn refusal(&self) -> Option<ErrorKind> {
        let reply = self.reply.lock().unwrap_or_else(PoisonError::into_inner);
        reply.as_ref()?.error
    }

    fn update_reply(&self, update: impl FnOnce(&mut Reply)) {
        let mut reply = self.reply.lock().unwrap_or_else(PoisonError::into_inner);
        update(reply.get_or_insert_default());
    }
}

impl Drop for Listeners {
    fn drop(&mut self) {
        let reply = self.reply.get_mut();
        if let Some(reply) = reply.unwrap_or_else(PoisonError::into_inner).take() {
            self.tell(|call| Event::ReplyRead {
                call,
                reply: reply.attributes,
                error: reply.error,
            });
        }
    }
}

impl Debug for Listeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listeners")
            .field("call", &self.call)
            .finish_non_exhaustive()
    }
}
