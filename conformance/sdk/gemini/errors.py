"""Cases of `google.genai.errors`: which refusal becomes which error, and what it carries."""

import json

from google.genai import errors

from bench import BOTH, KEY, MLDEV, MODEL, VERTEX
from harness import among, case, gather, refuses, result, same

STATUSES = {
    "400": (400, "INVALID_ARGUMENT", errors.ClientError),
    "400 of a precondition": (400, "FAILED_PRECONDITION", errors.ClientError),
    "401": (401, "UNAUTHENTICATED", errors.ClientError),
    "403": (403, "PERMISSION_DENIED", errors.ClientError),
    "404": (404, "NOT_FOUND", errors.ClientError),
    "409": (409, "ABORTED", errors.ClientError),
    "429": (429, "RESOURCE_EXHAUSTED", errors.ClientError),
    "499": (499, "CANCELLED", errors.ClientError),
    "500": (500, "INTERNAL", errors.ServerError),
    "502": (502, "UNKNOWN", errors.ServerError),
    "503": (503, "UNAVAILABLE", errors.ServerError),
    "504": (504, "DEADLINE_EXCEEDED", errors.ServerError),
}
DETAILS = [
    {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "HOUSE_FULL",
        "domain": "googleapis.com",
    }
]


def body(code, status):
    return {"error": {"code": code, "status": status, "message": "no room", "details": DETAILS}}


@case("errors.APIError/status of a call", on=BOTH, rows=STATUSES)
async def _(client, emulator, value):
    code, status, error = value
    emulator.script(status=code, json=body(code, status))
    with refuses(error, "no room", code=code, status=status, message="no room") as refusal:
        await result(client.models.generate_content(model=MODEL, contents="Hi"))
    same(refusal.raised.details["error"]["details"], DETAILS)


@case("errors.APIError/status of a stream", on=BOTH, rows=STATUSES)
async def _(client, emulator, value):
    code, status, error = value
    emulator.script(status=code, json=body(code, status))
    with refuses(error, "no room", code=code, status=status):
        await gather(client.models.generate_content_stream(model=MODEL, contents="Hi"))


@case("errors.APIError/status of a list", on=BOTH, rows={k: STATUSES[k] for k in ("400", "503")})
async def _(client, emulator, value):
    code, status, error = value
    emulator.script(status=code, json=body(code, status))
    with refuses(error, "no room", code=code, status=status):
        await gather(client.caches.list())


BODIES = {
    "an array": (json.dumps([body(404, "NOT_FOUND")]), "no room"),
    "without status": (json.dumps({"error": {"code": 404, "message": "no room"}}), "no room"),
    "no error in it": (json.dumps({"oops": True}), ""),
    "a page": ("<html><body>Bad gateway</body></html>", ""),
    "a text": ("no room", "no room"),
    "nothing": ("", ""),
}


@case("errors.APIError/body", on=BOTH, rows=BODIES)
async def _(client, emulator, value):
    text, expected = value
    emulator.script(status=404, text=text)
    with refuses(errors.ClientError, expected, code=404):
        await result(client.models.generate_content(model=MODEL, contents="Hi"))


@case("errors.APIError/key that is not good", on=(MLDEV,), settings={"api_keys": [KEY]})
async def _(bench):
    client = bench.make(key="another-key")
    with refuses(errors.ClientError, "API key not valid", code=400) as refusal:
        await result(client.models.generate_content(model=MODEL, contents="Hi"))
    reason = refusal.raised.details["error"]["details"][0]["reason"]
    same(reason, "API_KEY_INVALID")


@case("errors.APIError/quota of a minute", on=BOTH)
async def _(client, bench, emulator):
    emulator.fault("rate_limited", seconds=21.5)
    with refuses(errors.ClientError, code=429, status="RESOURCE_EXHAUSTED") as refusal:
        await result(client.models.generate_content(model=MODEL, contents="Hi"))
    details = refusal.raised.details["error"].get("details", [])
    delays = [d["retryDelay"] for d in details if "retryDelay" in d]
    same(delays, [] if bench.is_vertex else ["22s"])


@case("errors.APIError/quota of a day", on=(MLDEV,))
async def _(client, emulator):
    emulator.fault("daily_quota")
    with refuses(errors.ClientError, "PerDay", code=429):
        await result(client.models.generate_content(model=MODEL, contents="Hi"))


@case("errors.APIError/in the middle of a stream", on=BOTH)
async def _(client, emulator):
    chunk = {"candidates": [{"content": {"role": "model", "parts": [{"text": "A"}]}}]}
    events = [json.dumps(chunk), json.dumps(body(503, "UNAVAILABLE"))]
    emulator.script(events=events)
    texts = []
    with refuses(errors.ServerError, "no room", code=503, status="UNAVAILABLE"):
        stream = await result(client.models.generate_content_stream(model=MODEL, contents="Hi"))
        if hasattr(stream, "__aiter__"):
            async for chunk in stream:
                texts.append(chunk.text)
        else:
            for chunk in stream:
                texts.append(chunk.text)
    same(texts, ["A"])


@case("errors.UnknownApiResponseError/chunk that is no JSON", on=BOTH)
async def _(client, emulator):
    emulator.fault("malformed_chunk")
    with refuses(errors.UnknownApiResponseError):
        await gather(client.models.generate_content_stream(model=MODEL, contents="Hi there"))


@case("errors.APIError/reply that is no JSON", on=BOTH)
async def _(client, emulator):
    emulator.script(text="<html></html>")
    with refuses(json.JSONDecodeError):
        await result(client.models.generate_content(model=MODEL, contents="Hi"))


@case("errors.APIError/one line", on=(MLDEV,))
async def _(client, emulator):
    emulator.script(status=404, json=body(404, "NOT_FOUND"))
    with refuses(errors.ClientError) as refusal:
        await result(client.models.generate_content(model=MODEL, contents="Hi"))
    among("404 NOT_FOUND", str(refusal.raised).splitlines()[0])


@case("errors.APIError/connection that breaks", on=BOTH)
async def _(client, emulator):
    emulator.fault("reset")
    with refuses(Exception) as refusal:
        await result(client.models.generate_content(model=MODEL, contents="Hi"))
    assert not isinstance(refusal.raised, errors.APIError), refusal.raised


@case("errors.APIError/call that is not there", on=(VERTEX,))
async def _(client):
    with refuses(ValueError, "Gemini Developer"):
        await result(client.files.list())
