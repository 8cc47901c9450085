//! Rows brought to a root mean square of one (Zhang and Sennrich, 2019), without weights.

use candle_core::{CpuStorage, CustomOp1, Device, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

use super::slices::{dot, floats, read, wide};

/// Added to the mean square, as Llama does.
pub(crate) const EPSILON: f32 = 1e-5;
/// Rows that one thread takes at a time.
const ROWS: usize = 64;

pub(crate) struct Norm;

impl CustomOp1 for Norm {
    fn name(&self) -> &'static str {
        "rms norm"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (_, width) = layout.shape().dims2()?;
        let x = floats(storage, layout)?;
        let mut y = vec![0.0; x.len()];
        let pieces = y
            .par_chunks_mut(width * ROWS)
            .zip(x.par_chunks(width * ROWS));
        pieces.for_each(|(y, x)| {
            wide!({
                for (y, x) in y.chunks_exact_mut(width).zip(x.chunks_exact(width)) {
                    let scale = scale(x);
                    for (y, x) in y.iter_mut().zip(x) {
                        *y = x * scale;
                    }
                }
            });
        });
        Ok((CpuStorage::F32(y), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, y: &Tensor, slope: &Tensor) -> Result<Option<Tensor>> {
        let (_, width) = x.dims2()?;
        let slope = slope.contiguous()?;
        let back = read([x, y, &slope], |[x, y, slope]| {
            let mut back = vec![0.0; x.len()];
            let rows = back
                .par_chunks_mut(width * ROWS)
                .zip(x.par_chunks(width * ROWS))
                .zip(y.par_chunks(width * ROWS))
                .zip(slope.par_chunks(width * ROWS));
            rows.for_each(|(((back, x), y), slope)| {
                wide!({
                    for (at, back) in back.chunks_exact_mut(width).enumerate() {
                        let row = at * width..(at + 1) * width;
                        let (x, y, slope) = (&x[row.clone()], &y[row.clone()], &slope[row]);
                        let (scale, along) = (scale(x), dot(slope, y) / width as f32);
                        for ((back, y), slope) in back.iter_mut().zip(y).zip(slope) {
                            *back = scale * (slope - y * along);
                        }
                    }
                });
            });
            Ok(back)
        })?;
        Tensor::from_vec(back, x.shape(), &Device::Cpu).map(Some)
    }
}

#[inline(always)]
fn scale(row: &[f32]) -> f32 {
    1.0 / (dot(row, row) / row.len() as f32 + EPSILON).sqrt()
}
