//! Keys and tokens: who is calling, whether they are let in, and the token that a key is exchanged
//! for. A key is reduced to a digest here and goes no further.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{refusal::Refusal, time::seconds};

/// Who a request comes from: the same for a key and for the tokens it was exchanged for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) owner: String,
    /// Whether a token was shown instead of a key.
    pub(crate) by_token: bool,
}

#[derive(Debug)]
pub(crate) struct Keys {
    /// Digests of the keys that are let in; any is when there are none.
    accepted: BTreeSet<String>,
    revoked: Mutex<BTreeSet<String>>,
    /// Signs tokens. It only keeps made-up tokens out, and is no secret of anybody's.
    seal: [u8; 8],
    lifetime: Duration,
}

impl Keys {
    pub(crate) fn new(seed: u64, lifetime: Duration) -> Self {
        Self {
            accepted: BTreeSet::new(),
            revoked: Mutex::default(),
            seal: crate::rng::mix(seed ^ 0x6b65_7973).to_le_bytes(),
            lifetime,
        }
    }

    pub(crate) fn accept(&mut self, key: &str) {
        self.accepted.insert(digest(key));
    }

    /// The digest of the credential of a request, for the journal.
    pub(crate) fn fingerprint(headers: &HeaderMap) -> Option<String> {
        credential(headers).map(digest)
    }

    /// Lets a request in or tells why not.
    pub(crate) fn admit(&self, headers: &HeaderMap, now: SystemTime) -> Result<Identity, Refusal> {
        let credential =
            credential(headers).ok_or_else(|| Refusal::unauthorized("X-API-Key is missing"))?;
        if credential.starts_with("eyJ") {
            let owner = self.owner_of(credential, now)?;
            return Ok(Identity {
                owner,
                by_token: true,
            });
        }
        let owner = digest(credential);
        let revoked = self.revoked.lock().unwrap_or_else(PoisonError::into_inner);
        let known = self.accepted.is_empty() || self.accepted.contains(&owner);
        if !credential.starts_with("tml-") || !known || revoked.contains(&owner) {
            return Err(Refusal::unauthorized("invalid API key"));
        }
        Ok(Identity {
            owner,
            by_token: false,
        })
    }

    /// Refuses the key from now on.
    pub(crate) fn revoke(&self, identity: &Identity) {
        let mut revoked = self.revoked.lock().unwrap_or_else(PoisonError::into_inner);
        revoked.insert(identity.owner.clone());
    }

    /// A token for whoever this is.
    pub(crate) fn issue(&self, identity: &Identity, now: SystemTime) -> String {
        let issued = seconds(now);
        let claims = json!({
            "iss": "passport-gimmal-emulator", "sub": user_urn(&identity.owner),
            "org_id": "emulator", "email": email(&identity.owner),
            "iat": issued, "exp": issued + self.lifetime.as_secs(),
        });
        let header = json!({"alg": "HS256", "typ": "JWT"});
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let content = format!("{}.{}", part(&header), part(&claims));
        let seal = URL_SAFE_NO_PAD.encode(self.sign(&content));
        format!("{content}.{seal}")
    }

    fn owner_of(&self, token: &str, now: SystemTime) -> Result<String, Refusal> {
        let bad = || Refusal::invalid_token("the token is not one of this server");
        let (content, seal) = token.rsplit_once('.').ok_or_else(bad)?;
        if URL_SAFE_NO_PAD.decode(seal).ok() != Some(self.sign(content)) {
            return Err(bad());
        }
        let (_, claims) = content.split_once('.').ok_or_else(bad)?;
        let claims = URL_SAFE_NO_PAD.decode(claims).map_err(|_| bad())?;
        let claims: Value = serde_json::from_slice(&claims).map_err(|_| bad())?;
        if claims["exp"].as_u64().is_none_or(|exp| exp <= seconds(now)) {
            return Err(Refusal::invalid_token("the token has expired"));
        }
        let subject = claims["sub"]
            .as_str()
            .and_then(|sub| sub.rsplit(':').next());
        subject.map(str::to_owned).ok_or_else(bad)
    }

    fn sign(&self, content: &str) -> Vec<u8> {
        // A key of any length is good for this.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.seal) else {
            return Vec::new();
        };
        mac.update(content.as_bytes());
        mac.finalize().into_bytes().to_vec()
    }
}

pub(crate) fn user_urn(owner: &str) -> String {
    format!("tml:organization_user:{owner}")
}

pub(crate) fn email(owner: &str) -> String {
    format!("{owner}@example.com")
}

fn credential(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get("x-api-key")?.to_str().ok()?;
    (!value.is_empty()).then_some(value)
}

fn digest(secret: &str) -> String {
    let digest = Sha256::digest(secret.as_bytes());
    digest
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_key(key: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("x-api-key", key.parse().expect("a value"));
        headers
    }

    #[test]
    fn keys_are_checked_and_exchanged_for_tokens_that_run_out() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let mut keys = Keys::new(3, Duration::from_secs(60));
        let caller = keys
            .admit(&with_key("tml-a"), now)
            .expect("any key is good");
        assert!(keys.admit(&with_key("sk-a"), now).is_err());
        assert!(keys.admit(&HeaderMap::new(), now).is_err());
        let token = keys.issue(&caller, now);
        let same = keys.admit(&with_key(&token), now).expect("a good token");
        assert_eq!((same.owner, same.by_token), (caller.owner.clone(), true));
        let later = now + Duration::from_secs(60);
        let refusal = keys.admit(&with_key(&token), later).expect_err("too old");
        assert!(refusal.to_reply().headers.contains_key("www-authenticate"));
        let forged = format!("{}x", token.trim_end_matches(|c| c != '.'));
        assert!(keys.admit(&with_key(&forged), now).is_err());
        keys.revoke(&caller);
        assert!(keys.admit(&with_key("tml-a"), now).is_err());
        keys.accept("tml-b");
        assert!(keys.admit(&with_key("tml-c"), now).is_err());
        assert!(keys.admit(&with_key("tml-b"), now).is_ok());
    }
}
