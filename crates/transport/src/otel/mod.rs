//! Spans and metrics for OpenTelemetry, by its conventions for HTTP and for GenAI. It depends on
//! the API crate alone: what is exported, and where to, is the program's choice of an SDK.

mod handle;
mod instruments;
mod names;
mod propagate;
mod trace;

pub use handle::Otel;
