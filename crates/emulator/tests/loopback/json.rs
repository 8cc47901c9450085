//! Structured answers: JSON by schema, JSON without one, and choices.

use serde_json::{Value, json};

use crate::client::{Session, text};

async fn answer(session: &Session, config: Value) -> String {
    let body = json!({
        "contents": [{ "parts": [
            { "text": "The boat leaves at 9. A ticket costs 14 crowns. Dogs travel free." },
            { "text": "How many crowns is a ticket for the boat?" }
        ] }],
        "generationConfig": config
    });
    text(&session.generate(&body).await.ok(), 0)
}

#[tokio::test]
async fn json_conforms_to_the_schema_and_holds_the_answer() {
    let session = Session::plain().await;
    let config = json!({
        "responseMimeType": "application/json",
        "responseSchema": {
            "type": "OBJECT",
            "properties": {
                "answer": { "type": "STRING" },
                "crowns": { "type": "INTEGER", "minimum": 10 },
                "note": { "type": "STRING", "nullable": true },
                "kind": { "type": "STRING", "enum": ["price", "time"] }
            },
            "required": ["answer", "crowns", "kind"],
            "propertyOrdering": ["kind", "crowns", "answer", "note"]
        }
    });
    let answer = answer(&session, config).await;
    assert!(answer.starts_with("{\"kind\""), "{answer}");
    let back: Value = serde_json::from_str(&answer).expect("json");
    assert_eq!(back["crowns"], 14);
    assert_eq!(back["answer"], "A ticket costs 14 crowns.");
}

#[tokio::test]
async fn json_schema_keeps_the_callers_property_names() {
    let session = Session::plain().await;
    let config = json!({
        "response_mime_type": "application/json",
        "response_json_schema": {
            "type": "object",
            "properties": { "ticket_price": { "type": "number" }, "any_of": { "type": "array", "items": { "type": "string" } } },
            "required": ["ticket_price", "any_of"]
        }
    });
    let back: Value = serde_json::from_str(&answer(&session, config).await).expect("json");
    assert_eq!(back["ticket_price"], 14.0);
    assert_eq!(back["any_of"][0], "A ticket costs 14 crowns.");
}

#[tokio::test]
async fn json_without_a_schema_is_an_object() {
    let session = Session::plain().await;
    let config = json!({ "responseMimeType": "application/json" });
    let back: Value = serde_json::from_str(&answer(&session, config).await).expect("json");
    assert!(back["answer"].as_str().expect("text").contains("14 crowns"));
}

#[tokio::test]
async fn a_choice_is_one_of_the_enum() {
    let session = Session::plain().await;
    let config = json!({
        "responseMimeType": "text/x.enum",
        "responseSchema": { "type": "STRING", "enum": ["train", "boat", "plane"] }
    });
    assert_eq!(answer(&session, config).await, "boat");
}
