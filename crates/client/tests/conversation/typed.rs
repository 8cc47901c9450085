//! Functions and replies whose schemas follow from Rust types.

use gimmal_client::ErrorKind;
use gimmal_client::gemini::{Function, GeminiClient};
use gimmal_client::types::gemini::{Schema, Type};
use gimmal_emulator::Emulator;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::support::{MODEL, calls, client, in_time, says, sent, whole};

#[derive(Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
struct City {
    /// Its usual name.
    name: String,
    area: Option<f64>,
    districts: Vec<District>,
}

#[derive(Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
struct District {
    kind: Kind,
}

#[derive(Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
enum Kind {
    Old,
    New,
}

#[test]
fn the_schema_of_a_type_keeps_the_order_of_its_fields() {
    let schema = Schema::of::<City>().unwrap();
    assert_eq!(schema.property_ordering, ["name", "area", "districts"]);
    assert_eq!(schema.required, ["name", "districts"]);
    let name = &schema.properties["name"];
    assert_eq!(name.description.as_deref(), Some("Its usual name."));
    let area = &schema.properties["area"];
    assert_eq!(
        (&area.value_type, area.nullable),
        (&Some(Type::Number), Some(true))
    );
    let district = schema.properties["districts"].items.as_ref().unwrap();
    assert_eq!(district.properties["kind"].enumeration, ["Old", "New"]);
}

/// Covers: models.generate_content
#[tokio::test]
async fn a_reply_is_a_value() {
    let city = json!({"name": "Ulm", "area": 118.7, "districts": [{"kind": "Old"}]});
    let (client, http) = client([whole(&says(&city.to_string()))]);
    let call = client.models().generate_content(MODEL).set_contents(["q"]);
    let reply = in_time(call.send_as::<City>()).await.unwrap();
    assert_eq!(json!(reply.body()), city);
    assert_eq!(reply.status().as_u16(), 200);
    let config = http.requests()[0].json().unwrap()["generationConfig"].clone();
    assert_eq!(config["responseMimeType"], "application/json");
    let properties = config["responseJsonSchema"]["properties"]
        .as_object()
        .unwrap();
    assert_eq!(
        properties.keys().collect::<Vec<_>>(),
        ["name", "area", "districts"]
    );
}

#[tokio::test]
async fn a_reply_that_is_no_such_value_is_kept() {
    let cut = json!({"candidates": [{"content": {"parts": [{"text": "{\"name\": \"U"}]},
                                     "finishReason": "MAX_TOKENS"}]});
    let (client, _) = client([whole(&cut)]);
    let call = client.models().generate_content(MODEL).set_contents(["q"]);
    let error = in_time(call.send_as::<City>()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert_eq!(error.payload().unwrap().as_ref(), br#"{"name": "U"#);
    assert_eq!(
        error.to_string(),
        "reply could not be read: EOF while parsing a string at line 1 column 11; the reply was \
         cut (finish reason MAX_TOKENS): raise maxOutputTokens, lower the thinking budget, or ask \
         for less"
    );
}

#[tokio::test]
async fn a_reply_without_a_value_says_how_it_ended() {
    for (reply, ending) in [
        (
            json!({"candidates": [{"finishReason": "SAFETY"}]}),
            "the reply was ended early (finish reason SAFETY)",
        ),
        (
            json!({"promptFeedback": {"blockReason": "BLOCKLIST"}}),
            "the prompt was blocked: BLOCKLIST",
        ),
        (says("{}"), "the reply is whole (finish reason STOP)"),
        (json!({}), "the reply has no finish reason"),
    ] {
        let (client, _) = client([whole(&reply)]);
        let call = client.models().generate_content(MODEL).set_contents(["q"]);
        let error = in_time(call.send_as::<City>()).await.unwrap_err();
        assert!(error.to_string().ends_with(ending), "{error}");
    }
}

#[tokio::test]
async fn a_function_is_declared_by_its_types() {
    #[derive(Deserialize, JsonSchema)]
    struct Place {
        /// Name of the city.
        city: String,
        #[serde(default)]
        days: Option<u8>,
    }
    let weather = Function::typed("weather", "Tells the weather.", |place: Place| async move {
        Ok::<_, String>(format!("{} {}", place.city, place.days.unwrap_or(1)))
    })
    .with_response::<String>();
    let (client, http) = client([
        whole(&calls(&[("weather", json!({"city": "Ulm", "days": 2.0}))])),
        whole(&says("done")),
    ]);
    let call = client.models().generate_content(MODEL).set_contents(["q"]);
    in_time(call.with_functions([weather]).send())
        .await
        .unwrap();
    assert_eq!(sent(&http)[1][2], r#"user: weather={"result":"Ulm 2"}"#);
    let tools: Value = http.requests()[0].json().unwrap()["tools"].clone();
    let declared = &tools[0]["functionDeclarations"][0];
    assert_eq!(declared["description"], "Tells the weather.");
    assert_eq!(
        declared["parametersJsonSchema"]["required"],
        json!(["city"])
    );
    assert_eq!(declared["responseJsonSchema"]["type"], "string");
}

/// Covers: models.generate_content, Chat.send_message
#[tokio::test]
async fn the_emulator_follows_the_schema_and_calls_functions() {
    let emulator = Emulator::builder().with_api_key("key");
    let emulator = in_time(emulator.start()).await.unwrap();
    let builder = GeminiClient::builder().with_api_key("key");
    let client = builder.with_base_url(emulator.base_url()).build().unwrap();

    let call = client.models().generate_content(MODEL);
    let call = call.set_contents(["Describe the city of Ulm with its districts."]);
    let reply = in_time(call.send_as::<City>()).await.unwrap();
    assert!(!reply.body().name.is_empty());

    #[derive(Deserialize, JsonSchema)]
    struct Place {
        city: String,
    }
    let weather = Function::typed(
        "get_weather",
        "Tells the weather in a city.",
        |place: Place| async move { Ok::<_, String>(format!("sunny in {}", place.city)) },
    );
    let mut chat = client
        .chats()
        .create(MODEL)
        .with_functions([weather])
        .start()
        .unwrap();
    let message = chat.send_message("What is the weather in the city of Ulm?");
    in_time(message.send()).await.unwrap();
    // Question, call, result, answer.
    assert_eq!(chat.history().len(), 4, "{:?}", chat.history());
}
