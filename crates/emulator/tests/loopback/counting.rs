//! `countTokens` and the usage of answers agree.

use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::{Value, json};

use crate::client::{MODEL, Session, ask};

fn path() -> String {
    format!("v1beta/models/{MODEL}:countTokens")
}

fn part() -> impl Strategy<Value = Value> {
    prop_oneof![
        "[ a-zA-Z0-9.,\\n日本]{0,200}".prop_map(|text| json!({ "text": text })),
        (0_usize..500).prop_map(|n| {
            json!({ "inlineData": { "mimeType": "audio/mp3", "data": "AAAA".repeat(n) } })
        }),
        Just(json!({ "inlineData": { "mimeType": "image/png", "data": "AAAA" } })),
        Just(json!({ "inlineData": { "mimeType": "text/plain", "data": "aGVsbG8gdGhlcmU" } })),
        Just(
            json!({ "fileData": { "mimeType": "video/mp4", "fileUri": "https://example.com/v" } })
        ),
        Just(json!({ "functionCall": { "name": "f", "args": { "a": 1 } } })),
        Just(json!({ "functionResponse": { "name": "f", "response": { "a": "b" } } })),
    ]
}

#[test]
fn the_count_of_contents_is_the_prompt_count_of_an_answer() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let session = runtime.block_on(Session::plain());
    let turns = prop::collection::vec(prop::collection::vec(part(), 1..4), 1..4);
    let mut runner = TestRunner::new(ProptestConfig::with_cases(40));
    let result = runner.run(&turns, |turns| {
        let contents: Vec<Value> = turns
            .iter()
            .map(|parts| json!({ "role": "user", "parts": parts }))
            .collect();
        let body = json!({ "contents": contents });
        let (counted, answered) = runtime.block_on(async {
            (
                session.post(&path(), &body).await.ok(),
                session.generate(&body).await.ok(),
            )
        });
        let usage = &answered["usageMetadata"];
        prop_assert_eq!(&counted["totalTokens"], &usage["promptTokenCount"]);
        prop_assert_eq!(
            &counted["promptTokensDetails"],
            &usage["promptTokensDetails"]
        );
        let details = usage["promptTokensDetails"].as_array().expect("details");
        let sum: u64 = details
            .iter()
            .filter_map(|detail| detail["tokenCount"].as_u64())
            .sum();
        prop_assert_eq!(Some(sum), usage["promptTokenCount"].as_u64());
        let total = ["promptTokenCount", "candidatesTokenCount"].map(|key| usage[key].as_u64());
        prop_assert_eq!(
            usage["totalTokenCount"].as_u64(),
            total[0].zip(total[1]).map(|(a, b)| a + b)
        );
        Ok(())
    });
    result.expect("the counts agree");
}

#[tokio::test]
async fn a_whole_request_is_counted_with_its_cache() {
    let session = Session::plain().await;
    let cache = session.create_cache(json!({})).await.ok();
    let cached = &cache["usageMetadata"]["totalTokenCount"];
    let mut request = ask("Where are the keys?");
    request["model"] = format!("models/{MODEL}").into();
    request["cachedContent"] = cache["name"].clone();
    let body = json!({ "generateContentRequest": request });
    let counted = session.post(&path(), &body).await.ok();
    assert_eq!(counted["cachedContentTokenCount"], *cached);
    let answered = session.generate(&request).await.ok();
    assert_eq!(
        counted["totalTokens"],
        answered["usageMetadata"]["promptTokenCount"]
    );
}

#[tokio::test]
async fn system_instruction_and_tools_count_as_prompt() {
    let session = Session::plain().await;
    let plain = session.generate(&ask("hello")).await.ok();
    let mut more = ask("hello");
    more["systemInstruction"] = json!({ "parts": { "text": "Speak like a pirate." } });
    more["tools"] = json!([{ "functionDeclarations": [{ "name": "f" }] }]);
    let more = session.generate(&more).await.ok();
    let count = |body: &Value| body["usageMetadata"]["promptTokenCount"].as_u64();
    assert!(count(&more) > count(&plain));
}

#[tokio::test]
async fn computed_tokens_join_to_the_text() {
    let session = Session::plain().await;
    let path = format!("v1/projects/p/locations/l/publishers/google/models/{MODEL}:computeTokens");
    let text = "Grüße, 日本! 3.14\n\nend";
    let reply = session.post(&path, &ask(text)).await.ok();
    let info = &reply["tokensInfo"][0];
    let tokens = info["tokens"].as_array().expect("tokens");
    let bytes = tokens.iter().flat_map(|token| {
        let token = token.as_str().expect("base64");
        base64::Engine::decode(&base64::engine::general_purpose::STANDARD, token).expect("base64")
    });
    assert_eq!(String::from_utf8(bytes.collect()).as_deref(), Ok(text));
    assert_eq!(
        info["tokenIds"].as_array().map(Vec::len),
        Some(tokens.len())
    );
    assert_eq!(info["role"], "user");
    let developer = session
        .post(&format!("v1beta/models/{MODEL}:computeTokens"), &ask(text))
        .await;
    assert!(
        developer
            .refused(404, "NOT_FOUND")
            .contains("computeTokens")
    );
}
