//! Agents of one's own: made, asked, listed and deleted.

use gimmal_client::gemini::CreateAgent;
use gimmal_client::types::gemini::agents::AgentTool;
use gimmal_client::types::gemini::interactions::Step;
use serde_json::json;

use super::bench::{FACT, QUESTION, declined, of, paged, same, sorted};
use super::interactions::AGENT;
use crate::conformance::sdk::ours::{Backend, Bench, Cases};

const NAMES: [&str; 3] = ["buses", "ferries", "trains"];

pub(super) fn add(cases: &mut Cases) {
    let mut create = cases.group(Backend::BOTH, "agents.create");
    create.add("reply", reply);
    create.add("name in use", name_in_use);
    create.add("used by an interaction", used);
    let mut get = cases.group(Backend::BOTH, "agents.get");
    get.add("name", gets);
    get.add("unknown", gets_unknown);
    let mut list = cases.group(Backend::BOTH, "agents.list");
    for size in [1, 2, 9] {
        list.add(format!("page size:{size}"), move |bench| lists(bench, size));
    }
    let mut delete = cases.group(Backend::BOTH, "agents.delete");
    delete.add("gone afterwards", deletes);
}

fn create(bench: &Bench, id: &str) -> anyhow::Result<CreateAgent> {
    Ok(bench.client()?.agents().create(id).set_base_agent(AGENT))
}

fn search() -> anyhow::Result<[AgentTool; 1]> {
    Ok([of(json!({"type": "google_search"}))?])
}

async fn reply(bench: Bench) -> anyhow::Result<()> {
    let call = create(&bench, "ferries")?.set_description("Knows ferries.");
    let made = call.set_tools(search()?).send().await?.into_body();
    same(made.id.as_deref(), Some("ferries"))?;
    same(made.description.as_deref(), Some("Knows ferries."))
}

async fn name_in_use(bench: Bench) -> anyhow::Result<()> {
    create(&bench, "ferries")?.send().await?;
    declined(create(&bench, "ferries")?.send().await, 409)
}

async fn used(bench: Bench) -> anyhow::Result<()> {
    let call = create(&bench, "ferries")?.set_system_instruction(FACT);
    call.set_tools(search()?).send().await?;
    let asked = bench.client()?.interactions().create_with_agent("ferries");
    let answer = asked.set_input(QUESTION).send().await?.into_body();
    same(json!(answer.agent), json!("ferries"))?;
    let first = answer.steps.first();
    same(matches!(first, Some(Step::GoogleSearchCall(_))), true)
}

async fn gets(bench: Bench) -> anyhow::Result<()> {
    let call = create(&bench, "ferries")?.set_description("Knows ferries.");
    call.send().await?;
    let found = bench.client()?.agents().get("ferries").send().await?;
    same(
        found.into_body().description.as_deref(),
        Some("Knows ferries."),
    )
}

async fn gets_unknown(bench: Bench) -> anyhow::Result<()> {
    declined(bench.client()?.agents().get("none").send().await, 404)
}

async fn lists(bench: Bench, size: u8) -> anyhow::Result<()> {
    for id in NAMES {
        create(&bench, id)?.send().await?;
    }
    let list = bench.client()?.agents().list().set_page_size(size.into());
    let agents = paged(list.items(), size.into()).await?.into_iter();
    same(sorted(agents.map(|agent| agent.id)), NAMES)
}

async fn deletes(bench: Bench) -> anyhow::Result<()> {
    create(&bench, "ferries")?.send().await?;
    let client = bench.client()?;
    client.agents().delete("ferries").send().await?;
    declined(client.agents().get("ferries").send().await, 404)?;
    let asked = client.interactions().create_with_agent("ferries");
    declined(asked.set_input("x").send().await, 404)
}
