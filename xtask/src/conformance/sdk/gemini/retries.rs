//! What is tried again, how often, and what comes out in the end.

use std::num::NonZeroU32;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use futures_util::TryStreamExt as _;
use gimmal_client::CallOptions;
use gimmal_client::gemini::{GeminiClient, GenerateContent};
use gimmal_client::transport::{ExponentialBackoff, NeverRetry, StandardRetry};
use gimmal_client::types::gemini::CachedContent;
use http::StatusCode;
use serde_json::{Value, json};

use super::bench::{MODEL, chunks, refused, same, status_of};
use crate::conformance::sdk::ours::{Backend, Bench, Cases};

pub(super) fn add(cases: &mut Cases) {
    let mut retry = cases.group(Backend::BOTH, "retries.HttpRetryOptions");
    for code in [408, 429, 500, 502, 503, 504] {
        retry.add(format!("tries again after:{code}"), move |bench| {
            again(bench, code)
        });
    }
    for code in [400, 401, 403, 404, 409, 501] {
        retry.add(format!("gives up at once after:{code}"), move |bench| {
            at_once(bench, code)
        });
    }
    for attempts in [1, 2, 4] {
        retry.add(format!("attempts:{attempts}"), move |bench| {
            gives_up(bench, policy(attempts), attempts)
        });
    }
    retry.add("own statuses", own_statuses);
    retry.add("of one call", of_one_call);
    retry.add("connection that breaks", broken_connection);
    retry.add("stream before its first chunk", stream_not_begun);
    retry.add("stream that has begun", stream_begun);
    retry.add("list", list);
    let mut retry = cases.group(Backend::DEVELOPER, "retries.HttpRetryOptions");
    retry.add("attempts when none are named", |bench| {
        gives_up(bench, StandardRetry::google_genai(), 5)
    });
}

fn policy(attempts: u32) -> StandardRetry {
    let attempts = NonZeroU32::new(attempts).unwrap_or(NonZeroU32::MIN);
    StandardRetry::google_genai().with_max_attempts(attempts)
}

/// A client that hardly waits.
fn client(bench: &Bench, policy: StandardRetry) -> anyhow::Result<GeminiClient> {
    let backoff = ExponentialBackoff::google_genai()
        .with_initial(Duration::from_millis(1))
        .with_max(Duration::from_millis(2))
        .without_jitter();
    let builder = bench.builder().with_retry_policy(policy);
    Ok(builder.with_backoff(backoff).build()?)
}

fn generate(client: &GeminiClient) -> GenerateContent {
    client.models().generate_content(MODEL).set_contents(["Hi"])
}

fn refusal(code: u16, times: usize) -> Value {
    let body = json!({"error": {"code": code, "message": "not now"}});
    json!({"status": code, "json": body, "times": times})
}

async fn again(bench: Bench, code: u16) -> anyhow::Result<()> {
    let client = client(&bench, policy(3))?;
    bench.script(&refusal(code, 2))?;
    let reply = generate(&client).send().await?;
    ensure!(reply.body().text().is_some());
    same(reply.attempts(), 3)?;
    let requests = bench.requests("");
    let statuses: Vec<_> = requests
        .iter()
        .filter_map(|request| request.status())
        .collect();
    same(statuses, [code, code, 200])
}

async fn at_once(bench: Bench, code: u16) -> anyhow::Result<()> {
    let client = client(&bench, policy(3))?;
    bench.script(&refusal(code, 2))?;
    refused(generate(&client).send().await, code, "not now")?;
    same(bench.requests("").len(), 1)
}

async fn gives_up(bench: Bench, policy: StandardRetry, attempts: u32) -> anyhow::Result<()> {
    let client = client(&bench, policy)?;
    bench.fault(&json!({"kind": "unavailable"}))?;
    let error = refused(generate(&client).send().await, 503, "")?;
    same(status_of(&error), "UNAVAILABLE")?;
    same(bench.requests("").len(), usize::try_from(attempts)?)
}

async fn own_statuses(bench: Bench) -> anyhow::Result<()> {
    let conflict = StatusCode::CONFLICT;
    let client = client(&bench, policy(3).with_statuses([conflict]))?;
    bench.script(&refusal(409, 1))?;
    ensure!(generate(&client).send().await?.body().text().is_some());
    same(bench.requests("").len(), 2)?;
    bench.script(&refusal(503, 1))?;
    refused(generate(&client).send().await, 503, "not now")?;
    same(bench.requests("").len(), 3)
}

async fn of_one_call(bench: Bench) -> anyhow::Result<()> {
    let backoff = ExponentialBackoff::google_genai()
        .with_initial(Duration::from_millis(1))
        .without_jitter();
    let builder = bench.builder().with_retry_policy(NeverRetry);
    let client = builder.with_backoff(backoff).build()?;
    bench.script(&refusal(503, 2))?;
    let options = CallOptions::new().with_retry_policy(policy(3));
    let reply = generate(&client).with_options(options).send().await?;
    ensure!(reply.body().text().is_some());
    same(bench.requests("").len(), 3)
}

/// Python gives up here; ours knows that asking twice does no harm.
async fn broken_connection(bench: Bench) -> anyhow::Result<()> {
    let client = client(&bench, policy(3))?;
    bench.fault(&json!({"kind": "reset", "at_most": 2}))?;
    let reply = generate(&client).send().await?;
    ensure!(reply.body().text().is_some());
    same(bench.requests("").len(), 3)
}

async fn stream_not_begun(bench: Bench) -> anyhow::Result<()> {
    let client = client(&bench, policy(3))?;
    bench.script(&refusal(503, 2))?;
    ensure!(!chunks(generate(&client)).await?.is_empty());
    same(bench.requests("").len(), 3)
}

async fn stream_begun(bench: Bench) -> anyhow::Result<()> {
    let client = client(&bench, policy(3))?;
    let refusal = json!({"error": {"code": 503, "status": "UNAVAILABLE", "message": "not now"}});
    bench.script(&json!({"events": [refusal.to_string()]}))?;
    refused(chunks(generate(&client)).await, 503, "not now")?;
    same(bench.requests("").len(), 1)
}

async fn list(bench: Bench) -> anyhow::Result<()> {
    let client = client(&bench, policy(3))?;
    bench.script(&refusal(503, 2))?;
    let items = client.caches().list().items();
    let found: Vec<CachedContent> = items.try_collect().await?;
    same(found.len(), 0)?;
    bench.last("").context("nothing was sent")?;
    same(bench.requests("").len(), 3)
}
