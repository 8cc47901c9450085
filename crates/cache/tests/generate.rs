//! Keys of whole requests: the same for what means the same, and none for what may change.

use gimmal_cache::{Admission, AiCache, CallOptions, Fresh, KeyRequest, MemoryCache, Provenance};
use gimmal_types::gemini::GenerateContentRequest;
use serde_json::{Value, json};

fn request(body: Value) -> GenerateContentRequest {
    serde_json::from_value(body).unwrap()
}

fn key(model: &str, body: Value) -> Option<String> {
    let request = request(body);
    let key = KeyRequest::for_generate_content(model, &request)?.key();
    Some(key.as_str().to_owned())
}

fn text(text: &str) -> Value {
    json!({"contents": [{"role": "user", "parts": [{"text": text}]}]})
}

#[test]
fn everything_that_decides_the_answer_is_in_the_key() {
    let plain = key("gemini-2.5-flash", text("Why?")).unwrap();
    assert!(plain.starts_with("gimmal:r2:default:generateContent:"));
    assert_eq!(key("models/gemini-2.5-flash", text("Why?")).unwrap(), plain);
    assert_ne!(key("gemini-2.5-pro", text("Why?")).unwrap(), plain);
    assert_ne!(key("gemini-2.5-flash", text("Why")).unwrap(), plain);
    for (name, value) in [
        (
            "systemInstruction",
            json!({"parts": [{"text": "Be terse."}]}),
        ),
        ("generationConfig", json!({"temperature": 0.5})),
        ("tools", json!([{"googleSearch": {}}])),
        ("cachedContent", json!("cachedContents/c")),
        (
            "safetySettings",
            json!([{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]),
        ),
    ] {
        let mut body = text("Why?");
        body[name] = value;
        assert_ne!(key("gemini-2.5-flash", body).unwrap(), plain, "{name}");
    }
    // One text in two parts is not the text in one.
    let parts = json!({"contents": [{"role": "user", "parts": [{"text": "Wh"}, {"text": "y?"}]}]});
    assert_ne!(key("gemini-2.5-flash", parts).unwrap(), plain);
}

#[test]
fn media_are_known_by_their_bytes_and_files_not_at_all() {
    let image = |data: &str| {
        let part = json!({"inlineData": {"mimeType": "image/png", "data": data}});
        json!({"contents": [{"role": "user", "parts": [part]}]})
    };
    let key = |body| key("gemini-2.5-flash", body);
    assert_eq!(key(image("iVBORw==")), key(image("iVBORw==")));
    assert_ne!(key(image("iVBORw==")), key(image("iVBORg==")));
    let file = json!({"fileData": {"fileUri": "gs://bucket/a.png", "mimeType": "image/png"}});
    let body = json!({"contents": [{"role": "user", "parts": [file]}]});
    assert_eq!(key(body), None);
}

#[tokio::test]
async fn the_temperature_of_the_config_counts() {
    let admission = Admission::default().with_max_temperature(0.5);
    let cache = AiCache::builder(MemoryCache::new(10))
        .with_admission(admission)
        .build();
    for (temperature, expected) in [(0.2, Provenance::Fresh), (0.9, Provenance::Bypassed)] {
        let mut body = text("Why?");
        body["generationConfig"] = json!({"temperature": temperature});
        let request = request(body);
        let key = KeyRequest::for_generate_content("m", &request).unwrap();
        let answer = cache.get_or_compute(&key, CallOptions::new(), || async {
            Ok::<_, gimmal_cache::Failure<std::io::Error>>(Fresh::json("Because.").unwrap())
        });
        assert_eq!(answer.await.unwrap().provenance, expected);
    }
}
