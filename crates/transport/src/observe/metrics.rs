//! Counters, gauges and histograms of a process, for programs that want numbers without a metrics
//! library. An observer like any other: it learns of calls from the bus.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::observe::summary::{Histogram, HistogramSnapshot};
use crate::observe::{CallOutcome, Event, NextStep, Observer};

/// Calls that are over.
const REQUESTS_TOTAL: &str = "gimmal_requests_total";
/// Calls that succeeded.
const REQUESTS_SUCCESS: &str = "gimmal_requests_success";
/// Calls that failed.
const REQUESTS_FAILURE: &str = "gimmal_requests_failure";
/// Calls that were dropped by their callers.
const REQUESTS_DROPPED: &str = "gimmal_requests_dropped";
/// Attempts beyond the first.
const RETRIES_TOTAL: &str = "gimmal_retries_total";
/// How long calls took.
const REQUEST_DURATION_MS: &str = "gimmal_request_duration_ms";

/// Settings of [`Metrics`].
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct MetricsConfig {
    calls: bool,
    buckets: Vec<f64>,
    max_samples: usize,
}

impl Default for MetricsConfig {
    fn default() -> Self {
        Self {
            calls: true,
            buckets: vec![
                1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 2_000.0, 5_000.0,
            ],
            max_samples: 1_000,
        }
    }
}

impl MetricsConfig {
    /// Counts calls or leaves them out, so that only what is recorded by hand is kept; on by
    /// default.
    pub fn with_calls(mut self, calls: bool) -> Self {
        self.calls = calls;
        self
    }

    /// Sets the upper bounds of histograms' buckets; 1 to 5,000 (milliseconds) by default.
    pub fn with_buckets(mut self, bounds: impl IntoIterator<Item = f64>) -> Self {
        self.buckets = bounds
            .into_iter()
            .filter(|bound| bound.is_finite())
            .collect();
        self.buckets.sort_by(f64::total_cmp);
        self
    }

    /// Sets how many recent values a histogram keeps for its percentiles; 1,000 by default.
    pub fn with_max_samples(mut self, samples: usize) -> Self {
        self.max_samples = samples;
        self
    }
}

/// Counts calls and whatever else it is told.
///
/// ```
/// use std::sync::Arc;
/// use gimmal_transport::observe::{EventBus, Metrics};
///
/// let metrics = Arc::new(Metrics::default());
/// let bus = EventBus::new();
/// bus.attach("metrics", metrics.clone())?;
/// // After calls on a transport with this bus:
/// let snapshot = metrics.snapshot();
/// assert_eq!(snapshot.counters.get("gimmal_requests_total"), None);
/// # Ok::<(), gimmal_transport::observe::BusError>(())
/// ```
///
/// Of calls it keeps the counters `gimmal_requests_total`, `_success`, `_failure` and `_dropped`,
/// `gimmal_retries_total`, and the histogram `gimmal_request_duration_ms` of all calls but dropped
/// ones. What was recorded before a snapshot is taken is in it: there is nothing to flush.
#[derive(Debug, Default)]
pub struct Metrics {
    config: MetricsConfig,
    values: Mutex<Values>,
}

type Name = Cow<'static, str>;

#[derive(Debug, Default)]
struct Values {
    counters: BTreeMap<Name, u64>,
    gauges: BTreeMap<Name, f64>,
    histograms: BTreeMap<Name, Histogram>,
}

/// All values at one moment, by name.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct MetricsSnapshot {
    /// What only grows.
    pub counters: BTreeMap<String, u64>,
    /// What was set last.
    pub gauges: BTreeMap<String, f64>,
    /// What was measured.
    pub histograms: BTreeMap<String, HistogramSnapshot>,
}

impl Metrics {
    /// Metrics with these settings.
    pub fn new(config: MetricsConfig) -> Self {
        Self {
            config,
            values: Mutex::default(),
        }
    }

    /// Adds to a counter.
    pub fn increment(&self, name: impl Into<Cow<'static, str>>, delta: u64) {
        add(&mut self.values(), name.into(), delta);
    }

    /// Sets a gauge.
    pub fn set_gauge(&self, name: impl Into<Cow<'static, str>>, value: f64) {
        self.values().gauges.insert(name.into(), value);
    }

    /// Adds a value to a histogram; one that is not a number or infinite is left out.
    pub fn record_histogram(&self, name: impl Into<Cow<'static, str>>, value: f64) {
        self.record(&mut self.values(), name.into(), value);
    }

    /// All values as they are now.
    pub fn snapshot(&self) -> MetricsSnapshot {
        let values = self.values();
        MetricsSnapshot {
            counters: by_name(values.counters.iter(), |count| Some(*count)),
            gauges: by_name(values.gauges.iter(), |value| Some(*value)),
            histograms: by_name(values.histograms.iter(), Histogram::snapshot),
        }
    }

    /// Forgets everything.
    pub fn reset(&self) {
        *self.values() = Values::default();
    }

    fn record(&self, values: &mut Values, name: Name, value: f64) {
        let histogram = values
            .histograms
            .entry(name)
            .or_insert_with(|| Histogram::new(&self.config.buckets, self.config.max_samples));
        histogram.record(value);
    }

    fn finished(&self, outcome: CallOutcome, took: Duration) {
        let mut values = self.values();
        add(&mut values, REQUESTS_TOTAL.into(), 1);
        let name = match outcome {
            CallOutcome::Succeeded => REQUESTS_SUCCESS,
            CallOutcome::Failed(_) => REQUESTS_FAILURE,
            CallOutcome::Dropped => return add(&mut values, REQUESTS_DROPPED.into(), 1),
        };
        add(&mut values, name.into(), 1);
        let milliseconds = took.as_secs_f64() * 1e3;
        self.record(&mut values, REQUEST_DURATION_MS.into(), milliseconds);
    }

    fn values(&self) -> MutexGuard<'_, Values> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Metrics {
    fn observe(&self, event: &Event) {
        if !self.config.calls {
            return;
        }
        match event {
            Event::CallFinished { outcome, took, .. } => self.finished(*outcome, *took),
            Event::AttemptFailed {
                next: NextStep::Retry(_),
                ..
            } => self.increment(RETRIES_TOTAL, 1),
            _ => {}
        }
    }
}

fn add(values: &mut Values, name: Name, delta: u64) {
    let counter = values.counters.entry(name).or_default();
    *counter = counter.saturating_add(delta);
}

fn by_name<'a, V: 'a, T>(
    values: impl Iterator<Item = (&'a Name, &'a V)>,
    value: impl Fn(&V) -> Option<T>,
) -> BTreeMap<String, T> {
    values
        .filter_map(|(name, found)| Some((name.clone().into_owned(), value(found)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn finish(metrics: &Metrics, outcome: CallOutcome, milliseconds: u64) {
        metrics.finished(outcome, Duration::from_millis(milliseconds));
    }

    #[test]
    fn chk_met_1_calls() {
        let metrics = Metrics::default();
        finish(&metrics, CallOutcome::Succeeded, 10);
        finish(&metrics, CallOutcome::Succeeded, 20);
        finish(&metrics, CallOutcome::Failed(ErrorKind::Status), 40);
        let snapshot = metrics.snapshot();
        assert_eq!(snapshot.counters[REQUESTS_TOTAL], 3);
        assert_eq!(snapshot.counters[REQUESTS_SUCCESS], 2);
        assert_eq!(snapshot.counters[REQUESTS_FAILURE], 1);
        let duration = &snapshot.histograms[REQUEST_DURATION_MS];
        assert!((duration.mean - 23.333).abs() < 1e-3);
        assert_eq!(
            (duration.p50, duration.p95, duration.p99),
            (20.0, 40.0, 40.0)
        );
    }

    #[test]
    fn buckets_and_samples_are_those_of_the_settings() {
        let config = MetricsConfig::default()
            .with_buckets([10.0, f64::INFINITY, 1.0])
            .with_max_samples(2);
        let metrics = Metrics::new(config);
        for value in [100.0, 5.0, 5.0] {
            metrics.record_histogram("size", value);
        }
        let histogram = &metrics.snapshot().histograms["size"];
        let bounds: Vec<_> = histogram.buckets.iter().map(|it| it.up_to).collect();
        assert_eq!(bounds, [1.0, 10.0, f64::INFINITY]);
        assert_eq!(
            (histogram.count, histogram.p99),
            (3, 5.0),
            "100 is no sample any more"
        );
    }

    #[test]
    fn a_dropped_call_has_no_duration() {
        let metrics = Metrics::default();
        finish(&metrics, CallOutcome::Dropped, 10);
        let snapshot = metrics.snapshot();
        assert_eq!(snapshot.counters[REQUESTS_TOTAL], 1);
        assert_eq!(snapshot.counters[REQUESTS_DROPPED], 1);
        assert!(snapshot.histograms.is_empty());
    }

    #[test]
    fn chk_met_1_values_by_hand_are_kept_until_reset() {
        let metrics = Metrics::new(MetricsConfig::default().with_calls(false));
        metrics.increment("mine", 2);
        metrics.increment("mine", 1);
        metrics.set_gauge("level", 0.5);
        metrics.record_histogram("size", 3.0);
        let snapshot = metrics.snapshot();
        assert_eq!(snapshot.counters["mine"], 3);
        assert_eq!(snapshot.gauges["level"], 0.5);
        assert_eq!(snapshot.histograms["size"].count, 1);
        metrics.reset();
        assert_eq!(metrics.snapshot(), MetricsSnapshot::default());
    }
}
