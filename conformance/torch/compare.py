#!/usr/bin/env python3
"""Trains the emulator's transformer and the same model in PyTorch side by side.

    pip install torch==2.* tinker==0.38.0 safetensors numpy
    gimmal emulator --port 8080 &
    TINKER_BASE_URL=http://127.0.0.1:8080 TINKER_API_KEY=tml-any python conformance/torch/compare.py

For each loss: 50 steps of AdamW with clipping and decay on the same data, the server driven by the
official SDK. The losses and the norms of the gradients must agree to 1e-4, relative where above 1. The
learning rate is one that does not carry off the losses without a lower bound, whose last digits then
say nothing.
"""

import json
import os
import sys
import urllib.request

import numpy as np
import tinker
import torch
from safetensors.torch import load as load_safetensors

from model import Model, loss_of

MODEL = "gimmal/tiny"
STEPS = 50
TOLERANCE = 1e-4
RATE, DECAY, CLIP = 1e-4, 0.01, 50.0
LOSSES = {
    "cross_entropy": {},
    "importance_sampling": {},
    "ppo": {"clip_low_threshold": 0.9, "clip_high_threshold": 1.3},
    "cispo": {"clip_high_threshold": 2.0},
    "dro": {"beta": 0.1},
}


def fetch(url):
    with urllib.request.urlopen(url) as reply:
        return reply.read()


def base_model(address):
    at = f"{address.rstrip('/')}/{MODEL}/resolve/main/"
    return json.loads(fetch(at + "config.json")), load_safetensors(fetch(at + "model.safetensors"))


def adapter_of(client, name):
    """The adapter of a client in training, by way of its files."""
    client.save_weights_external(name).result()
    urls = tinker.RestClient().get_external_weights_urls(
        f"tinker://{client.model_id}/external_weights/{name}"
    )
    urls = urls.result().urls
    return (
        json.loads(fetch(urls["adapter_config.json"])),
        load_safetensors(fetch(urls["adapter_model.safetensors"])),
    )


def data(model, generator):
    """Eight texts of 32 random bytes, with what every loss may ask for."""
    tokens = torch.randint(0, 256, (8, 33), generator=generator)
    x, y = tokens[:, :-1], tokens[:, 1:]
    with torch.no_grad():
        sampled = model.logprobs(x, y) + 0.3 * torch.randn(8, 32, generator=generator)
    return x, y, {
        "weights": torch.rand(8, 32, generator=generator),
        "advantages": torch.randn(8, 32, generator=generator),
        "logprobs": sampled,
    }


def datums(x, y, inputs, names):
    for row in range(len(x)):
        tensors = {"target_tokens": y[row].numpy()}
        tensors |= {name: inputs[name][row].numpy() for name in names}
        yield tinker.Datum(
            model_input=tinker.ModelInput.from_ints(x[row].tolist()),
            loss_fn_inputs={k: tinker.TensorData.from_numpy(v) for k, v in tensors.items()},
        )


def off(ours, theirs):
    return abs(ours - theirs) / max(1.0, abs(theirs))


def compare(service, config, base, name, settings):
    client = service.create_lora_training_client(MODEL, rank=8, seed=1).result()
    model = Model.from_files(config, base, *adapter_of(client, "start"))
    x, y, inputs = data(model, torch.Generator().manual_seed(5))
    wanted = ["weights"] if name == "cross_entropy" else ["advantages", "logprobs"]
    batch = list(datums(x, y, inputs, wanted))
    adam = torch.optim.AdamW(
        model.parameters(), lr=RATE, betas=(0.9, 0.95), eps=1e-8, weight_decay=DECAY
    )
    params = tinker.AdamParams(
        learning_rate=RATE, beta1=0.9, beta2=0.95, eps=1e-8, weight_decay=DECAY,
        grad_clip_norm=CLIP,
    )
    worst = {"loss": 0.0, "norm": 0.0, "logprob": 0.0}
    first = last = None
    for _ in range(STEPS):
        passed = client.forward_backward(batch, name, settings or None)
        stepped = client.optim_step(params)
        logprobs = model.logprobs(x, y)
        loss = loss_of(name, settings, logprobs, inputs)
        adam.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP).item()
        adam.step()
        passed, stepped = passed.result(), stepped.result()
        theirs = np.stack([o["logprobs"].to_numpy() for o in passed.loss_fn_outputs])
        worst["loss"] = max(worst["loss"], off(passed.metrics["loss:sum"], loss.item()))
        worst["norm"] = max(worst["norm"], off(stepped.metrics["unclipped_grad_l2:mean"], norm))
        gap = np.abs(theirs - logprobs.detach().numpy()).max()
        worst["logprob"] = max(worst["logprob"], float(gap))
        first, last = first if first is not None else loss.item(), loss.item()
    print(f"{name:20} {first:10.3f} → {last:10.3f}  " + "  ".join(
        f"{key} off by {value:.1e}" for key, value in worst.items()
    ), flush=True)
    return max(worst["loss"], worst["norm"]) <= TOLERANCE


def main():
    torch.manual_seed(0)
    service = tinker.ServiceClient()
    config, base = base_model(os.environ["TINKER_BASE_URL"])
    agreed = [compare(service, config, base, *loss) for loss in LOSSES.items()]
    sys.exit(0 if all(agreed) else 1)


if __name__ == "__main__":
    main()
