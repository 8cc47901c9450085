"""Cases of `client.interactions`: turns that the service keeps."""

import base64

from google.genai._gaos.lib.compat_errors import APIStatusError

from bench import BOTH, FACT, MLDEV, MODEL, QUESTION
from harness import among, case, gather, refuses, result, same, until

AGENT = "antigravity-preview-05-2026"
STANDING = {"manual_clock": True}
ASKED = [{"type": "text", "text": FACT}, {"type": "text", "text": QUESTION}]
DEPARTURES = {
    "type": "function",
    "name": "departures",
    "description": "Tells when the ferry leaves a quay.",
    "parameters": {
        "type": "object",
        "properties": {"quay": {"type": "string"}},
        "required": ["quay"],
    },
}
DEPARTURE = "What is the departure time in Kinsarvik?"


async def begin(client, asked=ASKED, **more):
    if "agent" not in more:
        more.setdefault("model", MODEL)
    return await result(client.interactions.create(input=asked, **more))


async def events_of(client, asked=ASKED, **more):
    call = client.interactions.create(model=MODEL, input=asked, stream=True, **more)
    return await gather(call)


async def found(client, name, **more):
    return await result(client.interactions.get(name, **more))


def text_of(events):
    deltas = [event.delta for event in events if event.event_type == "step.delta"]
    return "".join(delta.text for delta in deltas if delta.type == "text")


def declined(code, text=""):
    return refuses(APIStatusError, text, status_code=code)


@case("interactions.create/reply", on=BOTH)
async def _(client):
    made = await begin(client)
    assert made.id and made.created and made.updated
    same((made.status, made.model), ("completed", MODEL))
    among(FACT, made.output_text)
    usage = made.usage
    same(usage.total_tokens, usage.total_input_tokens + usage.total_output_tokens)


INPUTS = {
    "a text": "Hello",
    "parts": ASKED,
    "steps": [{"type": "user_input", "content": [{"type": "text", "text": "Hello"}]}],
}


@case("interactions.create/input", on=BOTH, rows=INPUTS)
async def _(client, value):
    assert (await begin(client, value)).output_text


@case("interactions.create/not stored", on=(MLDEV,))
async def _(client):
    made = await begin(client, "Hello", store=False)
    assert not made.id and made.output_text


@case("interactions.create/goes on", on=BOTH)
async def _(client):
    first = await begin(client, FACT)
    second = await begin(client, QUESTION, previous_interaction_id=first.id)
    among(FACT, second.output_text)
    same(second.previous_interaction_id, first.id)
    assert second.usage.total_input_tokens > first.usage.total_input_tokens


@case("interactions.create/goes on with nothing", on=BOTH)
async def _(client):
    with declined(404):
        await begin(client, "x", previous_interaction_id="nothing")


@case("interactions.create/functions", on=BOTH)
async def _(client):
    asked = await begin(client, DEPARTURE, tools=[DEPARTURES])
    same(asked.status, "requires_action")
    [call] = [step for step in asked.steps if step.type == "function_call"]
    same(call.name, "departures")
    among("quay", call.arguments)
    given = {
        "type": "function_result",
        "call_id": call.id,
        "name": call.name,
        "result": {"departure": "a quarter past seven"},
    }
    answer = await begin(
        client, [given], previous_interaction_id=asked.id, tools=[DEPARTURES]
    )
    same(answer.status, "completed")
    among("a quarter past seven", answer.output_text)


@case("interactions.create/stream", on=BOTH)
async def _(client):
    events = await events_of(client)
    kinds = [event.event_type for event in events]
    same((kinds[0], kinds[-1]), ("interaction.created", "interaction.completed"))
    among("step.start", kinds)
    among("step.stop", kinds)
    assert kinds.count("step.delta") > 1, kinds
    among(FACT, text_of(events))
    ids = [event.event_id for event in events]
    same(len(set(ids)), len(ids))


@case("interactions.create/stream of calls", on=BOTH)
async def _(client):
    events = await events_of(client, DEPARTURE, tools=[DEPARTURES])
    deltas = [event.delta for event in events if event.event_type == "step.delta"]
    pieces = [delta.arguments for delta in deltas if delta.type == "arguments_delta"]
    among("quay", "".join(pieces))
    same(events[-1].interaction.status, "requires_action")


@case("interactions.get/stream again", on=BOTH)
async def _(client):
    events = await events_of(client)
    name = events[-1].interaction.id
    ids = [event.event_id for event in events]
    again = await gather(client.interactions.get(name, stream=True))
    same([event.event_id for event in again], ids)
    half = len(ids) // 2
    rest = client.interactions.get(name, stream=True, last_event_id=ids[half])
    same([event.event_id for event in await gather(rest)], ids[half + 1 :])


@case("interactions.get/stream after an unknown event", on=(MLDEV,))
async def _(client):
    made = await begin(client)
    with declined(400):
        await gather(client.interactions.get(made.id, stream=True, last_event_id="evt_none"))


@case("interactions.get/with its input", on=BOTH)
async def _(client):
    made = await begin(client)
    assert (await found(client, made.id, include_input=True)).input
    plain = await found(client, made.id)
    same((plain.input or None, plain.output_text), (None, made.output_text))


@case("interactions.get/unknown", on=BOTH)
async def _(client):
    with declined(404):
        await found(client, "nothing")


@case("interactions.create/in the background", on=BOTH, settings=STANDING)
async def _(client, emulator):
    made = await begin(client, "What is a fjord?", agent=AGENT, background=True)
    assert made.status in ("queued", "in_progress"), made.status
    done = await until(
        lambda: client.interactions.get(made.id),
        lambda found: found.status == "completed",
        emulator,
    )
    assert done.output_text
    same(done.agent, AGENT)


@case("interactions.create/stream in the background", on=(MLDEV,))
async def _(client):
    events = await events_of(client, FACT, background=True)
    same(events[-1].interaction.status, "completed")
    assert text_of(events)


@case("interactions.cancel/in the background", on=BOTH, settings=STANDING)
async def _(client):
    made = await begin(client, "Hello", background=True)
    same((await result(client.interactions.cancel(made.id))).status, "cancelled")
    same((await found(client, made.id)).status, "cancelled")


@case("interactions.cancel/done already", on=(MLDEV,))
async def _(client):
    made = await begin(client, "Hello")
    with declined(400):
        await result(client.interactions.cancel(made.id))


@case("interactions.delete/gone afterwards", on=BOTH)
async def _(client):
    made = await begin(client)
    await result(client.interactions.delete(made.id))
    with declined(404):
        await found(client, made.id)


@case("interactions.get/somebody else's", on=(MLDEV,))
async def _(client, bench):
    made = await begin(client)
    with declined(404):
        await found(bench.make(key="another-key"), made.id)


@case("interactions.create/settings and media", on=BOTH)
async def _(client):
    picture = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(40)).decode()
    made = await begin(
        client,
        [
            {"type": "text", "text": "Answer with the name of a quay."},
            {"type": "image", "mime_type": "image/png", "data": picture},
        ],
        system_instruction="Be short.",
        generation_config={"max_output_tokens": 200, "temperature": 0.1, "seed": 7},
        response_format={
            "type": "text",
            "mime_type": "application/json",
            "schema": DEPARTURES["parameters"],
        },
    )
    assert made.output_text.lstrip().startswith("{"), made.output_text
    among('"quay"', made.output_text)


@case("interactions.create/search", on=BOTH)
async def _(client):
    made = await begin(client, "Who sails to Utne?", tools=[{"type": "google_search"}])
    kinds = [step.type for step in made.steps]
    same(kinds[-3:], ["google_search_call", "google_search_result", "model_output"])


BAD = {
    "unknown model": (404, {"model": "gemini-none", "asked": "x"}),
    "no input": (400, {"asked": []}),
    "kept nowhere": (400, {"asked": "x", "background": True, "store": False}),
    "agent that takes its time": (
        400,
        {"agent": "deep-research-preview-04-2026", "asked": "x"},
    ),
}


@case("interactions.create/bad", on=(MLDEV,), rows=BAD)
async def _(client, value):
    code, more = value
    with declined(code):
        await begin(client, **more)
