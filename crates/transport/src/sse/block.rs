//! The event under construction: the lines since the last blank one. It does not know how lines
//! are found.

use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};

use crate::sse::Event;

/// Fields collected so far.
#[derive(Debug, Default)]
pub(super) struct Block {
    data: Data,
    event: Option<String>,
    retry: Option<Duration>,
    size: usize,
    /// What the last `id` line has set; it outlives the block.
    id: Option<String>,
    /// The id that counted when the last block ended.
    last_event_id: Option<String>,
    reconnection_time: Option<Duration>,
}

/// Values of `data` lines. One line, by far the most common, is kept without a copy.
#[derive(Debug, Default)]
enum Data {
    #[default]
    None,
    One(Bytes),
    Joined(BytesMut),
}

impl Block {
    /// Bytes of the lines kept for the event.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// True when an event that begins here has nothing from the lines before.
    pub(super) fn is_blank(&self) -> bool {
        matches!(self.data, Data::None)
            && self.event.is_none()
            && self.id.is_none()
            && self.last_event_id.is_none()
            && self.retry.is_none()
    }

    /// The id that counted when the last block ended.
    pub(super) fn last_event_id(&self) -> Option<&str> {
        self.last_event_id.as_deref()
    }

    /// The last reconnection time.
    pub(super) fn reconnection_time(&self) -> Option<Duration> {
        self.reconnection_time
    }

    /// Sets the id to begin with.
    pub(super) fn resume_after(&mut self, id: String) {
        self.id = (!id.is_empty()).then_some(id);
        self.last_event_id = self.id.clone();
    }

    /// Forgets the event; ids stay, as they belong to the stream.
    pub(super) fn discard(&mut self) {
        self.size = 0;
        self.event = None;
        self.data = Data::None;
    }

    /// Takes one line that is not blank.
    pub(super) fn take_line(&mut self, mut line: Bytes) {
        let size = line.len();
        let colon = memchr::memchr(b':', &line);
        let value_at = match colon {
            Some(colon) if line.get(colon + 1) == Some(&b' ') => colon + 2,
            Some(colon) => colon + 1,
            None => line.len(),
        };
        match &line[..colon.unwrap_or(size)] {
            b"data" => {
                self.size += size;
                line.advance(value_at);
                self.push_data(line);
            }
            b"event" => self.event = Some(text(&line[value_at..])),
            b"id" => self.take_id(&line[value_at..]),
            b"retry" => self.take_retry(&line[value_at..]),
            // Comments have an empty name; fields that the standard does not know are ignored.
            _ => {}
        }
    }

    fn take_id(&mut self, id: &[u8]) {
        // The standard ignores ids with a NUL, which no header can carry back.
        if !id.contains(&0) {
            self.id = (!id.is_empty()).then(|| text(id));
        }
    }

    fn take_retry(&mut self, milliseconds: &[u8]) {
        if !milliseconds.is_empty() && milliseconds.iter().all(u8::is_ascii_digit) {
            // More than fits the number is no time to wait for.
            if let Ok(milliseconds) = text(milliseconds).parse() {
                self.retry = Some(Duration::from_millis(milliseconds));
                self.reconnection_time = self.retry;
            }
        }
    }

    fn push_data(&mut self, value: Bytes) {
        match &mut self.data {
            Data::None => self.data = Data::One(value),
            Data::One(first) => {
                let mut joined = BytesMut::with_capacity(first.len() + value.len() + 1);
                joined.extend_from_slice(first);
                join(&mut joined, &value);
                self.data = Data::Joined(joined);
            }
            Data::Joined(joined) => join(joined, &value),
        }
    }

    /// Ends the block. Without data there is no event.
    pub(super) fn finish(&mut self) -> Option<Event> {
        self.size = 0;
        if self.last_event_id != self.id {
            self.last_event_id.clone_from(&self.id);
        }
        let event = self.event.take().filter(|event| !event.is_empty());
        let data = match std::mem::take(&mut self.data) {
            Data::None => return None,
            Data::One(data) => data,
            Data::Joined(data) => data.freeze(),
        };
        (!data.is_empty()).then(|| Event {
            data,
            event,
            id: self.id.clone(),
            retry: self.retry.take(),
        })
    }
}

fn join(joined: &mut BytesMut, value: &[u8]) {
    joined.extend_from_slice(b"\n");
    joined.extend_from_slice(value);
}

fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value).into_owned()
}
