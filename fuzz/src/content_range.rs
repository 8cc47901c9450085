//! The `content-range` header: what is read, written and refused, against the grammar spelled out
//! byte by byte, since a range that is misread puts bytes in the wrong place.

use gimmal_transport::download::ContentRange;
use http::header::CONTENT_RANGE;
use http::{HeaderMap, HeaderValue};

/// Runs the target: the input is the value of the header, and its first bytes also a range to write.
pub fn run(input: &[u8]) {
    if let Some((numbers, _)) = input.split_first_chunk::<24>() {
        write_and_read(numbers);
    }
    let Ok(value) = HeaderValue::from_bytes(input) else {
        return;
    };
    let mut headers = HeaderMap::new();
    assert!(ContentRange::from_headers(&headers).is_none());
    headers.insert(CONTENT_RANGE, value);
    let read = ContentRange::from_headers(&headers)
        .expect("the header is there")
        .ok();
    assert_eq!(read, Reader(input).range());
    if let Some(range) = read {
        assert_eq!(range.to_string().parse::<ContentRange>().ok(), Some(range));
    }
}

fn write_and_read(numbers: &[u8; 24]) {
    let number = |at: usize| {
        let bytes = numbers[at..at + 8].try_into().expect("eight bytes");
        u64::from_le_bytes(bytes)
    };
    let (first, last, total) = (number(0), number(8), number(16));
    let total = (total != 0).then_some(total);
    let range = ContentRange::Bytes { first, last, total };
    let fits = first <= last && total.is_none_or(|total| last < total);
    let read = range.to_string().parse::<ContentRange>().ok();
    assert_eq!(read, fits.then_some(range));
}

/// What is left of the text.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn range(mut self) -> Option<ContentRange> {
        let (unit, rest) = self.0.split_at_checked(5)?;
        if !unit.eq_ignore_ascii_case(b"bytes") {
            return None;
        }
        self.0 = rest;
        self.byte(b' ')?;
        if self.byte(b'*').is_some() {
            self.byte(b'/')?;
            let total = self.number()?;
            return self.end(ContentRange::Unsatisfied { total });
        }
        let first = self.number()?;
        self.byte(b'-')?;
        let last = self.number()?;
        self.byte(b'/')?;
        let total = match self.byte(b'*') {
            Some(()) => None,
            None => Some(self.number()?),
        };
        let fits = first <= last && total.is_none_or(|total| last < total);
        self.end(ContentRange::Bytes { first, last, total })
            .filter(|_| fits)
    }

    fn byte(&mut self, byte: u8) -> Option<()> {
        self.0 = self.0.strip_prefix(&[byte])?;
        Some(())
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = None;
        while let [digit @ b'0'..=b'9', rest @ ..] = self.0 {
            let digit = u64::from(digit - b'0');
            number = Some(
                number
                    .unwrap_or(0_u64)
                    .checked_mul(10)?
                    .checked_add(digit)?,
            );
            self.0 = rest;
        }
        number
    }

    fn end(&self, range: ContentRange) -> Option<ContentRange> {
        self.0.is_empty().then_some(range)
    }
}
