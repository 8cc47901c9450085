//! Durations in protobuf's JSON form: what is read, printed and refused, against a reading digit by
//! digit in whole nanoseconds.

use std::time::Duration;

use gimmal_types::WireDuration;

const NANOS_PER_SECOND: u128 = 1_000_000_000;
/// Ten thousand years, the range that protobuf documents.
const MAX_SECONDS: u128 = 315_576_000_000;

/// Runs the target: the input is a text, and its first bytes also a duration to print.
pub fn run(input: &[u8]) {
    if let Some((number, _)) = input.split_first_chunk::<12>() {
        print_and_parse(number);
    }
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let parsed = text.parse::<WireDuration>().ok();
    assert_eq!(
        parsed.map(|it| it.get().as_nanos()),
        nanos(text),
        "{text:?}"
    );

    let json = serde_json::to_string(text).expect("a text is JSON");
    assert_eq!(serde_json::from_str::<WireDuration>(&json).ok(), parsed);
    if let Some(value) = parsed {
        let printed = value.to_string();
        assert_eq!(printed.parse(), Ok(value), "{printed:?}");
        assert!(
            printed.len() <= text.len() + 1,
            "the shortest form: {printed:?}"
        );
    }
}

fn print_and_parse(number: &[u8; 12]) {
    let (seconds, nanos) = number.split_at(8);
    let seconds = u64::from_le_bytes(seconds.try_into().expect("eight bytes"));
    let nanos = u32::from_le_bytes(nanos.try_into().expect("four bytes")) % 1_000_000_000;
    let value = WireDuration::from(Duration::new(seconds, nanos));
    let parsed = value.to_string().parse();
    if u128::from(seconds) < MAX_SECONDS {
        assert_eq!(parsed, Ok(value));
    }
}

/// Digits, perhaps a point and up to nine digits more, and an `s`.
fn nanos(text: &str) -> Option<u128> {
    let mut sum: u128 = 0;
    let mut scale = None;
    let mut digits = 0;
    let (last, number) = text.as_bytes().split_last()?;
    if *last != b's' {
        return None;
    }
    for byte in number {
        match (byte, scale) {
            (b'0'..=b'9', scale_now) => {
                digits += 1;
                let digit = u128::from(byte - b'0');
                match scale_now {
                    None => sum = sum.checked_mul(10)?.checked_add(digit * NANOS_PER_SECOND)?,
                    Some(0) => return None,
                    Some(unit) => {
                        sum += digit * unit;
                        scale = Some(unit / 10);
                    }
                }
            }
            (b'.', None) => scale = Some(NANOS_PER_SECOND / 10),
            _ => return None,
        }
    }
    (digits > 0 && sum / NANOS_PER_SECOND <= MAX_SECONDS).then_some(sum)
}
