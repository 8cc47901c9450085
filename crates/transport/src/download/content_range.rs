//! The `Content-Range` header of RFC 9110 section 14.4, for bytes, read strictly: a range that is
//! misread puts bytes in the wrong place.

use std::fmt;
use std::str::FromStr;

use http::HeaderMap;
use http::header::CONTENT_RANGE;

use crate::error::Error;

/// Which bytes a partial answer holds, or how many there are when it holds none.
///
/// ```
/// use gimmal_transport::download::ContentRange;
///
/// let range: ContentRange = "bytes 5-9/20".parse()?;
/// assert_eq!(range, ContentRange::Bytes { first: 5, last: 9, total: Some(20) });
/// assert_eq!(range.to_string(), "bytes 5-9/20");
/// assert!("bytes 9-5/20".parse::<ContentRange>().is_err());
/// # Ok::<(), gimmal_transport::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ContentRange {
    /// `bytes 5-9/20`, or `bytes 5-9/*` when the total is unknown.
    Bytes {
        /// The offset of the first byte.
        first: u64,
        /// The offset of the last byte, which is included.
        last: u64,
        /// How many bytes there are in all.
        total: Option<u64>,
    },
    /// `bytes */20`: the range that was asked for does not exist.
    Unsatisfied {
        /// How many bytes there are in all.
        total: u64,
    },
}

impl ContentRange {
    /// Reads the header among these; `None` when it is missing.
    pub fn from_headers(headers: &HeaderMap) -> Option<Result<Self, Error>> {
        let value = headers.get(CONTENT_RANGE)?;
        Some(value.to_str().map_err(|_| malformed()).and_then(str::parse))
    }

    fn read(text: &str) -> Option<Self> {
        let (unit, range) = text.split_once(' ')?;
        if !unit.eq_ignore_ascii_case("bytes") {
            return None;
        }
        let (range, total) = range.split_once('/')?;
        if range == "*" {
            let total = number(total)?;
            return Some(Self::Unsatisfied { total });
        }
        let (first, last) = range.split_once('-')?;
        let (first, last) = (number(first)?, number(last)?);
        let total = match total {
            "*" => None,
            total => Some(number(total)?),
        };
        let fits = first <= last && total.is_none_or(|total| last < total);
        fits.then_some(Self::Bytes { first, last, total })
    }
}

/// Digits alone: no sign, no space.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

fn malformed() -> Error {
    Error::transfer("server sent a `content-range` that cannot be read")
}

impl FromStr for ContentRange {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::read(text).ok_or_else(malformed)
    }
}

impl fmt::Display for ContentRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes { first, last, total } => {
                write!(f, "bytes {first}-{last}/")?;
                match total {
                    Some(total) => write!(f, "{total}"),
                    None => f.write_str("*"),
                }
            }
            Self::Unsatisfied { total } => write!(f, "bytes */{total}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use test_case::test_case;

    use super::*;

    #[test_case("bytes 0-0/1")]
    #[test_case("bytes 0-9/*")]
    #[test_case("bytes */0")]
    #[test_case("bytes 0-18446744073709551614/18446744073709551615")]
    fn good_ones_read_and_write_the_same(text: &str) {
        assert_eq!(text.parse::<ContentRange>().unwrap().to_string(), text);
    }

    #[test_case("")]
    #[test_case("bytes"; "no range")]
    #[test_case("items 0-0/1"; "another unit")]
    #[test_case("bytes 1-0/2"; "backwards")]
    #[test_case("bytes 0-1/1"; "beyond the end")]
    #[test_case("bytes */*"; "nothing known")]
    #[test_case("bytes +0-1/2"; "sign")]
    #[test_case("bytes  0-1/2"; "two spaces")]
    #[test_case("bytes 0-1/2 "; "space at the end")]
    #[test_case("bytes 0-1/ 2"; "space within")]
    #[test_case("bytes 0-1"; "no total")]
    #[test_case("bytes 0-/2"; "no last")]
    #[test_case("bytes -1/2"; "no first")]
    #[test_case("bytes 0-1/18446744073709551616"; "overflow")]
    #[test_case("bytes 0-1,3-4/9"; "two ranges")]
    fn bad_ones_are_refused(text: &str) {
        assert!(text.parse::<ContentRange>().is_err());
    }

    proptest! {
        #[test]
        fn whatever_reads_writes_back(text in "(bytes|Bytes) [0-9*]{1,3}[-/]?[0-9]{0,3}/?[0-9*]{0,3}") {
            if let Ok(range) = text.parse::<ContentRange>() {
                prop_assert_eq!(range.to_string().parse::<ContentRange>().unwrap(), range);
                if let ContentRange::Bytes { first, last, total } = range {
                    prop_assert!(first <= last && total.is_none_or(|total| last < total));
                }
            }
        }
    }
}
