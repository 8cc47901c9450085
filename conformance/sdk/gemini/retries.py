"""Cases of `HttpRetryOptions`: what is tried again, how often, and what comes out in the end."""

import json

from google.genai import errors, types

from bench import BOTH, MLDEV, MODEL
from harness import case, gather, refuses, result, same

NO_WAIT = {"initial_delay": 0.001, "max_delay": 0.002, "jitter": 0.0}


def options(**settings):
    return types.HttpRetryOptions(**NO_WAIT, **settings)


def refusal(code):
    return {"status": code, "json": {"error": {"code": code, "message": "not now"}}}


def generate(client, **config):
    return client.models.generate_content(model=MODEL, contents="Hi", config=config or None)


AGAIN = {str(code): code for code in (408, 429, 500, 502, 503, 504)}
AT_ONCE = {str(code): code for code in (400, 401, 403, 404, 409, 501)}


@case("retries.HttpRetryOptions/tries again after", on=BOTH, rows=AGAIN)
async def _(bench, emulator, value):
    client = bench.make(retry_options=options(attempts=3))
    emulator.script(**refusal(value), times=2)
    reply = await result(generate(client))
    assert reply.text
    same([request["status"] for request in emulator.requests()], [value, value, 200])


@case("retries.HttpRetryOptions/gives up at once after", on=BOTH, rows=AT_ONCE)
async def _(bench, emulator, value):
    client = bench.make(retry_options=options(attempts=3))
    emulator.script(**refusal(value), times=2)
    with refuses(errors.APIError, "not now", code=value):
        await result(generate(client))
    same(len(emulator.requests()), 1)


@case("retries.HttpRetryOptions/attempts", on=BOTH, rows={"1": 1, "2": 2, "4": 4})
async def _(bench, emulator, value):
    client = bench.make(retry_options=options(attempts=value))
    emulator.fault("unavailable")
    with refuses(errors.ServerError, code=503, status="UNAVAILABLE"):
        await result(generate(client))
    same(len(emulator.requests()), value)


@case("retries.HttpRetryOptions/attempts when none are named", on=(MLDEV,))
async def _(bench, emulator):
    client = bench.make(retry_options=options())
    emulator.fault("unavailable")
    with refuses(errors.ServerError, code=503):
        await result(generate(client))
    same(len(emulator.requests()), 5)


@case("retries.HttpRetryOptions/own statuses", on=BOTH)
async def _(bench, emulator):
    client = bench.make(retry_options=options(attempts=3, http_status_codes=[409]))
    emulator.script(**refusal(409))
    assert (await result(generate(client))).text
    same(len(emulator.requests()), 2)
    emulator.script(**refusal(503))
    with refuses(errors.ServerError, code=503):
        await result(generate(client))
    same(len(emulator.requests()), 3)


@case("retries.HttpRetryOptions/of one call", on=BOTH)
async def _(bench, emulator):
    client = bench.make(retry_options=options(attempts=1))
    emulator.script(**refusal(503), times=2)
    http = types.HttpOptions(retry_options=options(attempts=3))
    assert (await result(generate(client, http_options=http))).text
    same(len(emulator.requests()), 3)


@case("retries.HttpRetryOptions/connection that breaks", on=BOTH)
async def _(bench, emulator):
    client = bench.make(retry_options=options(attempts=3))
    emulator.fault("reset", at_most=2)
    with refuses(Exception) as refusal:
        await result(generate(client))
    assert not isinstance(refusal.raised, errors.APIError), refusal.raised
    same(len(emulator.requests()), 1)


@case("retries.HttpRetryOptions/stream before its first chunk", on=BOTH)
async def _(bench, emulator):
    client = bench.make(retry_options=options(attempts=3))
    emulator.script(**refusal(503), times=2)
    chunks = await gather(client.models.generate_content_stream(model=MODEL, contents="Hi"))
    assert chunks
    same(len(emulator.requests()), 3)


@case("retries.HttpRetryOptions/stream that has begun", on=BOTH)
async def _(bench, emulator):
    client = bench.make(retry_options=options(attempts=3))
    refused = {"error": {"code": 503, "status": "UNAVAILABLE", "message": "not now"}}
    emulator.script(events=[json.dumps(refused)])
    with refuses(errors.ServerError, "not now", code=503):
        await gather(client.models.generate_content_stream(model=MODEL, contents="Hi"))
    same(len(emulator.requests()), 1)


@case("retries.HttpRetryOptions/list", on=BOTH)
async def _(bench, emulator):
    client = bench.make(retry_options=options(attempts=3))
    emulator.script(**refusal(503), times=2)
    same(await gather(client.caches.list()), [])
    same(len(emulator.requests()), 3)
