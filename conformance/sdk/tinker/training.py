"""Passes, steps and the order of both."""

import numpy
import tinker
from bench import ADAM, BASE, BOTH, datum, examples, texts
from harness import among, case, refuses, same
from tinker import types


@case("training.forward_backward/the_loss_falls", on=BOTH)
def _(bench):
    client = bench.train()
    losses = []
    for _ in range(60):
        passed = client.forward_backward(examples(20), "cross_entropy")
        step = client.optim_step(ADAM)
        losses.append(passed.result().metrics["loss:sum"])
        step.result()
    assert losses[-1] < 0.2 * losses[0], f"{losses[0]} became {losses[-1]}"


@case("training.forward_backward/logprobs_make_the_loss", on=BOTH)
def _(bench):
    result = bench.train().forward_backward(examples(), "cross_entropy").result()
    same(len(result.loss_fn_outputs), 6)
    logprobs = [output["logprobs"].to_numpy() for output in result.loss_fn_outputs]
    same({array.shape for array in logprobs}, {(4,)})
    total = -float(sum(array.sum(dtype=numpy.float64) for array in logprobs))
    assert abs(total - result.metrics["loss:sum"]) < 1e-3


@case("training.forward_backward/ragged", on=BOTH)
def _(bench):
    data = [datum(text[:length]) for text, length in zip(texts(), (2, 5, 3))]
    result = bench.train().forward_backward(data, "cross_entropy").result()
    shapes = [output["logprobs"].to_numpy().shape for output in result.loss_fn_outputs]
    same(shapes, [(1,), (4,), (2,)])


@case("training.forward_backward/several_targets", on=BOTH)
def _(bench):
    targets = numpy.array([[2, 3], [4, 5]], dtype=numpy.int64)
    weights = numpy.array([[0.5, 0.5], [1.0, 0.0]], dtype=numpy.float32)
    one = types.Datum(
        model_input=types.ModelInput.from_ints([1, 2]),
        loss_fn_inputs={"target_tokens": targets, "weights": weights},
    )
    result = bench.train().forward_backward([one], "cross_entropy").result()
    same(result.loss_fn_outputs[0]["logprobs"].to_numpy().shape, (2, 2))


LOSSES = {
    "cross_entropy": None,
    "importance_sampling": None,
    "ppo": {"clip_low_threshold": 0.9, "clip_high_threshold": 1.1},
    "cispo": {"clip_low_threshold": 0.9, "clip_high_threshold": 1.1},
    "dro": {"beta": 0.1},
    "gspo": None,
    "stable_reinforce": None,
}


@case("training.forward_backward/losses", on=BOTH, rows={name: name for name in LOSSES})
def _(bench, value):
    inputs = {} if value == "cross_entropy" else {
        "logprobs": [-1.0] * 4, "advantages": [1.0, -1.0, 0.5, 0.0],
    }
    data = [datum(text, **inputs) for text in texts()]
    client = bench.train()
    result = client.forward_backward(data, value, loss_fn_config=LOSSES[value]).result()
    among("loss:sum", result.metrics)
    client.optim_step(ADAM).result()


@case("training.forward_backward/unknown_setting", on=BOTH)
def _(bench):
    with refuses(tinker.RequestFailedError, "colour"):
        bench.train().forward_backward(
            examples(), "cross_entropy", loss_fn_config={"colour": 1.0}
        ).result()


@case("training.forward_backward/missing_input", on=BOTH)
def _(bench):
    with refuses(tinker.RequestFailedError, "advantages"):
        bench.train().forward_backward(examples(), "ppo").result()


@case("training.forward_backward/foreign_token", on=BOTH)
def _(bench):
    with refuses(tinker.RequestFailedError, "vocabulary"):
        bench.train().forward_backward([datum([1, 999_999_9])], "cross_entropy").result()


@case("training.forward_backward/goes_on_after_an_error", on=BOTH)
def _(bench):
    client = bench.train()
    bad = client.forward_backward([datum([1, 999_999_9])], "cross_entropy")
    good = client.forward_backward(examples(), "cross_entropy")
    with refuses(tinker.RequestFailedError):
        bad.result()
    good.result()


CHUNKS = {"tinker": {"config": {"fwdbwd_max_chunk_len": 2}}}


@case("training.forward_backward/chunks", on=BOTH, settings=CHUNKS)
def _(bench, emulator):
    client = bench.train()
    result = client.forward_backward(examples(5), "cross_entropy").result()
    client.optim_step(ADAM).result()
    same(len(result.loss_fn_outputs), 5)
    numbers = [r["body"]["seq_id"] for r in emulator.requests("/forward_backward")]
    same((sorted(numbers), numbers[-1]), ([1, 2, 3], 1))
    applied = [(a["call"], a["seq_id"]) for a in emulator.order("applied")["applied"]]
    passes = [("forward_backward", n) for n in (1, 2, 3)]
    same(applied, [("create_model", 0), *passes, ("optim_step", 4)])


@case("training.forward_backward/zstd",
      on=BOTH, settings={"tinker": {"config": {"proto_compress_fwdbwd": True}}})
def _(bench, emulator):
    bench.train().forward_backward(examples(), "cross_entropy").result()
    same(emulator.last("/forward_backward")["headers"]["content-encoding"], "zstd")


@case("training.forward_backward/spans", on=BOTH)
def _(bench):
    whole = [types.PromptProvenanceSpan(sequence_id="s", offset=0, length=4)]
    one = datum(texts()[0]).with_provenance(model_input=whole, loss_fn_inputs=whole)
    bench.train().forward_backward([one], "cross_entropy").result()


@case("training.forward/leaves_no_gradient", on=BOTH)
def _(bench, emulator):
    client = bench.train()
    before = client.forward(examples(), "cross_entropy").result().metrics["loss:sum"]
    client.optim_step(ADAM).result()
    after = client.forward(examples(), "cross_entropy").result().metrics["loss:sum"]
    same(after, before)
    same(emulator.last("/forward_backward")["body"]["forward_only"], True)


@case("training.async/double_await", on=BOTH, forms=("async",))
async def _(bench):
    client = await bench.service.create_lora_training_client_async(base_model=BASE, rank=8)
    passed = await client.forward_backward_async(examples(), "cross_entropy")
    step = await client.optim_step_async(ADAM)
    among("loss:sum", (await passed).metrics)
    await step


RETRIES = {
    "unavailable": {"kind": "unavailable"},
    "reset": {"kind": "reset"},
    "repeat": {"kind": "repeat"},
}


@case("training.retries/each_request_is_applied_once", on=BOTH, rows=RETRIES)
def _(bench, emulator, value):
    client = bench.train()
    for path in ("/forward_backward", "/optim_step", "/retrieve_future"):
        emulator.fault(path=path, every=2, at_most=3, **value)
    for _ in range(4):
        passed = client.forward_backward(examples(), "cross_entropy")
        step = client.optim_step(ADAM)
        passed.result(), step.result()
    same([a["seq_id"] for a in emulator.order("applied")["applied"]], list(range(9)))


@case("training.polls/told_to_try_again",
      on=BOTH, settings={"tinker": {"hold_seconds": 0.2}})
def _(bench, emulator):
    client = bench.train()
    emulator.order("hold", state="paused_capacity", reason="the machines are full")
    passed = client.forward_backward(examples(), "cross_entropy")
    while not [r for r in emulator.requests("/retrieve_future") if r["status"] == 408]:
        pass
    emulator.order("hold", state="active")
    passed.result()


@case("training.polls/large_results_are_announced",
      on=BOTH, settings={"tinker": {"announced_over": 10}})
def _(bench, emulator):
    bench.train().forward_backward(examples(), "cross_entropy").result()
    allowed = [r["body"]["allow_metadata_only"] for r in emulator.requests("/retrieve_future")]
    among(False, allowed)
