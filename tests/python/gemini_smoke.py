"""Drives a Gemini server through the official Python SDK and checks what comes back.

Usage: gemini_smoke.py BASE_URL. Needs google-genai. Prints a line for each check; the exit status
is 0 only if all of them passed. Meant for the emulator: it creates and deletes cached contents.
"""

import datetime
import enum
import sys
import traceback

from google import genai
from google.genai import errors, types
from google.oauth2.credentials import Credentials

MODEL = "gemini-2.5-flash"
FACT = "The night porter of the Halden hotel keeps the spare keys in a blue tin."
DOCUMENT = "# Halden hotel\n\n" + "".join(
    f"## Room {n}\n\nRoom {n} has {n % 4 + 1} windows and was painted in {1950 + n % 70}. "
    f"Its wardrobe is made of oak and its door opens to corridor {n % 9}.\n\n"
    for n in range(1, 120)
) + "## Keys\n\n" + FACT + "\n"

checks = []


def check(function):
    checks.append(function)
    return function


def drop(client, *caches):
    for cache in caches:
        client.caches.delete(name=cache.name)


def create(client, **config):
    return client.caches.create(
        model=MODEL,
        config=types.CreateCachedContentConfig(contents=[DOCUMENT], **config),
    )


@check
def generate_content(client):
    response = client.models.generate_content(
        model=MODEL, contents=[DOCUMENT, "Where are the spare keys of the hotel?"]
    )
    assert FACT in response.text, response.text
    usage = response.usage_metadata
    total = usage.prompt_token_count + usage.candidates_token_count
    assert usage.total_token_count == total, usage
    assert response.candidates[0].finish_reason == types.FinishReason.STOP
    assert response.model_version == MODEL
    assert response.response_id


@check
def generate_content_with_config(client):
    response = client.models.generate_content(
        model=MODEL,
        contents=[DOCUMENT, "Where are the spare keys of the hotel?"],
        config=types.GenerateContentConfig(
            system_instruction="Answer briefly.",
            temperature=0.2,
            top_p=0.9,
            top_k=40,
            candidate_count=2,
            max_output_tokens=5,
            seed=7,
            safety_settings=[
                types.SafetySetting(
                    category=types.HarmCategory.HARM_CATEGORY_HATE_SPEECH,
                    threshold=types.HarmBlockThreshold.BLOCK_NONE,
                )
            ],
        ),
    )
    assert len(response.candidates) == 2
    first, second = (c.content.parts[0].text for c in response.candidates)
    assert first != second
    assert response.candidates[0].finish_reason == types.FinishReason.MAX_TOKENS


@check
def thoughts(client):
    response = client.models.generate_content(
        model=MODEL,
        contents="How are you?",
        config=types.GenerateContentConfig(
            thinking_config=types.ThinkingConfig(thinking_budget=512, include_thoughts=True)
        ),
    )
    assert response.candidates[0].content.parts[0].thought
    assert response.usage_metadata.thoughts_token_count > 0


@check
def json_schema(client):
    class Size(enum.Enum):
        SMALL = "small"
        LARGE = "large"

    schema = types.Schema(
        type=types.Type.OBJECT,
        properties={
            "where": types.Schema(type=types.Type.STRING),
            "size": types.Schema(type=types.Type.STRING, enum=["small", "large"]),
            "count": types.Schema(type=types.Type.INTEGER, minimum=3, maximum=4),
        },
        required=["where", "size", "count"],
    )
    config = {"response_mime_type": "application/json", "response_schema": schema}
    response = client.models.generate_content(
        model=MODEL, contents=[DOCUMENT, "Where are the spare keys?"], config=config
    )
    assert response.parsed["where"] == FACT, response.text
    assert response.parsed["size"] in ("small", "large")
    assert response.parsed["count"] in (3, 4)
    config = {"response_mime_type": "text/x.enum", "response_schema": Size}
    response = client.models.generate_content(
        model=MODEL, contents="Is an elephant large?", config=config
    )
    assert response.text == "large", response.text


@check
def generate_content_stream(client):
    contents = [DOCUMENT, "Where are the spare keys of the hotel?"]
    chunks = list(client.models.generate_content_stream(model=MODEL, contents=contents))
    assert len(chunks) > 1
    whole = client.models.generate_content(model=MODEL, contents=contents)
    assert "".join(chunk.text for chunk in chunks) == whole.text
    assert all(chunk.usage_metadata.prompt_token_count for chunk in chunks)
    finish = [chunk.candidates[0].finish_reason for chunk in chunks]
    assert finish[:-1] == [None] * (len(chunks) - 1)
    assert finish[-1] == types.FinishReason.STOP


@check
def chat(client):
    session = client.chats.create(model=MODEL)
    session.send_message("My sister Ada lives in Lisbon and keeps two parrots.")
    reply = session.send_message("Who keeps parrots?")
    assert "My sister Ada lives in Lisbon and keeps two parrots." in reply.text, reply.text
    assert len(session.get_history()) == 4


@check
def automatic_function_calling(client):
    asked = []

    def get_current_weather(city: str) -> str:
        """Reports the weather of a city."""
        asked.append(city)
        return "rain until noon"

    response = client.models.generate_content(
        model=MODEL,
        contents="What is the weather in Boston?",
        config=types.GenerateContentConfig(tools=[get_current_weather]),
    )
    assert asked == ["Boston"], asked
    assert "rain until noon" in response.text, response.text


@check
def forced_function_call(client):
    declaration = types.FunctionDeclaration(
        name="set_thermostat",
        parameters_json_schema={
            "type": "object",
            "properties": {"degrees": {"type": "number"}},
            "required": ["degrees"],
        },
    )
    response = client.models.generate_content(
        model=MODEL,
        contents="Make it 21 degrees.",
        config=types.GenerateContentConfig(
            tools=[types.Tool(function_declarations=[declaration])],
            tool_config=types.ToolConfig(
                function_calling_config=types.FunctionCallingConfig(mode="ANY")
            ),
        ),
    )
    call = response.function_calls[0]
    assert (call.name, call.args) == ("set_thermostat", {"degrees": 21})


@check
def count_tokens(client):
    counted = client.models.count_tokens(model=MODEL, contents=DOCUMENT).total_tokens
    response = client.models.generate_content(model=MODEL, contents=DOCUMENT)
    assert counted == response.usage_metadata.prompt_token_count


@check
def cache_create_get_update_delete(client):
    cache = create(client, display_name="hotel", ttl="600s")
    assert cache.name.startswith("cachedContents/")
    assert cache.display_name == "hotel"
    assert cache.model == "models/" + MODEL
    assert cache.expire_time - cache.create_time == datetime.timedelta(seconds=600)
    assert cache.usage_metadata.total_token_count > 2048
    assert client.caches.get(name=cache.name) == cache
    updated = client.caches.update(
        name=cache.name, config=types.UpdateCachedContentConfig(ttl="7200s")
    )
    assert updated.expire_time > cache.expire_time
    later = updated.expire_time + datetime.timedelta(days=1)
    updated = client.caches.update(name=cache.name, config={"expire_time": later})
    assert updated.expire_time == later
    drop(client, cache)
    try:
        client.caches.get(name=cache.name)
    except errors.ClientError as error:
        assert error.code == 403, error
        assert error.message == "CachedContent not found (or permission denied)", error
    else:
        raise AssertionError("a deleted cached content is still there")


@check
def cache_list_over_pages(client):
    made = [create(client, display_name=f"page test {n}") for n in range(5)]
    try:
        pager = client.caches.list(config={"page_size": 2})
        assert len(pager.page) == 2
        listed = [cache.name for cache in pager]
        wanted = {cache.name for cache in made}
        assert wanted <= set(listed), listed
        assert len(listed) == len(set(listed)), listed
    finally:
        drop(client, *made)


@check
def cached_generate(client):
    cache = create(client, system_instruction="Answer briefly.")
    try:
        config = types.GenerateContentConfig(cached_content=cache.name)
        response = client.models.generate_content(
            model=MODEL, contents="Where are the spare keys?", config=config
        )
        assert FACT in response.text, response.text
        usage = response.usage_metadata
        assert usage.cached_content_token_count == cache.usage_metadata.total_token_count
        assert usage.prompt_token_count > usage.cached_content_token_count
        assert usage.cache_tokens_details[0].modality == types.MediaModality.TEXT
        stream = client.models.generate_content_stream(
            model=MODEL, contents="Where are the spare keys?", config=config
        )
        assert "".join(chunk.text for chunk in stream) == response.text
        try:
            client.models.generate_content(
                model=MODEL,
                contents="x",
                config=types.GenerateContentConfig(
                    cached_content=cache.name, system_instruction="no"
                ),
            )
        except errors.ClientError as error:
            assert error.code == 400 and "CachedContent can not be used" in error.message, error
        else:
            raise AssertionError("a system instruction beside a cached content was accepted")
    finally:
        drop(client, cache)


@check
def vertex(client):
    client = genai.Client(
        vertexai=True,
        project="halden",
        location="us-central1",
        credentials=Credentials("smoke-test-token"),
        http_options=types.HttpOptions(base_url=sys.argv[1]),
    )
    parent = "projects/halden/locations/us-central1/"
    cache = create(client, ttl="60s")
    assert cache.name.startswith(parent + "cachedContents/"), cache.name
    assert cache.model == parent + "publishers/google/models/" + MODEL
    config = types.GenerateContentConfig(cached_content=cache.name)
    response = client.models.generate_content(
        model=MODEL, contents="Where are the spare keys?", config=config
    )
    assert FACT in response.text, response.text
    assert response.usage_metadata.cached_content_token_count
    assert response.create_time
    assert cache.name in [listed.name for listed in client.caches.list()]
    drop(client, cache)
    try:
        client.caches.get(name=cache.name)
    except errors.ClientError as error:
        assert (error.code, error.status) == (404, "NOT_FOUND"), error
    else:
        raise AssertionError("a deleted cached content is still there")
    models = list(client.models.list(config={"page_size": 5}))
    assert any(model.name.endswith(MODEL) for model in models)
    assert client.models.get(model=MODEL).name.endswith(MODEL)


@check
def models_list(client):
    pager = client.models.list(config={"page_size": 4})
    names = [model.name for model in pager]
    assert "models/" + MODEL in names and len(names) > 8, names
    assert len(names) == len(set(names))


@check
def models_get(client):
    model = client.models.get(model=MODEL)
    assert model.input_token_limit == 1048576
    assert "createCachedContent" in model.supported_actions, model


@check
def error_of_an_unknown_model(client):
    try:
        client.models.generate_content(model="gemini-none", contents="x")
    except errors.ClientError as error:
        assert (error.code, error.status) == (404, "NOT_FOUND"), error
        assert "models/gemini-none is not found for API version v1" in error.message
    else:
        raise AssertionError("an unknown model answered")


@check
def error_of_a_small_cache(client):
    try:
        client.caches.create(model=MODEL, config={"contents": "too little"})
    except errors.ClientError as error:
        assert error.status == "INVALID_ARGUMENT", error
        assert "min_total_token_count=2048" in error.message, error
    else:
        raise AssertionError("a tiny cached content was accepted")


@check
def error_of_a_stream(client):
    try:
        list(client.models.generate_content_stream(model="gemini-none", contents="x"))
    except errors.ClientError as error:
        assert error.code == 404, error
    else:
        raise AssertionError("an unknown model streamed")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    client = genai.Client(
        api_key="smoke-test-key",
        vertexai=False,
        http_options=types.HttpOptions(base_url=sys.argv[1]),
    )
    failed = 0
    for function in checks:
        try:
            function(client)
            print(f"ok      {function.__name__}")
        except Exception:
            failed += 1
            print(f"FAILED  {function.__name__}")
            traceback.print_exc(file=sys.stdout)
    print(f"{len(checks) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
