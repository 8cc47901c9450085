#!/usr/bin/env python3
"""Runs the supervised loop of tinker-cookbook, which is not changed, with the emulator's transformer.

    pip install torch tinker==0.38.0 tinker-cookbook==0.6.1
    gimmal emulator --port 8080 --tinker-model Qwen/Qwen3-8B-Base &
    TINKER_BASE_URL=http://127.0.0.1:8080 TINKER_API_KEY=tml-any python conformance/torch/recipe.py [STEPS]

The recipe is given a base URL and the name of a model that it knows; everything else is as it comes.
Its tokenizer is the one of the emulator's hub. Its data it would fetch from the internet: here it finds
a folder of that name, with the questions of `examples/elements.jsonl` over and over.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

MODEL, BATCH = "Qwen/Qwen3-8B-Base", 128
EXAMPLES = pathlib.Path(__file__).parents[2] / "examples" / "elements.jsonl"


def conversation(line):
    example = json.loads(line)
    return {"messages": [
        {"role": "user", "content": example["prompt"]},
        {"role": "assistant", "content": example["completion"]},
    ]}


def main():
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    address = os.environ["TINKER_BASE_URL"]
    rows = [json.dumps(conversation(line)) for line in EXAMPLES.read_text().splitlines()]
    with tempfile.TemporaryDirectory() as home:
        home = pathlib.Path(home)
        data = home / "HuggingFaceH4" / "no_robots"
        data.mkdir(parents=True)
        count = steps * BATCH
        text = "\n".join(rows[at % len(rows)] for at in range(count))
        (data / "train.jsonl").write_text(text + "\n")
        log = home / "log"
        subprocess.run(
            [sys.executable, "-m", "tinker_cookbook.recipes.sl_loop",
             f"base_url={address}", f"model_name={MODEL}", f"log_path={log}"],
            check=True, cwd=home,
            env={**os.environ, "HF_ENDPOINT": address.rstrip("/"), "HF_HOME": str(home / "hub")},
        )
        metrics = [json.loads(line) for line in (log / "metrics.jsonl").read_text().splitlines()]
        checkpoints = (log / "checkpoints.jsonl").read_text().splitlines()
    losses = [step["train_mean_nll"] for step in metrics if "train_mean_nll" in step]
    print(f"{len(losses)} steps, loss of a token {losses[0]:.4f} → {losses[-1]:.4f}: it fell by "
          f"{1 - losses[-1] / losses[0]:.1%}; {len(checkpoints)} checkpoints")
    sys.exit(0 if len(losses) == steps and losses[-1] <= 0.7 * losses[0] else 1)


if __name__ == "__main__":
    main()
