//! Pictures on the wire: decoding those that come in, and the form in which they go out.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use crate::{
    engine::picture::{self, Pixels},
    gemini::{
        content::decode_base64,
        errors::ApiError,
        fields::{Message, string},
        images::parameters::Parameters,
        service::Call,
    },
};

const IMAGE: Message = Message::same(&["bytesBase64Encoded", "gcsUri", "mimeType"]);

/// The picture in a message of the wire.
pub(crate) fn decode(
    fields: &Map<String, Value>,
    at: &str,
    call: &Call<'_>,
) -> Result<Pixels, ApiError> {
    IMAGE.check(fields, at, call.target.backend)?;
    let inline = string(fields, "bytesBase64Encoded", at)?;
    let elsewhere = string(fields, "gcsUri", at)?;
    let bytes = match (inline, elsewhere) {
        (Some(data), None) => decode_base64(data),
        (None, Some(uri)) => match call.content_of(uri) {
            Some(bytes) => Some(bytes.to_vec()),
            None => {
                return Err(ApiError::not_found(format!(
                    "The emulator has no object {uri}; put it into its storage."
                )));
            }
        },
        _ => {
            return Err(ApiError::invalid_argument(format!(
                "Image must have exactly one of bytesBase64Encoded and gcsUri, in {at}."
            )));
        }
    };
    bytes
        .and_then(|bytes| picture::decode(&bytes))
        .ok_or_else(|| {
            ApiError::invalid_argument(format!(
                "Unable to read the image in {at}: it must be a PNG or JPEG file."
            ))
        })
}

/// The file of a picture in the given type.
pub(crate) fn encode(pixels: &Pixels, mime: &str, quality: u8) -> Vec<u8> {
    if mime == "image/jpeg" {
        pixels.to_jpeg(quality)
    } else {
        pixels.to_png()
    }
}

/// The prediction for a picture: its bytes, or where they were put.
pub(crate) fn prediction(
    pixels: &Pixels,
    n: usize,
    parameters: &Parameters<'_>,
    call: &Call<'_>,
) -> Value {
    let file = encode(pixels, parameters.mime, parameters.quality);
    let mut out = json!({ "mimeType": parameters.mime });
    match parameters.storage {
        Some(place) => {
            let end = parameters.mime.rsplit('/').next().unwrap_or_default();
            let folder = call.number();
            let uri = format!("{}/{folder}/sample_{n}.{end}", place.trim_end_matches('/'));
            call.storage().put_object(uri.clone(), file);
            out["gcsUri"] = uri.into();
        }
        None => out["bytesBase64Encoded"] = STANDARD.encode(file).into(),
    }
    out
}
