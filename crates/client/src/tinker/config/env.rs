//! The variables that a client reads from its environment. Values are trimmed; a blank one counts
//! as unset, and one that cannot be understood too.
//!
//! The names are those of the official SDK (`TINKER_…`). Settings that it does not have are named
//! `GIMMAL_…`, and under the same names with `TINKEX_` as programs in Elixir know them.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use http::{HeaderName, HeaderValue};
use secrecy::SecretString;
use serde_json::Value;

use super::{ConfigLayer, LogLevel, Parity};

/// Headers whose values no log shows.
pub(super) const SECRET_HEADERS: [&str; 4] = [
    "authorization",
    "cf-access-client-secret",
    "proxy-authorization",
    "x-api-key",
];

/// The names of a variable of our own, of which the first that is set counts.
macro_rules! ours {
    ($name:literal) => {
        &[concat!("GIMMAL_", $name), concat!("TINKEX_", $name)]
    };
}

impl ConfigLayer {
    /// What the environment of this process says.
    pub fn from_env() -> Self {
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    /// As [`ConfigLayer::from_env`], from variables of the caller's.
    ///
    /// ```
    /// use gimmal_client::tinker::{ConfigLayer, ServiceClient, Source};
    ///
    /// let environment = |name: &str| (name == "TINKER_API_KEY").then(|| " tml-key ".to_owned());
    /// let config = ServiceClient::builder().from_lookup(environment).config()?;
    /// let key = config.api_key.unwrap();
    /// assert_eq!(key.source, Source::Environment("TINKER_API_KEY"));
    /// # Ok::<(), gimmal_client::Error>(())
    /// ```
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let mut env = Reader {
            lookup,
            variables: BTreeMap::new(),
        };
        let list = |text: String| Some(list(&text)).filter(|parts| !parts.is_empty());
        let mut layer = Self {
            api_key: env.read("api_key", &["TINKER_API_KEY"], secret),
            credential_cmd: env.read("credential_cmd", &["TINKER_CREDENTIAL_CMD"], secret),
            base_url: env.read("base_url", &["TINKER_BASE_URL"], Some),
            project_id: env.read("project_id", &["TINKER_PROJECT_ID"], Some),
            tags: env.read("tags", &["TINKER_TAGS"], list),
            feature_gates: env.read("feature_gates", &["TINKER_FEATURE_GATES"], list),
            telemetry: env.read("telemetry", &["TINKER_TELEMETRY"], flag),
            log_level: env.read("log_level", &["TINKER_LOG"], |word| LogLevel::parse(&word)),
            cf_access_client_id: env.read(
                "cf_access_client_id",
                &["CLOUDFLARE_ACCESS_CLIENT_ID"],
                Some,
            ),
            cf_access_client_secret: env.read(
                "cf_access_client_secret",
                &["CLOUDFLARE_ACCESS_CLIENT_SECRET"],
                secret,
            ),
            dump_headers: env.read("dump_headers", ours!("DUMP_HEADERS"), flag),
            poll_backoff: env.read("poll_backoff", ours!("POLL_BACKOFF"), |word| {
                match word.to_ascii_lowercase().as_str() {
                    "exponential" => Some(true),
                    _ => flag(word).filter(|on| *on),
                }
            }),
            parity: env.read("parity", ours!("PARITY"), |word| Parity::parse(&word)),
            pool_size: env.read("pool_size", ours!("POOL_SIZE"), number),
            pool_count: env.read("pool_count", ours!("POOL_COUNT"), number),
            proxy: env.read("proxy", ours!("PROXY"), secret),
            proxy_headers: env.read("proxy_headers", ours!("PROXY_HEADERS"), pairs),
            default_headers: env.read("default_headers", ours!("DEFAULT_HEADERS"), headers),
            default_query: env.read("default_query", ours!("DEFAULT_QUERY"), query),
            otel_propagate: env.read("otel_propagate", ours!("OTEL_PROPAGATE"), flag),
            ..Self::default()
        };
        for ignored in ["TINKEX_HTTP_CLIENT", "TINKEX_HTTP_POOL"] {
            if (env.lookup)(ignored).is_some() {
                tracing::debug!("{ignored} is set and means nothing here");
            }
        }
        layer.variables = env.variables;
        layer
    }
}

/// Reads variables and notes which one each setting came from.
struct Reader<L> {
    lookup: L,
    variables: BTreeMap<&'static str, &'static str>,
}

impl<L: Fn(&str) -> Option<String>> Reader<L> {
    fn read<T>(
        &mut self,
        field: &'static str,
        names: &[&'static str],
        parse: impl FnOnce(String) -> Option<T>,
    ) -> Option<T> {
        let (name, text) = names.iter().find_map(|name| {
            let text = (self.lookup)(name)?;
            let text = text.trim();
            (!text.is_empty()).then(|| (*name, text.to_owned()))
        })?;
        let value = parse(text);
        match value.is_some() {
            true => drop(self.variables.insert(field, name)),
            false => tracing::debug!("{name} is set to something that is not understood"),
        }
        value
    }
}

fn secret(text: String) -> Option<SecretString> {
    Some(text.into())
}

/// The parts of a comma-separated list.
fn list(text: &str) -> Vec<String> {
    let parts = text.split(',').map(str::trim);
    parts
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

/// A switch; nothing for a word that is neither on nor off.
fn flag(text: String) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Some(true),
        "0" | "false" | "no" | "off" => Some(false),
        _ => None,
    }
}

fn number(text: String) -> Option<NonZeroU32> {
    text.parse().ok()
}

/// The pairs of a JSON array of `[name, value]`, without those that are something else.
fn pairs(text: String) -> Option<Vec<(String, SecretString)>> {
    let array: Vec<Value> = serde_json::from_str(&text).ok()?;
    let pairs = array.into_iter().filter_map(|pair| {
        let (name, value) = serde_json::from_value::<(String, String)>(pair).ok()?;
        Some((name, value.into()))
    });
    Some(pairs.collect())
}

/// The members of a JSON object as texts, without null.
fn members(text: &str) -> Option<Vec<(String, String)>> {
    let Ok(Value::Object(members)) = serde_json::from_str(text) else {
        return None;
    };
    let members = members.into_iter().filter_map(|(name, value)| {
        let value = match value {
            Value::Null => return None,
            Value::String(text) => text,
            other => other.to_string(),
        };
        Some((name.trim().to_owned(), value))
    });
    Some(members.filter(|(name, _)| !name.is_empty()).collect())
}

fn query(text: String) -> Option<Vec<(String, String)>> {
    members(&text)
}

fn headers(text: String) -> Option<Vec<(HeaderName, HeaderValue)>> {
    let headers = members(&text)?.into_iter().filter_map(|(name, value)| {
        let name: HeaderName = name.parse().ok()?;
        let mut value = HeaderValue::from_str(&value).ok()?;
        value.set_sensitive(SECRET_HEADERS.contains(&name.as_str()));
        Some((name, value))
    });
    Some(headers.collect())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;
    use test_case::test_case;

    use super::*;

    fn read(pairs: &[(&str, &str)]) -> ConfigLayer {
        ConfigLayer::from_lookup(|name| {
            let pair = pairs.iter().find(|(known, _)| *known == name);
            pair.map(|(_, value)| (*value).to_owned())
        })
    }

    /// Covers: CHK-ENV-1
    #[test]
    fn chk_env_1_values_are_trimmed_and_lists_split() {
        let read = read(&[
            ("TINKER_API_KEY", " api "),
            ("TINKER_TAGS", "tag1, tag2, ,tag3"),
            ("TINKER_TELEMETRY", "0"),
            ("TINKER_LOG", "Warning"),
            (
                "TINKEX_DEFAULT_QUERY",
                r#"{"mode": "fast", "flag": true, "none": null}"#,
            ),
        ]);
        assert_eq!(read.api_key.as_ref().unwrap().expose_secret(), "api");
        assert_eq!(read.tags.as_ref().unwrap(), &["tag1", "tag2", "tag3"]);
        assert_eq!(read.telemetry, Some(false));
        assert_eq!(read.log_level, Some(LogLevel::Warn));
        let mut query = read.default_query.clone().unwrap();
        query.sort();
        let text = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        assert_eq!(query, [("flag", "true"), ("mode", "fast")].map(text));
        let shown = format!("{read:?}");
        assert!(!shown.contains("\"api\""), "{shown}");
    }

    /// Covers: CHK-ENV-2
    #[test]
    fn chk_env_2_words_that_mean_nothing_leave_the_default() {
        let read = read(&[
            ("TINKER_TELEMETRY", "maybe"),
            ("TINKEX_DUMP_HEADERS", ""),
            ("TINKER_FEATURE_GATES", " "),
            ("TINKEX_POLL_BACKOFF", "0"),
            ("TINKER_TAGS", " "),
        ]);
        assert!(read.telemetry.is_none() && read.dump_headers.is_none());
        assert!(read.feature_gates.is_none() && read.poll_backoff.is_none());
        assert!(read.tags.is_none());
    }

    /// Covers: CHK-ENV-3
    #[test_case("10abc", None)]
    #[test_case("-1", None)]
    #[test_case("0", None)]
    #[test_case("100", Some(100))]
    fn chk_env_3_the_size_of_a_pool_is_a_whole_positive_number(text: &str, size: Option<u32>) {
        let read = read(&[("TINKEX_POOL_SIZE", text)]);
        assert_eq!(read.pool_size.map(NonZeroU32::get), size);
    }

    #[test]
    fn our_own_name_of_a_variable_wins() {
        let read = read(&[
            ("TINKEX_PARITY", "python"),
            ("GIMMAL_PARITY", "ELIXIR"),
            ("TINKEX_POLL_BACKOFF", "exponential"),
        ]);
        assert_eq!(read.parity, Some(Parity::Beam));
        assert_eq!(read.poll_backoff, Some(true));
        assert_eq!(read.variables["parity"], "GIMMAL_PARITY");
    }

    #[test]
    fn headers_that_are_secret_are_marked_so() {
        let read = read(&[(
            "TINKEX_DEFAULT_HEADERS",
            r#"{"X-Api-Key": "s3cret", "x-team": "blue", "bad name": "x"}"#,
        )]);
        let headers = read.default_headers.unwrap();
        assert_eq!(headers.len(), 2);
        let shown = format!("{headers:?}");
        assert!(
            shown.contains("blue") && !shown.contains("s3cret"),
            "{shown}"
        );
    }
}
