//! The settings that hold in the end, with the source of each, shown without their secrets.

use std::fmt;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use gimmal_api::tinker::DEFAULT_BASE_URL;
use gimmal_transport::Error;
use gimmal_transport::redact::REDACTED;
use http::{HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};

use super::{Found, LogLevel, Parity, mask_api_key};

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// The code that makes the client.
    Option,
    /// The configuration of the application.
    Application,
    /// A variable of the environment.
    Environment(&'static str),
    /// The default key of this credentials file.
    CredentialsFile(PathBuf),
    /// Nobody said anything else.
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Option => f.write_str("option"),
            Self::Application => f.write_str("application"),
            Self::Environment(variable) => f.write_str(variable),
            Self::CredentialsFile(path) => write!(f, "{}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A value and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting<T> {
    /// The value.
    pub value: T,
    /// Where it comes from.
    pub source: Source,
}

impl<T> Setting<T> {
    fn default_of(value: T) -> Self {
        let source = Source::Default;
        Self { value, source }
    }
}

fn or<T>(found: Option<Setting<T>>, default: T) -> Setting<T> {
    found.unwrap_or_else(|| Setting::default_of(default))
}

/// All settings of a client, each with its source.
///
/// ```
/// use gimmal_client::tinker::{ServiceClient, Source};
///
/// let config = ServiceClient::builder()
///     .with_api_key("tml-abcdef123456")
///     .config()?;
/// assert_eq!(config.max_retries.value, 10);
/// assert_eq!(config.base_url.source, Source::Default);
/// assert!(config.to_string().contains("api_key = tml-ab...3456 (option)"));
/// # Ok::<(), gimmal_client::Error>(())
/// ```
///
/// [`ConfigLayer`](crate::tinker::ConfigLayer) says what each setting means. `Display` writes one
/// line for each that has a value: name, value, source. Of keys it shows the ends, of other
/// secrets nothing; `Debug` does the same.
#[derive(Clone)]
#[non_exhaustive]
#[expect(missing_docs, reason = "documented where they are set, at the layer")]
pub struct Config {
    pub api_key: Option<Setting<SecretString>>,
    pub credential_cmd: Option<Setting<SecretString>>,
    pub base_url: Setting<String>,
    pub project_id: Option<Setting<String>>,
    pub display_name: Option<Setting<String>>,
    pub user_metadata: Setting<Map<String, Value>>,
    pub tags: Setting<Vec<String>>,
    pub feature_gates: Setting<Vec<String>>,
    pub telemetry: Setting<bool>,
    pub log_level: Option<Setting<LogLevel>>,
    pub cf_access_client_id: Option<Setting<String>>,
    pub cf_access_client_secret: Option<Setting<SecretString>>,
    pub dump_headers: Setting<bool>,
    pub poll_backoff: Setting<bool>,
    pub parity: Setting<Parity>,
    pub timeout: Setting<Duration>,
    pub max_retries: Setting<u32>,
    pub pool_size: Option<Setting<NonZeroU32>>,
    pub pool_count: Option<Setting<NonZeroU32>>,
    pub proxy: Option<Setting<SecretString>>,
    pub proxy_headers: Setting<Vec<(String, SecretString)>>,
    pub default_headers: Setting<Vec<(HeaderName, HeaderValue)>>,
    pub default_query: Setting<Vec<(String, String)>>,
    pub otel_propagate: Setting<bool>,
}

impl Config {
    pub(crate) fn new(found: Found) -> Result<Self, Error> {
        let parity = or(found.parity, Parity::default());
        let config = Self {
            api_key: found.api_key,
            credential_cmd: found.credential_cmd,
            base_url: or(found.base_url, DEFAULT_BASE_URL.to_owned()),
            project_id: found.project_id,
            display_name: found.display_name,
            user_metadata: or(found.user_metadata, Map::new()),
            tags: or(found.tags, Vec::new()),
            feature_gates: or(found.feature_gates, vec!["async_sampling".to_owned()]),
            telemetry: or(found.telemetry, true),
            log_level: found.log_level,
            cf_access_client_id: found.cf_access_client_id,
            cf_access_client_secret: found.cf_access_client_secret,
            dump_headers: or(found.dump_headers, false),
            poll_backoff: or(found.poll_backoff, false),
            timeout: or(found.timeout, parity.value.timeout()),
            max_retries: or(found.max_retries, parity.value.max_retries()),
            parity,
            pool_size: found.pool_size,
            pool_count: found.pool_count,
            proxy: found.proxy,
            proxy_headers: or(found.proxy_headers, Vec::new()),
            default_headers: or(found.default_headers, Vec::new()),
            default_query: or(found.default_query, Vec::new()),
            otel_propagate: or(found.otel_propagate, false),
        };
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), Error> {
        if self.timeout.value.is_zero() {
            let message = format!("must be longer than nothing ({})", self.timeout.source);
            return Err(Error::invalid("timeout", message));
        }
        let blank = |id: &Setting<String>| id.value.trim().is_empty();
        if self.project_id.as_ref().is_some_and(blank) {
            return Err(Error::invalid(
                "project_id",
                "is blank; leave it out for none",
            ));
        }
        Ok(())
    }

    /// Name, value without secrets and source of each setting that has a value.
    pub fn entries(&self) -> Vec<(&'static str, String, &Source)> {
        fn entry<'a, T>(
            name: &'static str,
            setting: impl Into<Option<&'a Setting<T>>>,
            show: impl FnOnce(&T) -> String,
        ) -> Option<(&'static str, String, &'a Source)>
        where
            T: 'a,
        {
            let setting = setting.into()?;
            Some((name, show(&setting.value), &setting.source))
        }
        let key = |key: &SecretString| mask_api_key(key.expose_secret());
        let hidden = |_: &SecretString| REDACTED.to_owned();
        let names = |pairs: &Vec<(String, SecretString)>| {
            let names: Vec<_> = pairs.iter().map(|(name, _)| name.as_str()).collect();
            format!("{names:?}")
        };
        [
            entry("api_key", &self.api_key, key),
            entry("credential_cmd", &self.credential_cmd, hidden),
            entry("base_url", &self.base_url, String::clone),
            entry("project_id", &self.project_id, String::clone),
            entry("display_name", &self.display_name, String::clone),
            entry("user_metadata", &self.user_metadata, |map| {
                format!("{:?}", map.keys().collect::<Vec<_>>())
            }),
            entry("tags", &self.tags, |tags| format!("{tags:?}")),
            entry("feature_gates", &self.feature_gates, |on| format!("{on:?}")),
            entry("telemetry", &self.telemetry, bool::to_string),
            entry("log_level", &self.log_level, |level| format!("{level:?}")),
            entry(
                "cf_access_client_id",
                &self.cf_access_client_id,
                String::clone,
            ),
            entry(
                "cf_access_client_secret",
                &self.cf_access_client_secret,
                hidden,
            ),
            entry("dump_headers", &self.dump_headers, bool::to_string),
            entry("poll_backoff", &self.poll_backoff, bool::to_string),
            entry("parity", &self.parity, |parity| format!("{parity:?}")),
            entry("timeout", &self.timeout, |limit| format!("{limit:?}")),
            entry("max_retries", &self.max_retries, u32::to_string),
            entry("pool_size", &self.pool_size, NonZeroU32::to_string),
            entry("pool_count", &self.pool_count, NonZeroU32::to_string),
            entry("proxy", &self.proxy, hidden),
            entry("proxy_headers", &self.proxy_headers, names),
            entry("default_headers", &self.default_headers, |headers| {
                format!("{headers:?}")
            }),
            entry("default_query", &self.default_query, |query| {
                format!("{query:?}")
            }),
            entry("otel_propagate", &self.otel_propagate, bool::to_string),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value, source) in self.entries() {
            writeln!(f, "{name} = {value} ({source})")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.entries();
        let shown = entries
            .iter()
            .map(|(name, value, source)| (name, format!("{value} ({source})")));
        f.debug_map().entries(shown).finish()
    }
}
