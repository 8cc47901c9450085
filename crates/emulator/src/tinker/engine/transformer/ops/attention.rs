//! Causal attention over several texts at once, with positions as rotations (Su et al., 2021).
//! Backward, the weights are made again row by row, so that memory grows with the length of a text
//! and not with its square.

use std::{ops::Range, sync::Arc};

use candle_core::{CpuStorage, CustomOp3, Device, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

use super::slices::{add, dot, exp, floats, read};

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

/// One head over one text; every field is a matrix with a row for each place.
struct Head {
    width: usize,
    /// Turned, and divided by the root of the width.
    q: Vec<f32>,
    k: Vec<f32>,
    v: Vec<f32>,
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
    /// The parts of all texts and heads, each worked on by itself.
    fn parts<R: Send>(
        &self,
        [q, k, v]: [&[f32]; 3],
        width: usize,
        work: impl Fn(Head, &Range<usize>, usize) -> R + Sync,
    ) -> Vec<R> {
        let head_width = width / self.heads;
        let parts = (0..self.texts.len() * self.heads).into_par_iter();
        let part = |part: usize| {
            let (text, column) = (
                &self.texts[part / self.heads],
                part % self.heads * head_width,
            );
            let rows = |x| gather(x, text, width, column, head_width);
            let (mut q, mut k, v) = (rows(q), rows(k), rows(v));
            let shrink = 1.0 / (head_width as f32).sqrt();
            q.iter_mut().for_each(|q| *q *= shrink);
            for rows in [&mut q, &mut k] {
                for (position, row) in rows.chunks_exact_mut(head_width).enumerate() {
                    self.rotation.turn(row, position, false);
                }
            }
            let width = head_width;
            work(Head { width, q, k, v }, text, column)
        };
        parts.map(part).collect()
    }

    /// Puts parts back into rows of all heads.
    fn scatter(&self, parts: &[Vec<f32>], len: usize, width: usize) -> Vec<f32> {
        let head_width = width / self.heads;
        let mut whole = vec![0.0; len];
        for (at, part) in parts.iter().enumerate() {
            let (text, column) = (&self.texts[at / self.heads], at % self.heads * head_width);
            for (row, part) in text.clone().zip(part.chunks_exact(head_width)) {
                whole[row * width + column..][..head_width].copy_from_slice(part);
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
        let parts = self.parts(all, width, |head, _, _| head.forward());
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
        let slopes = read([q, k, v, &slope], |[q, k, v, slope]| {
            let parts = self.parts([q, k, v], width, |head, text, column| {
                let slope = gather(slope, text, width, column, head.width);
                let mut slopes = head.backward(&slope);
                let shrink = 1.0 / (head.width as f32).sqrt();
                slopes[0].iter_mut().for_each(|q| *q *= shrink);
                for rows in &mut slopes[..2] {
                    for (position, row) in rows.chunks_exact_mut(head.width).enumerate() {
                        self.rotation.turn(row, position, true);
                    }
                }
                slopes
            });
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

impl Head {
    fn forward(&self) -> Vec<f32> {
        let mut y = vec![0.0; self.q.len()];
        let across = transposed(&self.k, self.width);
        let mut weights = vec![0.0; self.q.len() / self.width];
        for (at, y) in y.chunks_exact_mut(self.width).enumerate() {
            let weights = &mut weights[..=at];
            self.weigh(at, &across, weights);
            for (weight, v) in weights.iter().zip(self.v.chunks_exact(self.width)) {
                add(y, v, *weight);
            }
        }
        y
    }

    /// How much a place looks at each one up to itself.
    fn weigh(&self, at: usize, across: &[f32], weights: &mut [f32]) {
        along(&self.q[at * self.width..][..self.width], across, weights);
        let most = weights.iter().copied().fold(f32::MIN, f32::max);
        weights
            .iter_mut()
            .for_each(|weight| *weight = exp(*weight - most));
        let total = 1.0 / weights.iter().sum::<f32>();
        weights.iter_mut().for_each(|weight| *weight *= total);
    }

    /// The slopes of the turned queries, the turned keys and the values.
    fn backward(&self, slope: &[f32]) -> [Vec<f32>; 3] {
        let width = self.width;
        let places = self.q.len() / width;
        let [mut by_q, mut by_k, mut by_v] = [(); 3].map(|()| vec![0.0; self.q.len()]);
        let (k_across, v_across) = (transposed(&self.k, width), transposed(&self.v, width));
        let (mut weights, mut pulls) = (vec![0.0; places], vec![0.0; places]);
        for at in 0..places {
            let row = at * width..(at + 1) * width;
            let (weights, pulls) = (&mut weights[..=at], &mut pulls[..=at]);
            let slope = &slope[row.clone()];
            self.weigh(at, &k_across, weights);
            along(slope, &v_across, pulls);
            let even = dot(weights, pulls);
            let (q, by_q) = (&self.q[row.clone()], &mut by_q[row]);
            let others = by_v
                .chunks_exact_mut(width)
                .zip(by_k.chunks_exact_mut(width));
            let others = others.zip(self.k.chunks_exact(width));
            for ((weight, pull), ((by_v, by_k), k)) in weights.iter().zip(&*pulls).zip(others) {
                let pull = weight * (pull - even);
                add(by_v, slope, *weight);
                add(by_k, q, pull);
                add(by_q, k, pull);
            }
        }
        [by_q, by_k, by_v]
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

/// The columns of one head in the rows of one text.
fn gather(
    x: &[f32],
    text: &Range<usize>,
    width: usize,
    column: usize,
    head_width: usize,
) -> Vec<f32> {
    let rows = x[text.start * width..text.end * width].chunks_exact(width);
    rows.flat_map(|row| &row[column..][..head_width])
        .copied()
        .collect()
}

fn transposed(rows: &[f32], width: usize) -> Vec<f32> {
    let count = rows.len() / width;
    let mut columns = vec![0.0; rows.len()];
    for (at, row) in rows.chunks_exact(width).enumerate() {
        for (column, value) in row.iter().enumerate() {
            columns[column * count + at] = *value;
        }
    }
    columns
}

/// The products of a row with the first columns of a matrix.
fn along(row: &[f32], matrix: &[f32], products: &mut [f32]) {
    products.fill(0.0);
    for (value, line) in row
        .iter()
        .zip(matrix.chunks_exact(matrix.len() / row.len()))
    {
        add(products, line, *value);
    }
}
