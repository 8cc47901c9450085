//! The server in between. Its password goes to the HTTP client and is shown nowhere.

use std::fmt;

use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::error::Error;
use crate::scope::Origin;

/// A proxy for all requests, but for the hosts that are excepted.
///
/// ```
/// use gimmal_transport::Proxy;
///
/// # fn main() -> Result<(), gimmal_transport::Error> {
/// let proxy = Proxy::new("http://user:secret@proxy.internal:3128")?
///     .with_bypass("localhost, .internal, 10.0.0.0/8");
/// assert!(!format!("{proxy:?}").contains("secret"));
/// # Ok(())
/// # }
/// ```
///
/// Requests to `https` go through a tunnel (`CONNECT`), so that the proxy sees the name of the
/// server and nothing else; requests to `http` are handed to it whole.
#[derive(Clone)]
#[must_use]
pub struct Proxy {
    origin: Origin,
    /// The address with user and password.
    address: SecretString,
    bypass: Option<String>,
}

impl Proxy {
    /// The proxy at this address, whose scheme is `http` or `https`. User and password may be
    /// part of it.
    pub fn new(address: &str) -> Result<Self, Error> {
        let url = Url::parse(address).map_err(|_| invalid())?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(invalid());
        }
        Ok(Self {
            origin: Origin::of(&url).map_err(|_| invalid())?,
            address: String::from(url).into(),
            bypass: None,
        })
    }

    /// Says who is asking, in place of what the address says.
    pub fn with_basic_auth(mut self, user: &str, password: &SecretString) -> Result<Self, Error> {
        let mut url = Url::parse(self.address.expose_secret()).map_err(|_| invalid())?;
        url.set_username(user)
            .and_then(|()| url.set_password(Some(password.expose_secret())))
            .map_err(|()| invalid())?;
        self.address = String::from(url).into();
        Ok(self)
    }

    /// Goes straight to these hosts: names with all below them, addresses and networks, separated
    /// by commas, as in the variable `NO_PROXY`. A `*` means every name, though no address.
    pub fn with_bypass(mut self, hosts: impl Into<String>) -> Self {
        self.bypass = Some(hosts.into());
        self
    }

    pub(super) fn matcher(&self) -> Result<Matcher, Error> {
        let address = self.address.expose_secret();
        // An address that it cannot use is passed over, and requests would go without a proxy.
        let any = Uri::from_static("https://any.test");
        let all = Matcher::builder().all(address);
        if all.build().intercept(&any).is_none() {
            return Err(invalid());
        }
        let bypass = self.bypass.as_deref().unwrap_or_default();
        Ok(Matcher::builder().all(address).no(bypass).build())
    }
}

/// The address itself may hold a password, so nothing of it is repeated.
fn invalid() -> Error {
    Error::invalid(
        "proxy",
        "it must look like http://host:port or https://host:port",
    )
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("origin", &self.origin.as_str())
            .field("bypass", &self.bypass)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    #[test]
    fn user_and_password_are_kept_and_not_shown() {
        let proxy = Proxy::new("http://USER:SECRET@proxy:3128").unwrap();
        assert_eq!(
            proxy.address.expose_secret(),
            "http://USER:SECRET@proxy:3128/"
        );
        let proxy = proxy
            .with_basic_auth("other", &"p@ss:word".into())
            .unwrap()
            .with_bypass("localhost");
        assert_eq!(
            proxy.address.expose_secret(),
            "http://other:p%40ss%3Aword@proxy:3128/"
        );
        let matcher = proxy.matcher().unwrap();
        let through = |address| matcher.intercept(&Uri::from_static(address)).is_some();
        assert!(through("https://a.example/") && through("http://a.example/"));
        assert!(!through("http://localhost/"));
        assert_eq!(
            format!("{proxy:?}"),
            "Proxy { origin: \"http://proxy:3128\", bypass: Some(\"localhost\"), .. }"
        );
    }

    #[test_case("proxy:3128")]
    #[test_case("socks5://SECRET@proxy"; "scheme")]
    #[test_case("http://SECRET@"; "host")]
    #[test_case("SECRET"; "no url")]
    fn a_bad_address_is_refused_and_not_shown(address: &str) {
        let error = Proxy::new(address).unwrap_err();
        assert_eq!(error.field(), Some("proxy"));
        assert!(!format!("{error} {error:?}").contains("SECRET"));
    }
}
