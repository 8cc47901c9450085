#!/usr/bin/env python3
"""Opens the emulator's base model with transformers and an adapter of it with PEFT.

    pip install torch transformers peft tinker==0.38.0 safetensors
    gimmal emulator --port 8080 &
    TINKER_BASE_URL=http://127.0.0.1:8080 TINKER_API_KEY=tml-any python conformance/torch/peft_opens.py

The files come from the emulator: those of the base model from its hub, those of the adapter from
`save_weights_external`. The logprobs of both sides must agree to 1e-4.
"""

import os
import pathlib
import sys
import tempfile
import urllib.request

import tinker
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

MODEL = "gimmal/tiny"
TEXT = "The quick brown fox jumps over the lazy dog — or so they say."


def keep(folder, name, url):
    with urllib.request.urlopen(url) as reply:
        (folder / name).write_bytes(reply.read())


def main():
    address = os.environ["TINKER_BASE_URL"].rstrip("/")
    service = tinker.ServiceClient()
    client = service.create_lora_training_client(MODEL, rank=4, seed=3).result()
    with tempfile.TemporaryDirectory() as home:
        base, adapter = pathlib.Path(home, "base"), pathlib.Path(home, "adapter")
        base.mkdir(), adapter.mkdir()
        for name in ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"):
            keep(base, name, f"{address}/{MODEL}/resolve/main/{name}")
        tokenizer = AutoTokenizer.from_pretrained(base)
        tokens = tokenizer.encode(TEXT)
        assert tokens == list(TEXT.encode()) and tokenizer.decode(tokens) == TEXT
        datum = tinker.Datum(
            model_input=tinker.ModelInput.from_ints(tokens[:-1]),
            loss_fn_inputs={"target_tokens": tokens[1:], "weights": [1.0] * (len(tokens) - 1)},
        )
        for _ in range(5):
            client.forward_backward([datum], "cross_entropy")
            client.optim_step(tinker.AdamParams(learning_rate=1e-3))
        passed = client.forward([datum], "cross_entropy").result()
        client.save_weights_external("peft").result()
        urls = tinker.RestClient().get_external_weights_urls(
            f"tinker://{client.model_id}/external_weights/peft"
        )
        for name, url in urls.result().urls.items():
            keep(adapter, name, url)
        model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), adapter)
        with torch.no_grad():
            logits = model(torch.tensor([tokens[:-1]])).logits[0]
        every = torch.log_softmax(logits, -1)
        theirs = every[torch.arange(len(tokens) - 1), torch.tensor(tokens[1:])].numpy()
    gap = abs(passed.loss_fn_outputs[0]["logprobs"].to_numpy() - theirs).max()
    print(f"logprobs of {len(theirs)} tokens: off by {gap:.1e}")
    sys.exit(0 if gap <= 1e-4 else 1)


if __name__ == "__main__":
    main()
