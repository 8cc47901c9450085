//! Triggers: interactions that begin by the clock.

use anyhow::ensure;
use gimmal_client::gemini::CreateTrigger;
use gimmal_client::types::gemini::interactions::CreateAgentInteraction;
use gimmal_client::types::gemini::triggers::TriggerStatus;

use super::bench::{declined, given, paged, same, sorted};
use super::interactions::AGENT;
use crate::conformance::sdk::ours::{Backend, Bench, Cases};

const SCHEDULE: &str = "30 7 * * MON-FRI";
const ZONE: &str = "Europe/Oslo";

pub(super) fn add(cases: &mut Cases) {
    let mut create = cases.group(Backend::BOTH, "triggers.create");
    create.add("reply", reply);
    for (row, schedule, zone) in [
        ("schedule", "at noon", ZONE),
        ("time zone", SCHEDULE, "Nowhere/None"),
    ] {
        create.add(format!("bad:{row}"), move |bench| {
            declines(bench, schedule, zone)
        });
    }
    let mut run = cases.group(Backend::BOTH, "triggers.run");
    run.add("now", runs);
    let mut list = cases.group(Backend::BOTH, "triggers.list_executions");
    for size in [1, 2, 9] {
        list.add(format!("page size:{size}"), move |bench| {
            lists_executions(bench, size)
        });
    }
    let mut update = cases.group(Backend::BOTH, "triggers.update");
    update.add("pause", pauses);
    let mut get = cases.group(Backend::BOTH, "triggers.get");
    get.add("name", gets);
    let mut list = cases.group(Backend::BOTH, "triggers.list");
    list.add("all", lists);
    let mut delete = cases.group(Backend::BOTH, "triggers.delete");
    delete.add("gone afterwards", deletes);
}

fn create(bench: &Bench, schedule: &str, zone: &str) -> anyhow::Result<CreateTrigger> {
    let asked = CreateAgentInteraction::new().set_agent(AGENT);
    let asked = asked.set_input("What leaves today?");
    let call = bench.client()?.triggers().create(schedule, zone, asked);
    Ok(call.set_display_name("morning"))
}

async fn made(bench: &Bench) -> anyhow::Result<String> {
    let call = create(bench, SCHEDULE, ZONE)?;
    given(call.send().await?.into_body().id)
}

async fn reply(bench: Bench) -> anyhow::Result<()> {
    let made = create(&bench, SCHEDULE, ZONE)?.send().await?.into_body();
    same(made.status, Some(TriggerStatus::Active))?;
    same(made.display_name.as_deref(), Some("morning"))?;
    ensure!(
        made.id.is_some() && made.next_run_time.is_some(),
        "no name or time"
    );
    Ok(())
}

async fn declines(bench: Bench, schedule: &str, zone: &str) -> anyhow::Result<()> {
    declined(create(&bench, schedule, zone)?.send().await, 400)
}

async fn runs(bench: Bench) -> anyhow::Result<()> {
    let (client, id) = (bench.client()?, made(&bench).await?);
    let run = client.triggers().run(&*id).send().await?.into_body();
    same(run.trigger_id, Some(id))?;
    let begun = given(run.interaction_id)?;
    let found = client.interactions().get(&*begun).send().await?;
    same(found.into_body().id, Some(begun))
}

async fn lists_executions(bench: Bench, size: u8) -> anyhow::Result<()> {
    let (triggers, id) = (bench.client()?.triggers(), made(&bench).await?);
    let mut runs = Vec::new();
    for _ in 0..2 {
        runs.push(triggers.run(&*id).send().await?.into_body().id);
    }
    let list = triggers.list_executions(id).set_page_size(size.into());
    let listed = paged(list.items(), size.into()).await?.into_iter();
    same(sorted(listed.map(|run| run.id)), sorted(runs))
}

async fn pauses(bench: Bench) -> anyhow::Result<()> {
    let call = bench.client()?.triggers().update(made(&bench).await?);
    let call = call
        .set_status(TriggerStatus::Paused)
        .set_display_name("never");
    let paused = call.send().await?.into_body();
    same(paused.status, Some(TriggerStatus::Paused))?;
    same(paused.display_name.as_deref(), Some("never"))?;
    ensure!(paused.next_run_time.is_none(), "it runs again");
    Ok(())
}

async fn gets(bench: Bench) -> anyhow::Result<()> {
    let call = bench.client()?.triggers().get(made(&bench).await?);
    same(
        call.send().await?.into_body().schedule.as_deref(),
        Some(SCHEDULE),
    )
}

async fn lists(bench: Bench) -> anyhow::Result<()> {
    let made = [made(&bench).await?, made(&bench).await?];
    let list = bench.client()?.triggers().list();
    let listed = list.items().collect_all().await?.into_iter();
    same(
        sorted(listed.map(|trigger| trigger.id)),
        sorted(made.map(Some)),
    )
}

async fn deletes(bench: Bench) -> anyhow::Result<()> {
    let (triggers, id) = (bench.client()?.triggers(), made(&bench).await?);
    triggers.delete(&*id).send().await?;
    declined(triggers.get(id).send().await, 404)
}
