//! Everything that a client is told before it first asks the server.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use gimmal_api::tinker::polling::PollOptions;
use gimmal_api::tinker::{API_KEY, Endpoint, PROTOCOL_VERSION, Tinker};
use gimmal_transport::auth::{
    AuthTag, CredentialCommand, FixedToken, JwtExchange, RejectedOn, TokenConfig, TokenCredentials,
};
use gimmal_transport::{
    ApiKey, AuthHeaders, Credentials, Error, Origin, PauseWindow, Scope, Transport,
};
use gimmal_types::tinker::ClientConfigResponse;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};
use url::Url;

use super::Config;
use super::calls::Calls;
use super::heartbeat::HeartbeatLimits;
use super::holder::process_uuid;
use super::ids::uuid;
use super::telemetry::Identity;

/// What the server calls its default source of credentials when it is a command.
const COMMAND: &str = "credential_cmd";

/// What a client has to show.
#[derive(Clone)]
pub(crate) enum Credential {
    /// A key, or a token that is good as it is.
    Key(SecretString),
    /// A command that prints a key or a token.
    Command(SecretString),
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Key(_) => "Key(..)",
            Self::Command(_) => "Command(..)",
        })
    }
}

impl Credential {
    /// A key, after a look at its form.
    pub(crate) fn key(key: SecretString) -> Result<Self, Error> {
        let text = key.expose_secret().trim();
        if text.starts_with("tml-") || text.starts_with("eyJ") {
            return Ok(Self::Key(key));
        }
        let message = "must start with `tml-`, or be a JSON web token; \
                       take it from the console, or set TINKER_API_KEY";
        Err(Error::invalid("api_key", message))
    }

    /// The credential that the settings name. A command stands in for a key of the wrong form.
    pub(crate) fn of(config: &Config) -> Result<Self, Error> {
        let command = config.credential_cmd.as_ref();
        let command = command.map(|command| Self::Command(command.value.clone()));
        let Some(key) = &config.api_key else {
            return command.ok_or_else(|| {
                let message = "is missing; set TINKER_API_KEY or TINKER_CREDENTIAL_CMD, or make a \
                               key the default of ~/.tinker/credentials.json";
                Error::invalid("api_key", message)
            });
        };
        match (Self::key(key.value.clone()), command) {
            (Err(_), Some(command)) => Ok(command),
            (key, _) => key,
        }
    }

    /// Server and credential, as whose the service counts requests.
    pub(crate) fn scope(&self, endpoint: &Endpoint) -> Result<Scope, Error> {
        let (Self::Key(secret) | Self::Command(secret)) = self;
        Ok(Scope::new(Origin::of(endpoint.base_url())?, Some(secret)))
    }

    fn is_token(&self) -> bool {
        matches!(self, Self::Key(key) if key.expose_secret().trim().starts_with("eyJ"))
    }
}

/// Credentials that the server's settings decide about.
#[derive(Debug)]
pub(crate) struct Switch(RwLock<Arc<dyn Credentials>>);

impl Switch {
    pub(crate) fn new(credential: &Credential) -> Self {
        let first: Arc<dyn Credentials> = match credential {
            Credential::Key(key) => Arc::new(ApiKey::new(API_KEY, key.clone())),
            Credential::Command(command) => Arc::new(TokenCredentials::new(
                CredentialCommand::new(command.expose_secret()),
                TokenConfig::in_header(API_KEY),
            )),
        };
        Self(RwLock::new(first))
    }

    fn get(&self) -> Arc<dyn Credentials> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn set(&self, credentials: Arc<dyn Credentials>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = credentials;
    }
}

/// The switch as a transport takes it.
#[derive(Clone, Debug)]
pub(crate) struct Switched(pub(crate) Arc<Switch>);

impl Credentials for Switched {
    fn headers(&self) -> BoxFuture<'_, Result<AuthHeaders, Error>> {
        let current = self.0.get();
        async move { current.headers().await }.boxed()
    }

    fn rejected(&self, tag: AuthTag, refusal: &Error) -> bool {
        self.0.get().rejected(tag, refusal)
    }
}

/// What a client is told.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) endpoint: Endpoint,
    pub(crate) credential: Credential,
    pub(crate) switch: Arc<Switch>,
    pub(crate) transport: Transport,
    pub(crate) project_id: Option<String>,
    pub(crate) display_name: Option<String>,
    pub(crate) user_metadata: Map<String, Value>,
    pub(crate) tags: Vec<String>,
    pub(crate) telemetry: bool,
    pub(crate) poll: PollOptions,
    pub(crate) pauses: Option<PauseWindow>,
    pub(crate) heartbeat: HeartbeatLimits,
}

impl Settings {
    pub(crate) fn calls(&self) -> Result<Calls, Error> {
        Ok(Calls(Tinker::new(
            self.transport.clone(),
            self.endpoint.clone(),
        )))
    }

    /// Exchanges the credential for tokens from now on, if the server wants tokens.
    pub(crate) fn use_tokens_if(
        &self,
        calls: &Calls,
        config: &ClientConfigResponse,
    ) -> Result<(), Error> {
        if !config.pjwt_auth_enabled {
            return match &self.credential {
                Credential::Command(_) => Err(Error::authentication(
                    "this server takes API keys alone; set TINKER_API_KEY",
                )),
                Credential::Key(_) => Ok(()),
            };
        }
        let base = self.endpoint.base_url().as_str().trim_end_matches('/');
        let url = Url::parse(&format!("{base}/api/v1/auth/token"))
            .map_err(|error| Error::config(error.to_string()))?;
        let bare = calls.0.transport().without_credentials();
        let config_names_command = config.credential_default_source == COMMAND;
        let exchange = match &self.credential {
            Credential::Command(command) => {
                let secret = CredentialCommand::new(command.expose_secret());
                JwtExchange::new(bare, url, API_KEY, secret)
            }
            Credential::Key(key) => {
                if config_names_command && !self.credential.is_token() {
                    return Err(Error::authentication(
                        "this server takes credentials of a command alone; set TINKER_CREDENTIAL_CMD",
                    ));
                }
                JwtExchange::new(bare, url, API_KEY, FixedToken::new(key.clone()))
            }
        };
        let config = TokenConfig::in_header(API_KEY)
            .with_rejected_on(RejectedOn::InvalidToken)
            .with_clock(Arc::clone(calls.0.transport().clock()))
            .with_jitter(Arc::clone(calls.0.transport().jitter()));
        self.switch
            .set(Arc::new(TokenCredentials::new(exchange, config)));
        Ok(())
    }

    pub(crate) fn identity(&self, session_id: Option<&str>, calls: &Calls) -> Identity {
        let none = || format!("sessionless-{}", uuid(&**calls.0.transport().jitter()));
        Identity {
            has_session: session_id.is_some(),
            session_id: session_id.map_or_else(none, str::to_owned).into(),
            sdk_version: PROTOCOL_VERSION.into(),
            process_uuid: process_uuid(calls).into(),
        }
    }
}
