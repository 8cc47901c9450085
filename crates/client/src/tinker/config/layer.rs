//! The settings of one origin, and how several origins become one: for each setting the first one
//! that says something wins.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use secrecy::SecretString;
use serde_json::{Map, Value};

use super::{LogLevel, Parity, Setting, Source};

macro_rules! fields {
    ($($(#[$doc:meta])* $field:ident, $with:ident: $kind:ty;)*) => {
        /// Settings of one origin, of which each may be missing.
        ///
        /// ```
        /// use std::time::Duration;
        /// use gimmal_client::tinker::{ConfigLayer, ServiceClient, Source};
        ///
        /// let application = ConfigLayer::default()
        ///     .with_tags(["nightly".to_owned()])
        ///     .with_timeout(Duration::from_secs(20));
        /// let config = ServiceClient::builder()
        ///     .with_api_key("tml-from-code")
        ///     .with_application_config(application)
        ///     .config()?;
        /// assert_eq!(config.timeout.value, Duration::from_secs(20));
        /// assert_eq!(config.timeout.source, Source::Application);
        /// # Ok::<(), gimmal_client::Error>(())
        /// ```
        ///
        /// What the code asks for wins over what the application is configured with, that over the
        /// environment, and that over the defaults; an empty list and `false` are values too.
        #[derive(Clone, Default)]
        #[must_use]
        pub struct ConfigLayer {
            $(pub(crate) $field: Option<$kind>,)*
            /// Which variable each setting was read from.
            pub(super) variables: BTreeMap<&'static str, &'static str>,
        }

        impl ConfigLayer {
            $(
                $(#[$doc])*
                pub fn $with(mut self, value: impl Into<$kind>) -> Self {
                    self.$field = Some(value.into());
                    self
                }
            )*

            fn names(&self) -> impl Iterator<Item = &'static str> {
                let said = [$((self.$field.is_some(), stringify!($field)),)*];
                said.into_iter().filter_map(|(said, name)| said.then_some(name))
            }
        }

        /// Of each setting the strongest value, and where it is from.
        #[derive(Default)]
        pub(crate) struct Found {
            $(pub(crate) $field: Option<Setting<$kind>>,)*
        }

        impl Found {
            /// Takes what this weaker layer says and no stronger one did.
            pub(crate) fn or(mut self, layer: ConfigLayer, origin: &Source) -> Self {
                $(if self.$field.is_none() {
                    let variable = layer.variables.get(stringify!($field));
                    let source = variable.map_or(origin.clone(), |name| Source::Environment(name));
                    self.$field = layer.$field.map(|value| Setting { value, source });
                })*
                self
            }
        }
    };
}

fields! {
    /// The API key (`tml-…`), or a JSON web token.
    api_key, with_api_key: SecretString;
    /// A command that prints a key or a token, run by a shell.
    credential_cmd, with_credential_cmd: SecretString;
    /// The address of the service.
    base_url, with_base_url: String;
    /// The project that the session belongs to.
    project_id, with_project_id: String;
    /// What the session is called in the console.
    display_name, with_display_name: String;
    /// Notes about the session.
    user_metadata, with_user_metadata: Map<String, Value>;
    /// Tags of the session.
    tags, with_tags: Vec<String>;
    /// Names of features that are on. The service knows none at the moment.
    feature_gates, with_feature_gates: Vec<String>;
    /// Whether the service is told what fails.
    telemetry, with_telemetry: bool;
    /// How much is logged, for applications that set up logging by it.
    log_level, with_log_level: LogLevel;
    /// Half of the pass of a gateway in front of the service.
    cf_access_client_id, with_cf_access_client_id: String;
    /// The other half.
    cf_access_client_secret, with_cf_access_client_secret: SecretString;
    /// Whether each attempt is logged with its headers, of which secret ones are not shown.
    dump_headers, with_dump_headers: bool;
    /// Whether questions about a promise follow more slowly while the service is out of order.
    poll_backoff, with_poll_backoff: bool;
    /// Whose defaults hold for time limits and retries.
    parity, with_parity: Parity;
    /// How long an attempt may take.
    timeout, with_timeout: Duration;
    /// How often a request is sent again.
    max_retries, with_max_retries: u32;
    /// Connections that are kept open per purpose.
    pool_size, with_pool_size: NonZeroU32;
    /// By how much that is multiplied for the requests under way at once.
    pool_count, with_pool_count: NonZeroU32;
    /// The address of a proxy, with user and password if it wants them.
    proxy, with_proxy: SecretString;
    /// What the proxy is told instead: `proxy-authorization` with a `Basic` value is understood.
    proxy_headers, with_proxy_headers: Vec<(String, SecretString)>;
    /// Headers of every call; mark secret ones with [`HeaderValue::set_sensitive`].
    default_headers, with_default_headers: Vec<(HeaderName, HeaderValue)>;
    /// Query parameters of every call, unless the call itself has them.
    default_query, with_default_query: Vec<(String, String)>;
    /// Whether trace headers of the global propagator go out. Needs the feature `otel`.
    otel_propagate, with_otel_propagate: bool;
}

/// Shows which settings there are, and of no value anything.
impl fmt::Debug for ConfigLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}
