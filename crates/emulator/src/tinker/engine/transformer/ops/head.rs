//! One head of attention over one text, forward and backward, in the widest registers that the
//! processor has. Knows no tensors.

use pulp::{Simd, WithSimd};

use super::slices::exp;

/// Numbers of a row are filled up to a multiple of this, which is one of every width of registers.
const LANES: usize = 16;
/// Places are filled up likewise, since [`along`] takes four registers at a time.
const PLACES: usize = 4 * LANES;

/// One head over one text; every field is a matrix with a row for each place.
pub(super) struct Head {
    /// Of a row, with the zeros behind it.
    pub(super) width: usize,
    /// Turned, and divided by the root of the width.
    pub(super) q: Vec<f32>,
    /// Turned.
    pub(super) k: Vec<f32>,
    pub(super) v: Vec<f32>,
}

/// What each place sees.
pub(super) struct Forward<'a>(pub(super) &'a Head);

/// The slopes of the turned queries, the turned keys and the values.
pub(super) struct Backward<'a> {
    pub(super) head: &'a Head,
    /// Those of what each place sees.
    pub(super) slope: &'a [f32],
}

/// How long a row of so many numbers is with the zeros behind it.
pub(super) fn padded(len: usize) -> usize {
    len.next_multiple_of(LANES)
}

impl WithSimd for Forward<'_> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Vec<f32> {
        let head = self.0;
        let mut y = vec![0.0; head.q.len()];
        let across = transposed(&head.k, head.width);
        let mut weights = vec![0.0; across.len() / head.width];
        for (at, y) in y.chunks_exact_mut(head.width).enumerate() {
            head.weigh(simd, at, &across, &mut weights);
            mix(simd, y, &weights[..=at], &head.v);
        }
        y
    }
}

impl WithSimd for Backward<'_> {
    type Output = [Vec<f32>; 3];

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> [Vec<f32>; 3] {
        let (head, width) = (self.head, self.head.width);
        let [mut by_q, mut by_k, mut by_v] = [(); 3].map(|()| vec![0.0; head.q.len()]);
        let (k_across, v_across) = (transposed(&head.k, width), transposed(&head.v, width));
        let mut weights = vec![0.0; k_across.len() / width];
        let mut pulls = weights.clone();
        let rows = by_q
            .chunks_exact_mut(width)
            .zip(head.q.chunks_exact(width))
            .zip(self.slope.chunks_exact(width));
        for (at, ((by_q, q), slope)) in rows.enumerate() {
            head.weigh(simd, at, &k_across, &mut weights);
            along(simd, slope, &v_across, &mut pulls, at);
            let even = dot(simd, &weights, &pulls, at);
            for (pull, weight) in pulls[..=at].iter_mut().zip(&weights) {
                *pull = weight * (*pull - even);
            }
            mix(simd, by_q, &pulls[..=at], &head.k);
            strew(simd, &mut by_k, &pulls[..=at], q);
            strew(simd, &mut by_v, &weights[..=at], slope);
        }
        [by_q, by_k, by_v]
    }
}

impl Head {
    /// How much a place looks at each one up to itself; at the others up to the end of the registers
    /// it looks not at all.
    #[inline(always)]
    fn weigh<S: Simd>(&self, simd: S, at: usize, across: &[f32], weights: &mut [f32]) {
        let q = &self.q[at * self.width..][..self.width];
        along(simd, q, across, weights, at);
        let weights = &mut weights[..padded(at + 1)];
        weights[at + 1..].fill(f32::MIN);
        let (lanes, _) = S::as_simd_f32s(weights);
        let most = lanes.iter().fold(simd.splat_f32s(f32::MIN), |most, lane| {
            simd.max_f32s(most, *lane)
        });
        let most = simd.reduce_max_f32s(most);
        for weight in &mut *weights {
            *weight = exp(*weight - most);
        }
        weights[at + 1..].fill(0.0);
        let (lanes, _) = S::as_mut_simd_f32s(weights);
        let total = lanes.iter().fold(simd.splat_f32s(0.0), |total, lane| {
            simd.add_f32s(total, *lane)
        });
        let share = simd.splat_f32s(1.0 / simd.reduce_sum_f32s(total));
        for lane in lanes {
            *lane = simd.mul_f32s(*lane, share);
        }
    }
}

/// A line for each column, with zeros behind it.
#[inline(always)]
fn transposed(rows: &[f32], width: usize) -> Vec<f32> {
    let count = (rows.len() / width).next_multiple_of(PLACES);
    let mut columns = vec![0.0; count * width];
    for (at, row) in rows.chunks_exact(width).enumerate() {
        for (column, value) in row.iter().enumerate() {
            columns[column * count + at] = *value;
        }
    }
    columns
}

/// The sum of products up to place `last`, after which one of both is zero.
#[inline(always)]
fn dot<S: Simd>(simd: S, a: &[f32], b: &[f32], last: usize) -> f32 {
    let to = padded(last + 1);
    let (a, _) = S::as_simd_f32s(&a[..to]);
    let (b, _) = S::as_simd_f32s(&b[..to]);
    let total = a.iter().zip(b).fold(simd.splat_f32s(0.0), |total, (a, b)| {
        simd.mul_add_f32s(*a, *b, total)
    });
    simd.reduce_sum_f32s(total)
}

/// The products of a row with the columns of a matrix up to number `last`, and some more.
#[inline(always)]
fn along<S: Simd>(simd: S, row: &[f32], matrix: &[f32], products: &mut [f32], last: usize) {
    let (matrix, _) = S::as_simd_f32s(matrix);
    let (products, _) = S::as_mut_simd_f32s(products);
    let (matrix, _) = matrix.as_chunks::<4>();
    let (products, _) = products.as_chunks_mut::<4>();
    let blocks = products.len();
    let used = last / (4 * S::F32_LANES) + 1;
    for (block, products) in products[..used].iter_mut().enumerate() {
        let mut sums = [simd.splat_f32s(0.0); 4];
        for (value, line) in row.iter().zip(matrix[block..].iter().step_by(blocks)) {
            let value = simd.splat_f32s(*value);
            for (sum, line) in sums.iter_mut().zip(line) {
                *sum = simd.mul_add_f32s(value, *line, *sum);
            }
        }
        *products = sums;
    }
}

/// The sum of as many rows as there are weights, by those.
#[inline(always)]
fn mix<S: Simd>(simd: S, sum: &mut [f32], weights: &[f32], rows: &[f32]) {
    let (sum, _) = S::as_mut_simd_f32s(sum);
    let (rows, _) = S::as_simd_f32s(rows);
    let blocks = sum.len();
    let (fours, rest) = weights.as_chunks::<4>();
    for (block, sum) in sum.iter_mut().enumerate() {
        let mut rows = rows[block..].iter().step_by(blocks);
        let mut sums = [simd.splat_f32s(0.0); 4];
        for weights in fours {
            for ((sum, weight), row) in sums.iter_mut().zip(weights).zip(&mut rows) {
                *sum = simd.mul_add_f32s(simd.splat_f32s(*weight), *row, *sum);
            }
        }
        for (weight, row) in rest.iter().zip(rows) {
            sums[0] = simd.mul_add_f32s(simd.splat_f32s(*weight), *row, sums[0]);
        }
        let [a, b, c, d] = sums;
        *sum = simd.add_f32s(simd.add_f32s(a, b), simd.add_f32s(c, d));
    }
}

/// Adds a row to as many rows as there are weights, times those.
#[inline(always)]
fn strew<S: Simd>(simd: S, rows: &mut [f32], weights: &[f32], row: &[f32]) {
    let (rows, _) = S::as_mut_simd_f32s(rows);
    let (row, _) = S::as_simd_f32s(row);
    let blocks = row.len();
    for (block, row) in row.iter().enumerate() {
        let rows = rows[block..].iter_mut().step_by(blocks);
        for (weight, to) in weights.iter().zip(rows) {
            *to = simd.mul_add_f32s(simd.splat_f32s(*weight), *row, *to);
        }
    }
}
