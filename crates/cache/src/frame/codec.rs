//! Entries to frames and back. The order of the checks is part of the format: length, magic,
//! version, checksum, key, expiry, encryption, lengths of the payload.

use std::fmt;

use bytes::Bytes;

#[cfg(feature = "encryption")]
use super::KeyRing;
use super::compression::{Compression, unpack};
use super::header::{CHECKSUM, CODEC_MASK, ENCRYPTED, HEADER, Header, MAGIC, NEGATIVE, TAGGED};
use super::header::{VERSION, ZSTD};
use crate::entry::Entry;
use crate::key::CacheKey;
use crate::lookup::MissReason;
use crate::time::Timestamp;
use crate::value::Value;

/// The largest value, if not told otherwise.
const MAX_VALUE_BYTES: usize = 5 << 20;

/// Writes entries as frames and reads them back.
///
/// ```
/// use gimmal_cache::{Entry, FrameCodec, KeyRequest, Timestamp, Value};
///
/// let (key, now) = (KeyRequest::new("qa").key(), Timestamp::from_millis(1_700_000_000_000));
/// let entry = Entry::new(Value::json("yes")?, now);
/// let codec = FrameCodec::new();
/// let frame = codec.encode(&key, &entry)?;
/// assert_eq!(codec.decode(&key, &frame, now)?, entry);
/// assert!(codec.decode(&KeyRequest::new("other").key(), &frame, now).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A checksum finds damage, not forgery: whoever can write to the store can write a frame. Against
/// that there is encryption (feature `encryption`), which binds every frame to its key.
#[derive(Clone, Debug)]
#[must_use]
pub struct FrameCodec {
    compression: Compression,
    max_value_bytes: usize,
    #[cfg(feature = "encryption")]
    keys: Option<KeyRing>,
}

impl Default for FrameCodec {
    fn default() -> Self {
        Self {
            compression: Compression::default(),
            max_value_bytes: MAX_VALUE_BYTES,
            #[cfg(feature = "encryption")]
            keys: None,
        }
    }
}

impl FrameCodec {
    /// Frames of up to 5 MiB, compressed with zstd if the feature is on, not encrypted.
    pub fn new() -> Self {
        Self::default()
    }

    /// Compresses like this.
    pub fn with_compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// Neither writes nor unpacks values of more bytes.
    pub fn with_max_value_bytes(mut self, bytes: usize) -> Self {
        self.max_value_bytes = bytes.min(u32::MAX as usize / 2);
        self
    }

    /// Encrypts with the active key of the ring and reads what any key of it wrote. Frames that are
    /// not encrypted are refused from then on.
    #[cfg(feature = "encryption")]
    pub fn with_keys(mut self, keys: KeyRing) -> Self {
        self.keys = Some(keys);
        self
    }

    /// The largest value in bytes.
    #[must_use]
    pub fn max_value_bytes(&self) -> usize {
        self.max_value_bytes
    }

    /// The frame of an entry.
    ///
    /// # Errors
    ///
    /// [`FrameError::TooLarge`] if the value has more bytes than allowed.
    pub fn encode(&self, key: &CacheKey, entry: &Entry) -> Result<Bytes, FrameError> {
        let value = entry.value().as_bytes();
        if value.len() > self.max_value_bytes {
            return Err(FrameError::TooLarge);
        }
        let mut header = Header::of(entry, key_check(key));
        let mut body = Vec::new();
        let original: &[u8] = if entry.tags().is_empty() {
            value
        } else {
            write_tags(&mut body, entry.tags());
            body.extend_from_slice(value);
            &body
        };
        header.original = original.len() as u32;
        let packed = self.compression.compress(original);
        if packed.is_some() {
            header.flags |= ZSTD;
        }
        let payload = packed.as_deref().unwrap_or(original);
        Ok(self.finish(header, key, payload))
    }

    #[cfg(feature = "encryption")]
    fn finish(&self, mut header: Header, key: &CacheKey, payload: &[u8]) -> Bytes {
        let Some(keys) = &self.keys else {
            return join(header, payload);
        };
        header.flags |= ENCRYPTED;
        header.payload = (payload.len() + super::seal::OVERHEAD) as u32;
        let sealed = keys.seal(&header.write(), key, payload);
        join(header, &sealed)
    }

    #[cfg(not(feature = "encryption"))]
    fn finish(&self, header: Header, _: &CacheKey, payload: &[u8]) -> Bytes {
        join(header, payload)
    }

    /// The entry of a frame that was stored under `key`, if it may be served at `now`.
    ///
    /// # Errors
    ///
    /// The first reason not to serve it.
    pub fn decode(
        &self,
        key: &CacheKey,
        frame: &[u8],
        now: Timestamp,
    ) -> Result<Entry, FrameError> {
        let (bytes, checksum) = frame
            .split_last_chunk::<CHECKSUM>()
            .ok_or(FrameError::Length)?;
        let (head, payload) = bytes
            .split_first_chunk::<HEADER>()
            .ok_or(FrameError::Length)?;
        if head[..2] != MAGIC {
            return Err(FrameError::Magic);
        }
        if head[2] != VERSION {
            return Err(FrameError::UnknownVersion);
        }
        if crc32fast::hash(bytes) != u32::from_le_bytes(*checksum) {
            return Err(FrameError::Checksum);
        }
        if !Header::can_read(head[3]) {
            return Err(FrameError::UnknownVersion);
        }
        let header = Header::read(head).ok_or(FrameError::Header)?;
        if header.key_check != key_check(key) {
            return Err(FrameError::KeyMismatch);
        }
        if header.expires.is_some_and(|expires| now >= expires) {
            return Err(FrameError::Expired);
        }
        if header.payload as usize != payload.len() {
            return Err(FrameError::Length);
        }
        let opened = self.open(&header, head, key, payload)?;
        let payload = opened.as_deref().unwrap_or(payload);
        self.unpacked(&header, payload)
    }

    #[cfg(feature = "encryption")]
    fn open(
        &self,
        header: &Header,
        head: &[u8; HEADER],
        key: &CacheKey,
        payload: &[u8],
    ) -> Result<Option<Vec<u8>>, FrameError> {
        match (&self.keys, header.flags & ENCRYPTED != 0) {
            (None, false) => Ok(None),
            (Some(keys), true) => keys.open(head, key, payload).map(Some),
            _ => Err(FrameError::Encryption),
        }
    }

    #[cfg(not(feature = "encryption"))]
    fn open(
        &self,
        header: &Header,
        _: &[u8; HEADER],
        _: &CacheKey,
        _: &[u8],
    ) -> Result<Option<Vec<u8>>, FrameError> {
        match header.flags & ENCRYPTED {
            0 => Ok(None),
            _ => Err(FrameError::Encryption),
        }
    }

    fn unpacked(&self, header: &Header, payload: &[u8]) -> Result<Entry, FrameError> {
        let length = header.original as usize;
        // Tags may come on top of the value: 255 of them with 256 bytes each at most.
        if length > self.max_value_bytes + 65_536 {
            return Err(FrameError::TooLarge);
        }
        let body = match header.flags & CODEC_MASK {
            ZSTD => unpack(payload, length).ok_or(FrameError::Payload)?,
            _ if payload.len() == length => payload.to_vec(),
            _ => return Err(FrameError::Payload),
        };
        let mut body = Bytes::from(body);
        let mut entry_tags = Vec::new();
        if header.flags & TAGGED != 0 {
            entry_tags = read_tags(&mut body).ok_or(FrameError::Payload)?;
        }
        let entry = if header.flags & NEGATIVE != 0 {
            let digits = std::str::from_utf8(&body).ok();
            let status = digits.and_then(|digits| digits.parse().ok());
            Entry::new_negative(status.ok_or(FrameError::Payload)?, header.created)
        } else {
            Entry::new(Value::new(header.format, body), header.created)
        };
        Ok(entry
            .with_tags(entry_tags)
            .with_compute(header.compute)
            .with_expiry(header.fresh_until, header.expires))
    }
}

fn join(mut header: Header, payload: &[u8]) -> Bytes {
    header.payload = payload.len() as u32;
    let mut frame = Vec::with_capacity(HEADER + payload.len() + CHECKSUM);
    frame.extend_from_slice(&header.write());
    frame.extend_from_slice(payload);
    let checksum = crc32fast::hash(&frame);
    frame.extend_from_slice(&checksum.to_le_bytes());
    frame.into()
}

fn key_check(key: &CacheKey) -> [u8; 8] {
    let [a, b, c, d, e, f, g, h, ..] = *key.digest();
    [a, b, c, d, e, f, g, h]
}

/// A byte with their number, then each with a byte for its length.
fn write_tags(out: &mut Vec<u8>, tags: &[Box<str>]) {
    out.push(tags.len() as u8);
    for tag in tags {
        out.push(tag.len() as u8);
        out.extend_from_slice(tag.as_bytes());
    }
}

fn read_tags(body: &mut Bytes) -> Option<Vec<String>> {
    fn take(body: &mut Bytes, length: usize) -> Option<Bytes> {
        (length <= body.len()).then(|| body.split_to(length))
    }
    let count = take(body, 1)?[0];
    (0..count)
        .map(|_| {
            let length = take(body, 1)?[0];
            let tag = take(body, length.into())?;
            String::from_utf8(tag.to_vec()).ok()
        })
        .collect()
}

/// Why a frame cannot be written or served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FrameError {
    /// The value has more bytes than allowed.
    TooLarge,
    /// There are too few or too many bytes.
    Length,
    /// It is no frame.
    Magic,
    /// A newer version of this crate wrote it, or one with more features.
    UnknownVersion,
    /// It is damaged.
    Checksum,
    /// A field of the header has no meaning.
    Header,
    /// It belongs to another key.
    KeyMismatch,
    /// It has expired.
    Expired,
    /// It cannot be decrypted, or is not encrypted where it should be.
    Encryption,
    /// The payload is not what the header says.
    Payload,
}

impl FrameError {
    /// The miss that a reader reports.
    #[must_use]
    pub fn miss_reason(self) -> MissReason {
        match self {
            Self::UnknownVersion => MissReason::UnknownVersion,
            Self::KeyMismatch => MissReason::KeyMismatch,
            Self::Expired => MissReason::Expired,
            _ => MissReason::Corrupt,
        }
    }

    /// Whether what is stored should be removed: it will never be good again.
    #[must_use]
    pub fn should_remove(self) -> bool {
        self != Self::UnknownVersion
    }
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "the value is larger than allowed",
            Self::Length => "the frame is cut off or too long",
            Self::Magic => "this is no frame",
            Self::UnknownVersion => "a newer version wrote the frame",
            Self::Checksum => "the frame is damaged",
            Self::Header => "the header of the frame has no meaning",
            Self::KeyMismatch => "the frame belongs to another key",
            Self::Expired => "the frame has expired",
            Self::Encryption => "the frame cannot be decrypted",
            Self::Payload => "the payload of the frame is not what its header says",
        })
    }
}

impl std::error::Error for FrameError {}
