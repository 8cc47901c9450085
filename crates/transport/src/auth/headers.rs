//! Headers that are made once and handed out many times. Their values never show.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use http::HeaderMap;

use crate::redact::HeaderNames;

/// The headers of some credentials, shared, with a tag that says whether they are still the same.
///
/// ```
/// use gimmal_transport::auth::AuthHeaders;
/// use http::{HeaderMap, HeaderValue};
///
/// let mut map = HeaderMap::new();
/// map.insert("x-api-key", HeaderValue::from_static("example"));
/// let headers = AuthHeaders::new(map);
/// assert_eq!(headers.clone().tag(), headers.tag());
/// assert!(headers.as_map()["x-api-key"].is_sensitive());
/// ```
///
/// A clone costs one atomic increment. Whoever derives something from the headers, such as a
/// signature, keeps the tag with it and derives anew only when the tag has changed.
#[derive(Clone)]
pub struct AuthHeaders(Arc<(AuthTag, HeaderMap)>);

impl AuthHeaders {
    /// Headers with a tag of their own. All values are marked sensitive, which keeps them out of
    /// the logs of HTTP libraries.
    pub fn new(mut headers: HeaderMap) -> Self {
        for value in headers.values_mut() {
            value.set_sensitive(true);
        }
        Self(Arc::new((AuthTag::next(), headers)))
    }

    /// The headers.
    pub fn as_map(&self) -> &HeaderMap {
        &self.0.1
    }

    /// The tag: equal for clones, different for everything else.
    pub fn tag(&self) -> AuthTag {
        self.0.0
    }
}

/// No headers; always the same tag.
impl Default for AuthHeaders {
    fn default() -> Self {
        static NONE: LazyLock<AuthHeaders> = LazyLock::new(|| AuthHeaders::new(HeaderMap::new()));
        NONE.clone()
    }
}

impl From<HeaderMap> for AuthHeaders {
    fn from(headers: HeaderMap) -> Self {
        Self::new(headers)
    }
}

/// Shows names only.
impl fmt::Debug for AuthHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthHeaders")
            .field("tag", &self.tag())
            .field("headers", &HeaderNames(self.as_map()))
            .finish()
    }
}

/// Names one making of [`AuthHeaders`] within the process. It says nothing about their values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AuthTag(u64);

impl AuthTag {
    fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        // Only uniqueness matters, and every order of increments gives that.
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers() -> AuthHeaders {
        HeaderMap::from_iter([(
            http::header::AUTHORIZATION,
            HeaderValue::from_static("Bearer SECRET"),
        )])
        .into()
    }

    #[test]
    fn tags_tell_makings_apart_and_clones_not() {
        let (one, other) = (headers(), headers());
        assert_eq!(one.tag(), one.clone().tag());
        assert_ne!(one.tag(), other.tag());
        assert_eq!(AuthHeaders::default().tag(), AuthHeaders::default().tag());
    }

    #[test]
    fn values_are_sensitive_and_do_not_show() {
        let headers = headers();
        assert!(headers.as_map()["authorization"].is_sensitive());
        let shown = format!("{headers:?}");
        assert!(shown.contains("authorization") && !shown.contains("SECRET"));
    }
}
