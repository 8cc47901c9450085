//! What a cache does, measured: counters, distributions, alerts, trends, advice and exports.

mod advice;
mod alerts;
mod export;
mod histogram;
mod monitored;
#[cfg(feature = "otel")]
mod otel;
mod recorder;
mod report;
mod window;

pub use advice::{Advice, Severity};
pub use alerts::{AlertLevel, Thresholds};
pub use monitored::Monitored;
pub use recorder::{Monitor, Timed};
pub use report::{Distribution, MonitorReport, OperationReport, Trend};
