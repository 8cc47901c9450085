"""Cases of `client.voices`: voices there are, and voices that were made."""

from google.genai._gaos.lib.compat_errors import APIStatusError

from bench import BOTH
from harness import case, paged, refuses, result, same

SKIPPER = {
    "type": "prompted",
    "display_name": "Skipper",
    "prompted": {"input": "deep and weathered"},
}


async def make(client):
    return await result(client.voices.create(voice=SKIPPER, store=True))


@case("voices.create/reply", on=BOTH)
async def _(client):
    made = await make(client)
    assert made.id
    same(made.display_name, "Skipper")


@case("voices.get/name", on=BOTH)
async def _(client):
    made = await make(client)
    same((await result(client.voices.get(made.id))).id, made.id)


@case("voices.list/one's own", on=BOTH)
async def _(client):
    made = await make(client)
    own = (await result(client.voices.list(type_=["prompted"]))).voices
    same([voice.id for voice in own], [made.id])


@case("voices.list/filter", on=BOTH)
async def _(client):
    found = (await result(client.voices.list(gender=["female"], type_=["prebuilt"]))).voices
    same({voice.gender for voice in found}, {"female"})


@case("voices.list/page size", on=BOTH, rows={"10": 10, "20": 20})
async def _(client, value):
    found, pages = await paged(client.voices.list, "voices", value)
    same((len(found) > 20, pages), (True, -(-len(found) // value)))


@case("voices.delete/gone afterwards", on=BOTH)
async def _(client):
    made = await make(client)
    await result(client.voices.delete(made.id))
    with refuses(APIStatusError, status_code=404):
        await result(client.voices.get(made.id))
