//! Whether a secret can be sent in a header at all, said before anything is sent. The secret
//! itself never shows, not even in part.

use http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};

use crate::auth::AuthHeaders;
use crate::error::Error;

/// The longest secret that is taken: servers refuse longer headers anyway.
pub(super) const SECRET_LIMIT: usize = 16 * 1024;

/// The scheme of OAuth tokens, as the start of a header's value.
pub(super) const BEARER: &str = "Bearer ";

/// What keeps a secret from being sent, and how to mend it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flaw(&'static str);

impl Flaw {
    /// The error to fail a call with; `field` names the secret.
    pub(super) fn error(self, field: &'static str) -> Error {
        Error::authentication(format!("`{field}` {}", self.0)).with_field(field)
    }
}

/// A secret without the white space that files and shells put around it, if a header can carry it.
///
/// ```
/// use gimmal_transport::auth::header_secret;
///
/// let key = header_secret("api_key", &"SECRET\n".into())?;
/// let error = header_secret("api_key", &"SEC RET".into()).unwrap_err();
/// assert!(error.to_string().starts_with("invalid `api_key`: holds a space"));
/// # let _ = key;
/// # Ok::<(), gimmal_transport::Error>(())
/// ```
///
/// # Errors
///
/// Fails on a secret that is empty, too long, or holds what no header can carry. The error names
/// `field` and how to mend it, and never shows the secret.
pub fn header_secret(field: &str, secret: &SecretString) -> Result<SecretString, Error> {
    match check(secret.expose_secret().trim()) {
        Ok(secret) => Ok(secret.into()),
        Err(Flaw(flaw)) => Err(Error::invalid(field, flaw)),
    }
}

/// One sensitive header, `prefix` and then the secret.
pub(super) fn secret_headers(
    header: &HeaderName,
    prefix: &'static str,
    secret: &SecretString,
) -> Result<AuthHeaders, Flaw> {
    let secret = check(secret.expose_secret())?;
    let text = Zeroizing::new(format!("{prefix}{secret}"));
    let value = HeaderValue::from_str(&text).map_err(|_| Flaw("cannot be sent in a header"))?;
    Ok(HeaderMap::from_iter([(header.clone(), value)]).into())
}

/// The secret if it is fit for a header, otherwise what is wrong and how to mend it.
fn check(secret: &str) -> Result<&str, Flaw> {
    let inner = secret.trim();
    let flaw = if inner.is_empty() {
        "is empty; set a value"
    } else if inner.contains(['\r', '\n']) {
        "holds a line break; pass only one line"
    } else if !secret.is_ascii() {
        "holds a character that is not ASCII; copy it again from where it was issued"
    } else if inner.len() < secret.len() {
        "begins or ends with white space; trim it"
    } else if !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
        "holds a space or a control character; pass the secret alone"
    } else if secret.len() > SECRET_LIMIT {
        "is longer than 16 KiB; pass the secret itself, not a file"
    } else {
        return Ok(secret);
    };
    Err(Flaw(flaw))
}

#[cfg(test)]
mod tests {
    use http::header::AUTHORIZATION;
    use test_case::test_case;

    use super::*;
    use crate::error::{Delivery, ErrorKind};

    #[test_case("", "`api_key` is empty; set a value")]
    #[test_case(" \n", "empty; set a value"; "white space alone")]
    #[test_case("SEC\nRET", "line break; pass only one line")]
    #[test_case("SEC\r\nX-Other: RET", "line break"; "an attempt to add a header")]
    #[test_case("SECRET\n", "ends with white space; trim it"; "line break at the end")]
    #[test_case(" SECRET", "begins or ends with white space; trim it")]
    #[test_case("SECRET\u{e9}", "not ASCII; copy it again")]
    #[test_case("\u{feff}SECRET", "not ASCII"; "byte order mark")]
    #[test_case("SEC RET", "space or a control character")]
    #[test_case("SEC\tRET", "space or a control character"; "tab")]
    #[test_case("SEC\0RET", "space or a control character"; "nul")]
    fn a_flaw_is_named_with_its_fix_and_the_secret_is_not(secret: &str, expected: &str) {
        let flaw = secret_headers(&AUTHORIZATION, BEARER, &secret.into()).unwrap_err();
        let error = flaw.error("api_key");
        assert_eq!(error.kind(), ErrorKind::Authentication);
        assert_eq!(error.delivery(), Delivery::NotSent);
        assert_eq!(error.field(), Some("api_key"));
        let shown = format!("{error:?} {error}");
        assert!(shown.contains(expected), "{shown}");
        assert!(!shown.contains("SEC") && !shown.contains("RET"), "{shown}");
    }

    #[test]
    fn a_long_secret_is_refused() {
        let longest = SecretString::from("x".repeat(SECRET_LIMIT));
        assert!(secret_headers(&AUTHORIZATION, "", &longest).is_ok());
        let longer = SecretString::from("x".repeat(SECRET_LIMIT + 1));
        assert!(secret_headers(&AUTHORIZATION, "", &longer).is_err());
    }

    #[test]
    fn a_good_secret_goes_behind_its_prefix() {
        let headers = secret_headers(&AUTHORIZATION, BEARER, &"SECRET".into()).unwrap();
        assert_eq!(headers.as_map()["authorization"], "Bearer SECRET");
    }
}
