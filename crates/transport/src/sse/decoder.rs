//! Bytes into frames, without I/O and in linear time: each byte is looked at once for a line end,
//! wherever chunks are cut, and what has been read is split off instead of copied.

use bytes::{Buf, Bytes, BytesMut};
use memchr::memchr2;

use crate::error::Error;
use crate::sse::block::Block;
use crate::sse::raw_json::RawJson;
use crate::sse::{Event, Frame};

/// How large one event may be unless set otherwise: 64 MiB.
pub const DEFAULT_MAX_EVENT_BYTES: usize = 64 * 1024 * 1024;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// A decoder of server-sent events.
///
/// ```
/// use gimmal_transport::sse::{Decoder, Event, Frame};
///
/// let mut decoder = Decoder::new();
/// decoder.push(b"data: one\n\nda");
/// decoder.push(b"ta: two\n");
/// decoder.finish();
/// let mut frames = Vec::new();
/// while let Some(frame) = decoder.next_frame() {
///     frames.push(frame?);
/// }
/// assert_eq!(frames, ["one", "two"].map(|data| Frame::Event(Event::from_data(data))));
/// # Ok::<(), gimmal_transport::Error>(())
/// ```
///
/// It follows the WHATWG standard with three differences. An event that the end of the stream
/// leaves without its blank line is delivered. Lines that begin with `{` or `[` are collected as
/// JSON of its own ([`Frame::Raw`]). And an event above the size limit is reported as an error and
/// skipped; the events after it are decoded.
#[derive(Debug)]
pub struct Decoder {
    buffer: BytesMut,
    /// `buffer[..scan_from]` holds no line end.
    scan_from: usize,
    max_event_bytes: usize,
    /// A byte order mark was looked for.
    begun: bool,
    finished: bool,
    block: Block,
    raw: Option<RawJson>,
    /// The line that ended broken JSON; it is the first of what comes next.
    held: Option<Bytes>,
    skipping: Skipping,
}

/// What is being ignored after an event turned out too large.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Skipping {
    Nothing,
    /// Everything up to the next blank line.
    Block,
    /// The same, and the line being read has lost its beginning, so it is not blank.
    Line,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// A decoder with the default size limit.
    pub fn new() -> Self {
        Self {
            buffer: BytesMut::new(),
            scan_from: 0,
            max_event_bytes: DEFAULT_MAX_EVENT_BYTES,
            begun: false,
            finished: false,
            block: Block::default(),
            raw: None,
            held: None,
            skipping: Skipping::Nothing,
        }
    }

    /// Sets how large one event may be.
    #[must_use]
    pub fn with_max_event_bytes(mut self, limit: usize) -> Self {
        self.max_event_bytes = limit;
        self
    }

    /// Takes the next chunk, cut anywhere.
    pub fn push(&mut self, chunk: &[u8]) {
        self.buffer.extend_from_slice(chunk);
    }

    /// Says that no more chunks come, so that what is unterminated is delivered.
    pub fn finish(&mut self) {
        self.finished = true;
    }

    /// How many bytes are held back because their line is not complete.
    pub fn buffered(&self) -> usize {
        self.buffer.len()
    }

    /// The next frame; `None` when more bytes are needed.
    ///
    /// An error concerns one event and does not end the decoding.
    pub fn next_frame(&mut self) -> Option<Result<Frame, Error>> {
        if !self.skip_byte_order_mark() {
            return None;
        }
        loop {
            if let Some(raw) = self.raw.take_if(|raw| raw.is_complete()) {
                return Some(Ok(Frame::Raw(raw.finish())));
            }
            let Some(line) = self.held.take().or_else(|| self.next_line()) else {
                return self.without_line();
            };
            if let Some(frame) = self.take_line(line) {
                return Some(frame);
            }
        }
    }

    fn skip_byte_order_mark(&mut self) -> bool {
        if self.begun {
            return true;
        }
        let undecided =
            self.buffer.len() < BYTE_ORDER_MARK.len() && BYTE_ORDER_MARK.starts_with(&self.buffer);
        if undecided && !self.finished {
            return false;
        }
        if self.buffer.starts_with(BYTE_ORDER_MARK) {
            self.buffer.advance(BYTE_ORDER_MARK.len());
        }
        self.begun = true;
        true
    }

    /// Splits off the next line, without its end.
    fn next_line(&mut self) -> Option<Bytes> {
        let Some(offset) = memchr2(b'\n', b'\r', &self.buffer[self.scan_from..]) else {
            self.scan_from = self.buffer.len();
            if self.finished && !self.buffer.is_empty() {
                self.scan_from = 0;
                return Some(self.buffer.split().freeze());
            }
            return None;
        };
        let end = self.scan_from + offset;
        let terminator = match (self.buffer[end], self.buffer.get(end + 1)) {
            (b'\r', Some(b'\n')) => 2,
            // Only the next byte tells whether this is a whole line end or half of one.
            (b'\r', None) if !self.finished => {
                self.scan_from = end;
                return None;
            }
            _ => 1,
        };
        let line = self.buffer.split_to(end).freeze();
        self.buffer.advance(terminator);
        self.scan_from = 0;
        Some(line)
    }

    fn take_line(&mut self, line: Bytes) -> Option<Result<Frame, Error>> {
        match self.skipping {
            Skipping::Nothing => {}
            Skipping::Block if line.is_empty() => {
                self.skipping = Skipping::Nothing;
                return None;
            }
            Skipping::Block | Skipping::Line => {
                self.skipping = Skipping::Block;
                return None;
            }
        }
        if let Some(raw) = self.raw.take_if(|_| RawJson::is_event_line(&line)) {
            self.held = Some(line);
            return Some(Ok(Frame::Raw(raw.finish())));
        }
        if self.size_with(line.len()) > self.max_event_bytes {
            return Some(Err(self.skip(Skipping::Block)));
        }
        if let Some(raw) = &mut self.raw {
            raw.take_line(&line);
            None
        } else if line.is_empty() {
            self.block.finish().map(event)
        } else if RawJson::begins(&line) {
            self.raw.insert(RawJson::default()).take_line(&line);
            // What came before is over, even without a blank line.
            self.block.finish().map(event)
        } else {
            self.block.take_line(&line);
            None
        }
    }

    /// What to do when the buffer holds no whole line.
    fn without_line(&mut self) -> Option<Result<Frame, Error>> {
        if self.skipping != Skipping::Nothing {
            if self.scan_from > 0 {
                self.buffer.advance(self.scan_from);
                self.scan_from = 0;
                self.skipping = Skipping::Line;
            }
            return None;
        }
        let partial = &self.buffer[..self.scan_from];
        if let Some(raw) = self.raw.take_if(|_| RawJson::is_event_line(partial)) {
            return Some(Ok(Frame::Raw(raw.finish())));
        }
        // The size of the JSON must not be held against a line that may turn out to end it.
        let undecided = self.raw.is_some() && RawJson::may_be_event_line(partial);
        if !undecided && self.size_with(self.scan_from) > self.max_event_bytes {
            self.buffer.advance(self.scan_from);
            self.scan_from = 0;
            return Some(Err(self.skip(Skipping::Line)));
        }
        if !self.finished {
            return None;
        }
        if let Some(raw) = self.raw.take() {
            return Some(Ok(Frame::Raw(raw.finish())));
        }
        self.block.finish().map(event)
    }

    /// The size of what is being collected if `more` bytes were added.
    fn size_with(&self, more: usize) -> usize {
        let collected = match &self.raw {
            Some(raw) => raw.size(),
            None => self.block.size(),
        };
        collected.saturating_add(more)
    }

    fn skip(&mut self, what: Skipping) -> Error {
        self.raw = None;
        self.block.discard();
        self.skipping = what;
        Error::too_large(self.max_event_bytes)
    }
}

fn event(event: Event) -> Result<Frame, Error> {
    Ok(Frame::Event(event))
}
