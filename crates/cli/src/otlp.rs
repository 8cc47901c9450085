//! Spans and metrics of a run, sent over HTTP to an OpenTelemetry collector while it goes on.

use std::sync::Arc;

use gimmal_batch::{Observer, OtelObserver};
use opentelemetry_otlp::{MetricExporter, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;

use crate::config::without_credentials;
use crate::exit::Failure;

/// What a collector calls the sender.
const SERVICE: &str = "gimmal";

/// The way to a collector.
pub(crate) struct Otlp {
    tracers: SdkTracerProvider,
    meters: SdkMeterProvider,
}

impl Otlp {
    /// Makes the way; nothing is sent before there is something to send.
    pub(crate) async fn open(endpoint: &str) -> anyhow::Result<Self> {
        let shown = without_credentials(endpoint);
        let refused = |why: String| {
            Failure::usage(format!(
                "--otlp-endpoint {shown}: {why}; it is the address of a collector, such as \
                 http://localhost:4318"
            ))
        };
        let base = endpoint.trim_end_matches('/').to_owned();
        // The exporters block on threads of their own, which may not begin on one of the runtime's.
        let opened = tokio::task::spawn_blocking(move || {
            let spans = SpanExporter::builder()
                .with_http()
                .with_endpoint(format!("{base}/v1/traces"))
                .build()?;
            let metrics = MetricExporter::builder()
                .with_http()
                .with_endpoint(format!("{base}/v1/metrics"))
                .build()?;
            let resource = || Resource::builder().with_service_name(SERVICE).build();
            Ok::<_, opentelemetry_otlp::ExporterBuildError>(Self {
                tracers: SdkTracerProvider::builder()
                    .with_batch_exporter(spans)
                    .with_resource(resource())
                    .build(),
                meters: SdkMeterProvider::builder()
                    .with_periodic_exporter(metrics)
                    .with_resource(resource())
                    .build(),
            })
        });
        let opened = opened.await.map_err(|error| refused(error.to_string()))?;
        opened.map_err(|error| refused(error.to_string()))
    }

    /// Hears of a run, and sends it.
    pub(crate) fn observer(&self) -> Arc<dyn Observer> {
        Arc::new(OtelObserver::new(&self.tracers, &self.meters))
    }

    /// Sends what is left.
    ///
    /// # Errors
    ///
    /// Fails when the collector does not take it.
    pub(crate) async fn close(self) -> Result<(), String> {
        let sent = tokio::task::spawn_blocking(move || {
            let spans = self.tracers.shutdown().map_err(|error| error.to_string());
            let metrics = self.meters.shutdown().map_err(|error| error.to_string());
            spans.and(metrics)
        });
        sent.await.map_err(|error| error.to_string())?
    }
}
