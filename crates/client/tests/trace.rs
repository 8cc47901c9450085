//! Spans of calls, as an exporter gets them: the names of the conventions for GenAI, the tokens a
//! reply cost, and nothing that was said.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures_util::StreamExt as _;
use gimmal_client::gemini::GeminiClient;
use gimmal_client::transport::otel::Otel;
use gimmal_client::transport::testing::{Reply, ScriptedTransport};
use gimmal_client::types::gemini::GenerationConfig;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use serde_json::{Value, json};

/// Keeps what is exported.
#[derive(Clone, Debug, Default)]
struct Kept(Arc<Mutex<Vec<SpanData>>>);

impl SpanExporter for Kept {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.lock().unwrap().extend(batch);
        Ok(())
    }
}

impl Kept {
    /// Name and attributes of the only span.
    fn only(&self) -> (String, BTreeMap<String, String>) {
        let spans = self.0.lock().unwrap();
        assert_eq!(spans.len(), 1, "{spans:#?}");
        assert!(!format!("{spans:?}").contains("SECRET"), "{spans:#?}");
        let attributes = spans[0].attributes.iter();
        let attributes = attributes.map(|it| (it.key.to_string(), it.value.to_string()));
        (spans[0].name.to_string(), attributes.collect())
    }
}

fn client(reply: Reply) -> (GeminiClient, Kept) {
    let kept = Kept::default();
    let tracers = SdkTracerProvider::builder()
        .with_simple_exporter(kept.clone())
        .build();
    let meters = SdkMeterProvider::builder().build();
    let client = GeminiClient::builder()
        .with_api_key("SECRET")
        .with_http(Arc::new(ScriptedTransport::new([reply])))
        .with_transport(|transport| transport.with_otel(Otel::new(&tracers, &meters)))
        .build()
        .unwrap();
    (client, kept)
}

fn chunk(text: &str, output: u32, finish: Option<&str>) -> Value {
    json!({
        "candidates": [{"content": {"parts": [{"text": text}]}, "finishReason": finish}],
        "modelVersion": "gemini-2.5-flash-001", "responseId": "resp-1",
        "usageMetadata": {"promptTokenCount": 10, "cachedContentTokenCount": 4,
            "candidatesTokenCount": output, "thoughtsTokenCount": 2}})
}

fn expect(attributes: &BTreeMap<String, String>, expected: &[(&str, &str)]) {
    for (name, value) in expected {
        let found = attributes.get(*name).map(String::as_str);
        assert_eq!(found, Some(*value), "{name} in {attributes:#?}");
    }
}

const USED: [(&str, &str); 9] = [
    ("gen_ai.operation.name", "generate_content"),
    ("gen_ai.provider.name", "gcp.gemini"),
    ("gen_ai.request.model", "gemini-2.5-flash"),
    ("gen_ai.response.model", "gemini-2.5-flash-001"),
    ("gen_ai.response.id", "resp-1"),
    ("gen_ai.response.finish_reasons", "[\"STOP\"]"),
    ("gen_ai.usage.input_tokens", "10"),
    ("gen_ai.usage.cache_read.input_tokens", "4"),
    ("gen_ai.usage.reasoning.output_tokens", "2"),
];

/// Covers: models.generate_content
#[tokio::test]
async fn a_generation() {
    let (client, kept) = client(Reply::json(
        200,
        chunk("SECRET", 5, Some("STOP")).to_string(),
    ));
    let config = GenerationConfig::new()
        .set_temperature(0.25)
        .set_max_output_tokens(100)
        .set_candidate_count(1)
        .set_response_mime_type("application/json");
    let call = client.models().generate_content("models/gemini-2.5-flash");
    let call = call.set_contents(["SECRET"]).set_generation_config(config);
    drop(call.send().await.unwrap());
    let (name, attributes) = kept.only();
    assert_eq!(name, "generate_content gemini-2.5-flash");
    expect(&attributes, &USED);
    expect(
        &attributes,
        &[
            ("gen_ai.usage.output_tokens", "7"),
            ("gen_ai.request.temperature", "0.25"),
            ("gen_ai.request.max_tokens", "100"),
            ("gen_ai.output.type", "json"),
        ],
    );
    assert!(!attributes.contains_key("gen_ai.request.choice.count"));
}

/// The running totals of a stream: the last ones count.
///
/// Covers: models.generate_content_stream
#[tokio::test]
async fn a_stream() {
    let chunks = [chunk("SECRET", 3, None), chunk("SECRET", 8, Some("STOP"))];
    let (client, kept) = client(Reply::events(chunks.map(|chunk| chunk.to_string())));
    let call = client.models().generate_content("gemini-2.5-flash");
    let mut stream = call.set_contents(["SECRET"]).stream().await.unwrap();
    while let Some(chunk) = stream.next().await {
        chunk.unwrap();
    }
    drop(stream);
    let (_, attributes) = kept.only();
    expect(&attributes, &USED);
    expect(&attributes, &[("gen_ai.usage.output_tokens", "10")]);
}

/// Covers: models.embed_content
#[tokio::test]
async fn an_embedding() {
    let body = json!({"embeddings": [{"values": [0.5]}], "usageMetadata": {"promptTokenCount": 6}});
    let (client, kept) = client(Reply::json(200, body.to_string()));
    drop(
        client
            .models()
            .embed_content("e")
            .set_contents(["SECRET"])
            .send()
            .await
            .unwrap(),
    );
    let (name, attributes) = kept.only();
    assert_eq!(name, "embeddings e");
    expect(&attributes, &[("gen_ai.usage.input_tokens", "6")]);
}
