//! What to do about what was seen. Every piece of advice names the number it rests on.

use serde::Serialize;

use super::alerts::AlertLevel;
use super::recorder::Monitor;
use super::report::MonitorReport;

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Severity {
    /// The cache hurts.
    Critical,
    /// The cache does little good.
    High,
    /// Worth a look.
    Warning,
    /// Could be better.
    Medium,
    /// Is fine; could be used more.
    Low,
    /// Good to know.
    Info,
}

/// A piece of advice.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Advice {
    /// What it is about, for programs.
    pub id: String,
    /// How much it matters.
    pub severity: Severity,
    /// What was seen, in words.
    pub message: String,
    /// The name of the number it rests on.
    pub metric: &'static str,
    /// The number.
    pub value: f64,
    /// The number from which on there is this advice.
    pub threshold: f64,
    /// What to try.
    pub suggestion: &'static str,
}

impl Monitor {
    /// What to do about what was seen, the most severe first.
    #[must_use]
    pub fn advice(&self) -> Vec<Advice> {
        let report = self.report();
        let mut found = Vec::new();
        hit_ratios(&report, &mut found);
        memory(&report, self, &mut found);
        invalidations(&report, self, &mut found);
        quality(&report, &mut found);
        found.sort_by_key(|advice| advice.severity);
        found
    }
}

fn hit_ratios(report: &MonitorReport, found: &mut Vec<Advice>) {
    for (name, operation) in &report.operations {
        let value = operation.hit_ratio();
        let (severity, threshold, suggestion) = match value {
            _ if operation.hits + operation.misses < 10 => continue,
            ..0.3 => (
                Severity::High,
                0.3,
                "lengthen the time to live, or take what never repeats out of the key",
            ),
            0.9.. => (
                Severity::Low,
                0.9,
                "a longer time to live may save more still",
            ),
            _ => continue,
        };
        found.push(Advice {
            id: format!("hit_ratio:{name}"),
            severity,
            message: format!("{:.0} % of the reads of {name} are answered", value * 100.0),
            metric: "hit_ratio",
            value,
            threshold,
            suggestion,
        });
    }
}

fn memory(report: &MonitorReport, monitor: &Monitor, found: &mut Vec<Advice>) {
    let (warning, critical) = monitor.thresholds().bytes;
    let (severity, threshold) = match report.memory_alert {
        AlertLevel::Normal => return,
        AlertLevel::Warning => (Severity::Warning, warning),
        AlertLevel::Critical => (Severity::Critical, critical),
    };
    found.push(Advice {
        id: "memory".to_owned(),
        severity,
        message: format!("the cache holds {} bytes", report.bytes),
        metric: "bytes",
        value: report.bytes as f64,
        threshold: threshold as f64,
        suggestion: "limit it by bytes, or shorten the time to live",
    });
}

fn invalidations(report: &MonitorReport, monitor: &Monitor, found: &mut Vec<Advice>) {
    let (warning, critical) = monitor.thresholds().invalidations;
    let alert = match report.invalidation_alert {
        AlertLevel::Normal => None,
        AlertLevel::Warning => Some((Severity::Warning, warning)),
        AlertLevel::Critical => Some((Severity::Critical, critical)),
    };
    if let Some((severity, threshold)) = alert {
        found.push(Advice {
            id: "invalidations".to_owned(),
            severity,
            message: format!(
                "{} invalidations in the time kept",
                report.recent_invalidations
            ),
            metric: "invalidations",
            value: report.recent_invalidations as f64,
            threshold: threshold as f64,
            suggestion: "invalidate less often and more exactly, or shorten the time to live",
        });
    }
    if report.invalidations == 0 {
        return;
    }
    let value = report.invalidated_keys as f64 / report.invalidations as f64;
    let (severity, threshold, suggestion) = match value {
        ..1.0 => (
            Severity::Info,
            1.0,
            "most invalidations find nothing: check what they select",
        ),
        100.01.. => (
            Severity::Warning,
            100.0,
            "select less with each invalidation",
        ),
        _ => return,
    };
    found.push(Advice {
        id: "invalidated_keys".to_owned(),
        severity,
        message: format!("an invalidation removes {value:.1} entries on average"),
        metric: "keys_per_invalidation",
        value,
        threshold,
        suggestion,
    });
}

fn quality(report: &MonitorReport, found: &mut Vec<Advice>) {
    let mut add = |id: &str, severity, value: f64, threshold: f64, message, suggestion| {
        if value > threshold {
            found.push(Advice {
                id: id.to_owned(),
                severity,
                message: String::from(message),
                metric: match id {
                    "corrupt" => "corrupt",
                    "compression" => "compression_ratio",
                    _ => "stale_share",
                },
                value,
                threshold,
                suggestion,
            });
        }
    };
    add(
        "corrupt",
        Severity::High,
        report.corrupt as f64,
        0.0,
        "entries of the store could not be trusted",
        "find out who else writes to the store",
    );
    let stale = report.stale as f64 / (report.hits.max(1)) as f64;
    add(
        "stale",
        Severity::Info,
        stale,
        0.05,
        "many answers are served past their freshness",
        "lengthen the time to live",
    );
    if report.bytes_in > 0 {
        let ratio = report.bytes_out as f64 / report.bytes_in as f64;
        add(
            "compression",
            Severity::Medium,
            ratio,
            0.8,
            "compression saves little",
            "raise the threshold from which on answers are compressed",
        );
    }
}
