#!/usr/bin/env python3
"""Steps per second of the emulator's transformer and of the same model in PyTorch, turn by turn.

    pip install torch numpy
    cargo test --release -p gimmal-emulator --features transformer --lib --no-run
    python conformance/torch/speed.py target/release/deps/gimmal_emulator-…

A step is a forward and a backward pass over eight texts of 128 tokens and AdamW on adapters of rank
32, with as many threads as there are processors on both sides.
"""

import math
import statistics
import subprocess
import sys
import time

import torch

from model import Model, loss_of

WIDTH, INNER, LAYERS, HEADS, VOCABULARY, RANK = 64, 192, 3, 4, 257, 32
TEST = "tinker::engine::transformer::tests::speed_of_a_step"


def drawn():
    """A model of the same shape; the numbers themselves do not matter to speed."""
    matrix = lambda rows, columns: torch.randn(rows, columns) / math.sqrt(columns)
    modules = {"lm_head": (VOCABULARY, WIDTH)}
    for layer in range(LAYERS):
        at = f"model.layers.{layer}"
        modules |= {f"{at}.self_attn.{p}_proj": (WIDTH, WIDTH) for p in "qkvo"}
        modules |= {f"{at}.mlp.{p}_proj": (INNER, WIDTH) for p in ("gate", "up")}
        modules[f"{at}.mlp.down_proj"] = (WIDTH, INNER)
    base = {f"{name}.weight": matrix(*dims) for name, dims in modules.items()}
    base["model.embed_tokens.weight"] = torch.randn(VOCABULARY, WIDTH)
    adapters = {
        name: (matrix(RANK, columns).requires_grad_(), torch.zeros(rows, RANK).requires_grad_(), 1.0)
        for name, (rows, columns) in modules.items()
    }
    config = {
        "num_attention_heads": HEADS, "num_hidden_layers": LAYERS, "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
    }
    return Model(config, base, adapters)


def torch_steps(model, adam, count=40):
    tokens = torch.randint(0, 256, (8, 129))
    x, y = tokens[:, :-1], tokens[:, 1:]
    weights = {"weights": torch.ones(8, 128)}
    times = []
    for _ in range(count):
        start = time.perf_counter()
        loss = loss_of("cross_entropy", {}, model.logprobs(x, y), weights)
        adam.zero_grad()
        loss.backward()
        adam.step()
        times.append((time.perf_counter() - start) * 1e3)
    return statistics.median(times)


def our_steps(binary):
    done = subprocess.run(
        [binary, "--exact", TEST, "--ignored", "--nocapture"],
        capture_output=True, check=True, text=True,
    )
    line = next(l for l in done.stderr.splitlines() if l.startswith("step_ms"))
    return float(line.split()[1])


def main():
    model = drawn()
    adam = torch.optim.AdamW(model.parameters(), lr=1e-4)
    ours, theirs = [], []
    for turn in range(3):
        theirs.append(torch_steps(model, adam))
        ours.append(our_steps(sys.argv[1]))
        print(f"turn {turn}: PyTorch {theirs[-1]:.2f} ms, emulator {ours[-1]:.2f} ms", flush=True)
    ours, theirs = statistics.median(ours), statistics.median(theirs)
    print(f"steps per second: emulator {1e3 / ours:.1f}, PyTorch {1e3 / theirs:.1f}, "
          f"ratio {theirs / ours:.2f}")
    sys.exit(0 if ours <= theirs else 1)


if __name__ == "__main__":
    main()
