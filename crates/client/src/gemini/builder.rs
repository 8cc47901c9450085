//! How a client is put together: explicit settings over the environment over defaults.

use std::sync::Arc;

use gimmal_api::gemini::{Backend, Endpoint, Gemini, default_headers};
use gimmal_transport::{
    ApiKey, BearerToken, CallOptions, Clock, Error, HttpTransport, RetryPolicyArg, Transport,
    TransportBuilder,
};
use http::HeaderName;
use secrecy::{ExposeSecret as _, SecretString};

use super::GeminiClient;
use super::env::{self, Environment};
use super::planner::CacheScope;

/// Collects the settings of a [`GeminiClient`].
#[must_use]
#[derive(Default)]
pub struct GeminiClientBuilder {
    api_key: Option<SecretString>,
    bearer_token: Option<SecretString>,
    vertex: Option<(Option<String>, Option<String>)>,
    base_url: Option<String>,
    api_version: Option<String>,
    environment: Environment,
    transport: TransportBuilder,
}

impl GeminiClientBuilder {
    pub(super) fn new() -> Self {
        Self {
            transport: Transport::builder(),
            ..Self::default()
        }
    }

    /// Takes from the environment what is not set explicitly.
    pub fn from_env(self) -> Self {
        self.from_lookup(|name| std::env::var(name).ok())
    }

    /// As [`GeminiClientBuilder::from_env`], from variables of the caller's.
    pub fn from_lookup(mut self, lookup: impl Fn(&str) -> Option<String>) -> Self {
        self.environment = Environment::read(lookup);
        self
    }

    /// The API key.
    pub fn with_api_key(mut self, key: impl Into<SecretString>) -> Self {
        self.api_key = Some(key.into());
        self
    }

    /// A bearer token for Vertex AI, instead of an API key.
    pub fn with_bearer_token(mut self, token: impl Into<SecretString>) -> Self {
        self.bearer_token = Some(token.into());
        self
    }

    /// Vertex AI, in a project and a location.
    pub fn with_vertex(mut self, project: impl Into<String>, location: impl Into<String>) -> Self {
        self.vertex = Some((Some(project.into()), Some(location.into())));
        self
    }

    /// Vertex AI in express mode: an API key and no project.
    pub fn with_vertex_express(mut self) -> Self {
        self.vertex = Some((None, None));
        self
    }

    /// Replaces the address: a proxy, a gateway or an emulator.
    pub fn with_base_url(mut self, base_url: impl Into<String>) -> Self {
        self.base_url = Some(base_url.into());
        self
    }

    /// Replaces the API version, such as `v1beta`.
    pub fn with_api_version(mut self, api_version: impl Into<String>) -> Self {
        self.api_version = Some(api_version.into());
        self
    }

    /// Options for every call; those of a call win.
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.transport = self.transport.with_options(options);
        self
    }

    /// When to try again.
    pub fn with_retry_policy(mut self, policy: impl Into<RetryPolicyArg>) -> Self {
        self.transport = self.transport.with_retry_policy(policy);
        self
    }

    /// Sends through something else than the built-in HTTP client.
    pub fn with_http(mut self, http: Arc<dyn HttpTransport>) -> Self {
        self.transport = self.transport.with_http(http);
        self
    }

    /// The clock for waits, deadlines and the expiry of caches.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.transport = self.transport.with_clock(clock);
        self
    }

    /// Checks the settings and makes the client. No I/O.
    ///
    /// # Errors
    ///
    /// Fails without credentials, on an empty key, on an ephemeral token used as a key, and on a
    /// bad base URL.
    pub fn build(self) -> Result<GeminiClient, Error> {
        let explicit_place = self.vertex.is_some();
        let vertex = explicit_place || self.environment.vertex;
        let environment_key = self.environment.api_key.clone().map(SecretString::from);
        let endpoint = if vertex {
            self.vertex_endpoint()
        } else {
            self.developer_endpoint()
        };
        let endpoint = endpoint.build()?;

        // On Vertex a project from code or from the environment wins over a key from the
        // environment; an explicit key always stays.
        let key = match self.api_key {
            Some(key) => Some(key),
            None if vertex && endpoint.project().is_some() => None,
            None => environment_key,
        };
        let (transport, credential) = match (key, self.bearer_token) {
            (Some(_), Some(_)) => {
                return Err(Error::invalid(
                    "api_key",
                    "excludes a bearer token; set one of them",
                ));
            }
            (Some(key), None) => {
                check_key(&key)?;
                let credential = key.expose_secret().as_bytes().to_vec();
                let header = HeaderName::from_static("x-goog-api-key");
                (
                    self.transport.with_credentials(ApiKey::new(header, key)),
                    credential,
                )
            }
            (None, Some(token)) if vertex => (
                self.transport.with_credentials(BearerToken::new(token)),
                Vec::new(),
            ),
            (None, Some(_)) => {
                return Err(Error::invalid(
                    "bearer_token",
                    "is for Vertex AI; use an API key",
                ));
            }
            (None, None) if vertex => {
                return Err(Error::invalid(
                    "bearer_token",
                    "must be set for Vertex AI, or an API key for express mode",
                ));
            }
            (None, None) => {
                let names = format!("{} or {}", env::GEMINI_API_KEY, env::GOOGLE_API_KEY);
                return Err(Error::invalid(
                    "api_key",
                    format!("is missing; set {names}"),
                ));
            }
        };
        let mut transport = transport;
        for (name, value) in default_headers() {
            transport = transport.with_header(name, value);
        }
        let scope = cache_scope(&endpoint, &credential);
        Ok(GeminiClient::new(
            Gemini::new(transport.build()?, endpoint),
            scope,
        ))
    }

    fn developer_endpoint(&self) -> gimmal_api::gemini::EndpointBuilder {
        self.address(Endpoint::gemini_api(), false)
    }

    fn vertex_endpoint(&self) -> gimmal_api::gemini::EndpointBuilder {
        let mut endpoint = self.address(Endpoint::vertex(), true);
        let (project, location) = match &self.vertex {
            Some((project, location)) => (project.clone(), location.clone()),
            // An explicit key without a place means express mode.
            None if self.api_key.is_some() => (None, None),
            None => (
                self.environment.project.clone(),
                self.environment.location.clone(),
            ),
        };
        if let Some(project) = project {
            endpoint = endpoint.with_project(project);
        }
        if let Some(location) = location {
            endpoint = endpoint.with_location(location);
        }
        endpoint
    }

    fn address(
        &self,
        mut endpoint: gimmal_api::gemini::EndpointBuilder,
        vertex: bool,
    ) -> gimmal_api::gemini::EndpointBuilder {
        if let Some(base) = self
            .base_url
            .clone()
            .or_else(|| self.environment.base_url(vertex))
        {
            endpoint = endpoint.with_base_url(base);
        }
        let version = self
            .api_version
            .clone()
            .or_else(|| self.environment.api_version(vertex));
        if let Some(version) = version {
            endpoint = endpoint.with_api_version(version);
        }
        endpoint
    }
}

impl std::fmt::Debug for GeminiClientBuilder {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("GeminiClientBuilder")
            .field("vertex", &self.vertex)
            .field("base_url", &self.base_url)
            .field("api_version", &self.api_version)
            .finish_non_exhaustive()
    }
}

fn check_key(key: &SecretString) -> Result<(), Error> {
    let key = key.expose_secret();
    if key.trim().is_empty() {
        return Err(Error::invalid("api_key", "must not be empty"));
    }
    if key.starts_with("auth_tokens/") {
        return Err(Error::invalid(
            "api_key",
            "is an ephemeral token, which only Live accepts",
        ));
    }
    Ok(())
}

/// Who may read the caches: whoever has the key, or on Vertex the project and location.
fn cache_scope(endpoint: &Endpoint, key: &[u8]) -> CacheScope {
    match (endpoint.backend(), endpoint.project(), endpoint.location()) {
        (Backend::Vertex, Some(project), Some(location)) => {
            let place = format!("projects/{project}/locations/{location}");
            CacheScope::new(Backend::Vertex, place.as_bytes(), None)
        }
        (backend, _, _) => CacheScope::new(backend, key, None),
    }
}
