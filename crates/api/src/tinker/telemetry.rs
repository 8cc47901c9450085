//! What clients tell about themselves.

use gimmal_transport::{CallOptions, Error, Response};
use gimmal_types::tinker::{TelemetryResponse, TelemetrySendRequest};

use super::options::Manner;
use super::{Tinker, requests};

impl Tinker {
    /// Hands events of the client in.
    ///
    /// Route: POST /api/v1/telemetry
    ///
    /// # Errors
    ///
    /// As the transport does.
    pub async fn send_telemetry(
        &self,
        request: &TelemetrySendRequest,
        options: &CallOptions,
    ) -> Result<Response<TelemetryResponse>, Error> {
        let request = requests::send_telemetry(self.endpoint(), request)?;
        self.read(request, Manner::Telemetry, options).await
    }
}
