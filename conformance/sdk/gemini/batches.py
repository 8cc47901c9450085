"""Cases of `client.batches`: jobs over inline requests, files, Cloud Storage and BigQuery."""

import io
import json

from google.genai import errors, types

from bench import BOTH, FACT, MLDEV, MODEL, PARENT, VERTEX
from harness import among, case, gather, refuses, result, same, until

EMBEDDER = "gemini-embedding-001"
JOB_STATE = types.JobState
STANDING = {"manual_clock": True}


def ask(text):
    return {"contents": [{"role": "user", "parts": [{"text": text}]}]}


async def start(client, src, **config):
    return await result(client.batches.create(model=MODEL, src=src, config=config))


async def ended(client, emulator, job):
    return await until(lambda: client.batches.get(name=job.name), lambda job: job.done, emulator)


async def uploaded(client, lines):
    text = "".join(json.dumps(line) + "\n" for line in lines)
    file = io.BytesIO(text.encode())
    config = {"mime_type": "application/jsonl"}
    return (await result(client.files.upload(file=file, config=config))).name


async def lines_of(client, name):
    written = await result(client.files.download(file=name))
    return [json.loads(line) for line in written.decode().splitlines()]


def source(bench, count=1):
    """Questions where the back end reads them."""
    if bench.is_vertex:
        lines = [{"request": ask(f"Question {n}")} for n in range(count)]
        return bench.put_lines("questions.jsonl", lines)
    return [{"contents": f"Question {n}"} for n in range(count)]


@case("batches.create/reply", on=BOTH, settings=STANDING)
async def _(client, bench):
    job = await start(client, source(bench), display_name="three questions")
    prefix = f"{PARENT}/batchPredictionJobs/" if bench.is_vertex else "batches/"
    assert job.name.startswith(prefix), job.name
    same((job.state, job.done), (JOB_STATE.JOB_STATE_PENDING, False))
    same(job.display_name, "three questions")
    among(MODEL, job.model)
    assert job.create_time


@case("batches.create/inline requests", on=(MLDEV,), settings=STANDING)
async def _(client, emulator):
    job = await start(
        client,
        [
            {"contents": [FACT, "Where are the spare keys?"], "metadata": {"my_key": "a"}},
            {"contents": FACT, "config": {"temperature": 9}, "metadata": {"my_key": "b"}},
            {"contents": "What is a fjord?", "metadata": {"my_key": "c"}},
        ],
    )
    job = await ended(client, emulator, job)
    same(job.state, JOB_STATE.JOB_STATE_SUCCEEDED)
    answers = job.dest.inlined_responses
    same([answer.metadata["my_key"] for answer in answers], ["a", "b", "c"])
    among(FACT, answers[0].response.text)
    same((answers[1].error.code, answers[1].response), (3, None))
    among("temperature", answers[1].error.message)
    assert answers[2].response.usage_metadata.total_token_count


@case("batches.create/inline requests refused", on=(VERTEX,))
async def _(client, emulator):
    with refuses(ValueError):
        await start(client, [{"contents": "x"}])
    same(emulator.requests(), [])


@case("batches.create/states", on=BOTH, settings=STANDING)
async def _(client, bench, emulator):
    job = await start(client, source(bench, 3))
    seen = []

    def done(found):
        seen.append(found.state)
        return found.done

    await until(lambda: client.batches.get(name=job.name), done, emulator)
    among(JOB_STATE.JOB_STATE_RUNNING, seen)
    same(seen[-1], JOB_STATE.JOB_STATE_SUCCEEDED)


@case("batches.create/file", on=(MLDEV,), settings=STANDING)
async def _(client, emulator):
    name = await uploaded(
        client,
        [
            {"key": "one", "request": ask(FACT)},
            {"key": "two", "request": {"contents": []}},
            {"key": "three", "request": {**ask("x"), "system_instruction": {"parts": [{"text": "y"}]}}},
        ],
    )
    job = await ended(client, emulator, await start(client, name))
    same(job.state, JOB_STATE.JOB_STATE_SUCCEEDED)
    answers = await lines_of(client, job.dest.file_name)
    same([answer["key"] for answer in answers], ["one", "two", "three"])
    assert answers[0]["response"]["candidates"]
    same(answers[1]["error"]["code"], 3)
    same(answers[2]["response"]["modelVersion"], MODEL)


@case("batches.create/unknown file", on=(MLDEV,))
async def _(client):
    with refuses(errors.ClientError):
        await start(client, "files/none")


@case("batches.create/unknown model", on=BOTH)
async def _(client, bench):
    with refuses(errors.ClientError, "gemini-none"):
        await result(client.batches.create(model="gemini-none", src=source(bench)))


@case("batches.create/Cloud Storage", on=(VERTEX,), settings=STANDING)
async def _(client, bench, emulator):
    lines = [{"id": 7, "request": ask(FACT)}, {"id": 8, "request": {"contents": []}}]
    src = bench.put_lines("questions.jsonl", lines)
    job = await start(client, src)
    same((job.src.gcs_uri, job.src.format), ([src], "jsonl"))
    same(job.dest.gcs_uri, src.removesuffix(".jsonl") + "/dest")
    job = await ended(client, emulator, job)
    same(job.state, JOB_STATE.JOB_STATE_SUCCEEDED)
    stats = job.completion_stats
    same((stats.successful_count, stats.failed_count), (1, 1))
    assert job.start_time and job.end_time > job.create_time
    answers = bench.get_lines(job.output_info.gcs_output_directory + "/predictions.jsonl")
    same([answer["id"] for answer in answers], [7, 8])
    assert answers[0]["response"]["candidates"]
    same(answers[0]["status"], "")
    among("Bad Request", answers[1]["status"])


@case("batches.create/place of the answers", on=(VERTEX,), settings=STANDING)
async def _(client, bench, emulator):
    job = await start(client, source(bench), dest="gs://elsewhere/answers")
    same(job.dest.gcs_uri, "gs://elsewhere/answers")
    job = await ended(client, emulator, job)
    folder = job.output_info.gcs_output_directory
    assert folder.startswith("gs://elsewhere/answers"), folder


@case("batches.create/missing object", on=(VERTEX,), settings=STANDING)
async def _(client, emulator):
    job = await start(client, "gs://halden-jobs/nothing.jsonl")
    job = await ended(client, emulator, job)
    same(job.state, JOB_STATE.JOB_STATE_FAILED)
    among("nothing.jsonl", job.error.message)


@case("batches.create/BigQuery", on=(VERTEX,), settings=STANDING)
async def _(client, bench, emulator):
    rows = [{"json": {"my_id": n, "request": json.dumps(ask(f"Question {n}"))}} for n in range(3)]
    table = "bigquery/v2/projects/halden/datasets/{}/tables/{}/{}"
    path = table.format("questions", "first", "insertAll")
    bench.storage("POST", path, json.dumps({"rows": rows}).encode())
    job = await start(client, "bq://halden.questions.first", dest="bq://halden.answers.all")
    job = await ended(client, emulator, job)
    same(job.state, JOB_STATE.JOB_STATE_SUCCEEDED)
    same(job.output_info.bigquery_output_table, "bq://halden.answers.all")
    read = json.loads(bench.storage("GET", table.format("answers", "all", "data")))
    same(read["totalRows"], "3")


@case("batches.create_embeddings/refused", on=(VERTEX,))
async def _(client, emulator):
    with refuses(ValueError, "does not support batches.create_embeddings"):
        await result(
            client.batches.create_embeddings(
                model=EMBEDDER, src={"inlined_requests": {"contents": ["a"]}}
            )
        )
    same(emulator.requests(), [])


@case("batches.create_embeddings/inline requests", on=(MLDEV,), settings=STANDING)
async def _(client, emulator):
    contents = ["a dog barks", "a puppy yelps", "the tax return is due"]
    config = {"task_type": "CLUSTERING", "output_dimensionality": 256}
    job = await result(
        client.batches.create_embeddings(
            model=EMBEDDER,
            src={"inlined_requests": {"contents": contents, "config": config}},
            config={"display_name": "animals"},
        )
    )
    same(job.display_name, "animals")
    job = await ended(client, emulator, job)
    answers = job.dest.inlined_embed_content_responses
    values = [answer.response.embedding.values for answer in answers]
    same([len(vector) for vector in values], [256] * 3)
    direct = await result(
        client.models.embed_content(model=EMBEDDER, contents=contents, config=config)
    )
    same([embedding.values for embedding in direct.embeddings], values)


@case("batches.create_embeddings/file", on=(MLDEV,), settings=STANDING)
async def _(client, emulator):
    name = await uploaded(
        client,
        [
            {
                "key": key,
                "request": {"content": {"parts": [{"text": key}]}, "output_dimensionality": 64},
            }
            for key in ("a", "b")
        ],
    )
    job = await result(client.batches.create_embeddings(model=EMBEDDER, src={"file_name": name}))
    job = await ended(client, emulator, job)
    answers = await lines_of(client, job.dest.file_name)
    same([len(answer["response"]["embedding"]["values"]) for answer in answers], [64, 64])


@case("batches.get/name", on=BOTH, settings=STANDING, rows={"whole": False, "short": True})
async def _(client, bench, value):
    job = await start(client, source(bench))
    name = job.name.rsplit("/", 1)[1] if value and bench.is_vertex else job.name
    same((await result(client.batches.get(name=name))).name, job.name)


@case("batches.get/unknown", on=BOTH)
async def _(client, bench):
    name = "123" if bench.is_vertex else "batches/none"
    with refuses(errors.ClientError, code=404, status="NOT_FOUND"):
        await result(client.batches.get(name=name))


@case("batches.list/page size", on=BOTH, settings=STANDING, rows={"1": 1, "2": 2, "9": 9})
async def _(client, bench, value):
    made = [(await start(client, source(bench))).name for _ in range(3)]
    pager = await result(client.batches.list(config={"page_size": value}))
    same(len(pager.page), min(value, 3))
    listed = [job.name for job in await gather(pager)]
    same(sorted(listed), sorted(made))


@case("batches.list/empty", on=BOTH)
async def _(client):
    same(await gather(client.batches.list()), [])


@case("batches.list/filter", on=(VERTEX,), settings=STANDING)
async def _(client, bench):
    made = [await start(client, source(bench), display_name=name) for name in ("a", "b")]
    named = await gather(client.batches.list(config={"filter": 'display_name="b"'}))
    same([job.name for job in named], [made[1].name])


@case("batches.cancel/while it waits", on=BOTH, settings=STANDING)
async def _(client, bench, emulator):
    job = await start(client, source(bench, 50))
    await result(client.batches.cancel(name=job.name))
    job = await ended(client, emulator, job)
    same(job.state, JOB_STATE.JOB_STATE_CANCELLED)


@case("batches.cancel/unknown", on=BOTH)
async def _(client, bench):
    name = "123" if bench.is_vertex else "batches/none"
    with refuses(errors.ClientError, code=404):
        await result(client.batches.cancel(name=name))


@case("batches.delete/gone afterwards", on=BOTH, settings=STANDING)
async def _(client, bench, emulator):
    job = await ended(client, emulator, await start(client, source(bench)))
    await result(client.batches.delete(name=job.name))
    with refuses(errors.ClientError, code=404):
        await result(client.batches.get(name=job.name))
    same(await gather(client.batches.list()), [])


@case("batches.delete/unknown", on=BOTH)
async def _(client, bench):
    name = "123" if bench.is_vertex else "batches/none"
    with refuses(errors.ClientError, code=404):
        await result(client.batches.delete(name=name))
