//! What a request for content becomes on its way: schemas in order, functions in one tool.

use gimmal_api::gemini::{Endpoint, requests};
use gimmal_transport::Error;
use gimmal_types::gemini::GenerateContentRequest;
use serde_json::{Value, json};

fn body(request: &Value) -> Result<Value, Error> {
    let endpoint = Endpoint::gemini_api().build()?;
    let request: GenerateContentRequest = serde_json::from_value(request.clone()).unwrap();
    let built = requests::generate_content(&endpoint, "m", &request)?;
    Ok(serde_json::from_slice(built.body()).unwrap())
}

#[test]
fn the_order_of_a_schema_is_written_down() {
    let request = |schema: Value| json!({"generationConfig": {"responseSchema": schema}});
    let inner = json!({"properties": {"z": {}, "a": {}}});
    let given = request(json!({"type": "ARRAY", "items": inner}));
    let sent = body(&given).unwrap();
    assert_eq!(
        sent["generationConfig"]["responseSchema"]["items"]["propertyOrdering"],
        json!(["z", "a"])
    );
    let told = request(json!({"properties": {"z": {}, "a": {}}, "propertyOrdering": ["a", "z"]}));
    assert_eq!(body(&told).unwrap(), told);
}

#[test]
fn functions_are_sent_in_one_tool() {
    let function = |name: &str| json!({"functionDeclarations": [{"name": name}]});
    let sent = body(&json!({"tools": [function("a"), {"googleSearch": {}}, function("b")]}));
    assert_eq!(
        sent.unwrap()["tools"],
        json!([{"googleSearch": {}},
               {"functionDeclarations": [{"name": "a"}, {"name": "b"}]}])
    );
}

#[test]
fn a_schema_that_says_nothing_is_refused() {
    let error = body(&json!({"generationConfig": {"responseSchema": {}}})).unwrap_err();
    assert_eq!(error.field(), Some("generationConfig.responseSchema"));
    assert!(
        error
            .to_string()
            .contains("give it a type, or leave it out")
    );
}
