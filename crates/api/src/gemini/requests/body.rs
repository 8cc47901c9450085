//! Bodies of requests: records written as JSON.

use bytes::Bytes;
use gimmal_transport::Error;
use gimmal_types::gemini::{Content, Part};
use gimmal_types::wire::WireValue;
use serde::Serialize;

/// How long a body may be that is written without knowing its length, and how much is left for
/// what is not counted.
const SMALL_BODY_BYTES: usize = 64 * 1024;

/// Serialises straight to bytes: no tree in between, no second copy.
pub(in crate::gemini) fn json<T: Serialize + WireValue>(value: &T) -> Result<Bytes, Error> {
    json_with_room(value, 0)
}

/// As [`json`], for a value that holds `contents`: where these are large, room for all of it is
/// made at once, since a buffer that grows is there twice for as long as it moves.
pub(super) fn json_of_contents<T: Serialize + WireValue>(
    value: &T,
    contents: &[Content],
) -> Result<Bytes, Error> {
    let parts = contents.iter().flat_map(|content| &content.parts);
    let bytes = parts.map(written_bytes).sum::<usize>();
    let large = bytes > SMALL_BODY_BYTES;
    json_with_room(value, if large { bytes + SMALL_BODY_BYTES } else { 0 })
}

fn json_with_room<T: Serialize + WireValue>(value: &T, room: usize) -> Result<Bytes, Error> {
    let mut body = Vec::with_capacity(room);
    serde_json::to_writer(&mut body, value)
        .map_err(|error| Error::invalid("body", format!("cannot be written as JSON: {error}")))?;
    Ok(Bytes::from(body))
}

/// About how long the large members of a part are in JSON: base64 takes four letters for three
/// bytes, and one letter of text in eight is taken to need an escape.
fn written_bytes(part: &Part) -> usize {
    let text = part.text.as_ref().map_or(0, String::len);
    let data = part
        .inline_data
        .as_ref()
        .and_then(|blob| blob.data.as_ref());
    let data = data.map_or(0, |data| data.as_bytes().len());
    text + text / 8 + data.div_ceil(3) * 4
}
