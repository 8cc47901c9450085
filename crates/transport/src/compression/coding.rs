//! The content codings of HTTP that this crate knows, and which of them are built in. It names
//! them and says how a body of each begins; the work is done by one module per library.

use std::fmt;

use crate::error::BoxError;

/// How a body is packed, as `content-encoding` names it.
///
/// ```
/// use gimmal_transport::compression::ContentCoding;
///
/// assert_eq!(ContentCoding::from_name(" GZIP "), Some(ContentCoding::Gzip));
/// assert_eq!(ContentCoding::from_name("br"), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ContentCoding {
    /// RFC 1952; built in with the feature `gzip`.
    Gzip,
    /// RFC 1950, and the bare RFC 1951 that some servers send under this name; built in with the
    /// feature `gzip`.
    Deflate,
    /// RFC 8878; built in with the feature `zstd`.
    Zstd,
}

impl ContentCoding {
    /// The coding of this name, in any case and with space around it.
    pub fn from_name(name: &str) -> Option<Self> {
        let name = name.trim();
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        if is("gzip") || is("x-gzip") {
            Some(Self::Gzip)
        } else if is("deflate") {
            Some(Self::Deflate)
        } else if is("zstd") {
            Some(Self::Zstd)
        } else {
            None
        }
    }

    /// The name to send.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Zstd => "zstd",
        }
    }

    /// Whether the crate was built with what it takes.
    pub fn is_built_in(self) -> bool {
        match self {
            Self::Gzip | Self::Deflate => cfg!(feature = "gzip"),
            Self::Zstd => cfg!(feature = "zstd"),
        }
    }

    /// What the first bytes of a body say about it.
    pub(super) fn opening(self, start: &[u8]) -> Opening {
        match self {
            Self::Gzip => Opening::of(start, &[0x1f, 0x8b]),
            Self::Zstd => match start {
                // Sixteen magic numbers are set aside for frames to skip.
                [0x50..=0x5f, rest @ ..] => Opening::of(rest, &[0x2a, 0x4d, 0x18]),
                _ => Opening::of(start, &[0x28, 0xb5, 0x2f, 0xfd]),
            },
            // A bare body may begin with anything.
            Self::Deflate if start.len() < 2 => Opening::Unknown,
            Self::Deflate => Opening::Packed,
        }
    }

    /// A codec for a body that begins like this.
    #[cfg_attr(
        not(feature = "gzip"),
        expect(unused_variables, reason = "only deflate looks at the start")
    )]
    pub(super) fn codec(self, start: &[u8]) -> Result<Box<dyn Codec>, BoxError> {
        match self {
            #[cfg(feature = "gzip")]
            Self::Gzip => Ok(Box::new(super::gzip::Inflate::gzip())),
            #[cfg(feature = "gzip")]
            Self::Deflate => Ok(Box::new(super::gzip::Inflate::deflate(start))),
            #[cfg(feature = "zstd")]
            Self::Zstd => Ok(Box::new(super::zstd::Frame::new()?)),
            #[cfg(not(all(feature = "gzip", feature = "zstd")))]
            _ => Err("it is not built in".into()),
        }
    }

    /// The body packed whole.
    #[cfg_attr(
        not(any(feature = "gzip", feature = "zstd")),
        expect(unused_variables, reason = "nothing is built in")
    )]
    pub(super) fn pack(self, body: &[u8]) -> Result<Vec<u8>, BoxError> {
        match self {
            #[cfg(feature = "gzip")]
            Self::Gzip => Ok(super::gzip::compress(body)?),
            #[cfg(feature = "zstd")]
            Self::Zstd => Ok(super::zstd::compress(body)?),
            _ => Err("it is not built in".into()),
        }
    }
}

impl fmt::Display for ContentCoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What the first bytes of a body say about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opening {
    /// It is packed as announced.
    Packed,
    /// It is something else.
    Other,
    /// More bytes are needed to tell.
    Unknown,
}

impl Opening {
    fn of(start: &[u8], magic: &[u8]) -> Self {
        if start.starts_with(magic) {
            Self::Packed
        } else if magic.starts_with(start) {
            Self::Unknown
        } else {
            Self::Other
        }
    }
}

/// Undoes one coding, a piece at a time.
pub(super) trait Codec: Send {
    /// Reads from `input` and writes to `output`, as far as both go.
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, BoxError>;
}

/// What one step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// How many bytes of the input are used up.
    pub(super) read: usize,
    /// How many bytes of the output are filled.
    pub(super) written: usize,
    /// The packed data is over; what follows in the input is something else.
    pub(super) ended: bool,
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    #[test_case("gzip", Some(ContentCoding::Gzip))]
    #[test_case("x-gzip", Some(ContentCoding::Gzip); "old name")]
    #[test_case("\tGZip ", Some(ContentCoding::Gzip); "space and case")]
    #[test_case("zstd", Some(ContentCoding::Zstd))]
    #[test_case("deflate", Some(ContentCoding::Deflate))]
    #[test_case("identity", None)]
    #[test_case("gzip, zstd", None; "two at once")]
    fn names(name: &str, expected: Option<ContentCoding>) {
        assert_eq!(ContentCoding::from_name(name), expected);
        if let Some(coding) = expected {
            assert_eq!(ContentCoding::from_name(coding.name()), expected);
        }
    }

    #[test_case(ContentCoding::Gzip, b"\x1f\x8b\x08", Opening::Packed)]
    #[test_case(ContentCoding::Gzip, b"\x1f", Opening::Unknown; "half")]
    #[test_case(ContentCoding::Gzip, b"", Opening::Unknown; "nothing")]
    #[test_case(ContentCoding::Gzip, b"{}", Opening::Other; "json")]
    #[test_case(ContentCoding::Zstd, b"\x28\xb5\x2f\xfd", Opening::Packed)]
    #[test_case(ContentCoding::Zstd, b"\x5f\x2a\x4d\x18", Opening::Packed; "to skip")]
    #[test_case(ContentCoding::Zstd, b"\x5f\x2a", Opening::Unknown; "half to skip")]
    #[test_case(ContentCoding::Zstd, b"data", Opening::Other; "text")]
    #[test_case(ContentCoding::Deflate, b"\x78", Opening::Unknown)]
    #[test_case(ContentCoding::Deflate, b"\x78\x9c", Opening::Packed)]
    fn openings(coding: ContentCoding, start: &[u8], expected: Opening) {
        assert_eq!(coding.opening(start), expected);
    }
}
