//! Pictures by `predict` and in answers, and speech.

use base64::{Engine, engine::general_purpose::STANDARD};
use gimmal_emulator::{Emulator, Route};
use serde_json::{Value, json};

use crate::client::{Session, ask};

const IMAGEN: &str =
    "v1/projects/p/locations/l/publishers/google/models/imagen-4.0-generate-001:predict";
const EDITOR: &str =
    "v1/projects/p/locations/l/publishers/google/models/imagen-3.0-capability-001:predict";

fn request(prompt: &str, parameters: Value) -> Value {
    json!({ "instances": [{ "prompt": prompt }], "parameters": parameters })
}

fn bytes(data: &Value) -> Vec<u8> {
    STANDARD
        .decode(data.as_str().expect("base64"))
        .expect("base64")
}

/// The width and height a PNG file says it has.
fn size(png: &[u8]) -> (u32, u32) {
    assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().expect("four"));
    (number(16), number(20))
}

#[tokio::test]
async fn both_services_paint_the_same_picture_for_the_same_words() {
    let session = Session::plain().await;
    let body = request(
        "a red fox",
        json!({ "sampleCount": 2, "aspectRatio": "9:16", "seed": 3 }),
    );
    let vertex = session.post(IMAGEN, &body).await.ok();
    let path = "v1beta/models/imagen-4.0-generate-001:predict";
    let developer = session.post(path, &body).await.ok();
    assert_eq!(vertex, developer);
    let pictures = vertex["predictions"].as_array().expect("predictions");
    assert_eq!(pictures.len(), 2);
    assert_ne!(pictures[0], pictures[1]);
    assert_eq!(size(&bytes(&pictures[0]["bytesBase64Encoded"])), (72, 128));
    assert_eq!(pictures[0]["mimeType"], "image/png");
    assert_eq!(session.emulator.journal().count(Route::Predict), 2);
}

#[tokio::test]
async fn what_is_filtered_is_missing_or_says_why() {
    let session = Session::start(Emulator::builder().with_blocked_phrase("grue")).await;
    let silent = session
        .post(IMAGEN, &request("a grue", json!({})))
        .await
        .ok();
    assert_eq!(silent, json!({}));
    let parameters = json!({ "includeRaiReason": true, "includeSafetyAttributes": true });
    let told = session
        .post(IMAGEN, &request("a grue", parameters))
        .await
        .ok();
    let reason = told["predictions"][0]["raiFilteredReason"]
        .as_str()
        .expect("a reason");
    assert!(reason.contains("Responsible AI"), "{reason}");
    let prompt = &told["predictions"][1];
    assert_eq!(prompt["contentType"], "Positive Prompt");
    assert!(prompt["safetyAttributes"]["categories"].is_array());
}

#[tokio::test]
async fn pictures_go_into_the_storage_when_asked() {
    let session = Session::plain().await;
    let body = request(
        "a hill",
        json!({ "storageUri": "gs://b/out/", "outputOptions": { "mimeType": "image/jpeg" } }),
    );
    let reply = session.post(IMAGEN, &body).await.ok();
    let uri = reply["predictions"][0]["gcsUri"]
        .as_str()
        .expect("an address");
    assert!(
        uri.starts_with("gs://b/out/") && uri.ends_with(".jpeg"),
        "{uri}"
    );
    let file = session.emulator.storage().object(uri).expect("a file");
    assert_eq!(file[..2], [0xFF, 0xD8]);
}

#[tokio::test]
async fn parameters_out_of_range_are_refused() {
    let session = Session::plain().await;
    for (parameters, part) in [
        (json!({ "sampleCount": 5 }), "between 1 and 4"),
        (json!({ "aspectRatio": "5:7" }), "Invalid aspect ratio"),
        (json!({ "seed": 1, "addWatermark": true }), "watermark"),
        (
            json!({ "outputOptions": { "mimeType": "image/gif" } }),
            "image/gif",
        ),
        (
            json!({ "outputOptions": { "compressionQuality": 101 } }),
            "between 0 and 100",
        ),
        (json!({ "storageUri": "/tmp" }), "Invalid storage URI"),
        (
            json!({ "nope": 1 }),
            "Unknown name \"nope\" at 'parameters'",
        ),
    ] {
        let answer = session.post(IMAGEN, &request("x", parameters)).await;
        let message = answer.refused(400, "INVALID_ARGUMENT").to_owned();
        assert!(message.contains(part), "{message}");
    }
    let empty = session.post(IMAGEN, &request("", json!({}))).await;
    assert!(
        empty
            .refused(400, "INVALID_ARGUMENT")
            .contains("prompt is required")
    );
    let chat = "v1beta/models/gemini-2.5-flash:predict";
    session
        .post(chat, &request("x", json!({})))
        .await
        .refused(404, "NOT_FOUND");
}

#[tokio::test]
async fn an_edit_changes_what_the_mask_covers() {
    let session = Session::plain().await;
    let base = session
        .post(IMAGEN, &request("a blue sea", json!({})))
        .await
        .ok();
    let base = json!({ "bytesBase64Encoded": base["predictions"][0]["bytesBase64Encoded"] });
    let raw =
        json!({ "referenceType": "REFERENCE_TYPE_RAW", "referenceId": 1, "referenceImage": base });
    let mask = json!({
        "referenceType": "REFERENCE_TYPE_MASK",
        "referenceId": 2,
        "maskImageConfig": { "maskMode": "MASK_MODE_FOREGROUND" },
    });
    let edit = |references: Value| {
        json!({
            "instances": [{ "prompt": "a boat", "referenceImages": references }],
            "parameters": { "editMode": "EDIT_MODE_INPAINT_INSERTION" },
        })
    };
    let reply = session.post(EDITOR, &edit(json!([raw, mask]))).await.ok();
    let edited = bytes(&reply["predictions"][0]["bytesBase64Encoded"]);
    assert_eq!(size(&edited), size(&bytes(&base["bytesBase64Encoded"])));
    assert_ne!(edited, bytes(&base["bytesBase64Encoded"]));
    for (references, part) in [
        (json!([]), "At least one reference image"),
        (json!([raw]), "mask reference image is required"),
        (json!([mask]), "raw reference image is required"),
        (
            json!([{ "referenceType": "REFERENCE_TYPE_RAW", "referenceImage": { "bytesBase64Encoded": "aGk=" } }]),
            "PNG or JPEG",
        ),
        (
            json!([{ "referenceType": "OTHER" }]),
            "Invalid reference type",
        ),
    ] {
        let answer = session.post(EDITOR, &edit(references)).await;
        let message = answer.refused(400, "INVALID_ARGUMENT").to_owned();
        assert!(message.contains(part), "{message}");
    }
    let larger = json!({
        "instances": [{ "image": base }],
        "parameters": { "mode": "upscale", "upscaleConfig": { "upscaleFactor": "x4" } },
    });
    let larger = session.post(EDITOR, &larger).await.ok();
    let larger = bytes(&larger["predictions"][0]["bytesBase64Encoded"]);
    assert_eq!(size(&larger), (512, 512));
}

#[tokio::test]
async fn answers_can_be_pictures_and_streams_bring_them_last() {
    let session = Session::plain().await;
    let path = "v1beta/models/gemini-2.5-flash-image";
    let whole = session
        .post(&format!("{path}:generateContent"), &ask("a green hill"))
        .await
        .ok();
    let parts = whole["candidates"][0]["content"]["parts"]
        .as_array()
        .expect("parts");
    assert!(parts[0]["text"].is_string());
    assert_eq!(size(&bytes(&parts[1]["inlineData"]["data"])), (128, 128));
    let usage = &whole["usageMetadata"];
    let details = usage["candidatesTokensDetails"]
        .as_array()
        .expect("details");
    let sum: u64 = details
        .iter()
        .filter_map(|it| it["tokenCount"].as_u64())
        .sum();
    assert_eq!(usage["candidatesTokenCount"].as_u64(), Some(sum));
    let chunks = session
        .post(
            &format!("{path}:streamGenerateContent"),
            &ask("a green hill"),
        )
        .await
        .ok();
    let chunks = chunks.as_array().expect("chunks");
    assert_eq!(chunks.len(), 2);
    assert_eq!(chunks[1]["candidates"][0]["content"]["parts"][0], parts[1]);
    assert_eq!(chunks[1]["usageMetadata"], *usage);
}
