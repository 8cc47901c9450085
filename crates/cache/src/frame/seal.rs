//! Encryption of payloads with XChaCha20-Poly1305. The header and the key of the entry are
//! authenticated with it, so a frame is good under its own key and with its own times alone.

use std::collections::BTreeMap;
use std::fmt;

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use secrecy::{ExposeSecret, SecretBox};

use super::codec::FrameError;
use super::header::HEADER;
use crate::key::CacheKey;

/// Bytes of the number of the key.
const ID: usize = 4;
/// Bytes of the nonce. It is random; with 24 bytes two never meet.
const NONCE: usize = 24;
/// Bytes that encryption adds to a payload.
pub(super) const OVERHEAD: usize = ID + NONCE + 16;

/// A key of 256 bits for encrypting what is stored.
///
/// `Debug` does not show it.
pub struct EncryptionKey(SecretBox<[u8; 32]>);

impl EncryptionKey {
    /// A key of these bytes, which must be random.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(SecretBox::new(Box::new(bytes)))
    }
}

impl Clone for EncryptionKey {
    fn clone(&self) -> Self {
        Self::new(*self.0.expose_secret())
    }
}

impl fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EncryptionKey(..)")
    }
}

/// The key that encrypts, and older ones that still decrypt.
///
/// To rotate: give the new key a new number and keep the old one until what it wrote has expired.
///
/// ```
/// use gimmal_cache::{EncryptionKey, FrameCodec, KeyRing};
///
/// let ring = KeyRing::new(2, EncryptionKey::new([7; 32]))
///     .with_old_key(1, EncryptionKey::new([3; 32]));
/// let codec = FrameCodec::new().with_keys(ring);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct KeyRing {
    active: u32,
    keys: BTreeMap<u32, EncryptionKey>,
}

impl KeyRing {
    /// A ring with one key and its number, which is stored with what it encrypts.
    pub fn new(number: u32, key: EncryptionKey) -> Self {
        Self {
            active: number,
            keys: BTreeMap::from([(number, key)]),
        }
    }

    /// Adds a key for reading; a number that is there already stays as it is.
    pub fn with_old_key(mut self, number: u32, key: EncryptionKey) -> Self {
        self.keys.entry(number).or_insert(key);
        self
    }

    /// Number, nonce and ciphertext.
    pub(super) fn seal(&self, header: &[u8; HEADER], key: &CacheKey, plain: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE] = rand::random();
        let aad = associated(header, key);
        let payload = Payload {
            msg: plain,
            aad: &aad,
        };
        // It fails on payloads of gigabytes only, which are refused before; then the frame is
        // empty, and reading it a miss.
        let sealed = self
            .cipher(self.active)
            .and_then(|cipher| cipher.encrypt(&XNonce::from(nonce), payload).ok())
            .unwrap_or_default();
        [&self.active.to_le_bytes()[..], &nonce, &sealed].concat()
    }

    /// The plain payload.
    pub(super) fn open(
        &self,
        header: &[u8; HEADER],
        key: &CacheKey,
        sealed: &[u8],
    ) -> Result<Vec<u8>, FrameError> {
        let open = || {
            let (number, rest) = sealed.split_first_chunk::<ID>()?;
            let (nonce, msg) = rest.split_first_chunk::<NONCE>()?;
            let aad = associated(header, key);
            let payload = Payload { msg, aad: &aad };
            self.cipher(u32::from_le_bytes(*number))?
                .decrypt(&XNonce::from(*nonce), payload)
                .ok()
        };
        open().ok_or(FrameError::Encryption)
    }

    fn cipher(&self, number: u32) -> Option<XChaCha20Poly1305> {
        let key = self.keys.get(&number)?.0.expose_secret();
        Some(XChaCha20Poly1305::new(key.into()))
    }
}

/// What is authenticated along with the payload.
fn associated(header: &[u8; HEADER], key: &CacheKey) -> Vec<u8> {
    [&header[..], key.as_str().as_bytes()].concat()
}
