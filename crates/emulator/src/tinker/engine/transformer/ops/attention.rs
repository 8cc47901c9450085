//! Causal attention over several texts at once, with positions as rotations (Su et al., 2021).
//! Backward, the weights are made again row by row, so that memory grows with the length of a text
//! and not with its square.

use std::{ops::Range, sync::Arc};

use candle_core::{CpuStorage, CustomOp3, Device, Layout, Result, Shape, Tensor};
use pulp::Arch;
use rayon::prelude::*;

use super::{
    head::{Backward, Forward, Head, padded},
    slices::{add, dot, exp, floats, read},
};

/// The base of the wavelengths, as in Llama.
pub(crate) const THETA: f64 = 10_000.0;

/// The angles of positions, for the heads of one width.
#[derive(Debug)]
pub(crate) struct Rotation {
    from: usize,
    half: usize,
    /// Cosine and sine, `half` for each position.
    turns: Vec<(f32, f32)>,
}

/// Attention within each of these texts, which lie one after the other.
#[derive(Clone)]
pub(crate) struct Attention {
    pub(crate) texts: Arc<[Range<usize>]>,
    pub(crate) heads: usize,
    pub(crate) rotation: Arc<Rotation>,
}

/// The keys and values of a text that goes on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cache {
    keys: Vec<f32>,
    values: Vec<f32>,
}

impl Rotation {
    /// The angles of these positions.
    pub(crate) fn new(positions: Range<usize>, head_width: usize) -> Self {
        let half = head_width / 2;
        let turn = |position: usize, at: usize| {
            let angle = position as f64 * THETA.powf(-(at as f64) / half as f64);
            (angle.cos() as f32, angle.sin() as f32)
        };
        let from = positions.start;
        let turns = positions.flat_map(|position| (0..half).map(move |at| turn(position, at)));
        Self {
            from,
            half,
            turns: turns.collect(),
        }
    }

    /// Turns a head's row by its position; `back` undoes it.
    fn turn(&self, row: &mut [f32], position: usize, back: bool) {
        let turns = &self.turns[(position - self.from) * self.half..][..self.half];
        let (first, second) = row.split_at_mut(self.half);
        for ((a, b), (cos, sin)) in first.iter_mut().zip(second).zip(turns) {
            let sin = if back { -sin } else { *sin };
            (*a, *b) = (*a * cos - *b * sin, *b * cos + *a * sin);
        }
    }
}

impl Attention {
    /// A text and the first column of a head in it, by the number of the part.
    fn place(&self, part: usize, width: usize) -> (&Range<usize>, usize) {
        let column = part % self.heads * (width / self.heads);
        (&self.texts[part / self.heads], column)
    }

    /// What work on each head of each text gives.
    fn parts<R: Send>(&self, work: impl Fn(usize) -> R + Send + Sync) -> Vec<R> {
        let parts = (0..self.texts.len() * self.heads).into_par_iter();
        parts.map(work).collect()
    }

    fn head(&self, part: usize, [q, k, v]: [&[f32]; 3], width: usize) -> Head {
        let (text, column) = self.place(part, width);
        let share = width / self.heads;
        let [mut q, mut k, v] = [q, k, v].map(|x| gather(x, text, width, column, share));
        let shrink = shrink(share);
        q.iter_mut().for_each(|q| *q *= shrink);
        for rows in [&mut q, &mut k] {
            for (position, row) in rows.chunks_exact_mut(padded(share)).enumerate() {
                self.rotation.turn(&mut row[..share], position, false);
            }
        }
        let width = padded(share);
        Head { width, q, k, v }
    }

    /// The slopes of the queries, keys and values of a part, given those of what it gave.
    fn back(&self, part: usize, [q, k, v, slope]: [&[f32]; 4], width: usize) -> [Vec<f32>; 3] {
        let head = self.head(part, [q, k, v], width);
        let (text, column) = self.place(part, width);
        let share = width / self.heads;
        let slope = gather(slope, text, width, column, share);
        let mut slopes = Arch::new().dispatch(Backward {
            head: &head,
            slope: &slope,
        });
        let shrink = shrink(share);
        slopes[0].iter_mut().for_each(|q| *q *= shrink);
        for rows in &mut slopes[..2] {
            for (position, row) in rows.chunks_exact_mut(head.width).enumerate() {
                self.rotation.turn(&mut row[..share], position, true);
            }
        }
        slopes
    }

    /// Puts parts back into rows of all heads.
    fn scatter(&self, parts: &[Vec<f32>], len: usize, width: usize) -> Vec<f32> {
        let share = width / self.heads;
        let mut whole = vec![0.0; len];
        for (at, rows) in parts.iter().enumerate() {
            let (text, column) = self.place(at, width);
            for (row, part) in text.clone().zip(rows.chunks_exact(padded(share))) {
                whole[row * width + column..][..share].copy_from_slice(&part[..share]);
            }
        }
        whole
    }
}

impl CustomOp3 for Attention {
    fn name(&self) -> &'static str {
        "attention"
    }

    fn cpu_fwd(
        &self,
        q: &CpuStorage,
        layout: &Layout,
        k: &CpuStorage,
        k_layout: &Layout,
        v: &CpuStorage,
        v_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (_, width) = layout.shape().dims2()?;
        let q = floats(q, layout)?;
        let all = [q, floats(k, k_layout)?, floats(v, v_layout)?];
        let parts = self.parts(|part| Arch::new().dispatch(Forward(&self.head(part, all, width))));
        let y = self.scatter(&parts, q.len(), width);
        Ok((CpuStorage::F32(y), layout.shape().clone()))
    }

    fn bwd(
        &self,
        q: &Tensor,
        k: &Tensor,
        v: &Tensor,
        _: &Tensor,
        slope: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (rows, width) = q.dims2()?;
        let slope = slope.contiguous()?;
        let slopes = read([q, k, v, &slope], |all| {
            let parts = self.parts(|part| self.back(part, all, width));
            let mut lists = [const { Vec::new() }; 3];
            for part in parts {
                for (list, slopes) in lists.iter_mut().zip(part) {
                    list.push(slopes);
                }
            }
            Ok(lists.map(|parts| self.scatter(&parts, rows * width, width)))
        })?;
        let [q, k, v] = slopes.map(|slope| Tensor::from_vec(slope, (rows, width), &Device::Cpu));
        Ok((Some(q?), Some(k?), Some(v?)))
    }
}

impl Cache {
    /// Attention of new places to all so far, and to each other.
    pub(crate) fn attend(
        &mut self,
        [q, k, v]: [&[f32]; 3],
        heads: usize,
        width: usize,
        rotation: &Rotation,
    ) -> Vec<f32> {
        let head_width = width / heads;
        let before = self.keys.len() / width;
        self.values.extend_from_slice(v);
        for (at, row) in k.chunks_exact(width).enumerate() {
            let mut row = row.to_vec();
            for head in row.chunks_exact_mut(head_width) {
                rotation.turn(head, before + at, false);
            }
            self.keys.extend(row);
        }
        let mut y = vec![0.0; q.len()];
        let shrink = 1.0 / (head_width as f32).sqrt();
        let mut weights = Vec::new();
        let heads = q
            .chunks_exact(head_width)
            .zip(y.chunks_exact_mut(head_width));
        for (at, (q, y)) in heads.enumerate() {
            let (place, column) = (before + at * head_width / width, at * head_width % width);
            let mut q = q.to_vec();
            rotation.turn(&mut q, place, false);
            let keys = self.keys.chunks_exact(width).take(place + 1);
            weights.clear();
            weights.extend(keys.map(|k| shrink * dot(&q, &k[column..][..head_width])));
            let most = weights.iter().copied().fold(f32::MIN, f32::max);
            weights
                .iter_mut()
                .for_each(|weight| *weight = exp(*weight - most));
            let total: f32 = weights.iter().sum();
            for (weight, v) in weights.iter().zip(self.values.chunks_exact(width)) {
                add(y, &v[column..][..head_width], weight / total);
            }
        }
        y
    }
}

/// The columns of one head in the rows of one text, with zeros behind each row until it is a whole
/// number of lanes.
fn gather(x: &[f32], text: &Range<usize>, width: usize, column: usize, share: usize) -> Vec<f32> {
    let padded = padded(share);
    let mut rows = vec![0.0; text.len() * padded];
    let lines = x[text.start * width..text.end * width].chunks_exact(width);
    for (row, line) in rows.chunks_exact_mut(padded).zip(lines) {
        row[..share].copy_from_slice(&line[column..][..share]);
    }
    rows
}

/// What queries are multiplied by, for heads of this width.
fn shrink(width: usize) -> f32 {
    1.0 / (width as f32).sqrt()
}
