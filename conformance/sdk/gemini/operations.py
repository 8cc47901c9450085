"""Cases of `client.operations`: what began and is not done, and names of another process."""

from google.genai import errors, types

from bench import BOTH, PARENT, VEO, VERTEX
from harness import case, refuses, result, same, until

STANDING = {"manual_clock": True}


async def done(client, emulator, operation):
    return await until(
        lambda: client.operations.get(operation), lambda found: found.done, emulator, step=1
    )


@case("operations.get/film", on=BOTH, settings=STANDING)
async def _(client, bench, emulator):
    operation = await done(client, emulator, await bench.film())
    [generated] = operation.response.generated_videos
    same(operation.result.generated_videos, [generated])
    if bench.is_vertex:
        same(generated.video.mime_type, "video/mp4")
        same(generated.video.video_bytes[4:8], b"ftyp")
    else:
        assert generated.video.uri


@case("operations.get/name of another process", on=BOTH, settings=STANDING)
async def _(client, bench, emulator):
    name = (await bench.film()).name
    operation = await done(client, emulator, types.GenerateVideosOperation(name=name))
    assert operation.response.generated_videos


@case("operations.get/unknown", on=BOTH)
async def _(client, bench):
    prefix = f"{PARENT}/publishers/google/" if bench.is_vertex else ""
    operation = types.GenerateVideosOperation(name=f"{prefix}models/{VEO}/operations/none")
    with refuses(errors.ClientError):
        await result(client.operations.get(operation))


@case("operations.get/several films", on=(VERTEX,), settings=STANDING)
async def _(client, bench, emulator):
    operation = await bench.film(number_of_videos=2, duration_seconds=4, aspect_ratio="9:16")
    operation = await done(client, emulator, operation)
    films = [generated.video.video_bytes for generated in operation.response.generated_videos]
    same([film[4:8] for film in films], [b"ftyp", b"ftyp"])


@case("operations.get/film in a bucket", on=(VERTEX,), settings=STANDING)
async def _(client, bench, emulator):
    operation = await bench.film(output_gcs_uri="gs://bucket/films")
    [generated] = (await done(client, emulator, operation)).response.generated_videos
    assert generated.video.uri.startswith("gs://bucket/films/"), generated.video.uri


@case("operations._get/project", on=(VERTEX,), settings=STANDING)
async def _(client, bench, emulator):
    begun = await done(client, emulator, await bench.film())
    found = client.operations._get(operation_id=begun.name.rsplit("/", 1)[1])
    found = await result(found)
    same((found.done, found.name), (True, begun.name))
