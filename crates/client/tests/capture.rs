//! Whatever the call, its caller learns what the answer was like: status, headers, the server's
//! names for request and trace, its limits, and how many attempts it took.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt as _;
use gimmal_client::Progress;
use gimmal_client::gemini::GeminiClient;
use gimmal_client::transport::observe::Event;
use gimmal_client::transport::testing::{Reply, ScriptedTransport};
use gimmal_client::transport::{EventBus, FixedJitter, ResponseParts};
use gimmal_client::types::gemini::{BatchJob, BatchJobSource, InlinedRequest};
use http::{HeaderName, HeaderValue};
use serde_json::{Value, json};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// An answer with everything that there is to learn of it.
fn told(reply: Reply) -> Reply {
    let trace = format!("00-{TRACE}-00f067aa0ba902b7-01");
    let headers = [
        ("x-request-id", "r-1"),
        ("traceparent", &trace),
        ("x-ratelimit-limit-requests", "60"),
        ("x-ratelimit-remaining-requests", "59"),
        ("x-ratelimit-remaining-tokens", "1000"),
        ("x-ratelimit-reset-tokens", "1m30s"),
        ("retry-after", "2"),
    ];
    headers.into_iter().fold(reply, |reply, (name, value)| {
        reply.with_header(
            HeaderName::from_static(name),
            HeaderValue::from_str(value).unwrap(),
        )
    })
}

fn answer(body: &Value) -> Reply {
    told(Reply::json(200, body.to_string()))
}

/// A client whose every first attempt fails.
fn client(replies: impl IntoIterator<Item = Reply>) -> GeminiClient {
    let replies = replies
        .into_iter()
        .flat_map(|reply| [Reply::status(503), reply]);
    let http = ScriptedTransport::new(replies);
    GeminiClient::builder()
        .with_api_key("K")
        .with_http(Arc::new(http))
        .with_transport(|transport| transport.with_jitter(Arc::new(FixedJitter::new(0.5))))
        .build()
        .unwrap()
}

fn check(parts: &ResponseParts) {
    assert_eq!(parts.status, 200);
    assert_eq!(
        (parts.request_id(), parts.trace_id()),
        (Some("r-1"), Some(TRACE))
    );
    let limits = parts.rate_limits();
    assert_eq!(
        (limits.requests.limit, limits.requests.remaining),
        (Some(60), Some(59))
    );
    assert_eq!(limits.tokens.remaining, Some(1_000));
    assert_eq!(limits.tokens.resets_after, Some(Duration::from_secs(90)));
    assert_eq!(limits.retry_after, Some(Duration::from_secs(2)));
    assert_eq!(parts.attempts, 2);
    assert!(
        parts.took > Duration::ZERO,
        "the wait between the attempts counts"
    );
}

fn said() -> Value {
    json!({"candidates": [{"content": {"role": "model", "parts": [{"text": "a"}]},
        "finishReason": "STOP"}]})
}

/// Covers: models.generate_content, models.count_tokens, models.embed_content, models.get,
/// caches.get, caches.delete, files.get, files.delete, batches.get, tokens.create
#[tokio::test(start_paused = true)]
async fn replies() {
    let nothing = json!({});
    let embedded = json!({"embeddings": [{"values": [0.5]}]});
    let file = json!({"name": "files/f", "state": "ACTIVE"});
    let replies = [
        &said(),
        &nothing,
        &embedded,
        &nothing,
        &nothing,
        &nothing,
        &file,
        &nothing,
    ];
    let client = client(replies.map(answer));
    let models = client.models();
    let generated = models
        .generate_content("m")
        .set_contents(["hi"])
        .send()
        .await
        .unwrap();
    check(generated.parts());
    check(
        models
            .count_tokens("m")
            .set_contents(["hi"])
            .send()
            .await
            .unwrap()
            .parts(),
    );
    check(
        models
            .embed_content("m")
            .set_contents(["hi"])
            .send()
            .await
            .unwrap()
            .parts(),
    );
    check(models.get("m").send().await.unwrap().parts());
    check(client.caches().get("c").send().await.unwrap().parts());
    check(client.caches().delete("c").send().await.unwrap().parts());
    check(client.files().get("f").send().await.unwrap().parts());
    check(client.files().delete("f").send().await.unwrap().parts());
}

/// Covers: models.list, caches.list
#[tokio::test(start_paused = true)]
async fn lists() {
    let first = json!({"cachedContents": [{"name": "a"}, {"name": "b"}], "nextPageToken": "2"});
    let second = json!({"cachedContents": [{"name": "c"}]});
    let twice = client([&first, &second, &first, &second].map(answer));
    let mut caches = twice.caches().list().items();
    assert!(caches.head().is_none());
    let mut names = Vec::new();
    while let Some(cache) = caches.next().await {
        names.extend(cache.unwrap().name);
        check(caches.head().unwrap());
    }
    assert_eq!(names, ["a", "b", "c"]);
    let pages = twice.caches().list().items().pages();
    let pages: Vec<_> = pages.collect().await;
    assert_eq!(pages.len(), 2);
    pages
        .iter()
        .for_each(|page| check(&page.as_ref().unwrap().parts));
}

/// Covers: models.generate_content_stream, Chat.send_message_stream
#[tokio::test(start_paused = true)]
async fn streams_and_chats() {
    let events = || told(Reply::events([said().to_string()]));
    let client = client([events(), events(), answer(&said())]);
    let stream = client
        .models()
        .generate_content("m")
        .set_contents(["hi"])
        .stream()
        .await;
    let stream = stream.unwrap();
    check(stream.parts());
    assert_eq!(stream.collect().await.unwrap().text().as_deref(), Some("a"));
    let mut chat = client.chats().create("m").start().unwrap();
    check(chat.send_message("hi").stream().await.unwrap().parts());
    check(chat.send_message("hi").send().await.unwrap().parts());
}

/// Covers: batches.create
#[tokio::test(start_paused = true)]
async fn work_that_outlives_a_call() {
    let at = |state: &str| json!({"name": "batches/1", "metadata": {"state": state}});
    let client = client([
        answer(&at("BATCH_STATE_RUNNING")),
        answer(&at("BATCH_STATE_SUCCEEDED")),
        answer(&at("BATCH_STATE_RUNNING")),
    ]);
    let mut poller = client.batches().poller("batches/1");
    assert!(poller.head().is_none());
    while let Some(progress) = poller.next().await {
        check(poller.head().unwrap());
        assert!(matches!(
            progress.unwrap(),
            Progress::Running(_) | Progress::Done(_)
        ));
    }
    let job = client
        .operations()
        .get::<BatchJob>("batches/1")
        .send()
        .await
        .unwrap();
    check(job.parts());

    // Creating is not repeated, so it is answered at once.
    let http = ScriptedTransport::new([answer(&at("BATCH_STATE_PENDING"))]);
    let builder = GeminiClient::builder()
        .with_api_key("K")
        .with_http(Arc::new(http));
    let created = builder.build().unwrap().batches();
    let created = created.create(
        "m",
        BatchJobSource::inlined([InlinedRequest::new().set_contents(["hi"])]),
    );
    let created = created.send().await.unwrap();
    assert_eq!((created.request_id(), created.attempts()), (Some("r-1"), 1));
}

#[tokio::test(start_paused = true)]
async fn refusals() {
    let refusal = told(Reply::json(
        400,
        r#"{"error": {"code": 400, "message": "no"}}"#,
    ));
    let error = client([refusal])
        .models()
        .get("m")
        .send()
        .await
        .unwrap_err();
    assert_eq!(
        (error.request_id(), error.trace_id()),
        (Some("r-1"), Some(TRACE))
    );
    assert_eq!(error.rate_limits().unwrap().requests.remaining, Some(59));
    assert_eq!(error.attempts().len(), 2);
    let refused = client([]).models().get("").send().await.unwrap_err();
    assert!(refused.rate_limits().is_none(), "nothing was answered");
}

/// Calls of models are told apart by operation and model, whoever listens.
#[tokio::test(start_paused = true)]
async fn listeners_are_told_what_is_asked_of_which_model() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let bus = EventBus::new();
    let listener = Arc::clone(&seen);
    let listen = move |event: &Event| {
        if let Event::CallStarted { call, .. } = event {
            let asked = call.attributes().map(|it| {
                format!(
                    "{} {} {}",
                    it.provider(),
                    it.operation(),
                    it.model().unwrap_or("-")
                )
            });
            listener.lock().unwrap().push(asked.unwrap_or_default());
        }
    };
    bus.attach("test", Arc::new(listen)).unwrap();
    let http = ScriptedTransport::repeating(answer(&json!({})));
    let client = GeminiClient::builder()
        .with_api_key("K")
        .with_http(Arc::new(http))
        .with_transport(|transport| transport.with_event_bus(bus))
        .build()
        .unwrap();
    let models = client.models();
    let call = models
        .generate_content("models/gemini-2.5-flash")
        .set_contents(["secret"]);
    call.send().await.unwrap();
    models
        .count_tokens("m")
        .set_contents(["secret"])
        .send()
        .await
        .unwrap();
    models
        .embed_content("m")
        .set_contents(["secret"])
        .send()
        .await
        .unwrap();
    client.caches().get("c").send().await.unwrap();
    assert_eq!(
        *seen.lock().unwrap(),
        [
            "gcp.gemini generate_content gemini-2.5-flash",
            "gcp.gemini count_tokens m",
            "gcp.gemini embeddings m",
            "",
        ]
    );
}
