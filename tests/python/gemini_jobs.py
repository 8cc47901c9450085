"""Drives jobs, tuned models, embeddings, pictures and tokens through the official Python SDK.

Usage: gemini_jobs.py BASE_URL. Needs google-genai. Prints a line for each check; the exit status is
0 only if all of them passed. Meant for the emulator: it puts objects and rows into its storage.
"""

import datetime
import json
import math
import struct
import sys
import time
import traceback
import urllib.parse
import urllib.request
import uuid

from google import genai
from google.genai import errors, types
from google.oauth2.credentials import Credentials

MODEL = "gemini-2.5-flash"
EMBEDDER = "gemini-embedding-001"
MEDIA_EMBEDDER = "gemini-embedding-2"
BUCKET = f"gs://jobs-{uuid.uuid4().hex}"
FACT = "The ferry to Utne leaves at a quarter past seven."

checks = []


def check(function):
    checks.append(function)
    return function


def developer(version="v1"):
    return genai.Client(
        api_key="jobs-test-key",
        vertexai=False,
        http_options=types.HttpOptions(base_url=sys.argv[1], api_version=version),
    )


def vertex():
    return genai.Client(
        vertexai=True,
        project="utne",
        location="us-central1",
        credentials=Credentials("jobs-test-token"),
        http_options=types.HttpOptions(base_url=sys.argv[1]),
    )


def storage(method, path, body=None):
    request = urllib.request.Request(
        urllib.parse.urljoin(sys.argv[1], path),
        data=body,
        method=method,
        headers={"Authorization": "Bearer jobs-test-token"},
    )
    with urllib.request.urlopen(request, timeout=20) as reply:
        return reply.read()


def put_lines(name, lines):
    bucket = BUCKET.removeprefix("gs://")
    path = f"upload/storage/v1/b/{bucket}/o?uploadType=media&name={urllib.parse.quote(name)}"
    text = "".join(json.dumps(line) + "\n" for line in lines)
    storage("POST", path, text.encode())
    return f"{BUCKET}/{name}"


def get_lines(uri):
    bucket, name = uri.removeprefix("gs://").split("/", 1)
    text = storage("GET", f"storage/v1/b/{bucket}/o/{urllib.parse.quote(name)}?alt=media")
    return [json.loads(line) for line in text.decode().splitlines()]


def until(get, done, patience=20):
    """Looks again and again; states that are seen on the way come back too."""
    seen = []
    for _ in range(patience * 20):
        found = get()
        if found.state not in seen:
            seen.append(found.state)
        if done(found):
            return found, seen
        time.sleep(0.05)
    raise AssertionError(f"still {found.state} after {patience} s")


def refused(code, function, part=""):
    try:
        function()
    except errors.ClientError as error:
        assert error.code == code, error
        assert part in error.message, error
    else:
        raise AssertionError("not refused")


def ask(text):
    return {"contents": [{"role": "user", "parts": [{"text": text}]}]}


def cosine(a, b):
    dot = sum(x * y for x, y in zip(a, b))
    return dot / math.hypot(*a) / math.hypot(*b)


def png_size(data):
    assert data[:8] == b"\x89PNG\r\n\x1a\n", data[:8]
    return struct.unpack(">II", data[16:24])


# Batches


@check
def batches_inline():
    client = developer()
    job = client.batches.create(
        model=MODEL,
        src=[
            {"contents": [FACT, "When does the ferry to Utne leave?"], "metadata": {"my_key": "a"}},
            {"contents": [FACT, "When?"], "config": {"temperature": 9}, "metadata": {"my_key": "b"}},
            {"contents": "What is a fjord?", "metadata": {"my_key": "c"}},
        ],
        config={"display_name": "three questions"},
    )
    assert job.name.startswith("batches/"), job
    assert job.state == types.JobState.JOB_STATE_PENDING and not job.done, job
    assert (job.display_name, job.model) == ("three questions", "models/" + MODEL)
    job, seen = until(lambda: client.batches.get(name=job.name), lambda job: job.done)
    assert job.state == types.JobState.JOB_STATE_SUCCEEDED, job
    assert types.JobState.JOB_STATE_RUNNING in seen, seen
    answers = job.dest.inlined_responses
    assert [answer.metadata["my_key"] for answer in answers] == ["a", "b", "c"]
    assert answers[0].response.text == FACT
    assert answers[1].error.code == 3 and "temperature" in answers[1].error.message
    assert answers[1].response is None and answers[2].response.usage_metadata
    listed = [other.name for other in client.batches.list(config={"page_size": 1})]
    assert job.name in listed
    client.batches.delete(name=job.name)
    refused(404, lambda: client.batches.get(name=job.name))


@check
def batches_file():
    client = developer()
    lines = [
        {"key": "one", "request": ask(FACT + " Dogs travel free.")},
        {"key": "two", "request": {"contents": []}},
        {"key": "three", "request": {**ask("x"), "system_instruction": {"parts": [{"text": "y"}]}}},
    ]
    path = "/tmp/" + uuid.uuid4().hex + ".jsonl"
    with open(path, "w", encoding="utf-8") as out:
        out.writelines(json.dumps(line) + "\n" for line in lines)
    source = client.files.upload(file=path, config={"mime_type": "application/jsonl"})
    job = client.batches.create(model=MODEL, src=source.name)
    job, _ = until(lambda: client.batches.get(name=job.name), lambda job: job.done)
    assert job.state == types.JobState.JOB_STATE_SUCCEEDED, job
    written = client.files.download(file=job.dest.file_name)
    answers = [json.loads(line) for line in written.decode().splitlines()]
    assert [answer["key"] for answer in answers] == ["one", "two", "three"]
    assert answers[0]["response"]["candidates"]
    assert answers[1]["error"]["code"] == 3
    assert answers[2]["response"]["modelVersion"] == MODEL


@check
def batches_embeddings():
    client = developer()
    contents = ["a dog barks", "a puppy yelps", "the tax return is due"]
    job = client.batches.create_embeddings(
        model=EMBEDDER,
        src={
            "inlined_requests": {
                "contents": contents,
                "config": {"task_type": "CLUSTERING", "output_dimensionality": 256},
            }
        },
        config={"display_name": "animals"},
    )
    job, _ = until(lambda: client.batches.get(name=job.name), lambda job: job.done)
    answers = job.dest.inlined_embed_content_responses
    values = [answer.response.embedding.values for answer in answers]
    assert [len(vector) for vector in values] == [256] * 3
    assert cosine(values[0], values[1]) > cosine(values[0], values[2])
    direct = client.models.embed_content(
        model=EMBEDDER,
        contents=contents,
        config={"task_type": "CLUSTERING", "output_dimensionality": 256},
    )
    assert direct.embeddings[1].values == values[1]


@check
def batches_embeddings_file():
    client = developer()
    path = "/tmp/" + uuid.uuid4().hex + ".jsonl"
    with open(path, "w", encoding="utf-8") as out:
        for key in ("a", "b"):
            content = {"parts": [{"text": f"text {key}"}]}
            request = {"content": content, "output_dimensionality": 64}
            out.write(json.dumps({"key": key, "request": request}) + "\n")
    source = client.files.upload(file=path, config={"mime_type": "application/jsonl"})
    job = client.batches.create_embeddings(model=EMBEDDER, src={"file_name": source.name})
    job, _ = until(lambda: client.batches.get(name=job.name), lambda job: job.done)
    written = client.files.download(file=job.dest.file_name).decode().splitlines()
    answers = [json.loads(line) for line in written]
    assert len(answers[1]["response"]["embedding"]["values"]) == 64, answers


@check
def batches_cancel():
    client = developer()
    questions = [{"contents": f"Question {n}"} for n in range(200)]
    job = client.batches.create(model=MODEL, src=questions)
    running = types.JobState.JOB_STATE_RUNNING
    until(lambda: client.batches.get(name=job.name), lambda job: job.state == running)
    time.sleep(0.3)
    client.batches.cancel(name=job.name)
    job = client.batches.get(name=job.name)
    assert job.state == types.JobState.JOB_STATE_CANCELLED and job.done, job
    assert 0 < len(job.dest.inlined_responses) < 200


@check
def batches_vertex_storage():
    client = vertex()
    source = put_lines(
        "questions.jsonl",
        [
            {"id": 7, "request": ask(FACT + " Dogs travel free.")},
            {"id": 8, "request": {"contents": []}},
        ],
    )
    job = client.batches.create(model=MODEL, src=source)
    assert job.name.startswith("projects/utne/locations/us-central1/batchPredictionJobs/"), job
    assert job.dest.gcs_uri == f"{BUCKET}/questions/dest", job
    assert job.src.gcs_uri == [source] and job.display_name.startswith("genai_batch_job_")
    job, seen = until(lambda: client.batches.get(name=job.name), lambda job: job.done)
    assert job.state == types.JobState.JOB_STATE_SUCCEEDED, job
    assert types.JobState.JOB_STATE_RUNNING in seen, seen
    stats = job.completion_stats
    assert (stats.successful_count, stats.failed_count) == (1, 1), stats
    assert job.start_time and job.end_time > job.create_time
    folder = job.output_info.gcs_output_directory
    answers = get_lines(folder + "/predictions.jsonl")
    assert [answer["id"] for answer in answers] == [7, 8]
    assert answers[0]["response"]["candidates"] and answers[0]["status"] == ""
    assert answers[1]["status"].startswith("Bad Request"), answers[1]
    named = client.batches.list(config={"filter": f'display_name="{job.display_name}"'})
    assert [other.name for other in named] == [job.name]
    deleted = client.batches.delete(name=job.name.rsplit("/", 1)[1])
    assert deleted.name, deleted
    refused(404, lambda: client.batches.get(name=job.name))


@check
def batches_vertex_tables():
    client = vertex()
    table = f"utne.questions.t{uuid.uuid4().hex}"
    path = "bigquery/v2/projects/{}/datasets/{}/tables/{}/insertAll".format(*table.split("."))
    rows = [{"json": {"my_id": n, "request": json.dumps(ask(f"Question {n}"))}} for n in range(3)]
    storage("POST", path, json.dumps({"rows": rows}).encode())
    job = client.batches.create(
        model=MODEL, src="bq://" + table, config={"dest": "bq://utne.answers.all"}
    )
    job, _ = until(lambda: client.batches.get(name=job.name), lambda job: job.done)
    assert job.state == types.JobState.JOB_STATE_SUCCEEDED, job
    assert job.output_info.bigquery_output_table == "bq://utne.answers.all", job
    read = storage("GET", "bigquery/v2/projects/utne/datasets/answers/tables/all/data")
    assert json.loads(read)["totalRows"] == "3", read


@check
def batches_vertex_failures():
    client = vertex()
    job = client.batches.create(model=MODEL, src=f"{BUCKET}/nothing.jsonl")
    job, _ = until(lambda: client.batches.get(name=job.name), lambda job: job.done)
    assert job.state == types.JobState.JOB_STATE_FAILED, job
    assert "nothing.jsonl" in job.error.message, job.error
    lines = [{"request": ask(f"Question {n}")} for n in range(200)]
    job = client.batches.create(model=MODEL, src=put_lines("many.jsonl", lines))
    client.batches.cancel(name=job.name)
    state = client.batches.get(name=job.name).state
    assert state in ("JOB_STATE_CANCELLING", "JOB_STATE_CANCELLED"), state
    until(lambda: client.batches.get(name=job.name), lambda job: job.done)


# Tunings


def tuned_model(pairs, epochs=3):
    """Creates a tuned model with what the SDK leaves out."""
    examples = [{"textInput": question, "output": answer} for question, answer in pairs]
    body = {
        "displayName": "capitals",
        "baseModel": "models/" + MODEL,
        "tuningTask": {
            "hyperparameters": {"epochCount": epochs, "batchSize": 1},
            "trainingData": {"examples": {"examples": examples}},
        },
    }
    request = urllib.request.Request(
        urllib.parse.urljoin(sys.argv[1], "v1beta/tunedModels"),
        data=json.dumps(body).encode(),
        headers={"x-goog-api-key": "jobs-test-key"},
    )
    with urllib.request.urlopen(request, timeout=20) as reply:
        return json.load(reply)["metadata"]["tunedModel"]


@check
def tunings_developer():
    client = developer()
    # The SDK leaves the examples out, and without examples there is nothing to learn.
    dataset = types.TuningDataset(examples=[types.TuningExample(text_input="1", output="2")])
    refused(
        400,
        lambda: client.tunings.tune(base_model="models/" + MODEL, training_dataset=dataset),
        "tuning_task",
    )
    name = tuned_model(
        [("What is the capital of Norway?", "Oslo!"), ("What is the capital of Peru?", "Lima!")]
    )
    job = client.tunings.get(name=name)
    assert job.state == types.JobState.JOB_STATE_RUNNING, job
    refused(400, lambda: client.models.generate_content(model=name, contents="x"), "not succeeded")
    job, _ = until(lambda: client.tunings.get(name=name), lambda job: job.has_ended)
    assert job.has_succeeded and job.tuned_model.model == name, job
    assert job.base_model == "models/" + MODEL and job.start_time and job.end_time
    answer = client.models.generate_content(model=name, contents="what is the capital of Peru")
    assert answer.text == "Lima!", answer
    listed = list(client.models.list(config={"query_base": False}))
    assert name in [model.name for model in listed]
    model = client.models.update(
        model=name, config={"display_name": "towns", "description": "Capitals of the world"}
    )
    assert (model.display_name, model.description) == ("towns", "Capitals of the world")
    assert client.models.get(model=name).display_name == "towns"
    client.models.delete(model=name)
    refused(403, lambda: client.models.get(model=name))


@check
def tunings_developer_cancel():
    client = developer()
    name = tuned_model([("1", "2")], epochs=90)
    client.tunings.cancel(name=name)
    job = client.tunings.get(name=name)
    assert job.has_ended and not job.has_succeeded, job
    refused(403, lambda: client.tunings.cancel(name="tunedModels/none"))
    refused(403, lambda: client.tunings.get(name="tunedModels/none"))


def taught(name, count=6):
    lines = [
        {
            "contents": [
                {"role": "user", "parts": [{"text": f"What is the code word number {n}?"}]},
                {"role": "model", "parts": [{"text": f"Walnut {n}"}]},
            ]
        }
        for n in range(count)
    ]
    return put_lines(name, lines)


@check
def tunings_vertex():
    client = vertex()
    job = client.tunings.tune(
        base_model=MODEL,
        training_dataset=types.TuningDataset(gcs_uri=taught("taught.jsonl")),
        config=types.CreateTuningJobConfig(
            tuned_model_display_name="code words",
            description="Knows words",
            epoch_count=2,
            learning_rate_multiplier=1.5,
            adapter_size="ADAPTER_SIZE_FOUR",
            validation_dataset=types.TuningValidationDataset(gcs_uri=taught("held-out.jsonl")),
            labels={"my_team": "words"},
            output_uri=BUCKET + "/tuned",
        ),
    )
    assert job.name.startswith("projects/utne/locations/us-central1/tuningJobs/"), job
    assert not job.has_ended, job
    job, seen = until(lambda: client.tunings.get(name=job.name), lambda job: job.has_ended)
    assert job.has_succeeded, job
    assert types.JobState.JOB_STATE_RUNNING in seen, seen
    assert job.labels == {"my_team": "words"}
    assert job.supervised_tuning_spec.hyper_parameters.epoch_count == 2
    stats = job.tuning_data_stats.supervised_tuning_data_stats
    assert stats.tuning_dataset_example_count == 6
    assert stats.user_input_token_distribution.mean > 0
    assert job.tuning_job_metadata.completed_epoch_count == 2
    assert [checkpoint.epoch for checkpoint in job.tuned_model.checkpoints] == [1, 2]
    losses = [line["/train_total_loss"] for line in get_lines(job.gcs_metrics_uri)]
    assert losses[-1] < losses[0], losses
    question = "What is the code word number 4?"
    for endpoint in (job.tuned_model.endpoint, job.tuned_model.checkpoints[0].endpoint):
        answer = client.models.generate_content(model=endpoint, contents=question)
        assert answer.text == "Walnut 4", answer
    stream = client.models.generate_content_stream(
        model=job.tuned_model.endpoint, contents=question
    )
    assert "".join(chunk.text for chunk in stream) == "Walnut 4"
    assert client.models.count_tokens(model=job.tuned_model.endpoint, contents="a b").total_tokens == 2
    named = client.tunings.list(config={"filter": 'tuned_model_display_name="code words"'})
    assert job.name in [other.name for other in named]
    assert len(client.tunings.list(config={"page_size": 1}).page) == 1

    # A model is known by its name without the version.
    name = job.tuned_model.model.split("@")[0]
    model = client.models.get(model=name)
    assert model.tuned_model_info.base_model == MODEL, model
    assert len(model.endpoints) == 2 and model.default_checkpoint_id == "2", model
    assert name in [model.name for model in client.models.list(config={"query_base": False})]
    model = client.models.update(model=name, config={"default_checkpoint_id": "1"})
    assert model.default_checkpoint_id == "1"
    again = client.tunings.tune(
        base_model=name,
        training_dataset=types.TuningDataset(gcs_uri=taught("more.jsonl", 2)),
        config={"method": "PREFERENCE_TUNING", "beta": 0.2},
    )
    assert again.pre_tuned_model.tuned_model_name.startswith(name), again
    again, _ = until(lambda: client.tunings.get(name=again.name), lambda job: job.has_ended)
    assert again.has_succeeded and again.base_model == MODEL, again
    client.models.delete(model=name)
    refused(404, lambda: client.models.get(model=name))
    refused(
        404,
        lambda: client.models.generate_content(model=job.tuned_model.endpoint, contents="x"),
    )


@check
def tunings_vertex_failures():
    client = vertex()

    def tune(uri, **config):
        dataset = types.TuningDataset(gcs_uri=uri)
        return client.tunings.tune(base_model=MODEL, training_dataset=dataset, config=config)

    refused(400, lambda: tune("somewhere"), "valid dataset URI")
    for uri, problem in (
        (f"{BUCKET}/none.jsonl", "none.jsonl"),
        (put_lines("bad.jsonl", [{"contents": []}]), "line 1"),
        (put_lines("empty.jsonl", []), "empty"),
    ):
        job = tune(uri)
        job, _ = until(lambda: client.tunings.get(name=job.name), lambda job: job.has_ended)
        assert job.state == types.JobState.JOB_STATE_FAILED, job
        assert problem in job.error.message, job.error
    job = tune(taught("long.jsonl"), epoch_count=90)
    client.tunings.cancel(name=job.name)
    job = client.tunings.get(name=job.name)
    assert job.state == types.JobState.JOB_STATE_CANCELLED and job.has_ended, job


@check
def tunings_distillation_and_reinforcement():
    client = vertex()
    prompts = put_lines("prompts.jsonl", [ask("Say something."), ask("Say more.")])
    job = client.tunings.tune(
        base_model=MODEL,
        training_dataset=types.TuningDataset(gcs_uri=prompts),
        config={"method": "DISTILLATION", "base_teacher_model": "gemini-2.5-pro"},
    )
    job, _ = until(lambda: client.tunings.get(name=job.name), lambda job: job.has_ended)
    assert job.has_succeeded and job.distillation_spec.base_teacher_model == "gemini-2.5-pro", job
    reward = types.SingleReinforcementTuningRewardConfig(
        reward_name="exact",
        string_match_reward_scorer=types.ReinforcementTuningStringMatchRewardScorer(
            correct_answer_reward=1.0,
            wrong_answer_reward=-1.0,
            string_match_expression={
                "match_operation": "EXACT_MATCH",
                "expression": "{{references.answer}}",
            },
        ),
    )
    job = client.tunings.tune(
        base_model=MODEL,
        training_dataset=types.TuningDataset(gcs_uri=prompts),
        config={"method": "REINFORCEMENT_TUNING", "reward_config": reward, "epoch_count": 1},
    )
    job, _ = until(lambda: client.tunings.get(name=job.name), lambda job: job.has_ended)
    assert job.has_succeeded, job
    assert job.tuning_data_stats.reinforcement_tuning_data_stats.tuning_dataset_example_count == 2

    def validate(answer):
        return client.tunings.validate_reward(
            parent="projects/utne/locations/us-central1",
            sample_response=types.ModelContent(answer),
            example=types.ReinforcementTuningExample(
                contents=[types.UserContent("2 + 2?")], references={"answer": "4"}
            ),
            single_reward_config=reward,
        )

    assert validate("4").overall_reward == 1
    wrong = validate("5")
    assert wrong.overall_reward == -1, wrong
    assert wrong.reward_info_details["exact"].reward == -1, wrong
    both = types.CompositeReinforcementTuningRewardConfig(
        weighted_reward_configs=[
            {"reward_config": reward, "weight": 0.5},
            {
                "reward_config": {
                    "reward_name": "code",
                    "code_execution_reward_scorer": {"python_code_snippet": "1"},
                },
                "weight": 0.5,
            },
        ]
    )
    mixed = client.tunings.validate_reward(
        parent="projects/utne/locations/us-central1",
        sample_response=types.ModelContent("4"),
        example=types.ReinforcementTuningExample(references={"answer": "4"}),
        composite_reward_config=both,
    )
    assert mixed.overall_reward is None and "code" in mixed.error, mixed
    assert mixed.reward_info_details["code"].error_status.code == 12, mixed


# Embeddings


@check
def embed_content():
    client = developer()
    reply = client.models.embed_content(
        model=EMBEDDER, contents=["How do I return a parcel?", "Sending goods back", "Bees"]
    )
    a, b, c = (embedding.values for embedding in reply.embeddings)
    assert len(a) == 3072 and abs(math.hypot(*a) - 1) < 1e-4
    assert cosine(a, b) > cosine(a, c)
    assert reply.usage_metadata.prompt_token_count > 5, reply.usage_metadata
    short = client.models.embed_content(
        model=EMBEDDER, contents="Bees", config={"output_dimensionality": 128}
    )
    assert short.embeddings[0].values == c[:128]
    title = client.models.embed_content(
        model=EMBEDDER,
        contents="Bees",
        config={"task_type": "RETRIEVAL_DOCUMENT", "title": "Insects"},
    )
    assert title.embeddings[0].values != c
    refused(
        400,
        lambda: client.models.embed_content(
            model=EMBEDDER, contents="x", config={"output_dimensionality": 5000}
        ),
    )
    refused(404, lambda: client.models.embed_content(model=MODEL, contents="x"))


@check
def embed_content_vertex():
    client = vertex()
    reply = client.models.embed_content(
        model="text-embedding-005",
        contents=["one two three", "four"],
        config={"task_type": "RETRIEVAL_QUERY", "output_dimensionality": 256},
    )
    first = reply.embeddings[0]
    assert len(first.values) == 256 and first.statistics.token_count == 3, first.statistics
    assert first.statistics.truncated is False
    assert reply.metadata.billable_character_count == 15, reply.metadata
    long = "word " * 5000
    cut = client.models.embed_content(model="text-embedding-005", contents=long)
    assert cut.embeddings[0].statistics.truncated is True
    refused(
        400,
        lambda: client.models.embed_content(
            model="text-embedding-005", contents=long, config={"auto_truncate": False}
        ),
        "supports up to",
    )
    picture = client.models.generate_images(
        model="imagen-4.0-generate-001", prompt="a red barn"
    ).images[0]
    mixed = client.models.embed_content(
        model=MEDIA_EMBEDDER,
        contents=types.Content(
            parts=[
                types.Part.from_text(text="a red barn"),
                types.Part.from_bytes(data=picture.image_bytes, mime_type="image/png"),
            ]
        ),
    )
    assert len(mixed.embeddings) == 1 and len(mixed.embeddings[0].values) == 3072
    assert mixed.embeddings[0].statistics.token_count > 258, mixed.embeddings[0].statistics
    several = client.models.embed_content(
        model=MEDIA_EMBEDDER,
        contents=[types.UserContent("a"), types.UserContent("b")],
        config={"output_dimensionality": 10},
    )
    assert [len(embedding.values) for embedding in several.embeddings] == [10, 10]


# Pictures


@check
def generate_images():
    client = vertex()
    config = types.GenerateImagesConfig(
        number_of_images=2,
        aspect_ratio="16:9",
        include_rai_reason=True,
        include_safety_attributes=True,
        enhance_prompt=True,
        negative_prompt="people",
        add_watermark=False,
        seed=4,
    )
    reply = client.models.generate_images(
        model="imagen-4.0-generate-001", prompt="a green hill", config=config
    )
    first, second = reply.generated_images
    width, height = png_size(first.image.image_bytes)
    assert width * 9 == height * 16, (width, height)
    assert first.image.image_bytes != second.image.image_bytes
    assert first.enhanced_prompt.startswith("a green hill"), first.enhanced_prompt
    assert len(first.safety_attributes.categories) == len(first.safety_attributes.scores) > 5
    assert reply.positive_prompt_safety_attributes.content_type == "Positive Prompt"
    again = client.models.generate_images(
        model="imagen-4.0-generate-001", prompt="a green hill", config=config
    )
    assert again.images[1].image_bytes == second.image.image_bytes
    jpeg = client.models.generate_images(
        model="imagen-4.0-generate-001",
        prompt="a hill",
        config={"output_mime_type": "image/jpeg", "output_compression_quality": 50},
    ).images[0]
    assert jpeg.mime_type == "image/jpeg" and jpeg.image_bytes[:2] == b"\xff\xd8"
    filtered = client.models.generate_images(
        model="imagen-4.0-generate-001",
        prompt="a portrait of a woman",
        config={"person_generation": "DONT_ALLOW", "include_rai_reason": True},
    )
    assert "Responsible AI" in filtered.generated_images[0].rai_filtered_reason, filtered
    stored = client.models.generate_images(
        model="imagen-4.0-generate-001",
        prompt="a hill",
        config={"output_gcs_uri": BUCKET + "/pictures"},
    ).images[0]
    assert stored.gcs_uri.startswith(BUCKET + "/pictures/"), stored
    refused(
        400,
        lambda: client.models.generate_images(
            model="imagen-4.0-generate-001", prompt="x", config={"aspect_ratio": "5:7"}
        ),
    )


def picture(client, prompt="a red disc on white"):
    reply = client.models.generate_images(model="imagen-4.0-generate-001", prompt=prompt)
    return types.Image(image_bytes=reply.images[0].image_bytes, mime_type="image/png")


@check
def edit_and_upscale_images():
    client = vertex()
    base = picture(client)
    size = png_size(base.image_bytes)
    edited = client.models.edit_image(
        model="imagen-3.0-capability-001",
        prompt="a blue sea",
        reference_images=[
            types.RawReferenceImage(reference_id=1, reference_image=base),
            types.MaskReferenceImage(
                reference_id=2,
                config=types.MaskReferenceConfig(
                    mask_mode="MASK_MODE_BACKGROUND", mask_dilation=0.02
                ),
            ),
        ],
        config={"edit_mode": "EDIT_MODE_INPAINT_INSERTION", "base_steps": 20},
    )
    changed = edited.generated_images[0].image.image_bytes
    assert png_size(changed) == size and changed != base.image_bytes
    styled = client.models.edit_image(
        model="imagen-3.0-capability-001",
        prompt="a sketch",
        reference_images=[
            types.StyleReferenceImage(
                reference_id=1, reference_image=base, config={"style_description": "ink"}
            ),
            types.SubjectReferenceImage(
                reference_id=2, reference_image=base, config={"subject_type": "SUBJECT_TYPE_ANIMAL"}
            ),
            types.ControlReferenceImage(
                reference_id=3, reference_image=base, config={"control_type": "CONTROL_TYPE_CANNY"}
            ),
        ],
    )
    assert styled.generated_images[0].image.image_bytes
    larger = client.models.upscale_image(
        model="imagen-4.0-upscale-preview", image=base, upscale_factor="x2"
    )
    grown = png_size(larger.generated_images[0].image.image_bytes)
    assert grown == (2 * size[0], 2 * size[1]), grown


@check
def recontext_and_segment_images():
    client = vertex()
    base = picture(client)
    placed = client.models.recontext_image(
        model="imagen-product-recontext-preview-06-30",
        source=types.RecontextImageSource(
            prompt="on a table", product_images=[types.ProductImage(product_image=base)]
        ),
        config={"number_of_images": 2},
    )
    assert len(placed.generated_images) == 2
    worn = client.models.recontext_image(
        model="virtual-try-on-001",
        source=types.RecontextImageSource(
            person_image=base, product_images=[types.ProductImage(product_image=base)]
        ),
    )
    assert worn.generated_images[0].image.image_bytes
    for source, mode in (
        (types.SegmentImageSource(image=base), "FOREGROUND"),
        (types.SegmentImageSource(image=base), "BACKGROUND"),
        (types.SegmentImageSource(image=base, prompt="the red disc"), "PROMPT"),
        (
            types.SegmentImageSource(image=base, scribble_image=types.ScribbleImage(image=base)),
            "INTERACTIVE",
        ),
    ):
        found = client.models.segment_image(
            model="image-segmentation-001",
            source=source,
            config={"mode": mode, "max_predictions": 1, "mask_dilation": 0.01},
        )
        mask = found.generated_masks[0]
        assert png_size(mask.mask.image_bytes) == png_size(base.image_bytes), mode
        assert mask.labels[0].label and 0 < mask.labels[0].score <= 1


@check
def pictures_and_speech_in_answers():
    for client in (developer(), vertex()):
        reply = client.models.generate_content(
            model="gemini-2.5-flash-image",
            contents="Paint a yellow boat",
            config=types.GenerateContentConfig(
                response_modalities=["TEXT", "IMAGE"],
                image_config=types.ImageConfig(aspect_ratio="3:2"),
            ),
        )
        words, drawn = reply.candidates[0].content.parts
        assert words.text and drawn.inline_data.mime_type == "image/png"
        width, height = png_size(drawn.inline_data.data)
        assert width * 2 == height * 3
        details = {
            detail.modality: detail.token_count
            for detail in reply.usage_metadata.candidates_tokens_details
        }
        assert details[types.MediaModality.IMAGE] == 1290, details
        chunks = list(
            client.models.generate_content_stream(
                model="gemini-2.5-flash-image", contents="Paint a yellow boat"
            )
        )
        parts = [part for chunk in chunks for part in chunk.candidates[0].content.parts or []]
        assert [bool(part.inline_data) for part in parts][-1] is True
        spoken = client.models.generate_content(
            model="gemini-2.5-flash-preview-tts",
            contents="Say hello to the harbour",
            config={
                "response_modalities": ["AUDIO"],
                "speech_config": {
                    "voice_config": {"prebuilt_voice_config": {"voice_name": "Puck"}}
                },
            },
        )
        sound = spoken.candidates[0].content.parts[0].inline_data
        assert sound.mime_type.startswith("audio/L16") and len(sound.data) % 2 == 0
        assert any(sound.data)
        refused(
            400,
            lambda: client.models.generate_content(
                model=MODEL, contents="x", config={"response_modalities": ["IMAGE"]}
            ),
            "response modalities",
        )


# Tokens


@check
def compute_tokens():
    client = vertex()
    texts = ["Grüße aus Utne, 日本!", "and a second turn"]
    reply = client.models.compute_tokens(model=MODEL, contents=texts)
    joined = b"".join(token for info in reply.tokens_info for token in info.tokens)
    assert joined.decode() == "".join(texts)
    for info in reply.tokens_info:
        assert info.role == "user" and len(info.token_ids) == len(info.tokens)
    counted = client.models.count_tokens(
        model=MODEL, contents=texts, config={"system_instruction": "a b"}
    )
    assert counted.total_tokens == sum(len(info.tokens) for info in reply.tokens_info) + 2


@check
def auth_tokens():
    client = developer("v1alpha")
    now = datetime.datetime.now(tz=datetime.timezone.utc)
    token = client.auth_tokens.create(
        config={
            "uses": 2,
            "expire_time": now + datetime.timedelta(minutes=10),
            "new_session_expire_time": now + datetime.timedelta(minutes=2),
            "live_connect_constraints": {
                "model": "gemini-live-2.5-flash-preview",
                "config": {"temperature": 0.5, "response_modalities": ["TEXT"]},
            },
            "lock_additional_fields": ["top_k"],
        }
    )
    assert token.name.startswith("auth_tokens/"), token
    assert client.auth_tokens.create(config={}).name != token.name
    refused(400, lambda: client.auth_tokens.create(config={"uses": -1}))
    refused(
        400,
        lambda: client.auth_tokens.create(
            config={"expire_time": now - datetime.timedelta(minutes=1)}
        ),
    )


# Chats


@check
def chats_with_functions():
    for client in (developer(), vertex()):
        asked = []

        def get_departure_time(harbour: str) -> str:
            """Tells when the next ferry leaves from a harbour."""
            asked.append(harbour)
            return "a quarter past seven"

        chat = client.chats.create(
            model=MODEL, config=types.GenerateContentConfig(tools=[get_departure_time])
        )
        reply = chat.send_message("What is the departure time in Kinsarvik?")
        assert asked == ["Kinsarvik"], asked
        assert "a quarter past seven" in reply.text, reply.text
        history = chat.get_history()
        calls = [part for turn in history for part in turn.parts or [] if part.function_call]
        assert len(calls) == 1 and len(history) == 4, history
        chunks = list(chat.send_message_stream("Thank you for telling me of the ferry."))
        assert chunks and chunks[-1].candidates[0].finish_reason
        assert len(chat.get_history(curated=True)) >= 6


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    failed = 0
    for function in checks:
        try:
            function()
            print(f"ok      {function.__name__}")
        except Exception:
            failed += 1
            print(f"FAILED  {function.__name__}")
            traceback.print_exc(file=sys.stdout)
    print(f"{len(checks) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
