//! `streamGenerateContent`: the framing, and that the pieces make the whole.

use serde_json::{Value, json};

use crate::client::{Session, ask, text};

const PROMPT: &str = "Tell me about ships, sails, anchors, masts, keels, decks and sailors.";

/// The JSON of each event, after checking that there is nothing but data lines and blank lines.
fn events(body: &str) -> Vec<Value> {
    assert!(body.ends_with("\r\n\r\n"));
    let events = body.split_terminator("\r\n\r\n").map(|event| {
        let data = event.strip_prefix("data: ").expect("a data line");
        serde_json::from_str(data).expect("json")
    });
    events.collect()
}

#[tokio::test]
async fn events_join_to_the_unary_answer() {
    let session = Session::plain().await;
    let response = session.stream("?alt=sse", &ask(PROMPT)).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let chunks = events(&response.text().await.expect("a body"));
    assert!(chunks.len() > 2, "{}", chunks.len());
    let whole = session.generate(&ask(PROMPT)).await.ok();
    let joined: String = chunks.iter().map(|chunk| text(chunk, 0)).collect();
    assert_eq!(joined, text(&whole, 0));
    let (last, others) = chunks.split_last().expect("chunks");
    assert!(
        others
            .iter()
            .all(|chunk| chunk["candidates"][0].get("finishReason").is_none())
    );
    assert_eq!(last["candidates"][0]["finishReason"], "STOP");
    assert_eq!(last["usageMetadata"], whole["usageMetadata"]);
    let prompt = &whole["usageMetadata"]["promptTokenCount"];
    assert!(
        chunks
            .iter()
            .all(|chunk| chunk["usageMetadata"]["promptTokenCount"] == *prompt)
    );
    assert!(
        chunks
            .iter()
            .all(|chunk| chunk["responseId"] == last["responseId"])
    );
}

#[tokio::test]
async fn without_alt_sse_the_chunks_are_a_json_array() {
    let session = Session::plain().await;
    let response = session.stream("", &ask(PROMPT)).await;
    let body = response.text().await.expect("a body");
    let chunks: Vec<Value> = serde_json::from_str(&body).expect("an array");
    let whole = session.generate(&ask(PROMPT)).await.ok();
    let joined: String = chunks.iter().map(|chunk| text(chunk, 0)).collect();
    assert_eq!(joined, text(&whole, 0));
}

#[tokio::test]
async fn a_refusal_is_an_object_with_alt_sse_and_an_array_without() {
    let session = Session::plain().await;
    let nothing = json!({ "contents": [] });
    let response = session.stream("?alt=sse", &nothing).await;
    assert_eq!(response.status(), 400);
    let body: Value = serde_json::from_str(&response.text().await.expect("a body")).expect("json");
    assert_eq!(body["error"]["status"], "INVALID_ARGUMENT");
    let response = session.stream("", &nothing).await;
    assert_eq!(response.status(), 400);
    let body: Value = serde_json::from_str(&response.text().await.expect("a body")).expect("json");
    assert_eq!(body[0]["error"]["status"], "INVALID_ARGUMENT");
}

#[tokio::test]
async fn thoughts_come_before_the_text() {
    let session = Session::plain().await;
    let mut body = ask(PROMPT);
    body["generationConfig"] =
        json!({ "thinkingConfig": { "includeThoughts": true }, "candidateCount": 2 });
    let response = session.stream("?alt=sse", &body).await;
    let chunks = events(&response.text().await.expect("a body"));
    for candidate in 0..2 {
        let part = &chunks[0]["candidates"][candidate]["content"]["parts"][0];
        assert_eq!(part["thought"], true);
        assert!(chunks[1..].iter().all(|chunk| {
            chunk["candidates"][candidate]["content"]["parts"][0]
                .get("thought")
                .is_none()
        }));
    }
}
