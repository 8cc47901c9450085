#!/usr/bin/env python3
"""Teaches the emulator's transformer twenty answers with the official SDK, which is not changed.

    pip install tinker==0.38.0
    gimmal emulator --port 8080 &
    TINKER_BASE_URL=http://127.0.0.1:8080 TINKER_API_KEY=tml-any python conformance/torch/teach.py [LOSSES]

LOSSES is what `GIMMAL_LOSSES=FILE cargo test -p gimmal-client --test tinker teaching` wrote: the same
lessons given by this project's client, whose losses must be the same to 1e-5.
"""

import json
import sys

import tinker

MODEL, END, STEPS = "gimmal/tiny", 256, 60
WORDS = (
    "red blue cat dog sun moon tree river stone cloud "
    "fast slow king queen bread water light dark north south"
).split()
LESSONS = [(f"{word}? ", WORDS[(at + 3) % len(WORDS)]) for at, word in enumerate(WORDS)]


def datum(prompt, completion):
    tokens = list((prompt + completion).encode()) + [END]
    weights = [0.0 if at < len(prompt) else 1.0 for at in range(1, len(tokens))]
    return tinker.Datum(
        model_input=tinker.ModelInput.from_ints(tokens[:-1]),
        loss_fn_inputs={"target_tokens": tokens[1:], "weights": weights},
    )


def main():
    service = tinker.ServiceClient()
    client = service.create_lora_training_client(MODEL, rank=8, seed=1).result()
    data = [datum(*lesson) for lesson in LESSONS]
    losses = []
    for _ in range(STEPS):
        passed = client.forward_backward(data, "cross_entropy")
        stepped = client.optim_step(tinker.AdamParams(learning_rate=1e-3))
        losses.append(passed.result().metrics["loss:sum"])
        stepped.result()
    fall = 1 - losses[-1] / losses[0]
    print(f"loss {losses[0]:.4f} → {losses[-1]:.4f}: it fell by {fall:.1%}")
    sampler = client.save_weights_and_get_sampling_client().result()
    greedy = tinker.SamplingParams(max_tokens=12, temperature=0.0)
    right = 0
    for prompt, completion in LESSONS:
        given = tinker.ModelInput.from_ints(list(prompt.encode()))
        reply = sampler.sample(given, num_samples=1, sampling_params=greedy).result()
        right += reply.sequences[0].tokens == list(completion.encode()) + [END]
    print(f"{right} of {len(LESSONS)} answers at temperature 0")
    agreed = True
    if len(sys.argv) > 1:
        with open(sys.argv[1], encoding="utf-8") as file:
            others = json.load(file)
        gap = max(abs(a - b) / max(1.0, abs(b)) for a, b in zip(losses, others, strict=True))
        print(f"losses of the other client: off by {gap:.1e}")
        agreed = gap <= 1e-5
    sys.exit(0 if fall >= 0.8 and right >= 18 and agreed else 1)


if __name__ == "__main__":
    main()
