//! JSON that stands in an event stream without `data:` in front, often spread over many lines.
//! Only brackets are counted; whether it is valid JSON is found out by whoever reads it.

use bytes::{Bytes, BytesMut};

const EVENT_LINE: &[u8] = b"data:";

/// A JSON object or list under construction.
#[derive(Debug, Default)]
pub(super) struct RawJson {
    text: BytesMut,
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl RawJson {
    /// True when a line begins such JSON.
    pub(super) fn begins(line: &[u8]) -> bool {
        matches!(line.trim_ascii_start().first(), Some(b'{' | b'['))
    }

    /// True when the line cannot belong to JSON but is the next event: outside of strings no JSON
    /// line begins like this, and strings hold no line ends.
    pub(super) fn is_event_line(line: &[u8]) -> bool {
        line.starts_with(EVENT_LINE)
    }

    /// True when more bytes decide whether a line is the next event.
    pub(super) fn may_be_event_line(beginning: &[u8]) -> bool {
        EVENT_LINE.starts_with(beginning)
    }

    /// Bytes collected so far, and the line feed in front of the next line.
    pub(super) fn size(&self) -> usize {
        self.text.len() + usize::from(!self.text.is_empty())
    }

    /// True when every bracket is closed.
    pub(super) fn is_complete(&self) -> bool {
        self.depth == 0
    }

    /// Takes the next line.
    pub(super) fn take_line(&mut self, line: &[u8]) {
        if !self.text.is_empty() {
            self.text.extend_from_slice(b"\n");
        }
        self.text.extend_from_slice(line);
        for byte in line {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.in_string => self.escaped = true,
                b'"' => self.in_string = !self.in_string,
                b'{' | b'[' if !self.in_string => self.depth += 1,
                b'}' | b']' if !self.in_string => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
    }

    /// The text, lines joined by line feeds.
    pub(super) fn finish(self) -> Bytes {
        self.text.freeze()
    }
}
