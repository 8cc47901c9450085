//! Refusals: which kind of error they become, and what it carries.

use anyhow::{Context as _, ensure};
use futures_util::{StreamExt as _, TryStreamExt as _};
use gimmal_client::gemini::GenerateContent;
use gimmal_client::types::rpc::ErrorDetail;
use gimmal_client::{Error, ErrorKind};
use serde_json::{Value, json};

use super::bench::{KEY, among, chunks, failed, never_sent, refused, same, status_of};
use crate::conformance::sdk::emulators::Settings;
use crate::conformance::sdk::ours::{Backend, Bench, Cases};

const STATUSES: &[(&str, u16, &str)] = &[
    ("400", 400, "INVALID_ARGUMENT"),
    ("400 of a precondition", 400, "FAILED_PRECONDITION"),
    ("401", 401, "UNAUTHENTICATED"),
    ("403", 403, "PERMISSION_DENIED"),
    ("404", 404, "NOT_FOUND"),
    ("409", 409, "ABORTED"),
    ("429", 429, "RESOURCE_EXHAUSTED"),
    ("499", 499, "CANCELLED"),
    ("500", 500, "INTERNAL"),
    ("502", 502, "UNKNOWN"),
    ("503", 503, "UNAVAILABLE"),
    ("504", 504, "DEADLINE_EXCEEDED"),
];

pub(super) fn add(cases: &mut Cases) {
    let mut errors = cases.group(Backend::BOTH, "errors.APIError");
    for (row, code, status) in STATUSES {
        errors.add(format!("status of a call:{row}"), |bench| {
            of_a_call(bench, *code, status)
        });
        errors.add(format!("status of a stream:{row}"), |bench| {
            of_a_stream(bench, *code, status)
        });
    }
    errors.add("status of a list:400", |bench| {
        of_a_list(bench, 400, "INVALID_ARGUMENT")
    });
    errors.add("status of a list:503", |bench| {
        of_a_list(bench, 503, "UNAVAILABLE")
    });
    for (row, text, expected) in bodies() {
        errors.add(format!("body:{row}"), move |bench| {
            of_a_body(bench, text.clone(), expected)
        });
    }
    errors.add("quota of a minute", quota_of_a_minute);
    errors.add("in the middle of a stream", in_a_stream);
    errors.add("reply that is no JSON", no_json);
    errors.add("connection that breaks", broken_connection);
    let mut errors = cases.group(Backend::DEVELOPER, "errors.APIError");
    let known = Settings {
        api_keys: vec![KEY.to_owned()],
        ..Settings::default()
    };
    errors.add_with(&known, "key that is not good", bad_key);
    errors.add("quota of a day", quota_of_a_day);
    errors.add("one line", one_line);
    let mut errors = cases.group(Backend::PROJECT, "errors.APIError");
    errors.add("call that is not there", not_there);
    let mut errors = cases.group(Backend::BOTH, "errors.UnknownApiResponseError");
    errors.add("chunk that is no JSON", malformed_chunk);
}

fn body(code: u16, status: &str) -> Value {
    let info = json!({
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "HOUSE_FULL", "domain": "googleapis.com",
    });
    json!({"error": {"code": code, "status": status, "message": "no room", "details": [info]}})
}

fn bodies() -> Vec<(&'static str, String, &'static str)> {
    let array = json!([body(404, "NOT_FOUND")]).to_string();
    let without = json!({"error": {"code": 404, "message": "no room"}}).to_string();
    vec![
        ("an array", array, "no room"),
        ("without status", without, "no room"),
        ("no error in it", json!({"oops": true}).to_string(), ""),
        (
            "a page",
            "<html><body>Bad gateway</body></html>".to_owned(),
            "",
        ),
        ("a text", "no room".to_owned(), "no room"),
        ("nothing", String::new(), ""),
    ]
}

fn generate(bench: &Bench) -> anyhow::Result<GenerateContent> {
    bench.generate(&["Hi"])
}

fn prepare(bench: &Bench, code: u16, status: &str) -> anyhow::Result<()> {
    bench.script(&json!({"status": code, "json": body(code, status)}))
}

/// What the error says beside its status.
fn carries(error: &Error, status: &str) -> anyhow::Result<()> {
    same(status_of(error), status)?;
    let rpc = error.rpc_status().context("no status")?;
    same(rpc.message.as_deref(), Some("no room"))?;
    let reason = rpc.details.iter().find_map(|detail| match detail {
        ErrorDetail::ErrorInfo { reason, .. } => Some(reason.as_str()),
        _ => None,
    });
    same(reason, Some("HOUSE_FULL"))
}

async fn of_a_call(bench: Bench, code: u16, status: &str) -> anyhow::Result<()> {
    prepare(&bench, code, status)?;
    let error = refused(generate(&bench)?.send().await, code, "no room")?;
    carries(&error, status)
}

async fn of_a_stream(bench: Bench, code: u16, status: &str) -> anyhow::Result<()> {
    prepare(&bench, code, status)?;
    let error = refused(chunks(generate(&bench)?).await, code, "no room")?;
    carries(&error, status)
}

async fn of_a_list(bench: Bench, code: u16, status: &str) -> anyhow::Result<()> {
    prepare(&bench, code, status)?;
    let items = bench.client()?.caches().list().items();
    let error = refused(items.try_collect::<Vec<_>>().await, code, "no room")?;
    carries(&error, status)
}

async fn of_a_body(bench: Bench, text: String, expected: &str) -> anyhow::Result<()> {
    bench.script(&json!({"status": 404, "text": text}))?;
    refused(generate(&bench)?.send().await, 404, expected).map(|_| ())
}

async fn bad_key(bench: Bench) -> anyhow::Result<()> {
    let client = bench.builder_with_key("another-key").build()?;
    let call = client.models().generate_content(super::bench::MODEL);
    let outcome = call.set_contents(["Hi"]).send().await;
    let error = refused(outcome, 400, "API key not valid")?;
    among(
        "API_KEY_INVALID",
        String::from_utf8_lossy(error.payload().context("no body")?),
    )
}

async fn quota_of_a_minute(bench: Bench) -> anyhow::Result<()> {
    bench.fault(&json!({"kind": "rate_limited", "seconds": 21.5}))?;
    let error = refused(generate(&bench)?.send().await, 429, "")?;
    same(status_of(&error), "RESOURCE_EXHAUSTED")?;
    same(error.kind(), ErrorKind::RateLimited)?;
    same(error.retry_after().is_some(), !bench.is_vertex())
}

async fn quota_of_a_day(bench: Bench) -> anyhow::Result<()> {
    bench.fault(&json!({"kind": "daily_quota"}))?;
    let error = refused(generate(&bench)?.send().await, 429, "PerDay")?;
    same(error.kind(), ErrorKind::QuotaExhausted)
}

async fn in_a_stream(bench: Bench) -> anyhow::Result<()> {
    let chunk = json!({"candidates": [{"content": {"role": "model", "parts": [{"text": "A"}]}}]});
    let events = [chunk.to_string(), body(503, "UNAVAILABLE").to_string()];
    bench.script(&json!({"events": events}))?;
    let mut stream = generate(&bench)?.stream().await?;
    let first = stream.next().await.context("no chunk")??;
    same(first.text().as_deref(), Some("A"))?;
    let error = refused(stream.next().await.context("no end")?, 503, "no room")?;
    carries(&error, "UNAVAILABLE")
}

async fn malformed_chunk(bench: Bench) -> anyhow::Result<()> {
    bench.fault(&json!({"kind": "malformed_chunk"}))?;
    let call = bench.generate(&["Hi there"])?;
    let error = failed(chunks(call).await)?;
    ensure!(error.is_decode(), "{error}");
    Ok(())
}

async fn no_json(bench: Bench) -> anyhow::Result<()> {
    bench.script(&json!({"text": "<html></html>"}))?;
    let error = failed(generate(&bench)?.send().await)?;
    ensure!(error.is_decode(), "{error}");
    same(
        error.payload().map(|bytes| &bytes[..]),
        Some(&b"<html></html>"[..]),
    )
}

async fn one_line(bench: Bench) -> anyhow::Result<()> {
    prepare(&bench, 404, "NOT_FOUND")?;
    let error = failed(generate(&bench)?.send().await)?;
    let text = error.to_string();
    among("404", &text)?;
    among("NOT_FOUND", &text)?;
    same(text.lines().count(), 1)
}

async fn broken_connection(bench: Bench) -> anyhow::Result<()> {
    bench.fault(&json!({"kind": "reset"}))?;
    let error = failed(generate(&bench)?.send().await)?;
    same(error.kind(), ErrorKind::Io)?;
    ensure!(error.status().is_none(), "{error}");
    Ok(())
}

async fn not_there(bench: Bench) -> anyhow::Result<()> {
    let items = bench.client()?.files().list().items();
    never_sent(items.try_collect::<Vec<_>>().await, "backend")
}
