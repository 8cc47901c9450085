//! `auth_tokens.create`.

use gimmal_transport::{CallOptions, Error, Response};
use gimmal_types::gemini::{AuthToken, CreateAuthTokenConfig};

use super::{Gemini, requests};

impl Gemini {
    /// Creates an ephemeral token, which opens Live sessions without an API key; developer API
    /// only. The service offers it in version `v1alpha`.
    ///
    /// Route: POST auth_tokens
    ///
    /// # Errors
    ///
    /// Fails before sending on Vertex, on a bad model name, and on fields that the developer API
    /// does not have; otherwise as the transport does.
    pub async fn create_auth_token(
        &self,
        config: &CreateAuthTokenConfig,
        options: &CallOptions,
    ) -> Result<Response<AuthToken>, Error> {
        let request = requests::create_auth_token(self.endpoint(), config)?;
        self.transport().send_json(request, options).await
    }
}
