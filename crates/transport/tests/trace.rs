//! What calls write to the log, and what they keep out of it.
//!
//! A test binary of its own: where other tests make calls at the same time, which events are on is
//! decided once for the process, and not always by the subscriber of this test.

#[path = "common/log.rs"]
mod log;

use std::sync::Arc;

use bytes::Bytes;
use gimmal_transport::testing::{Reply, ScriptedTransport};
use gimmal_transport::{
    ApiKey, CallAttributes, CallOptions, FixedJitter, Idempotency, Request, Transport,
};
use http::{HeaderName, Method};
use tracing_subscriber::fmt::format::FmtSpan;
use url::Url;

use crate::log::Log;

#[tokio::test(start_paused = true)]
async fn one_span_per_call_one_event_per_attempt_and_no_secrets() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(FmtSpan::NEW | FmtSpan::CLOSE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);

    let refusal = r#"{"error": {"message": "ECHOED PROMPT"}}"#;
    let http = ScriptedTransport::new([Reply::json(503, refusal), Reply::json(200, "ANSWER")]);
    let key = HeaderName::from_static("x-goog-api-key");
    let transport = Transport::builder()
        .with_http(Arc::new(http))
        .with_jitter(Arc::new(FixedJitter::new(0.5)))
        .with_credentials(ApiKey::new(key, "SECRET".into()))
        .build()
        .unwrap();
    let url = Url::parse("http://localhost/v1/echo?key=QUERY").unwrap();
    let request = Request::new(Method::POST, url)
        .with_json_body(Bytes::from_static(b"{\"prompt\": 1}"))
        .with_idempotency(Idempotency::Idempotent);
    let attributes = CallAttributes::new("chat", "test").with_model("m-1");
    let options = CallOptions::default().with_attributes(attributes);
    transport.send(request, &options).await.unwrap();
    drop(guard);

    let log = log.text();
    let count = |text: &str| log.lines().filter(|line| line.contains(text)).count();
    assert_eq!(count(": new"), 1, "{log}");
    let failed = log
        .lines()
        .find(|line| line.contains("attempt failed, trying again attempt=1"))
        .unwrap();
    for field in [
        "error.type=503",
        "http.response.status_code=503",
        "wait_seconds=0.5",
    ] {
        assert!(failed.contains(field), "{failed}");
    }
    assert_eq!(count("attempt succeeded attempt=2"), 1, "{log}");
    let close = log.lines().find(|line| line.contains(": close")).unwrap();
    for field in [
        "http.request.method=POST",
        "server.address=\"localhost\"",
        "server.port=80",
        "url.full=http://localhost/v1/echo?key=REDACTED",
        "gen_ai.request.model=\"m-1\"",
        "http.request.resend_count=1",
        "attempts=2",
        "http.response.status_code=200",
    ] {
        assert!(close.contains(field), "{close}");
    }
    for hidden in ["QUERY", "SECRET", "prompt", "PROMPT", "ANSWER"] {
        assert!(!log.contains(hidden), "{log}");
    }
}
