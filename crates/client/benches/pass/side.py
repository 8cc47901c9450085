"""The official Python SDK as one side of the comparison: what a pass costs it. Prints the seconds on
the processor and the bytes at the peak.

Arguments: URL DATUMS TOKENS ROUNDS
"""

import os
import resource
import statistics
import sys
import time

import numpy

os.environ["TINKER_TELEMETRY"] = "0"

import tinker
from tinker import types

URL = sys.argv[1]
DATUMS, TOKENS, ROUNDS = map(int, sys.argv[2:])


def data():
    """As large as that of the other side; tensors are arrays, which the SDK is quickest with."""
    floats = numpy.arange(TOKENS, dtype=numpy.float32)
    inputs = {
        "target_tokens": numpy.arange(TOKENS, dtype=numpy.int64),
        "weights": floats, "advantages": floats,
    }
    tokens = types.ModelInput.from_ints(list(range(TOKENS)))
    return [types.Datum(model_input=tokens, loss_fn_inputs=inputs)] * DATUMS


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


service = tinker.ServiceClient(base_url=URL, api_key="tml-bench")
client = service.create_lora_training_client(base_model="base")
given = data()
before = peak()
seconds = []
for _ in range(ROUNDS):
    start = time.process_time()
    client.forward_backward(given, "ppo").result()
    seconds.append(time.process_time() - start)
print(statistics.median(seconds), peak() - before, flush=True)
os._exit(0)
