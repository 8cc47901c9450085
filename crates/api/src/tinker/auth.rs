//! The key that a client sends.

use gimmal_transport::{CallOptions, Error, Response};
use gimmal_types::tinker::SelfApiKeyResponse;

use super::options::Manner;
use super::{Tinker, requests};

impl Tinker {
    /// Describes the key that the transport sends.
    ///
    /// Route: GET /api/v1/auth/apikey/me
    ///
    /// # Errors
    ///
    /// As the transport does.
    pub async fn get_own_key(
        &self,
        options: &CallOptions,
    ) -> Result<Response<SelfApiKeyResponse>, Error> {
        let request = requests::get_own_key(self.endpoint())?;
        self.read(request, Manner::Credential, options).await
    }

    /// Deletes the key that the transport sends.
    ///
    /// Route: DELETE /api/v1/auth/apikey/me
    ///
    /// # Errors
    ///
    /// As the transport does.
    pub async fn delete_own_key(&self, options: &CallOptions) -> Result<Response<()>, Error> {
        let request = requests::delete_own_key(self.endpoint())?;
        self.tell(request, Manner::Credential, options).await
    }
}
