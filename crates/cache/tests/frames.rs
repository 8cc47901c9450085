//! Frames against a fixed vector, and against whatever can happen to them in a store.

use std::time::Duration;

use gimmal_cache::{
    CacheKey, Compression, Entry, Format, FrameCodec, FrameError, KeyRequest, MissReason,
    Timestamp, Value,
};
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// Bytes of a frame around its payload.
const AROUND: usize = 52;

/// The frame of [`first_entry`] under [`first_key`].
const FIRST: &str = "4743010000e204000068e5cf8b01000080561cd08b010000004553d08b010000\
    1b0000001b0000009b478a577f60aa4b7b2273756d6d617279223a2242726965662073756d6d617279227d6fed3f37";

fn first_key() -> CacheKey {
    KeyRequest::new("summarize")
        .with_model("gpt-4")
        .with_text("Long document to analyze...")
        .with_option("max_length", 100)
        .key()
}

fn other_key() -> CacheKey {
    KeyRequest::new("qa").with_model("m").with_text("a:b").key()
}

fn first_entry() -> Entry {
    Entry::new(
        Value::new(Format::Json, r#"{"summary":"Brief summary"}"#),
        NOW,
    )
    .with_ttl(Duration::from_secs(3_600))
    .with_stale(Duration::from_secs(3_600))
    .with_compute(Duration::from_millis(1_250))
}

fn first_frame() -> Vec<u8> {
    let pairs = FIRST.as_bytes().chunks_exact(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// A frame with a checksum that is right.
fn sealed(mut frame: Vec<u8>) -> Vec<u8> {
    let length = frame.len() - 4;
    let checksum = crc32fast::hash(&frame[..length]);
    frame[length..].copy_from_slice(&checksum.to_le_bytes());
    frame
}

fn decode(frame: &[u8]) -> Result<Entry, FrameError> {
    FrameCodec::new().decode(&first_key(), frame, NOW)
}

/// Bytes that do not compress.
#[cfg(feature = "zstd")]
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

/// Covers: F1
#[test]
fn f1_the_vector_is_written_and_read() {
    let frame = FrameCodec::new().encode(&first_key(), &first_entry());
    assert_eq!(frame.unwrap().as_ref(), first_frame());
    assert_eq!(decode(&first_frame()), Ok(first_entry()));
}

/// Covers: F2
#[test]
fn f2_no_flipped_bit_is_overlooked() {
    let frame = first_frame();
    for bit in 0..frame.len() * 8 {
        let mut damaged = frame.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let error = decode(&damaged).unwrap_err();
        assert_ne!(error, FrameError::Expired, "bit {bit}");
    }
    for length in 0..frame.len() {
        assert!(decode(&frame[..length]).is_err());
    }
}

/// Covers: F3
#[test]
fn f3_a_frame_of_another_key_is_a_mismatch() {
    let error = FrameCodec::new()
        .decode(&other_key(), &first_frame(), NOW)
        .unwrap_err();
    assert_eq!(error.miss_reason(), MissReason::KeyMismatch);
    assert!(error.should_remove());
}

/// Covers: F4
#[cfg(feature = "zstd")]
#[test]
fn f4_every_size_comes_back_and_only_what_shrinks_is_compressed() {
    let codec = FrameCodec::new();
    for size in [0, 1, 999, 1_000, 1_001, 65_536, 5 << 20] {
        let text = b"All work and no play. ".iter().copied().cycle();
        for (bytes, shrinks) in [
            (text.take(size).collect::<Vec<_>>(), size >= 1_000),
            (noise(size), false),
        ] {
            let entry = Entry::new(Value::bytes(bytes), NOW);
            let frame = codec.encode(&first_key(), &entry).unwrap();
            assert_eq!(frame[3] & 1 == 1, shrinks, "{size}");
            if shrinks {
                assert!(frame.len() - AROUND <= size * 9 / 10);
            } else {
                assert_eq!(frame.len(), size + AROUND);
            }
            assert_eq!(codec.decode(&first_key(), &frame, NOW), Ok(entry));
        }
    }
    let large = Entry::new(Value::bytes(noise((5 << 20) + 1)), NOW);
    let refused = codec.encode(&first_key(), &large);
    assert_eq!(refused, Err(FrameError::TooLarge));
}

/// Covers: F4
#[cfg(feature = "zstd")]
#[test]
fn threshold_and_level_are_those_asked_for() {
    let entry = Entry::new(Value::bytes("a".repeat(600)), NOW);
    let length = |compression| {
        let codec = FrameCodec::new().with_compression(compression);
        codec.encode(&first_key(), &entry).unwrap().len()
    };
    assert_eq!(length(Compression::zstd()), 600 + AROUND);
    assert!(length(Compression::zstd().with_threshold(600)) < 100);
    assert_eq!(length(Compression::none()), 600 + AROUND);
    assert_eq!(Compression::zstd().with_level(99).level(), 19);
}

/// Covers: F5
#[test]
fn f5_a_header_that_claims_gigabytes_is_not_believed() {
    for flags in [0, 1] {
        let mut frame = first_frame();
        frame[3] = flags;
        frame[32..36].copy_from_slice(&u32::MAX.to_le_bytes());
        let error = decode(&sealed(frame)).unwrap_err();
        assert_eq!(error, FrameError::TooLarge);
        assert_eq!(error.miss_reason(), MissReason::Corrupt);
    }
}

/// A compressed payload that unpacks to more than the header says is cut off before it does.
#[cfg(feature = "zstd")]
#[test]
fn a_payload_that_unpacks_to_more_is_refused() {
    let entry = Entry::new(Value::bytes(vec![0; 1 << 20]), NOW);
    let codec = FrameCodec::new();
    let mut frame = codec.encode(&first_key(), &entry).unwrap().to_vec();
    frame[32..36].copy_from_slice(&1_000_u32.to_le_bytes());
    assert_eq!(decode(&sealed(frame)), Err(FrameError::Payload));
}

/// What a newer process wrote is not ours to delete.
///
/// Covers: F7
#[test]
fn f7_unknown_versions_are_left_alone() {
    let mut versions = vec![(2, 2)];
    versions.extend([(3, 0b10), (3, 0b1000), (3, 0b1000_0000)]);
    for (at, byte) in versions {
        let mut frame = first_frame();
        frame[at] = byte;
        let error = decode(&sealed(frame)).unwrap_err();
        assert_eq!(error.miss_reason(), MissReason::UnknownVersion);
        assert!(!error.should_remove());
    }
}

#[test]
fn expiry_is_the_readers_time() {
    let frame = first_frame();
    let at = |seconds| {
        let now = NOW.plus(Duration::from_secs(seconds));
        FrameCodec::new().decode(&first_key(), &frame, now)
    };
    assert!(at(7_199).is_ok());
    assert_eq!(at(7_200).unwrap_err().miss_reason(), MissReason::Expired);
}

#[test]
fn failures_and_tags_survive() {
    let codec = FrameCodec::new();
    let entries = [
        Entry::new_negative(404, NOW),
        first_entry().with_tags(["a", "ü", ""]),
        Entry::new(Value::bytes("x".repeat(5_000)), NOW).with_tags(["t"]),
    ];
    for entry in entries {
        let frame = codec.encode(&first_key(), &entry).unwrap();
        assert_eq!(codec.decode(&first_key(), &frame, NOW), Ok(entry));
    }
}

#[cfg(feature = "encryption")]
mod encryption {
    use gimmal_cache::{EncryptionKey, KeyRing};

    use super::*;

    fn key(byte: u8) -> EncryptionKey {
        EncryptionKey::new([byte; 32])
    }

    fn codec(keys: KeyRing) -> FrameCodec {
        FrameCodec::new().with_keys(keys)
    }

    /// Covers: F6
    #[test]
    fn f6_a_frame_opens_with_its_key_under_its_name_alone() {
        let first = codec(KeyRing::new(1, key(1)));
        let frame = first.encode(&first_key(), &first_entry()).unwrap();
        let plain = b"Brief summary";
        assert!(!frame.windows(plain.len()).any(|window| window == plain));
        let refused = |codec: &FrameCodec, key: &CacheKey, frame: &[u8]| {
            let error = codec.decode(key, frame, NOW).unwrap_err();
            assert_eq!(error.miss_reason(), MissReason::Corrupt);
        };
        assert_eq!(first.decode(&first_key(), &frame, NOW), Ok(first_entry()));
        refused(&codec(KeyRing::new(2, key(1))), &first_key(), &frame);
        refused(&codec(KeyRing::new(1, key(2))), &first_key(), &frame);
        refused(&FrameCodec::new(), &first_key(), &frame);

        // The header names another key, and the checksum agrees.
        let mut moved = frame.to_vec();
        moved[40..48].copy_from_slice(&other_key().digest()[..8]);
        refused(&first, &other_key(), &sealed(moved));
        // The expiry is put off.
        let mut prolonged = frame.to_vec();
        prolonged[30] += 1;
        refused(&first, &first_key(), &sealed(prolonged));
        // The tag is cut off.
        let mut cut = frame[..frame.len() - 1].to_vec();
        let length = (cut.len() - AROUND) as u32;
        cut[36..40].copy_from_slice(&length.to_le_bytes());
        refused(&first, &first_key(), &sealed(cut));
        // A frame in the clear, as anybody can write it.
        refused(&first, &first_key(), &first_frame());
    }

    /// Covers: F6
    #[test]
    fn f6_an_old_key_still_reads() {
        let old = codec(KeyRing::new(1, key(1)));
        let frame = old.encode(&first_key(), &first_entry()).unwrap();
        let new = codec(KeyRing::new(2, key(2)).with_old_key(1, key(1)));
        assert_eq!(new.decode(&first_key(), &frame, NOW), Ok(first_entry()));
        let again = new.encode(&first_key(), &first_entry()).unwrap();
        assert!(old.decode(&first_key(), &again, NOW).is_err());
    }

    #[test]
    fn no_two_frames_are_alike() {
        let codec = codec(KeyRing::new(1, key(1)));
        let frame = || codec.encode(&first_key(), &first_entry()).unwrap();
        assert_ne!(frame(), frame());
    }

    #[test]
    fn keys_are_not_shown() {
        let shown = format!("{:?}", codec(KeyRing::new(1, key(0x5a))));
        assert!(shown.contains("EncryptionKey(..)") && !shown.contains("90"));
    }
}

proptest! {
    #[test]
    fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(decode(&bytes).is_err());
        let mut frame = first_frame();
        let tail = frame.len().min(bytes.len());
        frame[3..tail.max(3)].copy_from_slice(&bytes[3.min(tail)..tail]);
        // It may be read or not, but it never fails otherwise.
        drop(decode(&sealed(frame)));
    }

    #[test]
    fn any_entry_comes_back(
        bytes in prop::collection::vec(any::<u8>(), 0..3_000),
        times in (1_u64..1 << 48, prop::option::of(1_u64..1 << 48)),
        compute in 0_u64..1 << 24,
        tags in prop::collection::vec(".{0,20}", 0..4),
    ) {
        let (created, expires) = times;
        let created = Timestamp::from_millis(created);
        let expires = expires.map(|time| NOW.plus(Duration::from_millis(time)));
        let entry = Entry::new(Value::new(Format::Cbor, bytes), created)
            .with_expiry(expires, expires)
            .with_compute(Duration::from_millis(compute))
            .with_tags(tags);
        let frame = FrameCodec::new().encode(&first_key(), &entry).unwrap();
        prop_assert_eq!(decode(&frame), Ok(entry));
    }
}
