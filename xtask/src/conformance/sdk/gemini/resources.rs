//! Interactions and the resources around them: made, read, listed and deleted.

use anyhow::{Context as _, ensure};
use futures_util::{StreamExt as _, TryStreamExt as _};

use super::bench::{FACT, MODEL, QUESTION, among, refused, same};
use crate::conformance::sdk::ours::{Backend, Bench, Cases};

const AGENT: &str = "antigravity-preview-05-2026";
const EVENTS: [&str; 2] = ["interaction.completed", "interaction.failed"];

pub(super) fn add(cases: &mut Cases) {
    let mut create = cases.group(Backend::BOTH, "interactions.create");
    create.add("reply", answers);
    create.add("goes on", goes_on);
    create.add("goes on with nothing", goes_on_with_nothing);
    create.add("stream", streams);
    let mut get = cases.group(Backend::BOTH, "interactions.get");
    get.add("with its input", gets_input);
    get.add("unknown", gets_unknown);
    let mut delete = cases.group(Backend::BOTH, "interactions.delete");
    delete.add("gone afterwards", deletes);

    let mut agents = cases.group(Backend::BOTH, "agents.create");
    agents.add("reply", makes_an_agent);
    agents.add("name in use", agent_in_use);
    let mut agents = cases.group(Backend::BOTH, "agents.get");
    agents.add("unknown", gets_no_agent);
    let mut agents = cases.group(Backend::BOTH, "agents.list");
    for size in [1, 2, 9] {
        agents.add(format!("page size:{size}"), move |bench| {
            lists_agents(bench, size)
        });
    }
    let mut agents = cases.group(Backend::BOTH, "agents.delete");
    agents.add("gone afterwards", deletes_an_agent);

    let mut hooks = cases.group(Backend::BOTH, "webhooks.create");
    hooks.add("reply", makes_a_hook);
    let mut hooks = cases.group(Backend::BOTH, "webhooks.ping");
    hooks.add("sent", pings);
    let mut hooks = cases.group(Backend::BOTH, "webhooks.rotate_signing_secret");
    hooks.add("both count", rotates);
    let mut hooks = cases.group(Backend::BOTH, "webhooks.update");
    hooks.add("state", updates_a_hook);
    let mut hooks = cases.group(Backend::BOTH, "webhooks.delete");
    hooks.add("gone afterwards", deletes_a_hook);

    let mut triggers = cases.group(Backend::BOTH, "environments.get");
    triggers.add("name", gets_a_place);
    let mut triggers = cases.group(Backend::BOTH, "environments.delete");
    triggers.add("gone afterwards", deletes_a_place);
}

/// An interaction about the keys, and its name.
async fn interaction(
    bench: &Bench,
) -> anyhow::Result<(
    gimmal_client::types::gemini::interactions::Interaction,
    String,
)> {
    let call = bench.client()?.interactions().create(MODEL);
    let made = call.set_input(format!("{FACT} {QUESTION}")).send().await?;
    let made = made.into_body();
    let name = made.id.clone().context("no name")?;
    Ok((made, name))
}

async fn answers(bench: Bench) -> anyhow::Result<()> {
    let (made, _) = interaction(&bench).await?;
    among("keys", made.output_text())
}

async fn goes_on(bench: Bench) -> anyhow::Result<()> {
    let interactions = bench.client()?.interactions();
    let first = interactions.create(MODEL).set_input(FACT).send().await?;
    let name = first.into_body().id.context("no name")?;
    let call = interactions.create(MODEL).set_input(QUESTION);
    let second = call.set_previous_interaction_id(&*name).send().await?;
    among(FACT, second.into_body().output_text())
}

async fn goes_on_with_nothing(bench: Bench) -> anyhow::Result<()> {
    let call = bench.client()?.interactions().create(MODEL).set_input("x");
    let outcome = call.set_previous_interaction_id("nothing").send().await;
    refused(outcome, 404, "").map(|_| ())
}

async fn streams(bench: Bench) -> anyhow::Result<()> {
    let call = bench.client()?.interactions().create(MODEL);
    let events = call
        .set_input(format!("{FACT} {QUESTION}"))
        .stream()
        .await?;
    let made = events.collect().await?;
    among("keys", made.output_text())
}

async fn gets_input(bench: Bench) -> anyhow::Result<()> {
    let (made, name) = interaction(&bench).await?;
    let get = bench.client()?.interactions().get(name);
    let found = get.set_include_input(true).send().await?.into_body();
    same(found.output_text(), made.output_text())
}

async fn gets_unknown(bench: Bench) -> anyhow::Result<()> {
    let outcome = bench.client()?.interactions().get("nothing").send().await;
    refused(outcome, 404, "").map(|_| ())
}

async fn deletes(bench: Bench) -> anyhow::Result<()> {
    let (_, name) = interaction(&bench).await?;
    bench.client()?.interactions().delete(&*name).send().await?;
    let outcome = bench.client()?.interactions().get(name).send().await;
    refused(outcome, 404, "").map(|_| ())
}

async fn agent(bench: &Bench, id: &str) -> anyhow::Result<()> {
    let call = bench.client()?.agents().create(id).set_base_agent(AGENT);
    let made = call
        .set_description("Knows ferries.")
        .send()
        .await?
        .into_body();
    same(made.id.as_deref(), Some(id))?;
    same(made.description.as_deref(), Some("Knows ferries."))
}

async fn makes_an_agent(bench: Bench) -> anyhow::Result<()> {
    agent(&bench, "ferries").await
}

async fn agent_in_use(bench: Bench) -> anyhow::Result<()> {
    agent(&bench, "ferries").await?;
    let call = bench.client()?.agents().create("ferries");
    let outcome = call.set_base_agent(AGENT).send().await;
    refused(outcome, 409, "").map(|_| ())
}

async fn gets_no_agent(bench: Bench) -> anyhow::Result<()> {
    let outcome = bench.client()?.agents().get("none").send().await;
    refused(outcome, 404, "").map(|_| ())
}

async fn lists_agents(bench: Bench, size: i32) -> anyhow::Result<()> {
    for id in ["ferries", "trains", "buses"] {
        agent(&bench, id).await?;
    }
    let list = || anyhow::Ok(bench.client()?.agents().list().set_page_size(size).items());
    let mut pages = std::pin::pin!(list()?.pages());
    let first = pages.next().await.context("no page")??;
    same(first.items.len(), usize::try_from(size)?.min(3))?;
    let agents: Vec<_> = list()?.try_collect().await?;
    same(agents.len(), 3)
}

async fn deletes_an_agent(bench: Bench) -> anyhow::Result<()> {
    agent(&bench, "ferries").await?;
    bench.client()?.agents().delete("ferries").send().await?;
    let outcome = bench.client()?.agents().get("ferries").send().await;
    refused(outcome, 404, "").map(|_| ())
}

/// The name of a webhook, and its secret.
async fn hook(bench: &Bench) -> anyhow::Result<(String, String)> {
    let hooks = bench.client()?.webhooks();
    let made = hooks
        .create("https://example.com/0", EVENTS)
        .set_name("harbour");
    let made = made.send().await?.into_body();
    let secret = made.new_signing_secret.context("no secret")?;
    Ok((made.id.context("no name")?, secret))
}

async fn makes_a_hook(bench: Bench) -> anyhow::Result<()> {
    let (_, secret) = hook(&bench).await?;
    ensure!(secret.starts_with("whsec_"), "another kind of secret");
    Ok(())
}

async fn pings(bench: Bench) -> anyhow::Result<()> {
    let (name, _) = hook(&bench).await?;
    bench.client()?.webhooks().ping(name).send().await?;
    Ok(())
}

async fn rotates(bench: Bench) -> anyhow::Result<()> {
    let (name, secret) = hook(&bench).await?;
    let hooks = bench.client()?.webhooks();
    let rotated = hooks
        .rotate_signing_secret(&*name)
        .send()
        .await?
        .into_body();
    ensure!(
        rotated.secret.is_some_and(|new| new != secret),
        "the same secret"
    );
    let found = hooks.get(name).send().await?.into_body();
    same(found.signing_secrets.len(), 2)
}

async fn updates_a_hook(bench: Bench) -> anyhow::Result<()> {
    let (name, _) = hook(&bench).await?;
    let call = bench
        .client()?
        .webhooks()
        .update(name)
        .set_state("disabled");
    let changed = call.set_update_mask("state").send().await?.into_body();
    same(changed.name.as_deref(), Some("harbour"))
}

async fn deletes_a_hook(bench: Bench) -> anyhow::Result<()> {
    let (name, _) = hook(&bench).await?;
    bench.client()?.webhooks().delete(&*name).send().await?;
    let outcome = bench.client()?.webhooks().get(name).send().await;
    refused(outcome, 404, "").map(|_| ())
}

async fn place(bench: &Bench) -> anyhow::Result<String> {
    let made = bench.client()?.environments().create().send().await?;
    made.into_body().id.context("no name")
}

async fn gets_a_place(bench: Bench) -> anyhow::Result<()> {
    let name = place(&bench).await?;
    let found = bench.client()?.environments().get(&*name).send().await?;
    same(found.into_body().id, Some(name))
}

async fn deletes_a_place(bench: Bench) -> anyhow::Result<()> {
    let name = place(&bench).await?;
    bench.client()?.environments().delete(&*name).send().await?;
    let outcome = bench.client()?.environments().get(name).send().await;
    refused(outcome, 404, "").map(|_| ())
}
