"""Cases of `HttpOptions`, of the client and of one call, and of what a client sends by itself."""

from google.genai import types

from bench import ALL, BOTH, EXPRESS, MLDEV, MODEL, PARENT, VERTEX
from harness import among, case, gather, refuses, result, same, sent


def generate(client, **options):
    config = types.GenerateContentConfig(
        http_options=types.HttpOptions(**options) if options else None
    )
    return client.models.generate_content(model=MODEL, contents="Hi", config=config)


@case("options.Client/path", on=ALL)
async def _(client, bench, emulator):
    await result(generate(client))
    prefix = {
        MLDEV: "/v1beta/models",
        VERTEX: f"/v1beta1/{PARENT}/publishers/google/models",
        EXPRESS: "/v1beta1/publishers/google/models",
    }[bench.backend]
    path = emulator.last()["path"]
    version = path.split("/")[1]
    same(path, f"/{version}/{prefix.split('/', 2)[2]}/{MODEL}:generateContent")


@case("options.Client/credentials", on=ALL)
async def _(client, bench, emulator):
    await result(generate(client))
    await result(generate(client))
    first, second = emulator.requests()
    assert first["key"] and first["key"] == second["key"]
    await result(generate(bench.make(key="another-key")))
    same(emulator.last()["key"] == first["key"], bench.backend == VERTEX)


@case("options.Client/product", on=BOTH)
async def _(client, emulator):
    await result(generate(client))
    headers = emulator.last()["headers"]
    same(headers["user-agent"], headers["x-goog-api-client"])
    assert "gl-" in headers["user-agent"], headers["user-agent"]
    among("application/json", headers["content-type"])


VERSIONS = {"v1": "v1", "v1alpha": "v1alpha", "v1beta": "v1beta"}


@case("options.HttpOptions/version of the client", on=BOTH, rows=VERSIONS)
async def _(bench, emulator, value):
    await result(generate(bench.make(api_version=value)))
    same(emulator.last()["path"].split("/")[1], value)


@case("options.HttpOptions/header of the client", on=BOTH)
async def _(bench, emulator):
    client = bench.make(headers={"x-house": "halden"})
    await result(generate(client))
    same(emulator.last()["headers"]["x-house"], "halden")
    await gather(client.models.list())
    same(emulator.last()["headers"]["x-house"], "halden")


@case("options.HttpOptions/header of a call", on=BOTH)
async def _(client, emulator):
    await result(generate(client, headers={"x-house": "halden"}))
    same(emulator.last()["headers"]["x-house"], "halden")
    await result(generate(client))
    assert "x-house" not in emulator.last()["headers"]


@case("options.HttpOptions/header of a call wins", on=BOTH)
async def _(bench, emulator):
    client = bench.make(headers={"x-house": "halden", "x-floor": "2"})
    await result(generate(client, headers={"x-house": "larvik"}))
    headers = emulator.last()["headers"]
    same((headers["x-house"], headers["x-floor"]), ("larvik", "2"))


TIMEOUTS = {"whole": (30_000, "30"), "rounded up": (29_001, "30")}


@case("options.HttpOptions/timeout is told", on=BOTH, rows=TIMEOUTS)
async def _(client, emulator, value):
    milliseconds, seconds = value
    await result(generate(client, timeout=milliseconds))
    same(emulator.last()["headers"]["x-server-timeout"], seconds)


@case("options.HttpOptions/timeout that passes", on=BOTH)
async def _(client, emulator):
    emulator.fault("delay", seconds=30)
    with refuses(Exception) as refusal:
        await result(generate(client, timeout=200))
    kind = type(refusal.raised).__name__ + str(refusal.raised)
    assert "time" in kind.lower(), refusal.raised


@case("options.HttpOptions/body of one's own", on=BOTH)
async def _(client, emulator):
    extra = {"generationConfig": {"temperature": 0.5}}
    await result(generate(client, extra_body=extra))
    same(sent(emulator.last(), "generationConfig.temperature"), 0.5)


@case("options.HttpOptions/base with a path", on=BOTH)
async def _(bench, emulator):
    emulator.script(status=200, json={"candidates": []})
    await result(generate(bench.make(path="gateway")))
    assert emulator.last()["path"].startswith("/gateway/"), emulator.last()["path"]


@case("options.Client/requests do not mix", on=BOTH)
async def _(bench, emulator):
    one, two = bench.make(headers={"x-house": "one"}), bench.make(headers={"x-house": "two"})
    await result(generate(one))
    await result(generate(two))
    same([r["headers"]["x-house"] for r in emulator.requests()], ["one", "two"])
