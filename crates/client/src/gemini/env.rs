//! The environment variables the client reads, in one place.

use secrecy::SecretString;

/// API key; wins over [`GEMINI_API_KEY`].
pub(super) const GOOGLE_API_KEY: &str = "GOOGLE_API_KEY";
/// API key.
pub(super) const GEMINI_API_KEY: &str = "GEMINI_API_KEY";
/// Vertex AI when `true` or `1`; wins over [`USE_VERTEXAI`].
const USE_ENTERPRISE: &str = "GOOGLE_GENAI_USE_ENTERPRISE";
/// Vertex AI when `true` or `1`.
const USE_VERTEXAI: &str = "GOOGLE_GENAI_USE_VERTEXAI";
const PROJECT: &str = "GOOGLE_CLOUD_PROJECT";
const LOCATION: &str = "GOOGLE_CLOUD_LOCATION";
/// API version; `beta` means the service's beta version.
const API_VERSION: &str = "GOOGLE_GENAI_API_VERSION";
const GEMINI_BASE_URL: &str = "GOOGLE_GEMINI_BASE_URL";
const VERTEX_BASE_URL: &str = "GOOGLE_VERTEX_BASE_URL";

/// What the environment says. Empty variables count as unset.
#[derive(Default)]
pub(super) struct Environment {
    pub(super) api_key: Option<SecretString>,
    pub(super) vertex: bool,
    pub(super) project: Option<String>,
    pub(super) location: Option<String>,
    api_version: Option<String>,
    gemini_base_url: Option<String>,
    vertex_base_url: Option<String>,
}

impl Environment {
    /// Reads the variables through `lookup`, so that tests need no real environment.
    pub(super) fn read(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let get = |name: &str| {
            let value = lookup(name)?;
            let trimmed = value.trim();
            (!trimmed.is_empty()).then(|| trimmed.to_owned())
        };
        if get(GOOGLE_API_KEY).is_some() && get(GEMINI_API_KEY).is_some() {
            tracing::warn!("both {GOOGLE_API_KEY} and {GEMINI_API_KEY} are set; using the first");
        }
        let on = |name: &str| {
            let flag = get(name)?;
            Some(flag.eq_ignore_ascii_case("true") || flag == "1")
        };
        let (enterprise, vertexai) = (on(USE_ENTERPRISE), on(USE_VERTEXAI));
        if enterprise.is_some() && vertexai.is_some() && enterprise != vertexai {
            tracing::warn!("{USE_ENTERPRISE} and {USE_VERTEXAI} disagree; using the first");
        }
        let key = get(GOOGLE_API_KEY).or_else(|| get(GEMINI_API_KEY));
        Self {
            api_key: key.map(SecretString::from),
            vertex: enterprise.or(vertexai).unwrap_or(false),
            project: get(PROJECT),
            location: get(LOCATION),
            api_version: get(API_VERSION),
            gemini_base_url: get(GEMINI_BASE_URL),
            vertex_base_url: get(VERTEX_BASE_URL),
        }
    }

    /// The base URL for the service in use.
    pub(super) fn base_url(&self, vertex: bool) -> Option<String> {
        if vertex {
            self.vertex_base_url.clone()
        } else {
            self.gemini_base_url.clone()
        }
    }

    /// The API version, with `beta` spelled out.
    pub(super) fn api_version(&self, vertex: bool) -> Option<String> {
        match self.api_version.as_deref() {
            Some("beta") if vertex => Some("v1beta1".to_owned()),
            Some("beta") => Some("v1beta".to_owned()),
            other => other.map(str::to_owned),
        }
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        Environment::read(|name| {
            let found = variables.iter().find(|(have, _)| *have == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn keys_are_trimmed_and_ordered() {
        let both = environment(&[("GEMINI_API_KEY", "b"), ("GOOGLE_API_KEY", " a\n")]);
        assert_eq!(both.api_key.unwrap().expose_secret(), "a");
        let empty = environment(&[("GEMINI_API_KEY", "b"), ("GOOGLE_API_KEY", " ")]);
        assert_eq!(empty.api_key.unwrap().expose_secret(), "b");
    }

    #[test]
    fn flags_and_versions() {
        assert!(environment(&[("GOOGLE_GENAI_USE_VERTEXAI", "TRUE")]).vertex);
        let off = [
            ("GOOGLE_GENAI_USE_ENTERPRISE", "0"),
            ("GOOGLE_GENAI_USE_VERTEXAI", "1"),
        ];
        assert!(!environment(&off).vertex);
        let beta = environment(&[("GOOGLE_GENAI_API_VERSION", "beta")]);
        assert_eq!(beta.api_version(false).as_deref(), Some("v1beta"));
        assert_eq!(beta.api_version(true).as_deref(), Some("v1beta1"));
    }
}
