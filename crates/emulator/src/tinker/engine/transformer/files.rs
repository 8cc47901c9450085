//! A base model as the files that other tools read from a hub: the weights and the configuration of a
//! Llama, and a tokenizer whose tokens are bytes. Reads no requests.

use serde_json::{Value, json};

use crate::tinker::engine::{Array, BaseModel, Problem, Snapshot};

use super::{
    adapters::numbers,
    frozen::Frozen,
    ops::{EPSILON, THETA},
};

/// `config.json`.
pub(super) fn config(base: &BaseModel, frozen: &Frozen) -> Value {
    let shape = &frozen.shape;
    json!({
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "torch_dtype": "float32",
        "hidden_act": "silu", "hidden_size": shape.width, "intermediate_size": shape.inner,
        "num_hidden_layers": shape.layers, "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.heads, "vocab_size": frozen.vocabulary,
        "max_position_embeddings": base.context, "rms_norm_eps": EPSILON, "rope_theta": THETA,
        "tie_word_embeddings": false, "attention_bias": false, "mlp_bias": false,
        "bos_token_id": null, "eos_token_id": base.end,
    })
}

/// `model.safetensors`.
pub(super) fn weights(frozen: &Frozen) -> Result<Vec<u8>, Problem> {
    let mut snapshot = Snapshot::default();
    let mut add = |name: String, array| snapshot.arrays.insert(format!("{name}.weight"), array);
    let sites = frozen.sites.iter().zip(&frozen.matrices);
    for (site, matrix) in sites {
        let array = Array::floats(matrix.dims().to_vec(), numbers(matrix)?);
        add(site.name.clone(), array);
    }
    let embedding = &frozen.embedding;
    let array = Array::floats(embedding.dims().to_vec(), numbers(embedding)?);
    add("model.embed_tokens".to_owned(), array);
    let width = frozen.shape.width;
    let norms = (0..frozen.shape.layers).flat_map(|layer| {
        ["input_layernorm", "post_attention_layernorm"]
            .map(|norm| format!("model.layers.{layer}.{norm}"))
    });
    for norm in norms.chain(["model.norm".to_owned()]) {
        add(norm, Array::floats(vec![width], vec![1.0; width]));
    }
    snapshot.notes.insert("format".to_owned(), "pt".to_owned());
    snapshot.weights_file()
}

/// `tokenizer_config.json`.
pub(super) fn tokenizer_config(base: &BaseModel) -> Value {
    let end = String::from_utf8_lossy(&base.text(base.end)).into_owned();
    json!({
        "tokenizer_class": "PreTrainedTokenizerFast", "eos_token": end, "pad_token": end,
        "model_max_length": base.context, "clean_up_tokenization_spaces": false,
    })
}
