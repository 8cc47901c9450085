//! Structured answers: JSON by schema, JSON without one, and choices.

use serde_json::{Value, json};

use crate::client::{Session, ask, text};

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

#[tokio::test]
async fn a_schema_that_demands_too_much_is_refused_by_name() {
    let session = Session::plain().await;
    let tags = |least: &str| json!({ "type": "ARRAY", least: 1e12, "items": { "type": "STRING" } });
    let schema = |least| json!({ "type": "OBJECT", "properties": { "my_tags": tags(least) } });
    let many = "demands more than 10000 values in one answer.";
    let answered = |field: &str, schema: Value| {
        let mut body = ask("x");
        body["generationConfig"] = json!({ "responseMimeType": "application/json", field: schema });
        let session = &session;
        async move { session.generate(&body).await }
    };
    let own = answered("responseSchema", schema("min_items")).await;
    assert_eq!(
        own.refused(400, "INVALID_ARGUMENT"),
        format!(
            "* GenerateContentRequest.generation_config.response_schema.properties[my_tags]\
             .min_items: {many}\n"
        )
    );
    let own = answered("responseJsonSchema", schema("minItems")).await;
    assert_eq!(
        own.refused(400, "INVALID_ARGUMENT"),
        format!(
            "* GenerateContentRequest.generation_config.response_json_schema.properties[my_tags]\
             .minItems: {many}\n"
        )
    );

    let mut body = ask("hello");
    body["toolConfig"] = json!({ "functionCallingConfig": { "mode": "ANY" } });
    body["tools"] = json!([{ "googleSearch": {} }, { "functionDeclarations": [
        { "name": "file", "parameters": schema("minItems") }
    ] }]);
    let place = "* GenerateContentRequest.tools[1].function_declarations[0]";
    assert_eq!(
        session
            .generate(&body)
            .await
            .refused(400, "INVALID_ARGUMENT"),
        format!("{place}.parameters.properties[my_tags].min_items: {many}\n")
    );
    body["tools"][1]["functionDeclarations"][0] =
        json!({ "name": "file", "parametersJsonSchema": schema("minItems") });
    let response = session.stream("?alt=sse", &body).await;
    assert_eq!(response.status(), 400);
    let text = response.text().await.expect("a body");
    assert!(
        text.contains("parameters_json_schema.properties[my_tags].minItems"),
        "{text}"
    );
}
