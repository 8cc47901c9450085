//! `HttpOptions` on the wire: where requests go, what they say of the client, what is added to
//! their bodies, and how often they are sent.

use std::sync::Arc;
use std::time::Duration;

use gimmal_client::gemini::{GeminiClient, GeminiClientBuilder};
use gimmal_client::transport::testing::{RecordedRequest, Reply, ScriptedTransport};
use gimmal_client::types::gemini::{HttpOptions, HttpRetryOptions, ResourceScope};
use gimmal_client::{CallOptions, Timeout};
use http::{HeaderName, HeaderValue};
use serde_json::{Map, Value, json};

const REPLY: &str = r#"{"candidates": [{"content": {"parts": [{"text": "hello"}]}}]}"#;

/// A client on a script of equal replies, and what it sends.
fn client(builder: GeminiClientBuilder) -> (GeminiClient, ScriptedTransport) {
    let replies = (0..4).map(|_| Reply::json(200, REPLY));
    let http = ScriptedTransport::new(replies);
    let client = builder.with_http(Arc::new(http.clone())).build().unwrap();
    (client, http)
}

fn keyed() -> GeminiClientBuilder {
    GeminiClient::builder().with_api_key("K")
}

async fn ask(client: &GeminiClient) {
    let call = client.models().generate_content("m").set_contents(["hi"]);
    assert_eq!(
        call.send().await.unwrap().body().text().as_deref(),
        Some("hello")
    );
}

fn body(request: &RecordedRequest) -> Value {
    serde_json::from_slice(request.body()).unwrap()
}

/// Covers: models.generate_content
#[tokio::test]
async fn options_of_a_call_stand_over_those_of_the_client() {
    let own = HttpOptions::new()
        .set_headers([("x-client".to_owned(), "client".to_owned())])
        .set_timeout(60_000);
    let (client, http) = client(keyed().with_http_options(own));
    let other = HttpOptions::new()
        .set_base_url("https://other.example.test/base")
        .set_api_version("v1alpha")
        .set_headers([("X-Client".to_owned(), "call".to_owned())])
        .set_timeout(0);
    let shorter = HttpOptions::new().set_timeout(1_500);
    ask(&client).await;
    ask(&client.with_http_options(&other).unwrap()).await;
    ask(&client.with_http_options(&shorter).unwrap()).await;
    ask(&client).await;

    let seen: Vec<_> = http.requests();
    let shown = |request: &RecordedRequest| {
        let header = |name: &str| request.header(name).map(str::to_owned);
        (
            request.uri().to_string(),
            header("x-client"),
            header("x-server-timeout"),
        )
    };
    let usual = |seconds: &str| {
        let url = "https://generativelanguage.googleapis.com/v1/models/m:generateContent";
        (
            url.to_owned(),
            Some("client".to_owned()),
            Some(seconds.to_owned()),
        )
    };
    assert_eq!(shown(&seen[0]), usual("60"));
    let url = "https://other.example.test/base/v1alpha/models/m:generateContent";
    assert_eq!(
        shown(&seen[1]),
        (url.to_owned(), Some("call".to_owned()), None)
    );
    assert_eq!(shown(&seen[2]), usual("2"));
    assert_eq!(shown(&seen[3]), usual("60"));
}

#[tokio::test]
async fn the_server_is_told_every_limit_that_was_set() {
    let (client, http) = client(keyed());
    let limit = |limit| CallOptions::new().with_attempt_timeout(limit);
    let name = HeaderName::from_static("x-server-timeout");
    let own = limit(Timeout::After(Duration::from_secs(9))).with_header(name, "5".parse().unwrap());
    for options in [
        CallOptions::new(),
        limit(Timeout::After(Duration::from_millis(2_001))),
        limit(Timeout::Never),
        own,
    ] {
        let call = client.models().generate_content("m").set_contents(["hi"]);
        call.with_options(options).send().await.unwrap();
    }
    let told = http.requests();
    let told: Vec<_> = told
        .iter()
        .map(|it| it.header("x-server-timeout"))
        .collect();
    assert_eq!(told, [None, Some("3"), None, Some("5")]);
}

/// Covers: caches.list
#[tokio::test]
async fn extra_members_find_their_places() {
    let extra = json!({"generation_config": {"top_k": 3, "newKnob": {"on": true}}, "labels": {}});
    let extra: Map<String, Value> = serde_json::from_value(extra).unwrap();
    let options = HttpOptions::new().set_extra_body(extra);
    let (client, http) = client(keyed().with_http_options(options));
    let config = serde_json::from_value(json!({"topK": 1.0, "temperature": 0.5})).unwrap();
    let call = client.models().generate_content("m").set_contents(["hi"]);
    call.set_generation_config(config).send().await.unwrap();
    let mut pages = client.caches().list().items();
    assert!(futures_util::StreamExt::next(&mut pages).await.is_none());

    let seen = http.requests();
    let config = &body(&seen[0])["generationConfig"];
    assert_eq!(
        config,
        &json!({"topK": 3, "temperature": 0.5, "newKnob": {"on": true}})
    );
    // A request that has no body gets this one.
    assert_eq!(body(&seen[1])["generation_config"]["top_k"], 3);
    assert_eq!(seen[1].header("content-type"), Some("application/json"));
}

#[tokio::test(start_paused = true)]
async fn retries_are_those_of_the_options() {
    let replies = [
        Reply::json(500, "{}"),
        Reply::json(404, "{}"),
        Reply::json(500, "{}"),
    ];
    let http = ScriptedTransport::new(replies);
    let retry = HttpRetryOptions::new()
        .set_attempts(2)
        .set_initial_delay(0.5)
        .set_jitter(0.0)
        .set_http_status_codes([500, 404]);
    let options = HttpOptions::new().set_retry_options(retry);
    let client = keyed()
        .with_http(Arc::new(http.clone()))
        .with_http_options(options);
    let client = client.build().unwrap();
    let begun = tokio::time::Instant::now();
    let call = client.models().generate_content("m").set_contents(["hi"]);
    let error = call.send().await.unwrap_err();
    assert_eq!(error.status().unwrap(), 404);
    assert_eq!(begun.elapsed(), Duration::from_millis(500));

    let once = HttpOptions::new().set_retry_options(HttpRetryOptions::new().set_attempts(1));
    let call = client.with_http_options(&once).unwrap();
    let call = call.models().generate_content("m").set_contents(["hi"]);
    assert_eq!(call.send().await.unwrap_err().attempts().len(), 1);
    assert_eq!(http.remaining(), 0);
}

/// The rows of a gateway in front of Vertex AI.
#[tokio::test]
async fn a_gateway_gets_no_credentials_and_knows_its_place() {
    let express = GeminiClient::builder().with_vertex_express();
    let place = GeminiClient::builder()
        .with_vertex("p", "l")
        .with_bearer_token("T");
    let scope = HttpOptions::new()
        .set_base_url("https://gw/x")
        .set_base_url_resource_scope(ResourceScope::Collection);
    let plain = HttpOptions::new().set_base_url("https://gw/x/");
    let generate = "publishers/google/models/m:generateContent";
    for (builder, options, url, bearer) in [
        (
            express,
            scope.clone(),
            format!("https://gw/x/{generate}"),
            None,
        ),
        (
            place,
            plain,
            format!("https://gw/x/v1beta1/projects/p/locations/l/{generate}"),
            Some("Bearer T"),
        ),
    ] {
        let (client, http) = client(builder.with_http_options(options));
        ask(&client).await;
        let inner = client.with_http_options(&scope).unwrap();
        ask(&inner).await;
        let seen = http.requests();
        assert_eq!(seen[0].uri(), url.as_str());
        assert_eq!(seen[1].uri(), format!("https://gw/x/{generate}").as_str());
        for request in &seen {
            assert_eq!(request.header("authorization"), bearer);
            assert_eq!(request.header("x-goog-api-key"), None);
        }
    }
    #[cfg(not(feature = "google-auth"))]
    {
        let googles = GeminiClient::builder().with_vertex_express();
        let error = googles
            .with_base_url("https://x.googleapis.com")
            .build()
            .unwrap_err();
        assert_eq!(error.field(), Some("bearer_token"));
    }
}

/// Covers: models.generate_content
#[tokio::test]
async fn a_raw_reply_is_left_as_it_came() {
    let http = ScriptedTransport::new([Reply::json(200, "{\"a\": [1, 2]").with_header(
        HeaderName::from_static("x-request-id"),
        HeaderValue::from_static("r1"),
    )]);
    let client = keyed().with_http(Arc::new(http)).build().unwrap();
    let call = client.models().generate_content("m").set_contents(["hi"]);
    let reply = call.send_raw().await.unwrap();
    assert_eq!(reply.request_id(), Some("r1"));
    assert_eq!(&reply.into_body()[..], b"{\"a\": [1, 2]");
}

#[tokio::test]
async fn bad_options_are_refused_where_they_are_given() {
    let (client, _) = client(keyed());
    for (options, message) in [
        (
            HttpOptions::new().set_base_url_resource_scope(ResourceScope::Collection),
            "invalid `base_url_resource_scope`: says what a base URL stands for; set `base_url` \
             with it",
        ),
        (
            HttpOptions::new().set_timeout(-5),
            "invalid `timeout`: is -5 ms; it must be positive, or 0 for no limit",
        ),
    ] {
        let error = client.with_http_options(&options).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

/// Covers: Chat.send_message
#[tokio::test]
async fn the_library_says_what_it_is_used_for() {
    let (client, http) = client(keyed());
    let mut chat = client.chats().create("m").start().unwrap();
    chat.send_message("hi").send().await.unwrap();
    ask(&client).await;
    let seen = http.requests();
    let name = |index: usize| seen[index].header("x-goog-api-client").unwrap().to_owned();
    assert!(name(0).contains("+chat gl-rust/"), "{}", name(0));
    assert!(!name(1).contains('+'), "{}", name(1));
}
