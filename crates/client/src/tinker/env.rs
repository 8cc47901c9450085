//! The variables that a client reads from its environment. Values are trimmed; a blank one counts
//! as unset.

use http::{HeaderName, HeaderValue};
use secrecy::SecretString;

const CF_ID: HeaderName = HeaderName::from_static("cf-access-client-id");
const CF_SECRET: HeaderName = HeaderName::from_static("cf-access-client-secret");

/// What the environment says.
#[derive(Debug)]
pub(crate) struct Environment {
    pub(crate) api_key: Option<SecretString>,
    pub(crate) base_url: Option<String>,
    pub(crate) credential_cmd: Option<String>,
    pub(crate) project_id: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) telemetry: bool,
    /// The pass of a gateway in front of the service.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
}

impl Default for Environment {
    fn default() -> Self {
        Self::read(|_| None)
    }
}

impl Environment {
    pub(crate) fn read(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let text = |name: &str| {
            let value = lookup(name)?;
            let value = value.trim();
            (!value.is_empty()).then(|| value.to_owned())
        };
        let header = |variable: &str, name: HeaderName| {
            let mut value = HeaderValue::from_str(&text(variable)?).ok()?;
            value.set_sensitive(true);
            Some((name, value))
        };
        let gateway = [
            header("CLOUDFLARE_ACCESS_CLIENT_ID", CF_ID),
            header("CLOUDFLARE_ACCESS_CLIENT_SECRET", CF_SECRET),
        ];
        Self {
            api_key: text("TINKER_API_KEY").map(Into::into),
            base_url: text("TINKER_BASE_URL"),
            credential_cmd: text("TINKER_CREDENTIAL_CMD"),
            project_id: text("TINKER_PROJECT_ID"),
            tags: list(text("TINKER_TAGS").as_deref()),
            telemetry: flag(text("TINKER_TELEMETRY").as_deref()).unwrap_or(true),
            headers: gateway.into_iter().flatten().collect(),
        }
    }
}

/// The parts of a comma-separated list.
fn list(text: Option<&str>) -> Vec<String> {
    let parts = text.unwrap_or_default().split(',').map(str::trim);
    parts
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

/// A switch; nothing for a word that is neither on nor off.
fn flag(text: Option<&str>) -> Option<bool> {
    match text?.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Some(true),
        "0" | "false" | "no" | "off" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Environment {
        Environment::read(|name| {
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
            ("CLOUDFLARE_ACCESS_CLIENT_SECRET", "s3cret"),
        ]);
        assert_eq!(read.api_key.as_ref().unwrap().expose_secret(), "api");
        assert_eq!(read.tags, ["tag1", "tag2", "tag3"]);
        assert!(!read.telemetry);
        let shown = format!("{read:?}");
        assert!(
            !shown.contains("s3cret") && !shown.contains("api\""),
            "{shown}"
        );
    }

    /// Covers: CHK-ENV-2
    #[test]
    fn chk_env_2_words_that_mean_nothing_leave_the_default() {
        let read = read(&[
            ("TINKER_TELEMETRY", "maybe"),
            ("TINKER_TAGS", " "),
            ("TINKER_BASE_URL", ""),
        ]);
        assert!(read.telemetry && read.tags.is_empty() && read.base_url.is_none());
    }
}
