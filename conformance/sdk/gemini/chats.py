"""Cases of `client.chats`: what a conversation remembers, and what it sends the next time."""

from google.genai import errors, types

from bench import ALL, BOTH, DOCUMENT, FACT, MODEL, QUESTION
from harness import among, case, gather, refuses, result, same, sent

GENERATE = ":generateContent"
PARROTS = "My sister Ada lives in Lisbon and keeps two parrots."


def turn(role, text):
    return types.Content(role=role, parts=[types.Part.from_text(text=text)])


def texts(history):
    return [(content.role, content.parts[0].text) for content in history]


@case("chats.send_message/remembers", on=ALL)
async def _(client, emulator):
    chat = client.chats.create(model=MODEL)
    first = await result(chat.send_message(PARROTS))
    second = await result(chat.send_message("Who keeps parrots?"))
    among(PARROTS, second.text)
    same(
        texts(chat.get_history()),
        [
            ("user", PARROTS),
            ("model", first.text),
            ("user", "Who keeps parrots?"),
            ("model", second.text),
        ],
    )
    same(len(sent(emulator.requests(GENERATE)[1], "contents")), 3)


MESSAGES = {
    "a text": PARROTS,
    "a part": types.Part.from_text(text=PARROTS),
    "texts": [PARROTS, "Is that so?"],
    "parts": [types.Part.from_text(text=PARROTS), types.Part.from_text(text="Is that so?")],
}


@case("chats.send_message/message", on=BOTH, rows=MESSAGES)
async def _(client, emulator, value):
    chat = client.chats.create(model=MODEL)
    await result(chat.send_message(value))
    parts = sent(emulator.last(GENERATE), "contents.0.parts")
    same(parts[0]["text"], PARROTS)
    same(len(parts), len(value) if isinstance(value, list) else 1)
    same(len(chat.get_history()), 2)


@case("chats.create/history", on=BOTH)
async def _(client, emulator):
    history = [turn("user", PARROTS), turn("model", "How nice.")]
    chat = client.chats.create(model=MODEL, history=history)
    same(texts(chat.get_history()), texts(history))
    reply = await result(chat.send_message("Who keeps parrots?"))
    among(PARROTS, reply.text)
    same(len(sent(emulator.last(GENERATE), "contents")), 3)


@case("chats.create/history of a stranger", on=BOTH)
async def _(client, emulator):
    with refuses(ValueError, "ole"):
        client.chats.create(model=MODEL, history=[turn("narrator", "It was night.")])
    same(emulator.requests(), [])


@case("chats.create/config", on=BOTH)
async def _(client, emulator):
    config = types.GenerateContentConfig(temperature=0.25, system_instruction="Be brief.")
    chat = client.chats.create(model=MODEL, config=config)
    for message in ("Hello", "Hello again"):
        await result(chat.send_message(message))
        last = emulator.last(GENERATE)
        same(sent(last, "generationConfig.temperature"), 0.25)
        same(sent(last, "systemInstruction.parts.0.text"), "Be brief.")


@case("chats.send_message/config of one message", on=BOTH)
async def _(client, emulator):
    chat = client.chats.create(model=MODEL, config={"temperature": 0.25, "top_k": 3})
    await result(chat.send_message("Hello", config={"temperature": 0.75}))
    config = sent(emulator.last(GENERATE), "generationConfig")
    same(config, {"temperature": 0.75})
    await result(chat.send_message("Hello again"))
    same(sent(emulator.last(GENERATE), "generationConfig.temperature"), 0.25)


@case("chats.send_message/usage", on=BOTH)
async def _(client):
    chat = client.chats.create(model=MODEL)
    first = await result(chat.send_message(PARROTS))
    second = await result(chat.send_message("Who keeps parrots?"))
    before, after = first.usage_metadata, second.usage_metadata
    assert after.prompt_token_count > before.total_token_count, (before, after)


@case("chats.send_message/failure leaves no trace", on=BOTH)
async def _(client, emulator):
    chat = client.chats.create(model=MODEL)
    await result(chat.send_message(PARROTS))
    emulator.fault("unavailable", at_most=1)
    with refuses(errors.ServerError, code=503, status="UNAVAILABLE"):
        await result(chat.send_message("Who keeps parrots?"))
    same(len(chat.get_history()), 2)
    reply = await result(chat.send_message("Who keeps parrots?"))
    among(PARROTS, reply.text)
    same(len(chat.get_history()), 4)


@case(
    "chats.send_message/blocked message is not sent again",
    on=BOTH,
    settings={"blocked_phrases": ["plum"]},
)
async def _(client, emulator):
    chat = client.chats.create(model=MODEL)
    await result(chat.send_message(PARROTS))
    reply = await result(chat.send_message("Where is the plum?"))
    same(reply.prompt_feedback.block_reason, types.BlockedReason.SAFETY)
    same(len(chat.get_history()), 4)
    same(len(chat.get_history(curated=True)), 2)
    await result(chat.send_message("Who keeps parrots?"))
    same(len(sent(emulator.last(GENERATE), "contents")), 3)


@case("chats.get_history/curated", on=BOTH)
async def _(client):
    empty = types.Content(role="model", parts=[])
    history = [
        turn("user", PARROTS),
        turn("model", "How nice."),
        turn("user", "And then?"),
        empty,
    ]
    chat = client.chats.create(model=MODEL, history=history)
    same(len(chat.get_history()), 4)
    same(texts(chat.get_history(curated=True)), texts(history[:2]))


class Weather:
    """A function that writes down what it was asked."""

    def __init__(self):
        self.asked = []

        def get_weather(city: str) -> str:
            """Reports the weather of a city."""
            self.asked.append(city)
            return "rain until noon"

        self.function = get_weather


@case("chats.send_message/function that runs", on=BOTH)
async def _(client):
    weather = Weather()
    config = types.GenerateContentConfig(tools=[weather.function])
    chat = client.chats.create(model=MODEL, config=config)
    reply = await result(chat.send_message("What is the weather in Boston?"))
    same(weather.asked, ["Boston"])
    among("rain until noon", reply.text)
    history = chat.get_history()
    same([content.role for content in history], ["user", "model", "user", "model"])
    same(history[1].parts[0].function_call.name, "get_weather")
    same(history[2].parts[0].function_response.response, {"result": "rain until noon"})


@case("chats.send_message/asynchronous function that runs", on=BOTH, forms=("async",))
async def _(client):
    asked = []

    async def get_weather(city: str) -> str:
        """Reports the weather of a city."""
        asked.append(city)
        return "rain until noon"

    config = types.GenerateContentConfig(tools=[get_weather])
    chat = client.chats.create(model=MODEL, config=config)
    reply = await chat.send_message("What is the weather in Boston?")
    same(asked, ["Boston"])
    among("rain until noon", reply.text)


@case("chats.send_message_stream/chunks", on=ALL)
async def _(client, emulator):
    chat = client.chats.create(model=MODEL)
    chunks = await gather(chat.send_message_stream([DOCUMENT, QUESTION]))
    assert len(chunks) > 1
    among(FACT, "".join(chunk.text for chunk in chunks))
    same(chunks[-1].candidates[0].finish_reason, types.FinishReason.STOP)
    same(len(emulator.requests(":streamGenerateContent")), 1)


@case("chats.send_message_stream/remembers", on=BOTH)
async def _(client):
    chat = client.chats.create(model=MODEL)
    await gather(chat.send_message_stream(PARROTS))
    chunks = await gather(chat.send_message_stream("Who keeps parrots?"))
    among(PARROTS, "".join(chunk.text for chunk in chunks))
    history = chat.get_history(curated=True)
    same([content.role for content in history if content.role == "user"], ["user", "user"])


@case("chats.send_message_stream/function that runs", on=BOTH)
async def _(client):
    weather = Weather()
    config = types.GenerateContentConfig(tools=[weather.function])
    chat = client.chats.create(model=MODEL, config=config)
    chunks = await gather(chat.send_message_stream("What is the weather in Boston?"))
    same(weather.asked, ["Boston"])
    among("rain until noon", "".join(chunk.text or "" for chunk in chunks))


@case("chats.send_message_stream/failure leaves no trace", on=BOTH)
async def _(client, emulator):
    chat = client.chats.create(model=MODEL)
    await gather(chat.send_message_stream(PARROTS))
    before = len(chat.get_history())
    emulator.fault("unavailable", at_most=1)
    with refuses(errors.ServerError, code=503):
        await gather(chat.send_message_stream("Who keeps parrots?"))
    same(len(chat.get_history()), before)
