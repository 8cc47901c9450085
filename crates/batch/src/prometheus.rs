//! The figures of a run in the text form of Prometheus.

use std::fmt::Write as _;
use std::time::Duration;

use super::{Histogram, Stats};

/// Edges of the buckets of durations, in seconds.
const EDGES: [f64; 12] = [
    0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0,
];

/// A value of a label, with what would end it escaped.
fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

struct Text(String);

impl Text {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "# HELP gimmal_batch_{name} {help}");
        let _ = writeln!(self.0, "# TYPE gimmal_batch_{name} {kind}");
    }

    fn value(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
        let _ = writeln!(self.0, "gimmal_batch_{name}{labels} {value}");
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.head(name, "counter", help);
        self.value(name, "", value);
    }

    fn labelled<'a>(
        &mut self,
        (name, label, help): (&str, &str, &str),
        values: impl IntoIterator<Item = (&'a str, u64)>,
    ) {
        self.head(name, "counter", help);
        for (key, value) in values {
            self.value(name, &format!("{{{label}=\"{}\"}}", escaped(key)), value);
        }
    }

    fn histogram(&mut self, name: &str, help: &str, histogram: &Histogram) {
        self.head(name, "histogram", help);
        let bucket = format!("{name}_bucket");
        for edge in EDGES {
            let count = histogram.count_up_to(Duration::from_secs_f64(edge));
            self.value(&bucket, &format!("{{le=\"{edge}\"}}"), count);
        }
        self.value(&bucket, "{le=\"+Inf\"}", histogram.count());
        let sum = histogram.sum().as_secs_f64();
        self.value(&format!("{name}_sum"), "", sum);
        self.value(&format!("{name}_count"), "", histogram.count());
    }
}

impl Stats {
    /// The figures as Prometheus reads them, names beginning with `gimmal_batch_`.
    ///
    /// ```
    /// use gimmal_batch::Stats;
    ///
    /// let text = Stats::default().to_prometheus();
    /// assert!(text.contains("\ngimmal_batch_items_total{result=\"succeeded\"} 0\n"));
    /// ```
    pub fn to_prometheus(&self) -> String {
        let mut text = Text(String::new());
        let results = [
            (
                "succeeded",
                self.succeeded - self.succeeded.min(self.replayed),
            ),
            ("failed", self.failed),
            ("replayed", self.replayed),
        ];
        text.labelled(("items_total", "result", "Items with a result."), results);
        let failures = self.failures.iter();
        text.labelled(
            ("failures_total", "category", "Failed items by category."),
            failures.map(|(category, count)| (category.as_str(), *count)),
        );
        let usage = &self.usage;
        let tokens = [
            ("prompt", usage.prompt_tokens),
            ("cached", usage.cached_tokens),
            ("output", usage.output_tokens),
            ("thoughts", usage.thoughts_tokens),
        ];
        let help = "Tokens; cached ones are part of the prompts, thoughts of the output.";
        text.labelled(("tokens_total", "kind", help), tokens);
        text.counter("requests_total", "Requests on the wire.", self.requests);
        text.counter("tries_total", "Tries of items.", self.tries);
        text.counter(
            "rate_limited_total",
            "Tries refused for the rate.",
            self.rate_limited,
        );
        let recovered = self.recovered.iter();
        let help = "Structured outputs made usable without another attempt.";
        text.labelled(
            ("structured_output_recoveries_total", "reason", help),
            recovered.map(|(recovery, count)| (recovery.as_str(), *count)),
        );
        text.counter(
            "deduplicated_total",
            "Items that got the answer of another.",
            self.deduplicated,
        );
        let quota = &self.quota;
        let ledger = [
            ("reserved", quota.reserved_tokens),
            ("reported", quota.reported_tokens),
            ("refunded", quota.refunded_tokens),
            ("underestimated", quota.underestimated_tokens),
        ];
        let help = "Tokens set aside for limits, and what became of them.";
        text.labelled(("quota_tokens_total", "what", help), ledger);
        for (name, help, histogram) in [
            (
                "item_seconds",
                "Time of items, waits included.",
                &self.latency,
            ),
            ("call_seconds", "Time of calls.", &self.execution),
            (
                "quota_wait_seconds",
                "Waits for the limits.",
                &self.quota_wait,
            ),
            (
                "admission_wait_seconds",
                "Waits for a place in flight.",
                &self.admission_wait,
            ),
        ] {
            text.histogram(name, help, histogram);
        }
        text.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Category;

    /// Covers: AC-MT-2
    #[test]
    fn every_line_is_a_comment_or_a_sample() {
        let mut stats = Stats::default();
        let strange = Category::Other("a \"strange\"\n\\one".into());
        stats.failures.insert(strange, 3);
        stats.latency.record(Duration::from_millis(70));
        let text = stats.to_prometheus();
        for line in text.lines() {
            if let Some(comment) = line.strip_prefix("# ") {
                assert!(
                    comment.starts_with("HELP ") || comment.starts_with("TYPE "),
                    "{line}"
                );
                continue;
            }
            let (series, value) = line.rsplit_once(' ').unwrap();
            assert!(value.parse::<f64>().is_ok(), "{line}");
            let name = series.split('{').next().unwrap();
            assert!(
                name.bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'_'),
                "{line}"
            );
            assert_eq!(series.contains('{'), series.ends_with('}'), "{line}");
        }
        assert!(text.contains(r#"category="a \"strange\"\n\\one"} 3"#));
        assert!(text.contains("item_seconds_bucket{le=\"0.05\"} 0\n"));
        assert!(text.contains("item_seconds_bucket{le=\"0.1\"} 1\n"));
        assert!(text.contains("item_seconds_count 1\n"));
    }
}
