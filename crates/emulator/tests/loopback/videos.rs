//! Films: begun, waited for, fetched; held back, failed and refused.

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use gimmal_emulator::{Emulator, EmulatorBuilder, Fault, FaultRule, ManualClock, Route};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Answer, Session, answer};

const MODEL: &str = "v1beta/models/veo-3.0-generate-001";
const PROJECT: &str = "v1/projects/p/locations/l/publishers/google/models/veo-3.0-generate-001";

async fn start(builder: EmulatorBuilder) -> (Session, ManualClock) {
    let clock = ManualClock::new();
    let builder = builder
        .with_clock(Arc::new(clock.clone()))
        .with_operation_time(Duration::from_secs(40));
    (Session::start(builder).await, clock)
}

fn request(prompt: &str, parameters: Value) -> Value {
    json!({ "instances": [{ "prompt": prompt }], "parameters": parameters })
}

async fn begin(session: &Session, model: &str, body: &Value) -> Answer {
    session
        .post(&format!("{model}:predictLongRunning"), body)
        .await
}

fn name(operation: &Value) -> &str {
    operation["name"].as_str().expect("a name")
}

#[tokio::test]
async fn films_are_files_once_they_are_made() {
    let (session, clock) = start(Emulator::builder()).await;
    let body = request(
        "a cat on a roof",
        json!({"sampleCount": 2, "durationSeconds": 4}),
    );
    let begun = begin(&session, MODEL, &body).await.ok();
    assert!(name(&begun).starts_with("models/veo-3.0-generate-001/operations/"));
    assert!(begun.get("done").is_none());
    let path = format!("v1beta/{}", name(&begun));
    clock.advance(Duration::from_secs(39));
    assert!(session.get(&path).await.ok().get("done").is_none());
    assert_eq!(session.get("v1beta/files").await.ok(), json!({}));
    clock.advance(Duration::from_secs(1));
    let done = session.get(&path).await.ok();
    assert_eq!(done["done"], true);
    let samples = &done["response"]["generateVideoResponse"]["generatedSamples"];
    let uris: Vec<&str> = samples
        .as_array()
        .expect("films")
        .iter()
        .map(|sample| sample["video"]["uri"].as_str().expect("a URI"))
        .collect();
    assert_eq!(uris.len(), 2);
    let files = session.get("v1beta/files").await.ok();
    let file = &files["files"][0];
    assert_eq!(file["downloadUri"], uris[0]);
    assert_eq!(file["videoMetadata"], json!({"videoDuration": "4s"}));
    assert_eq!(
        (&file["source"], &file["state"]),
        (&json!("GENERATED"), &json!("ACTIVE"))
    );
    let path = uris[1].split_once(".com/").expect("a path").1;
    let film = session
        .request(Method::GET, path)
        .send()
        .await
        .expect("a film");
    assert_eq!(film.headers()["content-type"], "video/mp4");
    let film = film.bytes().await.expect("bytes");
    assert_eq!(&film[4..8], b"ftyp");
}

#[tokio::test]
async fn vertex_is_asked_through_the_model() {
    let (session, clock) = start(Emulator::builder()).await;
    let ask = async |path: &str, body: Value| {
        let request = session.bare(Method::POST, path).bearer_auth("token");
        answer(request.body(body.to_string())).await
    };
    let stored = request("a dog", json!({"storageUri": "gs://bucket/films/"}));
    let stored = ask(&format!("{PROJECT}:predictLongRunning"), stored)
        .await
        .ok();
    let inline = ask(
        &format!("{PROJECT}:predictLongRunning"),
        request("a dog", json!({})),
    )
    .await
    .ok();
    assert!(format!("v1/{}", name(&inline)).starts_with(PROJECT));
    let fetch = async |operation: &Value| {
        let body = json!({"operationName": name(operation)});
        ask(&format!("{PROJECT}:fetchPredictOperation"), body).await
    };
    assert!(fetch(&inline).await.ok().get("done").is_none());
    clock.advance(Duration::from_secs(40));
    let done = fetch(&inline).await.ok();
    let video = &done["response"]["videos"][0];
    assert_eq!(
        (&done["done"], &video["mimeType"]),
        (&json!(true), &json!("video/mp4"))
    );
    let film = STANDARD.decode(video["bytesBase64Encoded"].as_str().expect("bytes"));
    assert_eq!(&film.expect("Base64")[4..8], b"ftyp");
    let done = fetch(&stored).await.ok();
    let uri = done["response"]["videos"][0]["gcsUri"]
        .as_str()
        .expect("a URI");
    assert!(
        uri.starts_with("gs://bucket/films/") && uri.ends_with("/sample_0.mp4"),
        "{uri}"
    );
    let kept = session.emulator.storage().object(uri);
    assert_eq!(&kept.expect("an object")[4..8], b"ftyp");
    let other = PROJECT.replace("veo-3.0", "veo-2.0");
    let body = json!({"operationName": name(&inline)});
    ask(&format!("{other}:fetchPredictOperation"), body)
        .await
        .refused(400, "INVALID_ARGUMENT");
    let body = json!({"operationName": format!("{}/operations/none", &PROJECT[3..])});
    ask(&format!("{PROJECT}:fetchPredictOperation"), body)
        .await
        .refused(404, "NOT_FOUND");
}

#[tokio::test]
async fn films_are_held_back_and_operations_fail() {
    let builder = Emulator::builder()
        .with_blocked_phrase("forbidden")
        .with_failing_operation("doomed");
    let (session, clock) = start(builder).await;
    let body = request("a forbidden cat", json!({"sampleCount": 3}));
    let held = begin(&session, MODEL, &body).await.ok();
    let failed = begin(&session, MODEL, &request("a doomed cat", json!({})))
        .await
        .ok();
    clock.advance(Duration::from_secs(40));
    let held = session.get(&format!("v1beta/{}", name(&held))).await.ok();
    let response = &held["response"]["generateVideoResponse"];
    assert_eq!(response["raiMediaFilteredCount"], 3);
    assert_eq!(
        response["raiMediaFilteredReasons"].as_array().map(Vec::len),
        Some(1)
    );
    assert!(response.get("generatedSamples").is_none());
    let failed = session.get(&format!("v1beta/{}", name(&failed))).await.ok();
    assert_eq!(
        (&failed["done"], &failed["error"]["code"]),
        (&json!(true), &json!(13))
    );
    assert!(failed.get("response").is_none());
}

#[tokio::test]
async fn refusals_and_faults() {
    let (session, _) = start(Emulator::builder()).await;
    let body = request("p", json!({}));
    begin(&session, "v1beta/models/gemini-2.5-flash", &body)
        .await
        .refused(404, "NOT_FOUND");
    let body = request("p", json!({"sampleCount": 9}));
    begin(&session, MODEL, &body)
        .await
        .refused(400, "INVALID_ARGUMENT");
    let fault = FaultRule::new(Fault::unavailable()).on(Route::PredictLongRunning);
    session.emulator.chaos().add(fault);
    begin(&session, MODEL, &request("p", json!({})))
        .await
        .refused(503, "UNAVAILABLE");
    let recorded = session
        .emulator
        .journal()
        .last(Route::PredictLongRunning)
        .expect("one");
    assert_eq!(recorded.model(), Some("veo-3.0-generate-001"));
}
