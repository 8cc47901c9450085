//! The event decoder against two others, wherever those are right. What they get wrong is left out
//! of the input or of the comparison, each with its reason.

use std::convert::Infallible;
use std::time::Duration;

use eventsource_stream::Eventsource;
use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};
use gimmal_transport::sse::{Decoder, Event, Frame};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use sse_stream::SseByteStream;

/// A line without its end. None begins with a bracket, which to us is JSON outside of events.
fn line() -> impl Strategy<Value = String> {
    let text = "[ -~éа\u{2028}\u{2029}\u{85}\u{FEFF}😀]{0,30}";
    prop_oneof![
        4 => text.prop_map(|text| format!("data: {text}")),
        2 => text.prop_map(|text| format!("data:{text}")),
        1 => text.prop_map(|text| format!("event: {text}")),
        1 => "[a-z0-9 :]{0,10}(\0x)?".prop_map(|id| format!("id: {id}")),
        1 => text.prop_map(|text| format!(":{text}")),
        1 => "[a-z]{1,8}( ?: ?[ -~]{0,9})?",
        4 => Just(String::new()),
        1 => select(vec!["data", "event", "id", "id:", "DATA: x", " data: x"]).prop_map(String::from),
        // A time always comes with data: `eventsource-stream` forgets that of a block without.
        1 => (0..100_000_u32).prop_map(|time| format!("retry: {time}\ndata: timed")),
        1 => select(vec!["retry", "retry: x", "retry: -1", "retry: 1.5"]).prop_map(String::from),
    ]
}

/// A stream that ends with a blank line: the others drop a block that has none.
fn text() -> impl Strategy<Value = String> {
    let ends = select(vec!["\n", "\r", "\r\n"]);
    prop::collection::vec((line(), ends), 0..30).prop_map(|lines| {
        let lines = lines.into_iter();
        let mut text: String = lines.map(|(line, end)| line + end).collect();
        text.push_str("\n\n");
        text
    })
}

/// Cuts anywhere, within characters too.
fn cut(text: &str, cuts: &[Index]) -> Vec<Vec<u8>> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
    cuts.extend([0, text.len()]);
    cuts.sort_unstable();
    let chunks = cuts.windows(2);
    chunks
        .map(|it| text.as_bytes()[it[0]..it[1]].to_vec())
        .collect()
}

fn decode(chunks: &[Vec<u8>]) -> Vec<Event> {
    let mut decoder = Decoder::new();
    let mut events = Vec::new();
    for chunk in chunks {
        decoder.push(chunk);
        while let Some(frame) = decoder.next_frame() {
            match frame.expect("no event is too large") {
                Frame::Event(event) => events.push(event),
                Frame::Raw(json) => panic!("no line begins with a bracket: {json:?}"),
            }
        }
    }
    events
}

/// Data, event, id and reconnection time.
type Fields = (String, String, String, Option<Duration>);

fn fields(event: Event) -> Fields {
    (
        event.text().into_owned(),
        event.event.unwrap_or_default(),
        event.id.unwrap_or_default(),
        event.retry,
    )
}

proptest! {
    /// Left out: a byte order mark, at which it panics; events with empty data, which the standard
    /// has and we drop.
    #[test]
    fn eventsource_stream_yields_the_same(
        text in text().prop_filter("mark", |text| !text.starts_with('\u{FEFF}')),
        cuts in prop::collection::vec(any::<Index>(), 0..12),
    ) {
        let chunks = cut(&text, &cuts);
        let theirs = stream::iter(chunks.clone()).map(Ok::<_, Infallible>).eventsource();
        let theirs: Vec<_> = theirs.try_collect().now_or_never().expect("ready").expect("valid");
        let theirs: Vec<Fields> = theirs
            .into_iter()
            .filter(|event| !event.data.is_empty())
            .map(|it| (it.data, it.event, it.id, it.retry))
            .collect();
        let ours: Vec<Fields> = decode(&chunks)
            .into_iter()
            .map(fields)
            .map(|(data, event, id, retry)| {
                let unnamed = event.is_empty();
                // The name that the standard gives to events without one.
                let event = if unnamed { "message".to_owned() } else { event };
                (data, event, id, retry)
            })
            .collect();
        prop_assert_eq!(ours, theirs);
    }

    /// Left out: ids, which it does not carry from event to event; events with empty data or none.
    #[test]
    fn sse_stream_yields_the_same(
        text in text(),
        mark in any::<bool>(),
        cuts in prop::collection::vec(any::<Index>(), 0..12),
    ) {
        let text = if mark { format!("\u{FEFF}{text}") } else { text };
        let chunks = cut(&text, &cuts);
        let input = chunks.clone().into_iter().map(bytes::Bytes::from).map(Ok::<_, Infallible>);
        let theirs = SseByteStream::new(stream::iter(input));
        let theirs: Vec<_> = theirs.try_collect().now_or_never().expect("ready").expect("valid");
        let theirs: Vec<_> = theirs
            .into_iter()
            .map(|it| (it.data.unwrap_or_default(), it.event.unwrap_or_default(), it.retry))
            .filter(|(data, ..)| !data.is_empty())
            .collect();
        let ours: Vec<_> = decode(&chunks)
            .into_iter()
            .map(fields)
            .map(|(data, event, _, retry)| (data, event, retry.map(|it| it.as_millis() as u64)))
            .collect();
        prop_assert_eq!(ours, theirs);
    }
}
