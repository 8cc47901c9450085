//! What is shown instead of things that may be secret. All who show anything of a call look here.

use std::borrow::Cow;
use std::fmt;

use http::{HeaderMap, HeaderName};
use url::Url;

/// What stands in the place of a secret.
pub const REDACTED: &str = "[REDACTED]";

/// Headers by name, with the values of those that are not secret: marked as sensitive, or `secret`
/// by their name.
///
/// ```
/// use gimmal_transport::redact::{REDACTED, shown_headers};
/// use http::{HeaderMap, HeaderValue};
///
/// let mut headers = HeaderMap::new();
/// headers.insert("x-team", HeaderValue::from_static("blue"));
/// headers.insert("x-api-key", HeaderValue::from_static("k"));
/// let shown = shown_headers(&headers, |name| name == "x-api-key");
/// let shown: Vec<_> = shown.collect();
/// assert_eq!(shown[0], ("x-team", "blue".into()));
/// assert_eq!(shown[1], ("x-api-key", REDACTED.into()));
/// ```
pub fn shown_headers<'a>(
    headers: &'a HeaderMap,
    secret: impl Fn(&HeaderName) -> bool,
) -> impl Iterator<Item = (&'a str, Cow<'a, str>)> {
    headers.iter().map(move |(name, value)| {
        let value = match value.is_sensitive() || secret(name) {
            true => Cow::Borrowed(REDACTED),
            false => String::from_utf8_lossy(value.as_bytes()),
        };
        (name.as_str(), value)
    })
}

/// Takes the secrets among `headers` out of a text of the server's, which may repeat them.
pub(crate) fn hide_secrets(text: &mut String, headers: &HeaderMap) {
    for value in headers.values().filter(|value| value.is_sensitive()) {
        let value = value.to_str().unwrap_or_default();
        // The scheme, such as `Bearer`, is none.
        let secret = value.rsplit(' ').next().unwrap_or_default();
        if !secret.is_empty() && text.contains(secret) {
            *text = text.replace(secret, REDACTED);
        }
    }
}

/// The names of headers without their values.
pub(crate) struct HeaderNames<'a>(pub(crate) &'a HeaderMap);

impl fmt::Debug for HeaderNames<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.keys().map(|name| name.as_str()))
            .finish()
    }
}

/// An address without user and fragment, the values of its query replaced as the conventions of
/// OpenTelemetry for `url.full` have it. A part of the query
/// without `=` is replaced as a whole: it may be a value as well as a name.
pub(crate) struct RedactedUrl<'a>(pub(crate) &'a Url);

impl fmt::Display for RedactedUrl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.0;
        write!(
            f,
            "{}://{}",
            url.scheme(),
            url.host_str().unwrap_or_default()
        )?;
        if let Some(port) = url.port() {
            write!(f, ":{port}")?;
        }
        f.write_str(url.path())?;
        let mut separator = '?';
        for part in url.query().unwrap_or_default().split('&') {
            match part.split_once('=') {
                Some((name, _)) => write!(f, "{separator}{name}=REDACTED")?,
                None if part.is_empty() => continue,
                None => write!(f, "{separator}REDACTED")?,
            }
            separator = '&';
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    #[test_case("https://h/p", "https://h/p")]
    #[test_case("https://user:pass@h:8443/p#f", "https://h:8443/p")]
    #[test_case(
        "http://h/p?alt=sse&key=SECRET",
        "http://h/p?alt=REDACTED&key=REDACTED"
    )]
    #[test_case("http://[::1]/?SECRET", "http://[::1]/?REDACTED")]
    #[test_case("http://h/?", "http://h/"; "an empty query is none")]
    fn an_address_keeps_names_and_loses_values(url: &str, expected: &str) {
        let url = Url::parse(url).unwrap();
        assert_eq!(RedactedUrl(&url).to_string(), expected);
    }
}
