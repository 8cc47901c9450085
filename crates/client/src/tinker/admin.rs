//! What an administrator may know of an organisation: the admin client. It opens no session.

use std::sync::Arc;

use gimmal_api::tinker::{AuditQuery, Tinker};
use gimmal_transport::Error;
use gimmal_types::tinker::{
    AuditLogResponse, BillingUsageResponse, CurrentCheckpointStorageUsageResponse,
    GetBillingUsageRequest, GetCurrentCheckpointStorageUsageRequest,
};

use super::Reporter;
use super::sessionless::Sessionless;
use super::settings::Settings;

/// What an administrator may know. Clones share the connection.
#[derive(Clone, Debug)]
pub struct AdminClient(Arc<Sessionless>);

impl AdminClient {
    pub(crate) fn new(settings: Settings) -> Self {
        Self(Sessionless::new(settings))
    }

    /// The reporter of telemetry, unless it is off. It reports without a session.
    ///
    /// # Errors
    ///
    /// When the connection, which is made when it is first needed, cannot be opened.
    pub async fn get_telemetry(&self) -> Result<Option<Arc<Reporter>>, Error> {
        self.0.reporter().await
    }

    /// What was done, by whom and when.
    ///
    /// # Errors
    ///
    /// As the transport does, and on an argument that cannot be.
    pub async fn get_audit_log(&self, query: &AuditQuery) -> Result<AuditLogResponse, Error> {
        let call = |api, options| async move { Tinker::audit_log(api, query, &options).await };
        self.0.call("AdminClient.get_audit_log", call).await
    }

    /// What was used and what it costs.
    ///
    /// # Errors
    ///
    /// As the transport does, and on an argument that cannot be.
    pub async fn get_billing_usage(
        &self,
        request: &GetBillingUsageRequest,
    ) -> Result<BillingUsageResponse, Error> {
        let call =
            |api, options| async move { Tinker::billing_usage(api, request, &options).await };
        self.0.call("AdminClient.get_billing_usage", call).await
    }

    /// What checkpoints take at the moment.
    ///
    /// # Errors
    ///
    /// As the transport does, and on an argument that cannot be.
    pub async fn get_current_checkpoint_storage_usage(
        &self,
        request: &GetCurrentCheckpointStorageUsageRequest,
    ) -> Result<CurrentCheckpointStorageUsageResponse, Error> {
        let call = |api, options| async move {
            Tinker::current_checkpoint_storage(api, request, &options).await
        };
        self.0
            .call("AdminClient.get_current_checkpoint_storage_usage", call)
            .await
    }
}
