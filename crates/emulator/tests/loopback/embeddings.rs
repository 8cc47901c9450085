//! Embeddings: the calls of both services, their limits and their statistics.

use gimmal_emulator::Emulator;
use serde_json::{Value, json};

use crate::client::{MODEL, Session};

const EMBEDDER: &str = "gemini-embedding-001";

fn content(text: &str) -> Value {
    json!({ "parts": [{ "text": text }] })
}

fn values(embedding: &Value) -> Vec<f64> {
    let values = embedding["values"].as_array().expect("values");
    values.iter().filter_map(Value::as_f64).collect()
}

fn length(values: &[f64]) -> f64 {
    values.iter().map(|value| value * value).sum::<f64>().sqrt()
}

#[tokio::test]
async fn one_content_and_many_agree() {
    let session = Session::plain().await;
    let path = format!("v1beta/models/{EMBEDDER}");
    let one = session
        .post(
            &format!("{path}:embedContent"),
            &json!({ "content": content("a b c") }),
        )
        .await
        .ok();
    let request = |text| json!({ "model": format!("models/{EMBEDDER}"), "content": content(text) });
    let many = json!({ "requests": [request("a b c"), request("d")] });
    let many = session
        .post(&format!("{path}:batchEmbedContents"), &many)
        .await
        .ok();
    assert_eq!(one["embedding"], many["embeddings"][0]);
    assert_ne!(one["embedding"], many["embeddings"][1]);
    assert_eq!(many["usageMetadata"]["promptTokenCount"], 4);
    let full = values(&one["embedding"]);
    assert_eq!(full.len(), 3072);
    assert!((length(&full) - 1.0).abs() < 1e-4);
}

#[tokio::test]
async fn a_shorter_vector_is_a_prefix_that_only_the_second_generation_normalises() {
    let session = Session::plain().await;
    let ask = |model: &'static str| {
        let body = json!({ "content": content("bees"), "outputDimensionality": 768 });
        let session = &session;
        async move {
            let path = format!("v1beta/models/{model}:embedContent");
            values(&session.post(&path, &body).await.ok()["embedding"])
        }
    };
    let first = ask(EMBEDDER).await;
    assert_eq!(first.len(), 768);
    assert!(length(&first) < 0.9);
    assert!((length(&ask("gemini-embedding-2").await) - 1.0).abs() < 1e-4);
}

#[tokio::test]
async fn what_cannot_be_embedded_is_refused_by_name() {
    let session = Session::plain().await;
    let path = format!("v1beta/models/{EMBEDDER}:batchEmbedContents");
    let image = json!({ "parts": [{ "inlineData": { "mimeType": "image/png", "data": "aGk=" } }] });
    let many = vec![json!({ "content": content("x") }); 101];
    for (body, part) in [
        (json!({}), "requests is not specified"),
        (json!({ "requests": many }), "at most 100 requests"),
        (json!({ "requests": [{}] }), "requests[0].content"),
        (
            json!({ "requests": [{ "content": content("x"), "outputDimensionality": 4000 }] }),
            "between 1 and 3072",
        ),
        (
            json!({ "requests": [{ "content": content("x"), "taskType": "GUESSING" }] }),
            "'requests[0].task_type'",
        ),
        (
            json!({ "requests": [{ "content": content("x"), "title": "t" }] }),
            "RETRIEVAL_DOCUMENT",
        ),
        (
            json!({ "requests": [{ "content": content("x"), "model": "models/other" }] }),
            "requests[0].model",
        ),
        (
            json!({ "requests": [{ "content": image }] }),
            "only embeds text",
        ),
    ] {
        let answer = session.post(&path, &body).await;
        let message = answer.refused(400, "INVALID_ARGUMENT").to_owned();
        assert!(message.contains(part), "{message}");
    }
    let chat = format!("v1beta/models/{MODEL}:embedContent");
    let answer = session
        .post(&chat, &json!({ "content": content("x") }))
        .await;
    assert!(answer.refused(404, "NOT_FOUND").contains("embedContent"));
    let generate = format!("v1beta/models/{EMBEDDER}:generateContent");
    let answer = session.post(&generate, &crate::client::ask("x")).await;
    answer.refused(404, "NOT_FOUND");
}

#[tokio::test]
async fn vertex_predicts_with_statistics() {
    let session = Session::plain().await;
    let path = "v1/projects/p/locations/l/publishers/google/models/text-embedding-005:predict";
    let long = "word ".repeat(3000);
    let body = json!({
        "instances": [
            { "content": "one two", "task_type": "CLUSTERING" },
            { "content": long },
        ],
        "parameters": { "outputDimensionality": 64 },
    });
    let reply = session.post(path, &body).await.ok();
    let first = &reply["predictions"][0]["embeddings"];
    assert_eq!(
        first["statistics"],
        json!({ "token_count": 2, "truncated": false })
    );
    assert_eq!(values(first).len(), 64);
    let second = &reply["predictions"][1]["embeddings"]["statistics"];
    assert_eq!(*second, json!({ "token_count": 2048, "truncated": true }));
    assert_eq!(reply["metadata"]["billableCharacterCount"], 6 + 2048 * 4);
    let strict =
        json!({ "instances": [{ "content": long }], "parameters": { "autoTruncate": false } });
    let answer = session.post(path, &strict).await;
    assert!(
        answer
            .refused(400, "INVALID_ARGUMENT")
            .contains("supports up to 2048")
    );
    let empty = session.post(path, &json!({ "instances": [] })).await;
    assert!(
        empty
            .refused(400, "INVALID_ARGUMENT")
            .contains("0 instance(s)")
    );
}

#[tokio::test]
async fn texts_pictures_and_videos_share_a_space() {
    let builder = Emulator::builder().with_object("gs://b/film.mp4", vec![7_u8; 4000]);
    let session = Session::start(builder).await;
    let path = "v1/projects/p/locations/l/publishers/google/models/multimodalembedding@001:predict";
    let body = json!({
        "instances": [{
            "text": "a film",
            "video": {
                "gcsUri": "gs://b/film.mp4",
                "videoSegmentConfig": { "startOffsetSec": 0, "endOffsetSec": 30, "intervalSec": 16 },
            },
        }],
        "parameters": { "dimension": 128 },
    });
    let reply = session.post(path, &body).await.ok();
    let prediction = &reply["predictions"][0];
    assert_eq!(
        prediction["textEmbedding"].as_array().map(Vec::len),
        Some(128)
    );
    let segments = prediction["videoEmbeddings"].as_array().expect("segments");
    let ends: Vec<_> = segments
        .iter()
        .map(|segment| &segment["endOffsetSec"])
        .collect();
    assert_eq!(ends, [16, 30]);
    assert!(prediction.get("imageEmbedding").is_none());
    for (body, part) in [
        (json!({ "instances": [{}] }), "At least one"),
        (
            json!({ "instances": [{ "text": "x" }], "parameters": { "dimension": 3 } }),
            "Invalid dimension",
        ),
        (
            json!({ "instances": [{ "image": {} }] }),
            "Exactly one of bytesBase64Encoded",
        ),
    ] {
        let answer = session.post(path, &body).await;
        let message = answer.refused(400, "INVALID_ARGUMENT").to_owned();
        assert!(message.contains(part), "{message}");
    }
}

#[tokio::test]
async fn vertex_embeds_contents_with_a_configuration() {
    let session = Session::plain().await;
    let base = "v1/projects/p/locations/l/publishers/google/models/gemini-embedding-2";
    let body = json!({
        "content": content("bees"),
        "embedContentConfig": { "outputDimensionality": 16, "autoTruncate": true },
    });
    let reply = session
        .post(&format!("{base}:embedContent"), &body)
        .await
        .ok();
    assert_eq!(values(&reply["embedding"]).len(), 16);
    assert_eq!(reply["truncated"], false);
    assert_eq!(reply["usageMetadata"]["promptTokenCount"], 1);
    let many = json!({ "requests": [body, { "content": content("ants") }] });
    let many = session
        .post(&format!("{base}:batchEmbedContents"), &many)
        .await
        .ok();
    assert_eq!(
        many["embeddings"][0]["values"],
        reply["embedding"]["values"]
    );
    assert_eq!(many["embeddings"][1]["statistics"]["token_count"], 1);
}
