//! `cargo xtask wire`: requests of ours for calls described as JSON, one record a line.
//!
//! Reads records, makes each call with the real client on a scripted transport, and prints what
//! was sent and what was understood. It holds no encoder of its own: what it prints went through
//! the code that users run.

mod answer;
mod arguments;
mod failure;
mod functions;
mod gemini;
mod http_options;
mod names;
mod python;
mod record;
mod replies;
#[cfg(test)]
mod tests;
mod tinker;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{BufRead, Write};

use anyhow::Context as _;
use gimmal_types::gemini::Content;
use serde_json::Value;

pub(crate) use crate::wire::arguments::camel;
pub(crate) use crate::wire::tinker::unpacked;

use crate::wire::answer::Answer;
use crate::wire::record::Record;

/// Answers every line of `input` on `output`; the number of lines that could not be read or
/// named a call that does not exist.
pub(crate) fn run(input: impl BufRead, mut output: impl Write) -> anyhow::Result<usize> {
    let player = Player::new()?;
    let mut refused = 0;
    for line in input.lines() {
        let line = line.context("standard input cannot be read")?;
        if line.trim().is_empty() {
            continue;
        }
        let answer = player.answer_line(&line);
        refused += usize::from(answer.is_refused());
        serde_json::to_writer(&mut output, &answer.into_json())?;
        output.write_all(b"\n")?;
    }
    output.flush()?;
    Ok(refused)
}

/// Makes calls, one after the other.
pub(crate) struct Player {
    runtime: tokio::runtime::Runtime,
    chats: Memory,
    sessions: tinker::Sessions,
}

/// What the chats of sessions have said so far, by session: the call that comes next, and the
/// turns that it sends.
#[derive(Default)]
pub(crate) struct Memory(RefCell<BTreeMap<String, (u64, Vec<Content>)>>);

impl Memory {
    /// The turns that the call of this place goes on with, when the one before it was made.
    fn turns(&self, flow: &str, n: u64) -> Option<Vec<Content>> {
        let chats = self.0.borrow();
        let (next, turns) = chats.get(flow)?;
        (*next == n).then(|| turns.clone())
    }

    fn keep(&self, flow: String, n: u64, turns: Vec<Content>) {
        self.0.borrow_mut().insert(flow, (n + 1, turns));
    }
}

impl Player {
    pub(crate) fn new() -> anyhow::Result<Self> {
        // Waits between attempts pass at once on a paused clock.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .context("no runtime for the calls")?;
        Ok(Self {
            runtime,
            chats: Memory::default(),
            sessions: tinker::Sessions::default(),
        })
    }

    fn answer_line(&self, line: &str) -> Answer {
        match serde_json::from_str::<Value>(line) {
            Ok(record) => self.answer(record),
            Err(error) => Answer::refused(Value::Null, "", format!("is no JSON: {error}")),
        }
    }

    /// Makes the call of one record.
    pub(crate) fn answer(&self, record: Value) -> Answer {
        if tinker::is_record(&record) {
            return self.runtime.block_on(self.sessions.answer(record));
        }
        match Record::read(record) {
            Ok(record) => self.runtime.block_on(answer::play(record, &self.chats)),
            Err(answer) => *answer,
        }
    }
}
