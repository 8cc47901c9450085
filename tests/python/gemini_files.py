"""Drives files, file search, operations and films of a Gemini server through the official Python SDK.

Usage: gemini_files.py BASE_URL. Needs google-genai. Prints a line for each check; the exit status
is 0 only if all of them passed. Meant for the emulator: it creates and deletes files and stores.
"""

import asyncio
import base64
import hashlib
import io
import json
import pathlib
import sys
import tempfile
import time
import traceback
import urllib.request

from google import genai
from google.genai import errors, types
from google.oauth2.credentials import Credentials

KEY = "files-test-key"
MODEL = "gemini-2.5-flash"
VEO = "veo-3.0-generate-001"
FACT = "The night porter of the Halden hotel keeps the spare keys in a blue tin."
DOCUMENT = f"Grüße! The Halden hotel has two doors. {FACT} Breakfast is at eight."

checks = []


def check(function):
    checks.append(function)
    return function


def done(client, operation):
    deadline = time.monotonic() + 60
    while not operation.done:
        assert time.monotonic() < deadline, operation
        time.sleep(0.2)
        operation = client.operations.get(operation)
    return operation


def vertex(client):
    return genai.Client(
        vertexai=True,
        project="files-test",
        location="us-central1",
        credentials=Credentials("files-test-token"),
        http_options=types.HttpOptions(base_url=client.base_url),
    )


def text_file(client, text=DOCUMENT, **config):
    config.setdefault("mime_type", "text/plain")
    return client.files.upload(file=io.BytesIO(text.encode()), config=config)


def film(client, prompt):
    """The SDK begins no films on the developer API, so this asks for one by hand."""
    request = urllib.request.Request(
        f"{client.base_url}v1beta/models/{VEO}:predictLongRunning",
        data=json.dumps({"instances": [{"prompt": prompt}]}).encode(),
        headers={"x-goog-api-key": KEY, "content-type": "application/json"},
    )
    with urllib.request.urlopen(request) as response:
        return types.GenerateVideosOperation(name=json.load(response)["name"])


@check
def upload_from_a_path(client):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "hotel.txt")
        path.write_text(DOCUMENT)
        config = {"display_name": "Hotel", "name": "hotel-notes"}
        file = client.files.upload(file=path, config=config)
    assert file.name == "files/hotel-notes", file
    assert file.display_name == "Hotel"
    assert file.mime_type == "text/plain"
    assert file.size_bytes == len(DOCUMENT.encode())
    assert file.state == types.FileState.ACTIVE
    assert file.source == types.FileSource.UPLOADED
    digest = hashlib.sha256(DOCUMENT.encode()).hexdigest()
    assert base64.b64decode(file.sha256_hash).decode() == digest, file
    lifetime = file.expiration_time - file.create_time
    assert lifetime.total_seconds() == 48 * 3600, lifetime
    assert client.files.get(name=file.name) == file
    client.files.delete(name=file.name)
    try:
        client.files.get(name=file.name)
        raise AssertionError("a deleted file is there")
    except errors.ClientError as error:
        assert (error.code, error.status) == (403, "PERMISSION_DENIED"), error


@check
def upload_in_chunks_of_eight_mebibytes(client):
    content = bytes(range(256)) * (20 * 4096)  # 20 MiB
    config = {"mime_type": "application/pdf"}
    file = client.files.upload(file=io.BytesIO(content), config=config)
    assert file.size_bytes == len(content)
    digest = hashlib.sha256(content).hexdigest()
    assert base64.b64decode(file.sha256_hash).decode() == digest
    empty = client.files.upload(file=io.BytesIO(b""), config={"mime_type": "text/plain"})
    assert empty.size_bytes == 0, empty


@check
def an_uploaded_film_is_processed(client):
    file = client.files.upload(file=io.BytesIO(b"..."), config={"mime_type": "video/mp4"})
    assert file.state == types.FileState.PROCESSING
    try:
        client.models.generate_content(model=MODEL, contents=[file, "What is it?"])
        raise AssertionError("a file that is not ready was used")
    except errors.ClientError as error:
        assert error.status == "FAILED_PRECONDITION", error
    deadline = time.monotonic() + 60
    while file.state == types.FileState.PROCESSING:
        assert time.monotonic() < deadline
        time.sleep(0.2)
        file = client.files.get(name=file.name)
    assert file.state == types.FileState.ACTIVE
    client.models.generate_content(model=MODEL, contents=[file, "What is it?"])


@check
def list_files(client):
    before = {file.name for file in client.files.list()}
    made = {text_file(client, f"Note {n}.").name for n in range(5)}
    pager = client.files.list(config={"page_size": 2})
    assert pager.page_size == 2 and len(pager.page) == 2
    assert {file.name for file in pager} == before | made


@check
def a_prompt_with_a_file(client):
    file = text_file(client)
    contents = [file, "Where are the spare keys of the Halden hotel?"]
    response = client.models.generate_content(model=MODEL, contents=contents)
    assert FACT in response.text, response.text
    count = client.models.count_tokens(model=MODEL, contents=contents)
    assert count.total_tokens == response.usage_metadata.prompt_token_count
    client.files.delete(name=file.name)
    try:
        client.models.generate_content(model=MODEL, contents=contents)
        raise AssertionError("a deleted file was used")
    except errors.ClientError as error:
        assert (error.code, error.status) == (403, "PERMISSION_DENIED"), error


@check
def register_files(client):
    response = client.files.register_files(
        auth=Credentials("files-test-token", quota_project_id="payer"),
        uris=["gs://bucket/talk.mp4", "gs://bucket/notes.txt"],
    )
    kinds = [(file.source, file.mime_type) for file in response.files]
    registered = types.FileSource.REGISTERED
    assert kinds == [(registered, "video/mp4"), (registered, "text/plain")], kinds


@check
def films_of_the_developer_api(client):
    operation = done(client, film(client, "a cat on a roof"))
    [generated] = operation.response.generated_videos
    assert operation.result.generated_videos == [generated]
    data = client.files.download(file=generated)
    assert data[4:8] == b"ftyp" and generated.video.video_bytes == data
    [file] = [it for it in client.files.list() if it.download_uri == generated.video.uri]
    assert file.source == types.FileSource.GENERATED
    assert file.video_metadata == {"videoDuration": "8s"}, file
    assert client.files.download(file=file) == data
    with tempfile.TemporaryDirectory() as folder:
        target = pathlib.Path(folder, "film.mp4")
        client.files.download(file=generated.video, destination=target)
        assert target.read_bytes() == data
    uploaded = text_file(client)
    try:
        client.files.download(file=uploaded.name)
        raise AssertionError("an uploaded file was given back")
    except errors.ClientError as error:
        assert error.code == 400, error


@check
def films_on_vertex(client):
    agent = vertex(client)
    operation = agent.models.generate_videos(
        model=VEO,
        source=types.GenerateVideosSource(prompt="a dog"),
        config=types.GenerateVideosConfig(number_of_videos=2, duration_seconds=4, aspect_ratio="9:16"),
    )
    assert not operation.done and "/operations/" in operation.name
    operation = done(agent, operation)
    videos = [generated.video for generated in operation.response.generated_videos]
    assert len(videos) == 2
    assert all(video.video_bytes[4:8] == b"ftyp" for video in videos)
    assert all(video.mime_type == "video/mp4" for video in videos)
    stored = agent.models.generate_videos(
        model=VEO,
        source=types.GenerateVideosSource(prompt="a dog"),
        config=types.GenerateVideosConfig(output_gcs_uri="gs://bucket/films"),
    )
    [generated] = done(agent, stored).response.generated_videos
    assert generated.video.uri.startswith("gs://bucket/films/"), generated
    project = agent.operations._get(operation_id=stored.name.rsplit("/", 1)[1])
    assert project.done and project.name == stored.name, project
    try:
        agent.models.generate_videos(
            model=VEO,
            source=types.GenerateVideosSource(prompt="a dog"),
            config=types.GenerateVideosConfig(number_of_videos=9),
        )
        raise AssertionError("nine films were begun")
    except errors.ClientError as error:
        assert (error.code, error.status) == (400, "INVALID_ARGUMENT"), error


@check
def file_search(client):
    stores = client.file_search_stores
    store = stores.create(config={"display_name": "Halden hotel"})
    assert store.name.startswith("fileSearchStores/halden-hotel-"), store
    operation = stores.upload_to_file_search_store(
        file_search_store_name=store.name,
        file=io.BytesIO(DOCUMENT.encode()),
        config={
            "mime_type": "text/plain",
            "display_name": "hotel.txt",
            "custom_metadata": [
                {"key": "year", "numeric_value": 1990},
                {"key": "tags", "string_list_value": {"values": ["hotel", "keys"]}},
            ],
            "chunking_config": {
                "white_space_config": {"max_tokens_per_chunk": 60, "max_overlap_tokens": 10}
            },
        },
    )
    assert isinstance(operation, types.UploadToFileSearchStoreOperation)
    assert operation.name.startswith(f"{store.name}/upload/operations/"), operation
    pending = stores.get(name=store.name)
    assert pending.pending_documents_count == 1 and pending.active_documents_count is None
    operation = done(client, operation)
    assert operation.response.parent == store.name

    old = text_file(client, "Long ago the spare keys of the hotel were in a red tin.", display_name="old.txt")
    imported = done(
        client,
        stores.import_file(
            file_search_store_name=store.name,
            file_name=old.name,
            config={"custom_metadata": [{"key": "year", "numeric_value": 1950}]},
        ),
    )
    assert isinstance(imported, types.ImportFileOperation)
    documents = list(stores.documents.list(parent=store.name, config={"page_size": 1}))
    assert [document.display_name for document in documents] == ["hotel.txt", "old.txt"]
    document = stores.documents.get(name=operation.response.document_name)
    assert document.state == types.DocumentState.STATE_ACTIVE
    assert document.size_bytes == len(DOCUMENT.encode())
    assert document.custom_metadata[1].string_list_value.values == ["hotel", "keys"]
    assert stores.get(name=store.name).active_documents_count == 2

    def ask(**search):
        return client.models.generate_content(
            model=MODEL,
            contents="Where are the spare keys of the hotel?",
            config=types.GenerateContentConfig(
                tools=[
                    types.Tool(
                        file_search=types.FileSearch(
                            file_search_store_names=[store.name], **search
                        )
                    )
                ]
            ),
        )

    response = ask(metadata_filter='year > 1980 AND tags = "keys"')
    assert FACT in response.text, response.text
    grounding = response.candidates[0].grounding_metadata
    titles = {chunk.retrieved_context.title for chunk in grounding.grounding_chunks}
    assert titles == {"hotel.txt"}, titles
    answer = response.text.encode()
    assert grounding.grounding_supports
    for support in grounding.grounding_supports:
        segment = support.segment
        part = answer[segment.start_index or 0 : segment.end_index].decode()
        assert part == segment.text, support
        for index in support.grounding_chunk_indices:
            chunk = grounding.grounding_chunks[index].retrieved_context
            assert segment.text in chunk.text and chunk.file_search_store == store.name
    assert len(ask(top_k=1).candidates[0].grounding_metadata.grounding_chunks) == 1
    try:
        ask(metadata_filter="year >")
        raise AssertionError("nonsense was taken for a filter")
    except errors.ClientError as error:
        assert (error.code, error.status) == (400, "INVALID_ARGUMENT"), error

    picture = done(
        client,
        stores.upload_to_file_search_store(
            file_search_store_name=store.name,
            file=io.BytesIO(b"\x89PNG"),
            config={"mime_type": "image/png", "display_name": "harbour"},
        ),
    )
    media = picture.response.document_name.replace("/documents/", "/media/")
    assert stores.download_media(media_id=media) == b"\x89PNG"

    for call in (stores.documents.delete, stores.delete):
        name = document.name if call == stores.documents.delete else store.name
        try:
            call(name=name)
            raise AssertionError(f"{name} was deleted with what is in it")
        except errors.ClientError as error:
            assert error.status == "FAILED_PRECONDITION", error
        call(name=name, config={"force": True})
    assert store.name not in {it.name for it in stores.list(config={"page_size": 1})}


@check
def everything_again_without_blocking(client):
    async def run():
        aio = client.aio
        file = await aio.files.upload(
            file=io.BytesIO(DOCUMENT.encode()), config={"mime_type": "text/plain"}
        )
        assert (await aio.files.get(name=file.name)) == file
        assert file.name in {it.name async for it in await aio.files.list()}
        registered = await aio.files.register_files(
            auth=Credentials("files-test-token"), uris=["gs://bucket/a.txt"]
        )
        assert len(registered.files) == 1
        store = await aio.file_search_stores.create()
        stores = aio.file_search_stores
        operations = [
            await stores.upload_to_file_search_store(
                file_search_store_name=store.name,
                file=io.BytesIO(b"\x89PNG"),
                config={"mime_type": "image/png"},
            ),
            await stores.import_file(file_search_store_name=store.name, file_name=file.name),
            await asyncio.to_thread(film, client, "a bird"),
        ]
        deadline = time.monotonic() + 60
        while not all(operation.done for operation in operations):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.2)
            operations = [await aio.operations.get(operation) for operation in operations]
        [generated] = operations[2].response.generated_videos
        assert (await aio.files.download(file=generated))[4:8] == b"ftyp"
        names = [it.name async for it in await stores.documents.list(parent=store.name)]
        assert names == [operation.response.document_name for operation in operations[:2]]
        media = names[0].replace("/documents/", "/media/")
        assert await stores.download_media(media_id=media) == b"\x89PNG"
        assert (await stores.documents.get(name=names[1])).size_bytes == len(DOCUMENT.encode())
        await stores.documents.delete(name=names[1], config={"force": True})
        assert (await stores.get(name=store.name)).active_documents_count == 1
        assert store.name in {it.name async for it in await stores.list()}
        await stores.delete(name=store.name, config={"force": True})
        await aio.files.delete(name=file.name)
        await aio.aclose()

    asyncio.run(run())


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    client = genai.Client(
        api_key=KEY,
        vertexai=False,
        http_options=types.HttpOptions(base_url=sys.argv[1]),
    )
    client.base_url = sys.argv[1].rstrip("/") + "/"
    failed = 0
    for function in checks:
        try:
            function(client)
            print(f"ok      {function.__name__}")
        except Exception:
            failed += 1
            print(f"FAILED  {function.__name__}")
            traceback.print_exc(file=sys.stdout)
    print(f"{len(checks) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
