"""Cases of `client.environments`: places to work in, and the files there."""

import io
import tarfile

from google.genai import errors
from google.genai._gaos.lib.compat_errors import APIStatusError

from bench import BOTH, FACT, MLDEV
from harness import case, paged, refuses, result, same

# On Vertex the SDK asks for files without its credentials.
FILES = (MLDEV,)


async def make(client, **more):
    source = {"type": "inline", "content": FACT, "target": "/notes/ferry.txt"}
    more.setdefault("sources", [source])
    return await result(client.environments.create(**more))


async def read(client, place, path):
    return await result(client.environments.files.download(environment=place.id, path=path))


@case("environments.create/files from the start", on=FILES)
async def _(client):
    place = await make(client, network="disabled")
    files = await result(client.environments.files.list(environment=place.id, path="notes"))
    [entry] = files.files
    same((entry.name, entry.type), ("ferry.txt", "file"))
    same(await read(client, place, "notes/ferry.txt"), FACT.encode())


@case("environments.create/from another", on=FILES)
async def _(client):
    place = await make(client)
    copy = await result(client.environments.create(from_environment=place.id))
    assert copy.id != place.id
    same(await read(client, copy, "notes/ferry.txt"), FACT.encode())


@case("environments.files.upload/file", on=FILES)
async def _(client):
    place = await make(client)
    files = client.environments.files
    await result(files.upload(environment=place.id, path="notes/a b.txt", file=b"quays"))
    same(await read(client, place, "notes/a b.txt"), b"quays")
    listed = await result(files.list(environment=place.id, path="notes"))
    same([entry.name for entry in listed.files], ["a b.txt", "ferry.txt"])


@case("environments.files.upload/archive", on=FILES)
async def _(client):
    place = await make(client)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        entry = tarfile.TarInfo("inner/list.csv")
        entry.size = 4
        archive.addfile(entry, io.BytesIO(b"a,b\n"))
    upload = client.environments.files.upload(
        environment=place.id, path="data", file=packed.getvalue(), extract=True
    )
    await result(upload)
    same(await read(client, place, "data/inner/list.csv"), b"a,b\n")


@case("environments.files.download/unknown", on=FILES)
async def _(client):
    place = await make(client)
    with refuses(errors.ClientError, code=404):
        await read(client, place, "notes/none.txt")


@case("environments.create/used by an interaction", on=BOTH)
async def _(client):
    place = await make(client)
    answer = await result(
        client.interactions.create(
            agent="antigravity-preview-05-2026", input="Hello", environment=place.id
        )
    )
    same(answer.environment_id, place.id)


@case("environments.list/page size", on=BOTH, rows={"1": 1, "2": 2, "9": 9})
async def _(client, value):
    made = {(await make(client)).id for _ in range(3)}
    found, pages = await paged(client.environments.list, "environments", value)
    same(({place.id for place in found}, pages), (made, -(-3 // value)))


@case("environments.delete/gone afterwards", on=BOTH)
async def _(client):
    place = await make(client)
    await result(client.environments.delete(place.id))
    with refuses(APIStatusError, status_code=404):
        await result(client.environments.get(place.id))


@case("environments.get/name", on=BOTH)
async def _(client):
    place = await make(client)
    same((await result(client.environments.get(place.id))).id, place.id)
