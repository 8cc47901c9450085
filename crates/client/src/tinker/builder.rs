//! How a client is put together: explicit settings over the environment over defaults.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use gimmal_api::tinker::polling::PollOptions;
use gimmal_api::tinker::{Endpoint, RETRY_COUNT};
use gimmal_transport::auth::CredentialsFile;
use gimmal_transport::rate_limit::PauseWindow;
use gimmal_transport::{
    Clock, Error, ExponentialBackoff, HttpTransport, Jitter, RetryCountHeader, Transport,
    TransportBuilder,
};
use http::{HeaderName, HeaderValue};
use secrecy::SecretString;
use serde_json::{Map, Value};

use super::config::Found;
use super::heartbeat::HeartbeatLimits;
use super::sampling::pauses;
use super::settings::{Credential, Settings, Switch, Switched};
use super::{Config, ConfigLayer, ServiceClient, Setting, Source};

/// The credentials file below the home directory.
const CREDENTIALS_FILE: &str = ".tinker/credentials.json";

/// Collects the settings of a [`ServiceClient`].
#[derive(Default)]
#[must_use]
pub struct ServiceClientBuilder {
    options: ConfigLayer,
    application: ConfigLayer,
    environment: ConfigLayer,
    credentials: Option<CredentialsFile>,
    headers: Vec<(HeaderName, HeaderValue)>,
    poll: Option<PollOptions>,
    pauses: Option<PauseWindow>,
    heartbeat: HeartbeatLimits,
    has_own_clock: bool,
    transport: TransportBuilder,
}

impl fmt::Debug for ServiceClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceClientBuilder")
            .field("options", &self.options)
            .field("application", &self.application)
            .field("environment", &self.environment)
            .finish_non_exhaustive()
    }
}

impl ServiceClientBuilder {
    /// Takes from the environment what is not set explicitly, and from the credentials file in
    /// the home directory a key that the environment does not name.
    pub fn from_env(self) -> Self {
        self.from_lookup(|name| std::env::var(name).ok())
    }

    /// As [`ServiceClientBuilder::from_env`], from variables of the caller's.
    pub fn from_lookup(mut self, lookup: impl Fn(&str) -> Option<String>) -> Self {
        let home = lookup("HOME").or_else(|| lookup("USERPROFILE"));
        let file = home.filter(|home| !home.is_empty());
        let file = file.map(|home| CredentialsFile::new(Path::new(&home).join(CREDENTIALS_FILE)));
        self.credentials = self.credentials.or(file);
        self.environment = ConfigLayer::from_lookup(lookup);
        self
    }

    /// Takes what is not set explicitly from the configuration of the application, before the
    /// environment is asked.
    pub fn with_application_config(mut self, layer: ConfigLayer) -> Self {
        self.application = layer;
        self
    }

    /// Takes all that this layer says as set explicitly. What was set before is forgotten.
    pub fn with_options(mut self, layer: ConfigLayer) -> Self {
        self.options = layer;
        self
    }

    /// Looks into this file for a key when nobody names one.
    pub fn with_credentials_file(mut self, file: CredentialsFile) -> Self {
        self.credentials = Some(file);
        self
    }

    /// The API key (`tml-…`), or a JSON web token.
    pub fn with_api_key(mut self, key: impl Into<SecretString>) -> Self {
        self.options.api_key = Some(key.into());
        self
    }

    /// Replaces the address: a gateway, a server of one's own or an emulator. An empty one
    /// counts as none.
    pub fn with_base_url(mut self, base_url: impl Into<String>) -> Self {
        let base_url = base_url.into();
        self.options.base_url = (!base_url.is_empty()).then_some(base_url);
        self
    }

    /// The project that the session belongs to.
    pub fn with_project_id(mut self, project_id: impl Into<String>) -> Self {
        self.options.project_id = Some(project_id.into());
        self
    }

    /// What the session is called in the console.
    pub fn with_display_name(mut self, name: impl Into<String>) -> Self {
        self.options.display_name = Some(name.into());
        self
    }

    /// Notes something about the session.
    pub fn with_user_metadata(mut self, metadata: Map<String, Value>) -> Self {
        self.options.user_metadata = Some(metadata);
        self
    }

    /// Tags the session.
    pub fn with_tags<T: Into<String>>(mut self, tags: impl IntoIterator<Item = T>) -> Self {
        self.options.tags = Some(tags.into_iter().map(Into::into).collect());
        self
    }

    /// Sets whether the service is told what fails; it is by default.
    pub fn with_telemetry(mut self, on: bool) -> Self {
        self.options.telemetry = Some(on);
        self
    }

    /// Sets how long an attempt may take; 60 s by default.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout = Some(timeout);
        self
    }

    /// Sets how often a request is sent again; 10 times by default.
    pub fn with_max_retries(mut self, max_retries: u32) -> Self {
        self.options.max_retries = Some(max_retries);
        self
    }

    /// Adds a header to every call; mark a secret one with [`HeaderValue::set_sensitive`].
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Sets how promises are asked for.
    pub fn with_polling(mut self, options: PollOptions) -> Self {
        self.poll = Some(options);
        self
    }

    /// Sets when a session counts as lost because the server does not hear of it.
    pub fn with_heartbeat_limits(mut self, limits: HeartbeatLimits) -> Self {
        self.heartbeat = limits;
        self
    }

    /// Pauses sampling together with the clients that hold this window. By default those of the
    /// same server and credential pause together, unless a clock is set.
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
        self.has_own_clock = true;
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

    /// The settings that hold, with the source of each. The credentials file is read if nobody
    /// else names a credential.
    ///
    /// # Errors
    ///
    /// Fails on settings that cannot be, and on a credentials file that cannot be read.
    pub fn config(&self) -> Result<Config, Error> {
        let mut found = Found::default()
            .or(self.options.clone(), &Source::Option)
            .or(self.application.clone(), &Source::Application)
            .or(self.environment.clone(), &Source::Default);
        if found.api_key.is_none()
            && found.credential_cmd.is_none()
            && let Some(file) = &self.credentials
        {
            let stored = file.load()?;
            found.api_key = stored.default_key().map(|key| Setting {
                value: key.key().clone(),
                source: Source::CredentialsFile(file.path().to_owned()),
            });
        }
        Config::new(found)
    }

    /// The key that would be used. There is none where a command makes it, or where settings are
    /// missing or cannot be.
    pub fn api_key(&self) -> Option<SecretString> {
        Some(self.config().ok()?.api_key?.value)
    }

    /// Whether there is a key, or a command that makes one, which is not run. Whether the service
    /// takes it, [`ServiceClient::check_access`] finds out.
    pub fn has_credentials(&self) -> bool {
        let config = self.config();
        config.is_ok_and(|config| config.api_key.is_some() || config.credential_cmd.is_some())
    }

    /// The file that is looked into for a key when nobody names a credential.
    pub fn credentials_file(&self) -> Option<&CredentialsFile> {
        self.credentials.as_ref()
    }

    /// Checks the settings and makes the client. Nothing is sent.
    ///
    /// # Errors
    ///
    /// Fails without a credential, on one that is no key and no token, and on a bad address.
    pub fn build(self) -> Result<ServiceClient, Error> {
        Ok(ServiceClient::new(self.settings()?))
    }

    pub(crate) fn settings(self) -> Result<Settings, Error> {
        let config = self.config()?;
        let credential = Credential::of(&config)?;
        let endpoint = Endpoint::new(&config.base_url.value)?;
        let switch = Arc::new(Switch::new(&credential));
        let mut options = config.call_options()?;
        for (name, value) in self.headers {
            options = options.with_header(name, value);
        }
        let transport: Transport = config
            .apply(self.transport)?
            .with_credentials(Switched(Arc::clone(&switch)))
            .with_options(options)
            .with_interceptor(Arc::new(RetryCountHeader::new(RETRY_COUNT)))
            .build()?;
        let poll =
            self.poll
                .unwrap_or_else(|| match config.poll_backoff.value {
                    true => PollOptions::default()
                        .with_outage_backoff(ExponentialBackoff::tinker_polling()),
                    false => PollOptions::default(),
                });
        let pauses = self.pauses.or_else(|| {
            let scope = (!self.has_own_clock).then(|| credential.scope(&endpoint));
            Some(pauses::shared(&scope?.ok()?))
        });
        Ok(Settings {
            endpoint,
            credential,
            switch,
            transport,
            project_id: config.project_id.map(|id| id.value),
            display_name: config.display_name.map(|name| name.value),
            user_metadata: config.user_metadata.value,
            tags: config.tags.value,
            telemetry: config.telemetry.value,
            poll,
            pauses,
            heartbeat: self.heartbeat,
        })
    }
}

#[cfg(test)]
mod tests {
    use gimmal_transport::auth::{StoredCredentials, StoredKey};
    use secrecy::ExposeSecret as _;
    use test_case::test_case;

    use super::*;

    fn layer(word: &str, number: u32) -> ConfigLayer {
        ConfigLayer::default()
            .with_api_key(format!("tml-{word}"))
            .with_base_url(format!("https://{word}.test"))
            .with_project_id(word)
            .with_tags([word.to_owned()])
            .with_feature_gates([word.to_owned()])
            .with_timeout(Duration::from_secs(number.into()))
            .with_max_retries(number)
            .with_cf_access_client_id(word)
            .with_default_query([("q".to_owned(), word.to_owned())])
            .with_credential_cmd(format!("echo tml-{word}"))
    }

    fn environment(name: &str) -> Option<String> {
        let value = match name {
            "TINKER_API_KEY" => "tml-env",
            "TINKER_BASE_URL" => "https://env.test",
            "TINKER_PROJECT_ID" | "TINKER_TAGS" | "TINKER_FEATURE_GATES" => "env",
            "CLOUDFLARE_ACCESS_CLIENT_ID" => "env",
            "TINKER_CREDENTIAL_CMD" => "echo tml-env",
            "GIMMAL_DEFAULT_QUERY" => r#"{"q": "env"}"#,
            "GIMMAL_PARITY" => "beam",
            _ => return None,
        };
        Some(value.to_owned())
    }

    #[test]
    fn who_asks_hears_whether_there_are_credentials() {
        let builder = ServiceClient::builder();
        assert!(builder.api_key().is_none() && !builder.has_credentials());
        let commanded = builder.from_lookup(|name| {
            (name == "TINKER_CREDENTIAL_CMD").then(|| "echo tml-made".to_owned())
        });
        assert!(commanded.api_key().is_none() && commanded.has_credentials());
        let keyed = ServiceClient::builder().with_api_key("tml-key");
        assert_eq!(keyed.api_key().unwrap().expose_secret(), "tml-key");
        assert!(keyed.has_credentials());
    }

    /// Covers: CHK-CFG-1
    #[test]
    fn chk_cfg_1_options_win_over_the_application_and_that_over_the_environment() {
        let check = |builder: ServiceClientBuilder, word: &str, number: u32| {
            let config = builder.config().unwrap();
            let key = config.api_key.unwrap().value;
            assert_eq!(key.expose_secret(), format!("tml-{word}"));
            assert_eq!(config.base_url.value, format!("https://{word}.test"));
            assert_eq!(config.project_id.unwrap().value, word);
            assert_eq!(config.tags.value, [word]);
            assert_eq!(config.feature_gates.value, [word]);
            assert_eq!(config.timeout.value, Duration::from_secs(number.into()));
            assert_eq!(config.max_retries.value, number);
            assert_eq!(config.cf_access_client_id.unwrap().value, word);
            assert_eq!(config.default_query.value, [("q".into(), word.into())]);
            let command = config.credential_cmd.unwrap().value;
            assert_eq!(command.expose_secret(), format!("echo tml-{word}"));
            config.tags.source
        };
        let from_env = ServiceClient::builder().from_lookup(environment);
        let source = check(
            ServiceClient::builder()
                .from_lookup(environment)
                .with_application_config(layer("app", 7))
                .with_options(layer("opt", 8)),
            "opt",
            8,
        );
        assert_eq!(source, Source::Option);
        let application = ServiceClient::builder()
            .from_lookup(environment)
            .with_application_config(layer("app", 7));
        assert_eq!(check(application, "app", 7), Source::Application);
        let config = from_env.config().unwrap();
        assert_eq!(config.tags.source, Source::Environment("TINKER_TAGS"));
        assert_eq!(config.max_retries.source, Source::Default);
        assert_eq!(config.base_url.value, "https://env.test");
        assert_eq!(config.project_id.unwrap().value, "env");
    }

    /// Covers: CHK-CFG-1
    #[test]
    fn chk_cfg_1_an_empty_list_is_a_value() {
        let builder = ServiceClient::builder()
            .from_lookup(environment)
            .with_tags(Vec::<String>::new());
        let tags = builder.config().unwrap().tags;
        assert!(tags.value.is_empty() && tags.source == Source::Option);
    }

    /// Covers: CHK-CFG-2
    #[test_case("http://user:pass@p:8080", None)]
    #[test_case("http://p:8080", Some("Basic dXNlcjpwYXNz"); "as a header")]
    #[test_case("http://other:word@p:8080", Some("Basic dXNlcjpwYXNz"); "the header wins")]
    #[tokio::test]
    async fn chk_cfg_2_a_proxy_is_told_who_asks(address: &str, header: Option<&str>) {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let address = address.replace("p:8080", &format!("127.0.0.1:{port}"));
        let headers: Vec<_> = header
            .map(|value| ("Proxy-Authorization".to_owned(), value.into()))
            .into_iter()
            .collect();
        let layer = ConfigLayer::default()
            .with_api_key("tml-key")
            .with_base_url("http://tinker.test")
            .with_max_retries(0u32)
            .with_proxy(address)
            .with_proxy_headers(headers);
        let client = ServiceClient::builder()
            .with_options(layer)
            .build()
            .unwrap();
        let shown = format!("{client:?}");
        assert!(
            !shown.contains("user:pass") && !shown.contains("dXNl"),
            "{shown}"
        );
        let asked = tokio::spawn(async move { client.session_id().await });
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut head = vec![0; 4096];
        let read = socket.read(&mut head).await.unwrap();
        let head = String::from_utf8_lossy(&head[..read]).to_lowercase();
        assert!(head.starts_with("post http://tinker.test/"), "{head}");
        let expected = "proxy-authorization: Basic dXNlcjpwYXNz".to_lowercase();
        assert!(head.contains(&expected), "{head}");
        let refusal = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n";
        socket.write_all(refusal).await.unwrap();
        assert!(asked.await.unwrap().is_err());
    }

    #[test_case("ftp://proxy:21", "", "proxy")]
    #[test_case("http://proxy:3128", "Bearer x", "proxy_headers")]
    fn a_proxy_that_cannot_be_is_refused_and_not_shown(proxy: &str, header: &str, field: &str) {
        let headers = vec![("proxy-authorization".to_owned(), header.into())];
        let layer = ConfigLayer::default()
            .with_api_key("tml-key")
            .with_proxy(proxy)
            .with_proxy_headers(headers);
        let error = ServiceClient::builder()
            .with_options(layer)
            .build()
            .unwrap_err();
        assert_eq!(error.field(), Some(field));
    }

    /// Covers: CHK-CFG-3
    #[test]
    fn chk_cfg_3_what_is_shown_holds_no_secret() {
        let layer = layer("s3cret-enough-to-be-long", 1)
            .with_cf_access_client_secret("s3cret-two")
            .with_proxy("http://user:s3cret-three@proxy");
        let builder = ServiceClient::builder().with_options(layer.clone());
        let config = builder.config().unwrap();
        let shown = format!("{builder:?} {layer:?} {config:?} {config}");
        assert!(shown.contains("cf_access_client_secret = [REDACTED] (option)"));
        for secret in ["tml-s3cret-enough", "s3cret-two", "s3cret-three", "echo"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }

    /// Covers: CHK-CFG-4
    #[test]
    fn chk_cfg_4_parity_decides_what_nobody_said() {
        let builder = || ServiceClient::builder().from_lookup(environment);
        let config = builder().config().unwrap();
        assert_eq!(config.timeout.value, Duration::from_secs(120));
        assert_eq!(config.max_retries.value, 2);
        assert_eq!(config.parity.source, Source::Environment("GIMMAL_PARITY"));
        let config = builder().with_timeout(Duration::from_millis(5)).config();
        let config = config.unwrap();
        assert_eq!(config.timeout.value, Duration::from_millis(5));
        assert_eq!(config.max_retries.value, 2);
        let config = ServiceClient::builder().config().unwrap();
        assert_eq!(config.timeout.value, Duration::from_secs(60));
        assert_eq!(config.max_retries.value, 10);
    }

    #[test]
    fn a_time_limit_of_nothing_and_a_blank_project_are_refused() {
        let builder = ServiceClient::builder().with_timeout(Duration::ZERO);
        assert_eq!(builder.config().unwrap_err().field(), Some("timeout"));
        let builder = ServiceClient::builder().with_project_id(" ");
        assert_eq!(builder.config().unwrap_err().field(), Some("project_id"));
    }

    #[test]
    fn the_default_key_of_the_file_counts_when_nobody_names_a_credential() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(CREDENTIALS_FILE);
        let mut stored = StoredCredentials::default();
        stored.insert("laptop", StoredKey::new("tml-stored".into(), "mine"));
        stored.set_default("laptop").unwrap();
        CredentialsFile::new(&path).save(&stored).unwrap();
        let home = home.path().to_str().unwrap().to_owned();
        let with = |name: &'static str, value: &'static str| {
            let home = home.clone();
            ServiceClient::builder().from_lookup(move |asked| match asked {
                "HOME" => Some(home.clone()),
                _ => (asked == name).then(|| value.to_owned()),
            })
        };
        let key = with("", "").config().unwrap().api_key.unwrap();
        assert_eq!(key.value.expose_secret(), "tml-stored");
        assert_eq!(key.source, Source::CredentialsFile(path));
        let config = with("TINKER_CREDENTIAL_CMD", "echo tml-x")
            .config()
            .unwrap();
        assert!(config.api_key.is_none());
        let config = with("TINKER_API_KEY", "tml-env").config().unwrap();
        let source = config.api_key.unwrap().source;
        assert_eq!(source, Source::Environment("TINKER_API_KEY"));
    }

    #[test]
    fn a_command_stands_in_for_a_key_that_is_none() {
        let builder = |command: &str| {
            let command = command.to_owned();
            ServiceClient::builder().from_lookup(move |name| match name {
                "TINKER_API_KEY" => Some("sk-other".to_owned()),
                "TINKER_CREDENTIAL_CMD" => Some(command.clone()),
                _ => None,
            })
        };
        let settings = builder("echo tml-x").settings().unwrap();
        assert!(matches!(settings.credential, Credential::Command(_)));
        let error = builder("").settings().unwrap_err();
        assert_eq!(error.field(), Some("api_key"));
    }
}
