//! Keys, and the tokens that stand in for them.

use serde_json::json;

use super::bench::{KEY, adam, among, examples, flagged, given, refused, same, step};
use crate::conformance::sdk::emulators::Settings;
use crate::conformance::sdk::ours::{Backend, Bench, Cases};

pub(super) fn add(cases: &mut Cases) {
    let exchanging = flagged(&[("pjwt_auth_enabled", json!(true))]);
    let mut tokens = cases.group(Backend::TRAINING, "service.tokens");
    tokens.add_with(&exchanging, "exchanged_and_used", exchanged);
    tokens.add_with(&exchanging, "replaced_when_refused", replaced);
    tokens.add_with(&exchanging, "whoami", whoami);
    let only = |key: &str| Settings {
        api_keys: vec![key.to_owned()],
        ..Settings::default()
    };
    let mut keys = cases.group(Backend::TRAINING, "service.keys");
    keys.add_with(&only("tml-other"), "a_wrong_key_is_refused", wrong);
    keys.add_with(&only(KEY), "a_named_key_is_good", good);
}

async fn exchanged(bench: Bench) -> anyhow::Result<()> {
    step(&bench.train().await?, examples(6)).await?;
    same(bench.requests("/auth/token").len(), 1)?;
    let config = bench.last("/client/config")?;
    let made = bench.last("/create_model")?;
    let (before, after) = (config.key_fingerprint(), made.key_fingerprint());
    same(given(before)? == given(after)?, false)
}

async fn replaced(bench: Bench) -> anyhow::Result<()> {
    let client = bench.train().await?;
    bench.script(&json!({
        "path": "/optim_step", "status": 401, "json": {"detail": "old"},
        "headers": {"WWW-Authenticate": "Bearer error=\"invalid_token\""},
    }))?;
    client.optim_step(adam()).await?;
    same(bench.requests("/auth/token").len(), 2)
}

async fn whoami(bench: Bench) -> anyhow::Result<()> {
    let me = bench.rest()?.whoami().await?;
    same(me.org_urn, "tml:organization:emulator")?;
    among("@", given(me.email)?)
}

async fn wrong(bench: Bench) -> anyhow::Result<()> {
    let made = bench
        .service()?
        .create_lora_training_client(super::bench::BASE);
    refused(made.await, 401, "invalid API key").map(drop)
}

async fn good(bench: Bench) -> anyhow::Result<()> {
    bench.train().await.map(drop)
}
