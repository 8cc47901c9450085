//! The decoder of server-sent events: where chunks are cut makes no difference, the size limit
//! holds, and what it yields is what a reading of the standard by the letter yields.

use std::time::Duration;

use arbitrary::{Result, Unstructured};
use gimmal_transport::ErrorKind;
use gimmal_transport::sse::{Decoder, Event, Frame};

type Item = std::result::Result<Frame, ErrorKind>;

/// Runs the target: a limit, a number that decides the cuts, and the rest is the stream.
pub fn run(input: &[u8]) {
    let mut input = Unstructured::new(input);
    let Ok((limit, cuts)) = settings(&mut input) else {
        return;
    };
    let stream = input.take_rest();
    let decoder = || match limit {
        Some(limit) => Decoder::new().with_max_event_bytes(limit),
        None => Decoder::new(),
    };

    let whole = decode(decoder(), [stream]);
    assert_eq!(decode(decoder(), stream.chunks(1)), whole, "byte by byte");
    assert_eq!(decode(decoder(), cut(stream, cuts)), whole, "cut at random");
    match limit {
        Some(limit) => assert_limit(&whole, limit),
        None => assert_standard(stream, whole),
    }
}

fn settings(input: &mut Unstructured<'_>) -> Result<(Option<usize>, u32)> {
    let limit: u8 = input.arbitrary()?;
    Ok((
        (limit != 0).then_some(usize::from(limit)),
        input.arbitrary()?,
    ))
}

fn decode<'a>(mut decoder: Decoder, chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<Item> {
    let mut items = Vec::new();
    for chunk in chunks {
        decoder.push(chunk);
        drain(&mut decoder, &mut items);
    }
    decoder.finish();
    drain(&mut decoder, &mut items);
    assert_eq!(decoder.buffered(), 0, "the end leaves nothing behind");
    items
}

fn drain(decoder: &mut Decoder, items: &mut Vec<Item>) {
    while let Some(frame) = decoder.next_frame() {
        items.push(frame.map_err(|error| error.kind()));
    }
}

/// Chunks of lengths that follow from `seed`; some are empty.
fn cut(stream: &[u8], seed: u32) -> impl Iterator<Item = &[u8]> {
    let mut rest = stream;
    let mut state = seed | 1;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        // Xorshift of 32 bits, as in Marsaglia's paper of 2003.
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        let (chunk, tail) = rest.split_at(rest.len().min((state % 12) as usize));
        rest = tail;
        Some(chunk)
    })
}

fn assert_limit(items: &[Item], limit: usize) {
    for item in items {
        match item {
            Ok(Frame::Event(event)) => {
                assert!(event.data.len() <= limit);
                // A byte that is no text is shown as a character of three.
                let text = [&event.event, &event.id].into_iter().flatten();
                text.for_each(|text| assert!(text.len() <= 3 * limit));
            }
            Ok(Frame::Raw(json)) => assert!(json.len() <= limit),
            Err(kind) => assert_eq!(*kind, ErrorKind::ResponseTooLarge),
        }
    }
}

/// Compares with the standard, for streams without the extension for JSON outside of events.
fn assert_standard(stream: &[u8], items: Vec<Item>) {
    let stream = stream.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(stream);
    let lines = lines(stream);
    let begins_json = |line: &Vec<u8>| matches!(line.trim_ascii_start().first(), Some(b'{' | b'['));
    if lines.iter().any(begins_json) {
        return;
    }
    let expected: Vec<Item> = events(&lines)
        .into_iter()
        .map(Frame::Event)
        .map(Ok)
        .collect();
    assert_eq!(items, expected);
}

fn lines(stream: &[u8]) -> Vec<Vec<u8>> {
    let mut lines = vec![Vec::new()];
    let mut bytes = stream.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\r' | b'\n' => {
                if byte == b'\r' {
                    bytes.next_if_eq(&b'\n');
                }
                lines.push(Vec::new());
            }
            byte => lines.last_mut().expect("there is always one").push(byte),
        }
    }
    lines
}

/// The steps of the standard, and one that is not in it: the end of the stream dispatches too.
fn events(lines: &[Vec<u8>]) -> Vec<Event> {
    let mut events = Vec::new();
    let (mut data, mut event, mut id, mut retry) = (Vec::new(), Vec::new(), None, None);
    let end = Vec::new();
    for line in lines.iter().chain([&end]) {
        if line.is_empty() {
            let mut data = std::mem::take(&mut data);
            let event = std::mem::take(&mut event);
            // The line feed after the last line is not part of the data.
            data.pop();
            if !data.is_empty() {
                let mut dispatched = Event::from_data(data);
                dispatched.event = (!event.is_empty()).then(|| text(&event));
                // An empty id takes the last one back.
                dispatched.id = id.clone().filter(|id: &String| !id.is_empty());
                dispatched.retry = retry.take();
                events.push(dispatched);
            }
            continue;
        }
        let colon = line.iter().position(|byte| *byte == b':');
        let (name, value) = line.split_at(colon.unwrap_or(line.len()));
        let value = value.strip_prefix(b":").unwrap_or(value);
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"data" => {
                data.extend_from_slice(value);
                data.push(b'\n');
            }
            b"event" => event = value.to_vec(),
            b"id" if !value.contains(&0) => id = Some(text(value)),
            b"retry" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => {
                let ms = text(value).parse::<u64>().ok();
                retry = ms.map(Duration::from_millis).or(retry);
            }
            _ => {}
        }
    }
    events
}

fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value).into_owned()
}
