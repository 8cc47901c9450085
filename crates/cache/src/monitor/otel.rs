//! The metrics as instruments of OpenTelemetry, under the names that Prometheus gets. They are read
//! when the exporter asks; a record does not touch them.

use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;

use super::recorder::Monitor;
use super::report::MonitorReport;

/// A number of the report and its name.
type Named = (&'static str, fn(&MonitorReport) -> u64);

impl Monitor {
    /// Registers instruments with a meter; they are read whenever it collects.
    ///
    /// ```
    /// use gimmal_cache::Monitor;
    ///
    /// let monitor = Monitor::new();
    /// monitor.register(&opentelemetry::global::meter("my-service"));
    /// ```
    pub fn register(&self, meter: &Meter) {
        let totals: [Named; 5] = [
            ("gimmal_cache_sets_total", |it| it.sets),
            ("gimmal_cache_degraded_total", |it| it.degraded),
            ("gimmal_cache_corrupt_total", |it| it.corrupt),
            ("gimmal_cache_invalidations_total", |it| it.invalidations),
            ("gimmal_cache_invalidated_keys_total", |it| {
                it.invalidated_keys
            }),
        ];
        for (name, read) in totals {
            let monitor = self.clone();
            meter
                .u64_observable_counter(name)
                .with_callback(move |observer| observer.observe(read(&monitor.report()), &[]))
                .build();
        }
        let sizes: [Named; 2] = [
            ("gimmal_cache_entries", |it| it.entries),
            ("gimmal_cache_bytes", |it| it.bytes),
        ];
        for (name, read) in sizes {
            let monitor = self.clone();
            meter
                .u64_observable_gauge(name)
                .with_callback(move |observer| observer.observe(read(&monitor.report()), &[]))
                .build();
        }
        let monitor = self.clone();
        meter
            .u64_observable_counter("gimmal_cache_requests_total")
            .with_callback(move |observer| {
                for (name, operation) in monitor.snapshot().operations {
                    for ((tier, result, reason), count) in operation.results {
                        let labels = [
                            KeyValue::new("op", name.clone()),
                            KeyValue::new("tier", tier),
                            KeyValue::new("result", result),
                            KeyValue::new("reason", reason),
                        ];
                        observer.observe(count, &labels);
                    }
                }
            })
            .build();
        let monitor = self.clone();
        meter
            .f64_observable_gauge("gimmal_cache_latency_seconds")
            .with_unit("s")
            .with_callback(move |observer| {
                for (name, operation) in monitor.report().operations {
                    for (kind, times) in operation.times {
                        for (quantile, value) in [
                            ("0.5", times.p50_seconds),
                            ("0.95", times.p95_seconds),
                            ("0.99", times.p99_seconds),
                        ] {
                            let labels = [
                                KeyValue::new("op", name.clone()),
                                KeyValue::new("kind", kind),
                                KeyValue::new("quantile", quantile),
                            ];
                            observer.observe(value, &labels);
                        }
                    }
                }
            })
            .build();
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::metrics::MeterProvider;
    use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};

    use super::*;
    use crate::lookup::{Lookup, MissReason};

    #[test]
    fn instruments_say_what_was_counted() {
        let exporter = InMemoryMetricExporter::default();
        let reader = PeriodicReader::builder(exporter.clone()).build();
        let provider = SdkMeterProvider::builder().with_reader(reader).build();
        let monitor = Monitor::new();
        monitor.register(&provider.meter("test"));
        monitor.record_lookup("qa", &Lookup::Miss(MissReason::NotFound));
        monitor.record_size(3, 700);
        provider.force_flush().unwrap();
        let exported = format!("{:?}", exporter.get_finished_metrics().unwrap());
        for expected in [
            "gimmal_cache_requests_total",
            "not_found",
            "gimmal_cache_bytes",
            "700",
        ] {
            assert!(exported.contains(expected), "{expected} in {exported}");
        }
    }
}
