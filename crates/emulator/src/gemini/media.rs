//! What a film says about itself: how long it lasts. Reads the boxes of the MP4 family
//! (ISO/IEC 14496-12) as far as that takes, and nothing of the pictures.

use std::{io, ops::Range, time::Duration};

/// Boxes looked at before a file is given up.
const MOST_BOXES: usize = 1_000;

/// How long the film lasts, if it is one and says so.
///
/// `read` gives a range of the `len` bytes of the file.
pub(crate) fn duration<B: AsRef<[u8]>>(
    len: u64,
    read: impl Fn(Range<u64>) -> io::Result<B>,
) -> Option<Duration> {
    let movie = find(b"moov", 0..len, &read)?;
    let header = find(b"mvhd", movie, &read)?;
    let bytes = read(header.start..header.end.min(header.start + 32)).ok()?;
    let bytes = bytes.as_ref();
    let short = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    // Version 1 has times of 64 bits: created, changed, units to the second, length.
    let (scale, length) = match bytes.first()? {
        0 => (short(12)?, u64::from(short(16)?)),
        1 => {
            let long = bytes.get(24..32)?.try_into().ok()?;
            (short(20)?, u64::from_be_bytes(long))
        }
        _ => return None,
    };
    let seconds = length.checked_div(u64::from(scale))?;
    let rest = length % u64::from(scale);
    let nanos = rest * 1_000_000_000 / u64::from(scale);
    Some(Duration::new(seconds, u32::try_from(nanos).ok()?))
}

/// Where the contents of the first box with this name are.
fn find<B: AsRef<[u8]>>(
    name: &[u8; 4],
    within: Range<u64>,
    read: &impl Fn(Range<u64>) -> io::Result<B>,
) -> Option<Range<u64>> {
    let mut at = within.start;
    for _ in 0..MOST_BOXES {
        let head = read(at..within.end.min(at + 16)).ok()?;
        let head = head.as_ref();
        let short = u32::from_be_bytes(head.get(..4)?.try_into().ok()?);
        let (size, begins) = match short {
            0 => (within.end - at, 8),
            1 => (u64::from_be_bytes(head.get(8..16)?.try_into().ok()?), 16),
            _ => (u64::from(short), 8),
        };
        let end = at.checked_add(size).filter(|end| *end <= within.end)?;
        if size < begins {
            return None;
        }
        if head.get(4..8)? == name {
            return Some(at + begins..end);
        }
        at = end;
    }
    None
}

/// A duration as the wire has it: `12s`, `1.5s`.
pub(crate) fn seconds(duration: Duration) -> String {
    let text = format!("{}.{:09}", duration.as_secs(), duration.subsec_nanos());
    format!("{}s", text.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(file: &[u8]) -> Option<Duration> {
        duration(file.len() as u64, |range| {
            Ok(&file[range.start as usize..range.end as usize])
        })
    }

    fn boxed(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
        let size = u32::try_from(content.len() + 8).expect("small");
        [size.to_be_bytes().as_slice(), name, content].concat()
    }

    fn header(version: u8) -> Vec<u8> {
        let mut content = vec![version, 0, 0, 0];
        let times = if version == 0 { 8 } else { 16 };
        content.extend(vec![0; times]);
        content.extend(600_u32.to_be_bytes());
        match version {
            0 => content.extend(900_u32.to_be_bytes()),
            _ => content.extend(900_u64.to_be_bytes()),
        }
        boxed(b"mvhd", &content)
    }

    #[test]
    fn both_versions_of_the_header() {
        for version in [0, 1] {
            let movie = boxed(b"moov", &[boxed(b"free", b"xx"), header(version)].concat());
            let file = [boxed(b"ftyp", b"isom"), boxed(b"mdat", b"..."), movie].concat();
            assert_eq!(of(&file), Some(Duration::from_millis(1500)));
        }
        let strange = boxed(b"moov", &header(2));
        assert_eq!(of(&strange), None);
    }

    #[test]
    fn durations_are_short() {
        assert_eq!(seconds(Duration::from_millis(1500)), "1.5s");
        assert_eq!(seconds(Duration::from_secs(10)), "10s");
    }

    proptest! {
        #[test]
        fn nonsense_is_no_film(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let movie = boxed(b"moov", &bytes);
            let _ = of(&movie);
            prop_assert_eq!(of(&boxed(b"free", &bytes)), None);
        }
    }
}
