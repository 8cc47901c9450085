//! `predict` with the model that embeds texts, pictures and videos into one space.

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::{
    engine::embedding::{self, Features},
    gemini::{
        content::decode_base64,
        errors::ApiError,
        fields::{Message, as_object, integer, list, object, string},
        models::ModelCard,
        service::Call,
    },
    reply::Reply,
};

const REQUEST: Message = Message::same(&["instances", "labels", "parameters"]);
const INSTANCE: Message = Message::same(&["image", "text", "video"]);
const PARAMETERS: Message = Message::same(&["dimension"]);
const FILE: Message = Message::same(&[
    "bytesBase64Encoded",
    "gcsUri",
    "mimeType",
    "videoSegmentConfig",
]);
const SEGMENT: Message = Message::same(&["endOffsetSec", "intervalSec", "startOffsetSec"]);
/// The lengths a vector can have.
const DIMENSIONS: [i64; 4] = [128, 256, 512, 1408];
/// What a video is looked at when nothing is said, in seconds.
const END: i64 = 120;
const INTERVAL: i64 = 16;
const LEAST_INTERVAL: i64 = 4;

/// `POST models/multimodalembedding@001:predict`.
pub(crate) fn predict_media(card: &ModelCard, call: &Call<'_>) -> Result<Reply, ApiError> {
    let fields = call.body()?;
    REQUEST.check(fields, "", call.target.backend)?;
    let mut length = 1408;
    if let Some(parameters) = object(fields, "parameters", "")? {
        PARAMETERS.check(parameters, "parameters", call.target.backend)?;
        length = integer(parameters, "dimension", "parameters")?.unwrap_or(length);
    }
    if !DIMENSIONS.contains(&length) {
        return Err(ApiError::invalid_argument(format!(
            "Invalid dimension: {length}. It must be one of 128, 256, 512 and 1408."
        )));
    }
    let instances = list(fields, "instances");
    if instances.len() != 1 {
        return Err(ApiError::invalid_argument(format!(
            "{} instance(s) are given, but exactly one is allowed per prediction.",
            instances.len()
        )));
    }
    let vector = |features: &Features| {
        let mut values = embedding::vector(features, card.name(), "", 1408);
        values.truncate(length as usize);
        values
    };
    let mut predictions = Vec::new();
    for (n, instance) in instances.iter().enumerate() {
        let at = format!("instances[{n}]");
        let instance = as_object(instance, &at)?;
        INSTANCE.check(instance, &at, call.target.backend)?;
        predictions.push(embed(instance, &at, &vector, call)?);
    }
    let body = json!({ "predictions": predictions });
    Ok(Reply::json(StatusCode::OK, &body))
}

fn embed(
    instance: &Map<String, Value>,
    at: &str,
    vector: &impl Fn(&Features) -> Vec<f32>,
    call: &Call<'_>,
) -> Result<Value, ApiError> {
    let mut out = json!({});
    if let Some(text) = string(instance, "text", at)?.filter(|text| !text.is_empty()) {
        out["textEmbedding"] = json!(vector(&embedding::text_features(text).unit()));
    }
    if let Some(image) = object(instance, "image", at)? {
        let bytes = bytes(image, &format!("{at}.image"), call)?;
        out["imageEmbedding"] = json!(vector(&embedding::media_features("image/png", &bytes)));
    }
    if let Some(video) = object(instance, "video", at)? {
        let at = format!("{at}.video");
        let bytes = bytes(video, &at, call)?;
        let segments = segments(video, &at, call)?.into_iter().map(|(start, end)| {
            // Each stretch is embedded from the bytes that lie as far into the file.
            let place = |seconds: i64| bytes.len() * seconds as usize / END as usize;
            let piece = bytes.get(place(start)..place(end).min(bytes.len()));
            let features = embedding::media_features("video/mp4", piece.unwrap_or(&bytes));
            json!({
                "startOffsetSec": start,
                "endOffsetSec": end,
                "embedding": vector(&features),
            })
        });
        out["videoEmbeddings"] = segments.collect();
    }
    if out.as_object().is_some_and(Map::is_empty) {
        return Err(ApiError::invalid_argument(
            "At least one of text, image and video must be given.",
        ));
    }
    Ok(out)
}

/// The stretches of a video that get a vector each.
fn segments(
    video: &Map<String, Value>,
    at: &str,
    call: &Call<'_>,
) -> Result<Vec<(i64, i64)>, ApiError> {
    let (mut start, mut end, mut interval) = (0, END, INTERVAL);
    if let Some(config) = object(video, "videoSegmentConfig", at)? {
        let at = format!("{at}.video_segment_config");
        SEGMENT.check(config, &at, call.target.backend)?;
        let given = |field, default| Ok(integer(config, field, &at)?.unwrap_or(default));
        start = given("startOffsetSec", start)?;
        end = given("endOffsetSec", end)?;
        interval = given("intervalSec", interval)?;
    }
    if start < 0 || end <= start || end > END || interval < LEAST_INTERVAL {
        return Err(ApiError::invalid_argument(format!(
            "Invalid video segment: {start} to {end} seconds by {interval}. It must lie within \
             {END} seconds, and the interval must be at least {LEAST_INTERVAL}."
        )));
    }
    let starts = (start..end).step_by(interval as usize);
    Ok(starts
        .map(|start| (start, (start + interval).min(end)))
        .collect())
}

fn bytes(file: &Map<String, Value>, at: &str, call: &Call<'_>) -> Result<Vec<u8>, ApiError> {
    FILE.check(file, at, call.target.backend)?;
    let inline = string(file, "bytesBase64Encoded", at)?;
    let elsewhere = string(file, "gcsUri", at)?;
    match (inline, elsewhere) {
        (Some(data), None) => decode_base64(data).ok_or_else(|| {
            ApiError::invalid_argument(format!("Failed to decode the base64 data of {at}."))
        }),
        (None, Some(uri)) => Ok(call
            .content_of(uri)
            .map_or_else(|| uri.as_bytes().to_vec(), |bytes| bytes.to_vec())),
        _ => Err(ApiError::invalid_argument(format!(
            "Exactly one of bytesBase64Encoded and gcsUri must be given in {at}."
        ))),
    }
}
