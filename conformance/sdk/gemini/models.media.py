"""Cases of `client.models` beyond text: vectors, pictures, films, speech, tokens one by one."""

import math
import struct

from google.genai import errors, types

from bench import BOTH, MLDEV, MODEL, PARENT, VERTEX
from harness import among, case, gather, refuses, result, same

EMBEDDER, WORDS, MIXED = "gemini-embedding-001", "text-embedding-005", "gemini-embedding-2"
IMAGEN, PAINTER = "imagen-4.0-generate-001", "gemini-2.5-flash-image"


def cosine(a, b):
    return sum(x * y for x, y in zip(a, b)) / math.hypot(*a) / math.hypot(*b)


def size_of(png):
    same(png[:8], b"\x89PNG\r\n\x1a\n")
    return struct.unpack(">II", png[16:24])


async def vectors(client, contents, model=EMBEDDER, **config):
    reply = client.models.embed_content(model=model, contents=contents, config=config)
    return [embedding.values for embedding in (await result(reply)).embeddings]


@case("models.embed_content/likeness", on=(MLDEV,))
async def _(client):
    texts = ["How do I return a parcel?", "Sending goods back", "Bees"]
    reply = await result(client.models.embed_content(model=EMBEDDER, contents=texts))
    a, b, c = (embedding.values for embedding in reply.embeddings)
    same(len(a), 3072)
    assert abs(math.hypot(*a) - 1) < 1e-4
    assert cosine(a, b) > cosine(a, c)
    assert reply.usage_metadata.prompt_token_count > 5


@case("models.embed_content/dimensions", on=BOTH, rows={"1": 1, "128": 128, "768": 768})
async def _(client, bench, value):
    model = WORDS if bench.is_vertex else EMBEDDER
    [short] = await vectors(client, "Bees", model, output_dimensionality=value)
    same(len(short), value)


@case("models.embed_content/too many dimensions", on=(MLDEV,))
async def _(client):
    with refuses(errors.ClientError, code=400):
        await vectors(client, "x", output_dimensionality=5000)


KINDS = ["RETRIEVAL_DOCUMENT", "RETRIEVAL_QUERY", "SEMANTIC_SIMILARITY", "CLASSIFICATION"]


@case("models.embed_content/task", on=BOTH, rows={kind: kind for kind in KINDS})
async def _(client, bench, value):
    model = WORDS if bench.is_vertex else EMBEDDER
    assert await vectors(client, "Bees", model, task_type=value)


@case("models.embed_content/not an embedder", on=(MLDEV,))
async def _(client):
    with refuses(errors.ClientError, code=404):
        await vectors(client, "x", MODEL)


@case("models.embed_content/statistics", on=(VERTEX,))
async def _(client):
    reply = await result(
        client.models.embed_content(model=WORDS, contents=["one two three", "four"])
    )
    same([embedding.statistics.token_count for embedding in reply.embeddings], [3, 1])
    same(reply.embeddings[0].statistics.truncated, False)
    same(reply.metadata.billable_character_count, 15)


@case("models.embed_content/truncation", on=(VERTEX,))
async def _(client):
    long = "word " * 5000
    reply = await result(client.models.embed_content(model=WORDS, contents=long))
    same(reply.embeddings[0].statistics.truncated, True)
    with refuses(errors.ClientError, "supports up to", code=400):
        await vectors(client, long, WORDS, auto_truncate=False)


@case("models.embed_content/picture", on=(VERTEX,))
async def _(client):
    drawn = await picture(client)
    content = types.Content(
        parts=[
            types.Part.from_text(text="a red barn"),
            types.Part.from_bytes(data=drawn.image_bytes, mime_type="image/png"),
        ]
    )
    reply = await result(client.models.embed_content(model=MIXED, contents=content))
    same([len(embedding.values) for embedding in reply.embeddings], [3072])
    assert reply.embeddings[0].statistics.token_count > 258


async def painted(client, prompt="a green hill", **config):
    reply = client.models.generate_images(model=IMAGEN, prompt=prompt, config=config)
    return await result(reply)


async def picture(client):
    drawn = (await painted(client)).images[0]
    return types.Image(image_bytes=drawn.image_bytes, mime_type="image/png")


RATIOS = {"1:1": (1, 1), "16:9": (16, 9), "9:16": (9, 16), "4:3": (4, 3), "3:4": (3, 4)}


@case("models.generate_images/shape", on=(VERTEX,), rows={ratio: ratio for ratio in RATIOS})
async def _(client, value):
    drawn = (await painted(client, aspect_ratio=value)).images[0]
    width, height = size_of(drawn.image_bytes)
    across, down = RATIOS[value]
    assert abs(width * down - height * across) < 0.02 * width * down, (width, height)


@case("models.generate_images/bad shape", on=(VERTEX,))
async def _(client):
    with refuses(errors.ClientError, code=400):
        await painted(client, aspect_ratio="5:7")


@case("models.generate_images/number", on=(VERTEX,), rows={"1": 1, "4": 4})
async def _(client, value):
    reply = await painted(client, number_of_images=value)
    same(len({image.image_bytes for image in reply.images}), value)


@case("models.generate_images/seed", on=(VERTEX,))
async def _(client):
    config = {"seed": 4, "add_watermark": False}
    first, second = [await painted(client, **config) for _ in range(2)]
    same(first.images[0].image_bytes, second.images[0].image_bytes)


@case("models.generate_images/jpeg", on=(VERTEX,))
async def _(client):
    reply = await painted(client, output_mime_type="image/jpeg", output_compression_quality=50)
    same(reply.images[0].mime_type, "image/jpeg")
    same(reply.images[0].image_bytes[:2], b"\xff\xd8")


@case("models.generate_images/what was thought of it", on=(VERTEX,))
async def _(client):
    reply = await painted(
        client, include_rai_reason=True, include_safety_attributes=True, enhance_prompt=True
    )
    first = reply.generated_images[0]
    assert first.enhanced_prompt.startswith("a green hill"), first.enhanced_prompt
    same(len(first.safety_attributes.categories), len(first.safety_attributes.scores))
    same(reply.positive_prompt_safety_attributes.content_type, "Positive Prompt")


@case("models.generate_images/filtered", on=(VERTEX,))
async def _(client):
    reply = await painted(
        client, "a portrait of a woman", person_generation="DONT_ALLOW", include_rai_reason=True
    )
    among("Responsible AI", reply.generated_images[0].rai_filtered_reason)


@case("models.generate_images/bucket", on=(VERTEX,))
async def _(client):
    drawn = (await painted(client, output_gcs_uri="gs://bucket/pictures")).images[0]
    assert drawn.gcs_uri.startswith("gs://bucket/pictures/"), drawn.gcs_uri


@case("models.edit_image/mask", on=(VERTEX,))
async def _(client):
    base = await picture(client)
    mask = types.MaskReferenceConfig(mask_mode="MASK_MODE_BACKGROUND", mask_dilation=0.02)
    reply = await result(
        client.models.edit_image(
            model="imagen-3.0-capability-001",
            prompt="a blue sea",
            reference_images=[
                types.RawReferenceImage(reference_id=1, reference_image=base),
                types.MaskReferenceImage(reference_id=2, config=mask),
            ],
            config={"edit_mode": "EDIT_MODE_INPAINT_INSERTION", "base_steps": 20},
        )
    )
    changed = reply.generated_images[0].image.image_bytes
    same(size_of(changed), size_of(base.image_bytes))
    assert changed != base.image_bytes


REFERENCES = {
    "style": (types.StyleReferenceImage, {"style_description": "ink"}),
    "subject": (types.SubjectReferenceImage, {"subject_type": "SUBJECT_TYPE_ANIMAL"}),
    "control": (types.ControlReferenceImage, {"control_type": "CONTROL_TYPE_CANNY"}),
}


@case("models.edit_image/reference", on=(VERTEX,), rows=REFERENCES)
async def _(client, value):
    kind, config = value
    image = kind(reference_id=1, reference_image=await picture(client), config=config)
    reply = await result(
        client.models.edit_image(
            model="imagen-3.0-capability-001", prompt="a sketch", reference_images=[image]
        )
    )
    assert reply.generated_images[0].image.image_bytes


@case("models.upscale_image/factor", on=(VERTEX,), rows={"x2": 2, "x4": 4})
async def _(client, value):
    base = await picture(client)
    reply = await result(
        client.models.upscale_image(
            model="imagen-4.0-upscale-preview", image=base, upscale_factor=f"x{value}"
        )
    )
    width, height = size_of(base.image_bytes)
    grown = reply.generated_images[0].image.image_bytes
    same(size_of(grown), (value * width, value * height))


@case("models.recontext_image/product", on=(VERTEX,))
async def _(client):
    product = types.ProductImage(product_image=await picture(client))
    reply = await result(
        client.models.recontext_image(
            model="imagen-product-recontext-preview-06-30",
            source=types.RecontextImageSource(prompt="on a table", product_images=[product]),
            config={"number_of_images": 2},
        )
    )
    same(len(reply.generated_images), 2)


@case("models.recontext_image/clothes", on=(VERTEX,))
async def _(client):
    base = await picture(client)
    source = types.RecontextImageSource(
        person_image=base, product_images=[types.ProductImage(product_image=base)]
    )
    reply = client.models.recontext_image(model="virtual-try-on-001", source=source)
    assert (await result(reply)).generated_images[0].image.image_bytes


MODES = ["FOREGROUND", "BACKGROUND", "PROMPT", "INTERACTIVE"]


@case("models.segment_image/mode", on=(VERTEX,), rows={mode: mode for mode in MODES})
async def _(client, value):
    base = await picture(client)
    source = types.SegmentImageSource(image=base)
    if value == "PROMPT":
        source.prompt = "the hill"
    if value == "INTERACTIVE":
        source.scribble_image = types.ScribbleImage(image=base)
    reply = await result(
        client.models.segment_image(
            model="image-segmentation-001",
            source=source,
            config={"mode": value, "max_predictions": 1, "mask_dilation": 0.01},
        )
    )
    found = reply.generated_masks[0]
    same(size_of(found.mask.image_bytes), size_of(base.image_bytes))
    assert found.labels[0].label and 0 < found.labels[0].score <= 1


@case("models.generate_content/picture", on=BOTH)
async def _(client):
    config = types.GenerateContentConfig(
        response_modalities=["TEXT", "IMAGE"], image_config=types.ImageConfig(aspect_ratio="3:2")
    )
    reply = await result(
        client.models.generate_content(model=PAINTER, contents="Paint a boat", config=config)
    )
    words, drawn = reply.candidates[0].content.parts
    assert words.text
    width, height = size_of(drawn.inline_data.data)
    same(width * 2, height * 3)
    details = reply.usage_metadata.candidates_tokens_details
    counts = {detail.modality: detail.token_count for detail in details}
    same(counts[types.MediaModality.IMAGE], 1290)


@case("models.generate_content_stream/picture", on=BOTH)
async def _(client):
    chunks = await gather(
        client.models.generate_content_stream(model=PAINTER, contents="Paint a boat")
    )
    parts = [part for chunk in chunks for part in chunk.candidates[0].content.parts or []]
    same(parts[-1].inline_data.mime_type, "image/png")


@case("models.generate_content/speech", on=BOTH)
async def _(client):
    voice = {"voice_config": {"prebuilt_voice_config": {"voice_name": "Puck"}}}
    reply = await result(
        client.models.generate_content(
            model="gemini-2.5-flash-preview-tts",
            contents="Say hello to the harbour",
            config={"response_modalities": ["AUDIO"], "speech_config": voice},
        )
    )
    sound = reply.candidates[0].content.parts[0].inline_data
    assert sound.mime_type.startswith("audio/L16"), sound.mime_type
    assert len(sound.data) % 2 == 0 and any(sound.data)


@case("models.generate_content/form that the model lacks", on=BOTH)
async def _(client):
    with refuses(errors.ClientError, "response modalities", code=400):
        await result(
            client.models.generate_content(
                model=MODEL, contents="x", config={"response_modalities": ["IMAGE"]}
            )
        )


@case("models.compute_tokens/tokens", on=(VERTEX,))
async def _(client):
    texts = ["Grüße aus Utne, 日本!", "and a second turn"]
    reply = await result(client.models.compute_tokens(model=MODEL, contents=texts))
    joined = b"".join(token for info in reply.tokens_info for token in info.tokens)
    same(joined.decode(), "".join(texts))
    for info in reply.tokens_info:
        same((info.role, len(info.token_ids)), ("user", len(info.tokens)))


@case("models.compute_tokens/refused", on=(MLDEV,))
async def _(client, emulator):
    with refuses(ValueError):
        await result(client.models.compute_tokens(model=MODEL, contents="x"))
    same(emulator.requests(), [])


@case("models.generate_videos/operation", on=(VERTEX,), settings={"manual_clock": True})
async def _(bench):
    operation = await bench.film()
    assert not operation.done
    assert "/operations/" in operation.name and operation.name.startswith(PARENT), operation.name


@case("models.generate_videos/too many", on=(VERTEX,))
async def _(bench):
    with refuses(errors.ClientError, code=400, status="INVALID_ARGUMENT"):
        await bench.film(number_of_videos=9)
