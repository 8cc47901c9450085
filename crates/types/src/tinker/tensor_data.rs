//! Tensors: numbers, dense or in compressed sparse rows, with the shape they stand for.
//!
//! The numbers are always of the declared type, and the parts always fit together.

use super::{InvalidInput, TensorDtype};

/// The numbers of a tensor.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum TensorValues {
    /// 32-bit floats.
    Float32(Vec<f32>),
    /// 64-bit signed integers.
    Int64(Vec<i64>),
}

/// A tensor of 32-bit floats or 64-bit integers.
///
/// ```
/// use gimmal_types::tinker::TensorData;
///
/// let weights = TensorData::from(vec![0.0_f32, 1.0, 1.0, 0.5]).with_shape([2, 2])?;
/// assert_eq!(weights.shape(), Some(&[2, 2][..]));
/// assert_eq!(weights.as_f32(), Some(&[0.0, 1.0, 1.0, 0.5][..]));
/// # Ok::<(), gimmal_types::tinker::InvalidInput>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct TensorData {
    data: TensorValues,
    shape: Option<Vec<i64>>,
    sparse_crow_indices: Option<Vec<i64>>,
    sparse_col_indices: Option<Vec<i64>>,
}

impl TensorValues {
    /// What the numbers are.
    pub fn dtype(&self) -> TensorDtype {
        match self {
            Self::Float32(_) => TensorDtype::Float32,
            Self::Int64(_) => TensorDtype::Int64,
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Float32(values) => values.len(),
            Self::Int64(values) => values.len(),
        }
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes they take.
    pub fn byte_len(&self) -> usize {
        match self {
            Self::Float32(values) => size_of_val(values.as_slice()),
            Self::Int64(values) => size_of_val(values.as_slice()),
        }
    }

    /// The numbers of another type: floats lose their fraction, large integers their last digits.
    #[must_use]
    pub fn cast(self, dtype: &TensorDtype) -> Self {
        match (self, dtype) {
            (Self::Float32(values), TensorDtype::Int64) => {
                Self::Int64(values.into_iter().map(|value| value as i64).collect())
            }
            (Self::Int64(values), TensorDtype::Float32) => {
                Self::Float32(values.into_iter().map(|value| value as f32).collect())
            }
            (values, _) => values,
        }
    }
}

impl From<Vec<f32>> for TensorValues {
    fn from(values: Vec<f32>) -> Self {
        Self::Float32(values)
    }
}

impl From<Vec<i64>> for TensorValues {
    fn from(values: Vec<i64>) -> Self {
        Self::Int64(values)
    }
}

impl TensorData {
    /// Numbers of which no shape is told; the service takes them for a row.
    pub fn unshaped(data: impl Into<TensorValues>) -> Self {
        Self {
            data: data.into(),
            shape: None,
            sparse_crow_indices: None,
            sparse_col_indices: None,
        }
    }

    /// A matrix of `rows` by `cols` in compressed sparse rows: the listed cells of row `i` are
    /// those from `crow_indices[i]` to `crow_indices[i + 1]`, and lie in the columns
    /// `col_indices`. Cells that are not listed hold the value that the reader pads with.
    ///
    /// # Errors
    ///
    /// Fails when the parts do not fit together.
    pub fn csr(
        values: impl Into<TensorValues>,
        crow_indices: impl Into<Vec<i64>>,
        col_indices: impl Into<Vec<i64>>,
        [rows, cols]: [usize; 2],
    ) -> Result<Self, InvalidInput> {
        let tensor = Self {
            data: values.into(),
            shape: Some(vec![dimension(rows)?, dimension(cols)?]),
            sparse_crow_indices: Some(crow_indices.into()),
            sparse_col_indices: Some(col_indices.into()),
        };
        tensor.check()?;
        Ok(tensor)
    }

    /// The parts of a tensor as they came over the wire.
    pub(super) fn from_parts(
        data: TensorValues,
        shape: Option<Vec<i64>>,
        indices: Option<(Vec<i64>, Vec<i64>)>,
    ) -> Result<Self, InvalidInput> {
        let (crow, col) = indices.unzip();
        let tensor = Self {
            data,
            shape,
            sparse_crow_indices: crow,
            sparse_col_indices: col,
        };
        tensor.check()?;
        Ok(tensor)
    }

    /// The same numbers in another shape.
    ///
    /// # Errors
    ///
    /// Fails when the shape stands for another count of numbers, and for sparse tensors.
    pub fn with_shape(mut self, shape: impl Into<Vec<i64>>) -> Result<Self, InvalidInput> {
        if self.is_sparse() {
            return Err(InvalidInput::new(
                "shape",
                "of a sparse tensor cannot change",
            ));
        }
        self.shape = Some(shape.into());
        self.check()?;
        Ok(self)
    }

    /// The same numbers as another type; see [`TensorValues::cast`].
    #[must_use]
    pub fn cast(mut self, dtype: &TensorDtype) -> Self {
        self.data = self.data.cast(dtype);
        self
    }

    /// What the numbers are.
    pub fn dtype(&self) -> TensorDtype {
        self.data.dtype()
    }

    /// The numbers: all of them, or the listed cells of a sparse tensor.
    pub fn data(&self) -> &TensorValues {
        &self.data
    }

    /// The numbers, without copying.
    pub fn into_data(self) -> TensorValues {
        self.data
    }

    /// The numbers, when they are floats.
    pub fn as_f32(&self) -> Option<&[f32]> {
        match &self.data {
            TensorValues::Float32(values) => Some(values),
            TensorValues::Int64(_) => None,
        }
    }

    /// The numbers, when they are integers.
    pub fn as_i64(&self) -> Option<&[i64]> {
        match &self.data {
            TensorValues::Int64(values) => Some(values),
            TensorValues::Float32(_) => None,
        }
    }

    /// The dimensions, when they were told.
    pub fn shape(&self) -> Option<&[i64]> {
        self.shape.as_deref()
    }

    /// Where each row begins among the listed cells, and where the last one ends.
    pub fn sparse_crow_indices(&self) -> Option<&[i64]> {
        self.sparse_crow_indices.as_deref()
    }

    /// The column of each listed cell.
    pub fn sparse_col_indices(&self) -> Option<&[i64]> {
        self.sparse_col_indices.as_deref()
    }

    /// True when only some cells are listed.
    pub fn is_sparse(&self) -> bool {
        self.sparse_crow_indices.is_some()
    }

    /// How many numbers it stands for.
    pub fn element_count(&self) -> usize {
        match (&self.shape, self.is_sparse()) {
            (Some(shape), true) => product(shape).unwrap_or(self.data.len()),
            _ => self.data.len(),
        }
    }

    /// How many bytes its numbers and indices take.
    pub fn byte_len(&self) -> usize {
        let indices = [&self.sparse_crow_indices, &self.sparse_col_indices];
        let indices = indices.into_iter().flatten();
        self.data.byte_len()
            + indices
                .map(|list| size_of_val(list.as_slice()))
                .sum::<usize>()
    }

    /// Refuses numbers that are not finite.
    ///
    /// # Errors
    ///
    /// Fails with the place of the first one.
    pub fn check_finite(&self) -> Result<(), InvalidInput> {
        let odd = self
            .as_f32()
            .and_then(|values| values.iter().position(|value| !value.is_finite()));
        match odd {
            None => Ok(()),
            Some(place) => Err(InvalidInput::new(
                format!("[{place}]"),
                "is not a finite number",
            )),
        }
    }

    /// Whether the parts fit together.
    fn check(&self) -> Result<(), InvalidInput> {
        let shape = self.shape.as_deref();
        let expected = shape.map(|shape| {
            product(shape).ok_or_else(|| {
                InvalidInput::new("shape", "must hold dimensions of 0 or more, not too large")
            })
        });
        let expected = expected.transpose()?;
        let (Some(crow), Some(col)) = (&self.sparse_crow_indices, &self.sparse_col_indices) else {
            if expected.is_some_and(|expected| expected != self.data.len()) {
                let given = self.data.len();
                let reason = format!("does not stand for the {given} numbers of the tensor");
                return Err(InvalidInput::new("shape", reason));
            }
            return Ok(());
        };
        let Some(&[rows, cols]) = shape else {
            let reason = "of a sparse tensor must have two dimensions";
            return Err(InvalidInput::new("shape", reason));
        };
        let refuse = |field: &str, reason: &str| Err(InvalidInput::new(field, reason));
        let crow_field = "sparse_crow_indices";
        if i64::try_from(crow.len()) != Ok(rows + 1) {
            return refuse(crow_field, "must have one entry more than there are rows");
        }
        let ends =
            crow.first() == Some(&0) && crow.last().copied() == i64::try_from(self.data.len()).ok();
        if !ends || !crow.is_sorted() {
            return refuse(crow_field, "must rise from 0 to the count of listed cells");
        }
        if col.len() != self.data.len() {
            return refuse("sparse_col_indices", "must have one entry per listed cell");
        }
        if col.iter().any(|col| !(0..cols).contains(col)) {
            return refuse("sparse_col_indices", "must lie below the count of columns");
        }
        Ok(())
    }
}

impl From<Vec<f32>> for TensorData {
    /// A row.
    fn from(values: Vec<f32>) -> Self {
        Self::row(values.into())
    }
}

impl From<Vec<i64>> for TensorData {
    /// A row.
    fn from(values: Vec<i64>) -> Self {
        Self::row(values.into())
    }
}

impl TensorData {
    fn row(data: TensorValues) -> Self {
        // A list in memory is never longer than `i64` counts.
        let shape = i64::try_from(data.len()).ok().map(|length| vec![length]);
        Self {
            shape,
            ..Self::unshaped(data)
        }
    }
}

/// Shows what it is, not what it holds.
impl std::fmt::Debug for TensorData {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("TensorData")
            .field("dtype", &self.dtype())
            .field("shape", &self.shape)
            .field("is_sparse", &self.is_sparse())
            .field("numbers", &self.data.len())
            .finish()
    }
}

impl std::fmt::Debug for TensorValues {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} numbers of {}", self.len(), self.dtype())
    }
}

/// How many numbers a shape stands for.
pub(super) fn product(shape: &[i64]) -> Option<usize> {
    let mut total: usize = 1;
    for &dimension in shape {
        total = total.checked_mul(usize::try_from(dimension).ok()?)?;
    }
    Some(total)
}

fn dimension(size: usize) -> Result<i64, InvalidInput> {
    i64::try_from(size).map_err(|_| InvalidInput::new("shape", "is too large"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_must_fit_the_numbers() {
        let row = TensorData::from(vec![1.0_f32, 2.0, 3.0, 4.0]);
        assert_eq!(row.shape(), Some(&[4][..]));
        assert_eq!((row.byte_len(), row.element_count()), (16, 4));
        let square = row.clone().with_shape([2, 2]).unwrap();
        assert_eq!(square.data(), row.data());
        for shape in [vec![3], vec![-1, -4], vec![i64::MAX, i64::MAX]] {
            assert_eq!(row.clone().with_shape(shape).unwrap_err().field(), "shape");
        }
        assert_eq!(TensorData::unshaped(vec![1_i64]).shape(), None);
    }

    #[test]
    fn numbers_are_cast() {
        let floats = TensorData::from(vec![1.9_f32, -2.5]);
        let integers = floats.cast(&TensorDtype::Int64);
        assert_eq!(integers.as_i64(), Some(&[1, -2][..]));
        assert_eq!(integers.as_f32(), None);
        let floats = integers.cast(&TensorDtype::Float32);
        assert_eq!(floats.as_f32(), Some(&[1.0, -2.0][..]));
        assert_eq!(floats.as_i64(), None);
        assert_eq!(floats.dtype(), TensorDtype::Float32);
        assert_eq!(floats.into_data(), TensorValues::Float32(vec![1.0, -2.0]));
    }

    #[test]
    fn sparse_parts_must_fit_together() {
        let make = |crow: &[i64], col: &[i64]| {
            TensorData::csr(vec![7_i64, 8], crow.to_vec(), col.to_vec(), [2, 3])
        };
        let tensor = make(&[0, 1, 2], &[2, 0]).unwrap();
        assert!(tensor.is_sparse());
        assert_eq!((tensor.element_count(), tensor.byte_len()), (6, 56));
        assert_eq!(tensor.clone().with_shape([6]).unwrap_err().field(), "shape");
        for (crow, col, field) in [
            (&[0, 2][..], &[0, 1][..], "sparse_crow_indices"),
            (&[1, 1, 2], &[0, 1], "sparse_crow_indices"),
            (&[0, 3, 2], &[0, 1], "sparse_crow_indices"),
            (&[0, 1, 2], &[0], "sparse_col_indices"),
            (&[0, 1, 2], &[0, 3], "sparse_col_indices"),
            (&[0, 1, 2], &[-1, 0], "sparse_col_indices"),
        ] {
            assert_eq!(make(crow, col).unwrap_err().field(), field);
        }
        let indices = Some((vec![0, 0], Vec::new()));
        let flat = TensorData::from_parts(Vec::<f32>::new().into(), Some(vec![1]), indices);
        assert_eq!(flat.unwrap_err().field(), "shape");
    }

    #[test]
    fn numbers_that_are_not_finite_are_found() {
        assert!(TensorData::from(vec![1_i64]).check_finite().is_ok());
        let tensor = TensorData::from(vec![0.0, f32::INFINITY]);
        assert_eq!(tensor.check_finite().unwrap_err().field(), "[1]");
        let shown = format!("{tensor:?} {:?}", tensor.data());
        assert!(!shown.contains("inf"), "{shown}");
        assert!(!tensor.data().is_empty());
    }
}
