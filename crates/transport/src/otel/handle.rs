//! Where spans and metrics go.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use opentelemetry::InstrumentationScope;
use opentelemetry::global::{self, BoxedTracer, ObjectSafeTracerProvider};
use opentelemetry::metrics::MeterProvider;
use opentelemetry::propagation::TextMapPropagator;

use crate::observe::{CallInfo, CallTrace, CallTracer};
use crate::otel::instruments::Instruments;
use crate::otel::trace::Trace;

/// Makes one span of each call and records its metrics.
///
/// ```
/// use gimmal_transport::Transport;
/// use gimmal_transport::otel::Otel;
///
/// # fn main() -> Result<(), gimmal_transport::Error> {
/// // After the program has installed its providers:
/// let transport = Transport::builder().with_otel(Otel::global()).build()?;
/// # let _ = transport;
/// # Ok(())
/// # }
/// ```
///
/// A call with [`CallAttributes`](crate::CallAttributes) is a span by the conventions for GenAI,
/// named after operation and model; any other is one by those for HTTP, named after its method.
/// Each attempt is an event `gimmal.attempt` on the span. The parent is the context that is
/// current when the call is first polled.
#[derive(Clone)]
pub struct Otel {
    pub(super) tracer: Arc<BoxedTracer>,
    pub(super) instruments: Arc<Instruments>,
    pub(super) propagator: Option<Propagator>,
}

impl Otel {
    /// Sends spans and metrics to these providers.
    pub fn new(tracers: &dyn ObjectSafeTracerProvider, meters: &dyn MeterProvider) -> Self {
        let scope = InstrumentationScope::builder(env!("CARGO_PKG_NAME"))
            .with_version(env!("CARGO_PKG_VERSION"))
            .build();
        let tracer = BoxedTracer::new(tracers.boxed_tracer(scope.clone()));
        Self {
            tracer: Arc::new(tracer),
            instruments: Arc::new(Instruments::new(&meters.meter_with_scope(scope))),
            propagator: None,
        }
    }

    /// Sends spans and metrics to the providers of the process, as they are now.
    pub fn global() -> Self {
        Self::new(&global::tracer_provider(), &*global::meter_provider())
    }

    /// Tells servers which trace a request is part of, such as by the header `traceparent` with
    /// the SDK's `TraceContextPropagator`; off by default, since most servers are somebody else's.
    ///
    /// A request that has one of the propagator's headers already is left as it is.
    #[must_use]
    pub fn with_propagator(
        mut self,
        propagator: impl TextMapPropagator + Send + Sync + 'static,
    ) -> Self {
        self.propagator = Some(Propagator::Own(Arc::new(propagator)));
        self
    }

    /// The same with the propagator of the process, whichever it is when a request goes out.
    #[must_use]
    pub fn with_global_propagator(mut self) -> Self {
        self.propagator = Some(Propagator::Global);
        self
    }
}

/// Who writes the headers.
#[derive(Clone, Debug)]
pub(super) enum Propagator {
    Own(Arc<dyn TextMapPropagator + Send + Sync>),
    Global,
}

impl CallTracer for Otel {
    fn start(&self, call: &Arc<CallInfo>, at: SystemTime) -> Box<dyn CallTrace> {
        Box::new(Trace::start(self.clone(), call, at))
    }
}

impl fmt::Debug for Otel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Otel")
            .field("propagator", &self.propagator)
            .finish_non_exhaustive()
    }
}
