//! What the client tells the service about itself: that a session began, what failed, and what the
//! program adds. Off with `TINKER_TELEMETRY=0`; no secret is ever sent.

mod capture;
mod classify;
mod delay;
mod event;
mod queue;
mod reporter;
mod sanitize;
#[cfg(test)]
mod tests;

pub use capture::{Fatal, TelemetryProvider, capture, capture_result};
pub use classify::ErrorReport;
pub use delay::resend_delay;
pub use event::EventFactory;
pub use queue::EventQueue;
pub(crate) use reporter::Identity;
pub use reporter::{Reporter, ReporterConfig, TelemetryBatch, TelemetrySink};
pub use sanitize::sanitize;
