//! What reaches an OpenTelemetry collector: calls on a scripted transport, exported over OTLP to a
//! stub on the loopback interface and read back from what arrived there.
#![cfg(feature = "otel")]

mod collector;
mod export;
mod propagation;
