"""The official Python SDK as one side of the comparison: what encoding a pass and decoding its result
cost. Prints the seconds on the processor and the bytes at the peak of both.

Arguments: DATUMS TOKENS ROUNDS
"""

import resource
import statistics
import sys
import time

import numpy
from tinker import types
from tinker.proto import tinker_public_pb2 as messages
from tinker.proto.request_conv import forward_backward_request_to_proto
from tinker.proto.response_conv import deserialize_forward_backward_output

DATUMS, TOKENS, ROUNDS = map(int, sys.argv[1:])


def request():
    """As large as that of the other side; tensors are arrays, which the SDK is quickest with."""
    floats = numpy.arange(TOKENS, dtype=numpy.float32)
    inputs = {
        "target_tokens": numpy.arange(TOKENS, dtype=numpy.int64),
        "weights": floats, "advantages": floats,
    }
    tokens = types.ModelInput.from_ints(list(range(TOKENS)))
    datum = types.Datum(model_input=tokens, loss_fn_inputs=inputs)
    return types.ForwardBackwardRequest(
        model_id="m", seq_id=1,
        forward_backward_input=types.ForwardBackwardInput(data=[datum] * DATUMS, loss_fn="ppo"),
    )


def result():
    """A log-probability per token."""
    row = numpy.arange(TOKENS, dtype="<f4").tobytes()
    offsets = numpy.arange(DATUMS + 1, dtype="<i8") * len(row)
    output = messages.ForwardBackwardOutput(loss_fn_output_type="ArrayRecord")
    record = output.loss_fn_outputs.add(num_datums=DATUMS)
    field = record.fields["logprobs"]
    field.data, field.offsets, field.dtype = row * DATUMS, offsets.tobytes(), 1
    return output.SerializeToString()


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measure(work):
    """The middle of the seconds, and how much the first round added to the peak."""
    before = peak()
    work()
    added = peak() - before
    seconds = []
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    return statistics.median(seconds), added


asked, answered = request(), result()
print(*measure(lambda: forward_backward_request_to_proto(asked).SerializeToString()))
print(*measure(lambda: deserialize_forward_backward_output(answered)))
