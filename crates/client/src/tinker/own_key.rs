//! Whether the server takes the credential, and what it says of the API key. No session is opened
//! for it, and nothing is tried a second time: the first failure is the answer.

use gimmal_api::tinker::PROTOCOL_VERSION;
use gimmal_transport::{CallOptions, Error, NeverRetry};
use gimmal_types::tinker::{ClientConfigRequest, SelfApiKeyResponse};

use super::ServiceClient;

impl ServiceClient {
    /// Asks the server once what it offers, which it tells only those it lets in. No session is
    /// opened.
    ///
    /// ```no_run
    /// # async fn run() -> Result<(), gimmal_client::Error> {
    /// use gimmal_client::tinker::ServiceClient;
    ///
    /// ServiceClient::from_env()?.check_access().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails when the server cannot be reached, refuses the credential or wants to be paid first.
    pub async fn check_access(&self) -> Result<(), Error> {
        let settings = self.settings();
        let calls = settings.calls()?;
        let body = ClientConfigRequest::new().set_sdk_version(PROTOCOL_VERSION);
        let config = calls.0.client_config(&body, &once()).await?.into_body();
        settings.use_tokens_if(&calls, &config)?;
        calls.0.get_server_capabilities(&once()).await?;
        Ok(())
    }

    /// What the server says of the API key of this client.
    ///
    /// # Errors
    ///
    /// Fails when the server cannot be reached or refuses the key.
    pub async fn get_own_key(&self) -> Result<SelfApiKeyResponse, Error> {
        let calls = self.settings().calls()?;
        Ok(calls.0.get_own_key(&once()).await?.into_body())
    }

    /// Deletes the API key of this client at the server, which refuses it from then on.
    ///
    /// # Errors
    ///
    /// Fails when the server cannot be reached or refuses the key.
    pub async fn delete_own_key(&self) -> Result<(), Error> {
        let calls = self.settings().calls()?;
        calls.0.delete_own_key(&once()).await?;
        Ok(())
    }
}

/// Options of a call whose first failure is the answer.
fn once() -> CallOptions {
    CallOptions::new().with_retry_policy(NeverRetry)
}
