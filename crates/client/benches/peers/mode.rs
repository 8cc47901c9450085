//! What is asked for: how large a reply, and whether in one piece or as a stream.

use std::fmt;

use gimmal_emulator::{Emulator, RouteMatcher, ScriptedReply};
use serde_json::{Value, json};

/// A kind of call that the sides are compared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mode {
    /// Bytes of text in the reply.
    pub(crate) text_bytes: usize,
    pub(crate) streamed: bool,
}

impl Mode {
    pub(crate) const ALL: [Self; 4] = [
        Self::new(1_000, false),
        Self::new(100_000, false),
        Self::new(1_000, true),
        Self::new(100_000, true),
    ];

    const fn new(text_bytes: usize, streamed: bool) -> Self {
        Self {
            text_bytes,
            streamed,
        }
    }

    /// How many chunks a streamed reply of this size has: what the service sends at a time is a
    /// few hundred bytes to a few kilobytes.
    fn chunks(self) -> usize {
        if self.text_bytes > 10_000 { 50 } else { 4 }
    }

    /// Tells an emulator what to answer to the calls of the kind of this number.
    pub(crate) fn prepare(number: usize, emulator: &Emulator, calls: usize) {
        let mode = Self::ALL[number];
        let replies = mode.replies();
        let reply = if mode.streamed {
            ScriptedReply::events(replies.iter().map(ToString::to_string))
        } else {
            ScriptedReply::json(200, &replies[0])
        };
        emulator
            .script()
            .push_times(RouteMatcher::any(), reply, calls);
    }

    /// The pieces of the reply.
    fn replies(self) -> Vec<Value> {
        let count = if self.streamed { self.chunks() } else { 1 };
        let bytes = self.text_bytes / count;
        (1..=count)
            .map(|number| reply(&text(bytes), number == count))
            .collect()
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.streamed { "streamed" } else { "unary" };
        write!(f, "{kind}, {} kB", self.text_bytes / 1_000)
    }
}

/// Text as models write it: words, punctuation, and now and then what JSON must escape.
fn text(bytes: usize) -> String {
    const SENTENCE: &str = "A gimmal is a ring of two hoops, one \"within\" the other.\n";
    SENTENCE.chars().cycle().take(bytes).collect()
}

fn reply(text: &str, last: bool) -> Value {
    let mut candidate = json!({
        "content": { "role": "model", "parts": [{ "text": text }] },
        "index": 0,
    });
    if last {
        candidate["finishReason"] = json!("STOP");
    }
    json!({
        "candidates": [candidate],
        "usageMetadata": {
            "promptTokenCount": 12,
            "candidatesTokenCount": 250,
            "totalTokenCount": 262,
            "promptTokensDetails": [{ "modality": "TEXT", "tokenCount": 12 }],
        },
        "modelVersion": "gemini-2.5-flash",
        "responseId": "r-1",
    })
}
