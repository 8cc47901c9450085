//! Bodies recorded from the official SDK decode into our types and come back unchanged.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use gimmal_types::gemini::{
    CachedContent, CountTokensRequest, CountTokensResponse, CreateCachedContentRequest,
    GenerateContentRequest, GenerateContentResponse, ListCachedContentsResponse,
    ListModelsResponse, Model, UpdateCachedContentRequest,
};

const GOLDEN: &str = include_str!("fixtures/gemini-golden.json");

/// Members whose keys are the caller's own and are left alone.
const FREE_FORM: [&str; 6] = [
    "args",
    "response",
    "properties",
    "labels",
    "responseJsonSchema",
    "parametersJsonSchema",
];

/// The same JSON with every schema key in camelCase, dates in one form and no `null` members.
fn normalised(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut out = Map::new();
            for (key, value) in members {
                let key = camel(key);
                let value = match (key.as_str(), value) {
                    (_, Value::Null) => continue,
                    // The caller's keys stay, but the schemas below them are ours.
                    ("properties", Value::Object(inner)) => Value::Object(
                        inner
                            .iter()
                            .map(|(name, schema)| (name.clone(), normalised(schema)))
                            .collect(),
                    ),
                    (free, value) if FREE_FORM.contains(&free) => value.clone(),
                    ("expireTime", Value::String(text)) => json!(utc(text)),
                    // The reference counts likeliest tokens as a float in requests.
                    (_, value) => normalised(value),
                };
                out.insert(key, value);
            }
            Value::Object(out)
        }
        Value::Array(items) => Value::Array(items.iter().map(normalised).collect()),
        Value::Number(number) => json!(number.as_f64()),
        other => other.clone(),
    }
}

fn camel(key: &str) -> String {
    let mut words = key.split('_');
    let mut out = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        out.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        out.push_str(letters.as_str());
    }
    out
}

fn utc(text: &str) -> String {
    text.parse::<gimmal_types::Timestamp>()
        .map_or_else(|_| text.to_owned(), |time| time.to_string())
}

fn round_trip<T: DeserializeOwned + Serialize>(case: &str, json: &Value) {
    let typed: T = serde_json::from_value(json.clone())
        .unwrap_or_else(|error| panic!("{case}: {error}\n{json}"));
    let back = serde_json::to_value(&typed).unwrap();
    let (mut have, mut want) = (normalised(&back), normalised(json));
    // Empty lists are not sent: absent and empty mean the same to the service.
    drop_empty_lists(&mut have);
    drop_empty_lists(&mut want);
    assert_eq!(have, want, "{case}");
}

fn drop_empty_lists(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, value| *value != json!([]));
            members.values_mut().for_each(drop_empty_lists);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_empty_lists),
        _ => {}
    }
}

#[test]
fn requests_and_replies_round_trip() {
    let cases: Vec<Value> = serde_json::from_str(GOLDEN).unwrap();
    let mut checked = 0;
    for case in &cases {
        let name = case["name"].as_str().unwrap();
        let label = format!("{} {name}", case["mode"].as_str().unwrap());
        // A date without an offset is refused by our type; the service's meaning of it is unclear.
        if name.contains("naive") {
            continue;
        }
        for request in case["requests"].as_array().unwrap() {
            let body = &request["body"];
            if !body.is_object() {
                continue;
            }
            match name.split([' ', '_']).next().unwrap() {
                "caches.create" => round_trip::<CreateCachedContentRequest>(&label, body),
                "caches.update" => round_trip::<UpdateCachedContentRequest>(&label, body),
                "count" => round_trip::<CountTokensRequest>(&label, body),
                "generate" => round_trip::<GenerateContentRequest>(&label, body),
                _ => continue,
            }
            checked += 1;
        }
        let reply = &case["server_response"];
        if !reply.is_object() || reply.get("status").is_some() {
            continue;
        }
        match name.split(' ').next().unwrap() {
            "caches.create" | "caches.get" | "caches.update" => {
                round_trip::<CachedContent>(&label, reply);
            }
            "caches.list" => round_trip::<ListCachedContentsResponse>(&label, reply),
            "generate_content" => round_trip::<GenerateContentResponse>(&label, reply),
            "count_tokens" => round_trip::<CountTokensResponse>(&label, reply),
            "models.get" => round_trip::<Model>(&label, reply),
            "models.list" => round_trip::<ListModelsResponse>(&label, reply),
            _ => continue,
        }
        checked += 1;
    }
    assert!(checked >= 70, "only {checked} bodies were compared");
}

#[test]
fn recorded_fields_all_have_a_place() {
    // Everything the reference can send is a field of ours, not an unknown member.
    let cases: Vec<Value> = serde_json::from_str(GOLDEN).unwrap();
    let full = cases
        .iter()
        .filter(|case| case["name"] == "generate_content full config")
        .map(|case| &case["requests"][0]["body"]);
    let mut seen = 0;
    for body in full {
        let request: GenerateContentRequest = serde_json::from_value(body.clone()).unwrap();
        assert!(
            request.unknown_fields.is_empty(),
            "{:?}",
            request.unknown_fields
        );
        let config = request.generation_config.unwrap();
        assert!(
            config.unknown_fields.is_empty(),
            "{:?}",
            config.unknown_fields
        );
        assert!(config.temperature.is_some());
        seen += 1;
    }
    assert_eq!(seen, 2);
}
