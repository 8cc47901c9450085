//! How large a transformer is, and the names of the matrices it is made of. Holds no numbers.

/// The part of a model that a matrix belongs to; each is trained or not as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Attention,
    Mlp,
    Unembedding,
}

/// The sizes of a transformer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Numbers that stand for a token between the layers.
    pub(crate) width: usize,
    pub(crate) layers: usize,
    /// Attention heads; their number divides `width` into even shares.
    pub(crate) heads: usize,
    /// Numbers between the two halves of an MLP.
    pub(crate) inner: usize,
}

/// A matrix that an adapter can be put on. It takes `columns` numbers and gives `rows`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Site {
    /// As in the files of Llama, such as `model.layers.0.self_attn.q_proj`.
    pub(crate) name: String,
    pub(crate) part: Part,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
}

/// Matrices of each layer, in the order of [`Shape::sites`].
pub(crate) const SITES: usize = 7;

impl Default for Shape {
    fn default() -> Self {
        Self {
            width: 64,
            layers: 3,
            heads: 4,
            inner: 192,
        }
    }
}

impl Shape {
    /// All matrices: those of each layer, then the one of the scores.
    pub(crate) fn sites(&self, vocabulary: usize) -> Vec<Site> {
        use Part::{Attention, Mlp, Unembedding};
        let (width, inner) = (self.width, self.inner);
        let of_layer: [(&str, Part, usize, usize); SITES] = [
            ("self_attn.q_proj", Attention, width, width),
            ("self_attn.k_proj", Attention, width, width),
            ("self_attn.v_proj", Attention, width, width),
            ("self_attn.o_proj", Attention, width, width),
            ("mlp.gate_proj", Mlp, inner, width),
            ("mlp.up_proj", Mlp, inner, width),
            ("mlp.down_proj", Mlp, width, inner),
        ];
        let layers = (0..self.layers).flat_map(|layer| {
            of_layer.map(|(name, part, rows, columns)| Site {
                name: format!("model.layers.{layer}.{name}"),
                part,
                rows,
                columns,
            })
        });
        let last = Site {
            name: "lm_head".to_owned(),
            part: Unembedding,
            rows: vocabulary,
            columns: width,
        };
        layers.chain([last]).collect()
    }
}
