//! The product with a matrix that an adapter is on: `y = x·Mᵀ` with `M = W + s·B·A`. Forward there is
//! one product with `M`, which is put together once a step; backward, the slopes of `A` and `B` are
//! found without ever making that of `M`.

use candle_core::{
    CpuStorage, CustomOp1, CustomOp3, Layout, Result, Shape, Storage, Tensor, Var,
    backend::BackendStorage as _, bail,
};

/// A pair of low-rank matrices.
#[derive(Debug)]
pub(crate) struct Lora {
    /// `rank × columns`.
    pub(crate) a: Var,
    /// `rows × rank`.
    pub(crate) b: Var,
    /// What the product is multiplied by.
    pub(crate) scale: f64,
}

/// The product with this matrix.
pub(crate) struct Project {
    matrix: Tensor,
    scale: f64,
}

impl Project {
    /// `x·Mᵀ`; with an adapter, one that can be differentiated by it.
    pub(crate) fn apply(x: &Tensor, matrix: &Tensor, lora: Option<&Lora>) -> Result<Tensor> {
        let project = |scale| Self {
            matrix: matrix.clone(),
            scale,
        };
        match lora {
            Some(lora) => x.apply_op3(&lora.a, &lora.b, project(lora.scale)),
            None => x.apply_op1(project(0.0)),
        }
    }

    fn product(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (rows, inner) = layout.shape().dims2()?;
        let across = self.matrix.t()?;
        let columns = across.dims2()?.1;
        let (storage, across) = across.storage_and_layout();
        let Storage::Cpu(matrix) = &*storage else {
            bail!("a matrix left the processor")
        };
        let product = x.matmul(matrix, (1, rows, columns, inner), layout, across)?;
        Ok((product, Shape::from((rows, columns))))
    }
}

impl CustomOp1 for Project {
    fn name(&self) -> &'static str {
        "project"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        self.product(x, layout)
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, slope: &Tensor) -> Result<Option<Tensor>> {
        slope.matmul(&self.matrix).map(Some)
    }
}

impl CustomOp3 for Project {
    fn name(&self) -> &'static str {
        "project with an adapter"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        layout: &Layout,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        self.product(x, layout)
    }

    fn bwd(
        &self,
        x: &Tensor,
        a: &Tensor,
        b: &Tensor,
        _: &Tensor,
        slope: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        // Without this the slopes would remember how they came about.
        let (x, a, b) = (x.detach(), a.detach(), b.detach());
        let by_x = slope.matmul(&self.matrix)?;
        let low = (x.matmul(&a.t()?)? * self.scale)?;
        let by_b = slope.t()?.matmul(&low)?;
        let low = (slope.matmul(&b)? * self.scale)?;
        let by_a = low.t()?.matmul(&x)?;
        Ok((Some(by_x), Some(by_a), Some(by_b)))
    }
}
