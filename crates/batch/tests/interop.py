"""Reads a store that gimmal wrote, with async-batch-llm: prints which items it takes from it.

    python3 interop.py PATH
"""

import asyncio
import sys

from async_batch_llm import (
    ArtifactIdentity,
    CallableStrategy,
    CallOutcome,
    JsonlArtifactStore,
    ProcessorConfig,
    ResumePolicy,
    SqliteArtifactStore,
    process_prompts,
)


async def invoke(prompt, attempt, timeout, state):
    return CallOutcome(output="asked again: " + prompt)


async def main(path):
    identity = ArtifactIdentity(provider="fixture", model="fixture-model", prompt_version="1")
    kind = SqliteArtifactStore if path.endswith(".sqlite") else JsonlArtifactStore
    prompts = [("ok1", "alpha"), ("ok2", "bëta", {"k": 1}), ("bad", "gamma", {"k": 1})]
    results = await process_prompts(
        CallableStrategy(invoke),
        prompts,
        config=ProcessorConfig(max_workers=1),
        artifact_store=kind(path, identity=identity),
        resume=ResumePolicy.REUSE_ALL,
    )
    for result in results.results:
        told = result.output if result.success else result.error
        tokens = result.token_usage["total_tokens"]
        print(result.item_id, result.replayed_from_artifact, tokens, told)


asyncio.run(main(sys.argv[1]))
