//! Digests that say whether a file arrived whole: written as text, read from Google's
//! `x-goog-hash`, and computed over a file. None of them is made to keep a secret here.

use std::fmt;
use std::io::Read;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue};
use md5::Md5;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::error::Error;

/// How much of a file is read at once: 256 KiB.
const BUFFER_BYTES: usize = 256 * 1024;

/// The digest of a whole file.
///
/// ```
/// use gimmal_transport::download::Digest;
///
/// let digest: Digest = "md5:900150983cd24fb0d6963f7d28e17f72".parse()?;
/// assert_eq!(digest, Digest::of_md5(b"abc"));
/// assert_eq!(Digest::of_crc32c(b"abc").to_string(), "crc32c:364b3fb7");
/// # Ok::<(), gimmal_transport::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub enum Digest {
    /// SHA-256, which nobody can forge.
    Sha256([u8; 32]),
    /// MD5, against accidents only.
    Md5([u8; 16]),
    /// CRC-32C, against accidents only.
    Crc32c(u32),
}

impl Digest {
    /// The SHA-256 of bytes in memory.
    pub fn of_sha256(content: &[u8]) -> Self {
        Self::Sha256(Sha256::digest(content).into())
    }

    /// The MD5 of bytes in memory.
    pub fn of_md5(content: &[u8]) -> Self {
        Self::Md5(Md5::digest(content).into())
    }

    /// The CRC-32C of bytes in memory.
    pub fn of_crc32c(content: &[u8]) -> Self {
        Self::Crc32c(crc32c::crc32c(content))
    }

    /// The digests in `x-goog-hash`, as Cloud Storage sends them: `crc32c=…` and `md5=…` in
    /// Base64, in one header or in several. Those that cannot be read are left out.
    ///
    /// They are of the stored object, so there are none for an object that the server unpacks on
    /// the way (`x-goog-stored-content-encoding` says so).
    pub fn from_goog_hash(headers: &HeaderMap) -> Vec<Self> {
        let stored = headers.get("x-goog-stored-content-encoding");
        if stored.is_some_and(|stored| stored != "identity") {
            return Vec::new();
        }
        headers
            .get_all("x-goog-hash")
            .into_iter()
            .filter_map(|value| HeaderValue::to_str(value).ok())
            .flat_map(|value| value.split(','))
            .filter_map(Self::read_goog_hash)
            .collect()
    }

    fn read_goog_hash(text: &str) -> Option<Self> {
        let (name, value) = text.trim().split_once('=')?;
        let bytes = STANDARD.decode(value).ok()?;
        match name {
            "crc32c" => Some(Self::Crc32c(u32::from_be_bytes(bytes.try_into().ok()?))),
            "md5" => Some(Self::Md5(bytes.try_into().ok()?)),
            _ => None,
        }
    }

    /// What this kind of digest is of a content that is read to its end.
    fn kind_of(self, sums: &Sums) -> Self {
        match self {
            Self::Sha256(_) => Self::Sha256(sums.sha256.clone().finalize().into()),
            Self::Md5(_) => Self::Md5(sums.md5.clone().finalize().into()),
            Self::Crc32c(_) => Self::Crc32c(sums.crc32c),
        }
    }
}

/// The first of `expected` that a content does not have, with what it has instead.
pub(super) fn first_mismatch(
    expected: &[Digest],
    mut content: impl Read,
) -> std::io::Result<Option<(Digest, Digest)>> {
    let mut sums = Sums::default();
    let wanted = Wanted::of(expected);
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match content.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => sums.add(&wanted, &buffer[..read]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(expected
        .iter()
        .map(|expected| (*expected, expected.kind_of(&sums)))
        .find(|(expected, actual)| expected != actual))
}

/// Which sums are needed: computing one that is not would cost more than reading.
#[derive(Default)]
struct Wanted {
    sha256: bool,
    md5: bool,
    crc32c: bool,
}

impl Wanted {
    fn of(digests: &[Digest]) -> Self {
        let mut wanted = Self::default();
        for digest in digests {
            match digest {
                Digest::Sha256(_) => wanted.sha256 = true,
                Digest::Md5(_) => wanted.md5 = true,
                Digest::Crc32c(_) => wanted.crc32c = true,
            }
        }
        wanted
    }
}

#[derive(Default)]
struct Sums {
    sha256: Sha256,
    md5: Md5,
    crc32c: u32,
}

impl Sums {
    fn add(&mut self, wanted: &Wanted, bytes: &[u8]) {
        if wanted.sha256 {
            self.sha256.update(bytes);
        }
        if wanted.md5 {
            self.md5.update(bytes);
        }
        if wanted.crc32c {
            self.crc32c = crc32c::crc32c_append(self.crc32c, bytes);
        }
    }
}

/// `sha256:`, `md5:` or `crc32c:` and hexadecimal digits.
impl FromStr for Digest {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let read = || {
            let (name, digits) = text.split_once(':')?;
            match name {
                "sha256" => Some(Self::Sha256(unhex(digits)?)),
                "md5" => Some(Self::Md5(unhex(digits)?)),
                "crc32c" => Some(Self::Crc32c(u32::from_be_bytes(unhex(digits)?))),
                _ => None,
            }
        };
        read().ok_or_else(|| {
            Error::invalid(
                "digest",
                "it must be `sha256:`, `md5:` or `crc32c:` and 64, 32 or 8 hexadecimal digits",
            )
        })
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, bytes): (_, &[u8]) = match self {
            Self::Sha256(bytes) => ("sha256", bytes),
            Self::Md5(bytes) => ("md5", bytes),
            Self::Crc32c(sum) => ("crc32c", &sum.to_be_bytes()),
        };
        write!(f, "{name}:")?;
        bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl TryFrom<String> for Digest {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

fn unhex<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let digits = digits.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |digit: u8| char::from(digit).to_digit(16);
        *byte = u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    // The test vectors of FIPS 180-2, RFC 1321 and RFC 3720 B.4 (32 bytes of zeroes).
    #[test_case(
        Digest::of_sha256(b"abc"),
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )]
    #[test_case(Digest::of_md5(b"abc"), "md5:900150983cd24fb0d6963f7d28e17f72")]
    #[test_case(Digest::of_crc32c(&[0; 32]), "crc32c:8a9136aa")]
    fn known_digests(digest: Digest, text: &str) {
        assert_eq!(digest.to_string(), text);
        assert_eq!(text.parse::<Digest>().unwrap(), digest);
        assert_eq!(
            text.to_uppercase()
                .replace("SHA", "sha")
                .parse::<Digest>()
                .is_ok(),
            text.starts_with("sha")
        );
    }

    #[test_case("")]
    #[test_case("sha256:"; "nothing")]
    #[test_case("sha1:00"; "unknown")]
    #[test_case("crc32c:0000000"; "short")]
    #[test_case("crc32c:0000000g"; "no digit")]
    #[test_case("crc32c:+0000000"; "sign")]
    #[test_case("crc32c:é00000"; "no ascii")]
    fn bad_digests(text: &str) {
        assert_eq!(text.parse::<Digest>().unwrap_err().field(), Some("digest"));
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn the_hashes_of_cloud_storage() {
        let both = [Digest::of_crc32c(b"abc"), Digest::of_md5(b"abc")];
        let one = [(
            "x-goog-hash",
            "crc32c=Nks/tw==, md5=kAFQmDzST7DWlj99KOF/cg==",
        )];
        assert_eq!(Digest::from_goog_hash(&headers(&one)), both);
        let two = [
            ("x-goog-hash", "crc32c=Nks/tw=="),
            ("x-goog-hash", "md5=kAFQmDzST7DWlj99KOF/cg=="),
            ("x-goog-stored-content-encoding", "identity"),
        ];
        assert_eq!(Digest::from_goog_hash(&headers(&two)), both);
        let odd = [("x-goog-hash", "crc32c=AAAA,md5=?,sha9=AAAA,x")];
        assert!(Digest::from_goog_hash(&headers(&odd)).is_empty());
        let packed = [
            ("x-goog-hash", "crc32c=Nks/tw=="),
            ("x-goog-stored-content-encoding", "gzip"),
        ];
        assert!(Digest::from_goog_hash(&headers(&packed)).is_empty());
    }

    #[test]
    fn a_mismatch_is_found_among_matches() {
        let content = vec![7_u8; BUFFER_BYTES + 1];
        let right = [
            Digest::of_sha256(&content),
            Digest::of_md5(&content),
            Digest::of_crc32c(&content),
        ];
        assert_eq!(first_mismatch(&right, &content[..]).unwrap(), None);
        for expected in [
            Digest::of_sha256(b""),
            Digest::of_md5(b""),
            Digest::of_crc32c(b""),
        ] {
            let all = [right[0], right[1], right[2], expected];
            let (found, actual) = first_mismatch(&all, &content[..]).unwrap().unwrap();
            assert_eq!(found, expected);
            assert!(right.contains(&actual));
        }
    }
}
