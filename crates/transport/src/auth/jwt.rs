//! The claims of a JSON web token, read without checking its signature: only the server that
//! issued it can tell whether it is genuine. Used to know when a token runs out, never to trust it.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use crate::auth::secret::SECRET_LIMIT;
use crate::auth::{AccessToken, TokenSource};
use crate::error::Error;
use crate::time::{Clock, TokioClock};

/// The last second of the year 9999: later times are mistakes, such as milliseconds.
const LATEST: f64 = 253_402_300_799.0;

/// The claims of a JSON web token, unverified.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use gimmal_transport::auth::JwtClaims;
///
/// // {"alg":"none"} . {"exp":1700000000,"sub":"someone"} . no signature
/// let token = "eyJhbGciOiJub25lIn0.eyJleHAiOjE3MDAwMDAwMDAsInN1YiI6InNvbWVvbmUifQ.";
/// let claims = JwtClaims::decode(&token.into())?;
/// let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
/// assert_eq!(claims.expires_at(), Some(at));
/// assert_eq!(claims.text("sub"), Some("someone"));
/// # Ok::<(), gimmal_transport::Error>(())
/// ```
#[derive(Clone)]
pub struct JwtClaims(Map<String, Value>);

impl JwtClaims {
    /// Reads the claims of a token of at most 16 KiB: three parts joined by dots, the second of
    /// which is a JSON object in unpadded base64url.
    pub fn decode(token: &SecretString) -> Result<Self, Error> {
        claims(token.expose_secret()).map(Self).map_err(|flaw| {
            Error::authentication(format!("the JSON web token {flaw}")).with_field("jwt")
        })
    }

    /// When the token runs out: the claim `exp`, if it is a plausible time.
    pub fn expires_at(&self) -> Option<SystemTime> {
        self.time("exp")
    }

    /// When the token was issued: the claim `iat`, if it is a plausible time.
    pub fn issued_at(&self) -> Option<SystemTime> {
        self.time("iat")
    }

    /// A claim that is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// Seconds since 1970, whole or not (RFC 7519, section 2).
    fn time(&self, name: &str) -> Option<SystemTime> {
        let seconds = self.0.get(name)?.as_f64()?;
        if !(0.0..=LATEST).contains(&seconds) {
            return None;
        }
        SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs_f64(seconds))
    }
}

/// Shows when the token runs out; the other claims name people.
impl fmt::Debug for JwtClaims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtClaims")
            .field("expires_at", &self.expires_at())
            .finish_non_exhaustive()
    }
}

/// The claims, or what is wrong with the token.
fn claims(token: &str) -> Result<Map<String, Value>, &'static str> {
    if token.len() > SECRET_LIMIT {
        return Err("is longer than 16 KiB");
    }
    let mut parts = token.split('.');
    let (Some(_header), Some(claims), Some(_signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err("does not have three parts");
    };
    let claims = URL_SAFE_NO_PAD.decode(claims);
    let claims = Zeroizing::new(claims.map_err(|_| "is not in unpadded base64url")?);
    // The error of the parser is dropped, because it may quote a claim.
    serde_json::from_slice(&claims).map_err(|_| "does not hold a JSON object")
}

/// A JSON web token that the caller brought along, used until it runs out.
///
/// Asked after that, it fails without sending anything.
#[derive(Clone, Debug)]
pub struct JwtToken {
    secret: SecretString,
    expires_at: Option<SystemTime>,
    clock: Arc<dyn Clock>,
}

impl JwtToken {
    /// Takes over a token; fails when it is malformed.
    pub fn new(token: SecretString) -> Result<Self, Error> {
        let claims = JwtClaims::decode(&token)?;
        Ok(Self {
            expires_at: claims.expires_at(),
            secret: token,
            clock: Arc::new(TokioClock),
        })
    }

    /// Takes the time of day from `clock`.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    fn get(&self) -> Result<AccessToken, Error> {
        let token = AccessToken::new(self.secret.clone());
        match self.expires_at {
            None => Ok(token),
            Some(at) => {
                match at.duration_since(self.clock.system_now()) {
                    Ok(left) if !left.is_zero() => Ok(token.with_lifetime(left)),
                    _ => Err(Error::authentication("`jwt` has expired; obtain a new one")
                        .with_field("jwt")),
                }
            }
        }
    }
}

impl TokenSource for JwtToken {
    fn fetch(&self) -> BoxFuture<'_, Result<AccessToken, Error>> {
        ready(self.get()).boxed()
    }
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;
    use crate::manual_clock::ManualClock;

    fn token(claims: &str) -> SecretString {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims)).into()
    }

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn claims_are_read_without_the_signature() {
        let token = token(r#"{"exp": 7200, "iat": 3600.5, "sub": "SOMEONE", "org_id": 7}"#);
        let claims = JwtClaims::decode(&token).unwrap();
        assert_eq!(claims.expires_at(), Some(at(7_200)));
        assert_eq!(
            claims.issued_at(),
            Some(at(3_600) + Duration::from_millis(500))
        );
        assert_eq!(claims.text("sub"), Some("SOMEONE"));
        assert_eq!(claims.text("org_id"), None);
        assert!(!format!("{claims:?}").contains("SOMEONE"));
    }

    #[test_case("{}")]
    #[test_case(r#"{"exp": "7200"}"#; "text")]
    #[test_case(r#"{"exp": -1}"#; "before 1970")]
    #[test_case(r#"{"exp": 1e300}"#; "beyond all clocks")]
    #[test_case(r#"{"exp": 1700000000000000}"#; "microseconds")]
    #[test_case(r#"{"exp": null}"#)]
    fn an_implausible_time_is_no_time(claims: &str) {
        let claims = JwtClaims::decode(&token(claims)).unwrap();
        assert_eq!(claims.expires_at(), None);
    }

    #[test_case("SECRET", "does not have three parts")]
    #[test_case("SECRET.SECRET", "does not have three parts"; "two parts")]
    #[test_case("SECRET.e30.SECRET.SECRET", "does not have three parts"; "four parts")]
    #[test_case("SECRET..SECRET", "does not hold a JSON object"; "no claims")]
    #[test_case("SECRET.e30=.SECRET", "not in unpadded base64url"; "padding")]
    #[test_case("SECRET.e3+/.SECRET", "not in unpadded base64url"; "the other alphabet")]
    #[test_case("SECRET.e31.SECRET", "not in unpadded base64url"; "bits left over")]
    #[test_case("SECRET.W10.SECRET", "does not hold a JSON object"; "an array")]
    #[test_case("SECRET.IlNFQ1JFVCI.SECRET", "does not hold a JSON object"; "text")]
    fn a_malformed_token_is_refused_and_not_shown(token: &str, expected: &str) {
        let error = JwtClaims::decode(&token.into()).unwrap_err();
        assert_eq!(error.field(), Some("jwt"));
        let shown = format!("{error} {error:?}");
        assert!(shown.contains(expected), "{shown}");
        assert!(!shown.contains("SECRET"), "{shown}");
    }

    #[test]
    fn a_long_token_is_refused_before_it_is_decoded() {
        let long = token(&format!("{{\"a\": \"{}\"}}", "x".repeat(SECRET_LIMIT)));
        let error = JwtClaims::decode(&long).unwrap_err();
        assert!(error.to_string().contains("longer than 16 KiB"), "{error}");
    }

    #[tokio::test]
    async fn a_token_of_the_callers_fails_locally_once_it_has_expired() {
        // The manual clock shows 1970, second 0.
        let clock = Arc::new(ManualClock::new());
        let jwt = JwtToken::new(token(r#"{"exp": 90}"#)).unwrap();
        let valid = jwt.with_clock(clock.clone()).fetch().await.unwrap();
        assert_eq!(valid.lifetime(), Some(Duration::from_secs(90)));

        let jwt = JwtToken::new(token(r#"{"exp": 0}"#)).unwrap();
        let error = jwt.with_clock(clock.clone()).fetch().await.unwrap_err();
        assert_eq!(error.field(), Some("jwt"));
        assert!(error.to_string().contains("expired; obtain a new one"));

        let jwt = JwtToken::new(token("{}")).unwrap().with_clock(clock);
        assert_eq!(jwt.fetch().await.unwrap().lifetime(), None);
        assert!(JwtToken::new("SECRET".into()).is_err());
    }
}
