"""Cases of `client.auth_tokens`: tokens that a browser may hold."""

import datetime

from google.genai import errors

from bench import MLDEV, VERTEX
from harness import case, refuses, result, same, sent

LIVE = "gemini-live-2.5-flash-preview"


def soon(minutes):
    return datetime.datetime.now(tz=datetime.timezone.utc) + datetime.timedelta(minutes=minutes)


def maker(bench):
    return bench.make(api_version="v1alpha").auth_tokens


CONFIGS = {
    "nothing": {},
    "uses": {"uses": 2},
    "times": {"expire_time": soon(25), "new_session_expire_time": soon(10)},
    "constraints": {
        "live_connect_constraints": {"model": LIVE, "config": {"response_modalities": ["TEXT"]}},
        "lock_additional_fields": ["top_k"],
    },
}


@case("auth_tokens.create/config", on=(MLDEV,), rows=CONFIGS)
async def _(bench, value):
    token = await result(maker(bench).create(config=value))
    assert token.name.startswith("auth_tokens/"), token
    same((await result(maker(bench).create(config=value))).name == token.name, False)


@case("auth_tokens.create/constraints on the wire", on=(MLDEV,))
async def _(bench, emulator):
    await result(maker(bench).create(config=CONFIGS["constraints"]))
    last = emulator.last("auth_tokens")
    same(sent(last, "bidiGenerateContentSetup.model"), f"models/{LIVE}")
    fields = "model,generationConfig.responseModalities,generationConfig.top_k"
    same(sent(last, "fieldMask"), fields)


BAD = {"negative uses": {"uses": -1}, "past": {"expire_time": soon(-1)}}


@case("auth_tokens.create/bad", on=(MLDEV,), rows=BAD)
async def _(bench, value):
    with refuses(errors.ClientError, code=400):
        await result(maker(bench).create(config=value))


@case("auth_tokens.create/refused", on=(VERTEX,))
async def _(bench, emulator):
    with refuses(ValueError):
        await result(maker(bench).create(config={}))
    same(emulator.requests(), [])
