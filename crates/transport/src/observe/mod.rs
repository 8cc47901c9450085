//! Who is told what a call does, and how: the log through `tracing`, handlers on an event bus,
//! counters, and OpenTelemetry behind its feature. Nothing here decides anything: a call with all
//! of it goes the same way as a call with none, and no secret, prompt or body passes through.

mod attributes;
mod bus;
mod event;
mod metrics;
mod observation;
mod queued;
mod recorder;
mod stream;
mod summary;
mod tell;

pub use attributes::{AttributeValue, CallAttributes, ReplyAttributes};
pub use bus::{BusError, EventBus, Observer};
pub use event::{CallInfo, CallOutcome, Event, Gate, NextStep};
pub use metrics::{Metrics, MetricsConfig, MetricsSnapshot};
pub use queued::{QueueWorker, Queued};
pub use recorder::CallRecorder;
pub use summary::{Bucket, HistogramSnapshot};

pub(crate) use event::error_type;
pub(crate) use observation::Observation;
pub(crate) use stream::Observed;
pub(crate) use tell::Observers;
#[cfg(feature = "otel")]
pub(crate) use tell::{CallTrace, CallTracer};
