//! From tokens to scores through the layers of Llama: attention and MLP, each on normed numbers and
//! added to what was there. How attention sees other places is up to the caller.

use std::sync::Arc;

use candle_core::{Device, Result, Tensor};

use super::{
    frozen::Frozen,
    ops::{Gate, Lora, Norm, Project},
};
use crate::tinker::engine::shape::SITES;

/// A base model with the matrices of this moment.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) frozen: Arc<Frozen>,
    /// Of each site, with its adapter in it.
    pub(crate) matrices: Vec<Tensor>,
}

impl Model {
    /// The base model itself.
    pub(crate) fn new(frozen: Arc<Frozen>) -> Self {
        Self {
            matrices: frozen.matrices.clone(),
            frozen,
        }
    }

    /// What each token has become after the last layer. `loras` are those that slopes are wanted of:
    /// one place for each site, or none at all. `attend` is given the number of the layer with its
    /// queries, keys and values.
    pub(crate) fn hidden(
        &self,
        tokens: &[u32],
        loras: &[Option<Lora>],
        mut attend: impl FnMut(usize, [&Tensor; 3]) -> Result<Tensor>,
    ) -> Result<Tensor> {
        let tokens = Tensor::new(tokens, &Device::Cpu)?;
        let mut x = self.frozen.embedding.index_select(&tokens, 0)?;
        for layer in 0..self.frozen.shape.layers {
            let site = |at: usize, x: &Tensor| self.project(layer * SITES + at, x, loras);
            let normed = x.apply_op1(Norm)?;
            let [q, k, v] = [0, 1, 2].map(|at| site(at, &normed));
            let seen = attend(layer, [&q?, &k?, &v?])?;
            x = (x + site(3, &seen)?)?;
            let normed = x.apply_op1(Norm)?;
            let inner = site(4, &normed)?.apply_op2(&site(5, &normed)?, Gate)?;
            x = (x + site(6, &inner)?)?;
        }
        x.apply_op1(Norm)
    }

    /// The score of every token, for each row of [`Model::hidden`]. They remember nothing; a backward
    /// pass begins at [`Model::start`].
    pub(crate) fn scores(&self, hidden: &Tensor) -> Result<Tensor> {
        self.project(self.matrices.len() - 1, &hidden.detach(), &[])
    }

    /// Where a backward pass starts, given the slopes by the scores.
    pub(crate) fn start(
        &self,
        hidden: &Tensor,
        loras: &[Option<Lora>],
        slopes: Tensor,
    ) -> Result<Tensor> {
        let last = self.matrices.len() - 1;
        let lora = loras.get(last).and_then(Option::as_ref);
        Project::start(hidden, &self.matrices[last], lora, slopes)
    }

    fn project(&self, site: usize, x: &Tensor, loras: &[Option<Lora>]) -> Result<Tensor> {
        let lora = loras.get(site).and_then(Option::as_ref);
        Project::apply(x, &self.matrices[site], lora)
    }
}
