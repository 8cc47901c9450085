//! The organisation: who did what, and what it costs.

use gimmal_transport::{CallOptions, Error, Response};
use gimmal_types::tinker::{
    AuditLogResponse, BillingUsageResponse, CurrentCheckpointStorageUsageResponse,
    GetBillingUsageRequest, GetCurrentCheckpointStorageUsageRequest,
};

use super::options::Manner;
use super::{AuditQuery, Tinker, requests};

impl Tinker {
    /// Lists what was done in the organisation.
    ///
    /// Route: GET /api/v1/audit
    ///
    /// # Errors
    ///
    /// As the transport does.
    pub async fn audit_log(
        &self,
        query: &AuditQuery,
        options: &CallOptions,
    ) -> Result<Response<AuditLogResponse>, Error> {
        let request = requests::audit_log(self.endpoint(), query)?;
        self.read(request, Manner::Redirect, options).await
    }

    /// Tells what was used within a time.
    ///
    /// Route: GET /api/v1/billing/usage/events
    ///
    /// # Errors
    ///
    /// Fails before sending unless both ends are set, in order; otherwise as the transport does.
    pub async fn billing_usage(
        &self,
        request: &GetBillingUsageRequest,
        options: &CallOptions,
    ) -> Result<Response<BillingUsageResponse>, Error> {
        let request = requests::billing_usage(self.endpoint(), request)?;
        self.read(request, Manner::Training, options).await
    }

    /// Tells what the checkpoints of today cost.
    ///
    /// Route: GET /api/v1/billing/usage/checkpoints/current
    ///
    /// # Errors
    ///
    /// As the transport does.
    pub async fn current_checkpoint_storage(
        &self,
        request: &GetCurrentCheckpointStorageUsageRequest,
        options: &CallOptions,
    ) -> Result<Response<CurrentCheckpointStorageUsageResponse>, Error> {
        let request = requests::current_checkpoint_storage(self.endpoint(), request)?;
        self.read(request, Manner::Training, options).await
    }
}
