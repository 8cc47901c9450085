//! How a client is put together: explicit settings over the environment over defaults.

use std::fmt;
use std::sync::Arc;

use gimmal_api::gemini::{Backend, Endpoint, EndpointBuilder, Gemini, default_headers};
use gimmal_transport::auth::header_secret;
use gimmal_transport::{
    ApiKey, BackoffArg, BearerToken, CallOptions, Clock, CredentialsArg, Error, HttpTransport,
    RetryPolicyArg, Transport, TransportBuilder,
};
use gimmal_types::gemini::HttpOptions;
use http::HeaderName;
use http::header::AUTHORIZATION;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::env::{self, Environment};
use super::ephemeral::{self, LiveOnly};
use super::http_options::call_options;
use super::planner::CacheScope;
use super::{GeminiClient, ResponseStore};

/// Tells the service how long the client waits.
const SERVER_TIMEOUT: HeaderName = HeaderName::from_static("x-server-timeout");

/// Collects the settings of a [`GeminiClient`].
#[must_use]
#[derive(Default)]
pub struct GeminiClientBuilder {
    api_key: Option<SecretString>,
    bearer_token: Option<SecretString>,
    credentials: Option<CredentialsArg>,
    vertex: Option<(Option<String>, Option<String>)>,
    base_url: Option<String>,
    api_version: Option<String>,
    http_options: HttpOptions,
    options: CallOptions,
    environment: Environment,
    transport: TransportBuilder,
    store: Option<Arc<dyn ResponseStore>>,
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

    /// True when an API key is set, explicitly or in the environment.
    pub fn has_api_key(&self) -> bool {
        self.api_key.is_some() || self.environment.api_key.is_some()
    }

    /// True when the settings so far lead to Vertex AI.
    pub fn is_vertex(&self) -> bool {
        self.vertex.is_some() || self.environment.vertex
    }

    /// The address that replaces the service's own, from code or from the environment.
    pub fn base_url(&self) -> Option<String> {
        self.base_url
            .clone()
            .or_else(|| self.environment.base_url(self.is_vertex()))
    }

    /// The API key, or an ephemeral token, with which only Live sessions can be opened.
    pub fn with_api_key(mut self, key: impl Into<SecretString>) -> Self {
        self.api_key = Some(key.into());
        self
    }

    /// A bearer token for Vertex AI, instead of an API key.
    pub fn with_bearer_token(mut self, token: impl Into<SecretString>) -> Self {
        self.bearer_token = Some(token.into());
        self
    }

    /// Credentials of any other kind, such as tokens that are refreshed, or with the feature
    /// `google-auth` those of a Google account (`GoogleCredentials` in
    /// [`transport::auth`](crate::transport::auth)).
    pub fn with_credentials(mut self, credentials: impl Into<CredentialsArg>) -> Self {
        self.credentials = Some(credentials.into());
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
        self.options = options;
        self
    }

    /// Address, version, headers, limits and retries as the official SDKs take them. They win over
    /// the settings of this builder; what they leave open is taken from there.
    ///
    /// ```
    /// use gimmal_client::gemini::GeminiClient;
    /// use gimmal_client::types::gemini::{HttpOptions, HttpRetryOptions};
    ///
    /// # fn main() -> Result<(), gimmal_client::Error> {
    /// let options = HttpOptions::new()
    ///     .set_api_version("v1beta")
    ///     .set_timeout(60_000)
    ///     .set_retry_options(HttpRetryOptions::new().set_attempts(3));
    /// let client = GeminiClient::builder()
    ///     .with_api_key("key")
    ///     .with_http_options(options)
    ///     .build()?;
    /// # let _ = client;
    /// # Ok(()) }
    /// ```
    pub fn with_http_options(mut self, options: HttpOptions) -> Self {
        self.http_options = options;
        self
    }

    /// When to try again.
    pub fn with_retry_policy(mut self, policy: impl Into<RetryPolicyArg>) -> Self {
        self.transport = self.transport.with_retry_policy(policy);
        self
    }

    /// How long to wait between attempts.
    pub fn with_backoff(mut self, backoff: impl Into<BackoffArg>) -> Self {
        self.transport = self.transport.with_backoff(backoff);
        self
    }

    /// Changes the transport: circuit breakers, limits, interceptors, observers, connections.
    ///
    /// Credentials, and the headers that name the library, are set after it.
    ///
    /// ```
    /// use gimmal_client::gemini::GeminiClient;
    /// use gimmal_client::transport::{CircuitRegistry, EventBus};
    ///
    /// # fn main() -> Result<(), gimmal_client::Error> {
    /// let bus = EventBus::new();
    /// let client = GeminiClient::builder()
    ///     .with_api_key("key")
    ///     .with_transport(|transport| {
    ///         transport
    ///             .with_event_bus(bus)
    ///             .with_circuit_breakers(CircuitRegistry::new())
    ///     })
    ///     .build()?;
    /// # let _ = client;
    /// # Ok(()) }
    /// ```
    pub fn with_transport(
        mut self,
        change: impl FnOnce(TransportBuilder) -> TransportBuilder,
    ) -> Self {
        self.transport = change(self.transport);
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

    /// Keeps whole replies in a store: a generation that was answered before is not sent again.
    ///
    /// The reply then has no [attempts](crate::transport::Response::attempts) and costs nothing; its
    /// token counts are those of the call that brought it. Calls with an extra body go past the
    /// store.
    pub fn with_response_store(mut self, store: Arc<dyn ResponseStore>) -> Self {
        self.store = Some(store);
        self
    }

    /// Checks the settings and makes the client. No I/O.
    ///
    /// # Errors
    ///
    /// Fails without credentials, unless Vertex AI is reached through a gateway, which may add them;
    /// on a key or token that is empty or that no header can carry, on an ephemeral token for
    /// Vertex, on a bad base URL, project or location, and on bad [`HttpOptions`].
    pub fn build(self) -> Result<GeminiClient, Error> {
        let vertex = self.is_vertex();
        let endpoint = if vertex {
            self.vertex_endpoint()
        } else {
            self.address(Endpoint::gemini_api(), false)
        };
        // Credentials of the caller's own stand above a key, wherever that comes from.
        let key = self.api_key.as_ref().or(self.environment.api_key.as_ref());
        let key = key.filter(|_| self.credentials.is_none());
        let endpoint = if !vertex && key.is_some_and(ephemeral::is_token) {
            endpoint.with_ephemeral_token()
        } else {
            endpoint
        };
        let endpoint = endpoint.build()?.with_http_options(&self.http_options)?;
        let options = call_options(&self.http_options)?
            .or(&self.options)
            .or(self.transport.options())
            .or(&CallOptions::new().with_timeout_header(SERVER_TIMEOUT));
        let credential = self.credential(&endpoint)?;
        if vertex && matches!(credential, Credential::Ephemeral(_)) {
            return Err(Error::invalid(
                "api_key",
                "is an ephemeral token, which Vertex AI does not take",
            ));
        }
        let scope = credential.cache_scope(&endpoint);

        let transport = self.transport.with_options(options);
        let mut transport = match credential {
            Credential::Key(key) => {
                let header = HeaderName::from_static("x-goog-api-key");
                transport.with_credentials(ApiKey::new(header, key))
            }
            Credential::Ephemeral(token) => transport
                .with_credentials(ApiKey::with_scheme(AUTHORIZATION, "Token ", token))
                .with_interceptor(Arc::new(LiveOnly)),
            Credential::Token(token) => transport.with_credentials(BearerToken::new(token)),
            Credential::Other(credentials) => transport.with_credentials(credentials),
            Credential::Gateway => transport,
        };
        for (name, value) in default_headers() {
            transport = transport.with_header(name, value);
        }
        let api = Gemini::new(transport.build()?, endpoint);
        Ok(GeminiClient::new(api, scope).with_store(self.store))
    }

    /// What to show the service: explicit settings first, and then a key from the environment,
    /// unless a project says that Vertex AI is meant with its own credentials.
    fn credential(&self, endpoint: &Endpoint) -> Result<Credential, Error> {
        let vertex = endpoint.backend() == Backend::Vertex;
        if let Some(credentials) = &self.credentials {
            return match (&self.api_key, &self.bearer_token) {
                (None, None) => Ok(Credential::Other(credentials.clone())),
                _ => Err(Error::invalid(
                    "credentials",
                    "exclude an API key and a bearer token; set one of them",
                )),
            };
        }
        match (&self.api_key, &self.bearer_token) {
            (Some(_), Some(_)) => Err(Error::invalid(
                "api_key",
                "excludes a bearer token; set one of them",
            )),
            (Some(key), None) => Credential::key(key),
            (None, Some(token)) if vertex => Credential::token(token),
            (None, Some(_)) => Err(Error::invalid(
                "bearer_token",
                "is for Vertex AI; use an API key",
            )),
            (None, None) => match &self.environment.api_key {
                Some(key) if endpoint.project().is_none() => Credential::key(key),
                _ if self.is_gateway() => Ok(Credential::Gateway),
                _ if vertex => default_credentials(),
                _ => {
                    let names = format!("{} or {}", env::GEMINI_API_KEY, env::GOOGLE_API_KEY);
                    let missing = format!("is missing; set {names}");
                    Err(Error::invalid("api_key", missing))
                }
            },
        }
    }

    fn vertex_endpoint(&self) -> EndpointBuilder {
        let mut endpoint = self.address(Endpoint::vertex(), true);
        let (project, location) = match &self.vertex {
            Some((project, location)) => (project.clone(), location.clone()),
            // An explicit key without a place means express mode.
            None if self.api_key.is_some() => (None, None),
            // A gateway of the caller's knows the place, and who may ask.
            None if self.bearer_token.is_none() && self.is_gateway() => (None, None),
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

    /// True when Vertex AI is reached through an address that is not Google's.
    fn is_gateway(&self) -> bool {
        let base = self.http_options.base_url.clone();
        let base = base
            .or_else(|| self.base_url())
            .and_then(|base| Url::parse(&base).ok());
        let host = base.as_ref().and_then(Url::host_str);
        self.is_vertex() && host.is_some_and(|host| !host.ends_with(".googleapis.com"))
    }

    fn address(&self, mut endpoint: EndpointBuilder, vertex: bool) -> EndpointBuilder {
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

/// Shows neither keys nor the base URL, which may hold a password until it is checked.
impl fmt::Debug for GeminiClientBuilder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("GeminiClientBuilder")
            .field("vertex", &self.vertex)
            .field("api_version", &self.api_version)
            .finish_non_exhaustive()
    }
}

/// Those of the Google account of this machine.
#[cfg(feature = "google-auth")]
fn default_credentials() -> Result<Credential, Error> {
    let account = gimmal_transport::auth::GoogleCredentials::application_default();
    Ok(Credential::Other(account.into()))
}

#[cfg(not(feature = "google-auth"))]
fn default_credentials() -> Result<Credential, Error> {
    Err(Error::invalid(
        "bearer_token",
        "must be set for Vertex AI, or an API key for express mode; with the feature \
         `google-auth` the credentials of the machine are found",
    ))
}

/// What a client shows the service, known to be fit for a header.
enum Credential {
    Key(SecretString),
    /// Opens Live sessions and nothing else.
    Ephemeral(SecretString),
    Token(SecretString),
    /// Whatever the caller brings.
    Other(CredentialsArg),
    /// Nothing: a gateway of the caller's adds what it takes.
    Gateway,
}

impl Credential {
    fn key(key: &SecretString) -> Result<Self, Error> {
        let key = header_secret("api_key", key)?;
        Ok(if ephemeral::is_token(&key) {
            Self::Ephemeral(key)
        } else {
            Self::Key(key)
        })
    }

    fn token(token: &SecretString) -> Result<Self, Error> {
        header_secret("bearer_token", token).map(Self::Token)
    }

    /// Who may read the caches: whoever has the key, or on Vertex the project and location.
    fn cache_scope(&self, endpoint: &Endpoint) -> CacheScope {
        match (endpoint.project(), endpoint.location(), self) {
            (Some(project), Some(location), _) => {
                let place = format!("projects/{project}/locations/{location}");
                CacheScope::new(endpoint.backend(), place.as_bytes(), None)
            }
            // Who the caller is cannot be told; where the caches are can.
            (_, _, Self::Gateway | Self::Other(_)) => {
                let base = endpoint.base_url().as_str();
                CacheScope::new(endpoint.backend(), base.as_bytes(), None)
            }
            (_, _, Self::Key(secret) | Self::Ephemeral(secret) | Self::Token(secret)) => {
                CacheScope::new(endpoint.backend(), secret.expose_secret().as_bytes(), None)
            }
        }
    }
}
