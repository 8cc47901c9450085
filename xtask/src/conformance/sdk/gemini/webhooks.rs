//! Webhooks: addresses that are told of events.

use anyhow::ensure;
use gimmal_client::types::gemini::webhooks::{RevocationBehavior, Webhook, WebhookState};
use serde_json::json;

use super::bench::{declined, given, paged, same, sorted};
use crate::conformance::sdk::ours::{Backend, Bench, Cases};

const EVENTS: [&str; 2] = ["interaction.completed", "interaction.failed"];

pub(super) fn add(cases: &mut Cases) {
    let mut create = cases.group(Backend::BOTH, "webhooks.create");
    create.add("reply", reply);
    let mut get = cases.group(Backend::BOTH, "webhooks.get");
    get.add("without its secret", gets);
    let mut list = cases.group(Backend::BOTH, "webhooks.list");
    for size in [1, 2, 9] {
        list.add(format!("page size:{size}"), move |bench| lists(bench, size));
    }
    let mut ping = cases.group(Backend::BOTH, "webhooks.ping");
    ping.add("sent", pings);
    let mut rotate = cases.group(Backend::BOTH, "webhooks.rotate_signing_secret");
    rotate.add("both count", |bench| rotates(bench, None, 2));
    rotate.add("one counts", |bench| {
        let at_once = RevocationBehavior::Immediately;
        rotates(bench, Some(at_once), 1)
    });
    let mut update = cases.group(Backend::BOTH, "webhooks.update");
    update.add("state", updates);
    let mut delete = cases.group(Backend::BOTH, "webhooks.delete");
    delete.add("gone afterwards", deletes);
}

async fn created(bench: &Bench, number: u8) -> anyhow::Result<Webhook> {
    let uri = format!("https://example.com/{number}");
    let call = bench.client()?.webhooks().create(uri, EVENTS);
    Ok(call.set_name("harbour").send().await?.into_body())
}

/// The name of a webhook, and its secret.
async fn made(bench: &Bench) -> anyhow::Result<(String, String)> {
    let made = created(bench, 0).await?;
    Ok((given(made.id)?, given(made.new_signing_secret)?))
}

async fn got(bench: &Bench, name: &str) -> anyhow::Result<Webhook> {
    Ok(bench
        .client()?
        .webhooks()
        .get(name)
        .send()
        .await?
        .into_body())
}

async fn reply(bench: Bench) -> anyhow::Result<()> {
    let made = created(&bench, 0).await?;
    let secret = given(made.new_signing_secret)?;
    ensure!(
        made.id.is_some() && secret.starts_with("whsec_"),
        "no name or secret"
    );
    same(json!(made.subscribed_events), json!(EVENTS))
}

async fn gets(bench: Bench) -> anyhow::Result<()> {
    let (name, _) = made(&bench).await?;
    let found = got(&bench, &name).await?;
    same(found.state, Some(WebhookState::Enabled))?;
    same(found.new_signing_secret.unwrap_or_default(), "")
}

async fn lists(bench: Bench, size: u8) -> anyhow::Result<()> {
    let mut names = Vec::new();
    for number in 0..3 {
        names.push(created(&bench, number).await?.id);
    }
    let list = bench.client()?.webhooks().list().set_page_size(size.into());
    let hooks = paged(list.items(), size.into()).await?.into_iter();
    same(sorted(hooks.map(|hook| hook.id)), sorted(names))
}

async fn pings(bench: Bench) -> anyhow::Result<()> {
    let (name, _) = made(&bench).await?;
    bench.client()?.webhooks().ping(&*name).send().await?;
    same(bench.last(&format!("{name}:ping"))?.status(), Some(200))
}

async fn rotates(
    bench: Bench,
    behavior: Option<RevocationBehavior>,
    left: usize,
) -> anyhow::Result<()> {
    let (name, secret) = made(&bench).await?;
    let mut call = bench.client()?.webhooks().rotate_signing_secret(&*name);
    if let Some(behavior) = behavior {
        call = call.set_revocation_behavior(behavior);
    }
    let rotated = given(call.send().await?.into_body().secret)?;
    ensure!(rotated != secret, "the same secret");
    same(got(&bench, &name).await?.signing_secrets.len(), left)
}

async fn updates(bench: Bench) -> anyhow::Result<()> {
    let (name, _) = made(&bench).await?;
    let call = bench.client()?.webhooks().update(name);
    let call = call
        .set_state(WebhookState::Disabled)
        .set_update_mask("state");
    let changed = call.send().await?.into_body();
    same(changed.state, Some(WebhookState::Disabled))?;
    same(changed.name.as_deref(), Some("harbour"))
}

async fn deletes(bench: Bench) -> anyhow::Result<()> {
    let (name, _) = made(&bench).await?;
    bench.client()?.webhooks().delete(&*name).send().await?;
    declined(bench.client()?.webhooks().get(name).send().await, 404)
}
