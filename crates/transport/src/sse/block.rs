//! The event under construction: the lines since the last blank one. It does not know how lines
//! are found.

use std::time::Duration;

use bytes::{Bytes, BytesMut};

use crate::sse::Event;

/// Fields collected so far.
#[derive(Debug, Default)]
pub(super) struct Block {
    data: Data,
    event: Option<String>,
    last_id: Option<String>,
    retry: Option<Duration>,
    size: usize,
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

    /// Forgets the event; ids stay, as they belong to the stream.
    pub(super) fn discard(&mut self) {
        self.size = 0;
        self.event = None;
        self.data = Data::None;
    }

    /// Takes one line that is not blank.
    pub(super) fn take_line(&mut self, line: &Bytes) {
        let colon = memchr::memchr(b':', line);
        let (name, value) = match colon {
            Some(at) => (&line[..at], line.slice(at + 1..)),
            None => (&line[..], Bytes::new()),
        };
        let value = match value.first() {
            Some(b' ') => value.slice(1..),
            _ => value,
        };
        match name {
            b"data" => {
                self.size += line.len();
                self.push_data(value);
            }
            b"event" => self.event = Some(text(&value)),
            // The standard ignores ids with a NUL, which no header can carry back.
            b"id" if !value.contains(&0) => self.last_id = Some(text(&value)),
            b"retry" => {
                let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
                if let Some(ms) = digits.then(|| text(&value).parse().ok()).flatten() {
                    self.retry = Some(Duration::from_millis(ms));
                }
            }
            // Comments have an empty name; fields that the standard does not know are ignored.
            _ => {}
        }
    }

    fn push_data(&mut self, value: Bytes) {
        self.data = match std::mem::take(&mut self.data) {
            Data::None => Data::One(value),
            Data::One(first) => {
                let mut joined = BytesMut::with_capacity(first.len() + value.len() + 1);
                joined.extend_from_slice(&first);
                join(joined, &value)
            }
            Data::Joined(joined) => join(joined, &value),
        };
    }

    /// Ends the event. Without data there is none, as the standard says.
    pub(super) fn finish(&mut self) -> Option<Event> {
        self.size = 0;
        let event = self.event.take().filter(|event| !event.is_empty());
        let data = match std::mem::take(&mut self.data) {
            Data::None => return None,
            Data::One(data) => data,
            Data::Joined(data) => data.freeze(),
        };
        (!data.is_empty()).then(|| Event {
            data,
            event,
            id: self.last_id.clone(),
            retry: self.retry.take(),
        })
    }
}

fn join(mut joined: BytesMut, value: &[u8]) -> Data {
    joined.extend_from_slice(b"\n");
    joined.extend_from_slice(value);
    Data::Joined(joined)
}

fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value).into_owned()
}
