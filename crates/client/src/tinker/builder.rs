//! How a client is put together: explicit settings over the environment over defaults.

use std::fmt;
use std::sync::Arc;

use gimmal_api::tinker::polling::PollOptions;
use gimmal_api::tinker::{DEFAULT_BASE_URL, Endpoint, RETRY_COUNT, default_options};
use gimmal_transport::rate_limit::PauseWindow;
use gimmal_transport::{
    Clock, Error, HttpTransport, Jitter, RetryCountHeader, Transport, TransportBuilder,
};
use http::{HeaderName, HeaderValue};
use secrecy::SecretString;
use serde_json::{Map, Value};

use super::ServiceClient;
use super::env::Environment;
use super::settings::{Credential, Settings, Switch, Switched};

/// Collects the settings of a [`ServiceClient`].
#[derive(Default)]
#[must_use]
pub struct ServiceClientBuilder {
    api_key: Option<SecretString>,
    base_url: Option<String>,
    project_id: Option<String>,
    display_name: Option<String>,
    user_metadata: Map<String, Value>,
    tags: Option<Vec<String>>,
    telemetry: Option<bool>,
    headers: Vec<(HeaderName, HeaderValue)>,
    poll: PollOptions,
    pauses: Option<PauseWindow>,
    environment: Environment,
    transport: TransportBuilder,
}

impl fmt::Debug for ServiceClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceClientBuilder")
            .field("base_url", &self.base_url)
            .field("project_id", &self.project_id)
            .finish_non_exhaustive()
    }
}

impl ServiceClientBuilder {
    /// Takes from the environment what is not set explicitly.
    pub fn from_env(self) -> Self {
        self.from_lookup(|name| std::env::var(name).ok())
    }

    /// As [`ServiceClientBuilder::from_env`], from variables of the caller's.
    pub fn from_lookup(mut self, lookup: impl Fn(&str) -> Option<String>) -> Self {
        self.environment = Environment::read(lookup);
        self
    }

    /// The API key (`tml-…`), or a JSON web token.
    pub fn with_api_key(mut self, key: impl Into<SecretString>) -> Self {
        self.api_key = Some(key.into());
        self
    }

    /// Replaces the address: a gateway, a server of one's own or an emulator.
    pub fn with_base_url(mut self, base_url: impl Into<String>) -> Self {
        self.base_url = Some(base_url.into());
        self
    }

    /// The project that the session belongs to.
    pub fn with_project_id(mut self, project_id: impl Into<String>) -> Self {
        self.project_id = Some(project_id.into());
        self
    }

    /// What the session is called in the console.
    pub fn with_display_name(mut self, name: impl Into<String>) -> Self {
        self.display_name = Some(name.into());
        self
    }

    /// Notes something about the session.
    pub fn with_user_metadata(mut self, metadata: Map<String, Value>) -> Self {
        self.user_metadata = metadata;
        self
    }

    /// Tags the session.
    pub fn with_tags<T: Into<String>>(mut self, tags: impl IntoIterator<Item = T>) -> Self {
        self.tags = Some(tags.into_iter().map(Into::into).collect());
        self
    }

    /// Sets whether the service is told what fails; it is by default.
    pub fn with_telemetry(mut self, on: bool) -> Self {
        self.telemetry = Some(on);
        self
    }

    /// Adds a header to every call; mark a secret one with [`HeaderValue::set_sensitive`].
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Sets how promises are asked for.
    pub fn with_polling(mut self, options: PollOptions) -> Self {
        self.poll = options;
        self
    }

    /// Shares the pause of sampling with other clients of the account.
    pub fn with_sampling_pause(mut self, window: PauseWindow) -> Self {
        self.pauses = Some(window);
        self
    }

    /// Sends through something else than the built-in HTTP client.
    pub fn with_http(mut self, http: Arc<dyn HttpTransport>) -> Self {
        self.transport = self.transport.with_http(http);
        self
    }

    /// The clock for waits, deadlines and heartbeats.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.transport = self.transport.with_clock(clock);
        self
    }

    /// Where the randomness of waits and identifiers comes from.
    pub fn with_jitter(mut self, jitter: Arc<dyn Jitter>) -> Self {
        self.transport = self.transport.with_jitter(jitter);
        self
    }

    /// Changes the transport: circuit breakers, limits, interceptors, observers, connections.
    pub fn with_transport(
        mut self,
        change: impl FnOnce(TransportBuilder) -> TransportBuilder,
    ) -> Self {
        self.transport = change(self.transport);
        self
    }

    /// Checks the settings and makes the client. No I/O.
    ///
    /// # Errors
    ///
    /// Fails without a credential, on one that is no key and no token, and on a bad address.
    pub fn build(self) -> Result<ServiceClient, Error> {
        Ok(ServiceClient::new(self.settings()?))
    }

    pub(crate) fn settings(self) -> Result<Settings, Error> {
        let environment = self.environment;
        let credential = match (
            self.api_key.or(environment.api_key),
            environment.credential_cmd,
        ) {
            (Some(key), _) => Credential::key(key)?,
            (None, Some(command)) => Credential::Command(command),
            (None, None) => {
                let message = "is missing; set TINKER_API_KEY or TINKER_CREDENTIAL_CMD";
                return Err(Error::invalid("api_key", message));
            }
        };
        let base_url = self.base_url.filter(|url| !url.is_empty());
        let base_url = base_url.or(environment.base_url);
        let endpoint = Endpoint::new(base_url.as_deref().unwrap_or(DEFAULT_BASE_URL))?;
        let switch = Arc::new(Switch::new(&credential));
        let mut options = default_options();
        for (name, value) in environment.headers.into_iter().chain(self.headers) {
            options = options.with_header(name, value);
        }
        let transport: Transport = self
            .transport
            .with_credentials(Switched(Arc::clone(&switch)))
            .with_options(options)
            .with_interceptor(Arc::new(RetryCountHeader::new(RETRY_COUNT)))
            .build()?;
        Ok(Settings {
            endpoint,
            credential,
            switch,
            transport,
            project_id: self.project_id.or(environment.project_id),
            display_name: self.display_name,
            user_metadata: self.user_metadata,
            tags: self.tags.unwrap_or(environment.tags),
            telemetry: self.telemetry.unwrap_or(environment.telemetry),
            poll: self.poll,
            pauses: self.pauses,
        })
    }
}
