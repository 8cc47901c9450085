//! An interaction as events: its beginning, its steps in pieces, and its end.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use serde_json::{Value, json};

use super::record::Record;
use crate::{
    engine::tokenizer,
    gemini::{
        errors::ApiError,
        resources::read::{self, kind},
    },
    reply::Reply,
};

/// Pieces that words are sent in, when there are enough.
const PIECES: usize = 5;
/// The fewest tokens of a piece that is not the last.
const LEAST_TOKENS: usize = 4;

/// All events of an interaction, with the moment of each.
pub(super) fn events(record: &Record) -> Vec<(SystemTime, Value)> {
    let ends = record.cancelled.unwrap_or(record.due);
    let running = json!({"event_type": "interaction.created", "interaction": {
        "status": "in_progress", "id": record.id, "object": "interaction",
        "model": record.model(), "agent": record.agent()}});
    let mut events = vec![without_nulls(running)];
    events.push(
        json!({"event_type": "interaction.status_update", "interaction_id": record.id,
        "status": "in_progress"}),
    );
    for (index, step) in record.outcome.steps.iter().enumerate() {
        let (start, deltas) = pieces(step);
        events.push(json!({"event_type": "step.start", "index": index, "step": start}));
        for delta in deltas {
            events.push(json!({"event_type": "step.delta", "index": index, "delta": delta}));
        }
        events.push(json!({"event_type": "step.stop", "index": index}));
    }
    for error in &record.outcome.errors {
        events.push(json!({"event_type": "error", "error": error}));
    }
    let mut end = record.head(ends);
    end["status"] = record.status(ends).into();
    events.push(json!({"event_type": "interaction.completed", "interaction": end}));

    let takes = record.takes();
    let last = u32::try_from(events.len().saturating_sub(1))
        .unwrap_or(u32::MAX)
        .max(1);
    let mut timed: Vec<(SystemTime, Value)> = events
        .into_iter()
        .zip(0_u32..)
        .map(|(mut event, at)| {
            event["event_id"] = format!("evt_{at}").into();
            let share = takes.mul_f64(f64::from(at) / f64::from(last));
            (record.began + share, event)
        })
        .collect();
    // What had not come when it was cancelled never does; the end comes at once.
    if let Some(cancelled) = record.cancelled
        && let Some((_, end)) = timed.pop()
    {
        timed.retain(|(at, _)| *at <= cancelled);
        timed.push((cancelled, end));
    }
    timed
}

/// The reply that streams the events after `last`, each at its moment.
pub(super) fn reply(
    record: &Record,
    last: Option<&str>,
    now: SystemTime,
) -> Result<Reply, ApiError> {
    let events = events(record);
    let from = match last {
        None => 0,
        Some(last) => {
            let known = events
                .iter()
                .position(|(_, event)| event["event_id"] == last);
            1 + known.ok_or_else(|| read::invalid("last_event_id", "there is no such event"))?
        }
    };
    let mut waits = Vec::new();
    let mut pieces = Vec::new();
    let mut at = now;
    for (moment, event) in events.into_iter().skip(from) {
        waits.push(moment.duration_since(at).unwrap_or(Duration::ZERO));
        at = at.max(moment);
        pieces.push(piece(&event));
    }
    waits.push(Duration::ZERO);
    pieces.push(Bytes::from_static(b"event: done\ndata: [DONE]\n\n"));
    let mut reply = Reply::event_pieces(pieces);
    reply.delivery.waits = waits;
    Ok(reply)
}

fn piece(event: &Value) -> Bytes {
    let kind = event["event_type"].as_str().unwrap_or_default();
    format!("event: {kind}\ndata: {event}\n\n").into()
}

fn without_nulls(mut event: Value) -> Value {
    if let Some(Value::Object(interaction)) = event.get_mut("interaction") {
        interaction.retain(|_, value| !value.is_null());
    }
    event
}

/// A step as it starts, and what is added to it.
fn pieces(step: &Value) -> (Value, Vec<Value>) {
    match kind(step) {
        "model_output" => {
            let contents = step["content"].as_array().into_iter().flatten();
            let deltas = contents.flat_map(|content| match content["text"].as_str() {
                Some(text) => split(text)
                    .map(|text| json!({"type": "text", "text": text}))
                    .collect(),
                None => vec![content.clone()],
            });
            (json!({"type": "model_output"}), deltas.collect())
        }
        "thought" => {
            let summary = step["summary"].as_array().into_iter().flatten();
            let summary =
                summary.map(|content| json!({"type": "thought_summary", "content": content}));
            let signature = json!({"type": "thought_signature", "signature": step["signature"]});
            (
                json!({"type": "thought"}),
                summary.chain([signature]).collect(),
            )
        }
        "function_call" => {
            let mut start = step.clone();
            start["arguments"] = json!({});
            let arguments = step["arguments"].to_string();
            let deltas = split(&arguments);
            let deltas = deltas.map(|text| json!({"type": "arguments_delta", "arguments": text}));
            (start, deltas.collect())
        }
        _ => {
            // A tool of the service starts with what identifies it and comes whole.
            let mut delta = step.clone();
            if let Some(members) = delta.as_object_mut() {
                members.retain(|name, _| !matches!(name.as_str(), "id" | "call_id"));
            }
            let mut start = step.clone();
            for (name, empty) in [("arguments", json!({})), ("result", json!([]))] {
                if start.get(name).is_some() {
                    start[name] = empty;
                }
            }
            (start, vec![delta])
        }
    }
}

/// Words in a few pieces, which together are the words again.
fn split(text: &str) -> impl Iterator<Item = String> {
    let size = tokenizer::count(text).div_ceil(PIECES).max(LEAST_TOKENS);
    let mut out = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (piece, _) = tokenizer::truncate(rest, size);
        let piece = if piece.is_empty() { rest } else { piece };
        out.push(piece.to_owned());
        rest = &rest[piece.len()..];
    }
    out.into_iter()
}
