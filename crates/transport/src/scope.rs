//! To whom a limit belongs: a server, and the account that talks to it. A scope identifies; it
//! cannot be turned back into the secret it was made from.

use std::borrow::Cow;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

use secrecy::{ExposeSecret, SecretString};
use url::{Position, Url};

use crate::error::Error;

/// Scheme, host and port of a server, in one spelling.
///
/// ```
/// use gimmal_transport::Origin;
///
/// # fn main() -> Result<(), gimmal_transport::Error> {
/// let origin = Origin::parse("https://API.Example.com:443/v1?key=secret")?;
/// assert_eq!(origin.as_str(), "https://api.example.com");
/// assert_eq!(origin, Origin::parse("https://api.example.com")?);
/// # Ok(())
/// # }
/// ```
///
/// The host is in lower case, the port is left out where the scheme implies it, and path, query
/// and user information are dropped.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin(String);

impl Origin {
    /// Reads the origin of an address.
    pub fn parse(address: &str) -> Result<Self, Error> {
        let url = Url::parse(address).map_err(|source| {
            Error::invalid("base_url", "it must look like https://host").with_source(source)
        })?;
        Self::of(&url)
    }

    /// The origin of an address that is already parsed.
    pub fn of(url: &Url) -> Result<Self, Error> {
        Self::name(url).map(|name| Self(name.into_owned()))
    }

    /// The origin's text, which is a part of most addresses and need not be made then.
    pub(crate) fn name(url: &Url) -> Result<Cow<'_, str>, Error> {
        let Some(host) = url.host_str().filter(|host| !host.is_empty()) else {
            return Err(Error::invalid(
                "base_url",
                "it has no host, as in https://host",
            ));
        };
        let scheme = url.scheme();
        // The parser leaves out the port that the scheme implies.
        let port = &url[Position::AfterHost..Position::AfterPort];
        let anonymous = url.authority().len() == host.len() + port.len();
        if anonymous && matches!(scheme, "http" | "https") {
            // For these the parser has made both lower case.
            return Ok(Cow::Borrowed(&url[..Position::AfterPort]));
        }
        let host = host.to_ascii_lowercase();
        Ok(Cow::Owned(format!("{scheme}://{host}{port}")))
    }

    /// The origin as text, such as `https://api.example.com`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The key of everything that one account shares at one server.
///
/// ```
/// use gimmal_transport::{Origin, Scope};
///
/// # fn main() -> Result<(), gimmal_transport::Error> {
/// let origin = Origin::parse("https://api.example.com")?;
/// let mine = Scope::new(origin.clone(), Some(&"key".into()));
/// assert_eq!(mine, Scope::new(origin.clone(), Some(&"key".into())));
/// assert_ne!(mine, Scope::new(origin, Some(&"other key".into())));
/// # Ok(())
/// # }
/// ```
///
/// Of the secret only a fingerprint is kept. It is made with a key drawn once per process, means
/// nothing outside of it and is not shown by `Debug`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Scope {
    origin: Origin,
    fingerprint: Option<[u64; 2]>,
}

impl Scope {
    /// The scope of a server and the secret that is sent to it, if any.
    pub fn new(origin: Origin, secret: Option<&SecretString>) -> Self {
        // Two independent hashes: 64 bits are few when a collision makes two accounts wait for
        // each other.
        static KEYS: LazyLock<[RandomState; 2]> =
            LazyLock::new(|| [RandomState::new(), RandomState::new()]);
        let fingerprint = secret.map(|secret| {
            let secret = secret.expose_secret();
            [KEYS[0].hash_one(secret), KEYS[1].hash_one(secret)]
        });
        Self {
            origin,
            fingerprint,
        }
    }

    /// The server.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope")
            .field("origin", &self.origin.as_str())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    #[test_case("https://API.Example.com:443/x", "https://api.example.com")]
    #[test_case("http://h:8080", "http://h:8080")]
    #[test_case("http://h:80/", "http://h")]
    #[test_case("https://h:80", "https://h:80"; "the port of another scheme stays")]
    #[test_case("https://user:password@h/p?q#f", "https://h")]
    #[test_case("http://[::1]:9/", "http://[::1]:9")]
    fn chk_pk_1_one_spelling_per_server(address: &str, expected: &str) {
        assert_eq!(Origin::parse(address).unwrap().as_str(), expected);
    }

    #[test_case("api.example.com")]
    #[test_case("not a url")]
    #[test_case("mailto:someone")]
    #[test_case("")]
    fn chk_pk_1_an_address_without_scheme_or_host_is_refused(address: &str) {
        let error = Origin::parse(address).unwrap_err();
        assert_eq!(error.field(), Some("base_url"));
    }

    #[test]
    fn secrets_separate_scopes_and_do_not_show() {
        let origin = Origin::parse("https://h").unwrap();
        let scope = |secret: Option<&str>| {
            let secret = secret.map(SecretString::from);
            Scope::new(origin.clone(), secret.as_ref())
        };
        assert_eq!(scope(Some("SECRET")), scope(Some("SECRET")));
        assert_ne!(scope(Some("SECRET")), scope(Some("OTHER")));
        assert_ne!(scope(Some("")), scope(None));
        let shown = format!("{:?}", scope(Some("SECRET")));
        assert_eq!(shown, "Scope { origin: \"https://h\", .. }");
    }
}
