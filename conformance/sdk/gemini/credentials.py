"""Cases of `client.credentials`: secrets that agents may use and nobody reads again."""

from google.genai._gaos.lib.compat_errors import APIStatusError

from bench import BOTH
from harness import case, paged, refuses, result, same

KINDS = {
    "bearer token": {"type": "bearer_token", "token": "secret-1"},
    "OAuth": {
        "type": "oauth2",
        "client_id": "c",
        "client_secret": "secret-1",
        "refresh_token": "r",
        "token_url": "https://example.com/token",
    },
    "variable": {
        "type": "environment_variable",
        "value": "secret-1",
        "injection_location": ["header"],
    },
}
BEARER = KINDS["bearer token"]


async def make(client, name="quay", **kind):
    return await result(client.credentials.create(id=name, **(kind or BEARER)))


@case("credentials.create/kind", on=BOTH, rows=KINDS)
async def _(client, value):
    made = await make(client, **value)
    same((made.id, made.type), ("quay", value["type"]))
    assert "secret-1" not in repr(made)


@case("credentials.get/name", on=BOTH)
async def _(client):
    await make(client)
    found = await result(client.credentials.get("quay"))
    same(found.type, "bearer_token")
    assert "secret-1" not in repr(found)


@case("credentials.list/page size", on=BOTH, rows={"1": 1, "2": 2, "9": 9})
async def _(client, value):
    for name in ("quay", "harbour", "pier"):
        await make(client, name)
    found, pages = await paged(client.credentials.list, "credentials", value)
    same(({it.id for it in found}, pages), ({"quay", "harbour", "pier"}, -(-3 // value)))


@case("credentials.update/secret", on=BOTH)
async def _(client):
    await make(client)
    update = client.credentials.update("quay", type="bearer_token", token="secret-2")
    same((await result(update)).id, "quay")


@case("credentials.update/other kind", on=BOTH)
async def _(client):
    await make(client)
    with refuses(APIStatusError, status_code=400):
        await result(client.credentials.update("quay", type="oauth2", client_id="x"))


@case("credentials.delete/gone afterwards", on=BOTH)
async def _(client):
    await make(client)
    await result(client.credentials.delete("quay"))
    with refuses(APIStatusError, status_code=404):
        await result(client.credentials.get("quay"))
