"""Cases of `client.files`: uploads, reading, lists, downloads and registered objects."""

import base64
import hashlib
import io
import pathlib
import tempfile

from google.genai import errors, types
from google.oauth2.credentials import Credentials

from bench import FACT, MLDEV, MODEL, QUESTION, VERTEX
from harness import among, case, each, gather, refuses, result, same, until

TEXT = f"Grüße! The Halden hotel has two doors. {FACT} Breakfast is at eight."
DENIED = {"code": 403, "status": "PERMISSION_DENIED"}


async def upload(client, content=TEXT, **config):
    content = content.encode() if isinstance(content, str) else content
    config.setdefault("mime_type", "text/plain")
    return await result(client.files.upload(file=io.BytesIO(content), config=config))


def is_of(file, content):
    same(file.size_bytes, len(content))
    digest = hashlib.sha256(content).hexdigest()
    same(base64.b64decode(file.sha256_hash).decode(), digest)


@case("files.upload/path", on=(MLDEV,), rows={"text": str, "object": pathlib.Path})
async def _(client, value):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "hotel.txt")
        path.write_text(TEXT, encoding="utf-8")
        file = await result(client.files.upload(file=value(path)))
    same(file.mime_type, "text/plain")
    is_of(file, TEXT.encode())


@case("files.upload/reply", on=(MLDEV,))
async def _(client):
    file = await upload(client, display_name="Hotel", name="hotel-notes")
    same((file.name, file.display_name), ("files/hotel-notes", "Hotel"))
    same((file.state, file.source), (types.FileState.ACTIVE, types.FileSource.UPLOADED))
    same((file.expiration_time - file.create_time).total_seconds(), 48 * 3600)
    assert file.uri.endswith(file.name), file.uri


SIZES = {
    "nothing": 0,
    "one byte": 1,
    "a chunk": 8 << 20,
    "a chunk and a byte": (8 << 20) + 1,
    "20 MiB": 20 << 20,
}


@case("files.upload/size", on=(MLDEV,), rows=SIZES)
async def _(client, emulator, value):
    content = (bytes(range(256)) * (value // 256 + 1))[:value]
    file = await upload(client, content, mime_type="application/pdf")
    same(file.mime_type, "application/pdf")
    if value:
        is_of(file, content)
    parts = [r for r in emulator.requests("upload") if "x-goog-upload-offset" in r["headers"]]
    same(len(parts), max(1, -(-value // (8 << 20))))


@case("files.upload/name in use", on=(MLDEV,))
async def _(client):
    await upload(client, name="notes")
    with refuses(errors.ClientError, code=409):
        await upload(client, name="notes")


@case("files.upload/bad name", on=(MLDEV,))
async def _(client):
    with refuses(errors.ClientError, code=400):
        await upload(client, name="Not A Name")


@case("files.upload/no mime type", on=(MLDEV,))
async def _(client, emulator):
    with refuses(ValueError, "mime"):
        await result(client.files.upload(file=io.BytesIO(b"x")))
    same(emulator.requests(), [])


@case("files.upload/refused", on=(VERTEX,))
async def _(client, emulator):
    with refuses(ValueError, "only supported in the Gemini Developer client"):
        await upload(client)
    same(emulator.requests(), [])


@case("files.upload/film", on=(MLDEV,), settings={"manual_clock": True})
async def _(client, emulator):
    file = await upload(client, b"...", mime_type="video/mp4")
    same(file.state, types.FileState.PROCESSING)
    with refuses(errors.ClientError, status="FAILED_PRECONDITION"):
        await result(client.models.generate_content(model=MODEL, contents=[file, "What is it?"]))
    file = await until(
        lambda: client.files.get(name=file.name),
        lambda file: file.state != types.FileState.PROCESSING,
        emulator,
    )
    same(file.state, types.FileState.ACTIVE)
    reply = client.models.generate_content(model=MODEL, contents=[file, "What is it?"])
    assert (await result(reply)).text


@case("files.upload/used in a prompt", on=(MLDEV,))
async def _(client):
    file = await upload(client)
    contents = [file, QUESTION]
    reply = await result(client.models.generate_content(model=MODEL, contents=contents))
    among(FACT, reply.text)
    count = await result(client.models.count_tokens(model=MODEL, contents=contents))
    same(count.total_tokens, reply.usage_metadata.prompt_token_count)
    await result(client.files.delete(name=file.name))
    with refuses(errors.ClientError, **DENIED):
        await result(client.models.generate_content(model=MODEL, contents=contents))


@case("files.get/name", on=(MLDEV,), rows={"whole": False, "short": True})
async def _(client, value):
    file = await upload(client)
    name = file.name.removeprefix("files/") if value else file.name
    same(await result(client.files.get(name=name)), file)


@case("files.get/unknown", on=(MLDEV,))
async def _(client):
    with refuses(errors.ClientError, **DENIED):
        await result(client.files.get(name="files/none"))


@case("files.get/expired", on=(MLDEV,), settings={"manual_clock": True})
async def _(client, emulator):
    file = await upload(client)
    emulator.advance(48 * 3600 + 1)
    with refuses(errors.ClientError, **DENIED):
        await result(client.files.get(name=file.name))


@case("files.get/somebody else's", on=(MLDEV,))
async def _(client, bench):
    file = await upload(client)
    with refuses(errors.ClientError, **DENIED):
        await result(bench.make(key="another-key").files.get(name=file.name))


@case("files.list/page size", on=(MLDEV,), rows={"1": 1, "2": 2, "9": 9})
async def _(client, value):
    made = [(await upload(client, f"Note {n}.")).name for n in range(3)]
    pager = await result(client.files.list(config={"page_size": value}))
    same(len(pager.page), min(value, 3))
    same(sorted([file.name async for file in each(pager)]), sorted(made))


@case("files.list/empty", on=(MLDEV,))
async def _(client):
    same(await gather(client.files.list()), [])


@case("files.delete/gone afterwards", on=(MLDEV,))
async def _(client):
    file = await upload(client)
    await result(client.files.delete(name=file.name))
    with refuses(errors.ClientError, **DENIED):
        await result(client.files.get(name=file.name))
    same(await gather(client.files.list()), [])


@case("files.delete/unknown", on=(MLDEV,))
async def _(client):
    with refuses(errors.ClientError, **DENIED):
        await result(client.files.delete(name="files/none"))


@case("files.download/of an upload", on=(MLDEV,))
async def _(client):
    file = await upload(client)
    with refuses(errors.ClientError, code=400):
        await result(client.files.download(file=file.name))


@case("files.download/unknown", on=(MLDEV,))
async def _(client):
    with refuses(errors.ClientError, **DENIED):
        await result(client.files.download(file="files/none"))


@case("files.download/answers of a job", on=(MLDEV,), settings={"manual_clock": True})
async def _(client, emulator):
    request = '{"key": "a", "request": {"contents": [{"parts": [{"text": "x"}]}]}}\n'
    source = await upload(client, request, mime_type="application/jsonl")
    job = await result(client.batches.create(model=MODEL, src=source.name))
    job = await until(
        lambda: client.batches.get(name=job.name), lambda job: job.done, emulator
    )
    data = await result(client.files.download(file=job.dest.file_name))
    among(b'"a"', data)
    with tempfile.TemporaryDirectory() as folder:
        target = pathlib.Path(folder, "answers.jsonl")
        await result(client.files.download(file=job.dest.file_name, destination=target))
        same(target.read_bytes(), data)


@case("files.register_files/kinds", on=(MLDEV,))
async def _(client):
    reply = await result(
        client.files.register_files(
            auth=Credentials("files-token", quota_project_id="payer"),
            uris=["gs://bucket/talk.mp4", "gs://bucket/notes.txt"],
        )
    )
    kinds = [(file.source, file.mime_type) for file in reply.files]
    registered = types.FileSource.REGISTERED
    same(kinds, [(registered, "video/mp4"), (registered, "text/plain")])


@case("files.download/film", on=(MLDEV,), settings={"manual_clock": True})
async def _(client, bench, emulator):
    operation = await bench.film()
    operation = await until(
        lambda: client.operations.get(operation), lambda found: found.done, emulator, step=1
    )
    [generated] = operation.response.generated_videos
    data = await result(client.files.download(file=generated))
    same(data[4:8], b"ftyp")
    same(generated.video.video_bytes, data)
    [file] = await gather(client.files.list())
    same(file.source, types.FileSource.GENERATED)
    among(file.name, generated.video.uri)
    same(file.video_metadata, {"videoDuration": "8s"})
    same(await result(client.files.download(file=file)), data)
    with tempfile.TemporaryDirectory() as folder:
        target = pathlib.Path(folder, "film.mp4")
        await result(client.files.download(file=generated.video, destination=target))
        same(target.read_bytes(), data)
