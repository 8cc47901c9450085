//! Values as the former cache stored them: JSON or pickled data, perhaps compressed, with a prefix
//! that says which.

use std::fmt;
use std::io::Read;

use flate2::read::ZlibDecoder;
use serde_json::Value;

use super::pickle;

/// The largest value that is unpacked.
const MAX_BYTES: u64 = 5 << 20;

/// Reads a value that the former cache stored.
///
/// Pickled data is read without executing anything; pickles that would are refused.
///
/// ```
/// use gimmal_cache::legacy_value;
/// use serde_json::json;
///
/// assert_eq!(legacy_value(b"rawj:{\"a\":1}")?, json!({"a": 1}));
/// assert!(legacy_value(b"raw:cos\nsystem\n").is_err());
/// # Ok::<(), gimmal_cache::InvalidLegacyValue>(())
/// ```
///
/// # Errors
///
/// If it is none, or holds more than data.
pub fn legacy_value(stored: &[u8]) -> Result<Value, InvalidLegacyValue> {
    let read = || {
        let after = |prefix: &str| stored.strip_prefix(prefix.as_bytes());
        if let Some(json) = after("rawj:") {
            return serde_json::from_slice(json).ok();
        }
        if let Some(plain) = after("raw:").or_else(|| after("pick:")) {
            return pickle::read(plain);
        }
        if let Some(packed) = after("compressed:").or_else(|| after("zlib:")) {
            return pickle::read(&unpacked(packed)?);
        }
        serde_json::from_slice(stored).ok()
    };
    read().ok_or(InvalidLegacyValue)
}

fn unpacked(packed: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    let mut decoder = ZlibDecoder::new(packed).take(MAX_BYTES + 1);
    decoder.read_to_end(&mut plain).ok()?;
    (plain.len() as u64 <= MAX_BYTES).then_some(plain)
}

/// Bytes that are no value of the former cache, or hold more than data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidLegacyValue;

impl fmt::Display for InvalidLegacyValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this is no value of the former cache, or it holds more than data")
    }
}

impl std::error::Error for InvalidLegacyValue {}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use serde_json::json;

    use super::*;

    /// `pickle.dumps({"summary": "é", "n": [1, 300, -5, 1.5, True, None], "t": (1, 2)}, 4)`.
    const PLAIN: &[u8] =
        b"\x80\x04\x95;\x00\x00\x00\x00\x00\x00\x00}\x94(\x8c\x07summary\x94\x8c\x02\xc3\
        \xa9\x94\x8c\x01n\x94]\x94(K\x01M,\x01J\xfb\xff\xff\xffG?\xf8\x00\x00\x00\x00\
        \x00\x00\x88Ne\x8c\x01t\x94K\x01K\x02\x86\x94u.";

    fn stored(prefix: &str, bytes: &[u8]) -> Vec<u8> {
        [prefix.as_bytes(), bytes].concat()
    }

    #[test]
    fn data_is_read_from_every_form() {
        let expected = json!({"summary": "é", "n": [1, 300, -5, 1.5, true, null], "t": [1, 2]});
        let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), Default::default());
        packed.write_all(PLAIN).unwrap();
        let packed = packed.finish().unwrap();
        for bytes in [
            stored("raw:", PLAIN),
            stored("pick:", PLAIN),
            stored("compressed:", &packed),
            stored("zlib:", &packed),
            stored("rawj:", expected.to_string().as_bytes()),
            expected.to_string().into_bytes(),
        ] {
            assert_eq!(legacy_value(&bytes), Ok(expected.clone()));
        }
    }

    /// Covers: F8
    #[test]
    fn f8_nothing_that_could_run_is_read() {
        for pickle in [
            // os.system("…") by GLOBAL and REDUCE, in the old form and the new.
            &b"cos\nsystem\n(X\x02\x00\x00\x00idtR."[..],
            b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94\x93\x94\x8c\x02id\x94\x85\x94R\x94.",
            b"(ios\nsystem\n.",
            b"(c__builtin__\neval\no.",
            b"}}b.",
            b"P7\n.",
            b"K\x07Q.",
            b"\x80\x04c",
            b"",
            b".",
            b"}K\x01K\x02s.",
        ] {
            assert_eq!(
                legacy_value(&stored("raw:", pickle)),
                Err(InvalidLegacyValue)
            );
        }
        // A nest that would exhaust the stack of whoever reads it.
        let mut nest = vec![b']'; 100_000];
        nest.extend(vec![b'a'; 99_999]);
        nest.push(b'.');
        assert_eq!(
            legacy_value(&stored("raw:", &nest)),
            Err(InvalidLegacyValue)
        );
        for length in 0..PLAIN.len() {
            assert!(legacy_value(&stored("raw:", &PLAIN[..length])).is_err());
        }
    }
}
