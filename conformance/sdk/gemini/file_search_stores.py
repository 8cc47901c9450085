"""Cases of `client.file_search_stores`: stores, their documents, and answers grounded in them."""

import io

from google.genai import errors, types

from bench import FACT, MLDEV, MODEL, QUESTION, VERTEX
from harness import among, case, gather, refuses, result, same, until

TEXT = f"Grüße! The Halden hotel has two doors. {FACT} Breakfast is at eight."
STANDING = {"manual_clock": True}
METADATA = [
    {"key": "year", "numeric_value": 1990},
    {"key": "tags", "string_list_value": {"values": ["hotel", "keys"]}},
]


async def store_of(client, name="Halden hotel"):
    return await result(client.file_search_stores.create(config={"display_name": name}))


async def begin(client, store, content=TEXT, **config):
    config.setdefault("mime_type", "text/plain")
    content = content.encode() if isinstance(content, str) else content
    return await result(
        client.file_search_stores.upload_to_file_search_store(
            file_search_store_name=store.name, file=io.BytesIO(content), config=config
        )
    )


async def done(client, emulator, operation):
    return await until(
        lambda: client.operations.get(operation), lambda found: found.done, emulator
    )


async def filled(client, emulator, **config):
    """A store with one document, and the name of that."""
    store = await store_of(client)
    config.setdefault("custom_metadata", METADATA)
    operation = await begin(client, store, display_name="hotel.txt", **config)
    return store, (await done(client, emulator, operation)).response.document_name


async def asked(client, store, **search):
    search = types.FileSearch(file_search_store_names=[store.name], **search)
    config = types.GenerateContentConfig(tools=[types.Tool(file_search=search)])
    return await result(
        client.models.generate_content(model=MODEL, contents=QUESTION, config=config)
    )


@case("file_search_stores.create/reply", on=(MLDEV,))
async def _(client):
    store = await store_of(client)
    assert store.name.startswith("fileSearchStores/halden-hotel-"), store.name
    same(store.display_name, "Halden hotel")
    assert store.create_time and store.update_time


@case("file_search_stores.create/without a name", on=(MLDEV,))
async def _(client):
    store = await result(client.file_search_stores.create())
    assert store.name.startswith("fileSearchStores/"), store.name


@case("file_search_stores.create/refused", on=(VERTEX,))
async def _(client, emulator):
    with refuses(ValueError):
        await store_of(client)
    same(emulator.requests(), [])


@case("file_search_stores.get/name", on=(MLDEV,))
async def _(client):
    store = await store_of(client)
    same((await result(client.file_search_stores.get(name=store.name))).name, store.name)


@case("file_search_stores.get/unknown", on=(MLDEV,))
async def _(client):
    with refuses(errors.ClientError):
        await result(client.file_search_stores.get(name="fileSearchStores/none"))


@case("file_search_stores.get/counts", on=(MLDEV,), settings=STANDING)
async def _(client, emulator):
    store = await store_of(client)
    operation = await begin(client, store)
    pending = await result(client.file_search_stores.get(name=store.name))
    same((pending.pending_documents_count, pending.active_documents_count), (1, None))
    await done(client, emulator, operation)
    ready = await result(client.file_search_stores.get(name=store.name))
    same((ready.pending_documents_count, ready.active_documents_count), (None, 1))


@case("file_search_stores.list/page size", on=(MLDEV,), rows={"1": 1, "2": 2, "9": 9})
async def _(client, value):
    made = [(await store_of(client, f"number {n}")).name for n in range(3)]
    pager = await result(client.file_search_stores.list(config={"page_size": value}))
    same(len(pager.page), min(value, 3))
    same(sorted(store.name for store in await gather(pager)), sorted(made))


@case("file_search_stores.delete/empty", on=(MLDEV,))
async def _(client):
    store = await store_of(client)
    await result(client.file_search_stores.delete(name=store.name))
    same(await gather(client.file_search_stores.list()), [])


@case("file_search_stores.delete/with documents", on=(MLDEV,), settings=STANDING)
async def _(client, emulator):
    store, _ = await filled(client, emulator)
    with refuses(errors.ClientError, status="FAILED_PRECONDITION"):
        await result(client.file_search_stores.delete(name=store.name))
    await result(client.file_search_stores.delete(name=store.name, config={"force": True}))
    same(await gather(client.file_search_stores.list()), [])


@case("file_search_stores.upload_to_file_search_store/operation", on=(MLDEV,), settings=STANDING)
async def _(client, emulator):
    store = await store_of(client)
    operation = await begin(client, store)
    assert isinstance(operation, types.UploadToFileSearchStoreOperation)
    assert operation.name.startswith(f"{store.name}/upload/operations/"), operation.name
    assert not operation.done
    operation = await done(client, emulator, operation)
    same(operation.response.parent, store.name)
    assert operation.response.document_name.startswith(f"{store.name}/documents/")


@case("file_search_stores.upload_to_file_search_store/unknown store", on=(MLDEV,))
async def _(client):
    store = types.FileSearchStore(name="fileSearchStores/none")
    with refuses(errors.ClientError):
        await begin(client, store)


@case("file_search_stores.import_file/operation", on=(MLDEV,), settings=STANDING)
async def _(client, emulator):
    store = await store_of(client)
    config = {"mime_type": "text/plain", "display_name": "old.txt"}
    file = await result(client.files.upload(file=io.BytesIO(TEXT.encode()), config=config))
    operation = await result(
        client.file_search_stores.import_file(
            file_search_store_name=store.name,
            file_name=file.name,
            config={"custom_metadata": [{"key": "year", "numeric_value": 1950}]},
        )
    )
    assert isinstance(operation, types.ImportFileOperation)
    operation = await done(client, emulator, operation)
    name = operation.response.document_name
    document = await result(client.file_search_stores.documents.get(name=name))
    same(document.display_name, "old.txt")
    same(document.custom_metadata[0].numeric_value, 1950)


@case("file_search_stores.import_file/unknown file", on=(MLDEV,))
async def _(client):
    store = await store_of(client)
    with refuses(errors.ClientError):
        await result(
            client.file_search_stores.import_file(
                file_search_store_name=store.name, file_name="files/none"
            )
        )


@case("file_search_stores.download_media/picture", on=(MLDEV,), settings=STANDING)
async def _(client, emulator):
    store = await store_of(client)
    operation = await begin(client, store, b"\x89PNG", mime_type="image/png")
    operation = await done(client, emulator, operation)
    media = operation.response.document_name.replace("/documents/", "/media/")
    same(await result(client.file_search_stores.download_media(media_id=media)), b"\x89PNG")


@case("file_search_stores.create/used by a generation", on=(MLDEV,), settings=STANDING)
async def _(client, emulator):
    store, _ = await filled(client, emulator)
    reply = await asked(client, store)
    among(FACT, reply.text)
    grounding = reply.candidates[0].grounding_metadata
    same({chunk.retrieved_context.title for chunk in grounding.grounding_chunks}, {"hotel.txt"})
    answer = reply.text.encode()
    assert grounding.grounding_supports
    for support in grounding.grounding_supports:
        segment = support.segment
        same(answer[segment.start_index or 0 : segment.end_index].decode(), segment.text)
        for index in support.grounding_chunk_indices:
            chunk = grounding.grounding_chunks[index].retrieved_context
            among(segment.text, chunk.text)
            same(chunk.file_search_store, store.name)


FILTERS = {
    "that holds": ('year > 1980 AND tags = "keys"', True),
    "that does not hold": ("year < 1980", False),
    "of a word": ('tags = "hotel"', True),
    "of another word": ('tags = "ferry"', False),
}


@case("file_search_stores.create/filter", on=(MLDEV,), settings=STANDING, rows=FILTERS)
async def _(client, emulator, value):
    text, holds = value
    store, _ = await filled(client, emulator)
    reply = await asked(client, store, metadata_filter=text)
    grounding = reply.candidates[0].grounding_metadata
    same(bool(grounding and grounding.grounding_chunks), holds)


@case("file_search_stores.create/bad filter", on=(MLDEV,), settings=STANDING)
async def _(client, emulator):
    store, _ = await filled(client, emulator)
    with refuses(errors.ClientError, code=400, status="INVALID_ARGUMENT"):
        await asked(client, store, metadata_filter="year >")


@case("file_search_stores.create/fewest chunks", on=(MLDEV,), settings=STANDING)
async def _(client, emulator):
    chunking = {"white_space_config": {"max_tokens_per_chunk": 20, "max_overlap_tokens": 5}}
    store, _ = await filled(client, emulator, chunking_config=chunking)
    reply = await asked(client, store, top_k=1)
    same(len(reply.candidates[0].grounding_metadata.grounding_chunks), 1)
