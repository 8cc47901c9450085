//! What a loss sees of the data: tensors of their log-probabilities and of their inputs.

use candle_core::{DType, Device, Tensor};
use gimmal_client::tinker::Logprobs;
use gimmal_client::types::tinker::{Datum, TensorData, TensorValues};

use super::{joined, leaf};
use crate::Error;

const TARGET_TOKENS: &str = "target_tokens";

/// The data of a pass, with a tensor of log-probabilities for each that the loss is
/// differentiated by.
#[derive(Debug)]
pub struct LossBatch<'a> {
    data: &'a [Datum],
    logprobs: Vec<Tensor>,
    dtype: DType,
}

/// One datum of a pass.
#[derive(Clone, Copy, Debug)]
pub struct DatumInputs<'a> {
    index: usize,
    datum: &'a Datum,
    logprobs: &'a Tensor,
}

/// Log-probabilities of data of different lengths as one matrix.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Padded {
    /// A row for each datum; zeros follow the shorter ones.
    pub logprobs: Tensor,
    /// One where there is a log-probability and zero where there is none.
    pub mask: Tensor,
}

impl<'a> LossBatch<'a> {
    /// The tensors of a pass: log-probabilities in the shape of the target tokens.
    pub(crate) fn new(
        data: &'a [Datum],
        logprobs: &[Logprobs],
        dtype: DType,
    ) -> Result<Self, Error> {
        if data.len() != logprobs.len() {
            let message = format!("holds {} for {} data", logprobs.len(), data.len());
            return Err(Error::invalid("logprobs", message));
        }
        let pairs = data.iter().zip(logprobs).enumerate();
        let logprobs = pairs
            .map(|(index, (datum, logprobs))| leaf(&shaped(index, datum, logprobs, dtype)?))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            data,
            logprobs,
            dtype,
        })
    }

    /// How many data there are.
    pub fn len(&self) -> usize {
        self.data.len()
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// The data as they were given.
    pub fn data(&self) -> &'a [Datum] {
        self.data
    }

    /// The log-probabilities of the target tokens of each datum, in the shape of those.
    pub fn logprobs(&self) -> &[Tensor] {
        &self.logprobs
    }

    /// What numbers the tensors hold.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The data one by one.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = DatumInputs<'_>> {
        let pairs = self.data.iter().zip(&self.logprobs).enumerate();
        pairs.map(|(index, (datum, logprobs))| DatumInputs {
            index,
            datum,
            logprobs,
        })
    }

    /// All log-probabilities in one tensor, datum after datum along the first axis.
    ///
    /// # Errors
    ///
    /// Fails when there are no data, or when they differ in more than their length.
    pub fn joined(&self) -> Result<Tensor, Error> {
        joined(&self.logprobs)
    }

    /// An input of all data in one tensor, in the order of [`joined`](Self::joined).
    ///
    /// # Errors
    ///
    /// Fails when a datum has no such input.
    pub fn joined_input(&self, name: &str) -> Result<Tensor, Error> {
        let inputs = self.iter().map(|datum| datum.input(name));
        joined(&inputs.collect::<Result<Vec<_>, _>>()?)
    }

    /// The log-probabilities as a matrix with a row for each datum. One operation on a matrix is
    /// much faster than one on each datum.
    ///
    /// # Errors
    ///
    /// Fails when there are no data, or when a datum's targets are not a row.
    pub fn padded(&self) -> Result<Padded, Error> {
        let lengths = self.iter().map(|datum| Ok(datum.row()?.dim(0)?));
        let lengths: Vec<usize> = lengths.collect::<Result<_, Error>>()?;
        let Some(&longest) = lengths.iter().max() else {
            return Err(Error::invalid("data", "must hold at least one datum"));
        };
        let rows = self.logprobs.iter().zip(&lengths);
        let rows = rows.map(|(row, length)| row.pad_with_zeros(0, 0, longest - length));
        let rows: Vec<Tensor> = rows.collect::<Result<_, _>>()?;
        let mut mask = Vec::with_capacity(longest * lengths.len());
        for length in lengths {
            mask.extend((0..longest).map(|place| if place < length { 1.0_f32 } else { 0.0 }));
        }
        let mask = Tensor::from_vec(mask, (self.len(), longest), &Device::Cpu)?;
        Ok(Padded {
            logprobs: Tensor::stack(&rows, 0)?,
            mask: mask.to_dtype(self.dtype)?,
        })
    }

    /// An input of all data as a matrix, padded with zeros like [`padded`](Self::padded).
    ///
    /// # Errors
    ///
    /// Fails when a datum has no such input, or one of another length than its targets.
    pub fn padded_input(&self, name: &str) -> Result<Tensor, Error> {
        let longest = self.logprobs.iter().map(Tensor::elem_count).max();
        let mut rows = Vec::with_capacity(self.len());
        for datum in self.iter() {
            let row = datum.input(name)?;
            datum.fits(name, &row)?;
            rows.push(row.pad_with_zeros(0, 0, longest.unwrap_or(0) - row.elem_count())?);
        }
        Ok(Tensor::stack(&rows, 0)?)
    }
}

impl<'a> DatumInputs<'a> {
    /// The place of the datum among the data.
    pub fn index(&self) -> usize {
        self.index
    }

    /// The datum as it was given.
    pub fn datum(&self) -> &'a Datum {
        self.datum
    }

    /// The log-probabilities of its target tokens.
    pub fn logprobs(&self) -> &'a Tensor {
        self.logprobs
    }

    /// An input of the datum, as floats like its log-probabilities.
    ///
    /// # Errors
    ///
    /// Fails when the datum has no such input, or a sparse one.
    pub fn input(&self, name: &str) -> Result<Tensor, Error> {
        let field = || format!("data[{}].loss_fn_inputs.{name}", self.index);
        let Some(tensor) = self.datum.loss_fn_inputs.get(name) else {
            return Err(Error::invalid(field(), "is missing; the loss asks for it"));
        };
        dense(tensor, self.logprobs.dtype()).map_err(|message| Error::invalid(field(), message))
    }

    fn row(&self) -> Result<&'a Tensor, Error> {
        match self.logprobs.rank() {
            1 => Ok(self.logprobs),
            rank => Err(Error::invalid(
                format!("data[{}]", self.index),
                format!("has target tokens of {rank} dimensions where a row is due"),
            )),
        }
    }

    fn fits(&self, name: &str, input: &Tensor) -> Result<(), Error> {
        if input.dims() == self.logprobs.dims() {
            return Ok(());
        }
        Err(Error::invalid(
            format!("data[{}].loss_fn_inputs.{name}", self.index),
            format!(
                "has the shape {:?} where that of the target tokens is {:?}",
                input.dims(),
                self.logprobs.dims()
            ),
        ))
    }
}

/// A tensor of the data as one of the tensor library.
pub(crate) fn dense(tensor: &TensorData, dtype: DType) -> Result<Tensor, String> {
    if tensor.is_sparse() {
        return Err("is sparse; a loss sees dense tensors only".to_owned());
    }
    let made = match tensor.data() {
        TensorValues::Float32(values) => Tensor::new(values.as_slice(), &Device::Cpu),
        TensorValues::Int64(values) => Tensor::new(values.as_slice(), &Device::Cpu),
        _ => return Err("is of a type that a loss cannot see".to_owned()),
    };
    let shaped = made.and_then(|made| match tensor.shape() {
        Some(shape) => {
            let shape = shape.iter().map(|side| usize::try_from(*side).unwrap_or(0));
            made.reshape(shape.collect::<Vec<_>>())
        }
        None => Ok(made),
    });
    shaped
        .and_then(|shaped| shaped.to_dtype(dtype))
        .map_err(|error| error.to_string())
}

fn shaped(index: usize, datum: &Datum, logprobs: &[f32], dtype: DType) -> Result<Tensor, Error> {
    let flat = Tensor::new(logprobs, &Device::Cpu)?.to_dtype(dtype)?;
    let Some(targets) = datum.loss_fn_inputs.get(TARGET_TOKENS) else {
        return Ok(flat);
    };
    let field = || format!("data[{index}].loss_fn_inputs.{TARGET_TOKENS}");
    if targets.element_count() != logprobs.len() {
        let message = format!(
            "holds {} tokens for {} log-probabilities",
            targets.element_count(),
            logprobs.len()
        );
        return Err(Error::invalid(field(), message));
    }
    let Some(shape) = targets.shape().filter(|shape| shape.len() > 1) else {
        return Ok(flat);
    };
    let sides = shape.iter().map(|side| usize::try_from(*side));
    let sides: Vec<usize> = sides
        .collect::<Result<_, _>>()
        .map_err(|_| Error::invalid(field(), "has a negative dimension"))?;
    Ok(flat.reshape(sides)?)
}
