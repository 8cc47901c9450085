//! Where the service is, and how addresses below it are made. Reads no environment, does no I/O.

use std::borrow::Cow;

use gimmal_transport::Error;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

/// Everything but what needs no encoding by RFC 3986 and the colon, which stands between the parts
/// of an identifier.
const NOT_IN_AN_ID: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b':');

/// The address of the service itself.
pub const DEFAULT_BASE_URL: &str = "https://tinker.thinkingmachines.dev/services/tinker-prod";

/// A resolved address of the service.
///
/// ```
/// use gimmal_api::tinker::Endpoint;
///
/// let endpoint = Endpoint::new("http://127.0.0.1:8000/gateway//")?;
/// assert_eq!(endpoint.base_url().as_str(), "http://127.0.0.1:8000/gateway/");
/// # Ok::<(), gimmal_transport::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    base_url: Url,
}

impl Endpoint {
    /// The service at an address; an empty text stands for [`DEFAULT_BASE_URL`].
    ///
    /// # Errors
    ///
    /// Fails when the text is no absolute http(s) URL, or carries a query or a user name.
    pub fn new(base_url: &str) -> Result<Self, Error> {
        let refuse = |why: &str| Error::invalid("base_url", why);
        let base = match base_url.trim_end_matches('/') {
            "" => DEFAULT_BASE_URL,
            base => base,
        };
        // The text itself is not repeated: it may hold a password.
        let mut url = Url::parse(base).map_err(|_| refuse("is not an absolute URL"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refuse("must start with http:// or https://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse(
                "must not carry a user name or password; set a key instead",
            ));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refuse("must not carry a query or a fragment"));
        }
        if !url.path().ends_with('/') {
            let path = format!("{}/", url.path());
            url.set_path(&path);
        }
        Ok(Self { base_url: url })
    }

    /// The address that paths are appended to; ends in a slash.
    pub fn base_url(&self) -> &Url {
        &self.base_url
    }

    /// The address of a path below `api/v1`.
    pub(super) fn url(&self, path: &str) -> Url {
        let mut url = self.base_url.clone();
        let path = format!("{}api/v1/{path}", url.path());
        url.set_path(&path);
        url
    }

    /// The same with a query; what is empty is left out.
    pub(super) fn url_with(&self, path: &str, query: &[(&str, &str)]) -> Url {
        let mut url = self.url(path);
        for (name, value) in query.iter().filter(|(_, value)| !value.is_empty()) {
            url.query_pairs_mut().append_pair(name, value);
        }
        url
    }
}

/// An identifier as a part of a path. It goes there as it is, so it must not be able to lead
/// anywhere else.
pub(super) fn segment<'a>(field: &str, id: &'a str) -> Result<&'a str, Error> {
    let plain = |letter: char| letter.is_ascii_graphic() && !"/?#%\\\"<>`{}|^".contains(letter);
    if id.is_empty() {
        return Err(Error::invalid(field, "must not be empty"));
    }
    if matches!(id, "." | "..") || !id.chars().all(plain) {
        return Err(Error::invalid(
            field,
            "is no identifier that fits into a path",
        ));
    }
    Ok(id)
}

/// An identifier as a part of a path, with what does not belong there encoded.
pub(super) fn encoded<'a>(field: &str, id: &'a str) -> Result<Cow<'a, str>, Error> {
    if matches!(id, "" | "." | "..") {
        return segment(field, id).map(Cow::Borrowed);
    }
    Ok(utf8_percent_encode(id, NOT_IN_AN_ID).into())
}

/// A checkpoint within a run: `weights/<name>`, two parts of a path.
pub(super) fn checkpoint<'a>(field: &str, id: &'a str) -> Result<&'a str, Error> {
    let parts = id.split_once('/');
    let (kind, name) = parts
        .ok_or_else(|| Error::invalid(field, "must be kind and name, such as `weights/0001`"))?;
    segment(field, kind)?;
    segment(field, name)?;
    Ok(id)
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    #[test]
    fn paths_follow_the_base() {
        let endpoint = Endpoint::new("").unwrap();
        assert_eq!(
            endpoint.url("samplers/s:sample:0").as_str(),
            "https://tinker.thinkingmachines.dev/services/tinker-prod/api/v1/samplers/s:sample:0"
        );
        let endpoint = Endpoint::new("http://localhost:1").unwrap();
        let url = endpoint.url_with("audit", &[("a", "x:y"), ("b", "")]);
        assert_eq!(url.as_str(), "http://localhost:1/api/v1/audit?a=x%3Ay");
    }

    #[test]
    fn bad_addresses_name_the_field() {
        for base in ["nowhere", "ftp://x", "http://u:p@x", "http://x?a=b"] {
            let error = Endpoint::new(base).unwrap_err();
            assert_eq!(error.field(), Some("base_url"), "{base}");
            assert!(!error.to_string().contains("u:p"));
        }
    }

    /// Covers: CHK-REST-3
    #[test_case("s-1:sample:0", "s-1:sample:0")]
    #[test_case("a:b/c", "a:b%2Fc")]
    #[test_case("a?b#c d%2e", "a%3Fb%23c%20d%252e")]
    fn chk_rest_3_an_identifier_cannot_leave_its_place(id: &str, sent: &str) {
        let endpoint = Endpoint::new("http://h").unwrap();
        let id = encoded("sampler_id", id).unwrap();
        let url = endpoint.url(&format!("samplers/{id}"));
        assert_eq!(url.as_str(), format!("http://h/api/v1/samplers/{sent}"));
        assert_eq!(encoded("id", "..").unwrap_err().field(), Some("id"));
    }

    #[test]
    fn identifiers_stay_where_they_are_put() {
        assert_eq!(segment("id", "s-1:train:0").unwrap(), "s-1:train:0");
        for id in ["", "..", "a/b", "a?b", "a#b", "%2e", "a b", "ä"] {
            assert_eq!(segment("id", id).unwrap_err().field(), Some("id"), "{id}");
        }
        assert_eq!(checkpoint("c", "weights/0001").unwrap(), "weights/0001");
        for id in ["0001", "weights/", "weights/..", "a/b/c"] {
            assert_eq!(checkpoint("c", id).unwrap_err().field(), Some("c"), "{id}");
        }
    }
}
