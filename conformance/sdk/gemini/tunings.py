"""Cases of `client.tunings`: jobs, the models they make, and rewards."""

import json
import urllib.parse
import urllib.request

from google.genai import errors, types

from bench import BOTH, KEY, MLDEV, MODEL, PARENT, VERTEX
from harness import among, case, gather, refuses, result, same, until

STANDING = {"manual_clock": True}
STATE = types.JobState
QUESTION = "What is the code word number 4?"


async def ended(client, emulator, job):
    return await until(
        lambda: client.tunings.get(name=job.name), lambda job: job.has_ended, emulator, step=5
    )


def taught(bench, name="taught.jsonl", count=6):
    def turn(role, text):
        return {"role": role, "parts": [{"text": text}]}

    lines = [
        {
            "contents": [
                turn("user", f"What is the code word number {n}?"),
                turn("model", f"Walnut {n}"),
            ]
        }
        for n in range(count)
    ]
    return bench.put_lines(name, lines)


async def tune(client, uri, model=MODEL, **config):
    dataset = types.TuningDataset(gcs_uri=uri)
    return await result(
        client.tunings.tune(base_model=model, training_dataset=dataset, config=config)
    )


def tuned(bench, pairs=(("What is the capital of Peru?", "Lima!"),), epochs=3):
    """The name of a tuned model of the developer API; the SDK leaves out what teaches it."""
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
        urllib.parse.urljoin(bench.emulator.base_url, "/v1beta/tunedModels"),
        data=json.dumps(body).encode(),
        headers={"x-goog-api-key": KEY},
    )
    with urllib.request.urlopen(request, timeout=20) as reply:
        return types.TuningJob(name=json.load(reply)["metadata"]["tunedModel"])


async def learnt(client, bench, emulator, **config):
    job = await tune(client, taught(bench), epoch_count=2, **config)
    job = await ended(client, emulator, job)
    same(job.state, STATE.JOB_STATE_SUCCEEDED)
    return job


@case("tunings.tune/without examples", on=(MLDEV,))
async def _(client):
    dataset = types.TuningDataset(examples=[types.TuningExample(text_input="1", output="2")])
    with refuses(errors.ClientError, "tuning_task", code=400):
        await result(client.tunings.tune(base_model="models/" + MODEL, training_dataset=dataset))


@case("tunings.tune/reply", on=(VERTEX,), settings=STANDING)
async def _(client, bench):
    job = await tune(
        client, taught(bench), tuned_model_display_name="words", labels={"my_team": "words"}
    )
    assert job.name.startswith(f"{PARENT}/tuningJobs/"), job.name
    same((job.has_ended, job.labels), (False, {"my_team": "words"}))
    same(job.tuned_model_display_name, "words")


@case("tunings.get/what came of it", on=(VERTEX,), settings=STANDING)
async def _(client, bench, emulator):
    job = await learnt(client, bench, emulator)
    same(job.supervised_tuning_spec.hyper_parameters.epoch_count, 2)
    stats = job.tuning_data_stats.supervised_tuning_data_stats
    same(stats.tuning_dataset_example_count, 6)
    assert stats.user_input_token_distribution.mean > 0
    same(job.tuning_job_metadata.completed_epoch_count, 2)
    same([checkpoint.epoch for checkpoint in job.tuned_model.checkpoints], [1, 2])


@case("tunings.get/losses", on=(VERTEX,), settings=STANDING)
async def _(client, bench, emulator):
    job = await learnt(client, bench, emulator, output_uri="gs://halden-jobs/tuned")
    losses = [line["/train_total_loss"] for line in bench.get_lines(job.gcs_metrics_uri)]
    assert losses[-1] < losses[0], losses


@case("tunings.tune/used by a generation", on=(VERTEX,), settings=STANDING)
async def _(client, bench, emulator):
    job = await learnt(client, bench, emulator)
    for endpoint in (job.tuned_model.endpoint, job.tuned_model.checkpoints[0].endpoint):
        reply = client.models.generate_content(model=endpoint, contents=QUESTION)
        same((await result(reply)).text, "Walnut 4")
    stream = client.models.generate_content_stream(
        model=job.tuned_model.endpoint, contents=QUESTION
    )
    same("".join(chunk.text for chunk in await gather(stream)), "Walnut 4")
    counted = client.models.count_tokens(model=job.tuned_model.endpoint, contents="a b")
    same((await result(counted)).total_tokens, 2)


@case("tunings.tune/its model", on=(VERTEX,), settings=STANDING)
async def _(client, bench, emulator):
    job = await learnt(client, bench, emulator)
    name = job.tuned_model.model.split("@")[0]
    model = await result(client.models.get(model=name))
    same(model.tuned_model_info.base_model, MODEL)
    same((len(model.endpoints), model.default_checkpoint_id), (2, "2"))
    listed = await gather(client.models.list(config={"query_base": False}))
    among(name, [model.name for model in listed])
    config = {"default_checkpoint_id": "1"}
    model = await result(client.models.update(model=name, config=config))
    same(model.default_checkpoint_id, "1")
    await result(client.models.delete(model=name))
    with refuses(errors.ClientError, code=404):
        await result(client.models.get(model=name))


@case("tunings.tune/preferences of a tuned model", on=(VERTEX,), settings=STANDING)
async def _(client, bench, emulator):
    job = await learnt(client, bench, emulator)
    name = job.tuned_model.model.split("@")[0]
    more = taught(bench, "more.jsonl", 2)
    again = await tune(client, more, name, method="PREFERENCE_TUNING", beta=0.2)
    assert again.pre_tuned_model.tuned_model_name.startswith(name)
    again = await ended(client, emulator, again)
    same((again.has_succeeded, again.base_model), (True, MODEL))


@case("tunings.tune/bad address", on=(VERTEX,))
async def _(client):
    with refuses(errors.ClientError, "valid dataset URI", code=400):
        await tune(client, "somewhere")


DATA = {"missing": (None, "data.jsonl"), "bad": ([{"contents": []}], "line 1"), "empty": ([], "empty")}


@case("tunings.get/failed", on=(VERTEX,), settings=STANDING, rows=DATA)
async def _(client, bench, emulator, value):
    lines, why = value
    if lines is not None:
        bench.put_lines("data.jsonl", lines)
    job = await tune(client, "gs://halden-jobs/data.jsonl")
    job = await ended(client, emulator, job)
    same((job.state, job.has_succeeded), (STATE.JOB_STATE_FAILED, False))
    among(why, job.error.message)


@case("tunings.tune/distillation", on=(VERTEX,), settings=STANDING)
async def _(client, bench, emulator):
    config = {"method": "DISTILLATION", "base_teacher_model": "gemini-2.5-pro"}
    job = await ended(client, emulator, await tune(client, taught(bench), **config))
    same((job.has_succeeded, job.distillation_spec.base_teacher_model), (True, "gemini-2.5-pro"))


REWARD = types.SingleReinforcementTuningRewardConfig(
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


@case("tunings.tune/reinforcement", on=(VERTEX,), settings=STANDING)
async def _(client, bench, emulator):
    lines = [{"contents": [{"role": "user", "parts": [{"text": text}]}]} for text in ("a", "b")]
    prompts = bench.put_lines("prompts.jsonl", lines)
    config = {"method": "REINFORCEMENT_TUNING", "reward_config": REWARD, "epoch_count": 1}
    job = await ended(client, emulator, await tune(client, prompts, **config))
    same(job.has_succeeded, True)
    stats = job.tuning_data_stats.reinforcement_tuning_data_stats
    same(stats.tuning_dataset_example_count, 2)


@case("tunings.validate_reward/single", on=(VERTEX,), rows={"right": ("4", 1), "wrong": ("5", -1)})
async def _(client, value):
    answer, reward = value
    example = types.ReinforcementTuningExample(
        contents=[types.UserContent("2 + 2?")], references={"answer": "4"}
    )
    found = await result(
        client.tunings.validate_reward(
            parent=PARENT,
            sample_response=types.ModelContent(answer),
            example=example,
            single_reward_config=REWARD,
        )
    )
    same((found.overall_reward, found.reward_info_details["exact"].reward), (reward, reward))


@case("tunings.validate_reward/composite", on=(VERTEX,))
async def _(client):
    code = {
        "reward_name": "code",
        "code_execution_reward_scorer": {"python_code_snippet": "1"},
    }
    both = types.CompositeReinforcementTuningRewardConfig(
        weighted_reward_configs=[
            {"reward_config": REWARD, "weight": 0.5},
            {"reward_config": code, "weight": 0.5},
        ]
    )
    found = await result(
        client.tunings.validate_reward(
            parent=PARENT,
            sample_response=types.ModelContent("4"),
            example=types.ReinforcementTuningExample(references={"answer": "4"}),
            composite_reward_config=both,
        )
    )
    same(found.overall_reward, None)
    among("code", found.error)
    same(found.reward_info_details["code"].error_status.code, 12)


@case("tunings.get/developer", on=(MLDEV,), settings=STANDING)
async def _(client, bench, emulator):
    job = tuned(bench)
    found = await result(client.tunings.get(name=job.name))
    same(found.state, STATE.JOB_STATE_RUNNING)
    with refuses(errors.ClientError, "not succeeded", code=400):
        await result(client.models.generate_content(model=job.name, contents="x"))
    found = await ended(client, emulator, job)
    same((found.has_succeeded, found.tuned_model.model), (True, job.name))
    same(found.base_model, "models/" + MODEL)
    reply = client.models.generate_content(model=job.name, contents="what is the capital of Peru")
    same((await result(reply)).text, "Lima!")


@case("tunings.get/its model", on=(MLDEV,), settings=STANDING)
async def _(client, bench, emulator):
    name = (await ended(client, emulator, tuned(bench))).name
    listed = await gather(client.models.list(config={"query_base": False}))
    among(name, [model.name for model in listed])
    config = {"display_name": "towns", "description": "Capitals of the world"}
    model = await result(client.models.update(model=name, config=config))
    same((model.display_name, model.description), ("towns", "Capitals of the world"))
    same((await result(client.models.get(model=name))).display_name, "towns")
    await result(client.models.delete(model=name))
    with refuses(errors.ClientError, code=403):
        await result(client.models.get(model=name))


@case("tunings.get/unknown", on=BOTH)
async def _(client, bench):
    name = f"{PARENT}/tuningJobs/1" if bench.is_vertex else "tunedModels/none"
    with refuses(errors.ClientError, code=404 if bench.is_vertex else 403):
        await result(client.tunings.get(name=name))


@case("tunings.cancel/while it runs", on=BOTH, settings=STANDING)
async def _(client, bench):
    job = await tune(client, taught(bench), epoch_count=90) if bench.is_vertex else tuned(bench, epochs=90)
    await result(client.tunings.cancel(name=job.name))
    job = await result(client.tunings.get(name=job.name))
    same((job.has_ended, job.has_succeeded), (True, False))


@case("tunings.cancel/unknown", on=BOTH)
async def _(client, bench):
    name = f"{PARENT}/tuningJobs/1" if bench.is_vertex else "tunedModels/none"
    with refuses(errors.ClientError, code=404 if bench.is_vertex else 403):
        await result(client.tunings.cancel(name=name))


@case("tunings.list/page size", on=(VERTEX,), settings=STANDING, rows={"1": 1, "2": 2, "9": 9})
async def _(client, bench, value):
    uri = taught(bench)
    made = [(await tune(client, uri)).name for _ in range(3)]
    pager = await result(client.tunings.list(config={"page_size": value}))
    same(len(pager.page), min(value, 3))
    same(sorted(job.name for job in await gather(pager)), sorted(made))


@case("tunings.list/filter", on=(VERTEX,), settings=STANDING)
async def _(client, bench):
    uri = taught(bench)
    for name in ("words", "numbers"):
        await tune(client, uri, tuned_model_display_name=name)
    config = {"filter": 'tuned_model_display_name="words"'}
    [job] = await gather(client.tunings.list(config=config))
    same(job.tuned_model_display_name, "words")
