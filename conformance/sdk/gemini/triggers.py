"""Cases of `client.triggers`: interactions that begin by the clock."""

from google.genai._gaos.lib.compat_errors import APIStatusError

from bench import BOTH
from harness import case, paged, refuses, result, same

AGENT = "antigravity-preview-05-2026"


async def make(client, **more):
    order = {
        "schedule": "30 7 * * MON-FRI",
        "time_zone": "Europe/Oslo",
        "display_name": "morning",
        "interaction": {"agent": AGENT, "input": "What leaves today?"},
    }
    return await result(client.triggers.create(**{**order, **more}))


@case("triggers.create/reply", on=BOTH)
async def _(client):
    made = await make(client)
    same((made.status, made.display_name), ("active", "morning"))
    assert made.id and made.next_run_time


BAD = {"schedule": {"schedule": "at noon"}, "time zone": {"time_zone": "Nowhere/None"}}


@case("triggers.create/bad", on=BOTH, rows=BAD)
async def _(client, value):
    with refuses(APIStatusError, status_code=400):
        await make(client, **value)


@case("triggers.run/now", on=BOTH)
async def _(client):
    made = await make(client)
    run = await result(client.triggers.run(made.id))
    same(run.trigger_id, made.id)
    assert (await result(client.interactions.get(run.interaction_id))).id


@case("triggers.list_executions/page size", on=BOTH, rows={"1": 1, "2": 2, "9": 9})
async def _(client, value):
    made = await make(client)
    for _ in range(2):
        await result(client.triggers.run(made.id))
    runs, pages = await paged(
        lambda **page: client.triggers.list_executions(made.id, **page),
        "trigger_executions",
        value,
    )
    same((len(runs), pages), (2, -(-2 // value)))


@case("triggers.update/pause", on=BOTH)
async def _(client):
    made = await make(client)
    update = client.triggers.update(made.id, status="paused", display_name="never")
    paused = await result(update)
    same((paused.status, paused.display_name), ("paused", "never"))
    assert not paused.next_run_time


@case("triggers.get/name", on=BOTH)
async def _(client):
    made = await make(client)
    same((await result(client.triggers.get(made.id))).schedule, "30 7 * * MON-FRI")


@case("triggers.list/all", on=BOTH)
async def _(client):
    made = [(await make(client)).id for _ in range(2)]
    listed = (await result(client.triggers.list())).triggers
    same(sorted(trigger.id for trigger in listed), sorted(made))


@case("triggers.delete/gone afterwards", on=BOTH)
async def _(client):
    made = await make(client)
    await result(client.triggers.delete(made.id))
    with refuses(APIStatusError, status_code=404):
        await result(client.triggers.get(made.id))
