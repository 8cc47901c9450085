//! The weights that training leaves alone, drawn from the name of a model: the same name and shape
//! always give the same numbers.

use candle_core::{Device, Result, Tensor};

use crate::{
    rng::{self, Rng},
    tinker::engine::{
        BaseModel,
        shape::{Shape, Site},
    },
};

/// The weights of a base model.
#[derive(Clone, Debug)]
pub(crate) struct Frozen {
    pub(crate) shape: Shape,
    pub(crate) vocabulary: usize,
    pub(crate) sites: Vec<Site>,
    /// One row for each token.
    pub(crate) embedding: Tensor,
    /// The matrix of each site.
    pub(crate) matrices: Vec<Tensor>,
}

impl Frozen {
    pub(crate) fn new(base: &BaseModel, shape: &Shape) -> Result<Self> {
        let vocabulary = base.vocabulary as usize;
        let sites = shape.sites(vocabulary);
        let seed = rng::digest(&base.name);
        let matrices = sites
            .iter()
            .map(|site| draw(seed, &site.name, (site.rows, site.columns), site.columns));
        let matrices = matrices.collect::<Result<_>>()?;
        Ok(Self {
            shape: shape.clone(),
            vocabulary,
            embedding: draw(seed, "model.embed_tokens", (vocabulary, shape.width), 1)?,
            matrices,
            sites,
        })
    }
}

/// Even numbers around zero with a variance of one over `share`, so that a matrix keeps the size of
/// what it is applied to.
pub(crate) fn draw(seed: u64, name: &str, dims: (usize, usize), share: usize) -> Result<Tensor> {
    let mut rng = Rng::new(seed ^ rng::digest(name));
    let bound = (3.0 / share as f64).sqrt();
    let values: Vec<f32> = (0..dims.0 * dims.1)
        .map(|_| ((rng.fraction() * 2.0 - 1.0) * bound) as f32)
        .collect();
    Tensor::from_vec(values, dims, &Device::Cpu)
}
