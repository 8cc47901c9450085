//! Tokens that a browser may hold.

use std::time::{Duration, SystemTime};

use anyhow::ensure;
use gimmal_client::gemini::CreateAuthToken;
use gimmal_client::types::Timestamp;
use gimmal_client::types::gemini::LiveConnectConstraints;
use serde_json::json;

use super::bench::{begins, declined, given, of, same};
use super::live::LIVE;
use crate::conformance::sdk::ours::{Backend, Bench, Cases};

/// How a token is made different from the usual one.
type Change = fn(CreateAuthToken) -> anyhow::Result<CreateAuthToken>;

pub(super) fn add(cases: &mut Cases) {
    let good: [(&str, Change); 4] = [
        ("nothing", Ok),
        ("uses", |call| Ok(call.set_uses(2))),
        ("times", |call| {
            let call = call.set_expire_time(soon(25)?);
            Ok(call.set_new_session_expire_time(soon(10)?))
        }),
        ("constraints", constrained),
    ];
    let bad: [(&str, Change); 2] = [
        ("negative uses", |call| Ok(call.set_uses(-1))),
        ("past", |call| {
            let past = SystemTime::now() - Duration::from_secs(60);
            Ok(call.set_expire_time(Timestamp::try_from(past)?))
        }),
    ];
    let mut create = cases.group(Backend::DEVELOPER, "auth_tokens.create");
    for (row, change) in good {
        create.add(format!("config:{row}"), move |bench| makes(bench, change));
    }
    create.add("constraints on the wire", tells_the_constraints);
    for (row, change) in bad {
        create.add(format!("bad:{row}"), move |bench| declines(bench, change));
    }
    let mut create = cases.group(Backend::PROJECT, "auth_tokens.create");
    create.add("refused", refuses);
}

fn create(bench: &Bench) -> anyhow::Result<CreateAuthToken> {
    let client = bench.builder().with_api_version("v1alpha").build()?;
    Ok(client.auth_tokens().create())
}

fn soon(minutes: u64) -> anyhow::Result<Timestamp> {
    let time = SystemTime::now() + Duration::from_secs(60 * minutes);
    Ok(Timestamp::try_from(time)?)
}

fn constrained(call: CreateAuthToken) -> anyhow::Result<CreateAuthToken> {
    let config = json!({"responseModalities": ["TEXT"]});
    let constraints: LiveConnectConstraints = of(json!({"model": LIVE, "config": config}))?;
    let call = call.set_live_connect_constraints(constraints);
    Ok(call.set_lock_additional_fields(["top_k"]))
}

async fn makes(bench: Bench, change: Change) -> anyhow::Result<()> {
    let made = async || {
        let token = change(create(&bench)?)?.send().await?;
        given(token.into_body().name)
    };
    let (first, second) = (made().await?, made().await?);
    begins("auth_tokens/", &first)?;
    ensure!(first != second, "the same token");
    Ok(())
}

async fn tells_the_constraints(bench: Bench) -> anyhow::Result<()> {
    constrained(create(&bench)?)?.send().await?;
    let model = bench.sent("auth_tokens", "/bidiGenerateContentSetup/model")?;
    same(model, format!("models/{LIVE}"))?;
    // Ours writes the fields as masks are written in JSON, however they were given.
    let fields = "model,generationConfig.responseModalities,generationConfig.topK";
    same(bench.sent("auth_tokens", "/fieldMask")?, fields)
}

async fn declines(bench: Bench, change: Change) -> anyhow::Result<()> {
    declined(change(create(&bench)?)?.send().await, 400)
}

async fn refuses(bench: Bench) -> anyhow::Result<()> {
    bench.unsent(create(&bench)?.send().await)
}
