"""The transformer of the emulator, written plainly in PyTorch: Llama's layers under LoRA adapters.

It reads the files that the emulator serves and shares no code with it.
"""


import torch
import torch.nn.functional as F


def rms_norm(x, epsilon):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + epsilon)


def rotate(x, theta):
    """Turns each head's row by its position; the halves of a row are the parts of its pairs."""
    half = x.shape[-1] // 2
    steps = theta ** (-torch.arange(half, dtype=torch.float64) / half)
    angles = torch.arange(x.shape[-2], dtype=torch.float64)[:, None] * steps
    cos, sin = angles.cos().float(), angles.sin().float()
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


class Model:
    """Base weights by name, adapters as `{module: (A, B, scale)}`."""

    def __init__(self, config, base, adapters):
        self.config, self.base, self.adapters = config, base, adapters

    @classmethod
    def from_files(cls, config, base, adapter_config, adapter):
        adapters = {}
        for name, value in adapter.items():
            module, part = name.removeprefix("base_model.model.").rsplit(".lora_", 1)
            pair = adapters.setdefault(module, {})
            pair[part[0]] = value.clone().requires_grad_()
        rank = adapter_config["r"]
        alphas = adapter_config["alpha_pattern"]
        scale = lambda module: alphas.get(module, adapter_config["lora_alpha"]) / rank
        adapters = {m: (p["A"], p["B"], scale(m)) for m, p in adapters.items()}
        return cls(config, base, adapters)

    def parameters(self):
        return [matrix for a, b, _ in self.adapters.values() for matrix in (a, b)]

    def linear(self, module, x):
        y = x @ self.base[module + ".weight"].T
        if module in self.adapters:
            a, b, scale = self.adapters[module]
            y = y + scale * ((x @ a.T) @ b.T)
        return y

    def logits(self, tokens):
        """Of texts of one length, `[texts, length]`."""
        config = self.config
        texts, length = tokens.shape
        heads, epsilon = config["num_attention_heads"], config["rms_norm_eps"]
        x = self.base["model.embed_tokens.weight"][tokens]
        for layer in range(config["num_hidden_layers"]):
            attn, mlp = (f"model.layers.{layer}.{part}" for part in ("self_attn", "mlp"))
            normed = rms_norm(x, epsilon)
            split = lambda y: y.view(texts, length, heads, -1).transpose(1, 2)
            q, k, v = (split(self.linear(f"{attn}.{p}_proj", normed)) for p in "qkv")
            theta = config["rope_theta"]
            seen = F.scaled_dot_product_attention(
                rotate(q, theta), rotate(k, theta), v, is_causal=True
            )
            x = x + self.linear(f"{attn}.o_proj", seen.transpose(1, 2).reshape(x.shape))
            normed = rms_norm(x, epsilon)
            gate = F.silu(self.linear(f"{mlp}.gate_proj", normed))
            x = x + self.linear(f"{mlp}.down_proj", gate * self.linear(f"{mlp}.up_proj", normed))
        return self.linear("lm_head", rms_norm(x, epsilon))

    def logprobs(self, tokens, targets):
        every = torch.log_softmax(self.logits(tokens), -1)
        return every.gather(-1, targets[..., None])[..., 0]


def loss_of(name, config, logprobs, inputs):
    """The loss functions as they are documented, summed over all targets."""
    if name == "cross_entropy":
        return -(logprobs * inputs["weights"]).sum()
    advantages, gap = inputs["advantages"], logprobs - inputs["logprobs"]
    ratio = gap.exp()
    low, high = config.get("clip_low_threshold", 0.8), config.get("clip_high_threshold", 1.2)
    if name == "importance_sampling":
        return -(ratio * advantages).sum()
    if name == "ppo":
        return -torch.min(ratio * advantages, ratio.clamp(low, high) * advantages).sum()
    if name == "cispo":
        return -(ratio.clamp(low, high).detach() * advantages * logprobs).sum()
    if name == "dro":
        return -(advantages * logprobs - 0.5 * config.get("beta", 0.05) * gap.pow(2)).sum()
    raise ValueError(name)
