"""The official Python SDK as one side of the comparison: makes the calls, tells what one cost.

Arguments: --side NAME URL unary|stream WARM_UP CALLS CONCURRENCY TEXT_BYTES
"""

import asyncio
import sys
import time

from google import genai

MODEL = "gemini-2.5-flash"
PROMPT = "What is a gimmal?"


async def call(client, streamed):
    if not streamed:
        reply = await client.aio.models.generate_content(model=MODEL, contents=PROMPT)
        return len(reply.text)
    size = 0
    stream = await client.aio.models.generate_content_stream(model=MODEL, contents=PROMPT)
    async for chunk in stream:
        size += len(chunk.text)
    return size


async def calls(client, streamed, count, concurrency, text_bytes):
    waiting = iter(range(count))

    async def work():
        for _ in waiting:
            size = await call(client, streamed)
            assert abs(size - text_bytes) < 100, f"{size} of {text_bytes}"

    await asyncio.gather(*(work() for _ in range(concurrency)))


async def main():
    url, kind = sys.argv[3], sys.argv[4]
    warm_up, count, concurrency, text_bytes = map(int, sys.argv[5:])
    client = genai.Client(api_key="key", http_options={"base_url": url})
    streamed = kind == "stream"
    await calls(client, streamed, warm_up, concurrency, text_bytes)
    start = time.process_time()
    await calls(client, streamed, count, concurrency, text_bytes)
    print((time.process_time() - start) * 1e6 / count)


asyncio.run(main())
