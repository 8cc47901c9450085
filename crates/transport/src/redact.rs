//! What is shown instead of things that may be secret.

use std::fmt;

use http::HeaderMap;
use url::Url;

/// The names of headers without their values.
pub(crate) struct HeaderNames<'a>(pub(crate) &'a HeaderMap);

impl fmt::Debug for HeaderNames<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.keys().map(|name| name.as_str()))
            .finish()
    }
}

/// An address without user and fragment, the values of its query replaced. A part of the query
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
