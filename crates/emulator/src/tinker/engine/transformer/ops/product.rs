//! Products of matrices that lie in slices, row by row. They are not made by candle's `matmul`, which
//! asks the system for the number of its processors before each one and shares it among threads that
//! then wait for each other: most matrices here are too small for that.

use candle_core::{Error, Result};
use ndarray::{ArrayView2, ArrayViewMut2, Axis, Slice, linalg::general_mat_mul};
use rayon::prelude::*;

/// Rows of a product that one thread takes at a time.
const ROWS: usize = 512;

/// A slice as a matrix of so many columns.
pub(super) fn matrix(numbers: &[f32], columns: usize) -> Result<ArrayView2<'_, f32>> {
    let shape = (numbers.len() / columns, columns);
    ArrayView2::from_shape(shape, numbers).map_err(Error::wrap)
}

/// `scale · a·b`.
pub(super) fn product(
    scale: f64,
    a: ArrayView2<'_, f32>,
    b: ArrayView2<'_, f32>,
) -> Result<Vec<f32>> {
    let mut sum = vec![0.0; a.nrows() * b.ncols()];
    add_product(&mut sum, 0.0, scale, a, b)?;
    Ok(sum)
}

/// Makes `sum` into `kept · sum + scale · a·b`.
pub(super) fn add_product(
    sum: &mut [f32],
    kept: f32,
    scale: f64,
    a: ArrayView2<'_, f32>,
    b: ArrayView2<'_, f32>,
) -> Result<()> {
    let columns = b.ncols();
    let pieces = sum.par_chunks_mut(ROWS * columns).enumerate();
    pieces.try_for_each(|(at, piece)| {
        let rows = piece.len() / columns;
        let a = a.slice_axis(Axis(0), Slice::from(at * ROWS..at * ROWS + rows));
        let mut piece = ArrayViewMut2::from_shape((rows, columns), piece).map_err(Error::wrap)?;
        general_mat_mul(scale as f32, &a, &b, kept, &mut piece);
        Ok(())
    })
}
