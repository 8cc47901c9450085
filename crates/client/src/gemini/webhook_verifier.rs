//! Whether a message to a webhook is of the service, and of now.
//!
//! The service signs as [Standard Webhooks](https://www.standardwebhooks.com) say: the three
//! headers `webhook-id`, `webhook-timestamp` and `webhook-signature`, the last with HMAC-SHA256 in
//! base64 over `{id}.{timestamp}.{body}`. Messages to the addresses of single requests are signed
//! with a key of Google's instead, which this does not check.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gimmal_transport::{Clock, Error, TokioClock};
use gimmal_types::Bytes64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::HeaderMap;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;

/// What secrets begin with; it is not part of the key.
const PREFIX: &str = "whsec_";

/// The version of signatures that is known.
const VERSION: &str = "v1";

/// How far the time of a message may lie off unless set otherwise, as the standard advises.
const TOLERANCE: Duration = Duration::from_secs(300);

/// Checks messages to a webhook.
///
/// Check the bytes of the body as they came: JSON that was read and written again is another text.
/// Use the [id](WebhookDelivery::id) to see whether a message came before; the service repeats
/// those that it holds for lost.
///
/// ```
/// # fn handle(headers: &http::HeaderMap, body: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
/// use gimmal_client::gemini::WebhookVerifier;
///
/// // The secret came once, with the reply that created the webhook.
/// let verifier = WebhookVerifier::new("whsec_c2VjcmV0IG9mIHR3ZW50eSBieXRlcw==".to_owned())?;
/// let delivery = verifier.verify(headers, body)?;
/// println!("message {}", delivery.id);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct WebhookVerifier {
    keys: Vec<Hmac<Sha256>>,
    tolerance: Duration,
    clock: Arc<dyn Clock>,
}

/// A message that the service has sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WebhookDelivery {
    /// Names the message; a repetition has the same name.
    pub id: String,
    /// When it was sent.
    pub sent: SystemTime,
}

/// Why a message is not taken for one of the service.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidWebhook {
    /// A header is not there, or not readable.
    #[error("the header {0} is missing or holds what cannot be read")]
    Header(&'static str),
    /// It was sent too long ago, or in times to come: somebody may repeat it, or a clock is wrong.
    #[error("the message is {0} s off the time of this machine")]
    Time(u64),
    /// No signature is of one of the secrets.
    #[error("no signature fits one of the secrets")]
    Signature,
}

impl WebhookVerifier {
    /// With the secret that came when the webhook was created, or when its secret was replaced.
    ///
    /// # Errors
    ///
    /// Fails when the secret is empty or no base64.
    pub fn new(secret: impl Into<SecretString>) -> Result<Self, Error> {
        let verifier = Self {
            keys: Vec::new(),
            tolerance: TOLERANCE,
            clock: Arc::new(TokioClock),
        };
        verifier.with_secret(secret)
    }

    /// Takes messages that are signed with this secret as well, for the time in which a secret is
    /// replaced.
    ///
    /// # Errors
    ///
    /// Fails when the secret is empty or no base64.
    pub fn with_secret(mut self, secret: impl Into<SecretString>) -> Result<Self, Error> {
        let secret = secret.into();
        let text = secret.expose_secret().trim();
        let text = text.strip_prefix(PREFIX).unwrap_or(text);
        let key = text.parse::<Bytes64>().ok();
        let key = key
            .filter(|key| !key.as_bytes().is_empty())
            .ok_or_else(|| {
                Error::invalid(
                    "secret",
                    "must be base64, such as `whsec_` and what follows it",
                )
            })?;
        let key = Hmac::new_from_slice(key.as_bytes())
            .map_err(|error| Error::invalid("secret", error.to_string()))?;
        self.keys.push(key);
        Ok(self)
    }

    /// How far the time of a message may lie off; five minutes unless set.
    #[must_use]
    pub fn with_tolerance(mut self, tolerance: Duration) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// What tells the time.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Checks a message.
    ///
    /// # Errors
    ///
    /// Fails when a header is missing, when the message is too old or from times to come, and when
    /// no signature fits.
    pub fn verify(
        &self,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<WebhookDelivery, InvalidWebhook> {
        let header = |name: &'static str| {
            let value = headers.get(name).and_then(|value| value.to_str().ok());
            value
                .filter(|value| !value.is_empty())
                .ok_or(InvalidWebhook::Header(name))
        };
        let id = header("webhook-id")?;
        let timestamp = header("webhook-timestamp")?;
        let signatures = header("webhook-signature")?;

        let seconds: u64 = timestamp
            .trim()
            .parse()
            .map_err(|_| InvalidWebhook::Header("webhook-timestamp"))?;
        let sent = UNIX_EPOCH
            .checked_add(Duration::from_secs(seconds))
            .ok_or(InvalidWebhook::Header("webhook-timestamp"))?;
        let now = self.clock.system_now();
        let off = now
            .duration_since(sent)
            .unwrap_or_else(|early| early.duration());
        if off > self.tolerance {
            return Err(InvalidWebhook::Time(off.as_secs()));
        }

        let fits = signatures.split_ascii_whitespace().any(|signature| {
            let Some((VERSION, signature)) = signature.split_once(',') else {
                return false;
            };
            let Ok(signature) = signature.parse::<Bytes64>() else {
                return false;
            };
            self.keys.iter().any(|key| {
                let mut mac = key.clone();
                for piece in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
                    mac.update(piece);
                }
                // Compares in constant time.
                mac.verify_slice(signature.as_bytes()).is_ok()
            })
        });
        if !fits {
            return Err(InvalidWebhook::Signature);
        }
        Ok(WebhookDelivery {
            id: id.to_owned(),
            sent,
        })
    }
}

impl fmt::Debug for WebhookVerifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("WebhookVerifier")
            .field("secrets", &self.keys.len())
            .field("tolerance", &self.tolerance)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use futures_util::future::BoxFuture;
    use http::{HeaderName, HeaderValue};

    use super::*;

    /// The example of the standard's own libraries: this secret, id, time and body give this
    /// signature.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const TIME: u64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    #[derive(Debug)]
    struct At(u64);

    impl Clock for At {
        fn now(&self) -> Instant {
            Instant::now()
        }

        fn system_now(&self) -> SystemTime {
            UNIX_EPOCH + Duration::from_secs(self.0)
        }

        fn sleep(&self, _duration: Duration) -> BoxFuture<'static, ()> {
            Box::pin(std::future::pending())
        }
    }

    fn verifier(now: u64) -> WebhookVerifier {
        WebhookVerifier::new(SECRET.to_owned())
            .unwrap()
            .with_clock(Arc::new(At(now)))
    }

    fn headers(id: &str, time: &str, signature: &str) -> HeaderMap {
        [
            ("webhook-id", id),
            ("webhook-timestamp", time),
            ("webhook-signature", signature),
        ]
        .into_iter()
        .map(|(name, value)| {
            let value = HeaderValue::from_str(value).unwrap();
            (HeaderName::from_static(name), value)
        })
        .collect()
    }

    #[test]
    fn a_message_of_the_service_is_taken() {
        let time = TIME.to_string();
        let delivery = verifier(TIME + 299)
            .verify(&headers(ID, &time, SIGNATURE), BODY)
            .unwrap();
        assert_eq!(delivery.id, ID);
        assert_eq!(delivery.sent, UNIX_EPOCH + Duration::from_secs(TIME));
        let several = format!("v1,AAAA v2,x {SIGNATURE}");
        assert!(
            verifier(TIME)
                .verify(&headers(ID, &time, &several), BODY)
                .is_ok()
        );
        let replaced = WebhookVerifier::new("bmV3".to_owned())
            .unwrap()
            .with_secret(SECRET.to_owned())
            .unwrap()
            .with_clock(Arc::new(At(TIME)));
        assert!(
            replaced
                .verify(&headers(ID, &time, SIGNATURE), BODY)
                .is_ok()
        );
        assert!(!format!("{replaced:?}").contains("MfKQ"));
    }

    #[test]
    fn anything_else_is_refused_with_a_reason() {
        let time = TIME.to_string();
        let said = |verifier: WebhookVerifier, headers: HeaderMap, body: &[u8]| {
            verifier.verify(&headers, body).unwrap_err().to_string()
        };
        let good = || headers(ID, &time, SIGNATURE);
        let forged = "no signature fits one of the secrets";
        assert_eq!(said(verifier(TIME), good(), b"{}"), forged);
        assert_eq!(
            said(verifier(TIME), headers("msg_2", &time, SIGNATURE), BODY),
            forged
        );
        assert_eq!(
            said(verifier(TIME), headers(ID, &time, "v1,x"), BODY),
            forged
        );
        assert_eq!(
            said(verifier(TIME), headers(ID, &time, "nonsense"), BODY),
            forged
        );
        for now in [TIME + 301, TIME - 301] {
            let late = "the message is 301 s off the time of this machine";
            assert_eq!(said(verifier(now), good(), BODY), late);
        }
        for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
            let mut headers = good();
            headers.remove(name);
            let missing = format!("the header {name} is missing or holds what cannot be read");
            assert_eq!(said(verifier(TIME), headers, BODY), missing);
        }
        let odd = said(verifier(TIME), headers(ID, "soon", SIGNATURE), BODY);
        assert!(odd.contains("webhook-timestamp"), "{odd}");
        for bad in ["", "whsec_", "whsec_%"] {
            let error = WebhookVerifier::new(bad.to_owned()).unwrap_err();
            assert_eq!(error.field(), Some("secret"), "{bad}");
        }
    }
}
