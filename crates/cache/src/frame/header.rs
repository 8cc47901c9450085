//! The 48 bytes before a payload, in little endian:
//!
//! | Offset | Bytes | Field |
//! |---|---|---|
//! | 0 | 2 | `GC` |
//! | 2 | 1 | version, 1 |
//! | 3 | 1 | flags: bits 0 and 1 compression (0 none, 1 zstd, 2 zlib), 2 encrypted, 3 dictionary, 4 negative, 5 tagged |
//! | 4 | 1 | format: 0 JSON, 1 bytes, 2 CBOR, 3 events |
//! | 5 | 3 | time to compute in ms, at most 2^24 − 1; 0 is unknown |
//! | 8 | 8 | created, Unix ms |
//! | 16 | 8 | fresh until, Unix ms; 0 is never |
//! | 24 | 8 | expires, Unix ms; 0 is never |
//! | 32 | 4 | length before compression |
//! | 36 | 4 | length of the payload |
//! | 40 | 8 | start of the digest of the key |
//!
//! It is layout alone: nothing here decides whether an entry is good.

use std::time::Duration;

use crate::entry::Entry;
use crate::time::Timestamp;
use crate::value::Format;

/// Bytes of the header.
pub(super) const HEADER: usize = 48;
/// Bytes of the checksum at the end.
pub(super) const CHECKSUM: usize = 4;
/// The first two bytes.
pub(super) const MAGIC: [u8; 2] = *b"GC";
/// The version written.
pub(super) const VERSION: u8 = 1;

/// Bits 0 and 1.
pub(super) const CODEC_MASK: u8 = 0b11;
/// The payload is compressed with zstd.
pub(super) const ZSTD: u8 = 1;
/// The payload is encrypted.
pub(super) const ENCRYPTED: u8 = 1 << 2;
/// The entry remembers a failure; the payload is its status in decimal digits.
pub(super) const NEGATIVE: u8 = 1 << 4;
/// The payload opens with the tags.
pub(super) const TAGGED: u8 = 1 << 5;
/// The longest time to compute that fits, in ms.
const MAX_COMPUTE_MS: u32 = (1 << 24) - 1;

/// The header, taken apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) flags: u8,
    pub(super) format: Format,
    pub(super) compute: Duration,
    pub(super) created: Timestamp,
    pub(super) fresh_until: Option<Timestamp>,
    pub(super) expires: Option<Timestamp>,
    pub(super) original: u32,
    pub(super) payload: u32,
    pub(super) key_check: [u8; 8],
}

impl Header {
    pub(super) fn write(&self) -> [u8; HEADER] {
        let never = |time: Option<Timestamp>| time.map_or(0, Timestamp::as_millis);
        let compute = u32::try_from(self.compute.as_millis()).unwrap_or(MAX_COMPUTE_MS);
        let mut out = [0; HEADER];
        out[..2].copy_from_slice(&MAGIC);
        out[2] = VERSION;
        out[3] = self.flags;
        out[4] = format_code(self.format);
        out[5..8].copy_from_slice(&compute.min(MAX_COMPUTE_MS).to_le_bytes()[..3]);
        out[8..16].copy_from_slice(&self.created.as_millis().to_le_bytes());
        out[16..24].copy_from_slice(&never(self.fresh_until).to_le_bytes());
        out[24..32].copy_from_slice(&never(self.expires).to_le_bytes());
        out[32..36].copy_from_slice(&self.original.to_le_bytes());
        out[36..40].copy_from_slice(&self.payload.to_le_bytes());
        out[40..].copy_from_slice(&self.key_check);
        out
    }

    /// Takes a header of this version apart; `None` if a field has no meaning.
    pub(super) fn read(bytes: &[u8; HEADER]) -> Option<Self> {
        let u32_at = |at: usize| {
            let [a, b, c, d] = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
            u32::from_le_bytes([a, b, c, d])
        };
        let time_at = |at| {
            let millis = u64::from(u32_at(at)) | u64::from(u32_at(at + 4)) << 32;
            Timestamp::from_millis(millis)
        };
        let never = |time: Timestamp| (time.as_millis() != 0).then_some(time);
        let flags = bytes[3];
        let compute = u32_at(5) & MAX_COMPUTE_MS;
        let mut key_check = [0; 8];
        key_check.copy_from_slice(&bytes[40..]);
        Some(Self {
            flags,
            format: format_of(bytes[4])?,
            compute: Duration::from_millis(compute.into()),
            created: time_at(8),
            fresh_until: never(time_at(16)),
            expires: never(time_at(24)),
            original: u32_at(32),
            payload: u32_at(36),
            key_check,
        })
    }

    /// Whether this build can read a payload with these flags.
    pub(super) fn can_read(flags: u8) -> bool {
        let known = CODEC_MASK | ENCRYPTED | NEGATIVE | TAGGED;
        let codec = flags & CODEC_MASK;
        flags & !known == 0 && (codec == 0 || (codec == ZSTD && cfg!(feature = "zstd")))
    }

    /// The header of an entry without its lengths.
    pub(super) fn of(entry: &Entry, key_check: [u8; 8]) -> Self {
        let mut flags = 0;
        if entry.negative().is_some() {
            flags |= NEGATIVE;
        }
        if !entry.tags().is_empty() {
            flags |= TAGGED;
        }
        Self {
            flags,
            format: entry.value().format(),
            compute: entry.compute(),
            created: entry.created(),
            fresh_until: entry.fresh_until(),
            expires: entry.expires(),
            original: 0,
            payload: 0,
            key_check,
        }
    }
}

fn format_code(format: Format) -> u8 {
    match format {
        Format::Json => 0,
        Format::Bytes => 1,
        Format::Cbor => 2,
        Format::Events => 3,
    }
}

fn format_of(code: u8) -> Option<Format> {
    match code {
        0 => Some(Format::Json),
        1 => Some(Format::Bytes),
        2 => Some(Format::Cbor),
        3 => Some(Format::Events),
        _ => None,
    }
}
