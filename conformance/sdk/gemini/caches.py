"""Cases of `client.caches`: making, reading, listing, changing and using cached contents."""

import datetime

from google.genai import errors, types

from bench import BOTH, DOCUMENT, FACT, MLDEV, MODEL, PARENT, VERTEX
from harness import among, case, each, gather, refuses, result, same, sent

CACHES = "cachedContents"
QUESTION = "Where are the spare keys?"
HOUR = datetime.timedelta(hours=1)
GONE = {MLDEV: (403, "PERMISSION_DENIED"), VERTEX: (404, "NOT_FOUND")}


def part(text):
    return types.Part.from_text(text=text)


async def create(client, **config):
    config = types.CreateCachedContentConfig(contents=[DOCUMENT], **config)
    return await result(client.caches.create(model=MODEL, config=config))


def gone(bench, error=errors.ClientError):
    code, status = GONE[bench.backend]
    return refuses(error, code=code, status=status)


@case("caches.create/reply", on=BOTH)
async def _(client, bench):
    cache = await create(client, display_name="hotel")
    prefix = f"{PARENT}/{CACHES}/" if bench.is_vertex else f"{CACHES}/"
    assert cache.name.startswith(prefix), cache.name
    same(cache.model, bench.model_name())
    same(cache.display_name, "hotel")
    same(cache.expire_time - cache.create_time, HOUR)
    same(cache.update_time, cache.create_time)
    assert cache.usage_metadata.total_token_count > 2048


TTLS = {"one minute": "60s", "a fraction": "90.5s", "a day": "86400s"}


@case("caches.create/ttl", on=BOTH, rows=TTLS)
async def _(client, emulator, value):
    cache = await create(client, ttl=value)
    lives = cache.expire_time - cache.create_time
    same(lives.total_seconds(), float(value[:-1]))
    same(sent(emulator.last(CACHES), "ttl"), value)


BAD_TTLS = {"zero": "0s", "negative": "-5s"}


@case("caches.create/bad ttl", on=BOTH, rows=BAD_TTLS)
async def _(client, value):
    with refuses(errors.ClientError, "expiration must be in the future", code=400):
        await create(client, ttl=value)


ZONES = {"UTC": datetime.timezone.utc, "an offset": datetime.timezone(2 * HOUR)}


@case("caches.create/expire time", on=BOTH, rows=ZONES)
async def _(client, value):
    time = datetime.datetime(2031, 5, 4, 3, 2, 1, 500_000, tzinfo=value)
    cache = await create(client, expire_time=time)
    same(cache.expire_time, time)


@case("caches.create/expire time in the past", on=BOTH)
async def _(client):
    time = datetime.datetime(2021, 5, 4, tzinfo=datetime.timezone.utc)
    with refuses(errors.ClientError, "expiration must be in the future", code=400):
        await create(client, expire_time=time)


CONTENTS = {
    "a text": DOCUMENT,
    "texts": [DOCUMENT, "Ask at the desk."],
    "a part": part(DOCUMENT),
    "a content": types.Content(role="user", parts=[part(DOCUMENT)]),
    "turns of both": [
        types.Content(role="user", parts=[part(DOCUMENT)]),
        types.Content(role="model", parts=[part("Noted.")]),
    ],
}


@case("caches.create/contents", on=BOTH, rows=CONTENTS)
async def _(client, emulator, value):
    cache = await result(client.caches.create(model=MODEL, config={"contents": value}))
    same(sent(emulator.last(CACHES), "contents.0.parts.0.text"), DOCUMENT)
    assert cache.usage_metadata.total_token_count > 2048


@case("caches.create/instructions and tools", on=BOTH)
async def _(client, emulator):
    lamp = types.FunctionDeclaration(name="switch_lamp", description="Switches a lamp.")
    await create(
        client,
        system_instruction="Answer briefly.",
        tools=[types.Tool(function_declarations=[lamp])],
        tool_config=types.ToolConfig(
            function_calling_config=types.FunctionCallingConfig(mode="AUTO")
        ),
    )
    last = emulator.last(CACHES)
    same(sent(last, "systemInstruction.parts.0.text"), "Answer briefly.")
    same(sent(last, "tools.0.functionDeclarations.0.name"), "switch_lamp")
    same(sent(last, "toolConfig.functionCallingConfig.mode"), "AUTO")


@case("caches.create/key of the customer's", on=(VERTEX,))
async def _(client, emulator):
    await create(client, kms_key_name="projects/p/locations/l/keyRings/r/cryptoKeys/k")
    same(
        sent(emulator.last(CACHES), "encryptionSpec.kmsKeyName"),
        "projects/p/locations/l/keyRings/r/cryptoKeys/k",
    )


@case("caches.create/key of the customer's refused", on=(MLDEV,))
async def _(client, emulator):
    with refuses(ValueError, "kms_key_name"):
        await create(client, kms_key_name="projects/p/locations/l/keyRings/r/cryptoKeys/k")
    same(emulator.requests(), [])


@case("caches.create/too small", on=BOTH)
async def _(client, bench):
    text = "minimum token count" if bench.is_vertex else "min_total_token_count=2048"
    with refuses(errors.ClientError, text, code=400, status="INVALID_ARGUMENT"):
        await result(client.caches.create(model=MODEL, config={"contents": "too little"}))


@case("caches.create/unknown model", on=BOTH)
async def _(client):
    with refuses(errors.ClientError, "gemini-none", code=404, status="NOT_FOUND"):
        await result(client.caches.create(model="gemini-none", config={"contents": DOCUMENT}))


@case("caches.create/long display name", on=BOTH)
async def _(client):
    with refuses(errors.ClientError, "display_name", code=400):
        await create(client, display_name="x" * 129)


@case("caches.create/no room", on=(MLDEV,), settings={"cache_storage_limit": 0})
async def _(client):
    with refuses(errors.ClientError, "limit=0", code=429, status="RESOURCE_EXHAUSTED"):
        await create(client)


@case("caches.get/name", on=BOTH, rows={"whole": False, "short": True})
async def _(client, value):
    cache = await create(client, display_name="hotel")
    name = cache.name.rsplit("/", 1)[-1] if value else cache.name
    same(await result(client.caches.get(name=name)), cache)


@case("caches.get/unknown", on=BOTH)
async def _(client, bench):
    with gone(bench):
        await result(client.caches.get(name=f"{CACHES}/123"))


@case("caches.get/expired", on=BOTH, settings={"manual_clock": True})
async def _(client, bench, emulator):
    cache = await create(client, ttl="60s")
    emulator.advance(59)
    same((await result(client.caches.get(name=cache.name))).name, cache.name)
    emulator.advance(2)
    code = 400 if bench.is_vertex else 403
    with refuses(errors.ClientError, code=code):
        await result(client.caches.get(name=cache.name))


@case("caches.get/somebody else's", on=(MLDEV,))
async def _(client, bench):
    cache = await create(client)
    with gone(bench):
        await result(bench.make(key="another-key").caches.get(name=cache.name))


@case("caches.list/empty", on=BOTH)
async def _(client):
    same(await gather(client.caches.list()), [])


SIZES = {"1": 1, "2": 2, "5": 5, "9": 9}


@case("caches.list/page size", on=BOTH, rows=SIZES)
async def _(client, value):
    made = [(await create(client, display_name=f"number {n}")).name for n in range(5)]
    pager = await result(client.caches.list(config={"page_size": value}))
    same(len(pager.page), min(value, 5))
    listed = [cache.name async for cache in each(pager)]
    same(sorted(listed), sorted(made))


@case("caches.list/page by page", on=BOTH)
async def _(client):
    for _ in range(3):
        await create(client)
    pager = await result(client.caches.list(config={"page_size": 2}))
    same(len(pager.page), 2)
    same(len(await result(pager.next_page())), 1)
    with refuses(IndexError):
        await result(pager.next_page())


@case("caches.list/settings", on=BOTH)
async def _(client, emulator):
    await result(client.caches.list(config=types.ListCachedContentsConfig(page_size=7)))
    same(dict(emulator.last(CACHES)["query"])["pageSize"], "7")


@case("caches.update/ttl", on=BOTH)
async def _(client, emulator):
    cache = await create(client, ttl="600s")
    config = types.UpdateCachedContentConfig(ttl="7200s")
    updated = await result(client.caches.update(name=cache.name, config=config))
    assert updated.expire_time > cache.expire_time
    same(updated.name, cache.name)
    last = emulator.last(CACHES)
    same((last["method"], sent(last, "ttl")), ("PATCH", "7200s"))


@case("caches.update/expire time", on=BOTH)
async def _(client):
    cache = await create(client)
    time = cache.expire_time + datetime.timedelta(days=1)
    updated = await result(client.caches.update(name=cache.name, config={"expire_time": time}))
    same(updated.expire_time, time)
    same((await result(client.caches.get(name=cache.name))).expire_time, time)


@case("caches.update/unknown", on=BOTH)
async def _(client, bench):
    with gone(bench):
        await result(client.caches.update(name=f"{CACHES}/123", config={"ttl": "60s"}))


@case("caches.delete/gone afterwards", on=BOTH)
async def _(client, bench):
    cache = await create(client)
    await result(client.caches.delete(name=cache.name))
    with gone(bench):
        await result(client.caches.get(name=cache.name))
    same(await gather(client.caches.list()), [])


@case("caches.delete/unknown", on=BOTH)
async def _(client, bench):
    with gone(bench):
        await result(client.caches.delete(name=f"{CACHES}/123"))


@case("caches.create/used by a generation", on=BOTH, rows={"whole name": False, "short name": True})
async def _(client, emulator, value):
    cache = await create(client, system_instruction="Answer briefly.")
    name = cache.name.rsplit("/", 1)[-1] if value else cache.name
    config = types.GenerateContentConfig(cached_content=name)
    reply = await result(
        client.models.generate_content(model=MODEL, contents=QUESTION, config=config)
    )
    among(FACT, reply.text)
    same(sent(emulator.last(":generateContent"), "cachedContent"), cache.name)
    usage = reply.usage_metadata
    same(usage.cached_content_token_count, cache.usage_metadata.total_token_count)
    assert usage.prompt_token_count > usage.cached_content_token_count
    same(usage.cache_tokens_details[0].modality, types.MediaModality.TEXT)


@case("caches.create/used by a stream", on=BOTH)
async def _(client):
    cache = await create(client)
    config = types.GenerateContentConfig(cached_content=cache.name)
    chunks = await gather(
        client.models.generate_content_stream(model=MODEL, contents=QUESTION, config=config)
    )
    among(FACT, "".join(chunk.text for chunk in chunks))
    assert chunks[-1].usage_metadata.cached_content_token_count


@case("caches.create/used by a chat", on=BOTH)
async def _(client):
    cache = await create(client)
    chat = client.chats.create(model=MODEL, config={"cached_content": cache.name})
    among(FACT, (await result(chat.send_message(QUESTION))).text)
    among(FACT, (await result(chat.send_message(QUESTION))).text)


@case("caches.create/functions of the cache", on=BOTH)
async def _(client):
    lamp = types.FunctionDeclaration(name="switch_lamp", description="Switches a lamp.")
    cache = await create(client, tools=[types.Tool(function_declarations=[lamp])])
    config = types.GenerateContentConfig(cached_content=cache.name)
    reply = await result(
        client.models.generate_content(
            model=MODEL, contents="Please call switch_lamp.", config=config
        )
    )
    same([call.name for call in reply.function_calls], ["switch_lamp"])


@case("caches.create/used with another model", on=BOTH)
async def _(client):
    cache = await create(client)
    config = types.GenerateContentConfig(cached_content=cache.name)
    with refuses(errors.ClientError, "has to be the same", code=400):
        await result(
            client.models.generate_content(model="gemini-2.5-pro", contents="Hi", config=config)
        )


@case("caches.create/used when it is gone", on=BOTH)
async def _(client, bench):
    cache = await create(client)
    await result(client.caches.delete(name=cache.name))
    config = types.GenerateContentConfig(cached_content=cache.name)
    with gone(bench):
        await result(client.models.generate_content(model=MODEL, contents="Hi", config=config))


@case("caches.create/used when it has expired", on=BOTH, settings={"manual_clock": True})
async def _(client, bench, emulator):
    cache = await create(client, ttl="60s")
    emulator.advance(61)
    config = types.GenerateContentConfig(cached_content=cache.name)
    with refuses(errors.ClientError, code=400 if bench.is_vertex else 403):
        await result(client.models.generate_content(model=MODEL, contents="Hi", config=config))
