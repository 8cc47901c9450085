//! The product with a matrix that an adapter is on: `y = x·Mᵀ` with `M = W + s·B·A`. Forward there is
//! one product with `M`, which is put together once a step; backward, the slopes of `A` and `B` are
//! found without ever making that of `M`.

use candle_core::{CpuStorage, CustomOp1, CustomOp3, Device, Layout, Result, Shape, Tensor, Var};

use super::{
    product::{add_product, matrix, product},
    slices::{floats, read},
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

/// A zero with the derivatives of a product whose slopes are known already: where a backward pass
/// starts.
struct Start {
    project: Project,
    slopes: Tensor,
}

impl Lora {
    /// The matrix with this adapter in it.
    pub(crate) fn merged(&self, frozen: &Tensor) -> Result<Tensor> {
        let (_, columns) = frozen.dims2()?;
        let numbers = read([frozen, &self.a, &self.b], |[frozen, a, b]| {
            let mut sum = frozen.to_vec();
            let (a, b) = (matrix(a, columns)?, matrix(b, a.len() / columns)?);
            add_product(&mut sum, 1.0, self.scale, b, a)?;
            Ok(sum)
        })?;
        Tensor::from_vec(numbers, frozen.shape(), &Device::Cpu)
    }
}

impl Project {
    /// `x·Mᵀ`; with an adapter, one that can be differentiated by it.
    pub(crate) fn apply(x: &Tensor, matrix: &Tensor, lora: Option<&Lora>) -> Result<Tensor> {
        let project = Self::new(matrix, lora);
        match lora {
            Some(lora) => x.apply_op3(&lora.a, &lora.b, project),
            None => x.apply_op1(project),
        }
    }

    /// Where a backward pass starts, given the slopes by `x·Mᵀ`.
    pub(crate) fn start(
        x: &Tensor,
        matrix: &Tensor,
        lora: Option<&Lora>,
        slopes: Tensor,
    ) -> Result<Tensor> {
        let start = Start {
            project: Self::new(matrix, lora),
            slopes,
        };
        match lora {
            Some(lora) => x.apply_op3(&lora.a, &lora.b, start),
            None => x.apply_op1(start),
        }
    }

    fn new(matrix: &Tensor, lora: Option<&Lora>) -> Self {
        Self {
            matrix: matrix.clone(),
            scale: lora.map_or(0.0, |lora| lora.scale),
        }
    }

    fn forward(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (count, _) = layout.shape().dims2()?;
        let (rows, columns) = self.matrix.dims2()?;
        let x = matrix(floats(x, layout)?, columns)?;
        let y = read([&self.matrix], |[numbers]| {
            product(1.0, x, matrix(numbers, columns)?.t())
        })?;
        Ok((CpuStorage::F32(y), Shape::from((count, rows))))
    }

    fn by_x(&self, slope: &Tensor) -> Result<Tensor> {
        let (rows, columns) = self.matrix.dims2()?;
        let by_x = read([&slope.contiguous()?, &self.matrix], |[slope, numbers]| {
            product(1.0, matrix(slope, rows)?, matrix(numbers, columns)?)
        })?;
        Tensor::from_vec(by_x, (slope.dim(0)?, columns), &Device::Cpu)
    }

    fn by_all(&self, x: &Tensor, a: &Tensor, b: &Tensor, slope: &Tensor) -> Result<Slopes> {
        let (rows, columns) = self.matrix.dims2()?;
        let rank = a.dim(0)?;
        let (by_a, by_b) = read([x, a, b, &slope.contiguous()?], |[x, a, b, slope]| {
            let (x, slope) = (matrix(x, columns)?, matrix(slope, rows)?);
            let low = product(self.scale, x, matrix(a, columns)?.t())?;
            let by_b = product(1.0, slope.t(), matrix(&low, rank)?)?;
            let low = product(self.scale, slope, matrix(b, rank)?)?;
            let by_a = product(1.0, matrix(&low, rank)?.t(), x)?;
            Ok((by_a, by_b))
        })?;
        let tensor = |numbers, like: &Tensor| Tensor::from_vec(numbers, like.shape(), &Device::Cpu);
        let by_x = self.by_x(slope)?;
        Ok((Some(by_x), Some(tensor(by_a, a)?), Some(tensor(by_b, b)?)))
    }
}

type Slopes = (Option<Tensor>, Option<Tensor>, Option<Tensor>);

impl CustomOp1 for Project {
    fn name(&self) -> &'static str {
        "project"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        self.forward(x, layout)
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, slope: &Tensor) -> Result<Option<Tensor>> {
        self.by_x(slope).map(Some)
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
        self.forward(x, layout)
    }

    fn bwd(
        &self,
        x: &Tensor,
        a: &Tensor,
        b: &Tensor,
        _: &Tensor,
        slope: &Tensor,
    ) -> Result<Slopes> {
        self.by_all(x, a, b, slope)
    }
}

impl CustomOp1 for Start {
    fn name(&self) -> &'static str {
        "start"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok(zero())
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, _: &Tensor) -> Result<Option<Tensor>> {
        self.project.by_x(&self.slopes).map(Some)
    }
}

impl CustomOp3 for Start {
    fn name(&self) -> &'static str {
        "start with an adapter"
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        Ok(zero())
    }

    fn bwd(&self, x: &Tensor, a: &Tensor, b: &Tensor, _: &Tensor, _: &Tensor) -> Result<Slopes> {
        self.project.by_all(x, a, b, &self.slopes)
    }
}

fn zero() -> (CpuStorage, Shape) {
    (CpuStorage::F32(vec![0.0]), Shape::from(()))
}
