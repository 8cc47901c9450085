//! The service itself: settings of clients, tokens, health, what it can do.

use gimmal_transport::{CallOptions, Error, Response};
use gimmal_types::tinker::{
    AuthTokenResponse, ClientConfigRequest, ClientConfigResponse, ClientDynamicConfigResponse,
    GetServerCapabilitiesResponse, HealthResponse,
};

use super::options::Manner;
use super::{Tinker, requests};

impl Tinker {
    /// Asks for the settings that hold for the life of a client.
    ///
    /// Route: POST /api/v1/client/config
    ///
    /// # Errors
    ///
    /// As the transport does.
    pub async fn client_config(
        &self,
        request: &ClientConfigRequest,
        options: &CallOptions,
    ) -> Result<Response<ClientConfigResponse>, Error> {
        let request = requests::client_config(self.endpoint(), request)?;
        self.read(request, Manner::Session, options).await
    }

    /// Asks for the settings that may change while a client lives.
    ///
    /// Route: POST /api/v1/client/dynamic_config
    ///
    /// # Errors
    ///
    /// As the transport does.
    pub async fn client_dynamic_config(
        &self,
        request: &ClientConfigRequest,
        options: &CallOptions,
    ) -> Result<Response<ClientDynamicConfigResponse>, Error> {
        let request = requests::client_dynamic_config(self.endpoint(), request)?;
        self.read(request, Manner::KeepAlive, options).await
    }

    /// Exchanges the credential of the transport for a token.
    ///
    /// Route: POST /api/v1/auth/token
    ///
    /// # Errors
    ///
    /// As the transport does.
    pub async fn auth_token(
        &self,
        options: &CallOptions,
    ) -> Result<Response<AuthTokenResponse>, Error> {
        let request = requests::auth_token(self.endpoint())?;
        self.read(request, Manner::Session, options).await
    }

    /// Asks whether the server is well.
    ///
    /// Route: GET /api/v1/healthz
    ///
    /// # Errors
    ///
    /// As the transport does.
    pub async fn health(&self, options: &CallOptions) -> Result<Response<HealthResponse>, Error> {
        let request = requests::health(self.endpoint())?;
        self.read(request, Manner::Training, options).await
    }

    /// Asks what the server can do.
    ///
    /// Route: GET /api/v1/get_server_capabilities
    ///
    /// # Errors
    ///
    /// As the transport does.
    pub async fn get_server_capabilities(
        &self,
        options: &CallOptions,
    ) -> Result<Response<GetServerCapabilitiesResponse>, Error> {
        let request = requests::get_server_capabilities(self.endpoint())?;
        self.read(request, Manner::Training, options).await
    }
}
