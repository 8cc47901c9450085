//! What is told while a loss is computed: events on a bus, and lines of a log made of them.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use gimmal_client::transport::observe::{AttributeValue, BusError, Event, EventBus, Observer};
use tracing::Level;

use super::{LossReport, RegularizerOutput, RegularizerSpec};
use crate::Error;

const LOSS_START: &str = "gimmal.tinker.custom_loss.start";
const LOSS_STOP: &str = "gimmal.tinker.custom_loss.stop";
const LOSS_EXCEPTION: &str = "gimmal.tinker.custom_loss.exception";
const COMPUTE_START: &str = "gimmal.tinker.regularizer.compute.start";
const COMPUTE_STOP: &str = "gimmal.tinker.regularizer.compute.stop";
const COMPUTE_EXCEPTION: &str = "gimmal.tinker.regularizer.compute.exception";

/// The names of all events that losses and regularizers tell of.
pub const EVENTS: [&str; 6] = [
    LOSS_START,
    LOSS_STOP,
    LOSS_EXCEPTION,
    COMPUTE_START,
    COMPUTE_STOP,
    COMPUTE_EXCEPTION,
];

/// Tells a bus, if there is one.
#[derive(Clone, Debug, Default)]
pub(super) struct Teller(pub(super) Option<EventBus>);

impl Teller {
    pub(super) fn loss_started(&self, regularizers: usize, track_grad_norms: bool) {
        self.tell(LOSS_START, || {
            vec![
                ("regularizer_count", count(regularizers)),
                ("track_grad_norms", track_grad_norms.into()),
            ]
        });
    }

    pub(super) fn loss_stopped(&self, report: &LossReport, took: Duration) {
        self.tell(LOSS_STOP, || {
            vec![
                ("duration_ms", milliseconds(took)),
                ("loss_total", report.loss_total.into()),
                ("regularizer_total", report.regularizer_total.into()),
                ("regularizer_count", count(report.regularizers.len())),
            ]
        });
    }

    pub(super) fn loss_failed(&self, error: &Error, took: Duration) {
        self.tell(LOSS_EXCEPTION, || {
            vec![
                ("duration_ms", milliseconds(took)),
                ("reason", text(error.to_string())),
            ]
        });
    }

    pub(super) fn compute_started(&self, spec: &RegularizerSpec) {
        self.tell(COMPUTE_START, || {
            vec![
                ("regularizer_name", text(spec.name().to_owned())),
                ("weight", spec.weight().into()),
                ("async", spec.is_async().into()),
            ]
        });
    }

    pub(super) fn compute_stopped(
        &self,
        spec: &RegularizerSpec,
        output: &RegularizerOutput,
        took: Duration,
    ) {
        self.tell(COMPUTE_STOP, || {
            let mut facts = vec![
                ("regularizer_name", text(output.name.clone())),
                ("weight", output.weight.into()),
                ("async", spec.is_async().into()),
                ("duration_ms", milliseconds(took)),
                ("value", output.value.into()),
                ("contribution", output.contribution.into()),
            ];
            facts.extend(output.grad_norm.map(|norm| ("grad_norm", norm.into())));
            facts
        });
    }

    pub(super) fn compute_failed(&self, spec: &RegularizerSpec, error: &Error, took: Duration) {
        self.tell(COMPUTE_EXCEPTION, || {
            vec![
                ("regularizer_name", text(spec.name().to_owned())),
                ("weight", spec.weight().into()),
                ("duration_ms", milliseconds(took)),
                ("reason", text(error.to_string())),
            ]
        });
    }

    fn tell(
        &self,
        name: &'static str,
        facts: impl FnOnce() -> Vec<(&'static str, AttributeValue)>,
    ) {
        if let Some(bus) = self.0.as_ref().filter(|bus| bus.is_listening()) {
            bus.emit(&Event::custom(name, facts()));
        }
    }
}

/// Writes the events of losses and regularizers to the log.
///
/// ```
/// use gimmal_client::transport::observe::EventBus;
/// use gimmal_training::RegularizerLogger;
///
/// let bus = EventBus::new();
/// RegularizerLogger::new().attach(&bus, "losses")?;
/// assert!(bus.is_listening());
/// bus.detach("losses")?;
/// # Ok::<(), gimmal_client::transport::observe::BusError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct RegularizerLogger {
    level: Level,
}

impl Default for RegularizerLogger {
    fn default() -> Self {
        Self::new()
    }
}

impl RegularizerLogger {
    /// A logger at the level of information.
    pub fn new() -> Self {
        Self { level: Level::INFO }
    }

    /// Sets the level.
    #[must_use]
    pub fn with_level(mut self, level: Level) -> Self {
        self.level = level;
        self
    }

    /// Listens to a bus under a name that no other handler has.
    ///
    /// # Errors
    ///
    /// Fails when the name is taken.
    pub fn attach(self, bus: &EventBus, id: impl Into<Arc<str>>) -> Result<(), BusError> {
        bus.attach(id, Arc::new(self))
    }
}

impl Observer for RegularizerLogger {
    fn observe(&self, event: &Event) {
        let Some(line) = log_line(event) else { return };
        match self.level {
            Level::ERROR => tracing::error!("{line}"),
            Level::WARN => tracing::warn!("{line}"),
            Level::INFO => tracing::info!("{line}"),
            Level::DEBUG => tracing::debug!("{line}"),
            _ => tracing::trace!("{line}"),
        }
    }
}

/// The line that an event of a loss or a regularizer becomes in a log; nothing for other events.
pub fn log_line(event: &Event) -> Option<String> {
    let Event::Custom {
        name, attributes, ..
    } = event
    else {
        return None;
    };
    let facts = Facts(attributes);
    let (took, regularizer) = (facts.get("duration_ms"), facts.get("regularizer_name"));
    Some(match name.as_ref() {
        LOSS_START => format!(
            "Custom loss starting: regularizers={} track_grad_norms={}",
            facts.get("regularizer_count"),
            facts.get("track_grad_norms")
        ),
        LOSS_STOP => format!(
            "Custom loss computed in {took}ms total={} regularizer_total={} regularizers={}",
            facts.get("loss_total"),
            facts.get("regularizer_total"),
            facts.get("regularizer_count")
        ),
        LOSS_EXCEPTION => format!("Custom loss failed after {took}ms: {}", facts.get("reason")),
        COMPUTE_START => {
            let waits = if facts.get("async") == "true" {
                " (async)"
            } else {
                ""
            };
            format!("Regularizer {regularizer} starting{waits}")
        }
        COMPUTE_STOP => {
            let norm = match facts.get("grad_norm") {
                none if none.is_empty() => String::new(),
                norm => format!(" grad_norm={norm}"),
            };
            format!(
                "Regularizer {regularizer} value={} contribution={} in {took}ms{norm}",
                facts.get("value"),
                facts.get("contribution")
            )
        }
        COMPUTE_EXCEPTION => {
            format!(
                "Regularizer {regularizer} failed after {took}ms: {}",
                facts.get("reason")
            )
        }
        _ => return None,
    })
}

/// The facts of an event, as a log has them.
struct Facts<'a>(&'a [(&'static str, AttributeValue)]);

impl Facts<'_> {
    fn get(&self, name: &str) -> String {
        match self.0.iter().find(|(known, _)| *known == name) {
            Some((_, AttributeValue::Bool(flag))) => flag.to_string(),
            Some((_, AttributeValue::Int(number))) => number.to_string(),
            // Four decimals are enough for a log.
            Some((_, AttributeValue::Float(number))) => ((number * 1e4).round() / 1e4).to_string(),
            Some((_, AttributeValue::Text(text))) => text.to_string(),
            _ => String::new(),
        }
    }
}

fn count(number: usize) -> AttributeValue {
    AttributeValue::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

fn milliseconds(time: Duration) -> AttributeValue {
    AttributeValue::Float(time.as_secs_f64() * 1e3)
}

fn text(text: String) -> AttributeValue {
    AttributeValue::Text(Cow::Owned(text))
}
