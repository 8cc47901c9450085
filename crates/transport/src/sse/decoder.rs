//! Bytes into frames, without I/O and in linear time: each byte is looked at once for a line end,
//! wherever chunks are cut, and only a line that spans several chunks is copied.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use memchr::memchr2;

use crate::error::Error;
use crate::sse::block::Block;
use crate::sse::raw_json::RawJson;
use crate::sse::{Event, Frame};

/// How large one event may be unless set otherwise: 64 MiB.
pub const DEFAULT_MAX_EVENT_BYTES: usize = 64 * 1024 * 1024;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// What an event begins with that has nothing but data.
const DATA: &[u8] = b"data:";

/// At most this much is set aside for a line that spans chunks before its length is known.
const MAX_EXPECTED_BYTES: usize = 64 * 1024;

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
/// It follows the WHATWG standard with four differences. An event that the end of the stream
/// leaves without its blank line is delivered. An event whose data is empty is not, as servers
/// write them to keep a connection alive. Lines that begin with `{` or `[` are collected as JSON
/// of its own ([`Frame::Raw`]). And an event above the size limit is reported as an error and
/// skipped; the events after it are decoded.
///
/// The data of an event is a view into the chunk it came in, where it lies within one, and keeps
/// that chunk alive.
#[derive(Debug)]
pub struct Decoder {
    /// What is left of the chunk being read.
    chunk: Bytes,
    /// Chunks that were pushed before that one was read.
    queue: VecDeque<Bytes>,
    /// `chunk[..scanned]` holds no line end.
    scanned: usize,
    /// The beginning of the line being read, from chunks before; it holds no line end.
    partial: BytesMut,
    /// How long such a line is likely to be: as long as the last one.
    expected: usize,
    /// The last line ended with a carriage return; a line feed that follows belongs to it.
    skip_line_feed: bool,
    max_event_bytes: usize,
    /// The first bytes were looked at for a byte order mark.
    begun: bool,
    finished: bool,
    /// How many bytes were looked at for a line end.
    #[cfg(test)]
    pub(super) examined: usize,
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
            chunk: Bytes::new(),
            queue: VecDeque::new(),
            scanned: 0,
            partial: BytesMut::new(),
            expected: 0,
            skip_line_feed: false,
            max_event_bytes: DEFAULT_MAX_EVENT_BYTES,
            begun: false,
            finished: false,
            #[cfg(test)]
            examined: 0,
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

    /// Begins with an id that an earlier stream has set, when this one resumes it.
    #[must_use]
    pub fn with_last_event_id(mut self, id: impl Into<String>) -> Self {
        self.block.resume_after(id.into());
        self
    }

    /// Takes the next chunk, cut anywhere, by copying it.
    pub fn push(&mut self, chunk: &[u8]) {
        self.push_bytes(Bytes::copy_from_slice(chunk));
    }

    /// Takes the next chunk, cut anywhere, without copying it.
    pub fn push_bytes(&mut self, chunk: Bytes) {
        if self.chunk.is_empty() && self.queue.is_empty() {
            self.chunk = chunk;
        } else {
            self.queue.push_back(chunk);
        }
    }

    /// Says that no more chunks come, so that what is unterminated is delivered.
    pub fn finish(&mut self) {
        self.finished = true;
    }

    /// How many bytes are held back because their line is not complete or not asked for yet.
    pub fn buffered(&self) -> usize {
        let queued: usize = self.queue.iter().map(Bytes::len).sum();
        self.partial.len() + self.chunk.len() + queued
    }

    /// The id to resume after, as `last-event-id`: the last one of a block that is complete.
    pub fn last_event_id(&self) -> Option<&str> {
        self.block.last_event_id()
    }

    /// How long to wait before reconnecting, if the stream has said so.
    pub fn reconnection_time(&self) -> Option<Duration> {
        self.block.reconnection_time()
    }

    /// The next frame; `None` when more bytes are needed.
    ///
    /// An error concerns one event and does not end the decoding.
    pub fn next_frame(&mut self) -> Option<Result<Frame, Error>> {
        loop {
            if let Some(raw) = self.raw.take_if(|raw| raw.is_complete()) {
                return Some(Ok(Frame::Raw(raw.finish())));
            }
            if let Some(data) = self.whole_event() {
                return Some(Ok(Frame::Event(Event::from_data(data))));
            }
            let Some(line) = self.held.take().or_else(|| self.next_line()) else {
                return self.without_line();
            };
            if let Some(frame) = self.take_line(line) {
                return Some(frame);
            }
        }
    }

    /// The data of an event of one line that lies within the chunk with its blank line.
    ///
    /// Nearly all events are like that. The way through the lines yields the same, but takes
    /// twice as long.
    #[inline]
    fn whole_event(&mut self) -> Option<Bytes> {
        if !self.is_at_event() || !self.chunk.starts_with(DATA) {
            return None;
        }
        let end = self.find_line_end()?;
        let begin = DATA.len() + usize::from(self.chunk[DATA.len()] == b' ');
        if begin >= end || end > self.max_event_bytes || !self.chunk[end..].starts_with(b"\n\n") {
            return None;
        }
        let mut data = self.split_chunk(end);
        data.advance(begin);
        self.chunk.advance(2);
        Some(data)
    }

    /// Whether an event may begin here, and nothing is known of it that is not in the chunk.
    fn is_at_event(&self) -> bool {
        self.begun
            && !self.skip_line_feed
            && self.partial.is_empty()
            && self.block.is_blank()
            && self.raw.is_none()
            && self.held.is_none()
            && self.skipping == Skipping::Nothing
    }

    /// The next line, without its end.
    fn next_line(&mut self) -> Option<Bytes> {
        while self.has_input() {
            if let Some(end) = self.find_line_end() {
                return Some(self.split_line(end));
            }
            self.keep_partial();
        }
        (self.finished && !self.partial.is_empty()).then(|| self.take_partial())
    }

    /// Makes sure that `chunk` is what comes next; false when nothing does.
    fn has_input(&mut self) -> bool {
        loop {
            if let Some(first) = self.chunk.first() {
                let half_of_a_line_end = std::mem::take(&mut self.skip_line_feed);
                if !half_of_a_line_end || *first != b'\n' {
                    return true;
                }
                self.chunk.advance(1);
            } else if let Some(next) = self.queue.pop_front() {
                self.chunk = next;
            } else {
                // Not even an empty view may keep the chunk: the connection reads into it again.
                self.chunk = Bytes::new();
                return false;
            }
        }
    }

    /// Where the line ends that the chunk begins with.
    fn find_line_end(&mut self) -> Option<usize> {
        let rest = &self.chunk[self.scanned..];
        let found = match rest.first() {
            // Every other line is blank, and the search has a price of its own.
            Some(b'\n' | b'\r') => Some(0),
            _ => memchr2(b'\n', b'\r', rest),
        };
        #[cfg(test)]
        {
            self.examined += found.map_or(rest.len(), |at| at + 1);
        }
        self.scanned += found.unwrap_or(rest.len());
        found.map(|_| self.scanned)
    }

    /// Splits off the beginning of the chunk.
    fn split_chunk(&mut self, at: usize) -> Bytes {
        self.scanned = 0;
        self.chunk.split_to(at)
    }

    /// Splits off the line that ends at `end` of the chunk.
    fn split_line(&mut self, end: usize) -> Bytes {
        let mut line = self.split_chunk(end);
        if !self.partial.is_empty() {
            self.partial.extend_from_slice(&line);
            line = self.take_partial();
        }
        // Whether a line feed follows may show in the next chunk only; the line need not wait.
        self.skip_line_feed = self.chunk[0] == b'\r';
        self.chunk.advance(1);
        if !self.begun {
            self.begun = true;
            if line.starts_with(BYTE_ORDER_MARK) {
                line.advance(BYTE_ORDER_MARK.len());
            }
        }
        line
    }

    /// Keeps what is left of the chunk, which holds no line end.
    fn keep_partial(&mut self) {
        if self.partial.is_empty() {
            self.partial.reserve(self.expected.max(self.chunk.len()));
        }
        self.partial.extend_from_slice(&self.chunk);
        self.chunk = Bytes::new();
        self.scanned = 0;
        if !self.begun && self.partial.len() >= BYTE_ORDER_MARK.len() {
            self.begun = true;
            if self.partial.starts_with(BYTE_ORDER_MARK) {
                self.partial.advance(BYTE_ORDER_MARK.len());
            }
        }
    }

    fn take_partial(&mut self) -> Bytes {
        let line = std::mem::take(&mut self.partial);
        self.expected = line.len().min(MAX_EXPECTED_BYTES);
        if line.len() < line.capacity() / 2 {
            // An event may be kept for long, so it must not hold on to much more than itself.
            return Bytes::copy_from_slice(&line);
        }
        line.freeze()
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
            self.block.take_line(line);
            None
        }
    }

    /// What to do when no whole line is there.
    fn without_line(&mut self) -> Option<Result<Frame, Error>> {
        if self.skipping != Skipping::Nothing {
            if !self.partial.is_empty() {
                self.partial = BytesMut::new();
                self.skipping = Skipping::Line;
            }
            return None;
        }
        let partial = &self.partial[..];
        if let Some(raw) = self.raw.take_if(|_| RawJson::is_event_line(partial)) {
            return Some(Ok(Frame::Raw(raw.finish())));
        }
        // The size of the JSON must not be held against a line that may turn out to end it, nor
        // the byte order mark against the first line.
        let undecided = !self.begun || self.raw.is_some() && RawJson::may_be_event_line(partial);
        if !undecided && self.size_with(partial.len()) > self.max_event_bytes {
            self.partial = BytesMut::new();
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
