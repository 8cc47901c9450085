//! `generateContent`: what is answered, and what the settings do to it.

use gimmal_emulator::{Emulator, ModelCard};
use serde_json::{Value, json};

use crate::client::{MODEL, Session, ask, text};

const SHOP: &str = "# Shop\n\n## Hours\nWe open at 7:30 and close at 18:45. On Sundays we are \
    closed.\n\n## Prices\n\n| Item | Price |\n|---|---|\n| Apple | 0.85 |\n| Pear | 1.20 |\n";

fn shop(question: &str) -> Value {
    json!({ "contents": [{ "parts": [{ "text": SHOP }, { "text": question }] }] })
}

fn shop_with(question: &str, config: Value) -> Value {
    let mut body = shop(question);
    body["generationConfig"] = config;
    body
}

#[tokio::test]
async fn the_answer_quotes_the_context() {
    let session = Session::plain().await;
    let body = session
        .generate(&shop("When do you close on Sundays?"))
        .await
        .ok();
    assert!(
        text(&body, 0).contains("On Sundays we are closed."),
        "{body}"
    );
    let body = session.generate(&shop("price of a pear")).await.ok();
    assert!(text(&body, 0).contains("| Pear | 1.20 |"), "{body}");
    assert_eq!(body["candidates"][0]["finishReason"], "STOP");
    assert_eq!(body["candidates"][0]["content"]["role"], "model");
    assert_eq!(body["modelVersion"], MODEL);
    let body = session.generate(&shop("Who wrote Hamlet?")).await.ok();
    assert_eq!(
        text(&body, 0),
        "The context given does not answer this question."
    );
}

#[tokio::test]
async fn the_same_question_has_the_same_answer_and_another_identifier() {
    let session = Session::plain().await;
    let first = session.generate(&shop("When do you open?")).await.ok();
    let again = session.generate(&shop("When do you open?")).await.ok();
    assert_eq!(first["candidates"], again["candidates"]);
    assert_eq!(first["usageMetadata"], again["usageMetadata"]);
    assert_ne!(first["responseId"], again["responseId"]);
    let twin = Session::plain().await;
    let other = twin.generate(&shop("When do you open?")).await.ok();
    assert_eq!(first, other, "the same seed gives the same identifiers too");
}

#[tokio::test]
async fn both_spellings_of_keys_mean_the_same() {
    let session = Session::plain().await;
    let camel = json!({
        "contents": [{ "parts": [{ "inlineData": { "mimeType": "image/png", "data": "_-8" } }, { "text": "what" }] }],
        "systemInstruction": { "parts": [{ "text": "be kind" }] },
        "generationConfig": { "maxOutputTokens": 3, "stopSequences": ["zzz"], "topK": 40.0 },
        "safetySettings": [{ "category": "X", "threshold": "Y" }]
    });
    let snake = json!({
        "contents": [{ "parts": [{ "inline_data": { "mime_type": "image/png", "data": "/+8=" } }, { "text": "what" }] }],
        "system_instruction": { "parts": [{ "text": "be kind" }] },
        "generation_config": { "max_output_tokens": 3, "stop_sequences": ["zzz"], "top_k": 40.0 },
        "safety_settings": [{ "category": "X", "threshold": "Y" }]
    });
    let camel = session.generate(&camel).await.ok();
    let snake = session.generate(&snake).await.ok();
    assert_eq!(camel["candidates"], snake["candidates"]);
    assert_eq!(camel["usageMetadata"], snake["usageMetadata"]);
    assert_eq!(camel["candidates"][0]["finishReason"], "MAX_TOKENS");
    assert_eq!(camel["usageMetadata"]["candidatesTokenCount"], 3);
}

#[tokio::test]
async fn stop_sequences_end_the_answer_before_them() {
    let session = Session::plain().await;
    let body = shop_with(
        "When do you open?",
        json!({ "stopSequences": [" and", "18"] }),
    );
    let body = session.generate(&body).await.ok();
    assert_eq!(text(&body, 0), "We open at 7:30");
    assert_eq!(body["candidates"][0]["finishReason"], "STOP");
    let body = shop_with("When do you open?", json!({ "stopSequences": ["We"] }));
    let body = session.generate(&body).await.ok();
    assert_eq!(body["candidates"][0]["content"], json!({ "role": "model" }));
}

#[tokio::test]
async fn candidates_are_counted_and_differ() {
    let session = Session::plain().await;
    let body = shop_with("When do you open?", json!({ "candidateCount": 8 }));
    let body = session.generate(&body).await.ok();
    let texts: Vec<String> = (0..8).map(|n| text(&body, n)).collect();
    for (n, one) in texts.iter().enumerate() {
        assert!(one.contains("We open at 7:30 and close at 18:45."));
        assert!(!texts[..n].contains(one));
        assert_eq!(body["candidates"][n]["index"], n);
    }
}

#[tokio::test]
async fn thoughts_are_counted_and_shown_when_asked_for() {
    let session = Session::plain().await;
    let think = |config| shop_with("When do you open?", json!({ "thinkingConfig": config }));
    let hidden = session
        .generate(&think(json!({ "thinkingBudget": 100 })))
        .await
        .ok();
    assert_eq!(
        hidden["candidates"][0]["content"]["parts"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    let usage = &hidden["usageMetadata"];
    let count = |key: &str| usage[key].as_u64().expect("a count");
    assert!(count("thoughtsTokenCount") > 0);
    let sum = [
        "promptTokenCount",
        "candidatesTokenCount",
        "thoughtsTokenCount",
    ]
    .map(count);
    assert_eq!(count("totalTokenCount"), sum.iter().sum::<u64>());

    let shown = json!({ "thinkingLevel": "LOW", "includeThoughts": true });
    let shown = session.generate(&think(shown)).await.ok();
    assert_eq!(
        shown["candidates"][0]["content"]["parts"][0]["thought"],
        true
    );
    assert_eq!(text(&shown, 0), text(&hidden, 0));
    let short = session
        .generate(&think(json!({ "thinkingBudget": 2 })))
        .await
        .ok();
    assert_eq!(short["usageMetadata"]["thoughtsTokenCount"], 2);
    let off = session
        .generate(&think(json!({ "thinkingBudget": 0 })))
        .await
        .ok();
    assert!(off["usageMetadata"].get("thoughtsTokenCount").is_none());
}

#[tokio::test]
async fn a_blocked_prompt_has_no_candidates() {
    let session = Session::start(Emulator::builder().with_blocked_phrase("forbidden fruit")).await;
    let body = session
        .generate(&ask("Tell me of the forbidden fruit."))
        .await
        .ok();
    assert_eq!(body["promptFeedback"]["blockReason"], "SAFETY");
    assert!(body.get("candidates").is_none());
    assert!(
        body["usageMetadata"]["promptTokenCount"]
            .as_u64()
            .expect("a count")
            > 0
    );
    session.generate(&ask("Tell me of fruit.")).await.ok()["candidates"][0]["content"]["parts"][0]
        ["text"]
        .as_str()
        .expect("an answer");
}

#[tokio::test]
async fn a_prompt_above_the_models_limit_is_refused() {
    let tiny = ModelCard::new("tiny")
        .with_input_token_limit(10)
        .with_output_token_limit(4);
    let session = Session::start(Emulator::builder().with_model(tiny)).await;
    let path = "v1beta/models/tiny:generateContent";
    let answer = session.post(path, &ask(&"word ".repeat(20))).await;
    assert_eq!(
        answer.refused(400, "INVALID_ARGUMENT"),
        "The input token count (21) exceeds the maximum number of tokens allowed (10)."
    );
    let body = session.post(path, &ask("a few words")).await.ok();
    assert_eq!(body["usageMetadata"]["candidatesTokenCount"], 4);
    assert_eq!(body["candidates"][0]["finishReason"], "MAX_TOKENS");
}

#[tokio::test]
async fn earlier_turns_are_context() {
    let session = Session::plain().await;
    let body = json!({ "contents": [
        { "role": "user", "parts": [{ "text": "My dog is called Rex." }] },
        { "role": "model", "parts": [{ "text": "Noted." }] },
        { "role": "user", "parts": [{ "text": "What is my dog called?" }] }
    ] });
    assert_eq!(
        text(&session.generate(&body).await.ok(), 0),
        "My dog is called Rex."
    );
}
