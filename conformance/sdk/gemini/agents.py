"""Cases of `client.agents`: agents of one's own."""

from google.genai._gaos.lib.compat_errors import APIStatusError

from bench import BOTH, FACT, QUESTION
from harness import case, paged, refuses, result, same

AGENT = "antigravity-preview-05-2026"


async def make(client, name="ferries", **more):
    return await result(client.agents.create(id=name, base_agent=AGENT, **more))


@case("agents.create/reply", on=BOTH)
async def _(client):
    made = await make(client, description="Knows ferries.", tools=[{"type": "google_search"}])
    same((made.id, made.description), ("ferries", "Knows ferries."))


@case("agents.create/name in use", on=BOTH)
async def _(client):
    await make(client)
    with refuses(APIStatusError, status_code=409):
        await make(client)


@case("agents.create/used by an interaction", on=BOTH)
async def _(client):
    await make(client, system_instruction=FACT, tools=[{"type": "google_search"}])
    answer = await result(client.interactions.create(agent="ferries", input=QUESTION))
    same((answer.agent, answer.steps[0].type), ("ferries", "google_search_call"))


@case("agents.get/name", on=BOTH)
async def _(client):
    await make(client, description="Knows ferries.")
    same((await result(client.agents.get("ferries"))).description, "Knows ferries.")


@case("agents.get/unknown", on=BOTH)
async def _(client):
    with refuses(APIStatusError, status_code=404):
        await result(client.agents.get("none"))


@case("agents.list/page size", on=BOTH, rows={"1": 1, "2": 2, "9": 9})
async def _(client, value):
    for name in ("ferries", "trains", "buses"):
        await make(client, name)
    found, pages = await paged(client.agents.list, "agents", value)
    same({agent.id for agent in found}, {"ferries", "trains", "buses"})
    same(pages, -(-3 // value))


@case("agents.delete/gone afterwards", on=BOTH)
async def _(client):
    await make(client)
    await result(client.agents.delete("ferries"))
    with refuses(APIStatusError, status_code=404):
        await result(client.agents.get("ferries"))
    with refuses(APIStatusError, status_code=404):
        await result(client.interactions.create(agent="ferries", input="x"))
