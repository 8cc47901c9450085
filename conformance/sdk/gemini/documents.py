"""Cases of `client.file_search_stores.documents`: what a store is made of."""

import io

from google.genai import errors, types

from bench import FACT, MLDEV
from harness import case, gather, refuses, result, same, until

TEXT = f"Grüße! The Halden hotel has two doors. {FACT} Breakfast is at eight."
STANDING = {"manual_clock": True}
METADATA = [
    {"key": "year", "numeric_value": 1990},
    {"key": "tags", "string_list_value": {"values": ["hotel", "keys"]}},
]


async def store_of(client):
    return await result(client.file_search_stores.create())


async def added(client, emulator, store, text=TEXT, **config):
    """The name of a new document of the store."""
    operation = await result(
        client.file_search_stores.upload_to_file_search_store(
            file_search_store_name=store.name,
            file=io.BytesIO(text.encode()),
            config={"mime_type": "text/plain", **config},
        )
    )
    operation = await until(
        lambda: client.operations.get(operation), lambda found: found.done, emulator
    )
    return operation.response.document_name


@case("documents.get/reply", on=(MLDEV,), settings=STANDING)
async def _(client, emulator):
    store = await store_of(client)
    name = await added(client, emulator, store, custom_metadata=METADATA)
    document = await result(client.file_search_stores.documents.get(name=name))
    same((document.name, document.state), (name, types.DocumentState.STATE_ACTIVE))
    same(document.size_bytes, len(TEXT.encode()))
    same(document.custom_metadata[1].string_list_value.values, ["hotel", "keys"])
    same(document.mime_type, "text/plain")


@case("documents.get/unknown", on=(MLDEV,))
async def _(client):
    store = await store_of(client)
    with refuses(errors.ClientError):
        await result(client.file_search_stores.documents.get(name=f"{store.name}/documents/none"))


@case("documents.list/page size", on=(MLDEV,), settings=STANDING, rows={"1": 1, "2": 2, "9": 9})
async def _(client, emulator, value):
    store = await store_of(client)
    names = [await added(client, emulator, store, f"Text {n}.") for n in range(3)]
    pager = await result(
        client.file_search_stores.documents.list(parent=store.name, config={"page_size": value})
    )
    same(len(pager.page), min(value, 3))
    same(sorted(document.name for document in await gather(pager)), sorted(names))


@case("documents.delete/with chunks", on=(MLDEV,), settings=STANDING)
async def _(client, emulator):
    store = await store_of(client)
    name = await added(client, emulator, store)
    documents = client.file_search_stores.documents
    with refuses(errors.ClientError, status="FAILED_PRECONDITION"):
        await result(documents.delete(name=name))
    await result(documents.delete(name=name, config={"force": True}))
    same(await gather(documents.list(parent=store.name)), [])
