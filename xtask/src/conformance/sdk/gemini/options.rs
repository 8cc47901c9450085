//! Options of the client and of one call, and what a client sends by itself.

use std::time::Duration;

use anyhow::ensure;
use futures_util::TryStreamExt as _;
use gimmal_client::gemini::{GeminiClient, GenerateContent};
use gimmal_client::types::gemini::Model;
use gimmal_client::{CallOptions, Timeout};
use http::{HeaderName, HeaderValue};
use serde_json::json;

use super::bench::{MODEL, PARENT, among, failed, header, of, same};
use crate::conformance::sdk::ours::{Backend, Bench, Cases};

pub(super) fn add(cases: &mut Cases) {
    let mut client = cases.group(Backend::ALL, "options.Client");
    client.add("path", path);
    client.add("credentials", credentials);
    let mut client = cases.group(Backend::BOTH, "options.Client");
    client.add("product", product);
    client.add("requests do not mix", two_clients);
    let mut options = cases.group(Backend::BOTH, "options.HttpOptions");
    for version in ["v1", "v1alpha", "v1beta"] {
        options.add(format!("version of the client:{version}"), move |bench| {
            api_version(bench, version)
        });
    }
    options.add("header of the client", header_of_the_client);
    options.add("header of a call", header_of_a_call);
    options.add("header of a call wins", header_that_wins);
    for (row, milliseconds) in [("whole", 30_000), ("rounded up", 29_001)] {
        options.add(format!("timeout is told:{row}"), move |bench| {
            timeout_is_told(bench, milliseconds)
        });
    }
    options.add("timeout that passes", timeout_that_passes);
    options.add("body of one's own", body_of_ones_own);
    options.add("base with a path", base_with_a_path);
}

fn generate(client: &GeminiClient) -> GenerateContent {
    client.models().generate_content(MODEL).set_contents(["Hi"])
}

fn house(name: &'static str, value: &'static str) -> CallOptions {
    let (name, value) = (
        HeaderName::from_static(name),
        HeaderValue::from_static(value),
    );
    CallOptions::new().with_header(name, value)
}

async fn path(bench: Bench) -> anyhow::Result<()> {
    generate(&bench.client()?).send().await?;
    let resource = match bench.backend {
        Backend::Mldev | Backend::Tinker => "models".to_owned(),
        Backend::Vertex => format!("{PARENT}/publishers/google/models"),
        Backend::Express => "publishers/google/models".to_owned(),
    };
    let last = bench.last("")?;
    let (_, rest) = last.path()[1..].split_once('/').unwrap_or_default();
    same(rest, format!("{resource}/{MODEL}:generateContent"))
}

async fn credentials(bench: Bench) -> anyhow::Result<()> {
    let client = bench.client()?;
    generate(&client).send().await?;
    generate(&client).send().await?;
    generate(&bench.builder_with_key("another-key").build()?)
        .send()
        .await?;
    let requests = bench.requests("");
    let keys: Vec<_> = requests
        .iter()
        .map(|request| request.key_fingerprint())
        .collect();
    ensure!(keys[0].is_some() && keys[0] == keys[1], "{keys:?}");
    same(keys[2] == keys[0], bench.backend == Backend::Vertex)
}

async fn product(bench: Bench) -> anyhow::Result<()> {
    generate(&bench.client()?).send().await?;
    let last = bench.last("")?;
    same(
        header(&last, "user-agent"),
        header(&last, "x-goog-api-client"),
    )?;
    among("gl-", header(&last, "user-agent"))?;
    among("application/json", header(&last, "content-type"))
}

async fn api_version(bench: Bench, version: &str) -> anyhow::Result<()> {
    let client = bench.builder().with_api_version(version).build()?;
    generate(&client).send().await?;
    same(bench.last("")?.path().split('/').nth(1), Some(version))
}

async fn header_of_the_client(bench: Bench) -> anyhow::Result<()> {
    let client = bench
        .builder()
        .with_options(house("x-house", "halden"))
        .build()?;
    generate(&client).send().await?;
    same(header(&bench.last("")?, "x-house"), "halden")?;
    let _: Vec<Model> = client.models().list().items().try_collect().await?;
    same(header(&bench.last("")?, "x-house"), "halden")
}

async fn header_of_a_call(bench: Bench) -> anyhow::Result<()> {
    let client = bench.client()?;
    let options = house("x-house", "halden");
    generate(&client).with_options(options).send().await?;
    same(header(&bench.last("")?, "x-house"), "halden")?;
    generate(&client).send().await?;
    same(header(&bench.last("")?, "x-house"), "")
}

async fn header_that_wins(bench: Bench) -> anyhow::Result<()> {
    let floor = HeaderName::from_static("x-floor");
    let options = house("x-house", "halden").with_header(floor, HeaderValue::from_static("2"));
    let client = bench.builder().with_options(options).build()?;
    let call = generate(&client).with_options(house("x-house", "larvik"));
    call.send().await?;
    let last = bench.last("")?;
    same(header(&last, "x-house"), "larvik")?;
    same(header(&last, "x-floor"), "2")
}

async fn timeout_is_told(bench: Bench, milliseconds: u64) -> anyhow::Result<()> {
    let timeout = Timeout::After(Duration::from_millis(milliseconds));
    let options = CallOptions::new().with_attempt_timeout(timeout);
    generate(&bench.client()?)
        .with_options(options)
        .send()
        .await?;
    same(header(&bench.last("")?, "x-server-timeout"), "30")
}

async fn timeout_that_passes(bench: Bench) -> anyhow::Result<()> {
    bench.fault(&json!({"kind": "delay", "seconds": 30}))?;
    let timeout = Timeout::After(Duration::from_millis(200));
    let options = CallOptions::new().with_attempt_timeout(timeout);
    let call = generate(&bench.client()?).with_options(options);
    let error = failed(call.send().await)?;
    ensure!(error.is_timeout(), "{error}");
    Ok(())
}

async fn body_of_ones_own(bench: Bench) -> anyhow::Result<()> {
    let extra = of(json!({"generationConfig": {"temperature": 0.5}}))?;
    let options = CallOptions::new().with_extra_body(extra);
    generate(&bench.client()?)
        .with_options(options)
        .send()
        .await?;
    same(bench.sent("", "/generationConfig/temperature")?, 0.5)
}

async fn base_with_a_path(bench: Bench) -> anyhow::Result<()> {
    bench.script(&json!({"json": {"candidates": []}}))?;
    let base = format!("{}gateway", bench.running.emulator.base_url());
    let client = bench.builder().with_base_url(base).build()?;
    generate(&client).send().await?;
    let last = bench.last("")?;
    ensure!(last.path().starts_with("/gateway/"), "{}", last.path());
    Ok(())
}

async fn two_clients(bench: Bench) -> anyhow::Result<()> {
    for value in ["one", "two"] {
        let options = house("x-house", value);
        let client = bench.builder().with_options(options).build()?;
        generate(&client).send().await?;
    }
    let requests = bench.requests("");
    let values: Vec<String> = requests.iter().map(|one| header(one, "x-house")).collect();
    same(values, ["one", "two"])
}
