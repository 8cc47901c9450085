//! Bodies of several parts: what is built reads back the same, and what comes from elsewhere is
//! read or refused, and means the same when it is built anew.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use arbitrary::{Arbitrary, Unstructured};
use bytes::Bytes;
use gimmal_transport::FixedJitter;
use gimmal_transport::multipart::{Encoded, Multipart, Part, ReceivedPart, read};
use http::HeaderValue;

/// A part to build.
#[derive(Arbitrary, Debug)]
struct Field<'a> {
    name: &'a str,
    file_name: Option<&'a str>,
    content: &'a [u8],
}

/// Runs the target: a byte that says which way, then parts to build, or a content type, a line feed
/// and a body.
pub fn run(input: &[u8]) {
    let mut input = Unstructured::new(input);
    match input.arbitrary::<u8>() {
        Ok(seed) if seed % 2 == 0 => {
            if let Ok(fields) = Vec::<Field<'_>>::arbitrary_take_rest(input) {
                build_and_read(f64::from(seed) / 256.0, &fields);
            }
        }
        Ok(_) => read_and_build(input.take_rest()),
        Err(_) => {}
    }
}

fn build_and_read(fraction: f64, fields: &[Field<'_>]) {
    let form = fields.iter().fold(Multipart::form_data(), |form, field| {
        let part = Part::new(field.content.to_vec());
        let part = match field.file_name {
            Some(name) => part.with_file_name(name),
            None => part,
        };
        form.with_part(field.name, part)
    });
    let encoded = encode(&form, fraction);
    let names = fields
        .iter()
        .flat_map(|field| [Some(field.name), field.file_name]);
    if names.flatten().all(is_plain) {
        let parts = parts(&encoded);
        assert_eq!(parts.len(), fields.len());
        for (part, field) in parts.iter().zip(fields) {
            assert_eq!(part.name(), Some(field.name));
            assert_eq!(part.file_name(), field.file_name);
            assert_eq!(part.body(), field.content);
        }
    }

    let related = fields.iter().fold(Multipart::related(), |related, field| {
        related.with_part("", Part::new(field.content.to_vec()))
    });
    let parts = parts(&encode(&related, fraction));
    let contents = parts.iter().map(|part| part.body().as_ref());
    assert!(contents.eq(fields.iter().map(|field| field.content)));
}

/// Control characters belong in no header, and a percent sign may be taken for an escape.
fn is_plain(name: &str) -> bool {
    let breaks = ['\r', '\n'];
    !name.contains(|letter: char| {
        letter == '%' || (letter.is_ascii_control() && !breaks.contains(&letter))
    })
}

fn read_and_build(input: &[u8]) {
    let end = input
        .iter()
        .position(|byte| *byte == b'\n')
        .unwrap_or(input.len());
    let Ok(content_type) = HeaderValue::from_bytes(&input[..end]) else {
        return;
    };
    let body = Bytes::copy_from_slice(input.get(end + 1..).unwrap_or_default());
    let Ok(received) = read(&content_type, &body) else {
        return;
    };
    let size: usize = received.iter().map(|part| part.body().len()).sum();
    assert!(size <= body.len(), "parts do not overlap");
    let related = received.iter().fold(Multipart::related(), |related, part| {
        related.with_part("", Part::new(part.body().clone()))
    });
    let parts = parts(&encode(&related, 0.5));
    let bodies = parts.iter().map(ReceivedPart::body);
    assert!(bodies.eq(received.iter().map(ReceivedPart::body)));
}

/// Parts in memory are ready at once.
fn encode(form: &Multipart, fraction: f64) -> Encoded {
    let jitter = FixedJitter::new(fraction);
    let encoding = pin!(form.encode_with(&jitter));
    match encoding.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(encoded) => encoded.expect("memory can be read"),
        Poll::Pending => panic!("there is nothing to wait for"),
    }
}

fn parts(encoded: &Encoded) -> Vec<ReceivedPart> {
    read(encoded.content_type(), encoded.body()).expect("what was built can be read")
}
