"""Drives the official Python SDK through Live sessions and live music, which it speaks over TLS
alone, and checks what comes back.

Usage: SSL_CERT_FILE=CA.pem gemini_live.py BASE_URL, where BASE_URL begins with https and CA.pem has
the certificate of the authority that vouches for the server. Needs google-genai. Prints a line for
each check; the exit status is 0 only if all of them passed. Meant for the emulator.
"""

import asyncio
import math
import struct
import sys
import traceback
import warnings

from google import genai
from google.genai import errors, types
from google.oauth2.credentials import Credentials

MODEL = "gemini-live-2.5-flash-preview"
MUSIC = "models/lyria-realtime-exp"
FACT = "The night porter of the Halden hotel keeps the spare keys in a blue tin."
TEXT = {"response_modalities": ["TEXT"]}
# Longer than any check takes; a message that never comes fails it.
PATIENCE = 30

checks = []


def check(function):
    checks.append(function)
    return function


def user(text):
    return types.Content(role="user", parts=[types.Part(text=text)])


async def said(session):
    """The text of one turn, and its messages."""
    messages = [message async for message in session.receive()]
    return "".join(message.text or "" for message in messages), messages


async def ask(session, text):
    await session.send_client_content(turns=user(text))
    return await said(session)


@check
async def text_turns(client):
    async with client.aio.live.connect(model=MODEL, config=TEXT) as session:
        await session.send_client_content(turns=user(FACT), turn_complete=False)
        text, messages = await ask(session, "Where are the spare keys of the hotel?")
        assert text == FACT, text
        assert len(messages) > 2
        last = messages[-1]
        assert last.server_content.turn_complete
        usage = last.usage_metadata
        total = usage.prompt_token_count + usage.response_token_count
        assert usage.total_token_count == total, usage
        text, _ = await ask(session, "Of which colour is the tin?")
        assert "blue tin" in text, text


def tone(seconds):
    wave = (int(9000 * math.sin(n / 5)) for n in range(int(16000 * seconds)))
    return b"".join(struct.pack("<h", sample) for sample in wave)


@check
async def speech(client):
    config = types.LiveConnectConfig(
        response_modalities=["AUDIO"],
        input_audio_transcription=types.AudioTranscriptionConfig(),
        output_audio_transcription=types.AudioTranscriptionConfig(),
        speech_config=types.SpeechConfig(
            voice_config=types.VoiceConfig(
                prebuilt_voice_config=types.PrebuiltVoiceConfig(voice_name="Kore")
            )
        ),
    )
    async with client.aio.live.connect(model=MODEL, config=config) as session:
        sound = types.Blob(data=tone(0.5), mime_type="audio/pcm;rate=16000")
        await session.send_realtime_input(audio=sound)
        silence = types.Blob(data=bytes(32000), mime_type="audio/pcm;rate=16000")
        await session.send_realtime_input(audio=silence)
        _, messages = await said(session)
        contents = [m.server_content for m in messages if m.server_content]
        heard = [c.input_transcription.text for c in contents if c.input_transcription]
        assert heard == ["a sound of 0.5 seconds"], heard
        spoken = "".join(c.output_transcription.text for c in contents if c.output_transcription)
        assert "sound" in spoken, spoken
        audio = b"".join(message.data or b"" for message in messages)
        assert len(audio) > 24000 and len(audio) % 2 == 0, len(audio)


@check
async def realtime_text_and_pictures(client):
    async with client.aio.live.connect(model=MODEL, config=TEXT) as session:
        picture = types.Blob(data=b"\x89PNG\r\n\x1a\n", mime_type="image/png")
        await session.send_realtime_input(video=picture)
        await session.send_realtime_input(text="What is in the picture of the harbour?")
        text, messages = await said(session)
        assert "harbour" in text, text
        details = messages[-1].usage_metadata.prompt_tokens_details
        assert any(d.modality == types.MediaModality.IMAGE for d in details), details


@check
async def manual_activity(client):
    detection = types.AutomaticActivityDetection(disabled=True)
    config = types.LiveConnectConfig(
        response_modalities=["TEXT"],
        realtime_input_config=types.RealtimeInputConfig(automatic_activity_detection=detection),
    )
    async with client.aio.live.connect(model=MODEL, config=config) as session:
        await session.send_realtime_input(activity_start=types.ActivityStart())
        sound = types.Blob(data=tone(0.2), mime_type="audio/pcm;rate=16000")
        await session.send_realtime_input(audio=sound)
        await session.send_realtime_input(activity_end=types.ActivityEnd())
        text, _ = await said(session)
        assert "sound" in text, text


@check
async def functions(client):
    def get_weather(city: str) -> str:
        """Reports the weather of a city."""
        return "rain until noon"

    config = {**TEXT, "tools": [get_weather]}
    async with client.aio.live.connect(model=MODEL, config=config) as session:
        await session.send_client_content(turns=user("What is the weather in Boston?"))
        text = ""
        async for message in session.receive():
            if message.tool_call:
                call = message.tool_call.function_calls[0]
                assert (call.name, call.args) == ("get_weather", {"city": "Boston"}), call
                response = {"result": get_weather(**call.args)}
                await session.send_tool_response(
                    function_responses=types.FunctionResponse(
                        id=call.id, name=call.name, response=response
                    )
                )
            text += message.text or ""
        assert "rain until noon" in text, text


@check
async def context_update(client):
    async with client.aio.live.connect(model=MODEL, config=TEXT) as session:
        tool = types.Tool(function_declarations=[{"name": "turn_on_the_lights"}])
        await session.send_context_update(system_instruction="Be brief.", tools=[tool])
        await session.send_client_content(turns=user("Please turn_on_the_lights now."))
        async for message in session.receive():
            if message.tool_call:
                assert message.tool_call.function_calls[0].name == "turn_on_the_lights"
                return
        raise AssertionError("no function was called")


@check
async def resumption(client):
    handle = None
    config = {**TEXT, "session_resumption": types.SessionResumptionConfig()}
    async with client.aio.live.connect(model=MODEL, config=config) as session:
        await ask(session, FACT)
        while handle is None:
            message = await session._receive()
            update = message.session_resumption_update
            if update and update.resumable:
                handle = update.new_handle
    config["session_resumption"] = types.SessionResumptionConfig(handle=handle)
    async with client.aio.live.connect(model=MODEL, config=config) as session:
        text, _ = await ask(session, "Where are the spare keys of the hotel?")
        assert FACT in text, text


@check
async def vertex(client):
    client = genai.Client(
        vertexai=True,
        project="halden",
        location="us-central1",
        credentials=Credentials("smoke-test-token"),
        http_options=types.HttpOptions(base_url=sys.argv[1]),
    )
    async with client.aio.live.connect(model=MODEL, config=TEXT) as session:
        assert session.session_id, "the session has a name"
        text, messages = await ask(session, "Tell me about green tea.")
        assert "tea" in text, text
        usage = messages[-1].usage_metadata
        assert usage.response_token_count, usage
        assert usage.traffic_type == types.TrafficType.ON_DEMAND, usage
    async with client.aio.live.connect(model=MODEL) as session:
        _, messages = await ask(session, "Tell me about green tea.")
        assert any(message.data for message in messages), "it speaks unless told otherwise"


@check
async def tokens(client):
    maker = client_of("live-test-key", "v1alpha")
    constraints = types.LiveConnectConstraints(
        model=MODEL, config=types.LiveConnectConfig(response_modalities=["TEXT"])
    )
    token = await maker.aio.auth_tokens.create(
        config=types.CreateAuthTokenConfig(uses=1, live_connect_constraints=constraints)
    )
    bearer = client_of(token.name, "v1alpha")
    async with bearer.aio.live.connect(model=MODEL) as session:
        text, _ = await ask(session, "Tell me about green tea.")
        assert "tea" in text, "the token says that it is text"
    try:
        async with bearer.aio.live.connect(model=MODEL):
            raise AssertionError("a token was used twice")
    except errors.APIError as error:
        assert error.code == 1008, error


@check
async def error_of_an_unknown_model(client):
    try:
        async with client.aio.live.connect(model="gemini-none", config=TEXT):
            raise AssertionError("an unknown model began")
    except errors.APIError as error:
        assert error.code == 1008, error
        assert "models/gemini-none is not found for API version v1" in str(error), error


@check
async def error_of_a_bad_setup(client):
    config = {"response_modalities": ["TEXT", "AUDIO"]}
    try:
        async with client.aio.live.connect(model=MODEL, config=config):
            raise AssertionError("two forms were accepted")
    except errors.APIError as error:
        assert error.code == 1007, error
        assert "At most one response modality" in str(error), error


@check
async def music(client):
    async with client.aio.live.music.connect(model=MUSIC) as session:
        prompt = types.WeightedPrompt(text="slow harp", weight=1.0)
        await session.set_weighted_prompts(prompts=[prompt])
        config = types.LiveMusicGenerationConfig(bpm=90, scale=types.Scale.D_MAJOR_B_MINOR)
        await session.set_music_generation_config(config=config)
        await session.play()
        heard = []
        async for message in session.receive():
            if message.server_content:
                heard.extend(message.server_content.audio_chunks)
            if len(heard) == 2:
                break
        assert all(len(chunk.data) == 38400 for chunk in heard)
        assert heard[0].data != heard[1].data
        source = heard[0].source_metadata
        assert source.client_content.weighted_prompts == [prompt], source
        assert source.music_generation_config.bpm == 90, source
        await session.pause()
        await session.reset_context()
        await session.stop()


def client_of(key, version=None):
    return genai.Client(
        api_key=key,
        vertexai=False,
        http_options=types.HttpOptions(base_url=sys.argv[1], api_version=version),
    )


async def run(function):
    client = client_of("live-test-key")
    await asyncio.wait_for(function(client), PATIENCE)


def main():
    if len(sys.argv) != 2 or not sys.argv[1].startswith("https://"):
        sys.exit(__doc__)
    warnings.simplefilter("ignore", errors.ExperimentalWarning)
    failed = 0
    for function in checks:
        try:
            asyncio.run(run(function))
            print(f"ok      {function.__name__}")
        except Exception:
            failed += 1
            print(f"FAILED  {function.__name__}")
            traceback.print_exc(file=sys.stdout)
    print(f"{len(checks) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
