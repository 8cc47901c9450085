"""Drawing from models, and the ways to wait for it."""

import asyncio

import numpy
import tinker
from bench import BASE, BOTH, END, greedy, prompt
from harness import case, refuses, same
from tinker import types


@case("sampling.sample/what_was_taught", on=BOTH)
def _(bench):
    sampler = bench.taught().save_weights_and_get_sampling_client()
    drawn = sampler.sample(prompt(11, 12), 2, greedy()).result()
    same([list(s.tokens) for s in drawn.sequences], [[13, 1001, END]] * 2)
    same({s.stop_reason for s in drawn.sequences}, {"stop"})
    same(len({s.sequence_id for s in drawn.sequences}), 2)


@case("sampling.sample/inflight", on=BOTH)
def _(bench):
    client = bench.train()
    sampler = client.save_weights_and_get_sampling_client(kind="inflight")
    sampler.sample(prompt(11, 12), 1, greedy(2)).result()


def _base(bench):
    return bench.service.create_sampling_client(base_model=BASE).result()


@case("sampling.sample/a_seed_decides", on=BOTH)
def _(bench):
    sampler = _base(bench)

    def draw(seed):
        params = types.SamplingParams(max_tokens=6, seed=seed)
        return list(sampler.sample(prompt(1), 1, params).result().sequences[0].tokens)

    same(draw(5), draw(5))
    assert draw(5) != draw(6)


STOPS = {"tokens": [13], "none": [], "text": "zz"}


@case("sampling.sample/stop", on=BOTH, rows=STOPS)
def _(bench, value):
    sampler = bench.taught().save_weights_and_get_sampling_client()
    params = types.SamplingParams(max_tokens=5, temperature=0.0, stop=value)
    sequence = sampler.sample(prompt(11, 12), 1, params).result().sequences[0]
    if value == [13]:
        same((list(sequence.tokens), sequence.stop_reason), ([13], "stop"))
    else:
        same((len(sequence.tokens), sequence.stop_reason), (5, "length"))


@case("sampling.sample/logprobs", on=BOTH)
def _(bench):
    sampler = bench.taught().save_weights_and_get_sampling_client()
    targets = types.TensorData.from_numpy(numpy.array([[12, -1], [13, 12]], dtype=numpy.int64))
    drawn = sampler.sample(
        prompt(11, 12, 13), 1, greedy(2), include_prompt_logprobs=True,
        topk_prompt_logprobs=2, topk_sample_logprobs=2, target_prompt_logprobs=targets,
        prompt_alt_tokens_k=2,
    ).result()
    same(drawn.prompt_logprobs[0], None)
    assert drawn.prompt_logprobs[1] < 0
    same(drawn.topk_prompt_logprobs[0], None)
    same(drawn.topk_prompt_logprobs[1][0][0], 12)
    same(drawn.sequences[0].topk_logprobs[0][0][0], 1001)
    scored = drawn.target_prompt_logprobs.to_numpy()
    same((scored.shape, float(scored[0, 1])), ((2, 2), 0.0))
    same(drawn.prompt_alt_tokens.tokens.to_numpy().shape, (2, 2))


@case("sampling.compute_logprobs/all_and_the_last", on=BOTH)
def _(bench):
    sampler = _base(bench)
    logprobs = sampler.compute_logprobs(prompt(1, 2, 3)).result()
    same((len(logprobs), logprobs[0]), (3, None))
    last = sampler.compute_logprobs(prompt(1, 2, 3), prompt_logprobs_last_n=1).result()
    same([lp is None for lp in last], [True, True, False])


@case("sampling.sample/refused", on=BOTH)
def _(bench):
    with refuses(tinker.RequestFailedError, "vocabulary"):
        _base(bench).sample(prompt(9_999_999), 1, greedy()).result()


POLLER = {"tinker": {"config": {"sample_use_retrieve_futures": True}}}


@case("sampling.poller/many_at_once", on=BOTH, settings=POLLER)
def _(bench, emulator):
    sampler = _base(bench)
    futures = [sampler.sample(prompt(n + 1), 1, greedy(2)) for n in range(50)]
    for future in futures:
        same(len(future.result().sequences), 1)
    polls = emulator.requests("/retrieve_futures")
    assert polls, "the poller was not used"
    cursors = [poll["body"]["prev_cursor"] for poll in polls]
    same(cursors, sorted(cursors))


JOINING = {"tinker": {"config": {
    "sample_use_retrieve_futures": True, "sample_join_sampling_session": True,
}}}


@case("sampling.from_sampler_handle/a_clone", on=BOTH, settings=JOINING)
def _(bench, emulator):
    handle = _base(bench).get_sampler_handle()
    clone = tinker.SamplingClient.from_sampler_handle(handle, api_key="tml-conformance")
    clone.sample(prompt(1), 1, greedy(2)).result()
    same(emulator.last("/asample")["body"]["seq_id"], 1_000_000_000)


@case("sampling.backpressure/the_same_number_again", on=BOTH)
def _(bench, emulator):
    sampler = _base(bench)
    emulator.script(path="/asample", status=429, json={"detail": "later"})
    sampler.sample(prompt(1), 1, greedy(2)).result()
    same([r["body"]["seq_id"] for r in emulator.requests("/asample")], [0, 0])


@case("sampling.broken_promise/another_number", on=BOTH)
def _(bench, emulator):
    sampler = _base(bench)
    emulator.script(path="/retrieve_future", status=410, json={"detail": "gone"})
    sampler.sample(prompt(1), 1, greedy(2)).result()
    same([r["body"]["seq_id"] for r in emulator.requests("/asample")], [0, 1])


CANCELLING = {"tinker": {"dynamic_config": {"sample_cancel_enabled": True}}}


@case("sampling.cancel/is_told", on=BOTH, settings=CANCELLING, forms=("async",))
async def _(bench, emulator):
    sampler = _base(bench)
    emulator.order("hold", state="paused_rate_limit", reason="too much")
    future = sampler.sample(prompt(1), 1, greedy(2))

    with refuses(TimeoutError):
        await future.result_async(timeout=0.5)
    for _ in range(100):
        if emulator.requests("/cancel_future"):
            break
        await asyncio.sleep(0.05)
    same(emulator.last("/cancel_future")["status"], 200)


@case("sampling.async/sample_and_logprobs", on=BOTH, forms=("async",))
async def _(bench):
    sampler = await bench.service.create_sampling_client_async(base_model=BASE)
    drawn = await sampler.sample_async(prompt(1), 1, greedy(2))
    logprobs = await sampler.compute_logprobs_async(prompt(1, 2))
    same((len(drawn.sequences), len(logprobs)), (1, 2))


@case("sampling.get_base_model/name", on=BOTH)
def _(bench):
    same(_base(bench).get_base_model(), BASE)
