//! Which bytes a download asks for (RFC 9110, sections 13.1.5 and 14). Pure.

use std::ops::Range;

use http::{
    HeaderMap,
    header::{IF_RANGE, RANGE},
};

/// What is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Whole,
    Part(Range<u64>),
    /// Nothing of what was asked for is there.
    Unsatisfiable,
}

/// Reads the request for a content of `len` bytes with this entity tag. Several ranges at once,
/// other units and nonsense are answered with all of it, which is what the standard allows.
pub(super) fn wanted(headers: &HeaderMap, len: u64, etag: &str) -> Wanted {
    let changed = headers
        .get(IF_RANGE)
        .is_some_and(|condition| condition.as_bytes() != etag.as_bytes());
    let asked = headers.get(RANGE).and_then(|range| range.to_str().ok());
    let parsed = asked
        .filter(|_| !changed)
        .and_then(|range| range.trim().strip_prefix("bytes="))
        .and_then(|range| parse(range, len));
    match parsed {
        None => Wanted::Whole,
        Some(range) if range.is_empty() => Wanted::Unsatisfiable,
        Some(range) => Wanted::Part(range),
    }
}

/// The bytes of `first-last`, `first-` or `-count`, empty when none of them is there.
fn parse(range: &str, len: u64) -> Option<Range<u64>> {
    let (first, last) = range.split_once('-')?;
    let (first, last) = (first.trim(), last.trim());
    if first.is_empty() {
        let count: u64 = last.parse().ok()?;
        return Some(len.saturating_sub(count)..len);
    }
    let first: u64 = first.parse().ok()?;
    let last: u64 = match last {
        "" => u64::MAX,
        last => last.parse().ok()?,
    };
    (first <= last).then(|| first..len.min(last.saturating_add(1)).max(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(range: &str, condition: Option<&str>) -> Wanted {
        let mut headers = HeaderMap::new();
        headers.insert(RANGE, range.parse().expect("value"));
        if let Some(condition) = condition {
            headers.insert(IF_RANGE, condition.parse().expect("value"));
        }
        wanted(&headers, 10, "\"tag\"")
    }

    #[test]
    fn ranges() {
        assert_eq!(wanted(&HeaderMap::new(), 10, ""), Wanted::Whole);
        for (range, part) in [
            ("bytes=0-3", 0..4),
            ("bytes=4-", 4..10),
            ("bytes=8-99", 8..10),
            ("bytes=-3", 7..10),
            ("bytes=-99", 0..10),
        ] {
            assert_eq!(read(range, None), Wanted::Part(part), "{range}");
        }
        for range in ["bytes=10-", "bytes=99-100", "bytes=-0"] {
            assert_eq!(read(range, None), Wanted::Unsatisfiable, "{range}");
        }
        for range in [
            "bytes=0-1,3-4",
            "lines=1-2",
            "bytes=3-1",
            "bytes=x-",
            "bytes=",
        ] {
            assert_eq!(read(range, None), Wanted::Whole, "{range}");
        }
    }

    #[test]
    fn a_changed_content_is_sent_whole() {
        assert_eq!(read("bytes=0-3", Some("\"tag\"")), Wanted::Part(0..4));
        assert_eq!(read("bytes=0-3", Some("\"old\"")), Wanted::Whole);
    }
}
