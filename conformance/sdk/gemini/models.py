"""Cases of `client.models`: generation whole and in chunks, token counts, facts about models."""

import enum

import pydantic
from google.genai import errors, types

from bench import ALL, BOTH, DOCUMENT, FACT, MLDEV, MODEL, PARENT, QUESTION, VERTEX
from harness import among, case, each, gather, refuses, result, same, sent

GENERATE, STREAM, COUNT = ":generateContent", ":streamGenerateContent", ":countTokens"


def text_part(text):
    return types.Part.from_text(text=text)


def user(*texts):
    return types.Content(role="user", parts=[text_part(text) for text in texts])


CONTENTS = {
    "a text": f"{DOCUMENT}\n\n{QUESTION}",
    "texts": [DOCUMENT, QUESTION],
    "parts": [text_part(DOCUMENT), text_part(QUESTION)],
    "text and part": [DOCUMENT, text_part(QUESTION)],
    "a content": user(DOCUMENT, QUESTION),
    "contents": [user(DOCUMENT), user(QUESTION)],
    "turns of both": [
        user(DOCUMENT),
        types.Content(role="model", parts=[text_part("Noted.")]),
        user(QUESTION),
    ],
    "a dictionary": {"role": "user", "parts": [{"text": DOCUMENT}, {"text": QUESTION}]},
}


@case("models.generate_content/contents", on=BOTH, rows=CONTENTS)
async def _(client, emulator, value):
    reply = await result(client.models.generate_content(model=MODEL, contents=value))
    among(FACT, reply.text)
    last = sent(emulator.last(GENERATE), "contents")
    assert all(content["role"] in ("user", "model") for content in last), last


@case("models.generate_content/reply", on=ALL)
async def _(client, bench):
    reply = await result(client.models.generate_content(model=MODEL, contents=[DOCUMENT, QUESTION]))
    among(FACT, reply.text)
    same(reply.candidates[0].content.role, "model")
    same(reply.candidates[0].finish_reason, types.FinishReason.STOP)
    same(reply.model_version, MODEL)
    assert reply.response_id
    same(bool(reply.create_time), bench.is_vertex)
    same(reply.parts, reply.candidates[0].content.parts)


@case("models.generate_content/usage", on=BOTH)
async def _(client, bench):
    reply = await result(client.models.generate_content(model=MODEL, contents=[DOCUMENT, QUESTION]))
    usage = reply.usage_metadata
    total = usage.prompt_token_count + usage.candidates_token_count
    same(usage.total_token_count, total)
    details = usage.prompt_tokens_details[0]
    same(
        (details.modality, details.token_count),
        (types.MediaModality.TEXT, usage.prompt_token_count),
    )
    same(usage.cached_content_token_count, None)
    same(usage.traffic_type, types.TrafficType.ON_DEMAND if bench.is_vertex else None)


@case("models.generate_content/headers", on=BOTH)
async def _(client):
    reply = await result(client.models.generate_content(model=MODEL, contents="Hi"))
    among("application/json", reply.sdk_http_response.headers["content-type"])


MODELS = {
    "short name": MODEL,
    "with its collection": f"models/{MODEL}",
}


@case("models.generate_content/model", on=(MLDEV,), rows=MODELS)
@case(
    "models.generate_content/model",
    on=(VERTEX,),
    rows={
        "short name": MODEL,
        "with its publisher": f"publishers/google/models/{MODEL}",
        "publisher and name": f"google/{MODEL}",
        "whole name": f"{PARENT}/publishers/google/models/{MODEL}",
    },
)
async def _(client, emulator, value):
    reply = await result(client.models.generate_content(model=value, contents="Hi"))
    same(reply.model_version, MODEL)
    among(f"/models/{MODEL}:generateContent", emulator.last()["path"])


SETTINGS = {
    "temperature": ("temperature", 0.5),
    "top_p": ("top_p", 0.75),
    "top_k": ("top_k", 40),
    "candidate_count": ("candidate_count", 2),
    "max_output_tokens": ("max_output_tokens", 64),
    "seed": ("seed", 7),
    "presence_penalty": ("presence_penalty", 0.5),
    "frequency_penalty": ("frequency_penalty", -0.5),
    "stop_sequences": ("stop_sequences", ["END"]),
    "response_logprobs": ("response_logprobs", True),
    "logprobs": ("logprobs", 3),
    "response_mime_type": ("response_mime_type", "application/json"),
    "response_modalities": ("response_modalities", ["TEXT"]),
    "media_resolution": ("media_resolution", "MEDIA_RESOLUTION_LOW"),
}


@case("models.generate_content/setting", on=BOTH, rows=SETTINGS)
async def _(client, emulator, value):
    name, value = value
    config = types.GenerateContentConfig(**{name: value})
    reply = await result(
        client.models.generate_content(model=MODEL, contents="Hello", config=config)
    )
    assert reply.candidates
    camel = name.replace("_", "")
    same(sent(emulator.last(GENERATE), f"generationConfig.{camel}"), value)


OUT_OF_RANGE = {
    "candidate_count": ("candidate_count", 9),
    "max_output_tokens": ("max_output_tokens", 0),
    "temperature": ("temperature", 2.5),
    "top_p": ("top_p", -1),
    "top_k": ("top_k", 0),
    "presence_penalty": ("presence_penalty", 3),
    "frequency_penalty": ("frequency_penalty", -3),
    "stop_sequences": ("stop_sequences", ["a", "b", "c", "d", "e", "f"]),
    "response_mime_type": ("response_mime_type", "image/png"),
}


@case("models.generate_content/out of range", on=BOTH, rows=OUT_OF_RANGE)
async def _(client, value):
    name, value = value
    config = types.GenerateContentConfig(**{name: value})
    with refuses(errors.ClientError, name, code=400, status="INVALID_ARGUMENT"):
        await result(client.models.generate_content(model=MODEL, contents="Hi", config=config))


@case("models.generate_content/cut at the limit", on=BOTH)
async def _(client):
    reply = await result(
        client.models.generate_content(
            model=MODEL, contents=[DOCUMENT, QUESTION], config={"max_output_tokens": 5}
        )
    )
    same(reply.candidates[0].finish_reason, types.FinishReason.MAX_TOKENS)
    same(reply.usage_metadata.candidates_token_count, 5)


@case("models.generate_content/several candidates", on=BOTH)
async def _(client):
    reply = await result(
        client.models.generate_content(
            model=MODEL, contents=[DOCUMENT, QUESTION], config={"candidate_count": 3}
        )
    )
    texts = [candidate.content.parts[0].text for candidate in reply.candidates]
    same(len(set(texts)), 3)
    assert all(FACT in text for text in texts), texts


@case("models.generate_content/stopped at a sequence", on=BOTH)
async def _(client):
    reply = await result(
        client.models.generate_content(
            model=MODEL, contents=[DOCUMENT, QUESTION], config={"stop_sequences": ["spare"]}
        )
    )
    assert "spare" not in reply.text, reply.text
    among("The night porter of the Halden hotel keeps the", reply.text)


SYSTEM = {
    "a text": "Answer briefly.",
    "a content": types.Content(parts=[text_part("Answer briefly.")]),
    "a part": text_part("Answer briefly."),
}


@case("models.generate_content/system instruction", on=BOTH, rows=SYSTEM)
async def _(client, emulator, value):
    plain = await result(client.models.generate_content(model=MODEL, contents="Hello"))
    reply = await result(
        client.models.generate_content(
            model=MODEL,
            contents="Hello",
            config=types.GenerateContentConfig(system_instruction=value),
        )
    )
    same(sent(emulator.last(GENERATE), "systemInstruction.parts.0.text"), "Answer briefly.")
    assert reply.usage_metadata.prompt_token_count > plain.usage_metadata.prompt_token_count


CATEGORIES = {
    "harassment": "HARM_CATEGORY_HARASSMENT",
    "hate speech": "HARM_CATEGORY_HATE_SPEECH",
    "sexually explicit": "HARM_CATEGORY_SEXUALLY_EXPLICIT",
    "dangerous content": "HARM_CATEGORY_DANGEROUS_CONTENT",
}


@case("models.generate_content/safety settings", on=BOTH, rows=CATEGORIES)
async def _(client, emulator, value):
    setting = types.SafetySetting(
        category=types.HarmCategory(value), threshold=types.HarmBlockThreshold.BLOCK_NONE
    )
    config = types.GenerateContentConfig(safety_settings=[setting])
    await result(client.models.generate_content(model=MODEL, contents="Hello", config=config))
    same(
        sent(emulator.last(GENERATE), "safetySettings"),
        [{"category": value, "threshold": "BLOCK_NONE"}],
    )


@case(
    "models.generate_content/blocked prompt",
    on=BOTH,
    settings={"blocked_phrases": ["forbidden fruit"]},
)
async def _(client):
    reply = await result(
        client.models.generate_content(model=MODEL, contents="Where grows the forbidden fruit?")
    )
    same(reply.prompt_feedback.block_reason, types.BlockedReason.SAFETY)
    assert not reply.candidates and reply.text is None


@case("models.generate_content/labels", on=(VERTEX,))
async def _(client, emulator):
    config = types.GenerateContentConfig(labels={"team": "halden"})
    await result(client.models.generate_content(model=MODEL, contents="Hello", config=config))
    same(sent(emulator.last(GENERATE), "labels"), {"team": "halden"})


@case("models.generate_content/thoughts", on=BOTH)
async def _(client):
    thinking = types.ThinkingConfig(thinking_budget=512, include_thoughts=True)
    reply = await result(
        client.models.generate_content(
            model=MODEL,
            contents=[DOCUMENT, QUESTION],
            config=types.GenerateContentConfig(thinking_config=thinking),
        )
    )
    parts = reply.candidates[0].content.parts
    assert parts[0].thought and not parts[1].thought, parts
    same(reply.text, parts[1].text)
    assert reply.usage_metadata.thoughts_token_count > 0


@case("models.generate_content/hidden thoughts", on=BOTH)
async def _(client):
    thinking = types.ThinkingConfig(thinking_level=types.ThinkingLevel.HIGH)
    reply = await result(
        client.models.generate_content(
            model="gemini-3-flash-preview",
            contents=[DOCUMENT, QUESTION],
            config=types.GenerateContentConfig(thinking_config=thinking),
        )
    )
    same(len(reply.candidates[0].content.parts), 1)
    assert reply.usage_metadata.thoughts_token_count > 0


@case("models.generate_content/picture beside text", on=BOTH)
async def _(client, emulator):
    picture = types.Part.from_bytes(data=b"\x89PNG\xff\xfe\xfd", mime_type="image/png")
    reply = await result(
        client.models.generate_content(model=MODEL, contents=[picture, "What is this?"])
    )
    assert reply.text
    part = sent(emulator.last(GENERATE), "contents.0.parts.0.inlineData")
    same(part.get("mimeType", part.get("mime_type")), "image/png")
    modalities = {d.modality for d in reply.usage_metadata.prompt_tokens_details}
    same(modalities, {types.MediaModality.TEXT, types.MediaModality.IMAGE})


@case("models.generate_content/file beside text", on=(VERTEX,))
async def _(client, emulator):
    part = types.Part.from_uri(file_uri="gs://halden/rooms.pdf", mime_type="application/pdf")
    reply = await result(
        client.models.generate_content(model=MODEL, contents=[part, "What is this?"])
    )
    assert reply.text
    same(
        sent(emulator.last(GENERATE), "contents.0.parts.0.fileData.fileUri"),
        "gs://halden/rooms.pdf",
    )


class Room(pydantic.BaseModel):
    where: str
    windows: int


class Size(enum.Enum):
    SMALL = "small"
    LARGE = "large"


OBJECT = {
    "type": "OBJECT",
    "properties": {
        "where": {"type": "STRING"},
        "size": {"type": "STRING", "enum": ["small", "large"]},
        "count": {"type": "INTEGER", "minimum": 3, "maximum": 4},
    },
    "required": ["where", "size", "count"],
}
JSON_OBJECT = {
    "type": "object",
    "properties": {
        "where": {"type": "string"},
        "size": {"type": "string", "enum": ["small", "large"]},
        "count": {"type": "integer", "minimum": 3, "maximum": 4},
    },
    "required": ["where", "size", "count"],
}
SCHEMAS = {
    "a dictionary": {"response_schema": OBJECT},
    "JSON Schema": {"response_json_schema": JSON_OBJECT},
}


@case("models.generate_content/schema", on=BOTH, rows=SCHEMAS)
async def _(client, value):
    config = types.GenerateContentConfig(response_mime_type="application/json", **value)
    reply = await result(
        client.models.generate_content(model=MODEL, contents=[DOCUMENT, QUESTION], config=config)
    )
    same(reply.parsed["where"], FACT)
    among(reply.parsed["size"], ("small", "large"))
    among(reply.parsed["count"], (3, 4))


@case("models.generate_content/schema:a record", on=BOTH)
async def _(client):
    text = types.Schema(type=types.Type.STRING)
    schema = types.Schema(
        type=types.Type.OBJECT, properties={"where": text, "author": text}, required=["where"]
    )
    config = types.GenerateContentConfig(
        response_mime_type="application/json", response_schema=schema
    )
    reply = await result(
        client.models.generate_content(model=MODEL, contents=[DOCUMENT, QUESTION], config=config)
    )
    same(reply.parsed["where"], FACT)


@case("models.generate_content/schema of a type", on=BOTH)
async def _(client):
    config = types.GenerateContentConfig(
        response_mime_type="application/json", response_schema=Room
    )
    reply = await result(
        client.models.generate_content(model=MODEL, contents=[DOCUMENT, QUESTION], config=config)
    )
    assert isinstance(reply.parsed, Room), reply.parsed
    same(reply.parsed.where, FACT)


@case("models.generate_content/schema of a list", on=BOTH)
async def _(client):
    config = types.GenerateContentConfig(
        response_mime_type="application/json", response_schema=list[Room]
    )
    reply = await result(
        client.models.generate_content(model=MODEL, contents=[DOCUMENT, QUESTION], config=config)
    )
    assert reply.parsed and all(isinstance(room, Room) for room in reply.parsed), reply.parsed


@case("models.generate_content/one of several", on=BOTH)
async def _(client):
    config = types.GenerateContentConfig(response_mime_type="text/x.enum", response_schema=Size)
    reply = await result(
        client.models.generate_content(model=MODEL, contents="Is it large?", config=config)
    )
    same(reply.text, "large")
    same(reply.parsed, Size.LARGE)


@case("models.generate_content/schema without its media type", on=BOTH)
async def _(client):
    config = types.GenerateContentConfig(response_schema=Room)
    with refuses(errors.ClientError, "response_schema", code=400, status="INVALID_ARGUMENT"):
        await result(client.models.generate_content(model=MODEL, contents="Hi", config=config))


THERMOSTAT = types.FunctionDeclaration(
    name="set_thermostat",
    description="Sets the temperature of a room.",
    parameters_json_schema={
        "type": "object",
        "properties": {"degrees": {"type": "number"}},
        "required": ["degrees"],
    },
)
LAMP = types.FunctionDeclaration(name="switch_lamp", description="Switches a lamp.")


def tools(*declarations, **calling):
    config = types.FunctionCallingConfig(**calling) if calling else None
    return types.GenerateContentConfig(
        tools=[types.Tool(function_declarations=list(declarations))],
        tool_config=types.ToolConfig(function_calling_config=config) if config else None,
    )


CALLING = {
    "by its name": (
        tools(THERMOSTAT, LAMP),
        "Please call set_thermostat with 21.",
        "set_thermostat",
    ),
    "whatever is asked": (tools(THERMOSTAT, mode="ANY"), "Make it 21 degrees.", "set_thermostat"),
    "one that is allowed": (
        tools(THERMOSTAT, LAMP, mode="ANY", allowed_function_names=["switch_lamp"]),
        "Make it 21 degrees.",
        "switch_lamp",
    ),
    "none": (tools(THERMOSTAT, mode="NONE"), "Please call set_thermostat with 21.", None),
    "none that fits": (tools(LAMP), "What is a gimmal?", None),
}


@case("models.generate_content/function", on=BOTH, rows=CALLING)
async def _(client, value):
    config, prompt, expected = value
    reply = await result(
        client.models.generate_content(model=MODEL, contents=prompt, config=config)
    )
    if expected is None:
        assert not reply.function_calls and reply.text, reply
        return
    same([call.name for call in reply.function_calls], [expected])
    if expected == "set_thermostat":
        same(reply.function_calls[0].args, {"degrees": 21})


@case("models.generate_content/result of a function", on=BOTH)
async def _(client):
    config = tools(THERMOSTAT, mode="ANY")
    asked = user("Make it 21 degrees.")
    reply = await result(client.models.generate_content(model=MODEL, contents=asked, config=config))
    answer = types.Part.from_function_response(
        name="set_thermostat", response={"result": "the boiler is cold"}
    )
    contents = [asked, reply.candidates[0].content, types.Content(role="user", parts=[answer])]
    reply = await result(
        client.models.generate_content(model=MODEL, contents=contents, config=config)
    )
    among("the boiler is cold", reply.text)


BAD_CALLING = {
    "a name that no function has": tools(LAMP, mode="ANY", allowed_function_names=["nope"]),
    "allowed without being asked for": tools(
        LAMP, mode="AUTO", allowed_function_names=["switch_lamp"]
    ),
    "a name with a blank": tools(types.FunctionDeclaration(name="switch lamp")),
}


@case("models.generate_content/bad function", on=BOTH, rows=BAD_CALLING)
async def _(client, value):
    with refuses(errors.ClientError, "unction", code=400, status="INVALID_ARGUMENT"):
        await result(client.models.generate_content(model=MODEL, contents="Hi", config=value))


class Weather:
    """A function that writes down what it was asked."""

    def __init__(self, is_async=False, problem=None):
        self.asked = []
        self.problem = problem

        def get_weather(city: str) -> str:
            """Reports the weather of a city."""
            self.asked.append(city)
            if self.problem:
                raise ValueError(self.problem)
            return "rain until noon"

        async def get_weather_later(city: str) -> str:
            """Reports the weather of a city."""
            return get_weather(city)

        get_weather_later.__name__ = "get_weather"
        self.function = get_weather_later if is_async else get_weather


WEATHER = "What is the weather in Boston?"


@case("models.generate_content/function that runs", on=BOTH)
async def _(client, emulator):
    weather = Weather()
    reply = await result(
        client.models.generate_content(
            model=MODEL,
            contents=WEATHER,
            config=types.GenerateContentConfig(tools=[weather.function]),
        )
    )
    same(weather.asked, ["Boston"])
    among("rain until noon", reply.text)
    same(len(reply.automatic_function_calling_history), 3)
    same(len(emulator.requests(GENERATE)), 2)


@case("models.generate_content/asynchronous function that runs", on=BOTH, forms=("async",))
async def _(client):
    weather = Weather(is_async=True)
    reply = await client.models.generate_content(
        model=MODEL,
        contents=WEATHER,
        config=types.GenerateContentConfig(tools=[weather.function]),
    )
    same(weather.asked, ["Boston"])
    among("rain until noon", reply.text)


@case("models.generate_content/function that fails", on=BOTH)
async def _(client, emulator):
    weather = Weather(problem="the barometer is broken")
    reply = await result(
        client.models.generate_content(
            model=MODEL,
            contents=WEATHER,
            config=types.GenerateContentConfig(tools=[weather.function]),
        )
    )
    same(weather.asked, ["Boston"])
    among("the barometer is broken", reply.text)
    told = sent(emulator.last(GENERATE), "contents.2.parts.0.functionResponse.response")
    among("the barometer is broken", told["error"])


@case("models.generate_content/functions only declared", on=BOTH)
async def _(client, emulator):
    weather = Weather()
    config = types.GenerateContentConfig(
        tools=[weather.function],
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
    )
    reply = await result(
        client.models.generate_content(model=MODEL, contents=WEATHER, config=config)
    )
    same(weather.asked, [])
    same([call.name for call in reply.function_calls], ["get_weather"])
    same(len(emulator.requests(GENERATE)), 1)


@case("models.generate_content/limit of calls", on=BOTH)
async def _(client, emulator):
    weather = Weather()
    config = types.GenerateContentConfig(
        tools=[weather.function],
        automatic_function_calling=types.AutomaticFunctionCallingConfig(maximum_remote_calls=1),
    )
    reply = await result(
        client.models.generate_content(model=MODEL, contents=WEATHER, config=config)
    )
    same(weather.asked, [])
    same(len(reply.function_calls), 1)
    same(len(emulator.requests(GENERATE)), 1)


OTHER_TOOLS = {
    "search": (types.Tool(google_search=types.GoogleSearch()), "googleSearch"),
    "code": (types.Tool(code_execution=types.ToolCodeExecution()), "codeExecution"),
    "pages": (types.Tool(url_context=types.UrlContext()), "urlContext"),
    "maps": (types.Tool(google_maps=types.GoogleMaps()), "googleMaps"),
}


@case("models.generate_content/tool", on=BOTH, rows=OTHER_TOOLS)
async def _(client, emulator, value):
    tool, name = value
    config = types.GenerateContentConfig(tools=[tool])
    reply = await result(
        client.models.generate_content(model=MODEL, contents="Hello", config=config)
    )
    assert reply.text
    same(sent(emulator.last(GENERATE), f"tools.0.{name}"), {})


@case("models.generate_content/unknown model", on=BOTH)
async def _(client):
    with refuses(errors.ClientError, "gemini-none", code=404, status="NOT_FOUND"):
        await result(client.models.generate_content(model="gemini-none", contents="Hi"))


@case("models.generate_content/nothing to say", on=BOTH)
async def _(client, emulator):
    with refuses(ValueError):
        await result(client.models.generate_content(model=MODEL, contents=[]))
    same(emulator.requests(), [])


@case(
    "models.generate_content/too long",
    on=(MLDEV,),
    settings={"models": [["gemini-tiny", 100]]},
)
async def _(client):
    with refuses(errors.ClientError, "exceeds the maximum number of tokens", code=400):
        await result(client.models.generate_content(model="gemini-tiny", contents=DOCUMENT))


@case("models.generate_content/too often", on=BOTH, settings={"requests_per_minute": 2})
async def _(client, bench):
    for _ in range(2):
        await result(client.models.generate_content(model=MODEL, contents="Hi"))
    with refuses(errors.ClientError, code=429, status="RESOURCE_EXHAUSTED") as refusal:
        await result(client.models.generate_content(model=MODEL, contents="Hi"))
    if not bench.is_vertex:
        kinds = {d["@type"].rsplit(".", 1)[-1] for d in refusal.raised.details["error"]["details"]}
        among("RetryInfo", kinds)


@case("models.generate_content_stream/chunks", on=ALL)
async def _(client):
    contents = [DOCUMENT, QUESTION]
    chunks = await gather(client.models.generate_content_stream(model=MODEL, contents=contents))
    whole = await result(client.models.generate_content(model=MODEL, contents=contents))
    assert len(chunks) > 1
    same("".join(chunk.text for chunk in chunks), whole.text)
    finish = [chunk.candidates[0].finish_reason for chunk in chunks]
    same(finish, [None] * (len(chunks) - 1) + [types.FinishReason.STOP])
    same({chunk.response_id for chunk in chunks}, {chunks[0].response_id})


@case("models.generate_content_stream/usage", on=BOTH)
async def _(client):
    contents = [DOCUMENT, QUESTION]
    chunks = await gather(client.models.generate_content_stream(model=MODEL, contents=contents))
    whole = await result(client.models.generate_content(model=MODEL, contents=contents))
    assert all(chunk.usage_metadata.prompt_token_count for chunk in chunks)
    last, expected = chunks[-1].usage_metadata, whole.usage_metadata
    same(last.total_token_count, expected.total_token_count)


@case("models.generate_content_stream/thoughts", on=BOTH)
async def _(client):
    thinking = types.ThinkingConfig(thinking_budget=512, include_thoughts=True)
    config = types.GenerateContentConfig(thinking_config=thinking)
    chunks = await gather(
        client.models.generate_content_stream(
            model=MODEL, contents=[DOCUMENT, QUESTION], config=config
        )
    )
    kinds = [bool(part.thought) for chunk in chunks for part in chunk.candidates[0].content.parts]
    assert kinds[0] and not kinds[-1] and kinds == sorted(kinds, reverse=True), kinds


@case("models.generate_content_stream/function that runs", on=BOTH)
async def _(client, emulator):
    weather = Weather()
    config = types.GenerateContentConfig(tools=[weather.function])
    chunks = await gather(
        client.models.generate_content_stream(model=MODEL, contents=WEATHER, config=config)
    )
    same(weather.asked, ["Boston"])
    among("rain until noon", "".join(chunk.text or "" for chunk in chunks))
    same(len(emulator.requests(STREAM)), 2)


@case(
    "models.generate_content_stream/blocked prompt", on=BOTH, settings={"blocked_phrases": ["plum"]}
)
async def _(client):
    chunks = await gather(
        client.models.generate_content_stream(model=MODEL, contents="Where is the plum?")
    )
    same(chunks[0].prompt_feedback.block_reason, types.BlockedReason.SAFETY)


@case("models.generate_content_stream/left early", on=BOTH)
async def _(client):
    async for chunk in each(
        client.models.generate_content_stream(model=MODEL, contents=[DOCUMENT, QUESTION])
    ):
        assert chunk.text
        break
    reply = await result(client.models.generate_content(model=MODEL, contents="Hi"))
    assert reply.text


@case("models.generate_content_stream/unknown model", on=BOTH)
async def _(client):
    with refuses(errors.ClientError, "gemini-none", code=404, status="NOT_FOUND"):
        await gather(client.models.generate_content_stream(model="gemini-none", contents="Hi"))


@case("models.count_tokens/contents", on=BOTH, rows=CONTENTS)
async def _(client, value):
    counted = await result(client.models.count_tokens(model=MODEL, contents=value))
    reply = await result(client.models.generate_content(model=MODEL, contents=value))
    same(counted.total_tokens, reply.usage_metadata.prompt_token_count)


@case("models.count_tokens/instructions and tools", on=(VERTEX,))
async def _(client, emulator):
    plain = await result(client.models.count_tokens(model=MODEL, contents="Hello"))
    config = types.CountTokensConfig(
        system_instruction="Answer briefly.",
        tools=[types.Tool(function_declarations=[THERMOSTAT])],
    )
    more = await result(client.models.count_tokens(model=MODEL, contents="Hello", config=config))
    assert more.total_tokens > plain.total_tokens
    same(sent(emulator.last(COUNT), "systemInstruction.parts.0.text"), "Answer briefly.")


@case("models.count_tokens/instructions refused", on=(MLDEV,))
async def _(client, emulator):
    config = types.CountTokensConfig(system_instruction="Answer briefly.")
    with refuses(ValueError, "system_instruction"):
        await result(client.models.count_tokens(model=MODEL, contents="Hello", config=config))
    same(emulator.requests(), [])


@case("models.count_tokens/unknown model", on=BOTH)
async def _(client):
    with refuses(errors.ClientError, "gemini-none", code=404, status="NOT_FOUND"):
        await result(client.models.count_tokens(model="gemini-none", contents="Hi"))


@case("models.get/name", on=(MLDEV,), rows=MODELS)
@case(
    "models.get/name",
    on=(VERTEX,),
    rows={"short name": MODEL, "with its publisher": f"publishers/google/models/{MODEL}"},
)
async def _(client, value):
    model = await result(client.models.get(model=value))
    assert model.name.endswith(f"models/{MODEL}"), model.name


@case("models.get/card", on=(MLDEV,))
async def _(client):
    model = await result(client.models.get(model=MODEL))
    same((model.input_token_limit, model.output_token_limit), (1_048_576, 65_536))
    same(model.display_name, "Gemini 2.5 Flash")
    among("createCachedContent", model.supported_actions)
    same((model.temperature, model.top_p, model.top_k), (1, 0.95, 64))
    assert model.thinking


@case("models.get/unknown model", on=BOTH)
async def _(client):
    with refuses(errors.ClientError, "gemini-none", code=404, status="NOT_FOUND"):
        await result(client.models.get(model="gemini-none"))


SIZES = {"1": 1, "4": 4, "1000": 1000}


@case("models.list/page size", on=BOTH, rows=SIZES)
async def _(client, emulator, value):
    pager = await result(client.models.list(config={"page_size": value}))
    page = len(pager.page)
    names = [model.name async for model in each(pager)]
    same(page, min(value, len(names)))
    same(len(set(names)), len(names))
    assert len(names) > 10, names
    assert any(name.endswith(MODEL) for name in names), names
    assert emulator.requests("models")


@case("models.list/page by page", on=(MLDEV,))
async def _(client):
    pager = await result(client.models.list(config={"page_size": 10}))
    same(len(pager.page), 10)
    first = pager.page[0].name
    second = await result(pager.next_page())
    assert 0 < len(second) <= 10 and second[0].name != first, second
    while len(second) == 10:
        second = await result(pager.next_page())
    with refuses(IndexError):
        await result(pager.next_page())


@case("models.list/settings", on=(MLDEV,))
async def _(client, emulator):
    config = types.ListModelsConfig(page_size=3, page_token="", filter="a=b")
    await result(client.models.list(config=config))
    query = dict(emulator.last("models")["query"])
    same((query["pageSize"], query["filter"]), ("3", "a=b"))


@case("models.list/bad page token", on=(MLDEV,))
async def _(client):
    with refuses(errors.ClientError, "page token", code=400):
        await result(client.models.list(config={"page_token": "nonsense"}))
