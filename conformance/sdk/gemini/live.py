"""Cases of `client.aio.live`: sessions over WebSocket and TLS, and live music."""

import math
import struct

from google.genai import errors, types

from bench import BOTH, FACT, MLDEV, VERTEX
from harness import among, case, refuses, same

LIVE, MUSIC = "gemini-live-2.5-flash-preview", "models/lyria-realtime-exp"
TEXT = {"response_modalities": ["TEXT"]}
QUESTION = "Where are the spare keys of the hotel?"
TLS = {"tls": True}


def live(name, *, on=BOTH, rows=None):
    """A case of a session; there is no synchronous form of it."""
    return case(name, on=on, rows=rows, settings=TLS, forms=("async",))


def user(text):
    return types.Content(role="user", parts=[types.Part(text=text)])


async def said(session):
    """The text of one turn, and its messages."""
    messages = [message async for message in session.receive()]
    return "".join(message.text or "" for message in messages), messages


async def ask(session, text):
    await session.send_client_content(turns=user(text))
    return await said(session)


def tone(seconds):
    wave = (int(9000 * math.sin(n / 5)) for n in range(int(16000 * seconds)))
    return b"".join(struct.pack("<h", sample) for sample in wave)


def pcm(data):
    return types.Blob(data=data, mime_type="audio/pcm;rate=16000")


@live("live.connect/turns of text")
async def _(client):
    async with client.live.connect(model=LIVE, config=TEXT) as session:
        await session.send_client_content(turns=user(FACT), turn_complete=False)
        text, messages = await ask(session, QUESTION)
        same(text, FACT)
        last = messages[-1]
        assert last.server_content.turn_complete
        usage = last.usage_metadata
        same(usage.total_token_count, usage.prompt_token_count + usage.response_token_count)
        text, _ = await ask(session, "Of which colour is the tin?")
        among("blue tin", text)


@live("live.connect/turns at once")
async def _(client):
    async with client.live.connect(model=LIVE, config=TEXT) as session:
        turns = [user(FACT), types.Content(role="model", parts=[types.Part(text="Noted.")])]
        await session.send_client_content(turns=[*turns, user(QUESTION)])
        same((await said(session))[0], FACT)


@live("live.connect/system instruction")
async def _(client):
    counts = []
    for config in (TEXT, {**TEXT, "system_instruction": FACT}):
        async with client.live.connect(model=LIVE, config=config) as session:
            _, messages = await ask(session, QUESTION)
            counts.append(messages[-1].usage_metadata.prompt_token_count)
    assert counts[0] < counts[1], counts


@live("live.connect/speech", on=(MLDEV,))
async def _(client):
    config = types.LiveConnectConfig(
        response_modalities=["AUDIO"],
        input_audio_transcription=types.AudioTranscriptionConfig(),
        output_audio_transcription=types.AudioTranscriptionConfig(),
        speech_config={"voice_config": {"prebuilt_voice_config": {"voice_name": "Kore"}}},
    )
    async with client.live.connect(model=LIVE, config=config) as session:
        await session.send_realtime_input(audio=pcm(tone(0.5)))
        await session.send_realtime_input(audio=pcm(bytes(32000)))
        _, messages = await said(session)
        contents = [m.server_content for m in messages if m.server_content]
        heard = [c.input_transcription.text for c in contents if c.input_transcription]
        same(heard, ["a sound of 0.5 seconds"])
        among("sound", "".join(
            c.output_transcription.text for c in contents if c.output_transcription
        ))
        audio = b"".join(message.data or b"" for message in messages)
        assert len(audio) > 24000 and len(audio) % 2 == 0, len(audio)


@live("live.connect/speech unless told otherwise", on=(VERTEX,))
async def _(client):
    async with client.live.connect(model=LIVE) as session:
        _, messages = await ask(session, "Tell me about green tea.")
        assert any(message.data for message in messages)


@live("live.connect/text and pictures as they come")
async def _(client):
    async with client.live.connect(model=LIVE, config=TEXT) as session:
        picture = types.Blob(data=b"\x89PNG\r\n\x1a\n", mime_type="image/png")
        await session.send_realtime_input(video=picture)
        await session.send_realtime_input(text="What is in the picture of the harbour?")
        text, messages = await said(session)
        among("harbour", text)
        details = messages[-1].usage_metadata.prompt_tokens_details
        among(types.MediaModality.IMAGE, [detail.modality for detail in details])


@live("live.connect/activity by hand")
async def _(client):
    detection = types.AutomaticActivityDetection(disabled=True)
    config = types.LiveConnectConfig(
        response_modalities=["TEXT"],
        realtime_input_config=types.RealtimeInputConfig(automatic_activity_detection=detection),
    )
    async with client.live.connect(model=LIVE, config=config) as session:
        await session.send_realtime_input(activity_start=types.ActivityStart())
        await session.send_realtime_input(audio=pcm(tone(0.2)))
        await session.send_realtime_input(activity_end=types.ActivityEnd())
        among("sound", (await said(session))[0])


@live("live.connect/functions")
async def _(client):
    def get_weather(city: str) -> str:
        """Reports the weather of a city."""
        return "rain until noon"

    config = {**TEXT, "tools": [get_weather]}
    async with client.live.connect(model=LIVE, config=config) as session:
        await session.send_client_content(turns=user("What is the weather in Boston?"))
        text = ""
        async for message in session.receive():
            if message.tool_call:
                call = message.tool_call.function_calls[0]
                same((call.name, call.args), ("get_weather", {"city": "Boston"}))
                response = types.FunctionResponse(
                    id=call.id, name=call.name, response={"result": get_weather(**call.args)}
                )
                await session.send_tool_response(function_responses=response)
            text += message.text or ""
        among("rain until noon", text)


@live("live.connect/context that changes", on=(MLDEV,))
async def _(client):
    async with client.live.connect(model=LIVE, config=TEXT) as session:
        tool = types.Tool(function_declarations=[{"name": "turn_on_the_lights"}])
        await session.send_context_update(system_instruction="Be brief.", tools=[tool])
        await session.send_client_content(turns=user("Please turn_on_the_lights now."))
        async for message in session.receive():
            if message.tool_call:
                same(message.tool_call.function_calls[0].name, "turn_on_the_lights")
                return
        raise AssertionError("no function was called")


@live("live.connect/resumption", on=(MLDEV,))
async def _(client):
    handle = None
    config = {**TEXT, "session_resumption": types.SessionResumptionConfig()}
    async with client.live.connect(model=LIVE, config=config) as session:
        await ask(session, FACT)
        while handle is None:
            update = (await session._receive()).session_resumption_update
            if update and update.resumable:
                handle = update.new_handle
    config["session_resumption"] = types.SessionResumptionConfig(handle=handle)
    async with client.live.connect(model=LIVE, config=config) as session:
        among(FACT, (await ask(session, QUESTION))[0])


@live("live.connect/name and kind of traffic", on=(VERTEX,))
async def _(client):
    async with client.live.connect(model=LIVE, config=TEXT) as session:
        assert session.session_id
        _, messages = await ask(session, "Tell me about green tea.")
        same(messages[-1].usage_metadata.traffic_type, types.TrafficType.ON_DEMAND)


@live("live.connect/token", on=(MLDEV,))
async def _(bench):
    maker = bench.make(api_version="v1alpha")
    constraints = types.LiveConnectConstraints(
        model=LIVE, config=types.LiveConnectConfig(response_modalities=["TEXT"])
    )
    config = types.CreateAuthTokenConfig(uses=1, live_connect_constraints=constraints)
    token = await maker.auth_tokens.create(config=config)
    bearer = bench.make(key=token.name, api_version="v1alpha")
    async with bearer.live.connect(model=LIVE) as session:
        among("tea", (await ask(session, "Tell me about green tea."))[0])
    with refuses(errors.APIError, code=1008):
        async with bearer.live.connect(model=LIVE):
            pass


@live("live.connect/unknown model", on=(MLDEV,))
async def _(client):
    with refuses(errors.APIError, "models/gemini-none is not found", code=1008):
        async with client.live.connect(model="gemini-none", config=TEXT):
            pass


@live("live.connect/two forms")
async def _(client):
    config = {"response_modalities": ["TEXT", "AUDIO"]}
    with refuses(errors.APIError, "At most one response modality", code=1007):
        async with client.live.connect(model=LIVE, config=config):
            pass


async def heard(session, count):
    chunks = []
    async for message in session.receive():
        if message.server_content:
            chunks.extend(message.server_content.audio_chunks)
        if len(chunks) >= count:
            return chunks


@live("live.music.connect/sound", on=(MLDEV,))
async def _(client):
    async with client.live.music.connect(model=MUSIC) as session:
        prompt = types.WeightedPrompt(text="slow harp", weight=1.0)
        await session.set_weighted_prompts(prompts=[prompt])
        config = types.LiveMusicGenerationConfig(bpm=90, scale=types.Scale.D_MAJOR_B_MINOR)
        await session.set_music_generation_config(config=config)
        await session.play()
        first, second = await heard(session, 2)
        same((len(first.data), len(second.data)), (38400, 38400))
        assert first.data != second.data
        source = first.source_metadata
        same(source.client_content.weighted_prompts, [prompt])
        same(source.music_generation_config.bpm, 90)
        await session.pause()
        await session.reset_context()
        await session.stop()


@live("live.music.connect/refused", on=(VERTEX,))
async def _(client):
    with refuses(NotImplementedError):
        async with client.live.music.connect(model=MUSIC):
            pass
