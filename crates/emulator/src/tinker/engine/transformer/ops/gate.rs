//! The gate of an MLP (Shazeer, 2020): `x·σ(x)` of one half times the other half.

use candle_core::{CpuStorage, CustomOp2, Device, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

use super::slices::{floats, read, sigmoid, wide};

/// Numbers that one thread takes at a time.
const PIECE: usize = 8192;

pub(crate) struct Gate;

impl CustomOp2 for Gate {
    fn name(&self) -> &'static str {
        "gate"
    }

    fn cpu_fwd(
        &self,
        gate: &CpuStorage,
        layout: &Layout,
        up: &CpuStorage,
        up_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (gate, up) = (floats(gate, layout)?, floats(up, up_layout)?);
        let mut y = vec![0.0; gate.len()];
        y.par_chunks_mut(PIECE)
            .zip(gate.par_chunks(PIECE))
            .zip(up.par_chunks(PIECE))
            .for_each(|((y, gate), up)| {
                wide!({
                    for ((y, gate), up) in y.iter_mut().zip(gate).zip(up) {
                        *y = gate * sigmoid(*gate) * up;
                    }
                });
            });
        Ok((CpuStorage::F32(y), layout.shape().clone()))
    }

    fn bwd(
        &self,
        gate: &Tensor,
        up: &Tensor,
        _: &Tensor,
        slope: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let slope = slope.contiguous()?;
        let (by_gate, by_up) = read([gate, up, &slope], |[gate, up, slope]| {
            let (mut by_gate, mut by_up) = (vec![0.0; gate.len()], vec![0.0; gate.len()]);
            by_gate
                .par_chunks_mut(PIECE)
                .zip(by_up.par_chunks_mut(PIECE))
                .zip(gate.par_chunks(PIECE).zip(up.par_chunks(PIECE)))
                .zip(slope.par_chunks(PIECE))
                .for_each(|(((by_gate, by_up), (gate, up)), slope)| {
                    let slopes = by_gate.iter_mut().zip(by_up);
                    let inputs = gate.iter().zip(up).zip(slope);
                    wide!({
                        for ((by_gate, by_up), ((gate, up), slope)) in slopes.zip(inputs) {
                            let share = sigmoid(*gate);
                            *by_up = slope * gate * share;
                            *by_gate = slope * up * share * (1.0 + gate * (1.0 - share));
                        }
                    });
                });
            Ok((by_gate, by_up))
        })?;
        let tensor = |values| Tensor::from_vec(values, gate.shape(), &Device::Cpu);
        Ok((Some(tensor(by_gate)?), Some(tensor(by_up)?)))
    }
}
