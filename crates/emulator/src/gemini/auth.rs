//! Who is calling: reads the credential, decides whether it is good, and keeps only a digest of
//! it. The key itself must not travel further than this file.

use http::{HeaderMap, StatusCode, header};
use sha2::{Digest, Sha256};

use crate::{
    gemini::errors::ApiError,
    route::{Backend, Target},
};

/// What a request presented, reduced to digests.
#[derive(Clone, Debug, Default)]
pub(crate) struct Caller {
    api_key: Option<String>,
    bearer: Option<String>,
}

/// Which callers are let in.
#[derive(Clone, Debug, Default)]
pub(crate) struct AuthPolicy {
    /// Digests of the accepted API keys; empty accepts any key.
    accepted: Vec<String>,
}

impl AuthPolicy {
    pub(crate) fn accept_key(&mut self, key: &str) {
        self.accepted.push(fingerprint(key));
    }

    /// Checks the caller the way the service behind `target` would.
    pub(crate) fn check(&self, caller: &Caller, target: &Target) -> Result<(), ApiError> {
        if let Some(key) = &caller.api_key {
            return if self.accepted.is_empty() || self.accepted.contains(key) {
                Ok(())
            } else {
                Err(
                    ApiError::invalid_argument("API key not valid. Please pass a valid API key.")
                        .with_error_info("API_KEY_INVALID", service_of(target.backend)),
                )
            };
        }
        match target.backend {
            Backend::Vertex if caller.bearer.is_some() => Ok(()),
            Backend::Vertex => Err(ApiError::new(
                StatusCode::UNAUTHORIZED,
                "UNAUTHENTICATED",
                "Request is missing required authentication credential. Expected OAuth 2 access \
                 token, login cookie or other valid authentication credential. See \
                 https://developers.google.com/identity/sign-in/web/devconsole-project.",
            )
            .with_error_info("CREDENTIALS_MISSING", service_of(Backend::Vertex))),
            Backend::Developer => Err(ApiError::permission_denied(
                "Method doesn't allow unregistered callers (callers without established \
                 identity). Please use API Key or other form of API consumer identity to call \
                 this API.",
            )),
        }
    }
}

impl Caller {
    pub(crate) fn read(headers: &HeaderMap, query: &[(String, String)]) -> Self {
        let header_key = headers.get("x-goog-api-key").map(|value| value.as_bytes());
        let query_key = || {
            let pair = query.iter().find(|(name, _)| name == "key");
            pair.map(|(_, value)| value.as_bytes())
        };
        let bearer = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim().as_bytes());
        let digest = |value: Option<&[u8]>| value.filter(|v| !v.is_empty()).map(fingerprint);
        Self {
            api_key: digest(header_key.or_else(query_key)),
            bearer: digest(bearer),
        }
    }

    /// Whether an access token came along.
    pub(crate) fn has_token(&self) -> bool {
        self.bearer.is_some()
    }

    /// The digest of whatever identifies this caller.
    pub(crate) fn fingerprint(&self) -> Option<&str> {
        self.api_key.as_deref().or(self.bearer.as_deref())
    }
}

fn service_of(backend: Backend) -> &'static str {
    match backend {
        Backend::Developer => "generativelanguage.googleapis.com",
        Backend::Vertex => "aiplatform.googleapis.com",
    }
}

/// The first 8 bytes of the SHA-256, in hexadecimal.
fn fingerprint(secret: impl AsRef<[u8]>) -> String {
    let digest = Sha256::digest(secret.as_ref());
    digest
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Method;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.insert(*name, value.parse().expect("value"));
        }
        map
    }

    fn check(policy: &AuthPolicy, caller: &Caller, path: &str) -> Result<(), u16> {
        let target = Target::parse(&Method::GET, path);
        policy.check(caller, &target).map_err(|error| error.code())
    }

    #[test]
    fn any_key_is_good_until_some_are_named() {
        let caller = Caller::read(&headers(&[("x-goog-api-key", "k")]), &[]);
        let mut policy = AuthPolicy::default();
        assert_eq!(check(&policy, &caller, "/v1beta/models"), Ok(()));
        policy.accept_key("other");
        assert_eq!(check(&policy, &caller, "/v1beta/models"), Err(400));
        policy.accept_key("k");
        assert_eq!(check(&policy, &caller, "/v1beta/models"), Ok(()));
    }

    #[test]
    fn a_query_key_and_a_header_key_are_the_same_caller() {
        let by_query = Caller::read(&HeaderMap::new(), &[("key".into(), "k".into())]);
        let by_header = Caller::read(&headers(&[("x-goog-api-key", "k")]), &[]);
        assert_eq!(by_query.fingerprint(), by_header.fingerprint());
        assert!(!format!("{by_query:?}").contains("\"k\""));
    }

    #[test]
    fn vertex_takes_a_bearer_token_and_the_developer_service_does_not() {
        let caller = Caller::read(&headers(&[("authorization", "Bearer t")]), &[]);
        let policy = AuthPolicy::default();
        assert_eq!(
            check(&policy, &caller, "/v1/publishers/google/models"),
            Ok(())
        );
        assert_eq!(check(&policy, &caller, "/v1beta/models"), Err(403));
        let nobody = Caller::read(&headers(&[("x-goog-api-key", "")]), &[]);
        assert_eq!(
            check(&policy, &nobody, "/v1/publishers/google/models"),
            Err(401)
        );
        assert_eq!(check(&policy, &nobody, "/v1beta/models"), Err(403));
    }
}
