//! The key of a cached answer: a digest over everything that may change it.
//!
//! Keys are stored and shared between processes, so the layout hashed here is a format: changing
//! one byte of it empties every cache. No text of a request may get into a key in the clear.

mod canonical;
mod generate;
mod hmac;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretSlice};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// Opens the hashed message and separates this layout from any later one.
const LAYOUT: &[u8] = b"gimmal-resp-v2\0";

/// Opens the hashed message of a key that was moved to another namespace.
const MOVED: &[u8] = b"gimmal-resp-v2-moved\0";

/// Opens every key string.
pub(crate) const PREFIX: &str = "gimmal:r2";

/// The namespace of requests that name none.
pub(crate) const DEFAULT_NAMESPACE: &str = "default";

/// Hexadecimal digits at the end of a key.
const DIGEST_DIGITS: usize = 64;

/// Everything about a request that may change its answer.
///
/// ```
/// use gimmal_cache::KeyRequest;
///
/// let plain = KeyRequest::new("qa").with_model("m").with_text("t");
/// let asked = plain.clone().with_question("why?");
/// assert_ne!(plain.key(), asked.key());
/// ```
///
/// `Debug` shows lengths instead of contents.
#[derive(Clone)]
#[must_use]
pub struct KeyRequest<'a> {
    namespace: Option<&'a str>,
    operation: &'a str,
    model: &'a str,
    version: &'a str,
    text: Cow<'a, str>,
    options: Map<String, Value>,
    question: Option<&'a str>,
    /// The randomness, if it is not among the options.
    temperature: Option<f64>,
}

impl<'a> KeyRequest<'a> {
    /// A request of this operation, in the namespace `default`, of version `1`, otherwise empty.
    pub fn new(operation: &'a str) -> Self {
        Self {
            namespace: None,
            operation,
            model: "",
            version: "1",
            text: Cow::Borrowed(""),
            options: Map::new(),
            question: None,
            temperature: None,
        }
    }

    /// Separates tenants: keys of two namespaces never meet.
    pub fn with_namespace(mut self, namespace: &'a str) -> Self {
        self.namespace = Some(namespace);
        self
    }

    /// The model asked.
    pub fn with_model(mut self, model: &'a str) -> Self {
        self.model = model;
        self
    }

    /// The version of the caller's prompt, template or schema.
    pub fn with_version(mut self, version: &'a str) -> Self {
        self.version = version;
        self
    }

    /// The text worked on, taken byte for byte.
    pub fn with_text(mut self, text: &'a str) -> Self {
        self.text = text.into();
        self
    }

    /// One option of the operation; the same name again replaces it.
    pub fn with_option(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.options.insert(name.into(), value.into());
        self
    }

    /// All options of the operation, replacing those given so far.
    pub fn with_options(mut self, options: Map<String, Value>) -> Self {
        self.options = options;
        self
    }

    /// The question about the text. An empty question differs from none.
    pub fn with_question(mut self, question: &'a str) -> Self {
        self.question = Some(question);
        self
    }

    /// The key of this request.
    #[must_use]
    pub fn key(&self) -> CacheKey {
        let mut hash = Sha256::new();
        self.feed(&mut |bytes| hash.update(bytes));
        self.finish(hash.finalize().into())
    }

    /// The key of this request under a secret, for texts that could be guessed.
    ///
    /// Every process of a deployment must use the same secret. A new secret gives new keys, so
    /// changing it empties the cache.
    #[must_use]
    pub fn key_with(&self, secret: &KeySecret) -> CacheKey {
        let digest = hmac::sha256(secret.0.expose_secret(), &mut |update| self.feed(update));
        self.finish(digest)
    }

    /// The namespace; `default` when none was given.
    #[must_use]
    pub fn namespace(&self) -> &'a str {
        self.namespace.unwrap_or(DEFAULT_NAMESPACE)
    }

    /// Whether a namespace was given.
    #[must_use]
    pub fn has_namespace(&self) -> bool {
        self.namespace.is_some()
    }

    /// The operation.
    #[must_use]
    pub fn operation(&self) -> &'a str {
        self.operation
    }

    /// The model asked; empty when none was given.
    #[must_use]
    pub fn model(&self) -> &'a str {
        self.model
    }

    /// What the request asks about: the question if there is one, else the text.
    #[must_use]
    pub fn subject(&self) -> &str {
        self.question.unwrap_or(&self.text)
    }

    /// The text worked on.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The same request without what it asks about: requests that share it may be answered alike.
    #[cfg(feature = "semantic")]
    pub(crate) fn frame(&self) -> CacheKey {
        let mut frame = self.clone();
        if frame.question.is_some() {
            frame.question = Some("");
        } else {
            frame.text = Cow::Borrowed("");
        }
        frame.key()
    }

    /// The randomness asked for: the option `temperature`, or that of the generation config.
    pub(crate) fn temperature(&self) -> Option<f64> {
        let option = self.options.get("temperature").and_then(Value::as_f64);
        option.or(self.temperature)
    }

    fn feed(&self, update: &mut hmac::Sink<'_>) {
        let options = canonical::object(&self.options);
        update(LAYOUT);
        for field in [
            self.namespace(),
            self.operation,
            self.model,
            self.version,
            &*self.text,
        ] {
            feed_framed(field, update);
        }
        feed_framed(&options, update);
        match self.question {
            None => update(&[0]),
            Some(question) => {
                update(&[1]);
                feed_framed(question, update);
            }
        }
    }

    fn finish(&self, digest: [u8; 32]) -> CacheKey {
        key_of(self.namespace(), self.operation, digest)
    }
}

impl fmt::Debug for KeyRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRequest")
            .field("namespace", &self.namespace())
            .field("operation", &self.operation)
            .field("model", &self.model)
            .field("version", &self.version)
            .field("text_bytes", &self.text.len())
            .field("options", &self.options.len())
            .field("question_bytes", &self.question.map(str::len))
            .finish()
    }
}

/// The key of one cached answer. Cloning it copies no text.
///
/// It holds no text of the request and no character that is special to a store's patterns, so
/// `gimmal:r2:<namespace>:<operation>:*` selects exactly the answers of one operation.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CacheKey {
    text: Arc<str>,
    digest: [u8; 32],
}

impl CacheKey {
    /// Reads a key as stored; `None` if it is not one of this layout.
    ///
    /// ```
    /// use gimmal_cache::{CacheKey, KeyRequest};
    ///
    /// let key = KeyRequest::new("qa").key();
    /// assert_eq!(CacheKey::parse(key.as_str()), Some(key));
    /// assert_eq!(CacheKey::parse("session:42"), None);
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix(PREFIX)?.strip_prefix(':')?;
        let (scope, hex) = rest.rsplit_once(':')?;
        let (namespace, operation) = scope.split_once(':')?;
        let is_name = |name: &str| {
            let mut again = String::new();
            let bytes: Cow<'_, [u8]> = percent_decode_str(name).into();
            push_encoded_bytes(&mut again, &bytes);
            again == name
        };
        if !is_name(namespace) || !is_name(operation) {
            return None;
        }
        Some(Self {
            text: text.into(),
            digest: parse_hex(hex)?,
        })
    }

    /// The key as stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The digest at the end of the key.
    #[must_use]
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// The namespace.
    #[must_use]
    pub fn namespace(&self) -> Cow<'_, str> {
        percent_decode_str(self.encoded_names().0).decode_utf8_lossy()
    }

    /// The operation.
    #[must_use]
    pub fn operation(&self) -> Cow<'_, str> {
        percent_decode_str(self.encoded_names().1).decode_utf8_lossy()
    }

    /// The key of the same request in another namespace.
    #[must_use]
    pub fn in_namespace(&self, namespace: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(MOVED);
        feed_framed(namespace, &mut |bytes| hash.update(bytes));
        hash.update(self.digest);
        key_of(namespace, &self.operation(), hash.finalize().into())
    }

    /// Namespace and operation as they stand in the key, with the colon between them.
    pub(crate) fn scope(&self) -> &str {
        let end = self.text.len().saturating_sub(DIGEST_DIGITS + 1);
        self.text.get(PREFIX.len() + 1..end).unwrap_or_default()
    }

    fn encoded_names(&self) -> (&str, &str) {
        self.scope().split_once(':').unwrap_or_default()
    }
}

impl fmt::Display for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A secret that goes into keys, so that nobody can confirm a guess about a text by its key.
///
/// `Debug` does not show it.
#[derive(Clone)]
pub struct KeySecret(SecretSlice<u8>);

impl KeySecret {
    /// A secret of these bytes; at least 32 random ones are advisable.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl fmt::Debug for KeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeySecret(..)")
    }
}

/// Hashes the length before the bytes, so that fields cannot run into each other.
fn feed_framed(field: &str, update: &mut hmac::Sink<'_>) {
    update(&(field.len() as u64).to_le_bytes());
    update(field.as_bytes());
}

fn key_of(namespace: &str, operation: &str, digest: [u8; 32]) -> CacheKey {
    let names = namespace.len() + operation.len();
    let mut text = String::with_capacity(PREFIX.len() + names + DIGEST_DIGITS + 3);
    text.push_str(PREFIX);
    for part in [namespace, operation] {
        text.push(':');
        push_encoded(&mut text, part);
    }
    text.push(':');
    text.push_str(&hex(&digest));
    CacheKey {
        text: text.into(),
        digest,
    }
}

/// Keeps letters, digits, `_`, `.` and `-`; writes every other byte as `%XX`.
pub(crate) fn push_encoded(text: &mut String, part: &str) {
    push_encoded_bytes(text, part.as_bytes());
}

fn push_encoded_bytes(text: &mut String, part: &[u8]) {
    for &byte in part {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-') {
            text.push(char::from(byte));
        } else {
            text.push('%');
            text.push(hex_digit(byte >> 4).to_ascii_uppercase());
            text.push(hex_digit(byte & 0xf).to_ascii_uppercase());
        }
    }
}

/// Lower-case hexadecimal digits of these bytes.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(hex_digit(byte >> 4));
        text.push(hex_digit(byte & 0xf));
    }
    text
}

/// The digest that [`hex`] wrote.
pub(crate) fn parse_hex(text: &str) -> Option<[u8; 32]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut digest = [0; 32];
    let digits: &[u8; DIGEST_DIGITS] = text.as_bytes().try_into().ok()?;
    for (byte, pair) in digest.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(digest)
}

fn hex_digit(nibble: u8) -> char {
    char::from(b"0123456789abcdef"[usize::from(nibble & 0xf)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_hides_texts_and_secrets() {
        let request = KeyRequest::new("qa")
            .with_text("private")
            .with_question("whose?");
        let shown = format!("{request:?} {:?}", KeySecret::new(b"hidden".to_vec()));
        assert!(shown.contains("text_bytes: 7") && shown.contains("question_bytes: Some(6)"));
        assert!(!shown.contains("private") && !shown.contains("whose"));
        assert!(!shown.contains("hidden") && !shown.contains("104"));
    }

    #[test]
    fn names_cannot_forge_a_pattern_or_a_separator() {
        let key = KeyRequest::new("a:b*?[]%").with_namespace("t/ä").key();
        assert!(
            key.as_str()
                .starts_with("gimmal:r2:t%2F%C3%A4:a%3Ab%2A%3F%5B%5D%25:")
        );
    }
}
