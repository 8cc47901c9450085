//! What was seen, as JSON and as text for Prometheus. Names and labels are part of the interface.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::histogram::Histogram;
use super::recorder::{Monitor, SlowEvent, State, Timed};
use super::report::MonitorReport;

const MIB: f64 = 1_048_576.0;

impl Monitor {
    /// A snapshot as JSON; groups about which nothing is known are absent.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let (report, state) = (self.report(), self.snapshot());
        let mut root = json!({
            "timestamp": self.clock().timestamp().as_millis(),
            "retention_hours": self.retention().as_secs_f64() / 3_600.0,
            "cache_hit_rate": report.hit_ratio(),
            "total_cache_operations": report.total_operations(),
            "cache_hits": report.hits,
            "cache_misses": report.misses,
            "alerts": {"memory": report.memory_alert, "invalidation": report.invalidation_alert},
            "trends": report.trends,
            "operations": report.operations,
            "recommendations": self.advice(),
            "slow_events": state.slow.iter().map(slow_event).collect::<Vec<_>>(),
        });
        let now = self.clock().now();
        let keys = merged(&state, now, |what| what == Timed::Key);
        if keys.count > 0 {
            root["key_generation"] = timed(&keys);
        }
        let operations = merged(&state, now, |what| {
            matches!(what, Timed::Get | Timed::Set | Timed::Delete)
        });
        if operations.count > 0 {
            root["cache_operations"] = timed(&operations);
            root["cache_operations"]["slow_operations"] = json!(state.totals.slow);
        }
        if state.totals.packed > 0 {
            root["compression"] = compression(&report, state.totals.packed);
        }
        if report.entries > 0 || report.bytes > 0 {
            root["memory_usage"] = self.memory(&report);
        }
        if report.invalidations > 0 {
            root["invalidation"] = self.invalidation(&report, &state);
        }
        root
    }

    fn memory(&self, report: &MonitorReport) -> Json {
        let (warning, critical) = self.thresholds().bytes;
        let mean = report.bytes as f64 / report.entries.max(1) as f64;
        json!({
            "current": {
                "total_cache_size_mb": report.bytes as f64 / MIB,
                "cache_entry_count": report.entries,
                "avg_entry_size_bytes": mean,
                "cache_utilization_percent": report.bytes as f64 / warning as f64 * 100.0,
                "warning_threshold_reached": report.bytes >= warning,
            },
            "thresholds": {
                "warning_threshold_mb": warning as f64 / MIB,
                "critical_threshold_mb": critical as f64 / MIB,
                "warning_threshold_reached": report.bytes >= warning,
                "critical_threshold_reached": report.bytes >= critical,
            },
        })
    }

    fn invalidation(&self, report: &MonitorReport, state: &State) -> Json {
        let (warning, critical) = self.thresholds().invalidations;
        let events: Vec<_> = state
            .invalidated
            .iter()
            .map(|event| {
                json!({
                    "pattern": event.pattern,
                    "keys_invalidated": event.keys,
                    "duration": event.duration.as_secs_f64(),
                    "timestamp": event.at.as_millis(),
                    "invalidation_type": event.kind,
                    "operation_context": event.context,
                })
            })
            .collect();
        let mean = report.invalidated_keys as f64 / report.invalidations as f64;
        json!({
            "total_invalidations": report.invalidations,
            "total_keys_invalidated": report.invalidated_keys,
            "rates": {"last_hour": report.recent_invalidations},
            "thresholds": {
                "warning_per_hour": warning,
                "critical_per_hour": critical,
                "current_alert_level": report.invalidation_alert,
            },
            "efficiency": {"avg_keys_per_invalidation": mean},
            "events": events,
        })
    }

    /// The metrics in the text format of Prometheus.
    #[must_use]
    pub fn to_prometheus(&self) -> String {
        let (report, state) = (self.report(), self.snapshot());
        let mut text = Metrics::default();
        text.family(
            "gimmal_cache_requests_total",
            "counter",
            "Reads, by what they found.",
        );
        for (name, operation) in &state.operations {
            for ((tier, result, reason), count) in &operation.results {
                text.sample(
                    "gimmal_cache_requests_total",
                    &[
                        ("op", name),
                        ("tier", tier),
                        ("result", result),
                        ("reason", reason),
                    ],
                    *count as f64,
                );
            }
        }
        text.family(
            "gimmal_cache_latency_seconds",
            "summary",
            "How long operations took.",
        );
        for (name, operation) in &report.operations {
            for (kind, times) in &operation.times {
                let family = "gimmal_cache_latency_seconds";
                for (quantile, value) in [
                    ("0.5", times.p50_seconds),
                    ("0.95", times.p95_seconds),
                    ("0.99", times.p99_seconds),
                ] {
                    let labels = [("kind", *kind), ("op", name), ("quantile", quantile)];
                    text.sample(family, &labels, value);
                }
                let labels = [("kind", *kind), ("op", name)];
                let sum = times.mean_seconds * times.count as f64;
                text.sample(&format!("{family}_sum"), &labels, sum);
                text.sample(&format!("{family}_count"), &labels, times.count as f64);
            }
        }
        for (name, kind, help, value) in [
            ("entries", "gauge", "Entries held.", report.entries),
            ("bytes", "gauge", "Bytes held.", report.bytes),
            ("sets_total", "counter", "Writes.", report.sets),
            (
                "degraded_total",
                "counter",
                "Writes that the store refused.",
                report.degraded,
            ),
            (
                "corrupt_total",
                "counter",
                "Entries not to be trusted.",
                report.corrupt,
            ),
            (
                "invalidations_total",
                "counter",
                "Invalidations.",
                report.invalidations,
            ),
            (
                "invalidated_keys_total",
                "counter",
                "Entries removed by them.",
                report.invalidated_keys,
            ),
        ] {
            let name = format!("gimmal_cache_{name}");
            text.family(&name, kind, help);
            text.sample(&name, &[], value as f64);
        }
        text.family(
            "gimmal_cache_compression_bytes_total",
            "counter",
            "Bytes packed.",
        );
        for (stage, value) in [("in", report.bytes_in), ("out", report.bytes_out)] {
            let labels = [("stage", stage)];
            text.sample(
                "gimmal_cache_compression_bytes_total",
                &labels,
                value as f64,
            );
        }
        text.0
    }
}

#[derive(Default)]
struct Metrics(String);

impl Metrics {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.0.push_str(name);
        for (index, (label, value)) in labels.iter().enumerate() {
            self.0.push(if index == 0 { '{' } else { ',' });
            let value = value
                .replace('\\', r"\\")
                .replace('"', "\\\"")
                .replace('\n', "\\n");
            let _ = write!(self.0, "{label}=\"{value}\"");
        }
        if !labels.is_empty() {
            self.0.push('}');
        }
        let _ = writeln!(self.0, " {value}");
    }
}

fn merged(state: &State, now: std::time::Instant, is_meant: fn(Timed) -> bool) -> Histogram {
    let mut sum = Histogram::default();
    for operation in state.operations.values() {
        for (_, slot) in operation.times.recent(now) {
            let meant = slot.iter().filter(|(what, _)| is_meant(**what));
            meant.for_each(|(_, histogram)| sum.merge(histogram));
        }
    }
    sum
}

fn timed(histogram: &Histogram) -> Json {
    let seconds = |duration: Duration| duration.as_secs_f64();
    json!({
        "total_operations": histogram.count,
        "avg_duration": seconds(histogram.mean()),
        "median_duration": seconds(histogram.percentile(0.5)),
        "max_duration": seconds(histogram.max),
        "min_duration": seconds(histogram.min),
    })
}

fn compression(report: &MonitorReport, count: u64) -> Json {
    let saved = report.bytes_in.saturating_sub(report.bytes_out);
    let whole = report.bytes_in.max(1) as f64;
    json!({
        "total_operations": count,
        "avg_compression_ratio": report.bytes_out as f64 / whole,
        "total_bytes_processed": report.bytes_in,
        "total_bytes_saved": saved,
        "overall_savings_percent": saved as f64 / whole * 100.0,
    })
}

fn slow_event(event: &SlowEvent) -> Json {
    json!({
        "what": event.what.as_str(),
        "operation_type": event.operation,
        "duration": event.duration.as_secs_f64(),
        "timestamp": event.at.as_millis(),
    })
}
