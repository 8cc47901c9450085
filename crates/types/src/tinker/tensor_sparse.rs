//! Tensors from dense to sparse and back.

use super::tensor_data::product;
use super::{InvalidInput, TensorData, TensorValues};

/// A number that a cell may be padded with.
trait Cell: Copy + PartialEq {
    fn of(pad: i64) -> Self;
}

impl Cell for f32 {
    fn of(pad: i64) -> Self {
        pad as Self
    }
}

impl Cell for i64 {
    fn of(pad: i64) -> Self {
        pad
    }
}

impl TensorData {
    /// The same matrix in compressed sparse rows, with `pad` in the cells that are not listed.
    ///
    /// It stays dense when it is no matrix, and when the indices would take as much as they save:
    /// `(rows + 1) + 2 · listed ≥ rows · columns`.
    #[must_use]
    pub fn to_sparse(&self, pad: i64) -> Self {
        let (Some(&[rows, cols]), false) = (self.shape(), self.is_sparse()) else {
            return self.clone();
        };
        let (Ok(rows), Ok(cols)) = (usize::try_from(rows), usize::try_from(cols)) else {
            return self.clone();
        };
        let sparse = match self.data() {
            TensorValues::Float32(values) => compressed(values, [rows, cols], pad),
            TensorValues::Int64(values) => compressed(values, [rows, cols], pad),
        };
        sparse.unwrap_or_else(|| self.clone())
    }

    /// The same tensor with all its cells, `pad` in those that are not listed.
    ///
    /// # Errors
    ///
    /// Fails when a sparse tensor stands for more cells than memory can hold.
    pub fn to_dense(&self, pad: i64) -> Result<Self, InvalidInput> {
        let (Some(shape), Some(crow), Some(col)) = (
            self.shape(),
            self.sparse_crow_indices(),
            self.sparse_col_indices(),
        ) else {
            return Ok(self.clone());
        };
        let data = match self.data() {
            TensorValues::Float32(values) => spread(values, shape, crow, col, pad)?.into(),
            TensorValues::Int64(values) => spread(values, shape, crow, col, pad)?.into(),
        };
        Self::from_parts(data, Some(shape.to_vec()), None)
    }
}

fn compressed<T: Cell>(cells: &[T], [rows, cols]: [usize; 2], pad: i64) -> Option<TensorData>
where
    TensorValues: From<Vec<T>>,
{
    let pad = T::of(pad);
    let listed = cells.iter().filter(|&&cell| cell != pad).count();
    if (rows + 1) + 2 * listed >= rows * cols {
        return None;
    }
    let mut values = Vec::with_capacity(listed);
    let mut columns = Vec::with_capacity(listed);
    let mut starts = vec![0_i64];
    for row in cells.chunks(cols) {
        for (column, &cell) in row.iter().enumerate() {
            if cell != pad {
                values.push(cell);
                columns.push(i64::try_from(column).ok()?);
            }
        }
        starts.push(i64::try_from(values.len()).ok()?);
    }
    TensorData::csr(values, starts, columns, [rows, cols]).ok()
}

fn spread<T: Cell>(
    listed: &[T],
    shape: &[i64],
    crow: &[i64],
    col: &[i64],
    pad: i64,
) -> Result<Vec<T>, InvalidInput> {
    let too_large = || InvalidInput::new("shape", "stands for more cells than memory can hold");
    let total = product(shape).ok_or_else(too_large)?;
    let mut cells = Vec::new();
    cells.try_reserve_exact(total).map_err(|_| too_large())?;
    cells.resize(total, T::of(pad));
    let columns = shape.last().copied().unwrap_or_default();
    let index = |number: i64| usize::try_from(number).map_err(|_| too_large());
    for (row, range) in crow.windows(2).enumerate() {
        let start = row * index(columns)?;
        for place in index(range[0])?..index(range[1])? {
            // The indices were checked when the tensor was made.
            cells[start + index(col[place])?] = listed[place];
        }
    }
    Ok(cells)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matrix(rows: usize, cols: usize, cells: Vec<i64>) -> TensorData {
        let shape = [rows, cols].map(|size| i64::try_from(size).unwrap());
        TensorData::from(cells).with_shape(shape).unwrap()
    }

    #[test]
    fn only_matrices_that_gain_become_sparse() {
        let mut cells = vec![0; 20];
        cells[7] = 3;
        cells[19] = -1;
        let sparse = matrix(4, 5, cells).to_sparse(0);
        assert_eq!(sparse.sparse_crow_indices(), Some(&[0, 0, 1, 1, 2][..]));
        assert_eq!(sparse.sparse_col_indices(), Some(&[2, 4][..]));
        assert_eq!(sparse.as_i64(), Some(&[3, -1][..]));
        // 2 rows of 2: three starts and two entries for the one cell are five numbers, not four.
        assert!(!matrix(2, 2, vec![0, 0, 0, 1]).to_sparse(0).is_sparse());
        assert!(!TensorData::from(vec![0_i64; 50]).to_sparse(0).is_sparse());
        let floats = TensorData::from(vec![0.0_f32; 9])
            .with_shape([3, 3])
            .unwrap();
        assert!(floats.to_sparse(0).is_sparse());
        assert!(!floats.to_sparse(1).is_sparse());
    }

    #[test]
    fn a_tensor_larger_than_memory_is_refused() {
        let empty = Vec::<i64>::new();
        let huge = TensorData::csr(empty.clone(), [0, 0], empty, [1, usize::MAX / 2]).unwrap();
        assert_eq!(huge.to_dense(0).unwrap_err().field(), "shape");
    }

    proptest! {
        #[test]
        fn dense_and_sparse_hold_the_same(
            rows in 0_usize..8,
            cols in 0_usize..8,
            pad in -1_i64..2,
            seed: Vec<Option<i64>>,
        ) {
            let mut filler = seed.into_iter().chain(std::iter::repeat(None));
            let cells: Vec<i64> =
                (0..rows * cols).map(|_| filler.next().flatten().unwrap_or(pad)).collect();
            let dense = matrix(rows, cols, cells);
            let back = dense.to_sparse(pad).to_dense(pad).unwrap();
            prop_assert_eq!(back, dense);
        }
    }
}
