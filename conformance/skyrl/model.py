"""Makes a model of two layers with random weights and a tokenizer, and writes down the tokens of the
texts to learn. Everything is decided by a seed, so that losses can be compared.

Arguments: FOLDER
"""

import json
import pathlib
import sys

import numpy
from safetensors.numpy import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

TEXTS = [
    "the quick brown fox jumps over the lazy dog.",
    "hello world, tinker and gemini.",
    "hello fox, the lazy world jumps.",
    "tinker over the quick gemini dog.",
]
PROMPT = "the quick brown"
HIDDEN, INNER, LAYERS, HEADS, SHARED_HEADS, HEAD = 64, 128, 2, 4, 2, 16

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)

tokenizer = Tokenizer(models.BPE())
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer.decoder = decoders.ByteLevel()
trainer = trainers.BpeTrainer(
    vocab_size=320,
    special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
    initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    show_progress=False,
)
corpus = [(TEXTS[0] + " ") * 20, (TEXTS[1] + " ") * 20]
tokenizer.train_from_iterator(corpus, trainer)
tokenizer.save(str(folder / "tokenizer.json"))
words = tokenizer.get_vocab_size()


def write(name, content):
    (folder / name).write_text(json.dumps(content))


write("tokenizer_config.json", {
    "tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|im_end|>",
    "pad_token": "<|endoftext|>", "model_max_length": 2048,
})
write("config.json", {
    "architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "vocab_size": words,
    "hidden_size": HIDDEN, "intermediate_size": INNER, "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS, "num_key_value_heads": SHARED_HEADS, "head_dim": HEAD,
    "hidden_act": "silu", "max_position_embeddings": 2048, "rms_norm_eps": 1e-6,
    "rope_theta": 10000.0, "tie_word_embeddings": False, "attention_bias": False,
    "eos_token_id": 2, "pad_token_id": 0, "dtype": "float32", "torch_dtype": "float32",
})
write("texts.json", {
    "texts": [tokenizer.encode(text).ids for text in TEXTS],
    "prompt": tokenizer.encode(PROMPT).ids,
})

chance = numpy.random.default_rng(0)


def drawn(*shape):
    return (chance.standard_normal(shape) * 0.1).astype(numpy.float32)


def ones(size):
    return numpy.ones(size, numpy.float32)


weights = {
    "model.embed_tokens.weight": drawn(words, HIDDEN),
    "model.norm.weight": ones(HIDDEN),
    "lm_head.weight": drawn(words, HIDDEN),
}
# The order is part of what the seed decides.
for layer in range(LAYERS):
    at = f"model.layers.{layer}."
    weights |= {
        at + "input_layernorm.weight": ones(HIDDEN),
        at + "post_attention_layernorm.weight": ones(HIDDEN),
        at + "self_attn.q_proj.weight": drawn(HEADS * HEAD, HIDDEN),
        at + "self_attn.k_proj.weight": drawn(SHARED_HEADS * HEAD, HIDDEN),
        at + "self_attn.v_proj.weight": drawn(SHARED_HEADS * HEAD, HIDDEN),
        at + "self_attn.o_proj.weight": drawn(HIDDEN, HEADS * HEAD),
        at + "self_attn.q_norm.weight": ones(HEAD),
        at + "self_attn.k_norm.weight": ones(HEAD),
        at + "mlp.gate_proj.weight": drawn(INNER, HIDDEN),
        at + "mlp.up_proj.weight": drawn(INNER, HIDDEN),
        at + "mlp.down_proj.weight": drawn(HIDDEN, INNER),
    }
save_file(weights, str(folder / "model.safetensors"), metadata={"format": "pt"})
