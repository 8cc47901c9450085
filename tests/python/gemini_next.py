"""Drives interactions and the resources around them through the official Python SDK.

Usage: gemini_next.py BASE_URL. Needs google-genai. Prints a line for each check; the exit status is
0 only if all of them passed. Meant for the emulator with its usual settings.
"""

import base64
import io
import sys
import tarfile
import time
import traceback
import uuid
import warnings

from google import genai
from google.genai import types
from google.genai._gaos.lib import compat_errors as errors
from google.oauth2.credentials import Credentials

MODEL = "gemini-2.5-flash"
AGENT = "antigravity-preview-05-2026"
FACT = "The ferry to Utne leaves at a quarter past seven."
QUESTION = [
    {"type": "text", "text": FACT},
    {"type": "text", "text": "When does the ferry to Utne leave?"},
]
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

checks = []
# Clients close their connections when nobody holds them.
clients = []


def check(function):
    checks.append(function)
    return function


def held(client):
    clients.append(client)
    return client


def developer():
    return held(genai.Client(
        # A key of its own for each check, so that lists hold what the check made.
        api_key=f"next-{uuid.uuid4().hex}",
        vertexai=False,
        http_options=types.HttpOptions(base_url=sys.argv[1]),
    ))


def vertex():
    return held(genai.Client(
        vertexai=True,
        project=f"utne-{uuid.uuid4().hex[:8]}",
        location="us-central1",
        credentials=Credentials("next-test-token"),
        http_options=types.HttpOptions(base_url=sys.argv[1]),
    ))


def refused(code, function, part=""):
    try:
        function()
    except errors.APIStatusError as error:
        assert error.status_code == code, error
        assert part in str(error), error
    else:
        raise AssertionError("not refused")


def until(get, done, patience=20):
    seen = []
    for _ in range(patience * 20):
        found = get()
        if found.status not in seen:
            seen.append(found.status)
        if done(found):
            return found, seen
        time.sleep(0.05)
    raise AssertionError(f"still {found.status} after {patience} s")


def texts(events):
    deltas = [event.delta for event in events if event.event_type == "step.delta"]
    return "".join(delta.text for delta in deltas if delta.type == "text")


def paged(list_them, field, size=2):
    """All items of a list, and how many pages they came in."""
    found, pages, token = [], 0, None
    while True:
        page = list_them(page_size=size, page_token=token)
        items = getattr(page, field) or []
        assert len(items) <= size, page
        found += items
        pages += 1
        token = page.next_page_token
        if not token:
            return found, pages


# Interactions


@check
def interactions_answer_and_are_kept():
    client = developer()
    made = client.interactions.create(model=MODEL, input=QUESTION)
    assert made.id and made.status == "completed", made
    assert made.model == MODEL and made.created and made.updated, made
    assert FACT in made.output_text, made.output_text
    assert made.usage.total_tokens == made.usage.total_input_tokens + made.usage.total_output_tokens
    found = client.interactions.get(made.id, include_input=True)
    assert found.output_text == made.output_text
    assert found.input and not client.interactions.get(made.id).input, found
    client.interactions.delete(made.id)
    refused(404, lambda: client.interactions.get(made.id))


@check
def interactions_that_are_not_stored_have_no_name():
    made = developer().interactions.create(model=MODEL, input="Hello", store=False)
    assert not made.id and made.output_text


@check
def interactions_continue():
    client = developer()
    first = client.interactions.create(model=MODEL, input=FACT)
    second = client.interactions.create(
        model=MODEL,
        input="When does the ferry to Utne leave?",
        previous_interaction_id=first.id,
    )
    assert FACT in second.output_text, second.output_text
    assert second.previous_interaction_id == first.id
    assert second.usage.total_input_tokens > first.usage.total_input_tokens
    refused(
        404,
        lambda: client.interactions.create(
            model=MODEL, input="x", previous_interaction_id="nothing"
        ),
    )


@check
def interactions_call_functions():
    client = developer()
    asked = client.interactions.create(
        model=MODEL, input="What is the departure time in Kinsarvik?", tools=[DEPARTURES]
    )
    assert asked.status == "requires_action", asked
    call = [step for step in asked.steps if step.type == "function_call"][0]
    assert call.name == "departures" and "quay" in call.arguments, call
    answer = client.interactions.create(
        model=MODEL,
        previous_interaction_id=asked.id,
        input=[
            {
                "type": "function_result",
                "call_id": call.id,
                "name": call.name,
                "result": {"departure": "a quarter past seven"},
            }
        ],
        tools=[DEPARTURES],
    )
    assert answer.status == "completed" and "a quarter past seven" in answer.output_text, answer


@check
def interactions_stream():
    client = developer()
    events = list(
        client.interactions.create(model=MODEL, input=QUESTION, stream=True)
    )
    kinds = [event.event_type for event in events]
    assert kinds[0] == "interaction.created" and kinds[-1] == "interaction.completed", kinds
    assert "step.start" in kinds and "step.stop" in kinds, kinds
    assert FACT in texts(events)
    assert kinds.count("step.delta") > 1, kinds
    ids = [event.event_id for event in events]
    assert len(set(ids)) == len(ids), ids
    id = events[-1].interaction.id
    again = list(client.interactions.get(id, stream=True))
    assert [event.event_id for event in again] == ids
    half = len(ids) // 2
    rest = list(client.interactions.get(id, stream=True, last_event_id=ids[half]))
    assert [event.event_id for event in rest] == ids[half + 1 :]
    refused(400, lambda: list(client.interactions.get(id, stream=True, last_event_id="evt_none")))


@check
def interactions_stream_calls():
    events = developer().interactions.create(
        model=MODEL, input="What is the departure time in Kinsarvik?", tools=[DEPARTURES], stream=True
    )
    events = list(events)
    pieces = [
        event.delta.arguments
        for event in events
        if event.event_type == "step.delta" and event.delta.type == "arguments_delta"
    ]
    assert "quay" in "".join(pieces), pieces
    assert events[-1].interaction.status == "requires_action", events[-1]


@check
def interactions_work_in_the_background():
    client = developer()
    made = client.interactions.create(agent=AGENT, input="What is a fjord?", background=True)
    assert made.status in ("queued", "in_progress"), made
    done, seen = until(
        lambda: client.interactions.get(made.id), lambda found: found.status == "completed"
    )
    assert "in_progress" in seen and done.output_text, seen
    assert done.agent == AGENT


@check
def interactions_stream_in_the_background():
    client = developer()
    began = time.monotonic()
    events = list(
        client.interactions.create(model=MODEL, input=FACT, background=True, stream=True)
    )
    assert events[-1].interaction.status == "completed", events[-1]
    assert time.monotonic() - began > 0.05
    assert texts(events)


@check
def interactions_are_cancelled():
    client = developer()
    made = client.interactions.create(model=MODEL, input="Hello", background=True)
    stopped = client.interactions.cancel(made.id)
    assert stopped.status == "cancelled", stopped
    assert client.interactions.get(made.id).status == "cancelled"
    plain = client.interactions.create(model=MODEL, input="Hello")
    refused(400, lambda: client.interactions.cancel(plain.id))


@check
def interactions_take_settings_and_media():
    picture = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(40)).decode()
    made = developer().interactions.create(
        model=MODEL,
        input=[
            {"type": "text", "text": "Answer with the name of a quay."},
            {"type": "image", "mime_type": "image/png", "data": picture},
        ],
        system_instruction="Be short.",
        generation_config={"max_output_tokens": 200, "temperature": 0.1, "seed": 7},
        response_format={
            "type": "text",
            "mime_type": "application/json",
            "schema": {
                "type": "object",
                "properties": {"quay": {"type": "string"}},
                "required": ["quay"],
            },
        },
    )
    assert made.output_text.lstrip().startswith("{"), made
    assert '"quay"' in made.output_text


@check
def interactions_search():
    made = developer().interactions.create(
        model=MODEL, input="Who sails to Utne?", tools=[{"type": "google_search"}]
    )
    kinds = [step.type for step in made.steps]
    assert kinds[-3:] == ["google_search_call", "google_search_result", "model_output"], kinds


@check
def interactions_are_checked():
    client = developer()
    refused(404, lambda: client.interactions.create(model="gemini-none", input="x"))
    refused(400, lambda: client.interactions.create(model=MODEL, input=[]))
    refused(400, lambda: client.interactions.create(
        model=MODEL, input="x", background=True, store=False))
    refused(400, lambda: client.interactions.create(
        agent="deep-research-preview-04-2026", input="x"), "background")


@check
def interactions_on_vertex():
    client = vertex()
    made = client.interactions.create(model=MODEL, input=QUESTION)
    assert FACT in made.output_text
    assert client.interactions.get(made.id).output_text == made.output_text
    assert texts(client.interactions.get(made.id, stream=True)) == made.output_text
    refused(404, lambda: vertex().interactions.get(made.id))


# Agents and what they work with


@check
def agents():
    client = developer()
    for id in ("ferries", "trains", "buses"):
        made = client.agents.create(
            id=id,
            base_agent=AGENT,
            description=f"Knows {id}.",
            system_instruction=FACT,
            tools=[{"type": "google_search"}],
        )
        assert made.id == id, made
    assert client.agents.get("ferries").description == "Knows ferries."
    found, pages = paged(client.agents.list, "agents")
    assert {agent.id for agent in found} == {"ferries", "trains", "buses"}, found
    assert pages == 2, pages
    answer = client.interactions.create(
        agent="ferries", input="When does the ferry to Utne leave?"
    )
    assert answer.agent == "ferries" and answer.steps[0].type == "google_search_call", answer
    refused(409, lambda: client.agents.create(id="ferries", base_agent=AGENT))
    client.agents.delete("ferries")
    refused(404, lambda: client.agents.get("ferries"))
    refused(404, lambda: client.interactions.create(agent="ferries", input="x"))


@check
def environments():
    client = developer()
    made = client.environments.create(
        network="disabled",
        sources=[{"type": "inline", "content": FACT, "target": "/notes/ferry.txt"}],
    )
    assert made.id, made
    files = client.environments.files
    entry = files.list(environment=made.id, path="notes").files[0]
    assert (entry.name, entry.type) == ("ferry.txt", "file"), entry
    read = files.download(environment=made.id, path="notes/ferry.txt")
    assert read == FACT.encode(), read
    files.upload(environment=made.id, path="notes/a b.txt", file=b"quays")
    assert files.download(environment=made.id, path="notes/a b.txt") == b"quays"
    names = [entry.name for entry in files.list(environment=made.id, path="notes").files]
    assert names == ["a b.txt", "ferry.txt"], names
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        entry = tarfile.TarInfo("inner/list.csv")
        entry.size = 4
        archive.addfile(entry, io.BytesIO(b"a,b\n"))
    files.upload(environment=made.id, path="data", file=packed.getvalue(), extract=True)
    assert files.download(environment=made.id, path="data/inner/list.csv") == b"a,b\n"
    copy = client.environments.create(from_environment=made.id)
    assert files.download(environment=copy.id, path="notes/ferry.txt") == FACT.encode()
    answer = client.interactions.create(agent=AGENT, input="Hello", environment=made.id)
    assert answer.environment_id == made.id, answer
    client.environments.create()
    found, pages = paged(client.environments.list, "environments")
    assert len(found) == 3 and pages == 2, found
    client.environments.delete(made.id)
    refused(404, lambda: client.environments.get(made.id))
    assert client.environments.get(copy.id).id == copy.id


@check
def triggers():
    client = developer()
    made = client.triggers.create(
        schedule="30 7 * * MON-FRI",
        time_zone="Europe/Oslo",
        display_name="morning",
        interaction={"agent": AGENT, "input": "What leaves today?"},
    )
    assert made.status == "active" and made.next_run_time, made
    refused(400, lambda: client.triggers.create(
        schedule="at noon", time_zone="UTC", interaction={"agent": AGENT, "input": "x"}))
    run = client.triggers.run(made.id)
    assert run.trigger_id == made.id and run.interaction_id, run
    until(lambda: client.interactions.get(run.interaction_id), lambda it: it.status == "completed")
    client.triggers.run(made.id)
    runs, pages = paged(
        lambda **page: client.triggers.list_executions(made.id, **page), "trigger_executions", 1
    )
    assert len(runs) == 2 and pages == 2, runs
    assert "completed" in [run.status for run in runs], runs
    assert client.triggers.get(made.id).previous_interaction_id
    paused = client.triggers.update(made.id, status="paused", display_name="never")
    assert (paused.status, paused.display_name) == ("paused", "never"), paused
    assert not paused.next_run_time
    assert [it.id for it in client.triggers.list().triggers] == [made.id]
    client.triggers.delete(made.id)
    refused(404, lambda: client.triggers.get(made.id))


@check
def credentials():
    client = developer()
    made = client.credentials.create(id="quay", type="bearer_token", token="secret-1")
    assert (made.id, made.type) == ("quay", "bearer_token"), made
    client.credentials.create(
        id="harbour",
        type="oauth2",
        client_id="c",
        client_secret="s",
        refresh_token="r",
        token_url="https://example.com/token",
    )
    client.credentials.create(
        id="variable",
        type="environment_variable",
        value="v",
        injection_location=["header"],
    )
    assert "secret-1" not in repr(client.credentials.get("quay"))
    found, pages = paged(client.credentials.list, "credentials")
    assert {it.id for it in found} == {"quay", "harbour", "variable"} and pages == 2, found
    changed = client.credentials.update("quay", type="bearer_token", token="secret-2")
    assert changed.id == "quay", changed
    refused(400, lambda: client.credentials.update("quay", type="oauth2", client_id="x"))
    client.credentials.delete("quay")
    refused(404, lambda: client.credentials.get("quay"))


@check
def voices():
    client = developer()
    made = client.voices.create(
        voice={
            "type": "prompted",
            "display_name": "Skipper",
            "prompted": {"input": "deep and weathered"},
        },
        store=True,
    )
    assert made.id and made.display_name == "Skipper", made
    assert client.voices.get(made.id).id == made.id
    own = client.voices.list(type_=["prompted"]).voices
    assert [voice.id for voice in own] == [made.id], own
    female = client.voices.list(gender=["female"], type_=["prebuilt"]).voices
    assert female and all(voice.gender == "female" for voice in female)
    found, pages = paged(client.voices.list, "voices", 20)
    assert len(found) > 20 and pages > 1, len(found)
    client.voices.delete(made.id)
    refused(404, lambda: client.voices.get(made.id))


@check
def decisions():
    answers = developer().decisions.create(
        model="models/" + MODEL,
        input="My parcel has not arrived. Where is the delivery?",
        questions={
            "late": {"type": "noul", "instructions": "Is a parcel or a delivery late?"},
            "about": {
                "type": "choice",
                "instructions": "What is it about?",
                "criteria": {
                    "delivery": "a parcel or a delivery that has not arrived",
                    "invoice": "money and invoices",
                },
            },
            "urgent": {
                "type": "score",
                "instructions": "How urgent is it?",
                "criteria": ["a chat about the weather", "a parcel that has not arrived"],
            },
        },
    )
    assert 0 < answers.answers["late"].noul < 1
    assert answers.answers["about"].choice == "delivery", answers
    assert answers.answers["urgent"].score > 0.5, answers
    assert answers.usage.total_tokens > 0


@check
def webhooks():
    client = developer()
    made = client.webhooks.create(
        name="harbour",
        uri="https://example.com/hook",
        subscribed_events=["interaction.completed", "interaction.failed"],
    )
    assert made.id and made.new_signing_secret.startswith("whsec_"), made
    found = client.webhooks.get(made.id)
    assert found.state == "enabled" and not found.new_signing_secret, found
    for number in range(2):
        client.webhooks.create(
            uri=f"https://example.com/{number}", subscribed_events=["batch.succeeded"]
        )
    hooks, pages = paged(client.webhooks.list, "webhooks")
    assert len(hooks) == 3 and pages == 2, hooks
    client.webhooks.ping(made.id)
    rotated = client.webhooks.rotate_signing_secret(made.id)
    assert rotated.secret != made.new_signing_secret
    assert len(client.webhooks.get(made.id).signing_secrets) == 2
    client.webhooks.rotate_signing_secret(
        made.id, revocation_behavior="revoke_previous_secrets_immediately"
    )
    assert len(client.webhooks.get(made.id).signing_secrets) == 1
    changed = client.webhooks.update(made.id, state="disabled", update_mask="state")
    assert changed.state == "disabled" and changed.name == "harbour", changed
    client.webhooks.delete(made.id)
    refused(404, lambda: client.webhooks.get(made.id))


@check
def resources_on_vertex():
    client = vertex()
    client.agents.create(id="ferries", base_agent=AGENT)
    assert [agent.id for agent in client.agents.list().agents] == ["ferries"]
    assert not vertex().agents.list().agents
    environment = client.environments.create()
    assert client.environments.get(environment.id).id == environment.id
    hook = client.webhooks.create(uri="https://example.com", subscribed_events=["video.generated"])
    client.webhooks.ping(hook.id)
    client.credentials.create(id="quay", type="bearer_token", token="t")
    assert client.credentials.get("quay").type == "bearer_token"
    assert client.voices.list().voices
    trigger = client.triggers.create(
        schedule="0 0 * * *", time_zone="UTC", interaction={"agent": "ferries", "input": "x"}
    )
    assert client.triggers.run(trigger.id).interaction_id


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    warnings.simplefilter("ignore")
    failed = 0
    for function in checks:
        try:
            function()
            print(f"ok      {function.__name__}")
        except Exception:
            failed += 1
            print(f"FAILED  {function.__name__}")
            traceback.print_exc(file=sys.stdout)
    print(f"{len(checks) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
