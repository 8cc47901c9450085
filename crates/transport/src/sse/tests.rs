//! What the decoder yields, and that it does not matter where chunks are cut.

use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use test_case::test_case;

use crate::error::ErrorKind;
use crate::sse::{Decoder, Event, Frame};

/// A frame or the kind of an error, comparable.
type Item = Result<Frame, ErrorKind>;

fn decode_with(mut decoder: Decoder, chunks: &[&[u8]]) -> Vec<Item> {
    let mut items = Vec::new();
    for chunk in chunks {
        decoder.push(chunk);
        drain(&mut decoder, &mut items);
    }
    decoder.finish();
    drain(&mut decoder, &mut items);
    items
}

fn drain(decoder: &mut Decoder, items: &mut Vec<Item>) {
    while let Some(frame) = decoder.next_frame() {
        items.push(frame.map_err(|error| error.kind()));
    }
}

fn decode(text: &str) -> Vec<Item> {
    decode_with(Decoder::new(), &[text.as_bytes()])
}

fn data(text: &'static str) -> Item {
    Ok(Frame::Event(Event::from_data(text)))
}

fn raw(text: &'static str) -> Item {
    Ok(Frame::Raw(text.into()))
}

#[test_case("data: a\n\n", &["a"]; "line feed")]
#[test_case("data: a\r\rdata: b\r\r", &["a", "b"]; "carriage return")]
#[test_case("data: a\r\n\r\ndata: b\r\n\r\n", &["a", "b"]; "both")]
#[test_case("data: a\r\n\ndata: b\n\r\n", &["a", "b"]; "mixed")]
#[test_case("data:a\n\ndata:  b\n\n", &["a", " b"]; "one space is optional")]
#[test_case("data: a\ndata: b\ndata:\ndata: c\n\n", &["a\nb\n\nc"]; "several lines")]
#[test_case("data\ndata\n\n", &["\n"]; "lines without colon")]
#[test_case("data:\n\n: ping\n\nevent: x\n\ndata: a\n\n", &["a"]; "nothing without data")]
#[test_case("unknown: x\ndatax: y\nfoo\ndata: a\n\n", &["a"]; "unknown fields")]
#[test_case("\u{FEFF}data: a\n\n", &["a"]; "byte order mark")]
#[test_case("data: a\n\n\u{FEFF}data: b\n\n", &["a"]; "the mark counts only at the start")]
#[test_case("data: a\u{2028}\u{2029}\u{85}b\n\n", &["a\u{2028}\u{2029}\u{85}b"]; "other separators")]
#[test_case("data: a\n\ndata: b", &["a", "b"]; "unterminated line")]
#[test_case("data: a\n\ndata: b\n", &["a", "b"]; "unterminated event")]
#[test_case("data: a\r", &["a"]; "carriage return at the end")]
#[test_case("", &[]; "nothing")]
#[test_case("\n\n\r\r\n", &[]; "only blank lines")]
fn events(text: &str, expected: &'static [&'static str]) {
    let expected: Vec<Item> = expected.iter().map(|text| data(text)).collect();
    assert_eq!(decode(text), expected);
}

#[test]
fn fields_other_than_data() {
    let text = "id: 7\nretry: 1500\nevent: tick\ndata: a\n\nid: x\0y\nretry: -1\ndata: b\n\n";
    let items = decode(text);
    let [Ok(Frame::Event(first)), Ok(Frame::Event(second))] = items.as_slice() else {
        panic!("{items:?}");
    };
    assert_eq!(first.event.as_deref(), Some("tick"));
    assert_eq!(first.id.as_deref(), Some("7"));
    assert_eq!(first.retry, Some(Duration::from_millis(1_500)));
    assert_eq!(second.event, None);
    assert_eq!(
        second.id.as_deref(),
        Some("7"),
        "ids stay, bad ones are ignored"
    );
    assert_eq!(second.retry, None);
}

#[test]
fn data_that_is_not_text_is_kept() {
    let items = decode_with(Decoder::new(), &[b"event: \xFF\ndata: \xFF\xC3\n\n"]);
    let [Ok(Frame::Event(event))] = items.as_slice() else {
        panic!("{items:?}");
    };
    assert_eq!(event.data.as_ref(), b"\xFF\xC3");
    assert_eq!(event.event.as_deref(), Some("\u{FFFD}"));
}

#[test_case("{\"a\": 1}\n", &[raw("{\"a\": 1}")]; "one line")]
#[test_case("{\n  \"a\": [\n    1\n  ]\n}\n", &[raw("{\n  \"a\": [\n    1\n  ]\n}")]; "pretty")]
#[test_case("{\"a\": \"}\\\"}\",\n\"b\": 1}\n", &[raw("{\"a\": \"}\\\"}\",\n\"b\": 1}")]; "brackets in strings")]
#[test_case("[{\"a\": 1},\n{}]\ndata: x\n\n", &[raw("[{\"a\": 1},\n{}]"), data("x")]; "list")]
#[test_case("data: x\n{}\n", &[data("x"), raw("{}")]; "JSON ends the event before it")]
#[test_case("  {}\n{}\n", &[raw("  {}"), raw("{}")]; "two in a row")]
#[test_case("{\n\n}\n", &[raw("{\n\n}")]; "blank line inside")]
#[test_case("{\"a\":\n", &[raw("{\"a\":")]; "unterminated")]
#[test_case("{\"a\":\ndata: x\n\n", &[raw("{\"a\":"), data("x")]; "an event ends broken JSON")]
fn json_outside_of_events(text: &str, expected: &[Item]) {
    assert_eq!(decode(text), expected);
}

#[test]
fn an_event_above_the_limit_is_reported_once_and_skipped() {
    let large = "x".repeat(50);
    let text = format!("data: a\n\ndata: {large}\ndata: tail\n\ndata: b\n\n");
    let decoder = || Decoder::new().with_max_event_bytes(20);
    let expected = [data("a"), Err(ErrorKind::ResponseTooLarge), data("b")];
    assert_eq!(decode_with(decoder(), &[text.as_bytes()]), expected);

    let several_lines = "data: 12345678\ndata: 12345678\n\ndata: b\n\n";
    let expected = [Err(ErrorKind::ResponseTooLarge), data("b")];
    assert_eq!(
        decode_with(decoder(), &[several_lines.as_bytes()]),
        expected
    );
}

#[test]
fn broken_json_does_not_count_towards_the_event_that_ends_it() {
    let text = b"{ 123456789012345\ndata: 123456789\n\n";
    let expected = [raw("{ 123456789012345"), data("123456789")];
    let decoder = || Decoder::new().with_max_event_bytes(20);
    assert_eq!(decode_with(decoder(), &[text]), expected);
    let bytes: Vec<&[u8]> = text.chunks(1).collect();
    assert_eq!(decode_with(decoder(), &bytes), expected);
}

#[test]
fn line_feeds_within_json_count_towards_its_size() {
    let decoder = |limit| Decoder::new().with_max_event_bytes(limit);
    assert_eq!(decode_with(decoder(3), &[b"{\n}\n"]), [raw("{\n}")]);
    let expected = [Err(ErrorKind::ResponseTooLarge)];
    assert_eq!(decode_with(decoder(2), &[b"{\n}\n"]), expected);
}

/// Work is counted, not timed: each byte is looked at once, and a second time at most where the
/// short way turns out not to be open.
#[test_case(1_000_000; "1 MB")]
#[test_case(64_000_000; "64 MB")]
fn work_is_linear_in_the_size_of_an_event(size: usize) {
    let chunk = Bytes::from(vec![b'x'; 16_000]);
    let mut decoder = Decoder::new();
    let mut items = Vec::new();
    decoder.push(b"data: ");
    for _ in 0..size / chunk.len() {
        decoder.push_bytes(chunk.clone());
        drain(&mut decoder, &mut items);
    }
    decoder.push(b"\n\n");
    drain(&mut decoder, &mut items);
    let [Ok(Frame::Event(event))] = items.as_slice() else {
        panic!("{items:?}");
    };
    assert_eq!(event.data.len(), size / chunk.len() * chunk.len());
    assert_eq!(decoder.examined, event.data.len() + "data: \n\n".len());
}

#[test]
fn work_is_linear_in_the_number_of_events() {
    let text = "data: x\n\nid: 1\ndata: y\n\n".repeat(100_000);
    let mut decoder = Decoder::new();
    let mut items = Vec::new();
    decoder.push(text.as_bytes());
    drain(&mut decoder, &mut items);
    assert_eq!(items.len(), 200_000);
    assert_eq!(decoder.buffered(), 0);
    let twice = 2 * text.len();
    assert!(decoder.examined <= twice, "{} of {twice}", decoder.examined);
}

#[test]
fn chunks_that_pile_up_are_decoded_in_order() {
    let mut decoder = Decoder::new();
    for byte in b"data: a\r\n\r\ndata: b\n\n" {
        decoder.push(&[*byte]);
        decoder.push(b"");
    }
    assert_eq!(decoder.buffered(), 20);
    let mut items = Vec::new();
    drain(&mut decoder, &mut items);
    assert_eq!(items, [data("a"), data("b")]);
    assert_eq!(decoder.buffered(), 0);
}

#[test]
fn an_event_within_a_chunk_is_not_copied() {
    let chunk = Bytes::from_static(b"data: one\n\nid: 1\ndata: two\n\n");
    let mut decoder = Decoder::new();
    decoder.push_bytes(chunk.clone());
    let mut items = Vec::new();
    drain(&mut decoder, &mut items);
    let within = chunk.as_ptr_range();
    for item in &items {
        let Ok(Frame::Event(event)) = item else {
            panic!("{item:?}");
        };
        assert!(within.contains(&event.data.as_ptr()));
    }
    assert_eq!(items.len(), 2);
}

#[test]
fn a_carriage_return_need_not_wait_for_the_next_chunk() {
    let mut decoder = Decoder::new();
    let mut items = Vec::new();
    decoder.push(b"data: a\r\r");
    drain(&mut decoder, &mut items);
    assert_eq!(items, [data("a")]);
}

/// A block without its blank line is pending until the end, and every cut gives the same events.
#[test]
fn chk_sse_1_every_split_position_gives_the_same_events() {
    let text = "event: a\r\ndata: {\"x\":1}\r\ndata: y\r\n\r\n:c\n\ndata:\n\nretry: 5000\nid: 7\n\
                data: é\n\nretry: invalid\ndata: last"
        .as_bytes();
    let first = Event {
        event: Some("a".to_owned()),
        ..Event::from_data("{\"x\":1}\ny")
    };
    let second = Event {
        id: Some("7".to_owned()),
        retry: Some(Duration::from_secs(5)),
        ..Event::from_data("é")
    };
    let last = Event {
        id: Some("7".to_owned()),
        ..Event::from_data("last")
    };
    let expected = [first, second, last].map(|event| Ok(Frame::Event(event)));
    for cut in 0..=text.len() {
        let (head, tail) = text.split_at(cut);
        let mut decoder = Decoder::new();
        let mut items = Vec::new();
        for chunk in [head, tail] {
            decoder.push(chunk);
            drain(&mut decoder, &mut items);
        }
        assert_eq!(items, expected[..2], "cut at {cut}, the last is pending");
        decoder.finish();
        drain(&mut decoder, &mut items);
        assert_eq!(items, expected, "cut at {cut}");
    }
}

#[test]
fn the_last_id_counts_when_its_block_is_complete() {
    let mut decoder = Decoder::new().with_last_event_id("0");
    assert_eq!(decoder.last_event_id(), Some("0"));
    for (chunk, expected) in [
        ("id: 1\ndata: a\n", Some("0")),
        ("\n", Some("1")),
        ("id: 2\n\n", Some("2")),
        ("data: b\n\n", Some("2")),
        ("id: x\0\n\n", Some("2")),
        ("id\n\n", None),
    ] {
        decoder.push(chunk.as_bytes());
        drain(&mut decoder, &mut Vec::new());
        assert_eq!(decoder.last_event_id(), expected, "{chunk:?}");
    }
    assert_eq!(decoder.reconnection_time(), None);
    decoder.push(b"retry: 20\n\n");
    drain(&mut decoder, &mut Vec::new());
    assert_eq!(decoder.reconnection_time(), Some(Duration::from_millis(20)));
}

#[test]
fn data_reads_as_text_and_as_json() {
    let event = Event::from_data("{\"a\": [1]}");
    assert_eq!(event.text(), "{\"a\": [1]}");
    assert_eq!(event.json::<serde_json::Value>().unwrap()["a"][0], 1);
    assert!(!event.is_done());
    let broken = Event::from_data(&b"\xFF"[..]);
    assert_eq!(broken.text(), "\u{FFFD}");
    assert_eq!(broken.json::<u32>().unwrap_err().kind(), ErrorKind::Decode);
}

#[test]
fn a_line_without_end_does_not_pile_up() {
    let mut decoder = Decoder::new().with_max_event_bytes(1_000);
    let mut items = Vec::new();
    for _ in 0..1_000 {
        decoder.push(&[b'x'; 100]);
        drain(&mut decoder, &mut items);
        assert!(decoder.buffered() <= 1_100);
    }
    assert_eq!(items, [Err(ErrorKind::ResponseTooLarge)]);
    decoder.push(b"\n\ndata: a\n\n");
    drain(&mut decoder, &mut items);
    assert_eq!(items[1..], [data("a")]);
}

#[test]
fn a_line_end_may_be_cut_in_half() {
    let mut decoder = Decoder::new();
    let mut items = Vec::new();
    for chunk in ["data: a\r", "\n\r", "\ndata: b\r", "\rx"] {
        decoder.push(chunk.as_bytes());
        drain(&mut decoder, &mut items);
    }
    assert_eq!(items, [data("a"), data("b")]);
}

/// Pieces that make the decoder change its mind.
fn piece() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "data: ",
        "data:",
        "data",
        "event: e",
        "id: 1",
        "retry: 5",
        ": ping",
        "\n",
        "\n",
        "\n\n",
        "\r",
        "\r\n",
        "\r\n\r\n",
        "{",
        "}",
        "[",
        "]",
        "\"",
        "\\",
        " ",
        "x",
        "é",
        "\u{FEFF}",
        "\u{2028}",
        "{\"error\": {\n \"code\": 5}\n}\n",
        "data: {\"a\": 1}\n\n",
        "data: 0123456789012345678901234567890123456789\n",
    ])
}

proptest! {
    #[test]
    fn cuts_change_nothing(
        pieces in prop::collection::vec(piece(), 0..60),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
        limit in prop::sample::select(vec![usize::MAX, 60, 25]),
    ) {
        let text = pieces.concat();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        let chunks: Vec<&[u8]> = cuts.windows(2).map(|it| &text.as_bytes()[it[0]..it[1]]).collect();
        let decoder = || Decoder::new().with_max_event_bytes(limit);

        let whole = decode_with(decoder(), &[text.as_bytes()]);
        prop_assert_eq!(&decode_with(decoder(), &chunks), &whole);
        let bytes: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
        prop_assert_eq!(&decode_with(decoder(), &bytes), &whole);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let whole = decode_with(Decoder::new(), &[&bytes]);
        let halves = bytes.split_at(bytes.len() / 2);
        prop_assert_eq!(decode_with(Decoder::new(), &[halves.0, halves.1]), whole);
    }
}
