"""Cases of `client.decisions`: answers of a fixed form."""

from google.genai._gaos.lib.compat_errors import APIStatusError

from bench import MLDEV, MODEL
from harness import case, refuses, result, same


async def decide(client, **questions):
    return await result(
        client.decisions.create(
            model="models/" + MODEL,
            input="My parcel has not arrived. Where is the delivery?",
            questions=questions,
        )
    )


@case("decisions.create/how likely", on=(MLDEV,))
async def _(client):
    asked = {"type": "noul", "instructions": "Is a parcel or a delivery late?"}
    reply = await decide(client, late=asked)
    assert 0 < reply.answers["late"].noul < 1
    assert reply.usage.total_tokens > 0


@case("decisions.create/choice", on=(MLDEV,))
async def _(client):
    criteria = {
        "delivery": "a parcel or a delivery that has not arrived",
        "invoice": "money and invoices",
    }
    asked = {"type": "choice", "instructions": "What is it about?", "criteria": criteria}
    same((await decide(client, about=asked)).answers["about"].choice, "delivery")


@case("decisions.create/score", on=(MLDEV,))
async def _(client):
    criteria = ["a chat about the weather", "a parcel that has not arrived"]
    asked = {"type": "score", "instructions": "How urgent is it?", "criteria": criteria}
    assert (await decide(client, urgent=asked)).answers["urgent"].score > 0.5


@case("decisions.create/no questions", on=(MLDEV,))
async def _(client):
    with refuses(APIStatusError, status_code=400):
        await decide(client)
