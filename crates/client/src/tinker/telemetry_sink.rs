//! Sends telemetry to the service.

use futures_util::future::BoxFuture;
use gimmal_transport::retry::NeverRetry;
use gimmal_transport::{CallOptions, Error};
use gimmal_types::tinker::TelemetrySendRequest;

use super::calls::Calls;
use super::telemetry::{TelemetryBatch, TelemetrySink};

/// The service as the place where telemetry goes.
#[derive(Debug)]
pub(crate) struct CallSink {
    calls: Calls,
}

impl CallSink {
    pub(crate) fn new(calls: Calls) -> Self {
        Self { calls }
    }
}

impl TelemetrySink for CallSink {
    fn send(&self, batch: TelemetryBatch) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            let text = serde_json::to_value(&batch);
            let request: TelemetrySendRequest = text
                .and_then(serde_json::from_value)
                .map_err(|error| Error::invalid("telemetry", error.to_string()))?;
            // The reporter itself sends again what did not arrive.
            let options = CallOptions::new().with_retry_policy(NeverRetry);
            self.calls.0.send_telemetry(&request, &options).await?;
            Ok(())
        })
    }
}
