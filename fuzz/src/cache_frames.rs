//! Frames of the response cache: any bytes are read or refused, what is read can be written again,
//! and no change of a good frame is overlooked.

use std::time::Duration;

use gimmal_cache::{Entry, FrameCodec, KeyRequest, Timestamp, Value};

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// Runs the target: a byte, another, and a frame or a payload.
pub fn run(input: &[u8]) {
    let key = KeyRequest::new("qa").key();
    let codec = FrameCodec::new().with_max_value_bytes(1 << 16);
    read(&codec, input);
    let Some(([at, mask], payload)) = input.split_first_chunk() else {
        return;
    };
    let entry = Entry::new(Value::bytes(payload.to_vec()), NOW).with_ttl(Duration::from_secs(1));
    let Ok(frame) = codec.encode(&key, &entry) else {
        return;
    };
    assert_eq!(codec.decode(&key, &frame, NOW), Ok(entry));

    let mut damaged = frame.to_vec();
    let at = usize::from(*at) * damaged.len() / 256;
    damaged[at] ^= mask;
    let is_same = codec.decode(&key, &damaged, NOW).is_ok();
    assert_eq!(is_same, *mask == 0, "a changed byte {at} is overlooked");
}

/// Reads the input as it is, and again with a checksum that is right, to get behind it.
fn read(codec: &FrameCodec, input: &[u8]) {
    let key = KeyRequest::new("qa").key();
    drop(codec.decode(&key, input, NOW));
    let mut frame = b"GC\x01".to_vec();
    frame.extend_from_slice(input);
    if frame.len() >= 48 {
        frame[40..48].copy_from_slice(&key.digest()[..8]);
    }
    let checksum = crc32fast::hash(&frame);
    frame.extend_from_slice(&checksum.to_le_bytes());
    if let Ok(entry) = codec.decode(&key, &frame, NOW)
        && let Ok(again) = codec.encode(&key, &entry)
    {
        let written = codec.decode(&key, &again, NOW);
        assert_eq!(written, Ok(entry));
    }
}
