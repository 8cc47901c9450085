//! Function calling over the wire.

use serde_json::{Value, json};

use crate::client::{Session, text};

fn request(prompt: &str, mode: Value) -> Value {
    json!({
        "contents": [{ "role": "user", "parts": [{ "text": prompt }] }],
        "tools": [{ "functionDeclarations": [
            {
                "name": "book_table",
                "description": "Books a table at a restaurant",
                "parameters": {
                    "type": "OBJECT",
                    "properties": {
                        "place": { "type": "STRING" },
                        "guests": { "type": "INTEGER", "minimum": 1 },
                        "seat_by_window": { "type": "BOOLEAN" }
                    },
                    "required": ["place", "guests"]
                }
            },
            { "name": "play_song", "parametersJsonSchema": { "type": "object", "properties": {} } }
        ] }],
        "toolConfig": { "functionCallingConfig": mode }
    })
}

fn call(body: &Value) -> &Value {
    &body["candidates"][0]["content"]["parts"][0]["functionCall"]
}

#[tokio::test]
async fn a_prompt_that_names_a_function_leads_to_a_call() {
    let session = Session::plain().await;
    let prompt = "Please book a table for 4 at \"Chez Rosa\".";
    let body = session
        .generate(&request(prompt, json!({ "mode": "AUTO" })))
        .await
        .ok();
    let expected = json!({ "name": "book_table", "args": { "place": "Chez Rosa", "guests": 4 } });
    assert_eq!(*call(&body), expected);
    assert_eq!(body["candidates"][0]["finishReason"], "STOP");
    assert!(body["usageMetadata"]["candidatesTokenCount"].as_u64() > Some(0));
}

#[tokio::test]
async fn the_mode_forces_forbids_and_restricts() {
    let session = Session::plain().await;
    let ask = async |prompt: &str, mode: Value| session.generate(&request(prompt, mode)).await.ok();
    let auto = ask("How are you?", json!({ "mode": "AUTO" })).await;
    assert!(call(&auto).is_null() && !text(&auto, 0).is_empty());
    let none = ask("book_table now", json!({ "mode": "NONE" })).await;
    assert!(call(&none).is_null());
    let any = ask("How are you?", json!({ "mode": "ANY" })).await;
    assert_eq!(call(&any)["name"], "book_table");
    let only = json!({ "mode": "ANY", "allowed_function_names": ["play_song"] });
    let only = ask("book_table now", only).await;
    assert_eq!(*call(&only), json!({ "name": "play_song", "args": {} }));
}

#[tokio::test]
async fn the_result_of_a_function_is_told_in_words() {
    let session = Session::plain().await;
    let mut body = request("Book a table for 2 at Rosa.", json!({ "mode": "ANY" }));
    let turns = body["contents"].as_array_mut().expect("contents");
    turns.push(json!({ "role": "model", "parts": [
        { "functionCall": { "name": "book_table", "args": { "place": "Rosa", "guests": 2 } } }
    ] }));
    turns.push(json!({ "role": "user", "parts": [
        { "functionResponse": { "name": "book_table", "response": { "booking_code": "X7", "ok": true } } }
    ] }));
    let body = session.generate(&body).await.ok();
    assert_eq!(
        text(&body, 0),
        "book_table returned booking_code: X7, ok: true."
    );
}
