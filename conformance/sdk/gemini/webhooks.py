"""Cases of `client.webhooks`: addresses that are told of events."""

from google.genai._gaos.lib.compat_errors import APIStatusError

from bench import BOTH
from harness import case, paged, refuses, result, same

EVENTS = ["interaction.completed", "interaction.failed"]


async def make(client, number=0):
    return await result(
        client.webhooks.create(
            name="harbour", uri=f"https://example.com/{number}", subscribed_events=EVENTS
        )
    )


@case("webhooks.create/reply", on=BOTH)
async def _(client):
    made = await make(client)
    assert made.id and made.new_signing_secret.startswith("whsec_")
    same(made.subscribed_events, EVENTS)


@case("webhooks.get/without its secret", on=BOTH)
async def _(client):
    made = await make(client)
    found = await result(client.webhooks.get(made.id))
    same((found.state, found.new_signing_secret or None), ("enabled", None))


@case("webhooks.list/page size", on=BOTH, rows={"1": 1, "2": 2, "9": 9})
async def _(client, value):
    made = {(await make(client, number)).id for number in range(3)}
    found, pages = await paged(client.webhooks.list, "webhooks", value)
    same(({hook.id for hook in found}, pages), (made, -(-3 // value)))


@case("webhooks.ping/sent", on=BOTH)
async def _(client):
    made = await make(client)
    await result(client.webhooks.ping(made.id))


@case("webhooks.rotate_signing_secret/both count", on=BOTH)
async def _(client):
    made = await make(client)
    rotated = await result(client.webhooks.rotate_signing_secret(made.id))
    assert rotated.secret != made.new_signing_secret
    same(len((await result(client.webhooks.get(made.id))).signing_secrets), 2)


@case("webhooks.rotate_signing_secret/one counts", on=BOTH)
async def _(client):
    made = await make(client)
    behavior = "revoke_previous_secrets_immediately"
    rotate = client.webhooks.rotate_signing_secret(made.id, revocation_behavior=behavior)
    await result(rotate)
    same(len((await result(client.webhooks.get(made.id))).signing_secrets), 1)


@case("webhooks.update/state", on=BOTH)
async def _(client):
    made = await make(client)
    update = client.webhooks.update(made.id, state="disabled", update_mask="state")
    changed = await result(update)
    same((changed.state, changed.name), ("disabled", "harbour"))


@case("webhooks.delete/gone afterwards", on=BOTH)
async def _(client):
    made = await make(client)
    await result(client.webhooks.delete(made.id))
    with refuses(APIStatusError, status_code=404):
        await result(client.webhooks.get(made.id))
